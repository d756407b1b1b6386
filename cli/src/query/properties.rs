//! `roster properties`: the names in use.

use super::unprintable;
use super::walk::Walk;
use crate::args::PropertiesArgs;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::progress_bar;
use roster::json;
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Deserialize)]
struct PropertiesIn {
    properties: Vec<PropertyIn>,
}

#[derive(Deserialize)]
struct PropertyIn {
    field: String,
    types: BTreeMap<String, u64>,
    users: u64,
}

#[derive(Default)]
struct Property {
    types: BTreeMap<String, u64>,
    users: u64,
}

/// Prints a line for each name, the most frequent first.
pub fn run(args: &PropertiesArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let mut properties = BTreeMap::<String, Property>::new();
    let examined = Walk::new(&args.server, interrupt)?.get("/v1/properties", |answer| {
        let answer: PropertiesIn = serde_json::from_str(answer).map_err(CliError::invalid_response)?;
        for PropertyIn { field, types, users } in answer.properties {
            let known = properties.entry(field).or_default();
            known.users += users;
            for (name, count) in types {
                *known.types.entry(name).or_default() += count;
            }
        }
        Ok(())
    })?;
    let mut out = io::stdout().lock();
    let mut lines: Vec<_> = properties.iter().collect();
    lines.sort_by_key(|(_, property)| Reverse(property.users));
    for (field, Property { types, users }) in lines {
        let types: Vec<_> = types.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let twins = twins(field, properties.keys());
        let note = if twins.is_empty() { String::new() } else { format!("\tlike {}", twins.join(", ")) };
        writeln!(out, "{users}\t{}\t{}{note}", types.join(", "), shown(field)).map_err(unprintable)?;
    }
    eprintln!("roster: {} of {examined} users", progress_bar::count(properties.len() as u64, "name"));
    Ok(())
}

/// The names that differ from this one by case and punctuation alone.
fn twins<'k>(field: &str, known: impl Iterator<Item = &'k String>) -> Vec<String> {
    let letters = |name: &str| -> Option<String> {
        let (section, key) = name.split_once('.')?;
        let letters: String = key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        (!letters.is_empty()).then(|| format!("{section}.{letters}"))
    };
    let own = letters(field);
    known.filter(|name| *name != field && own.is_some() && letters(name) == own).map(|name| shown(name)).collect()
}

/// A name that fits into a line.
fn shown(name: &str) -> String {
    if name.contains(char::is_control) { json::string(name) } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_by_case_and_punctuation_are_twins() {
        let names =
            ["properties.signup_date", "properties.signupDate", "origin.signupDate", "properties.-", "properties.!"];
        let names = names.map(str::to_owned);
        assert_eq!(twins("properties.signup_date", names.iter()), ["properties.signupDate"]);
        assert_eq!(twins("origin.signupDate", names.iter()), [""; 0]);
        assert_eq!(twins("properties.-", names.iter()), [""; 0]);
    }
}
