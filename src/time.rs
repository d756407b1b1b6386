//! Time as a value: milliseconds since the Unix epoch, UTC. Nothing here reads a clock.

use crate::rule::BrokenRule;
use std::fmt;
use std::str::FromStr;

/// A moment, in whole milliseconds since 1970-01-01T00:00:00Z. Shown as RFC 3339 in UTC with milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

const RULE: &str = "Must be an RFC 3339 date and time of the years 1970 to 9999, as in 2027-01-01T00:00:00Z";
const MS_PER_DAY: i64 = 86_400_000;
const MINUTES_PER_DAY: i64 = 1440;
/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z: no moment before or after them has an RFC 3339 form.
pub const FIRST_MS: i64 = -62_167_219_200_000;
/// See [`FIRST_MS`].
pub const LAST_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The moment this many milliseconds after the epoch.
    pub const fn from_ms(ms: u64) -> Self {
        Timestamp(ms)
    }

    /// Milliseconds since the epoch.
    pub const fn as_ms(self) -> u64 {
        self.0
    }
}

/// Reads an RFC 3339 `date-time`, as [`rfc3339_ms`] does, from 1970 on.
impl FromStr for Timestamp {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        let ms = rfc3339_ms(text).and_then(|ms| u64::try_from(ms).ok());
        ms.map(Timestamp).ok_or_else(|| BrokenRule::new(RULE))
    }
}

/// Milliseconds since the epoch of an RFC 3339 `date-time` (section 5.6) of the years 0000 to 9999. Truncates fractions of a
/// second to milliseconds. A leap second, valid at 23:59:60 UTC only (section 5.7), counts as the first second of the next
/// day.
pub fn rfc3339_ms(text: &str) -> Option<i64> {
    let b = text.as_bytes();
    if b.len() < 20 || b[4] != b'-' || b[7] != b'-' || !matches!(b[10], b'T' | b't') || b[13] != b':' || b[16] != b':' {
        return None;
    }
    let field = |at: usize, len: usize, bounds: std::ops::RangeInclusive<i64>| {
        let digits = b.get(at..at + len).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
        let n = digits.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
        bounds.contains(&n).then_some(n)
    };
    let (year, month) = (field(0, 4, 0..=9999)?, field(5, 2, 1..=12)?);
    let day = field(8, 2, 1..=days_in_month(year, month))?;
    let minutes = field(11, 2, 0..=23)? * 60 + field(14, 2, 0..=59)?;
    let second = field(17, 2, 0..=60)?;

    let fraction = if b[19] == b'.' { b[20..].iter().take_while(|d| d.is_ascii_digit()).count() } else { 0 };
    if b[19] == b'.' && fraction == 0 {
        return None;
    }
    let ms = (0..3).fold(0, |ms, i| ms * 10 + if i < fraction { i64::from(b[20 + i] - b'0') } else { 0 });

    let zone = if b[19] == b'.' { 20 + fraction } else { 19 };
    let offset_minutes = match b.get(zone) {
        Some(b'Z' | b'z') if b.len() == zone + 1 => 0,
        Some(sign @ (b'+' | b'-')) if b.len() == zone + 6 && b[zone + 3] == b':' => {
            let minutes = field(zone + 1, 2, 0..=23)? * 60 + field(zone + 4, 2, 0..=59)?;
            if *sign == b'+' { minutes } else { -minutes }
        }
        _ => return None,
    };
    let minutes = minutes - offset_minutes;
    if second == 60 && minutes.rem_euclid(MINUTES_PER_DAY) != MINUTES_PER_DAY - 1 {
        return None;
    }
    let total = days_from_epoch(year, month, day) * MS_PER_DAY + (minutes * 60 + second) * 1000 + ms;
    (FIRST_MS..=LAST_MS).contains(&total).then_some(total)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rfc3339(i64::try_from(self.0).unwrap_or(i64::MAX), f)
    }
}

/// Writes a moment, in milliseconds since the epoch, as RFC 3339 in UTC.
pub fn write_rfc3339(ms: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (days, ms) = (ms.div_euclid(MS_PER_DAY), ms.rem_euclid(MS_PER_DAY));
    let (year, month, day) = date_of(days);
    let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{:03}Z", ms % 1000)
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01, counting years from March so that the leap day is the last of its year.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (m * 153 + 2) / 5 + day - 719_469
}

/// The inverse of [`days_from_epoch`].
fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::{OffsetDateTime, format_description::well_known::Rfc3339};

    #[test]
    fn it_reads_what_rfc_3339_allows_and_nothing_else() {
        let good = [
            ("1970-01-01T00:00:00Z", 0),
            ("2027-01-01T00:00:00Z", 1_798_761_600_000),
            ("2027-01-01t02:00:00.1239+02:00", 1_798_761_600_123),
            ("2024-02-29T23:59:60Z", 1_709_251_200_000),
            ("2017-01-01T05:29:60.5+05:30", 1_483_228_800_500),
            ("2016-12-31T15:59:60-08:00", 1_483_228_800_000),
            ("1969-12-31T23:00:00-01:00", 0),
            ("9999-12-31T23:59:59.999Z", LAST_MS.unsigned_abs()),
        ];
        for (text, ms) in good {
            assert_eq!(text.parse(), Ok(Timestamp(ms)), "{text}");
        }
        let bad = [
            "",
            "2027-01-01",
            "2027-01-01 00:00:00Z",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-01-01T24:00:00Z",
            "2027-01-01T12:30:60Z",
            "2017-01-01T23:59:60+05:30",
            "2027-01-01T23:59:61Z",
            "9999-12-31T23:59:59-00:01",
            "9999-12-31T23:59:60Z",
            "2027-01-01T00:00:00",
            "2027-01-01T00:00:00.Z",
            "2027-01-01T00:00:00+0200",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2027-01-01T00:00:00Zx",
            "+027-01-01T00:00:00Z",
            "2027-01-01T00:00:00é0000",
        ];
        for text in bad {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn moments_before_the_epoch_are_negative() {
        for (text, ms) in [
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("1600-02-29T12:00:00Z", Some(-11_670_955_200_000)),
            ("0000-01-01T00:00:00Z", Some(FIRST_MS)),
            ("0000-12-31T23:59:60Z", Some(FIRST_MS + 366 * MS_PER_DAY)),
            ("0000-01-01T00:00:00+00:01", None),
        ] {
            assert_eq!(rfc3339_ms(text), ms, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_time_crate(ms in 0..253_402_300_800_000_u64, offset in -1439..=1439_i32) {
            let theirs = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap();
            let shown = Timestamp(ms).to_string();
            prop_assert_eq!(OffsetDateTime::parse(&shown, &Rfc3339).unwrap(), theirs);
            prop_assert_eq!(shown.len(), 24);
            let zone = time::UtcOffset::from_whole_seconds(offset * 60).unwrap();
            if let Some(text) = theirs.checked_to_offset(zone).and_then(|t| t.format(&Rfc3339).ok())
            {
                prop_assert_eq!(text.parse(), Ok(Timestamp(ms)));
            }
        }
    }
}
