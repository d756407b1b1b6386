//! Identifiers that Roster assigns: a prefix and a ULID (48 bits of milliseconds, 80 random bits) in lower-case
//! Crockford base 32, so they sort by creation time. A user's ends with two check characters.

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Begins the id of a user.
const USER_PREFIX: &str = "usr_";
/// Characters of a user's id.
const USER_CHARS: usize = USER_PREFIX.len() + 26 + 2;
/// The modulus of ISO 7064 MOD 1271-36.
const MODULUS: u32 = 1271;

/// `prefix` and 26 characters of `[0-9a-z]`, made at `now` from `random`.
pub fn new(prefix: &str, now: Timestamp, random: [u8; 10]) -> String {
    let low = random.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let ulid = u128::from(now.as_ms()) << 80 | low;
    let digits = (0..26).rev().map(|i| char::from(ALPHABET[(ulid >> (5 * i)) as usize & 31]));
    prefix.chars().chain(digits).collect()
}

/// The id of a user: `usr_`, 26 characters of `[0-9a-z]`, and two check characters over all before them.
///
/// They are those of ISO 7064 MOD 1271-36, the standard's system for texts of letters and digits: it notices every wrong
/// character and every two that are swapped, and takes one in 1,271 of other texts for an id. So Roster knows its own id
/// where a caller's belongs, without asking the store, and an id of somebody else's that looks alike stays usable.
pub fn new_user(now: Timestamp, random: [u8; 10]) -> String {
    let id = new(USER_PREFIX, now, random);
    let check = (MODULUS + 1 - remainder(&id) * 36 * 36 % MODULUS) % MODULUS;
    let digits = [check / 36, check % 36].into_iter().filter_map(|digit| char::from_digit(digit, 36));
    id.chars().chain(digits).collect()
}

/// Whether [`new_user`] makes ids like this one.
pub fn is_of_user(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    text.len() == USER_CHARS
        && text.strip_prefix(USER_PREFIX).is_some_and(|digits| digits.bytes().all(is_digit))
        && remainder(text) == 1
}

/// What the letters and digits leave, read as one number in base 36 and divided by the modulus.
fn remainder(text: &str) -> u32 {
    text.chars().filter_map(|c| c.to_digit(36)).fold(0, |rest, digit| (rest * 36 + digit) % MODULUS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_prefix_and_26_digits() {
        assert_eq!(new("req_", Timestamp::from_ms(0), [0; 10]), "req_00000000000000000000000000");
        assert_eq!(new("req_", Timestamp::from_ms((1 << 48) - 1), [0xff; 10]), "req_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(new("key_", Timestamp::from_ms(1_469_918_176_385), [0; 10]), "key_01aryz6s410000000000000000");
    }

    #[test]
    fn a_users_id_has_two_check_characters_that_outlive_deploys() {
        for (ms, random, id) in [
            (0, 0, "usr_000000000000000000000000002p"),
            ((1 << 48) - 1, 0xff, "usr_7zzzzzzzzzzzzzzzzzzzzzzzzzgy"),
            (1_469_918_176_385, 0, "usr_01aryz6s410000000000000000mo"),
        ] {
            assert_eq!(new_user(Timestamp::from_ms(ms), [random; 10]), id);
            assert!(is_of_user(id), "{id}");
        }
        for other in [
            "",
            "usr_",
            "usr_01aryz6s410000000000000000",
            "key_01aryz6s410000000000000000mo",
            "USR_01ARYZ6S410000000000000000",
        ] {
            assert!(!is_of_user(other), "{other}");
        }
    }

    #[test]
    fn a_wrong_character_or_two_swapped_are_noticed_wherever_they_are() {
        let id = new_user(Timestamp::from_ms(1_700_000_000_000), *b"0123456789");
        for place in USER_PREFIX.len()..USER_CHARS {
            for c in ('0'..='9').chain('a'..='z').chain("A-é".chars()).filter(|c| !id[place..].starts_with(*c)) {
                let wrong = format!("{}{c}{}", &id[..place], &id[place + 1..]);
                assert!(!is_of_user(&wrong), "{wrong}");
            }
            let mut swapped = id.clone().into_bytes();
            swapped.swap(place - 1, place);
            let swapped = String::from_utf8(swapped).unwrap();
            assert!(swapped == id || !is_of_user(&swapped), "{swapped}");
        }
    }

    #[test]
    fn later_ids_sort_later() {
        let early = new_user(Timestamp::from_ms(1_700_000_000_000), [0xff; 10]);
        let late = new_user(Timestamp::from_ms(1_700_000_000_001), [0; 10]);
        assert!(early < late);
    }
}
