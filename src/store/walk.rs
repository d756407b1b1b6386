//! A walk through a project's users: what is asked of them, and what was found.

use super::StoredUser;
use crate::filter::{Field, Filter, Number};
use serde::{Deserialize, Serialize};

/// What a walk asks.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    /// Which users it is about. None: all.
    pub filter: Option<&'a Filter>,
    /// What it asks of them.
    pub question: Question<'a>,
}

/// What a walk asks of the users that it is about.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// Who they are.
    Users,
    /// How many they are; by the values of a field, if there is one.
    Count(Option<&'a Field>),
    /// Which names their properties and origins have.
    Properties,
}

/// The users of one part to examine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The bucket's number; 0 in D1.
    pub part: u8,
    /// Only users behind the one with this id; behind the empty one are all.
    pub after: String,
    /// Only users before the one with this id.
    pub before: Option<String>,
    /// How many users at most.
    pub users: u32,
    /// Bytes of their profiles at most; but the first user is examined in any case.
    pub max_bytes: usize,
    /// After how many found users to end, if the question is who they are. At least 1.
    pub limit: u32,
}

/// What came of one share.
#[derive(Debug)]
pub struct Walked {
    /// How far it went.
    pub reach: Reach,
    /// What was found there.
    pub found: Found,
}

/// How far a walk went in one part. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// How many users were examined.
    pub examined: u32,
    /// The id of the last one.
    pub last: Option<String>,
    /// Whether the part has more behind that one, those behind the share included.
    pub has_more: bool,
}

/// What was found. What the question does not ask for is empty.
#[derive(Debug, Default)]
pub struct Found {
    /// Who they are, in order.
    pub users: Vec<StoredUser>,
    /// How many they are, in groups: those that the first users opened, one more than
    /// [`MAX_GROUPS`](crate::bounds::MAX_GROUPS) of them at most, in the order of `first`.
    pub groups: Vec<GroupCount>,
    /// The names of their members, likewise.
    pub properties: Vec<PropertyCount>,
}

/// Users who have one value. Without a field to group by, all are of the kind `Null`. Its serialised form is a part of
/// messages that outlive deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCount {
    /// What the value is.
    pub kind: GroupKind,
    /// The text, or the digits of the number.
    pub value: Option<String>,
    /// How many they are.
    pub count: u64,
    /// The id of the first of them.
    pub first: String,
}

/// What a value is, to those who group by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupKind {
    /// Null, or missing.
    Null,
    /// `true`.
    True,
    /// `false`.
    False,
    /// A number that a double holds.
    Number,
    /// A text of at most [`MAX_GROUP_BYTES`](crate::bounds::MAX_GROUP_BYTES).
    Text,
    /// Anything else.
    Other,
}

/// Users who have one member. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyCount {
    /// `properties` or `origin`.
    pub section: String,
    /// The member's name.
    pub name: String,
    /// How many have it.
    pub users: u64,
    /// How many of them have a string there.
    pub string: u64,
    /// How many have a number there.
    pub number: u64,
    /// How many have `true` or `false` there.
    pub boolean: u64,
    /// How many have an object there.
    pub object: u64,
    /// How many have an array there.
    pub array: u64,
    /// The id of the first of them.
    pub first: String,
}

/// A value that users are grouped by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Null, or missing.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A number, by value.
    Number(Number),
    /// A text.
    Text(String),
    /// Anything else.
    Other,
}

impl GroupCount {
    /// The value that they have.
    pub fn group(&self) -> Group {
        match (self.kind, self.value.as_deref()) {
            (GroupKind::Null, _) => Group::Null,
            (GroupKind::True, _) => Group::Boolean(true),
            (GroupKind::False, _) => Group::Boolean(false),
            (GroupKind::Number, Some(digits)) => Group::Number(Number::parse(digits)),
            (GroupKind::Text, Some(text)) => Group::Text(text.to_owned()),
            _ => Group::Other,
        }
    }
}
