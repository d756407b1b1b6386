//! Where a project's users live.

use crate::rule::BrokenRule;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::str::FromStr;

/// Where a project's users live: for good, from its first key on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Storage {
    /// In D1, with those of all such projects.
    #[default]
    D1,
    /// In Durable Objects of the project's own.
    Objects(Placement),
}

impl Storage {
    /// How many parts the users are in, each with a database of its own.
    pub fn parts(self) -> u8 {
        match self {
            Storage::D1 => 1,
            Storage::Objects(placement) => placement.buckets.count(),
        }
    }
}

/// How a project's users are spread over objects, and where those stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// How many objects.
    pub buckets: Buckets,
    /// The law that they stay under. None: any.
    pub jurisdiction: Option<Jurisdiction>,
    /// Where they are made. None: near whoever calls first.
    pub location: Option<Location>,
}

/// How many objects a project's users are spread over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

impl From<Buckets> for u8 {
    fn from(buckets: Buckets) -> u8 {
        buckets.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn names_read_back() {
        assert!(Jurisdiction::ALL.into_iter().all(|one| one.as_str().parse() == Ok(one)));
        assert!(Location::ALL.into_iter().all(|one| one.as_str().parse() == Ok(one)));
        assert!(Buckets::ALL.into_iter().all(|one| Buckets::of_count(one.count().into()) == Some(one)));
        assert!("".parse::<Location>().is_err() && "EU".parse::<Jurisdiction>().is_err());
        assert_eq!(Buckets::of_count(2), None);
    }
}
