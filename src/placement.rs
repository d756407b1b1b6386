//! Where a project's users live.

use crate::rule::BrokenRule;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::str::FromStr;

/// Where a project's users live, until it is moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", try_from = "Readable")]
pub enum Storage {
    /// In D1, with those of all such projects.
    #[default]
    D1,
    /// In Durable Objects of the project's own.
    Objects(Placement),
}

/// How it is read: what serde makes of a tagged enum takes some KB of the Worker.
#[derive(Deserialize)]
struct Readable {
    kind: String,
    buckets: Option<Buckets>,
    jurisdiction: Option<Jurisdiction>,
    location: Option<Location>,
}

impl TryFrom<Readable> for Storage {
    type Error = &'static str;

    fn try_from(Readable { kind, buckets, jurisdiction, location }: Readable) -> Result<Self, &'static str> {
        match (kind.as_str(), buckets) {
            ("d1", _) => Ok(Storage::D1),
            ("objects", Some(buckets)) => Ok(Storage::Objects(Placement { buckets, jurisdiction, location })),
            _ => Err("no storage of this version"),
        }
    }
}

impl Storage {
    /// How many parts the users are in, each with a database of its own.
    pub fn parts(self) -> u8 {
        match self {
            Storage::D1 => 1,
            Storage::Objects(placement) => placement.buckets.count(),
        }
    }

    /// The number of the part that a user is in, from 0.
    pub fn part_of(self, external_id: &str) -> u8 {
        match self {
            Storage::D1 => 0,
            Storage::Objects(placement) => placement.buckets.bucket_of(external_id),
        }
    }
}

/// A storage that a project has once: if it comes back to the same storage, that is another place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Where it is.
    pub storage: Storage,
    /// The number of the place, which no other one of the project has, not even one that it was never moved to. 0 until
    /// the project is moved.
    pub generation: u32,
}

/// Where a project's users are, and whether they are about to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residence {
    /// Where they are.
    pub place: Place,
    /// What a move does at the moment.
    pub phase: Phase,
}

impl Residence {
    /// That of a project which was never moved.
    pub fn new(storage: Storage) -> Self {
        Residence { place: Place { storage, generation: 0 }, phase: Phase::Settled }
    }
}

/// What a move of a project does at the moment, as far as its callers need to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// There is none, or it does not concern them any more.
    #[default]
    Settled,
    /// Users are copied. Who revokes a key tells both places.
    Copying,
    /// Writes wait, and in the end reads too.
    Switching,
}

impl Phase {
    /// All that there are.
    pub const ALL: [Phase; 3] = [Phase::Settled, Phase::Copying, Phase::Switching];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Settled => "settled",
            Phase::Copying => "copying",
            Phase::Switching => "switching",
        }
    }
}

/// How a project's users are spread over objects, and where those stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// How many objects.
    pub buckets: Buckets,
    /// The law that they stay under. None: any.
    pub jurisdiction: Option<Jurisdiction>,
    /// Where they are made. None: near whoever calls first.
    pub location: Option<Location>,
}

/// How many objects a project's users are spread over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Buckets {
    /// All in one.
    #[default]
    One,
    /// Spread over four.
    Four,
    /// Spread over sixteen.
    Sixteen,
}

impl Buckets {
    /// All that can be chosen.
    pub const ALL: [Buckets; 3] = [Buckets::One, Buckets::Four, Buckets::Sixteen];

    /// 1, 4 or 16.
    pub fn count(self) -> u8 {
        match self {
            Buckets::One => 1,
            Buckets::Four => 4,
            Buckets::Sixteen => 16,
        }
    }

    /// With this count. None: it can't be chosen.
    pub fn of_count(count: u64) -> Option<Self> {
        Buckets::ALL.into_iter().find(|buckets| u64::from(buckets.count()) == count)
    }

    /// The number of the bucket of a user, from 0. It never changes: a test pins it.
    pub fn bucket_of(self, external_id: &str) -> u8 {
        let digest = Sha256::digest(external_id);
        // All counts are powers of two: the first four bytes, big-endian, modulo the count are the low bits of the fourth.
        digest[3] % self.count()
    }
}

/// A law that objects can be kept under.
/// Source: Cloudflare, "Durable Objects: Data location".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jurisdiction {
    /// The European Union.
    Eu,
    /// The United States.
    Us,
    /// FedRAMP, of the United States.
    Fedramp,
}

impl Jurisdiction {
    /// All that can be chosen.
    pub const ALL: [Jurisdiction; 3] = [Jurisdiction::Eu, Jurisdiction::Us, Jurisdiction::Fedramp];

    /// As Cloudflare names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Jurisdiction::Eu => "eu",
            Jurisdiction::Us => "us",
            Jurisdiction::Fedramp => "fedramp",
        }
    }
}

/// A region in which objects can be made.
/// Source: Cloudflare, "Durable Objects: Data location".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// Western North America.
    Wnam,
    /// Eastern North America.
    Enam,
    /// South America.
    Sam,
    /// Western Europe.
    Weur,
    /// Eastern Europe.
    Eeur,
    /// Asia and the Pacific.
    Apac,
    /// Oceania.
    Oc,
    /// Africa.
    Afr,
    /// The Middle East.
    Me,
}

impl Location {
    /// All that can be chosen.
    pub const ALL: [Location; 9] = [
        Location::Wnam,
        Location::Enam,
        Location::Sam,
        Location::Weur,
        Location::Eeur,
        Location::Apac,
        Location::Oc,
        Location::Afr,
        Location::Me,
    ];

    /// As Cloudflare names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Location::Wnam => "wnam",
            Location::Enam => "enam",
            Location::Sam => "sam",
            Location::Weur => "weur",
            Location::Eeur => "eeur",
            Location::Apac => "apac",
            Location::Oc => "oc",
            Location::Afr => "afr",
            Location::Me => "me",
        }
    }
}

impl FromStr for Jurisdiction {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        let found = Jurisdiction::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| BrokenRule::new("Must be eu, us or fedramp"))
    }
}

impl FromStr for Location {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        let found = Location::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| BrokenRule::new("Must be wnam, enam, sam, weur, eeur, apac, oc, afr or me"))
    }
}

impl TryFrom<u8> for Buckets {
    type Error = BrokenRule;

    fn try_from(count: u8) -> Result<Self, BrokenRule> {
        Buckets::of_count(count.into()).ok_or_else(|| BrokenRule::new("Must be 1, 4 or 16"))
    }
}

impl From<Buckets> for u8 {
    fn from(buckets: Buckets) -> u8 {
        buckets.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn the_bucket_of_a_user_is_pinned() {
        for (id, four, sixteen) in [("user_123", 2, 14), ("a", 2, 2), ("é", 2, 14), (" ", 1, 1)] {
            let digest = Sha256::digest(id);
            let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
            for buckets in Buckets::ALL {
                assert_eq!(u32::from(buckets.bucket_of(id)), number % u32::from(buckets.count()));
            }
            assert_eq!((Buckets::Four.bucket_of(id), Buckets::Sixteen.bucket_of(id)), (four, sixteen), "{id}");
        }
    }

    #[test]
    fn the_stored_form_of_a_place_is_pinned() {
        let placement =
            Placement { buckets: Buckets::Four, jurisdiction: Some(Jurisdiction::Eu), location: Some(Location::Weur) };
        for (storage, form) in [
            (Storage::D1, r#"{"storage":{"kind":"d1"},"generation":7}"#),
            (
                Storage::Objects(placement),
                r#"{"storage":{"kind":"objects","buckets":4,"jurisdiction":"eu","location":"weur"},"generation":7}"#,
            ),
        ] {
            let place = Place { storage, generation: 7 };
            assert_eq!(serde_json::to_string(&place).unwrap(), form);
            assert_eq!(json::from_str::<Place>(form).unwrap(), place);
        }
    }

    #[test]
    fn names_read_back() {
        assert!(Jurisdiction::ALL.into_iter().all(|one| one.as_str().parse() == Ok(one)));
        assert!(Location::ALL.into_iter().all(|one| one.as_str().parse() == Ok(one)));
        assert!(Buckets::ALL.into_iter().all(|one| Buckets::of_count(one.count().into()) == Some(one)));
        assert!("".parse::<Location>().is_err() && "EU".parse::<Jurisdiction>().is_err());
        assert_eq!(Buckets::of_count(2), None);
    }
}
