//! Identifiers that Roster assigns: a prefix and a ULID (48 bits of milliseconds, 80 random bits) in lower-case
//! Crockford base 32, so they sort by creation time.

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `prefix` and 26 characters of `[0-9a-z]`, made at `now` from `random`.
pub fn new(prefix: &str, now: Timestamp, random: [u8; 10]) -> String {
    let low = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let ulid = u128::from(now.as_ms()) << 80 | low;
    let digits = (0..26).rev().map(|i| char::from(ALPHABET[(ulid >> (5 * i)) as usize & 31]));
    prefix.chars().chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_prefix_and_26_digits() {
        assert_eq!(new("usr_", Timestamp::from_ms(0), [0; 10]), "usr_00000000000000000000000000");
        assert_eq!(new("usr_", Timestamp::from_ms((1 << 48) - 1), [0xff; 10]), "usr_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(new("key_", Timestamp::from_ms(1_469_918_176_385), [0; 10]), "key_01aryz6s410000000000000000");
    }

    #[test]
    fn later_ids_sort_later() {
        let early = new("usr_", Timestamp::from_ms(1_700_000_000_000), [0xff; 10]);
        let late = new("usr_", Timestamp::from_ms(1_700_000_000_001), [0; 10]);
        assert!(early < late);
    }
}
