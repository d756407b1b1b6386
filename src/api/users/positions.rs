//! How far a walk has come in each part of a project, as the position of a cursor.
//!
//! It outlives deploys, so a test pins its form: for each part two bytes, which are a zero if the walk is at its end, else the
//! length of the last user's id and one; then that id.

use crate::placement::Buckets;

/// How far a walk has come in one part of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

/// Reads what [`write()`] makes, as positions in so many parts. None: it is not that of a project.
pub fn read(mut bytes: &[u8], parts: u8) -> Option<Vec<Position>> {
    let mut positions = Vec::new();
    while let Some((length, behind)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (id, behind) = behind.split_at_checked(length.saturating_sub(1))?;
        let id = || Some(Position::After(String::from_utf8(id.to_vec()).ok()?));
        positions.push(if length == 0 { Position::End } else { id()? });
        bytes = behind;
    }
    let is_whole = bytes.is_empty() && Buckets::of_count(positions.len() as u64).is_some();
    is_whole.then(|| in_parts(&positions, parts))
}

/// Positions in another number of parts, as after a move: of each part the least of those that had users of it. So users may be
/// met again, and nobody is missed.
pub fn in_parts(positions: &[Position], parts: u8) -> Vec<Position> {
    // All counts are powers of two, and the part of a user is a number modulo the count.
    let common = positions.len().min(parts.into()).max(1);
    let least = |part: usize| positions.iter().skip(part % common).step_by(common).min().cloned();
    (0..usize::from(parts)).map(|part| least(part).unwrap_or(Position::End)).collect()
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
    }

    #[test]
    fn in_another_number_of_parts_they_are_the_least_of_those_that_had_its_users() {
        let after = |id: &str| Position::After(id.into());
        let four = [after("d"), after("b"), Position::End, after("c")];
        assert_eq!(in_parts(&four, 1), [after("b")]);
        assert_eq!(in_parts(&[Position::End], 4), [const { Position::End }; 4]);
        let sixteen = in_parts(&four, 16);
        assert!(sixteen.chunks(4).all(|chunk| chunk == four), "{sixteen:?}");
        assert_eq!(in_parts(&sixteen, 4), four);
        assert_eq!(read(&write(&four), 1), Some(vec![after("b")]));
        assert_eq!(read(&write(&four[..3]), 4), None);
    }

    #[test]
    fn what_was_never_written_is_none() {
        for bytes in [&b""[..], b"\0", b"\0\x02", b"\0\x02\xff", b"\0\x01\0"] {
            assert_eq!(read(bytes, 1), None, "{bytes:?}");
        }
    }
}
