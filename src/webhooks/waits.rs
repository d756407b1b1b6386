//! How long an endpoint waits.

use crate::bounds::WEBHOOK_RETRY_S;
use crate::time;

/// Between two looks at the feed that nobody asked for, in milliseconds: what makes webhooks sure.
const LOOK_MS: u64 = 60_000;
/// The same while isolates may not know of the endpoint yet, and so don't poke it.
const FIRST_LOOK_MS: u64 = 2000;
/// How long that is: twice as long as an isolate knows a key.
const UNKNOWN_MS: u64 = 120_000;
/// Until a store that is away is asked again.
const STORE_MS: u64 = 5000;
/// For how long an answer is waited for.
const ANSWER_MS: u64 = 15_000;
/// The least that hurry leaves of it: an answer on a busy machine may take more than a second.
const HURRIED_ANSWER_MS: u64 = 3000;
/// The longest wait that a receiver can ask for.
const MAX_RETRY_AFTER_MS: u64 = 86_400_000;

/// The waits of one deployment. On a developer's machine they may pass faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// How many times faster.
    pub hurry: u64,
}

impl Waits {
    /// Until the feed is looked at again by an endpoint of this age.
    pub fn look_ms(self, age_ms: u64) -> u64 {
        self.shortened(if age_ms < UNKNOWN_MS { FIRST_LOOK_MS } else { LOOK_MS })
    }

    /// Until the alarm that stands while an endpoint works, in case that it breaks.
    pub fn guard_ms(self) -> u64 {
        self.shortened(LOOK_MS)
    }

    /// Until a store that is away is asked again.
    pub fn store_ms(self) -> u64 {
        self.shortened(STORE_MS)
    }

    /// For how long an answer is waited for.
    pub fn answer_ms(self) -> u64 {
        self.shortened(ANSWER_MS).max(HURRIED_ANSWER_MS)
    }

    /// Until the next try, after so many that failed, at least one. None: there is none. `random` spreads what failed
    /// together over a tenth to either side.
    pub fn retry_ms(self, tries: u32, random: u16) -> Option<u64> {
        let seconds = *WEBHOOK_RETRY_S.get(usize::try_from(tries).ok()?.checked_sub(1)?)?;
        let ms = seconds * 1000;
        let spread = ms / 5 * u64::from(random) / u64::from(u16::MAX);
        Some((ms - ms / 10 + spread) / self.hurry)
    }

    /// What passes faster, but for a second at least.
    fn shortened(self, ms: u64) -> u64 {
        (ms / self.hurry).max(ms.min(1000))
    }
}

/// What `Retry-After` asks for (RFC 9110 section 10.2.3): seconds, or a date; a second at least and a day at most. None: it
/// can't be read.
pub fn retry_after_ms(header: &str, now_ms: u64) -> Option<u64> {
    let header = header.trim();
    let ms = if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        header
            .bytes()
            .fold(0_u64, |n, digit| n.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
            .saturating_mul(1000)
    } else {
        http_date_ms(header)?.saturating_sub(now_ms)
    };
    Some(ms.clamp(1000, MAX_RETRY_AFTER_MS))
}

/// The moment of an HTTP date in its one form that may be written (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date_ms(text: &str) -> Option<u64> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let rest = text.split_once(", ")?.1;
    let mut parts = rest.split(' ');
    let (day, month, year, clock, zone) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.find(month).filter(|at| at % 3 == 0 && month.len() == 3)? / 3 + 1;
    if zone != "GMT" || parts.next().is_some() {
        return None;
    }
    u64::try_from(time::rfc3339_ms(&format!("{year}-{month:02}-{day}T{clock}Z"))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Waits = Waits { hurry: 1 };

    #[test]
    fn tries_are_seconds_to_a_day_apart_and_end() {
        let waits = |random| (1..=10).map_while(|tries| AT_ONCE.retry_ms(tries, random)).collect::<Vec<_>>();
        assert_eq!(waits(0)[..3], [4500, 270_000, 1_620_000]);
        assert_eq!(waits(u16::MAX)[..3], [5500, 330_000, 1_980_000]);
        assert_eq!(waits(0).len(), 9);
        assert_eq!(AT_ONCE.retry_ms(0, 0), None);
        assert_eq!(Waits { hurry: 1000 }.retry_ms(2, 0), Some(270));
    }

    #[test]
    fn a_new_endpoint_looks_every_two_seconds() {
        assert_eq!([0, 119_999, 120_000].map(|age| AT_ONCE.look_ms(age)), [2000, 2000, 60_000]);
        let hurried = Waits { hurry: 1000 };
        assert_eq!((hurried.look_ms(0), hurried.guard_ms(), hurried.answer_ms()), (1000, 1000, 3000));
    }

    #[test]
    fn a_receiver_says_when_to_come_again() {
        let now = 784_111_777_000;
        for (header, ms) in [
            ("120", Some(120_000)),
            (" 0 ", Some(1000)),
            ("86400", Some(86_400_000)),
            ("99999999999999999999999", Some(86_400_000)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(1000)),
            ("Sun, 06 Nov 1984 08:49:37 GMT", Some(1000)),
            ("Sun, 06 Nov 2094 08:49:37 GMT", Some(86_400_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 06 anF 1994 08:49:37 GMT", None),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after_ms(header, now), ms, "{header}");
        }
    }
}
