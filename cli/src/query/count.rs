//! `roster count`: how many users, and by which values.

use super::unprintable;
use super::walk::{Body, Walk};
use crate::args::CountArgs;
use crate::error::CliError;
use crate::format::csv_value;
use crate::interrupt::Interrupt;
use crate::progress_bar;
use roster::json;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Deserialize)]
struct CountIn<'a> {
    count: u64,
    #[serde(borrow, default)]
    groups: Vec<GroupIn<'a>>,
}

#[derive(Deserialize)]
struct GroupIn<'a> {
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(default)]
    other: bool,
    count: u64,
}

/// Prints the number of users, or with `--by` a line for each value.
pub fn run(args: &CountArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let (walk, mut body) = (Walk::new(&args.server, interrupt)?, Body::new(args.filter.to_json()?));
    if let Some(by) = &args.by {
        body.member("by", json::string(by));
    }
    let (mut users, mut groups) = (0, BTreeMap::<String, u64>::new());
    let examined = walk.post("/v1/users/count", &body, |answer| {
        let answer: CountIn = serde_json::from_str(answer).map_err(CliError::invalid_response)?;
        users += answer.count;
        for group in answer.groups {
            *groups.entry(name_of(&group)?).or_default() += group.count;
        }
        Ok(())
    })?;
    let mut out = io::stdout().lock();
    if args.by.is_none() {
        writeln!(out, "{users}").map_err(unprintable)?;
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, count)| Reverse(*count));
    for (name, count) in groups {
        writeln!(out, "{count}\t{name}").map_err(unprintable)?;
    }
    eprintln!("roster: {} of {examined}", progress_bar::count(users, "user"));
    Ok(())
}

/// The value as a cell; what could break a line of the answer is escaped.
fn name_of(group: &GroupIn) -> Result<String, CliError> {
    let Some(value) = group.value.filter(|_| !group.other) else {
        // Serde reads a value that is null as none.
        return Ok(if group.other { "(other)" } else { "null" }.into());
    };
    let json = json::parse(value.get().as_bytes()).map_err(CliError::invalid_response)?;
    let cell = csv_value::from_json(&json);
    Ok(if cell.contains(char::is_control) { value.get().into() } else { cell })
}
