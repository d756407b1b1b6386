//! Holds the guides against the tree and the code: what they name is there, and what they must name is named.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use roster::api::{ApiError, Call, fail, log_line};
use std::collections::HashMap;
use std::path::Path;

const FOLDERS: [&str; 8] = ["src/", "tests/", "cli/", "web/", "migrations/", "bench/", "scripts/", ".ci/"];

/// Words that have a plainer or a more exact one.
const REFUSED: [&str; 9] =
    ["told", "a given", "the given", "stranger", "strangers", "stranger's", "mended", "be it", "of which"];

/// README is one screen and a half; the manual is in docs.
const MAX_README_BYTES: usize = 9216;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Path and text of each guide.
fn guides() -> Vec<(String, String)> {
    let mut guides = Vec::new();
    for folder in ["", "docs/", "bench/", "migrations/"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
                let path = format!("{folder}{name}");
                guides.push((path.clone(), read(&path)));
            }
        }
    }
    assert!(guides.len() > 10, "only {} guides were found", guides.len());
    guides
}

/// The targets of links within the repository, each with the text behind it.
fn links(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.filter(|(target, _)| !target.starts_with("http"))
}

/// A heading as GitHub names it in a link.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn anchors(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#').trim()))
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

/// A text without what stands in backticks, in lower case, with one space between words and none but letters in them.
fn words(text: &str) -> String {
    // By lines: in a pattern of the contract stands one backtick.
    let lines = text.split("```").step_by(2).flat_map(str::lines);
    let prose = lines.map(|line| line.split('`').step_by(2).collect::<Vec<_>>().join(" x "));
    let lower = prose.collect::<Vec<_>>().join(" ").to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    format!(" {} ", words.collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn assert_refuses_none(path: &str, text: &str) {
    for refused in REFUSED {
        if let Some((before, _)) = words(text).split_once(&format!(" {refused} ")) {
            let near: Vec<&str> = before.split(' ').rev().take(8).collect();
            let near: Vec<&str> = near.into_iter().rev().collect();
            panic!("{path}: “{} {refused}”: say it in a plainer word", near.join(" "));
        }
    }
}

#[test]
fn every_file_and_heading_that_a_guide_links_to_is_there() {
    for (guide, text) in guides() {
        let folder = root().join(&guide).parent().unwrap().to_owned();
        for (target, _) in links(&text) {
            let (file, heading) = target.split_once('#').map_or((target, None), |(file, h)| (file, Some(h)));
            let linked = if file.is_empty() { root().join(&guide) } else { folder.join(file) };
            assert!(linked.exists(), "{guide} links to {target}, which is not there");
            if let Some(heading) = heading {
                let text = std::fs::read_to_string(linked).unwrap();
                assert!(anchors(&text).any(|anchor| anchor == heading), "{guide} links to {target}: no such heading");
            }
        }
    }
}

#[test]
fn every_path_that_the_guides_for_contributors_quote_is_there() {
    for guide in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        for path in quoted_paths(&read(guide)) {
            assert!(root().join(path).exists(), "{guide} names {path}, which is not there");
        }
    }
}

#[test]
fn every_name_behind_a_link_stands_in_the_linked_file() {
    let mut checked = 0;
    for (target, behind) in links(&read("ARCHITECTURE.md")) {
        for name in names(behind) {
            let file = read(target);
            let is_there = file.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
            assert!(is_there, "ARCHITECTURE.md looks for {name} in {target}");
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} names were found to check");
}

#[test]
fn every_guide_and_the_contract_use_plain_words() {
    for (guide, text) in guides() {
        assert_refuses_none(&guide, &text);
    }
    assert_refuses_none("openapi.yaml", &read("openapi.yaml"));
}

#[test]
fn words_are_found_across_lines_and_whatever_their_case_but_not_in_code() {
    assert_eq!(words("Be\nit `told` _so_.\n```sh\nmended\n```\na `\nb\n"), " be it x so a b ");
}

#[test]
fn the_readme_can_be_read_in_minutes() {
    let bytes = read("README.md").len();
    assert!(bytes <= MAX_README_BYTES, "README.md has {bytes} bytes, at most {MAX_README_BYTES}: move it to docs");
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
    let operations = read("docs/operations.md");
    for field in fields.keys() {
        let has_row = operations.lines().any(|line| {
            line.starts_with("| `") && line.split('|').nth(1).is_some_and(|cell| cell.contains(&format!("`{field}`")))
        });
        assert!(has_row, "docs/operations.md has no row for {field}");
    }
}

/// A cost in thousandths of a cent for a million upserts, so that sums are exact.
fn parse_price(text: &str) -> u64 {
    let (dollars, fraction) = text.trim().trim_matches('*').trim_start_matches('$').split_once('.').unwrap();
    format!("{dollars}{fraction:0<5}").parse().unwrap()
}

fn in_cents(price: u64) -> String {
    let cents = (price + 500) / 1000;
    format!("${}.{:02}", cents / 100, cents % 100)
}

/// The cells of each row of the table of costs, by what stands in the first.
fn costs(operations: &str) -> HashMap<&str, Vec<&str>> {
    let (_, table) = operations.split_once("| for each upsert |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows = table.lines().skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    rows.map(|cells| (cells[0].trim_matches('*'), cells[1..].to_vec())).collect()
}

/// What is paid for every upsert, whatever it writes.
const FIXED: [&str; 4] =
    ["request of the Worker", "CPU, about 1.5 ms", "line of the log", "call of an object, and its active time"];
const READ: &str = "row read, about";
const READ_AGAIN: &str = "row read: the same body again";
/// Each sum, with the rows that it reads.
const SUMS: [(&str, &str); 3] =
    [("a property changes", READ), ("the same body again", READ_AGAIN), ("a new user with both", READ)];

#[test]
fn the_costs_are_the_sums_of_their_parts_wherever_they_stand() {
    let operations = read("docs/operations.md");
    let costs = costs(&operations);
    let part = |row: &str, store: usize| {
        let cells = costs.get(row).unwrap_or_else(|| panic!("no row “{row}” in the table of costs"));
        parse_price(cells[0]) * cells[store].parse::<u64>().unwrap()
    };
    let storage = read("docs/storage.md");
    let compared = storage.lines().find(|line| line.starts_with("| a million upserts ")).unwrap();
    for store in [1, 2] {
        let mut sums = Vec::new();
        for (what, read) in SUMS {
            let fixed: u64 = FIXED.iter().map(|row| part(row, store)).sum();
            let sum = in_cents(fixed + part(&format!("row written: {what}"), store) + part(read, store));
            assert_eq!(costs[format!("together: {what}").as_str()][store].trim_matches('*'), sum, "{what}");
            sums.push(sum);
        }
        let cell = compared.split('|').nth(store + 1).unwrap().trim();
        assert_eq!(cell, sums[..2].join("; "), "docs/storage.md");
    }
    let shared: u64 = FIXED.iter().map(|row| part(row, 1)).sum();
    let [change, new] = [("a property changes", 18), ("a new user with both", 10)].map(|(what, rows_read)| {
        let read = parse_price(costs[READ][0]) * rows_read;
        in_cents(part(&format!("row written: {what}"), 1) + read + shared / 1000)
    });
    for batches in
        [format!("alone, since the users share everything else: {change} a million"), format!("{new} a million new")]
    {
        assert!(operations.contains(&batches), "docs/operations.md does not say: {batches}");
    }
    let rows: u64 = costs["row written: a property changes"][1].parse().unwrap();
    let free = format!("100,000 free rows a day are {},000 changes", 100 / rows);
    assert!(operations.contains(&free), "docs/operations.md does not say: {free}");
    assert_eq!(rows, 2);
    let free =
        format!("A change writes two rows, so the Free plan's 100,000 rows a day are {},000 changes", 100 / rows);
    assert!(read("README.md").contains(&free), "README.md does not say: {free}");
    // 30 days of a call in 2.4 s. The schema test holds the 15 rows that one reads.
    let calls = 30 * 86_400 * 10 / 24;
    let [following, leases] = [shared + 15 * parse_price(costs[READ][0]), parse_price("$1.16")];
    let [following, leases] = [following, leases].map(|price| in_cents(price * calls / 1_000_000));
    for cost in
        [format!("a month: {following} on D1, and\n{leases} for the limiter's leases"), "$1.16 a million leases".into()]
    {
        assert!(operations.contains(&cost), "docs/operations.md does not say: {cost}");
    }
}

/// What `bench/{name}.mjs` wrote into `bench/README.md`.
fn measured_by<'b>(bench: &'b str, name: &str) -> &'b str {
    let (_, behind) = bench.split_once(&format!("<!-- Written by node bench/{name}.mjs. -->\n")).unwrap();
    behind.split_once(&format!("<!-- The end of what {name} writes. -->")).unwrap().0
}

/// The cells of each row of all tables, their heads among them.
fn cells(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with("| "));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The figure of `Roster on D1: 471 a second`.
fn figure(cell: &str) -> &str {
    cell.split_once(": ").and_then(|(_, figure)| figure.split(' ').next()).unwrap()
}

#[test]
fn each_figure_of_the_benchmarks_in_short_stands_in_a_table_and_on_its_side() {
    let bench = read("bench/README.md");
    let (_, tables) = bench.split_once("<!-- The end of what summary writes. -->").unwrap();
    let measured: Vec<&str> = cells(tables).concat();
    let stands =
        |figure: &str| measured.iter().any(|cell| cell.split([',', ' ']).next().is_some_and(|first| first == figure));
    let (mut is_faster, mut rows) = (true, 0);
    for row in cells(measured_by(&bench, "summary")) {
        if row[1] == "Roster" {
            is_faster = row[0] == "Roster is faster";
            continue;
        }
        let [own, other] = [figure(row[1]), figure(row[2])];
        assert!(stands(own) && stands(other), "no table has the figures of: {row:?}");
        let [own, other]: [f64; 2] = [own.parse().unwrap(), other.parse().unwrap()];
        let takes_less = if row[1].ends_with(" ms") { own < other } else { own > other };
        assert_eq!(takes_less, is_faster, "{row:?}");
        rows += 1;
    }
    assert!(rows >= 10, "only {rows} rows");
}

#[test]
fn the_readme_says_of_a_hop_what_was_measured() {
    let bench = read("bench/README.md");
    let rows = cells(measured_by(&bench, "hops"));
    let slowed = rows[0].iter().position(|head| *head == "100 ms more").unwrap();
    let warm = rows.iter().filter(|row| row[0].starts_with("Roster") && row[1] == "1");
    let medians: Vec<f64> = warm.map(|row| row[slowed].split(", ").next().unwrap().parse().unwrap()).collect();
    assert_eq!(medians.len(), 3, "{rows:?}");
    let [least, most] = [f64::min, f64::max].map(|one| medians.iter().copied().reduce(one).unwrap().round());
    let said = format!("{least}–{most} ms, where each remote call takes 100 ms longer");
    assert!(read("README.md").contains(&said), "README.md does not say: {said}");
}
