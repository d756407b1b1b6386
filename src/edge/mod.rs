//! The Worker: turns a Request into a [`Call`] and an [`Answer`] into a Response, and gives the core what it asks for.

mod d1;
mod limiter;
mod log;
mod sql;

use crate::api::{self, Answer, BodyError, Call, Edge, KeyCache, Settings};
use crate::id;
use crate::limit::Leases;
use crate::time::Timestamp;
use d1::D1Store;
use futures_core::Stream;
use limiter::ObjectLimiter;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use worker::{Context, Delay, Env, Fetcher, Headers, Request, Response, ResponseBuilder, Result, event};

thread_local! {
    // What this isolate knows of keys and limits. Plain data: nothing in it belongs to a request.
    static KEY_CACHE: Rc<RefCell<KeyCache>> = Rc::default();
    static LEASES: Rc<RefCell<Leases>> = Rc::default();
}

#[event(start)]
fn start() {
    // The runtime's own hook recovers from a panic: say more first, then let it run.
    let recover = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        recover(info);
    }));
}

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let begun = now();
    let context = Rc::new(context);
    let hops = Hops::default();
    let call = call_of(&request)?;
    let answer = match Settings::read(|name| env.var(name).ok().map(|value| value.to_string())) {
        Err(error) => api::misconfigured(&call, &error),
        Ok(settings) => {
            let worker = Worker {
                settings,
                store: Rc::new(D1Store::new(env.d1("DB")?, hops.clone())),
                limiter: ObjectLimiter {
                    objects: env.durable_object("LIMITER")?,
                    leases: LEASES.with(Rc::clone),
                    context: Rc::clone(&context),
                    hops: hops.clone(),
                },
                key_cache: KEY_CACHE.with(Rc::clone),
                assets: env.assets("ASSETS")?,
                request: RefCell::new(request),
                context,
            };
            api::handle(&call, &worker).await
        }
    };
    log::write(&call, &answer, hops.count(), now().as_ms().saturating_sub(begun.as_ms()));
    response_of(answer)
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
    assets: Fetcher,
    request: RefCell<Request>,
    context: Rc<Context>,
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

    async fn body(&self, limit_bytes: usize) -> std::result::Result<Vec<u8>, BodyError> {
        let declared = self.request.borrow().headers().get("Content-Length").ok().flatten();
        if declared.and_then(|length| length.parse().ok()).is_some_and(|length: usize| length > limit_bytes) {
            return Err(BodyError::TooLarge);
        }
        let mut body = Vec::new();
        let stream = self.request.borrow_mut().stream();
        // A request without a body has no stream.
        let Ok(mut chunks) = stream else { return Ok(body) };
        while let Some(chunk) = poll_fn(|task| Pin::new(&mut chunks).poll_next(task)).await {
            body.extend(chunk.map_err(|_| BodyError::Broken)?);
            if body.len() > limit_bytes {
                return Err(BodyError::TooLarge);
            }
        }
        Ok(body)
    }

    async fn file(&self, path: &str) -> std::result::Result<String, String> {
        let read = async {
            // Assets are asked for by a URL, of which only the path matters.
            self.assets.fetch(format!("https://assets{path}"), None).await?.text().await
        };
        read.await.map_err(|error| format!("asset {path}: {error}"))
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

fn call_of(request: &Request) -> Result<Call> {
    let header = |name| request.headers().get(name);
    Ok(Call {
        // Not Request::method(), which takes a method that it does not know for GET.
        method: request.inner().method(),
        path: request.path(),
        // Not Request::url(), which would bring in worker::Url.
        query: request.inner().url().split_once('?').map_or_else(String::new, |(_, query)| query.into()),
        authorization: header("Authorization")?,
        origin: header("Origin")?,
        if_none_match: header("If-None-Match")?,
        request_id: header("CF-Ray")?.unwrap_or_else(|| {
            let mut random = [0; 10];
            fill_random(&mut random);
            id::new("req_", now(), random)
        }),
    })
}

fn response_of(Answer { reply, .. }: Answer) -> Result<Response> {
    let headers = Headers::new();
    for (name, value) in &reply.headers {
        headers.append(name, value)?;
    }
    let response = ResponseBuilder::new().with_status(reply.status).with_headers(headers);
    Ok(if reply.body.is_empty() { response.empty() } else { response.fixed(reply.body.into_bytes()) })
}
