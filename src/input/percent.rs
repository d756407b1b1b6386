//! Percent-encoding of one path segment (RFC 3986 section 2).

/// Encodes every byte but the unreserved characters.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Decodes once. None if a `%` is not followed by two hexadecimal digits, or if the bytes are not UTF-8.
pub fn decode(segment: &str) -> Option<String> {
    let mut parts = segment.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_encodes_all_but_the_unreserved_and_decodes_once() {
        assert_eq!(encode("user_123.~-"), "user_123.~-");
        assert_eq!(encode("a/b ?#%é"), "a%2Fb%20%3F%23%25%C3%A9");
        assert_eq!(decode("a%2fb%2520+").as_deref(), Some("a/b%20+"));
        for bad in ["%", "%2", "%zz", "%+1", "%C3", "%é0", "%2é"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(text: String) {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
    }
}
