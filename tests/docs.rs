//! Holds the guides against the tree and the code: what they name is there, and what they must name is named.

use roster::api::{ApiError, Call, fail, log_line};
use std::path::Path;

const OPERATIONS: &str = include_str!("../docs/operations.md");

const GUIDES: [(&str, &str); 7] = [
    ("ARCHITECTURE.md", include_str!("../ARCHITECTURE.md")),
    ("CONTRIBUTING.md", include_str!("../CONTRIBUTING.md")),
    ("README.md", include_str!("../README.md")),
    ("SECURITY.md", include_str!("../SECURITY.md")),
    ("migrations/README.md", include_str!("../migrations/README.md")),
    ("docs/operations.md", OPERATIONS),
    ("CHANGELOG.md", include_str!("../CHANGELOG.md")),
];

const FOLDERS: [&str; 8] = ["src/", "tests/", "cli/", "web/", "migrations/", "bench/", "scripts/", ".ci/"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The targets of links to files, each with the text behind it.
fn links(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.filter(|(target, _)| !target.starts_with("http") && !target.starts_with('#'))
}

/// What stands between backticks and has the form of a path.
fn quoted_paths(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|text| !text.contains(' ') && FOLDERS.iter().any(|folder| text.starts_with(folder)))
}

/// The names in backticks right behind a link, up to the first other word.
fn names(behind: &str) -> impl Iterator<Item = &str> {
    let behind = if behind.starts_with([' ', '\n']) { behind } else { "" };
    let words = behind.split_whitespace().filter(|word| *word != "and");
    words.map_while(|word| word.trim_end_matches([',', ':', ';', '.', ')']).strip_prefix('`')?.strip_suffix('`'))
}

#[test]
fn every_file_that_a_guide_links_to_is_there() {
    for (guide, text) in GUIDES {
        let folder = root().join(guide).parent().unwrap().to_owned();
        for (target, _) in links(text) {
            let file = target.split('#').next().unwrap();
            assert!(folder.join(file).exists(), "{guide} links to {target}, which is not there");
        }
    }
}

#[test]
fn every_path_that_the_guides_for_contributors_quote_is_there() {
    for (guide, text) in &GUIDES[..2] {
        for path in quoted_paths(text) {
            assert!(root().join(path).exists(), "{guide} names {path}, which is not there");
        }
    }
}

#[test]
fn every_name_behind_a_link_stands_in_the_linked_file() {
    let mut checked = 0;
    for (target, behind) in links(GUIDES[0].1) {
        for name in names(behind) {
            let file = std::fs::read_to_string(root().join(target)).unwrap();
            let is_there = file.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
            assert!(is_there, "ARCHITECTURE.md looks for {name} in {target}");
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} names were found to check");
}

#[test]
fn the_guide_for_operators_has_a_row_for_every_field_of_the_log() {
    let call = Call {
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        version: Some("version".into()),
        ..Call::default()
    };
    let mut handled = fail(&call, ApiError::Internal { cause: "cause".into() }, None);
    handled.refused = vec!["m INVALID_VALUE".into()];
    let line: serde_json::Value = serde_json::from_str(&log_line(&call, &handled, 0, 0)).unwrap();
    let fields = line.as_object().unwrap();
    assert!(fields.contains_key("cause") && fields.contains_key("trace_id"), "{line}");
    for field in fields.keys() {
        let has_row = OPERATIONS.lines().any(|line| {
            line.starts_with("| `") && line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{field}`")))
        });
        assert!(has_row, "docs/operations.md has no row for {field}");
    }
}
