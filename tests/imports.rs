//! Holds the law of imports that ARCHITECTURE.md states: a file takes names from its own room and from rooms below it.

#![expect(clippy::unwrap_used, reason = "a test: what it reads is there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of `src/`, floor by floor from the top. Rooms of one floor do not know each other.
const FLOORS: [&[&str]; 9] = [
    &["edge"],
    &["api"],
    &["webhooks"],
    &["store", "rate_limit"],
    &["filter"],
    &["user", "key"],
    &["id"],
    &["input", "time", "placement"],
    &["json", "bounds", "rule", "sorted"],
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let nested = paths.map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    nested.flatten().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn floor_of(room: &str) -> usize {
    FLOORS.iter().position(|rooms| rooms.contains(&room)).unwrap_or_else(|| panic!("{room} is on no floor"))
}

/// The rooms that a file names behind `crate::`, its tests and comments apart.
fn named_rooms(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = lines.flat_map(|line| line.split("crate::").skip(1));
    names.map(|name| name.split(|c: char| c != '_' && !c.is_alphanumeric()).next().unwrap().to_owned()).collect()
}

#[test]
fn a_file_imports_from_its_own_room_and_from_floors_below() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files(&src).iter().filter(|file| !file.ends_with("src/lib.rs")) {
        let path = file.strip_prefix(&src).unwrap();
        let room = path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        for named in named_rooms(file) {
            let is_below = floor_of(room) < floor_of(&named);
            assert!(named == room || is_below, "{} imports from {named}, which is not below", path.display());
        }
    }
}
