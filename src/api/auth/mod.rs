//! Who is calling: bearer tokens, keys, and the admin.

use super::network::Network;
use super::ttl_cache::TtlCache;
use super::{ApiError, Call, Edge, STRANGERS, Settings, Trace};
use crate::key::{ApiKey, KeyHash, KeyRecord, NotAKey, Scope};
use crate::limit::{Account, Decision, Limiter, Policy, Verdict};
use crate::store::Store;
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;

/// What a route wants to see of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    ApiKey,
    AdminToken,
}

impl Credential {
    pub fn name(self) -> &'static str {
        match self {
            Credential::ApiKey => "an API key",
            Credential::AdminToken => "the admin token",
        }
    }

    /// What stands for it in an example.
    pub fn placeholder(self) -> &'static str {
        match self {
            Credential::ApiKey => "YOUR_API_KEY",
            Credential::AdminToken => "YOUR_ADMIN_TOKEN",
        }
    }

    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Credential::ApiKey => Credential::AdminToken,
            Credential::AdminToken => Credential::ApiKey,
        }
    }
}

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

/// What an isolate knows of keys, and of those who send what is none.
#[derive(Debug, Default)]
pub struct KeyCache {
    known: TtlCache<KeyHash, KeyRecord>,
    /// Right by their checksum, and not in the store. Keys are drawn at random, so that none of them becomes one.
    unknown: TtlCache<KeyHash, ()>,
    strangers: TtlCache<Network, Strangers>,
}

/// What came from a network within a minute.
#[derive(Debug, Default)]
struct Strangers {
    /// Keys that were looked up and not found, or not yet.
    keys: BTreeSet<KeyHash>,
    /// The edge counted too many of them.
    is_blocked: bool,
}

impl KeyCache {
    /// Whether a key is not to be looked up, because its network sent too many that do not exist. One that did exist a
    /// while ago is looked up all the same: whom it belongs to is no stranger.
    fn is_flood(&self, hash: &KeyHash, network: &Network, now: Timestamp) -> bool {
        let is_full = |keys: &BTreeSet<KeyHash>| keys.len() >= STRANGERS.limit as usize && !keys.contains(hash);
        let Some(Strangers { keys, is_blocked }) = self.strangers.find(network, now) else { return false };
        (*is_blocked || is_full(keys)) && !self.known.has_held(hash)
    }
}

/// A live key that calls.
pub struct Caller {
    pub hash: KeyHash,
    pub record: KeyRecord,
}

/// Finds who is calling: bearer, checksum, isolate cache, and only then the store.
pub async fn authenticate<E: Edge>(call: &Call, edge: &E, trace: &mut Trace) -> Result<Caller, ApiError> {
    let hash = presented_key(call, edge.settings())?.hash();
    let known = edge.key_cache().borrow().known.find(&hash, edge.now()).cloned();
    let record = match known {
        Some(record) => record,
        None => look_up_stranger(&hash, call.client_address.as_deref().and_then(Network::of), edge).await?,
    };
    trace.project = Some(record.project.as_str().into());
    trace.key_id = Some(record.id.clone());
    if record.is_live(edge.now()) { Ok(Caller { hash, record }) } else { Err(ApiError::RevokedApiKey) }
}

/// The key of a call, if it has the form of one.
fn presented_key(call: &Call, settings: &Settings) -> Result<ApiKey, ApiError> {
    let presented = bearer(call, Credential::ApiKey)?;
    ApiKey::parse(presented).map_err(|NotAKey| {
        let is_admin_token = settings.admin_token.as_ref().is_some_and(|token| token.is(presented));
        if is_admin_token { ApiError::WrongCredential { wanted: Credential::ApiKey } } else { ApiError::InvalidApiKey }
    })
}

/// Asks the store about a key that this isolate does not know. One that does not exist is counted by the network that it
/// comes from, here and by the edge, and past the limit none is looked up. Without an address nobody can be counted.
async fn look_up_stranger<E: Edge>(hash: &KeyHash, network: Option<Network>, edge: &E) -> Result<KeyRecord, ApiError> {
    // When the window ends is not told: it is at most a whole one away.
    let flood = ApiError::RateLimitExceeded { quota: STRANGERS, retry_after_ms: STRANGERS.window_ms };
    let note = |change: &dyn Fn(&mut Strangers)| {
        if let Some(network) = &network {
            edge.key_cache().borrow_mut().strangers.change(network.clone(), edge.now(), change);
        }
    };
    if network.as_ref().is_some_and(|network| edge.key_cache().borrow().is_flood(hash, network, edge.now())) {
        return Err(flood);
    }
    if edge.key_cache().borrow().unknown.find(hash, edge.now()).is_none() {
        note(&|strangers| {
            strangers.keys.insert(*hash);
        });
        let found = look_up(hash, edge).await;
        if found.is_ok() {
            note(&|strangers| {
                strangers.keys.remove(hash);
            });
        }
        if found != Err(ApiError::InvalidApiKey) {
            return found;
        }
        edge.key_cache().borrow_mut().unknown.learn(*hash, (), edge.now());
    }
    match &network {
        Some(network) if !edge.admit_stranger(network).await => {
            note(&|strangers| strangers.is_blocked = true);
            Err(flood)
        }
        _ => Err(ApiError::InvalidApiKey),
    }
}

/// Asks the store about a key and remembers the answer.
async fn look_up<E: Edge>(hash: &KeyHash, edge: &E) -> Result<KeyRecord, ApiError> {
    let record = edge.store().find_key(hash).await?.ok_or(ApiError::InvalidApiKey)?;
    let (hash, now) = (*hash, edge.now());
    edge.key_cache().borrow_mut().known.learn(hash, record.clone(), now);
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
    edge.key_cache().borrow_mut().known.forget(&caller.hash);
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
    let presented = bearer(call, Credential::AdminToken)?;
    if token.is(presented) {
        Ok(())
    } else if ApiKey::parse(presented).is_ok() {
        Err(ApiError::WrongCredential { wanted: Credential::AdminToken })
    } else {
        Err(ApiError::InvalidAdminToken)
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 section 2.1), the scheme in any case.
fn bearer(call: &Call, wanted: Credential) -> Result<&str, ApiError> {
    let header = call.authorization.as_deref().ok_or(ApiError::MissingAuth(wanted))?.trim();
    let (scheme, token) = header.split_once([' ', '\t']).unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(ApiError::NotBearer(wanted)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Project;

    #[test]
    fn a_bearer_token_is_taken_from_its_header() {
        let bearer_of = |header: Option<&str>| {
            let call = Call { authorization: header.map(Into::into), ..Call::default() };
            bearer(&call, Credential::ApiKey).map(str::to_owned)
        };
        for header in ["Bearer abc", "bearer abc", "BEARER  abc ", "Bearer\tabc"] {
            assert_eq!(bearer_of(Some(header)).as_deref(), Ok("abc"), "{header}");
        }
        assert_eq!(bearer_of(Some("Bearer")).as_deref(), Ok(""));
        assert_eq!(bearer_of(None), Err(ApiError::MissingAuth(Credential::ApiKey)));
        for header in ["", "Basic abc", "ApiKey abc", "Bearerabc", "ros_abc"] {
            assert_eq!(bearer_of(Some(header)), Err(ApiError::NotBearer(Credential::ApiKey)), "{header}");
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

    #[test]
    fn a_network_that_sent_too_many_unknown_keys_is_heard_only_with_one_that_existed() {
        let mut cache = KeyCache::default();
        let [network, other] = ["203.0.113.1", "203.0.113.2"].map(|address| Network::of(address).unwrap());
        let key = |n: u32| {
            let digits = [n / 62, n % 62].map(|digit| u8::try_from(digit).unwrap());
            ApiKey::generate(|bytes| bytes[..2].copy_from_slice(&digits)).hash()
        };
        let (known, new) = (key(200), key(201));
        let record = KeyRecord {
            id: "key_1".into(),
            name: "ci".into(),
            project: Project::parse("default").unwrap(),
            prefix: "ros_0000".into(),
            scopes: Scope::ALL.into(),
            created_at: Timestamp::from_ms(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        cache.known.learn(known, record, Timestamp::from_ms(0));
        // By now the known one has to be looked up again.
        let now = Timestamp::from_ms(90_000);
        for sent in 0..=STRANGERS.limit {
            assert_eq!(cache.is_flood(&new, &network, now), sent == STRANGERS.limit);
            assert!(!cache.is_flood(&known, &network, now) && !cache.is_flood(&key(0), &network, now));
            cache.strangers.change(network.clone(), now, |strangers| assert!(strangers.keys.insert(key(sent))));
        }
        assert!(!cache.is_flood(&new, &other, now));
        cache.strangers.change(network.clone(), now, |strangers| strangers.is_blocked = true);
        assert!(cache.is_flood(&key(0), &network, now) && !cache.is_flood(&known, &network, now));
        assert!(!cache.is_flood(&new, &network, Timestamp::from_ms(150_000)));
    }
}
