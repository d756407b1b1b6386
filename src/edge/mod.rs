//! The Worker: turns a Request into a [`Call`] and an [`Answer`] into a Response, and gives the core what it asks for.

mod body;
mod d1;
mod limiter;
mod log;
mod sql;

use crate::api::{self, Answer, ApiError, BodyError, Call, Edge, Encoding, KeyCache, Network, Settings};
use crate::id;
use crate::limit::Leases;
use crate::time::Timestamp;
use d1::D1Store;
use js_sys::{Function, Reflect};
use limiter::ObjectLimiter;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Delay, Env, Fetcher, Headers, RateLimiter, Request, Response, ResponseBuilder, Result, event};

/// How long the page's files may take.
const ASSETS_DEADLINE: Duration = Duration::from_secs(5);
/// How long it may take to count a stranger.
const STRANGERS_DEADLINE: Duration = Duration::from_secs(1);

thread_local! {
    // What this isolate knows of keys and limits. Plain data: nothing in it belongs to a request.
    static KEY_CACHE: Rc<RefCell<KeyCache>> = Rc::default();
    static LEASES: Rc<RefCell<Leases>> = Rc::default();
    // The request that is being worked on at this very moment, for the panic hook.
    static CURRENT: RefCell<Option<JsValue>> = RefCell::default();
}

#[event(start)]
fn start() {
    // The runtime's own hook recovers from a panic: say more first, then let it run.
    let recover = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        report_panic(&info.to_string());
        recover(info);
    }));
}

/// Has `entry.js` answer for all requests that end with this module. Without it, the runtime does.
fn report_panic(cause: &str) {
    let request = CURRENT.take().unwrap_or_default();
    let report = Reflect::get(&js_sys::global(), &"rosterPanicked".into()).unwrap_or_default();
    if let Some(report) = report.dyn_ref::<Function>() {
        // What it throws has nobody left to catch it.
        let _ = report.call2(&JsValue::NULL, &request, &cause.into());
    }
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let js_request = request.inner().into();
    tell_panic_hook(js_request, respond(request, env, context)).await
}

/// Lets the panic hook know which request's work it interrupts.
async fn tell_panic_hook<T>(request: JsValue, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|task| {
        CURRENT.set(Some(request.clone()));
        let outcome = work.as_mut().poll(task);
        CURRENT.set(None);
        outcome
    })
    .await
}

async fn respond(request: Request, env: Env, context: Context) -> Result<Response> {
    let begun = now();
    let call = call_of(&request);
    let hops = Hops::default();
    let answer = match Worker::new(request, &env, context, hops.clone()) {
        Err(cause) => api::failed(&call, ApiError::Internal { cause }, None),
        Ok(worker) => match earlier_end(&env) {
            Some(error) => api::failed(&call, error, Some(&worker.settings)),
            None => api::handle(&call, &worker).await,
        },
    };
    log::write(&call, &answer, hops.count(), now().as_ms().saturating_sub(begun.as_ms()));
    response_of(answer)
}

/// How an earlier module ended with this request in it, as `entry.js` tells.
fn earlier_end(env: &Env) -> Option<ApiError> {
    let told = |name| env.var(name).ok().map(|cause| cause.to_string());
    let own = told("ROSTER_PANIC").map(|cause| ApiError::Internal { cause });
    own.or_else(|| told("ROSTER_PANIC_OF_ANOTHER").map(|cause| ApiError::Unavailable { cause }))
}

/// Counts the remote calls that a request waits for.
#[derive(Clone, Default)]
struct Hops(Rc<Cell<u32>>);

impl Hops {
    fn add(&self) {
        self.0.set(self.0.get() + 1);
    }

    fn count(&self) -> u32 {
        self.0.get()
    }
}

struct Worker {
    settings: Settings,
    store: Rc<D1Store>,
    limiter: ObjectLimiter,
    key_cache: Rc<RefCell<KeyCache>>,
    strangers: Option<RateLimiter>,
    assets: Fetcher,
    request: Request,
    context: Rc<Context>,
}

impl Worker {
    /// Binds a request to what the operator set. An error is a cause for the log.
    fn new(request: Request, env: &Env, context: Context, hops: Hops) -> std::result::Result<Self, String> {
        let settings = Settings::read(|name| env.var(name).ok().map(|value| value.to_string()));
        let context = Rc::new(context);
        let bind = || -> Result<_> { Ok((env.d1("DB")?, env.durable_object("LIMITER")?, env.assets("ASSETS")?)) };
        let (database, objects, assets) = bind().map_err(|error| error.to_string())?;
        Ok(Worker {
            settings: settings.map_err(|error| error.to_string())?,
            store: Rc::new(D1Store::new(database, hops.clone())),
            limiter: ObjectLimiter { objects, leases: LEASES.with(Rc::clone), context: Rc::clone(&context), hops },
            key_cache: KEY_CACHE.with(Rc::clone),
            strangers: env.rate_limiter("STRANGERS").ok(),
            assets,
            request,
            context,
        })
    }
}

impl Edge for Worker {
    type Store = D1Store;
    type Limiter = ObjectLimiter;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn store(&self) -> Rc<D1Store> {
        Rc::clone(&self.store)
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

    fn fill_random(&self, bytes: &mut [u8]) {
        fill_random(bytes);
    }

    async fn body(&self, encoding: Encoding, limit_bytes: usize) -> std::result::Result<Vec<u8>, BodyError> {
        body::read(&self.request, encoding, limit_bytes).await
    }

    async fn file(&self, path: &str) -> std::result::Result<String, String> {
        let read = async {
            // Assets are asked for by a URL, of which only the path matters.
            self.assets.fetch(format!("https://assets{path}"), None).await?.text().await
        };
        match within(ASSETS_DEADLINE, read).await {
            Some(text) => text.map_err(|error| format!("asset {path}: {error}")),
            None => Err(format!("asset {path}: no answer within {ASSETS_DEADLINE:?}")),
        }
    }

    async fn admit_stranger(&self, network: &Network) -> bool {
        let Some(strangers) = &self.strangers else {
            worker::console_warn!("binding STRANGERS is missing: unknown keys are counted by each isolate alone");
            return true;
        };
        let asked = within(STRANGERS_DEADLINE, strangers.limit(network.as_str().into()));
        // Who can't be counted passes: the store refuses what it doesn't know in any case.
        asked.await.and_then(Result::ok).is_none_or(|outcome| outcome.success)
    }

    fn in_background(&self, work: impl Future<Output = ()> + 'static) {
        self.context.wait_until(work);
    }
}

/// The outcome of `work`, or None if it takes longer.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut alarm) = (pin!(work), pin!(Delay::from(limit)));
    poll_fn(|task| match work.as_mut().poll(task) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => alarm.as_mut().poll(task).map(|()| None),
    })
    .await
}

fn now() -> Timestamp {
    Timestamp::from_ms(worker::Date::now().as_millis())
}

#[expect(clippy::expect_used, reason = "the runtime always has crypto.getRandomValues")]
fn fill_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("a source of random bytes");
}

fn call_of(request: &Request) -> Call {
    let header = |name| request.headers().get(name).ok().flatten();
    Call {
        // Not Request::method(), which takes a method that it does not know for GET.
        method: request.inner().method(),
        path: request.path(),
        // Not Request::url(), which would bring in worker::Url.
        query: request.inner().url().split_once('?').map_or_else(String::new, |(_, query)| query.into()),
        authorization: header("Authorization"),
        origin: header("Origin"),
        if_none_match: header("If-None-Match"),
        content_encoding: header("Content-Encoding"),
        client_address: header("CF-Connecting-IP"),
        request_id: header("CF-Ray").unwrap_or_else(|| {
            let mut random = [0; 10];
            fill_random(&mut random);
            id::new("req_", now(), random)
        }),
    }
}

fn response_of(Answer { reply, .. }: Answer) -> Result<Response> {
    let headers = Headers::new();
    for (name, value) in &reply.headers {
        headers.append(name, value)?;
    }
    let response = ResponseBuilder::new().with_status(reply.status).with_headers(headers);
    Ok(if reply.body.is_empty() { response.empty() } else { response.fixed(reply.body.into_bytes()) })
}
