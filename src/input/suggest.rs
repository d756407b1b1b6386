//! Which of the known names a wrong one may mean.

use crate::bounds::MAX_POINTER_CHARS;

/// The known name that is nearest to this one, if it is near: equal but for case and punctuation, or a few slips of the
/// hand away, one for every three characters.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.len() > MAX_POINTER_CHARS {
        return None;
    }
    let wrong = letters(name);
    let near = |known: &&'k str| {
        let meant = letters(known);
        let most = wrong.len().max(meant.len()) / 3;
        // Saves most of the work on a body of unknown names.
        if wrong.len().abs_diff(meant.len()) > most {
            return None;
        }
        let slips = slips(&wrong, &meant);
        (slips <= most).then_some((slips, *known))
    };
    known.iter().filter_map(near).min_by_key(|(slips, _)| *slips).map(|(_, known)| known)
}

fn letters(name: &str) -> Vec<char> {
    name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// The fewest insertions, deletions, replacements and swaps of neighbours that make one of the other: the optimal string
/// alignment distance.
fn slips(one: &[char], other: &[char]) -> usize {
    let mut rows: [Vec<usize>; 3] = [Vec::new(), Vec::new(), (0..=other.len()).collect()];
    for i in 1..=one.len() {
        rows.rotate_left(1);
        rows[2] = vec![i];
        for j in 1..=other.len() {
            let replaced = rows[1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut fewest = replaced.min(rows[1][j] + 1).min(rows[2][j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                fewest = fewest.min(rows[0][j - 2] + 1);
            }
            rows[2].push(fewest);
        }
    }
    rows[2][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 6] = ["user_id", "email", "phone", "properties", "origin", "as_of"];

    #[test]
    fn a_name_with_a_slip_is_taken_for_the_one_that_is_meant() {
        for (name, meant) in [
            ("userId", "user_id"),
            ("USER-ID", "user_id"),
            ("user", "user_id"),
            ("emial", "email"),
            ("mail", "email"),
            ("e-mails", "email"),
            ("phne", "phone"),
            ("property", "properties"),
            ("Properites", "properties"),
            ("orgin", "origin"),
            ("asOf", "as_of"),
        ] {
            assert_eq!(nearest(name, &KNOWN), Some(meant), "{name}");
        }
    }

    #[test]
    fn a_name_of_its_own_is_taken_for_none() {
        let long = "email".repeat(100);
        for name in ["", "id", "plan", "name", "zip", "first_name", "traits", "attributes", "metadata", "é", &long] {
            assert_eq!(nearest(name, &KNOWN), None, "{name}");
        }
        assert_eq!(nearest("email", &[]), None);
    }

    #[test]
    fn slips_are_counted() {
        let count = |one: &str, other: &str| slips(&letters(one), &letters(other));
        assert_eq!([count("", "abc"), count("abc", "abc"), count("abc", "acb")], [3, 0, 1]);
        assert_eq!([count("abcd", "bcda"), count("kitten", "sitting"), count("ab", "ba")], [2, 3, 1]);
    }
}
