//! When a message was true, by a clock that may be wrong.

use super::arrival::{Arrival, Warning};
use crate::bounds::MAX_AHEAD_MS;
use crate::json::{Object, Value};
use crate::time::Timestamp;

/// When the message was true: its `timestamp`, else its `originalTimestamp`, else now.
///
/// `sentAt` shows how wrong the client's clock is: by more than [`MAX_AHEAD_MS`], either way, it is corrected, and by
/// less it is believed. Nothing that had to be corrected, and nothing without a `sentAt`, is later than now.
pub fn as_of<'a>(
    message: &Object<'a>,
    sent_at: Option<Timestamp>,
    arrival: &Arrival,
    warnings: &mut Vec<Warning>,
) -> Value<'a> {
    let mut written = None;
    for name in ["timestamp", "originalTimestamp"] {
        match message.get(name) {
            None | Some(Value::Null) => {}
            Some(value) => match moment(message, name) {
                Some(moment) => {
                    written = Some((name, moment.as_ms()));
                    break;
                }
                None if arrival.strict => return value.clone(),
                None => warnings.push(Warning {
                    field: name.into(),
                    message: "Not an RFC 3339 date and time of the years 1970 to 9999; not used".into(),
                }),
            },
        }
    }
    let Some((field, written)) = written else { return Value::String(arrival.now.to_string().into()) };
    let (sent_at, now) = (moment(message, "sentAt").or(sent_at).map(Timestamp::as_ms), arrival.now.as_ms());
    let as_of = match sent_at {
        None => written.min(now),
        Some(sent_at) if sent_at.abs_diff(now) <= MAX_AHEAD_MS && written <= now + MAX_AHEAD_MS => written,
        Some(sent_at) => (written + now).saturating_sub(sent_at).min(now),
    };
    if as_of != written {
        let message = if sent_at.is_none() {
            "Later than its arrival, and there is no sentAt; the arrival counts"
        } else {
            "Corrected by sentAt; at most the arrival counts"
        };
        warnings.push(Warning { field: field.into(), message: message.into() });
    }
    Value::String(Timestamp::from_ms(as_of).to_string().into())
}

/// The moment that a member says, if it can be read.
pub fn moment(object: &Object, name: &str) -> Option<Timestamp> {
    match object.get(name)? {
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    const NOW: u64 = 1_000_000_000_000;

    #[test]
    fn a_time_is_corrected_where_sent_at_shows_that_the_clock_is_wrong() {
        let at = |ms: u64| Timestamp::from_ms(ms).to_string();
        let read = |members: &str, sent_at: Option<u64>, strict| {
            let body = format!(r#"{{"userId":"u"{members}}}"#);
            let (arrival, mut warnings) = (Arrival { now: Timestamp::from_ms(NOW), strict }, Vec::new());
            let message = json::parse_object(body.as_bytes()).unwrap();
            let as_of = as_of(&message, sent_at.map(Timestamp::from_ms), &arrival, &mut warnings);
            let fields: Vec<_> = warnings.into_iter().map(|warning| warning.field).collect();
            (format!("{as_of:?}"), fields)
        };
        let hour = 3_600_000;
        for (members, sent_at, as_of, warnings) in [
            (String::new(), None, NOW, &[][..]),
            (format!(r#","timestamp":"{}""#, at(5)), None, 5, &[]),
            (
                format!(r#","timestamp":"{}""#, at(NOW + MAX_AHEAD_MS)),
                Some(NOW + MAX_AHEAD_MS),
                NOW + MAX_AHEAD_MS,
                &[],
            ),
            (format!(r#","timestamp":"{}""#, at(NOW + 1)), Some(NOW + hour), NOW + 1 - hour, &["timestamp"]),
            (format!(r#","timestamp":"{}""#, at(NOW - hour - 1)), Some(NOW - hour), NOW - 1, &["timestamp"]),
            (format!(r#","timestamp":"{}""#, at(NOW - hour)), Some(NOW - MAX_AHEAD_MS), NOW - hour, &[]),
            (format!(r#","timestamp":"{}""#, at(NOW + hour)), Some(NOW + hour + 7), NOW - 7, &["timestamp"]),
            (format!(r#","timestamp":"{}""#, at(NOW + hour)), Some(NOW), NOW, &["timestamp"]),
            (format!(r#","timestamp":"{}""#, at(NOW + hour)), None, NOW, &["timestamp"]),
            (format!(r#","timestamp":"{}""#, at(NOW + 1)), None, NOW, &["timestamp"]),
            (format!(r#","timestamp":"{0}","sentAt":"{0}""#, at(NOW + hour)), Some(NOW), NOW, &["timestamp"]),
            (format!(r#","timestamp":7,"originalTimestamp":"{}""#, at(9)), None, 9, &["timestamp"]),
            (r#","timestamp":"noon","originalTimestamp":"x""#.into(), None, NOW, &["timestamp", "originalTimestamp"]),
            (r#","timestamp":null"#.into(), None, NOW, &[]),
        ] {
            let read = read(&members, sent_at, false);
            let expected = Value::String(at(as_of).into());
            assert_eq!(
                read,
                (format!("{expected:?}"), warnings.iter().map(|name| (*name).into()).collect()),
                "{members}"
            );
        }
        let unread = Value::Number("7");
        assert_eq!(read(r#","timestamp":7"#, None, true), (format!("{unread:?}"), vec![]));
    }
}
