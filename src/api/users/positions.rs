//! How far a walk has come in each part of a project, as the position of a cursor.
//!
//! It outlives deploys, so a test pins its form: for each part two bytes, which are a zero if the walk is at its end, else the
//! length of the last user's id and one; then that id.

/// How far a walk has come in one part of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// Behind the user with this id; the empty one is before all.
    After(String),
    /// At the end.
    End,
}

/// The bytes of positions.
pub fn write(positions: &[Position]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for position in positions {
        match position {
            Position::End => bytes.extend([0, 0]),
            Position::After(id) => {
                let length = u16::try_from(id.len() + 1).unwrap_or(u16::MAX);
                bytes.extend(length.to_be_bytes());
                bytes.extend(id.as_bytes());
            }
        }
    }
    bytes
}

/// Reads what [`write()`] makes. None: it is not that of so many parts.
pub fn read(mut bytes: &[u8], parts: u8) -> Option<Vec<Position>> {
    let mut positions = Vec::new();
    while let Some((length, behind)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, behind) = behind.split_at_checked(length.saturating_sub(1))?;
        let id = || Some(Position::After(String::from_utf8(id.to_vec()).ok()?));
        positions.push(if length == 0 { Position::End } else { id()? });
        bytes = behind;
    }
    (bytes.is_empty() && positions.len() == usize::from(parts)).then_some(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_form_is_pinned() {
        let positions = ["user_123", "", "é"].map(|id| Position::After(id.into()));
        let positions = [&positions[..], &[Position::End]].concat();
        let bytes = b"\0\x09user_123\0\x01\0\x03\xc3\xa9\0\0";
        assert_eq!(write(&positions), bytes);
        assert_eq!(read(bytes, 4), Some(positions));
        for parts in [1, 3, 5] {
            assert_eq!(read(bytes, parts), None);
        }
    }

    #[test]
    fn what_was_never_written_is_none() {
        for bytes in [&b""[..], b"\0", b"\0\x02", b"\0\x02\xff", b"\0\x01\0"] {
            assert_eq!(read(bytes, 1), None, "{bytes:?}");
        }
    }
}
