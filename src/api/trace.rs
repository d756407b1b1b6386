//! W3C Trace Context, section 3.2: the trace that a request belongs to, for the log.

/// Bytes of a `traceparent` header of version 00.
const BYTES: usize = 55;

/// The trace id of a `traceparent` header. None if it is not a valid one of version 00.
pub fn trace_id(traceparent: &str) -> Option<&str> {
    if traceparent.len() != BYTES {
        return None;
    }
    let mut parts = traceparent.split('-');
    let [version, trace_id, parent_id, flags] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let is_id = |id: &str, digits| is_hex(id, digits) && id.bytes().any(|digit| digit != b'0');
    (version == "00" && is_id(trace_id, 32) && is_id(parent_id, 16) && is_hex(flags, 2)).then_some(trace_id)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_taken_from_a_valid_header_alone() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        for flags in ["00", "01", "ff"] {
            assert_eq!(trace_id(&format!("00-{trace}-00f067aa0ba902b7-{flags}")), Some(trace), "{flags}");
        }
        for (header, why) in [
            ("", "empty"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "no flags"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-", "one part more"),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "upper case"),
            ("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", "no hex digit"),
            ("00-4bf92f3577b34da6a3ce929d0e0e47366-0f067aa0ba902b7-01", "a digit on the wrong side"),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", "trace id of zeros"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "parent id of zeros"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x", "flags that are no hex"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902-7-1", "a dash within"),
            ("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "another version"),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "the version that is forbidden"),
            ("00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-0", "no ASCII"),
        ] {
            assert_eq!(trace_id(header), None, "{why}");
        }
    }
}
