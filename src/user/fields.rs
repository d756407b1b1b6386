//! The fixed fields of a user's profile. What parses, stores, answers, exports or edits a profile takes their names from
//! here, or is held to them by a test: CONTRIBUTING.md, "Add a field", says which does what.

use super::{Email, Phone};
use crate::rule::BrokenRule;
use std::borrow::Cow;

/// A field that holds a text. Users are looked up by it, and null clears it.
#[derive(Debug)]
pub struct Contact {
    /// Its name, in JSON, in a query, in SQL and in the header of a table. It has no slash: see [`Section::prefix`].
    pub name: &'static str,
    /// What it holds, as the end of a sentence.
    pub noun: &'static str,
    /// Checks a text, and tidies it into what is stored.
    pub tidy: fn(&str) -> Result<Cow<'_, str>, BrokenRule>,
}

/// A field that holds members of any name.
#[derive(Debug)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// What stands before a key to name a member of it among [`Members`](super::Members).
    pub prefix: &'static str,
}

/// The texts, in the order of the contract.
pub static CONTACTS: [Contact; 2] = [
    Contact { name: "email", noun: "an e-mail address", tidy: |text| Ok(Email::parse(text)?.as_str().into()) },
    Contact { name: "phone", noun: "an E.164 phone number", tidy: |text| Ok(Phone::parse(text)?.into()) },
];

/// The open objects, in the order of the contract.
pub static SECTIONS: [Section; 2] =
    [Section { name: "properties", prefix: "p/" }, Section { name: "origin", prefix: "o/" }];
