//! Who is calling: bearer tokens, keys, and the admin.

use super::{ApiError, Call, Edge, Trace};
use crate::key::{ApiKey, KeyHash, KeyRecord, Scope};
use crate::limit::{Account, Decision, Limiter, Policy, Verdict};
use crate::store::Store;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// The secret of the admin calls.
pub struct AdminToken(String);

impl AdminToken {
    /// Characters that make a token.
    pub const MIN_CHARS: usize = 16;

    /// None if it is too short to be a secret.
    pub fn parse(text: &str) -> Option<Self> {
        (text.chars().count() >= Self::MIN_CHARS).then(|| AdminToken(text.to_owned()))
    }

    /// Compares digests, in time that depends on neither.
    fn is(&self, presented: &str) -> bool {
        let (ours, theirs) = (Sha256::digest(&self.0), Sha256::digest(presented));
        let difference = ours.iter().zip(theirs).fold(0, |bits, (a, b)| bits | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(***)")
    }
}

/// What an isolate knows of keys: for a minute, and of a bounded number.
#[derive(Debug, Default)]
pub struct KeyCache {
    known: BTreeMap<KeyHash, (KeyRecord, Timestamp)>,
}

impl KeyCache {
    /// Milliseconds for which a key is known without asking the store.
    pub const TTL_MS: u64 = 60_000;
    /// Keys known at once.
    pub const CAPACITY: usize = 1000;

    fn find(&self, hash: &KeyHash, now: Timestamp) -> Option<&KeyRecord> {
        let (record, learned_at) = self.known.get(hash)?;
        (now.as_ms() < learned_at.as_ms() + Self::TTL_MS).then_some(record)
    }

    fn learn(&mut self, hash: KeyHash, record: KeyRecord, now: Timestamp) {
        if self.known.len() >= Self::CAPACITY {
            self.known.retain(|_, (_, learned_at)| now.as_ms() < learned_at.as_ms() + Self::TTL_MS);
        }
        if self.known.len() >= Self::CAPACITY {
            self.known.pop_first();
        }
        self.known.insert(hash, (record, now));
    }

    fn forget(&mut self, hash: &KeyHash) {
        self.known.remove(hash);
    }
}

/// A live key that calls.
pub struct Caller {
    pub hash: KeyHash,
    pub record: KeyRecord,
}

/// Finds who is calling: bearer, checksum, isolate cache, and only then the store.
pub async fn authenticate<E: Edge>(call: &Call, edge: &E, trace: &mut Trace) -> Result<Caller, ApiError> {
    let hash = ApiKey::parse(bearer(call)?).map_err(|_| ApiError::InvalidApiKey)?.hash();
    let known = edge.key_cache().borrow().find(&hash, edge.now()).cloned();
    let record = match known {
        Some(record) => record,
        None => look_up(&hash, edge).await?,
    };
    trace.project = Some(record.project.as_str().into());
    trace.key_id = Some(record.id.clone());
    if record.is_live(edge.now()) { Ok(Caller { hash, record }) } else { Err(ApiError::RevokedApiKey) }
}

/// Asks the store about a key and remembers the answer.
async fn look_up<E: Edge>(hash: &KeyHash, edge: &E) -> Result<KeyRecord, ApiError> {
    let record = edge.store().find_key(hash).await?.ok_or(ApiError::InvalidApiKey)?;
    let (hash, now) = (*hash, edge.now());
    edge.key_cache().borrow_mut().learn(hash, record.clone(), now);
    if record.is_live(now) && record.use_is_news(now) {
        let store = edge.store();
        edge.in_background(async move {
            // Nothing depends on it: the next look-up tries again.
            let _ = store.touch_key(&hash, now).await;
        });
    }
    Ok(record)
}

/// Why the store did not know a key that the cache took for a live one.
pub async fn explain_dead<E: Edge>(caller: &Caller, edge: &E) -> ApiError {
    edge.key_cache().borrow_mut().forget(&caller.hash);
    match look_up(&caller.hash, edge).await {
        Ok(record) if record.is_live(edge.now()) => {
            ApiError::Unavailable { cause: "the store refused a key that it then called live".into() }
        }
        Ok(_) => ApiError::RevokedApiKey,
        Err(error) => error,
    }
}

/// Checks the scope, then takes a token of the policy.
pub async fn admit<E: Edge>(
    caller: &Caller,
    scope: Scope,
    policy: Policy,
    edge: &E,
    trace: &mut Trace,
) -> Result<(), ApiError> {
    let account = Account { project: &caller.record.project, policy };
    let default = edge.settings().default_quota(policy);
    let in_scope = caller.record.scopes.contains(&scope);
    // Out of scope costs nothing, but the refusal tells the budget.
    let Decision { verdict, by } = edge.limiter().take(account, default, u32::from(in_scope)).await;
    trace.budget = Some((policy, verdict));
    trace.limiter = Some(by);
    let Verdict { admitted, quota, retry_after_ms, .. } = verdict;
    if !in_scope {
        Err(ApiError::InsufficientPermissions { required: scope, current: caller.record.scopes.clone() })
    } else if !admitted {
        Err(ApiError::RateLimitExceeded { quota, retry_after_ms })
    } else {
        Ok(())
    }
}

/// Lets only the admin pass.
pub fn require_admin(call: &Call, edge: &impl Edge) -> Result<(), ApiError> {
    let token = edge.settings().admin_token.as_ref().ok_or(ApiError::AdminDisabled)?;
    if token.is(bearer(call)?) { Ok(()) } else { Err(ApiError::InvalidApiKey) }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 section 2.1), the scheme in any case.
fn bearer(call: &Call) -> Result<&str, ApiError> {
    let header = call.authorization.as_deref().ok_or(ApiError::MissingAuth)?.trim();
    let (scheme, token) = header.split_once([' ', '\t']).unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(ApiError::MissingAuth) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Project;

    #[test]
    fn a_bearer_token_is_taken_from_its_header() {
        let bearer_of = |header: Option<&str>| {
            let call = Call { authorization: header.map(Into::into), ..Call::default() };
            bearer(&call).map(str::to_owned)
        };
        for header in ["Bearer abc", "bearer abc", "BEARER  abc ", "Bearer\tabc"] {
            assert_eq!(bearer_of(Some(header)).as_deref(), Ok("abc"), "{header}");
        }
        assert_eq!(bearer_of(Some("Bearer")).as_deref(), Ok(""));
        for header in [None, Some(""), Some("Basic abc"), Some("Bearerabc"), Some("ros_abc")] {
            assert_eq!(bearer_of(header), Err(ApiError::MissingAuth), "{header:?}");
        }
    }

    #[test]
    fn an_admin_token_is_long_enough_or_none() {
        assert!(AdminToken::parse("fifteen letters").is_none());
        let token = AdminToken::parse("sixteen letters!").unwrap();
        assert!(token.is("sixteen letters!"));
        assert!(!token.is("sixteen letters?") && !token.is(""));
        assert_eq!(format!("{token:?}"), "AdminToken(***)");
    }

    fn record() -> KeyRecord {
        KeyRecord {
            id: "key_1".into(),
            name: "ci".into(),
            project: Project::parse("default").unwrap(),
            prefix: "ros_0000".into(),
            scopes: Scope::ALL.into(),
            created_at: Timestamp::from_ms(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }
    }

    fn hash(n: usize) -> KeyHash {
        let digits = [n / 3844 % 62, n / 62 % 62, n % 62].map(|digit| u8::try_from(digit).unwrap());
        ApiKey::generate(|bytes| bytes[..3].copy_from_slice(&digits)).hash()
    }

    #[test]
    fn a_key_is_known_for_a_minute() {
        let mut cache = KeyCache::default();
        cache.learn(hash(0), record(), Timestamp::from_ms(1000));
        assert!(cache.find(&hash(0), Timestamp::from_ms(60_999)).is_some());
        assert!(cache.find(&hash(0), Timestamp::from_ms(61_000)).is_none());
        assert!(cache.find(&hash(1), Timestamp::from_ms(1000)).is_none());
        cache.forget(&hash(0));
        assert!(cache.find(&hash(0), Timestamp::from_ms(1000)).is_none());
    }

    #[test]
    fn the_cache_keeps_its_bound_and_drops_what_is_stale_first() {
        let mut cache = KeyCache::default();
        (0..KeyCache::CAPACITY + 10).for_each(|n| cache.learn(hash(n), record(), Timestamp::from_ms(0)));
        assert_eq!(cache.known.len(), KeyCache::CAPACITY);
        cache.learn(hash(5000), record(), Timestamp::from_ms(KeyCache::TTL_MS));
        assert_eq!(cache.known.len(), 1);
    }
}
