//! The header `If-Match` (RFC 9110 section 13.1.1), and the tags of both that name revisions.

use crate::api::error::ApiError;
use crate::api::http::Call;
use crate::input::fields::{FaultList, Part};
use crate::store::IfMatch;

/// Which user a write is meant for, if the call says so; 400.
pub fn read(call: &Call) -> Result<Option<IfMatch>, ApiError> {
    let Some(header) = &call.if_match else { return Ok(None) };
    parse(header).map(Some).ok_or_else(|| fault("Must be *, or the ETag of a user, or several with commas between"))
}

/// Refuses the header where there is no one user that it could name.
pub fn refuse(call: &Call) -> Result<(), ApiError> {
    let refused = || fault("Must not be sent with a batch, which has no revision");
    call.if_match.as_ref().map_or(Ok(()), |_| Err(refused()))
}

fn fault(rule: &'static str) -> ApiError {
    ApiError::Faults(FaultList::one(Part::Header, "If-Match", rule))
}

/// Reads `*` or a list of entity tags. A weak one counts as a strong one: Cloudflare weakens the tag of an answer that it
/// compresses, and one revision has one representation. A tag that no user ever had names no revision.
pub(super) fn parse(header: &str) -> Option<IfMatch> {
    const SPACE: [char; 2] = [' ', '\t'];
    let mut rest = header.trim_matches(SPACE);
    if rest == "*" {
        return Some(IfMatch::Any);
    }
    let (mut revisions, mut is_empty) = (Vec::new(), true);
    loop {
        // A list may have empty elements (section 5.6.1.2).
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return if is_empty { None } else { Some(IfMatch::Revisions(revisions)) };
        }
        let tag = rest.strip_prefix("W/").unwrap_or(rest);
        // A tag may have commas in it, and no escapes (section 8.8.3).
        let (tag, behind) = tag.strip_prefix('"')?.split_once('"')?;
        if tag.contains(|c: char| c <= ' ' || c == '\u{7f}') {
            return None;
        }
        rest = behind.trim_start_matches(SPACE);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
        is_empty = false;
        let revision = tag.parse().ok().filter(|revision: &u64| revision.to_string() == tag);
        revisions.extend(revision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_any_user_or_some_revisions() {
        assert_eq!(parse(" * "), Some(IfMatch::Any));
        for (header, revisions) in [
            ("\"1\"", vec![1]),
            ("\t\"1\" ,, \"20\",", vec![1, 20]),
            ("W/\"1\"", vec![1]),
            ("W/\"1\", \"2\",W/\"3\"", vec![1, 2, 3]),
            ("W/\"01\"", vec![]),
            ("\"\"", vec![]),
            ("\"a,b\",\"3\"", vec![3]),
            ("\"01\", \"+1\", \"1.0\", \"-1\", \"\u{e9}\"", vec![]),
            ("\"18446744073709551616\"", vec![]),
        ] {
            assert_eq!(parse(header), Some(IfMatch::Revisions(revisions)), "{header}");
        }
    }

    #[test]
    fn what_is_no_list_of_tags_is_none() {
        for header in [
            "",
            " ",
            ",",
            "1",
            "\"1",
            "1\"",
            "\"1\" \"2\"",
            "\"1\"2",
            "\"a b\"",
            "w/\"1\"",
            "W/1",
            "W/ \"1\"",
            "*, \"1\"",
            "\"1\", *",
            "**",
        ] {
            assert_eq!(parse(header), None, "{header}");
        }
    }
}
