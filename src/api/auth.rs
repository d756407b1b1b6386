//! Authentication: bearer tokens and keys.

use super::credential::Credential;
use super::error::ApiError;
use super::http::Call;
use super::isolate::Network;
use super::isolate::unknown_keys;
use super::platform::{Cx, Platform};
use crate::bounds::MAX_SWITCH_WAIT_MS;
use crate::key::{ApiKey, KeyHash, KeyRecord};
use crate::placement::Phase;
use crate::store::{Caller, ControlStore};
use crate::time::Timestamp;

/// Authenticates a call: bearer token, checksum, isolate cache, and only then the store; 401, 429.
pub async fn authenticate<P: Platform>(cx: &Cx<'_, P>) -> Result<Caller, ApiError> {
    let key = parse_key(cx, bearer(cx.call, Credential::ApiKey)?)?;
    authenticate_key(cx, &key).await
}

/// Does what [`authenticate`] does, with a key from elsewhere.
pub async fn authenticate_key<P: Platform>(cx: &Cx<'_, P>, key: &ApiKey) -> Result<Caller, ApiError> {
    let hash = key.hash();
    let known = cx.platform.key_cache().borrow().known.find(&hash, cx.now()).cloned();
    let record = match known {
        Some(record) => record,
        None => look_up_unknown(cx, &hash).await?,
    };
    {
        let mut log = cx.log.borrow_mut();
        log.project = Some(record.project.as_str().into());
        log.key_id = Some(record.id.clone());
    }
    if record.is_live(cx.now()) { Ok(Caller { hash, record }) } else { Err(ApiError::RevokedApiKey) }
}

/// How long a request has waited for its project to be found.
#[derive(Debug, Default)]
pub struct Patience {
    waited_ms: u64,
    next_ms: u64,
}

impl Patience {
    /// Milliseconds of the first wait, and of the longest.
    const WAITS_MS: [u64; 2] = [20, 160];

    /// How long to wait next. None: it is over.
    fn next_ms(&mut self) -> Option<u64> {
        let [first, longest] = Self::WAITS_MS;
        self.next_ms = (2 * self.next_ms).clamp(first, longest);
        self.waited_ms += self.next_ms;
        (self.waited_ms <= MAX_SWITCH_WAIT_MS).then_some(self.next_ms)
    }
}

/// Finds out why the store refused a key that the cache held for live; 401. If its project has moved, answers the caller as it may
/// call there; while the project moves, waits, and in the end answers the caller as it was, to try again; 503.
pub async fn find_again<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    patience: &mut Patience,
) -> Result<Caller, ApiError> {
    let (hash, mut since) = (caller.hash, cx.now());
    loop {
        let read = read_since(cx, caller, since).await?;
        if let Some(record) = &read
            && !record.is_live(cx.now())
        {
            return Err(ApiError::RevokedApiKey);
        }
        let is_switching = read.as_ref().is_none_or(|record| record.residence.phase == Phase::Switching);
        let there = read.map(|record| Caller { hash, record });
        if let Some(there) = &there
            && there.record.residence.place != caller.record.residence.place
        {
            return Ok(there.clone());
        }
        let Some(wait_ms) = patience.next_ms() else {
            cx.platform.key_cache().borrow_mut().known.forget(&hash);
            let refused = "the store refused a key that it then called live";
            let cause = if is_switching { "the project is about to move" } else { refused };
            return Err(ApiError::Unavailable { cause: cause.into() });
        };
        since = cx.now();
        cx.wait(cx.platform.rest(wait_ms)).await;
        if !is_switching && let Some(there) = there {
            return Ok(there);
        }
    }
}

/// The record of a key as it was read after a moment, by any call of this isolate; or since its project has moved. None: another
/// call is about to read it. Else a project that switches would be asked for once for each call that waits.
async fn read_since<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    since: Timestamp,
) -> Result<Option<KeyRecord>, ApiError> {
    /// Milliseconds after which a call that is about to read is taken for cut off.
    const ASKED_MS: u64 = 500;
    let (hash, place, now) = (&caller.hash, caller.record.residence.place, cx.now());
    let keys = cx.platform.key_cache();
    {
        let mut keys = keys.borrow_mut();
        let moved = keys.known.find(hash, now).filter(|cached| cached.residence.place != place);
        let read = moved.or_else(|| keys.known.find_since(hash, since, now));
        if read.is_some() {
            return Ok(read.cloned());
        }
        let asked_since = Timestamp::from_ms(now.as_ms().saturating_sub(ASKED_MS));
        if keys.asked.find_since(hash, asked_since, now).is_some() {
            return Ok(None);
        }
        keys.asked.learn(*hash, (), now);
    }
    let read = look_up(cx, hash).await;
    keys.borrow_mut().asked.forget(hash);
    read.map(Some)
}

/// The record of a key as the store has it now, whatever the isolate knows; 401.
pub async fn read_key<P: Platform>(cx: &Cx<'_, P>, hash: &KeyHash) -> Result<KeyRecord, ApiError> {
    let record = look_up(cx, hash).await?;
    if record.is_live(cx.now()) { Ok(record) } else { Err(ApiError::RevokedApiKey) }
}

/// Refuses a call from a network that sent too many bad keys, whatever else it sends; 429.
pub fn refuse_blocked<P: Platform>(cx: &Cx<'_, P>) -> Result<(), ApiError> {
    let is_blocked = |network: &Network| cx.platform.key_cache().borrow().unknown.is_network_blocked(network, cx.now());
    if network(cx).as_ref().is_some_and(is_blocked) { Err(blocked()) } else { Ok(()) }
}

/// Counts a call that costs as much as one with a nonexistent key, and answers its error, or a 429.
pub async fn refuse_unauthenticated<P: Platform>(cx: &Cx<'_, P>, error: ApiError) -> ApiError {
    match network(cx) {
        Some(network) if !cx.wait(cx.platform.count_unknown_key(&network)).await => {
            cx.platform.key_cache().borrow_mut().unknown.block(&network, cx.now());
            blocked()
        }
        _ => error,
    }
}

fn network<P>(cx: &Cx<'_, P>) -> Option<Network> {
    cx.call.client_address.as_deref().and_then(Network::new)
}

/// The counter does not say when its window ends: the longest that it can be.
fn blocked() -> ApiError {
    ApiError::RateLimitExceeded { quota: unknown_keys::QUOTA, retry_after_ms: unknown_keys::QUOTA.window_ms }
}

/// The key, if the text has the form of one; 401.
pub fn parse_key<P: Platform>(cx: &Cx<'_, P>, presented: &str) -> Result<ApiKey, ApiError> {
    presented.parse().map_err(|_| {
        let is_admin_token = cx.platform.settings().admin_token.as_ref().is_some_and(|token| token.is(presented));
        if is_admin_token { ApiError::WrongCredential { wanted: Credential::ApiKey } } else { ApiError::InvalidApiKey }
    })
}

/// Looks up a key that this isolate does not know. Counts nonexistent keys by network, here and at the platform; past the
/// limit, looks up none. A call without an address is not counted.
async fn look_up_unknown<P: Platform>(cx: &Cx<'_, P>, hash: &KeyHash) -> Result<KeyRecord, ApiError> {
    let cache = cx.platform.key_cache();
    let network = network(cx);
    if network.as_ref().is_some_and(|network| cache.borrow().is_blocked(hash, network, cx.now())) {
        return Err(blocked());
    }
    if !cache.borrow().unknown.contains(hash, cx.now()) {
        if let Some(network) = &network {
            cache.borrow_mut().unknown.count(*hash, network, cx.now());
        }
        let found = look_up(cx, hash).await;
        if found != Err(ApiError::InvalidApiKey) {
            // A store that failed did not say that the key does not exist.
            if let Some(network) = &network {
                cache.borrow_mut().unknown.discount(hash, network, cx.now());
            }
            return found;
        }
        cache.borrow_mut().unknown.learn(*hash, cx.now());
    }
    Err(refuse_unauthenticated(cx, ApiError::InvalidApiKey).await)
}

/// Looks up a key in the store and caches it.
async fn look_up<P: Platform>(cx: &Cx<'_, P>, hash: &KeyHash) -> Result<KeyRecord, ApiError> {
    let control = cx.platform.control();
    let record = cx.wait(control.find_key(hash)).await?.ok_or(ApiError::InvalidApiKey)?;
    let (hash, now) = (*hash, cx.now());
    cx.platform.key_cache().borrow_mut().known.learn(hash, record.clone(), now);
    if record.is_live(now) && record.should_touch(now) {
        cx.platform.in_background(async move {
            // An error does not matter: the next look-up tries again.
            let _ = control.touch_key(&hash, now).await;
        });
    }
    Ok(record)
}

/// The token of an `Authorization: Bearer` header (RFC 6750 section 2.1), the scheme in any case.
pub fn bearer(call: &Call, wanted: Credential) -> Result<&str, ApiError> {
    let header = call.authorization.as_deref().ok_or(ApiError::MissingAuth(wanted))?.trim();
    let (scheme, token) = header.split_once([' ', '\t']).unwrap_or((header, ""));
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(ApiError::NotBearer(wanted)) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
