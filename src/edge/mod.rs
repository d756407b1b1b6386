//! The Worker: turns a Request into a [`Call`] and a [`Handled`] into a Response, and implements the core's ports.

mod body;
mod copies;
mod d1;
mod fetcher;
mod limiter;
mod objects;
mod panics;
mod rpc;
mod runtime;
mod sqlite;

use crate::api::{
    self, ApiError, BodyError, Call, DataPoint, Encoding, Handled, KeyCache, Network, Platform, Settings,
    SettingsError, WrittenCopies,
};
use crate::id;
use crate::rate_limit::Leases;
use crate::store::RoutedStore;
use crate::store::objects::ObjectStore;
use crate::store::sql::{SqlStore, Value};
use crate::time::Timestamp;
use copies::KvCopies;
use d1::D1;
use fetcher::Fetcher;
use js_sys::{JSON, Object, Reflect, Uint8Array};
use limiter::ObjectLimiter;
use objects::RemoteObjects;
use runtime::{Hops, fill_random, now, with_deadline};
use serde::{Serialize, Serializer};
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::task::{self, Poll, Waker};
use std::time::Duration;
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::wasm_bindgen_futures::future_to_promise;
use worker::web_sys::{Request, Response, ResponseInit};
use worker::{AnalyticsEngineDataPointBuilder, Context, Env, Result, worker_sys};

/// How long a file of the page may take.
const ASSETS_DEADLINE: Duration = Duration::from_secs(5);
/// How long it may take to count an unknown key.
const UNKNOWN_KEYS_DEADLINE: Duration = Duration::from_secs(1);

thread_local! {
    // The isolate's caches. Plain data: nothing in them belongs to a request.
    static KEY_CACHE: Rc<RefCell<KeyCache>> = Rc::default();
    static LEASES: Rc<RefCell<Leases>> = Rc::default();
    static WRITTEN_COPIES: Rc<RefCell<WrittenCopies>> = Rc::default();
    // What the environment says, which is the same for all requests of an isolate.
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
    static VERSION: OnceCell<Option<String>> = const { OnceCell::new() };
}

/// Answers a request: by a promise if it has to wait, else at once. What waits is polled again in the next microtask.
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env, context: worker_sys::Context) -> std::result::Result<JsValue, JsValue> {
    let answer = panics::watch(JsValue::from(&request), respond(request, env, Context::new(context)));
    let mut answer = Box::pin(async { Ok(answer.await?.into()) });
    match answer.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(answered) => answered,
        Poll::Pending => Ok(future_to_promise(answer).into()),
    }
}

async fn respond(request: Request, env: Env, context: Context) -> Result<Response> {
    let begun = now();
    let call = call_of(&request, &env);
    let hops = Hops::default();
    let analytics = member(&env, "ANALYTICS").and_then(|_| env.analytics_engine("ANALYTICS").ok());
    let handled = match Worker::new(request, &env, context, hops.clone()) {
        Err(cause) => api::fail(&call, ApiError::Internal { cause }, None),
        Ok(worker) => match panics::earlier_end(&env) {
            Some(error) => api::fail(&call, error, Some(&worker.settings)),
            None => api::handle(&call, &worker).await,
        },
    };
    let (hops, duration_ms) = (hops.count(), now().as_ms().saturating_sub(begun.as_ms()));
    let line = api::log_line(&call, &handled, hops, duration_ms);
    if handled.reply.status >= 500 {
        worker::console_error!("{line}");
    } else {
        worker::console_log!("{line}");
    }
    if let Some(analytics) = analytics {
        let DataPoint { index, blobs, doubles } = api::data_point(&call, &handled, hops, duration_ms);
        let point = AnalyticsEngineDataPointBuilder::new().indexes([index]).blobs(blobs).doubles(doubles);
        // A request does not fail because it is not counted.
        let _ = point.write_to(&analytics);
    }
    response_of(handled)
}

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    /// A rate limiter of the platform. That of the crate `worker` brings serde_wasm_bindgen with it.
    type UnknownKeys;

    #[wasm_bindgen(method, catch)]
    async fn limit(this: &UnknownKeys, options: &Object) -> std::result::Result<JsValue, JsValue>;
}

type Users = RoutedStore<SqlStore<D1>, ObjectStore<RemoteObjects>>;

struct Worker {
    settings: Rc<Settings>,
    control: Rc<SqlStore<D1>>,
    users: Users,
    hops: Hops,
    written_copies: Rc<RefCell<WrittenCopies>>,
    env: Env,
    limiter: ObjectLimiter,
    key_cache: Rc<RefCell<KeyCache>>,
    unknown_keys: Option<UnknownKeys>,
    assets: Fetcher,
    request: Request,
    context: Rc<Context>,
}

impl Worker {
    /// Reads settings and bindings for a request. The error is for the log.
    fn new(request: Request, env: &Env, context: Context, hops: Hops) -> std::result::Result<Self, String> {
        let settings = settings(env).map_err(|error| error.to_string())?;
        let context = Rc::new(context);
        let bind = || -> Result<_> { Ok((env.durable_object("LIMITER")?, env.durable_object("USERS")?)) };
        let (limiters, users) = bind().map_err(|error| error.to_string())?;
        let database = D1::bound(env, hops.clone()).ok_or("Binding `DB` is undefined.")?;
        let assets = member(env, "ASSETS").ok_or("Binding `ASSETS` is undefined.")?;
        let control = Rc::new(SqlStore(database));
        let objects = ObjectStore(RemoteObjects { objects: users, hops: hops.clone() });
        Ok(Worker {
            settings,
            users: RoutedStore { d1: Rc::clone(&control), objects },
            control,
            hops: hops.clone(),
            env: env.clone(),
            written_copies: WRITTEN_COPIES.with(Rc::clone),
            limiter: ObjectLimiter {
                objects: limiters,
                leases: LEASES.with(Rc::clone),
                context: Rc::clone(&context),
                hops,
            },
            key_cache: KEY_CACHE.with(Rc::clone),
            unknown_keys: member(env, "STRANGERS").map(JsCast::unchecked_into),
            assets: assets.unchecked_into(),
            request,
            context,
        })
    }
}

impl Platform for Worker {
    type Users = Users;
    type Control = SqlStore<D1>;
    type Copies = KvCopies;
    type Limiter = ObjectLimiter;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn users(&self) -> &Users {
        &self.users
    }

    fn control(&self) -> Rc<SqlStore<D1>> {
        Rc::clone(&self.control)
    }

    fn copies(&self) -> Option<Rc<KvCopies>> {
        KvCopies::bound(&self.env, self.hops.clone()).map(Rc::new)
    }

    fn written_copies(&self) -> &RefCell<WrittenCopies> {
        &self.written_copies
    }

    fn limiter(&self) -> &ObjectLimiter {
        &self.limiter
    }

    fn key_cache(&self) -> &RefCell<KeyCache> {
        &self.key_cache
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn continent(&self) -> Option<String> {
        member(&member(&self.request, "cf")?, "continent")?.as_string()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        runtime::fill_random(bytes);
    }

    async fn body(&self, encoding: Encoding, limit_bytes: usize) -> std::result::Result<Vec<u8>, BodyError> {
        body::read(&self.request, encoding, limit_bytes).await
    }

    async fn asset(&self, path: &str) -> std::result::Result<String, String> {
        // Of the URL, only the path matters.
        let url = format!("https://assets{path}");
        match with_deadline(ASSETS_DEADLINE, self.assets.send(&url, None)).await {
            Some(answer) => answer.map(|(_, text)| text).map_err(|error| format!("asset {path}: {error}")),
            None => Err(format!("asset {path}: no answer within {ASSETS_DEADLINE:?}")),
        }
    }

    async fn count_unknown_key(&self, network: &Network) -> bool {
        let Some(unknown_keys) = &self.unknown_keys else {
            worker::console_warn!("binding STRANGERS is missing: unknown keys are counted by each isolate alone");
            return true;
        };
        let options = Object::new();
        let _ = Reflect::set(&options, &"key".into(), &network.as_str().into());
        let asked = with_deadline(UNKNOWN_KEYS_DEADLINE, unknown_keys.limit(&options)).await;
        // A call that can't be counted passes: the store refuses an unknown key in any case.
        asked
            .and_then(Result::ok)
            .and_then(|outcome| member(&outcome, "success"))
            .is_none_or(|success| success.is_truthy())
    }

    fn in_background(&self, work: impl Future<Output = ()> + 'static) {
        self.context.wait_until(work);
    }
}

/// A member of an object, if it is there.
fn member(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &name.into()).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// A variable or a secret.
fn variable(env: &Env, name: &str) -> Option<String> {
    member(env, name)?.as_string()
}

fn settings(env: &Env) -> std::result::Result<Rc<Settings>, SettingsError> {
    if let Some(settings) = SETTINGS.with(|settings| settings.get().cloned()) {
        return Ok(settings);
    }
    let read = Rc::new(Settings::read(|name| variable(env, name))?);
    Ok(SETTINGS.with(|settings| Rc::clone(settings.get_or_init(|| read))))
}

fn version(env: &Env) -> Option<String> {
    let read = || member(&member(env, "VERSION")?, "id")?.as_string();
    VERSION.with(|version| version.get_or_init(read).clone())
}

/// The base, the path and the query of a URL that the runtime has parsed: `https://host/path?query`.
fn parts_of(url: &str) -> (&str, &str, &str) {
    let behind_scheme = url.find("://").map_or(0, |at| at + 3);
    let (base, path) = url.split_at(url[behind_scheme..].find('/').map_or(url.len(), |at| behind_scheme + at));
    let path = if path.is_empty() { "/" } else { path };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    (base, path, query)
}

fn call_of(request: &Request, env: &Env) -> Call {
    let headers = request.headers();
    let header = |name| headers.get(name).ok().flatten();
    let url = request.url();
    let (base_url, path, query) = parts_of(&url);
    let authorization = header("Authorization");
    // To ask for one more header takes a while.
    let is_bearer = authorization.as_deref().is_some_and(|value| value.starts_with("Bearer "));
    let method = request.method();
    let reads = ["GET", "HEAD"].contains(&method.as_str());
    Call {
        method,
        path: path.into(),
        query: query.into(),
        write_key: if is_bearer { None } else { header("X-Write-Key") },
        authorization,
        base_url: base_url.into(),
        origin: header("Origin"),
        if_match: if reads { None } else { header("If-Match") },
        if_none_match: if reads { header("If-None-Match") } else { None },
        cache_control: header("Cache-Control"),
        content_encoding: header("Content-Encoding"),
        traceparent: header("traceparent"),
        client_address: header("CF-Connecting-IP"),
        request_id: header("CF-Ray").unwrap_or_else(|| {
            let mut random = [0; 10];
            fill_random(&mut random);
            id::new("req_", now(), random)
        }),
        version: version(env),
    }
}

/// Headers as the object that the runtime takes fastest. No reply has two of one name.
struct Headers<'a>(&'a [(&'static str, String)]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

fn response_of(Handled { reply, .. }: Handled) -> Result<Response> {
    let init = ResponseInit::new();
    init.set_status(reply.status);
    // As one text: to cross over for each header takes longer.
    init.set_headers(&JSON::parse(&serde_json::to_string(&Headers(&reply.headers))?)?);
    let body = (!reply.body.is_empty()).then(|| Uint8Array::from(reply.body.as_bytes()));
    Ok(Response::new_with_opt_buffer_source_and_init(body.as_deref(), &init)?)
}

/// None: they are no rows.
fn rows_as_json(rows: &JsValue) -> Option<String> {
    JSON::stringify(rows).ok()?.as_string()
}

/// A value as SQLite is given it. D1's own integer type is 32 bits wide.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53")]
fn js_value(value: Value<'_>) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Text(text) => JsValue::from_str(text),
        Value::Number(number) => JsValue::from_f64(number as f64),
    }
}
