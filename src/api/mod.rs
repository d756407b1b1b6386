//! The HTTP surface as values. [`handle`] is the whole of it: a [`Call`] in, an [`Answer`] out.

mod auth;
mod batch;
mod cors;
mod cursor;
mod error;
mod health;
mod keys;
mod list;
mod network;
#[cfg(test)]
mod openapi;
mod page;
mod projects;
mod route;
mod settings;
mod ttl_cache;
mod users;

pub use auth::{AdminToken, Credential, KeyCache};
pub use error::ApiError;
pub use network::Network;
pub use settings::{Settings, SettingsError};

use crate::body::{FaultList, Faults, Fields, Part};
use crate::json::{self, Members, Value};
use crate::limit::{Decider, Limiter, Policy, Quota, Verdict};
use crate::query;
use crate::store::Store;
use crate::time::Timestamp;
use cors::AllowedOrigins;
use route::Resource;
use std::cell::RefCell;
use std::rc::Rc;

/// Bytes of a request body: 100 KiB.
pub const MAX_BODY_BYTES: usize = 102_400;
/// Calls of one [`Network`] with keys that do not exist. `[[ratelimits]]` in wrangler.toml has the same numbers.
pub const STRANGERS: Quota = Quota { limit: 100, window_ms: 60_000 };

/// A request, less its body, which is read only once the caller may send one.
#[derive(Clone, Debug, Default)]
pub struct Call {
    pub method: String,
    /// As sent: still percent-encoded.
    pub path: String,
    /// What stands behind the `?`, as sent.
    pub query: String,
    pub authorization: Option<String>,
    pub origin: Option<String>,
    pub if_none_match: Option<String>,
    pub content_encoding: Option<String>,
    /// The IP address that the call comes from.
    pub client_address: Option<String>,
    /// Names the request in the answer and in the log.
    pub request_id: String,
}

/// What is sent back, but for the headers that every answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub content_type: &'static str,
    /// Text, or nothing.
    pub body: String,
}

impl Reply {
    #[expect(clippy::expect_used, reason = "derived serialisers of structs and strings do not fail")]
    fn json(status: u16, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_string(body).expect("serialisable");
        Reply { body, ..Reply::empty(status) }
    }

    fn empty(status: u16) -> Self {
        Reply { status, headers: Vec::new(), content_type: "application/json", body: String::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A reply, and what the log may know of the request: no key, e-mail, phone, user id or body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub reply: Reply,
    /// The pattern of the route, as `/v1/keys/{key_id}`.
    pub route: Option<&'static str>,
    pub code: Option<&'static str>,
    pub project: Option<String>,
    pub key_id: Option<String>,
    /// Who decided that it may pass the limit, or may not.
    pub limiter: Option<Decider>,
    /// Why it failed, where that is not for the client.
    pub cause: Option<String>,
}

/// What the core asks of the edge, for one request.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Edge {
    type Store: Store + 'static;
    type Limiter: Limiter;

    fn settings(&self) -> &Settings;
    fn store(&self) -> Rc<Self::Store>;
    fn limiter(&self) -> &Self::Limiter;
    /// What this isolate knows of keys. Never borrowed across an await.
    fn key_cache(&self) -> &RefCell<KeyCache>;
    fn now(&self) -> Timestamp;
    /// Fills the slice from a cryptographic source.
    fn fill_random(&self, bytes: &mut [u8]);
    /// Reads the body, decoded. One of more than `limit_bytes` is refused without reading it whole: what counts is what
    /// comes out, while it comes out.
    async fn body(&self, encoding: Encoding, limit_bytes: usize) -> Result<Vec<u8>, BodyError>;
    /// Reads a file that is shipped with the Worker. An error is a cause for the log.
    async fn file(&self, path: &str) -> Result<String, String>;
    /// Counts a caller whose key does not exist. False: its network has sent too many, more than [`STRANGERS`].
    async fn admit_stranger(&self, network: &Network) -> bool;
    /// Runs work that no client waits for.
    fn in_background(&self, work: impl Future<Output = ()> + 'static);
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    TooLarge,
    /// The connection broke, or the client sent less than it said.
    Broken,
    /// It can't be decoded: it is not what its encoding says, or not all of it, or something stands behind it.
    Undecodable,
}

/// How a body is encoded (RFC 9110 section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    /// Reads a `Content-Encoding` header. `x-gzip` is gzip (RFC 9110 section 8.4.1.3).
    fn parse(header: Option<&str>) -> Result<Self, ApiError> {
        match header.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Encoding::Identity),
            "gzip" | "x-gzip" => Ok(Encoding::Gzip),
            _ => Err(ApiError::UnsupportedEncoding),
        }
    }
}

/// What becomes known of a request on its way.
#[derive(Debug, Default)]
struct Trace {
    project: Option<String>,
    key_id: Option<String>,
    budget: Option<(Policy, Verdict)>,
    limiter: Option<Decider>,
    /// The code of an answer that refuses each part by itself.
    code: Option<&'static str>,
}

/// What a preflight of an unknown path allows, so that a page can see its 404.
const ALL_METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";

/// Answers one request.
pub async fn handle(call: &Call, edge: &impl Edge) -> Answer {
    let resource = Resource::of(&call.path);
    let mut trace = Trace::default();
    let outcome = match resource {
        _ if call.method == "OPTIONS" => Ok(cors::preflight(resource.map_or(ALL_METHODS, Resource::allow))),
        Some(resource) => dispatch(call, resource, edge, &mut trace).await,
        None => Err(ApiError::RouteNotFound { similar: Resource::similar(&call.path) }),
    };
    let mut answer = answer(call, outcome, &edge.settings().allowed_origins);
    if let Some((policy, verdict)) = trace.budget {
        answer.reply.headers.extend(budget_headers(policy, verdict, edge.now()));
    }
    let Trace { project, key_id, limiter, code, .. } = trace;
    let code = answer.code.or(code);
    Answer { route: resource.map(Resource::pattern), code, project, key_id, limiter, ..answer }
}

/// Answers a request that [`handle`] can't be asked about.
pub fn failed(call: &Call, error: ApiError, settings: Option<&Settings>) -> Answer {
    let origins = settings.map_or(&AllowedOrigins::Any, |settings| &settings.allowed_origins);
    Answer { route: Resource::of(&call.path).map(Resource::pattern), ..answer(call, Err(error), origins) }
}

/// An outcome with the headers that every answer has.
fn answer(call: &Call, outcome: Result<Reply, ApiError>, origins: &AllowedOrigins) -> Answer {
    let (code, cause) = match &outcome {
        Ok(_) => (None, None),
        Err(error) => (Some(error.code()), error.cause()),
    };
    let mut reply = outcome.unwrap_or_else(ApiError::into_reply);
    reply.headers.extend([
        ("X-Request-Id", call.request_id.clone()),
        ("Content-Type", reply.content_type.into()),
        ("Cache-Control", "no-store".into()),
        ("X-Content-Type-Options", "nosniff".into()),
    ]);
    reply.headers.extend(cors::headers(origins, call.origin.as_deref()));
    Answer { reply, route: None, code, project: None, key_id: None, limiter: None, cause }
}

async fn dispatch<E: Edge>(
    call: &Call,
    resource: Resource<'_>,
    edge: &E,
    trace: &mut Trace,
) -> Result<Reply, ApiError> {
    let method = if call.method == "HEAD" { "GET" } else { &call.method };
    match (resource, method) {
        (Resource::Users, "POST") => users::upsert(call, edge, trace).await,
        (Resource::Users, "GET") => list::list(call, edge, trace).await,
        (Resource::Batch, "POST") => batch::upsert_all(call, edge, trace).await,
        (Resource::Batch, "GET") => users::get(call, edge, trace, "batch").await,
        (Resource::Batch, "DELETE") => users::delete(call, edge, trace, "batch").await,
        (Resource::User { id }, "GET") => users::get(call, edge, trace, id).await,
        (Resource::User { id }, "DELETE") => users::delete(call, edge, trace, id).await,
        (Resource::Keys, "POST") => keys::create(call, edge).await,
        (Resource::Keys, "GET") => keys::list(call, edge).await,
        (Resource::Key { id }, "DELETE") => keys::revoke(call, edge, id).await,
        (Resource::Projects, "GET") => projects::list(call, edge).await,
        (Resource::Project { name }, "GET") => projects::get(call, edge, name).await,
        (Resource::Project { name }, "PUT") => projects::configure(call, edge, name).await,
        (Resource::File(file), "GET") => page::read(edge, file).await,
        (Resource::Health, "GET") => Ok(health::alive()),
        (Resource::Ready, "GET") => health::ready(edge).await,
        _ => Err(ApiError::MethodNotAllowed { allow: resource.allow() }),
    }
}

/// The budget of the policy that a request counted under, as `X-RateLimit-*` and as draft-ietf-httpapi-ratelimit-headers-11.
fn budget_headers(policy: Policy, verdict: Verdict, now: Timestamp) -> [(&'static str, String); 5] {
    let Verdict { quota, remaining, reset_ms, .. } = verdict;
    let policy = policy.as_str();
    let reset_s = reset_ms.div_ceil(1000);
    [
        ("X-RateLimit-Limit", quota.limit.to_string()),
        ("X-RateLimit-Remaining", remaining.to_string()),
        ("X-RateLimit-Reset", (now.as_ms() + reset_ms).div_ceil(1000).to_string()),
        ("RateLimit-Policy", format!("\"{policy}\";q={};w={}", quota.limit, quota.window_seconds())),
        ("RateLimit", format!("\"{policy}\";r={remaining};t={reset_s}")),
    ]
}

/// Refuses the parameters of a route that has none.
fn refuse_query(call: &Call) -> Result<(), ApiError> {
    let members = query::parse(&call.query).map_err(ApiError::Faults)?;
    let mut faults = Faults::of(Part::Query);
    Fields::of(&members, &mut faults).refuse_the_rest();
    faults.finish(Some(())).map_err(ApiError::Faults)
}

/// Reads the body and hands the members of its one object to `read`.
async fn read_object<T>(
    call: &Call,
    edge: &impl Edge,
    read: impl FnOnce(&Members) -> Result<T, FaultList>,
) -> Result<T, ApiError> {
    read_large_object(call, edge, MAX_BODY_BYTES, read).await
}

/// As [`read_object`], of a body with a limit of its own.
async fn read_large_object<T>(
    call: &Call,
    edge: &impl Edge,
    limit_bytes: usize,
    read: impl FnOnce(&Members) -> Result<T, FaultList>,
) -> Result<T, ApiError> {
    let encoding = Encoding::parse(call.content_encoding.as_deref())?;
    let bytes = edge.body(encoding, limit_bytes).await.map_err(|error| match error {
        BodyError::TooLarge => ApiError::PayloadTooLarge { limit_bytes },
        BodyError::Broken => ApiError::InvalidRequest("The body ended before it was whole".into()),
        BodyError::Undecodable => {
            ApiError::InvalidRequest("The body is not one whole gzip member, though Content-Encoding says gzip".into())
        }
    })?;
    if bytes.is_empty() {
        return Err(ApiError::InvalidRequest("The body is empty; a JSON object is expected".into()));
    }
    let value = json::parse(&bytes).map_err(|error| ApiError::InvalidRequest(format!("Invalid JSON: {error}")))?;
    let Value::Object(members) = value else {
        return Err(ApiError::InvalidRequest(format!("The body must be a JSON object, not {}", value.type_name())));
    };
    read(&members).map_err(ApiError::Faults)
}

/// A new id from the edge's clock and random source.
fn new_id(prefix: &str, edge: &impl Edge) -> String {
    let mut random = [0; 10];
    edge.fill_random(&mut random);
    crate::id::new(prefix, edge.now(), random)
}
