//! The position at which a listing continues, as opaque text.
//!
//! It outlives deploys, so a test pins its form: base64url (RFC 4648 section 5) without padding, of 8 bytes
//! of checksum, 8 bytes of milliseconds, and the last user's id. The checksum binds it to its filter and
//! detects changes. It is no secret and guards nothing: the project decides what a key may see.

use crate::store::{Filter, Position};
use crate::time::Timestamp;
use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 8;

pub fn write(position: &Position, filter: &Filter) -> String {
    let ms = position.updated_at.as_ms().to_be_bytes();
    Base64UrlUnpadded::encode_string(
        &[&checksum(position, filter)[..CHECKSUM_BYTES], &ms, position.external_id.as_bytes()].concat(),
    )
}

/// Reads a cursor. None unless it is byte for byte what [`write()`] makes for this filter.
pub fn parse(text: &str, filter: &Filter) -> Option<Position> {
    let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
    let (ms, id) = bytes.get(CHECKSUM_BYTES..)?.split_first_chunk()?;
    let position = Position {
        updated_at: Timestamp::from_ms(u64::from_be_bytes(*ms)),
        external_id: String::from_utf8(id.to_vec()).ok()?,
    };
    (write(&position, filter) == text).then_some(position)
}

fn checksum(position: &Position, filter: &Filter) -> [u8; 32] {
    let ms = |at: Timestamp| at.as_ms().to_string();
    // All of it: with another field, this must not compile.
    let Filter { email, phone, updated_after } = filter;
    let parts = [
        "cursor 1",
        email.map_or("", |email| email.as_str()),
        phone.as_ref().map_or("", |phone| phone.as_str()),
        &updated_after.map_or_else(String::new, ms),
        &ms(position.updated_at),
        &position.external_id,
    ];
    Sha256::digest(parts.join("\n")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{Email, Phone};
    use proptest::prelude::*;

    fn position(ms: u64, id: &str) -> Position {
        Position { updated_at: Timestamp::from_ms(ms), external_id: id.into() }
    }

    #[test]
    fn the_cursor_format_is_pinned() {
        let filter = Filter {
            email: Email::parse("a@b.c").ok(),
            phone: Phone::parse("+123").ok(),
            updated_after: Some(Timestamp::from_ms(1)),
        };
        for (filter, text) in
            [(Filter::default(), "8jF1exJPsJgAAAGLz-VoAHVzZXJfMTIz"), (filter, "PFOt1n4nO7AAAAGLz-VoAHVzZXJfMTIz")]
        {
            let position = position(1_700_000_000_000, "user_123");
            assert_eq!(write(&position, &filter), text);
            assert_eq!(parse(text, &filter), Some(position));
        }
    }

    #[test]
    fn a_cursor_of_another_filter_is_none() {
        let updated_after = |ms| Filter { updated_after: Some(Timestamp::from_ms(ms)), ..Filter::default() };
        let email = Filter { email: Email::parse("a@b.c").ok(), ..Filter::default() };
        let filters = [Filter::default(), updated_after(0), updated_after(1), email];
        for (i, filter) in filters.iter().enumerate() {
            let text = write(&position(7, "u"), filter);
            for (k, other) in filters.iter().enumerate() {
                assert_eq!(parse(&text, other).is_some(), i == k);
            }
        }
    }

    #[test]
    fn what_was_never_a_cursor_is_none() {
        for text in ["", "A", "AA==", "user_123", "é", "AAAAAAAAAAAAAAAAAAAAAAA", &"A".repeat(10_000)] {
            assert_eq!(parse(text, &Filter::default()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_and_one_changed_character_is_noticed(
            ms: u64, id in "\\PC{1,8}", at: prop::sample::Index, with in "[0-9A-Za-z_=é-]?"
        ) {
            let text = write(&position(ms, &id), &Filter::default());
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(parse(&text, &Filter::default()), Some(position(ms, &id)));
            let mut changed = text.clone();
            let at = at.index(text.len());
            changed.replace_range(at..=at, &with);
            prop_assert_eq!(parse(&changed, &Filter::default()).is_some(), changed == text);
        }
    }
}
