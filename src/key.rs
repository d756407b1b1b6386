//! API keys: as a client presents them, as they are stored, and what one may do.

use crate::bounds::{LAST_USED_STEP_MS, MAX_PROJECT_CHARS};
use crate::placement::{Jurisdiction, Place, Residence, Storage};
use crate::rule::BrokenRule;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "ros_";
const SECRET_CHARS: usize = 32;
const CHECKSUM_CHARS: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A well-formed key in the clear: `ros_`, 32 base62 characters, and 6 of CRC-32 over all before them.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Makes a key. `fill` must fill the slice with bytes from a cryptographic source.
    pub fn generate(mut fill: impl FnMut(&mut [u8])) -> Self {
        let mut text = String::from(PREFIX);
        let mut bytes = [0; SECRET_CHARS];
        while text.len() < PREFIX.len() + SECRET_CHARS {
            fill(&mut bytes);
            // 248 = 4 * 62: taking only bytes below it makes every character equally likely.
            let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| base62(u32::from(*byte)));
            text.extend(fair.take(PREFIX.len() + SECRET_CHARS - text.len()));
        }
        let checksum = checksum(&text);
        text.extend(checksum);
        ApiKey(text)
    }

    /// The only form in which a key is stored or looked up.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(&self.0).into())
    }

    /// The first eight characters: they distinguish keys in a list and reveal nothing useful.
    pub fn prefix(&self) -> &str {
        &self.0[..PREFIX.len() + 4]
    }

    /// The key in the clear, for the answer to the call that made it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Parses a key as a client presents it. One whose checksum does not fit was never made.
impl FromStr for ApiKey {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        let at = PREFIX.len() + SECRET_CHARS;
        let well_formed = text.len() == at + CHECKSUM_CHARS
            && text.starts_with(PREFIX)
            && text[PREFIX.len()..].bytes().all(|b| b.is_ascii_alphanumeric())
            && text[at..].chars().eq(checksum(&text[..at]));
        well_formed
            .then(|| ApiKey(text.to_owned()))
            .ok_or_else(|| BrokenRule::new("Must be an API key, with its checksum"))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(***)")
    }
}

fn base62(n: u32) -> char {
    char::from(BASE62[(n % 62) as usize])
}

fn checksum(text: &str) -> [char; CHECKSUM_CHARS] {
    let crc = crc32(text.as_bytes());
    [5, 4, 3, 2, 1, 0].map(|exponent| base62(crc / 62_u32.pow(exponent)))
}

/// CRC-32 as in zip and PNG (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

/// SHA-256 of a key. Safe to store: nobody can search 190 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From the digits of [`KeyHash::to_hex`]. None if they are no such digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(KeyHash(hash)).filter(|hash| hash.to_hex() == text)
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(***)")
    }
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Scope {
    /// Create and merge users.
    #[serde(rename = "users:write")]
    UsersWrite,
    /// Read and list users.
    #[serde(rename = "users:read")]
    UsersRead,
    /// Delete users.
    #[serde(rename = "users:delete")]
    UsersDelete,
    /// Send messages of Segment's protocol.
    #[serde(rename = "ingest")]
    Ingest,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 4] = [Scope::UsersWrite, Scope::UsersRead, Scope::UsersDelete, Scope::Ingest];

    /// Those of a key that names none. The first implies [`Scope::Ingest`].
    pub const DEFAULT: [Scope; 3] = [Scope::UsersWrite, Scope::UsersRead, Scope::UsersDelete];

    /// Whether a key with these scopes has this one.
    pub fn is_among(self, scopes: &[Scope]) -> bool {
        scopes.contains(&self) || (self == Scope::Ingest && scopes.contains(&Scope::UsersWrite))
    }

    /// Its name on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::UsersWrite => "users:write",
            Scope::UsersRead => "users:read",
            Scope::UsersDelete => "users:delete",
            Scope::Ingest => "ingest",
        }
    }
}

impl FromStr for Scope {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| BrokenRule::new(format!("Must be one of {}", Self::ALL.map(Scope::as_str).join(", "))))
    }
}

/// A group of users and keys that no other project's keys can see: `[a-z0-9_-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Project(String);

impl Project {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Project {
    type Err = BrokenRule;

    fn from_str(text: &str) -> Result<Self, BrokenRule> {
        let fits = (1..=MAX_PROJECT_CHARS).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        let rule = || BrokenRule::new(format!("Must be 1 to {MAX_PROJECT_CHARS} characters of a-z, 0-9, _ and -"));
        fits.then(|| Project(text.to_owned())).ok_or_else(rule)
    }
}

/// The project of a key that names none.
impl Default for Project {
    fn default() -> Self {
        Project("default".into())
    }
}

/// A project as it is stored. The limiter keeps its limits.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ProjectRecord {
    /// Its name.
    pub name: Project,
    /// Where its users live.
    pub storage: Storage,
    /// That of the place, of which the storage is a part.
    #[serde(skip)]
    pub generation: u32,
    /// When its first key was made, or it was configured, if that came first.
    pub created_at: Timestamp,
}

impl ProjectRecord {
    /// Where its users live.
    pub fn place(&self) -> Place {
        Place { storage: self.storage, generation: self.generation }
    }
}

/// Where the object of a webhook is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookAddress {
    /// `whk_` and a ULID; the name of the object.
    pub id: String,
    /// The law that it was made under: that of its project at that time.
    pub jurisdiction: Option<Jurisdiction>,
}

/// A webhook, as it is known outside of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRecord {
    /// Where its object is.
    pub address: WebhookAddress,
    /// Whose users it is about.
    pub project: Project,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key as it is stored, without its hash.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeyRecord {
    /// `key_` and a ULID; not secret.
    #[serde(rename = "key_id")]
    pub id: String,
    /// What the admin called it.
    pub name: String,
    /// The project that it opens.
    pub project: Project,
    /// Where that project's users live.
    #[serde(skip)]
    pub residence: Residence,
    /// The webhooks of that project.
    #[serde(skip)]
    pub webhooks: Vec<WebhookAddress>,
    /// The key's first eight characters.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working. None: never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked. None: it was not.
    pub revoked_at: Option<Timestamp>,
    /// Coarse: at most [`LAST_USED_STEP_MS`] behind.
    pub last_used_at: Option<Timestamp>,
}

impl KeyRecord {
    /// False once the key is revoked or past its expiry.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }

    /// True when `last_used_at` is due to be written again.
    pub fn should_touch(&self, now: Timestamp) -> bool {
        self.last_used_at.is_none_or(|at| at.as_ms() + LAST_USED_STEP_MS <= now.as_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PINNED: &str = "ros_0123456789ABCDEFGHIJKLMNOPQRSTUV3vdAYj";

    #[test]
    fn the_key_format_is_pinned() {
        let mut next = 0..;
        let key = ApiKey::generate(|bytes| bytes.fill_with(|| next.next().unwrap()));
        assert_eq!(key.reveal(), PINNED);
        assert_eq!(key.prefix(), "ros_0123");
        assert_eq!(key.hash().to_hex(), "e3d638dcefcde6de019ec087a663858e7425831882d192e029b7c41d3e39d380");
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn bytes_that_would_favour_a_character_are_passed_over() {
        let mut calls = 0_u8;
        let key = ApiKey::generate(|bytes| {
            bytes.fill(if calls == 0 { 255 } else { 61 });
            calls += 1;
        });
        assert!(key.reveal().starts_with("ros_zzzz"));
        assert_eq!(calls, 2);
    }

    #[test]
    fn debug_shows_neither_key_nor_hash() {
        let key = PINNED.parse::<ApiKey>().unwrap();
        assert_eq!(format!("{key:?} {:?}", key.hash()), "ApiKey(***) KeyHash(***)");
    }

    #[test]
    fn projects_have_a_narrow_alphabet() {
        assert!("default".parse() == Ok(Project::default()) && "a".repeat(64).parse::<Project>().is_ok());
        for bad in ["", "A", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(bad.parse::<Project>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_made_key_parses_and_one_changed_character_is_noticed(seed: [u8; 32], at in 0..42_usize, with in "[0-9A-Za-z_é]") {
            let key = ApiKey::generate(|bytes| bytes.copy_from_slice(&seed.map(|b| b % 248)));
            prop_assert_eq!(key.reveal().parse(), Ok(key.clone()));
            let mut changed = key.reveal().to_owned();
            changed.replace_range(at..=at, &with);
            prop_assert_eq!(changed.parse::<ApiKey>().is_ok(), changed == key.reveal());
        }
    }
}
