//! The position at which a walk goes on, as opaque text.
//!
//! It outlives deploys, so a test pins its form: base64url (RFC 4648 section 5) without padding, of 8 bytes of checksum and
//! the position. The checksum binds it to the walk and detects changes. It is no secret and guards nothing: the project decides
//! what a key may see.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What an answer says of a walk.
#[derive(Serialize)]
pub struct PaginationOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    pub has_more: bool,
    pub next_cursor: Option<String>,
}

/// Bytes of the checksum.
const CHECKSUM_BYTES: usize = 8;

/// The cursor of a position in a walk, which texts describe.
pub fn write(walk: &[&str], position: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(&[&checksum(walk, position)[..CHECKSUM_BYTES], position].concat())
}

/// Reads a position. None unless the text is byte for byte what [`write()`] makes for this walk.
pub fn read(walk: &[&str], text: &str) -> Option<Vec<u8>> {
    let mut bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
    let position = (bytes.len() >= CHECKSUM_BYTES).then(|| bytes.split_off(CHECKSUM_BYTES))?;
    (write(walk, &position) == text).then_some(position)
}

fn checksum(walk: &[&str], position: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in walk {
        // No text runs into the next.
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash.update(position);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_form_of_a_cursor_is_pinned() {
        for (walk, text) in [([].as_slice(), "gPugrhxI45d1c2VyXzEyMw"), (&["users", "a@b.c"], "RnG8VgFoHn11c2VyXzEyMw")]
        {
            assert_eq!(write(walk, b"user_123"), text);
            assert_eq!(read(walk, text).as_deref(), Some(b"user_123".as_slice()));
        }
    }

    #[test]
    fn a_cursor_of_another_walk_is_none() {
        let walks: [&[&str]; 5] = [&[], &["a"], &["a", ""], &["", "a"], &["ab"]];
        for (i, walk) in walks.iter().enumerate() {
            let text = write(walk, b"u");
            for (k, other) in walks.iter().enumerate() {
                assert_eq!(read(other, &text).is_some(), i == k, "{other:?}");
            }
        }
    }

    #[test]
    fn what_was_never_a_cursor_is_none() {
        for text in ["", "A", "AA==", "user_123", "é", "AAAAAAAAAAAAAAAAAAAAAAA", &"A".repeat(10_000)] {
            assert_eq!(read(&[], text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_and_one_changed_character_is_noticed(
            position: Vec<u8>, at: prop::sample::Index, with in "[0-9A-Za-z_=é-]?"
        ) {
            let text = write(&["walk"], &position);
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(read(&["walk"], &text), Some(position));
            let mut changed = text.clone();
            let at = at.index(text.len());
            changed.replace_range(at..=at, &with);
            prop_assert_eq!(read(&["walk"], &changed).is_some(), changed == text);
        }
    }
}
