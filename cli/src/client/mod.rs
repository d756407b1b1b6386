//! Calls of the API, retried until they are answered.

mod base_url;
mod budget;
mod changes_from;
mod response;
mod throttle;

pub use base_url::BaseUrl;
pub use changes_from::ChangesFrom;

use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::progress_bar::ProgressBar;
use budget::Budget;
use response::Response;
use roster::bounds::QUERY_USERS;
use roster::json;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use throttle::{Throttle, backoff};
use ureq::Agent;
use ureq::http::{Method, Request};

/// Attempts of one call that fails. A 429 is no failure.
const MAX_ATTEMPTS: u32 = 8;
/// As many as it takes.
const UNLIMITED: u32 = u32::MAX;
/// Bytes of a response: far above the largest page of users.
const MAX_RESPONSE_BYTES: u64 = 67_108_864;
/// Seconds to wait after a 429 that has no `Retry-After`.
const DEFAULT_WAIT_SECONDS: u64 = 1;
/// How long a client rests at least.
const SHORTEST_REST: Duration = Duration::from_secs(1);

pub struct Client<'a> {
    agent: Agent,
    url: &'a BaseUrl,
    authorization: String,
    pace: Pace,
    max_attempts: u32,
    throttle: Throttle,
    /// Milliseconds between two calls that spare the rate limit, as far as a response has said.
    sparing_interval_ms: AtomicU64,
    has_reported_limit: AtomicBool,
    interrupt: &'a Interrupt,
    bar: &'a ProgressBar,
}

/// How fast to call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as the rate limit admits.
    Full,
    /// Leaving a fifth of the rate limit to others: see [`Budget::pause`].
    Sparing,
    /// With this interval between two calls.
    Every(Duration),
}

/// The response to a batch, as far as the tool reads it.
#[derive(Deserialize)]
struct BatchIn {
    results: Vec<ResultIn>,
}

#[derive(Deserialize)]
struct ResultIn {
    index: usize,
    #[serde(default)]
    stale: bool,
    /// Of a deletion: whether there was somebody.
    deleted: Option<bool>,
    error: Option<Box<RawValue>>,
}

/// What became of one user of a batch: it is stored or deleted, or an error as JSON.
pub type Outcome = Result<Stored, Box<RawValue>>;

/// A user that is stored or deleted.
pub struct Stored {
    /// Whether something was left as it is, because it is newer than the record.
    pub stale: bool,
    /// Whether it is a deletion, and nobody was there.
    pub absent: bool,
}

/// What one attempt led to.
enum Attempt {
    Answered(Response),
    /// The rate limit admits nothing for this long.
    Limited(Duration),
    /// Worth another attempt, but not before `wait` is over.
    Failed {
        cause: String,
        wait: Duration,
    },
}

impl<'a> Client<'a> {
    /// `secret` is an API key or the admin token.
    pub fn new(url: &'a BaseUrl, secret: &str, pace: Pace, interrupt: &'a Interrupt, bar: &'a ProgressBar) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_mins(2)))
            .max_idle_connections_per_host(64)
            .user_agent(concat!("roster-cli/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Client {
            agent,
            url,
            authorization: format!("Bearer {secret}"),
            pace,
            max_attempts: MAX_ATTEMPTS,
            throttle: Throttle::default(),
            sparing_interval_ms: AtomicU64::new(0),
            has_reported_limit: AtomicBool::new(false),
            interrupt,
            bar,
        }
    }

    /// A client that tries a call until it is answered.
    pub fn patient(self) -> Self {
        Client { max_attempts: UNLIMITED, ..self }
    }

    /// Delays the next call, because nothing new is expected: by a second, or longer where that spares the rate limit.
    pub fn rest(&self) {
        let interval = Duration::from_millis(self.sparing_interval_ms.load(Ordering::Relaxed));
        self.throttle.close_for(interval.max(SHORTEST_REST));
    }

    /// Stores a batch of this many users. Returns the outcome of each, in order.
    pub fn store_batch(&self, body: &str, users: usize) -> Result<Vec<Outcome>, CliError> {
        let response = self.retry(self.max_attempts, || self.send(&Method::POST, "/v1/users/batch", Some(body)))?;
        if response.is_forbidden() {
            return Err(response.denied());
        }
        let batch: Option<BatchIn> =
            [200, 207, 400].contains(&response.status).then(|| serde_json::from_str(&response.text).ok()).flatten();
        let results = batch.map(|batch| batch.results).ok_or_else(|| response.denied())?;
        let is_complete = results.len() == users && results.iter().enumerate().all(|(i, result)| result.index == i);
        if !is_complete {
            return Err(CliError::Failed("the server did not answer for each user of a batch".into()));
        }
        let outcome = |ResultIn { stale, deleted, error, .. }| {
            error.map_or(Ok(Stored { stale, absent: deleted == Some(false) }), Err)
        };
        Ok(results.into_iter().map(outcome).collect())
    }

    /// Fetches a page of the users whom a filter means, which is JSON, or of all. Without a cursor it is the first.
    pub fn query_users(&self, filter: Option<&str>, cursor: Option<&str>) -> Result<String, CliError> {
        let filter = filter.map_or(String::new(), |filter| format!(",\"where\":{filter}"));
        let cursor = cursor.map_or(String::new(), |cursor| format!(",\"cursor\":{}", json::string(cursor)));
        self.post("/v1/users/query", &format!("{{\"limit\":{}{filter}{cursor}}}", QUERY_USERS.end()))
    }

    /// Fetches a page of changes, as JSON. None if a deletion was forgotten that should stand there.
    pub fn list_changes(&self, from: &ChangesFrom, limit: u32) -> Result<Option<String>, CliError> {
        let path = format!("/v1/changes?limit={limit}{}", from.parameter());
        let response = self.retry(self.max_attempts, || self.send(&Method::GET, &path, None))?;
        if response.status == 410 { Ok(None) } else { response.into_success().map(Some) }
    }

    /// Makes a call without a body. Returns the JSON of a 2xx.
    pub fn call(&self, method: &Method, path: &str) -> Result<String, CliError> {
        self.retry(self.max_attempts, || self.send(method, path, None))?.into_success()
    }

    /// Patches with a body. Returns the JSON of a 2xx.
    pub fn patch(&self, path: &str, body: &str) -> Result<String, CliError> {
        self.retry(self.max_attempts, || self.send(&Method::PATCH, path, Some(body)))?.into_success()
    }

    /// Posts a body, as often as it takes: for a call that is idempotent. Returns the JSON of a 2xx.
    pub fn post(&self, path: &str, body: &str) -> Result<String, CliError> {
        self.retry(MAX_ATTEMPTS, || self.send(&Method::POST, path, Some(body)))?.into_success()
    }

    /// Posts once, without retries: for a call that is not idempotent. Returns the JSON of a 2xx.
    pub fn post_once(&self, path: &str, body: Option<&str>) -> Result<String, CliError> {
        self.retry(1, || self.send(&Method::POST, path, body))?.into_success()
    }

    fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&str>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url.as_str()))
            .header("Authorization", &self.authorization);
        match body {
            Some(body) => self.agent.run(request.header("Content-Type", "application/json").body(body)?),
            None => self.agent.run(request.body(())?),
        }
    }

    /// Sends until a response is final. A 429 delays every call of this client and counts as no attempt.
    fn retry(
        &self,
        max_attempts: u32,
        send: impl Fn() -> Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Response, CliError> {
        let mut failed = 0;
        loop {
            self.throttle.wait(self.interrupt)?;
            if let Pace::Every(interval) = self.pace {
                self.throttle.close_for(interval);
            }
            match self.receive(send()) {
                Attempt::Answered(response) => {
                    self.bar.clear_failure();
                    return Ok(response);
                }
                Attempt::Limited(wait) => self.hold_back(wait),
                Attempt::Failed { cause, .. } if failed + 1 == max_attempts => {
                    return Err(CliError::Failed(gave_up(max_attempts, &cause)));
                }
                Attempt::Failed { cause, wait } => {
                    failed += 1;
                    let pause = backoff(failed, |max_ms| fastrand::u64(..=max_ms)).max(wait);
                    let of = if max_attempts == UNLIMITED { String::new() } else { format!(" of {max_attempts}") };
                    let cause = format!("{cause} (try {failed}{of})");
                    self.bar.message(&format!("{cause}; trying again in {:.1} s", pause.as_secs_f64()));
                    self.bar.show_failure(&cause);
                    self.interrupt.sleep(pause)?;
                }
            }
        }
    }

    /// Reads a response and decides whether it is final.
    fn receive(&self, sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Attempt {
        let failed = |cause: String| Attempt::Failed { cause, wait: Duration::ZERO };
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return failed(format!("no answer from {}: {error}", self.url.as_str())),
        };
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        if self.pace == Pace::Sparing
            && let Some(budget) = Budget::from_headers(response.headers())
        {
            let interval_ms = budget.sparing_interval().as_millis();
            self.sparing_interval_ms.store(u64::try_from(interval_ms).unwrap_or(u64::MAX), Ordering::Relaxed);
            if let Some(pause) = budget.pause() {
                self.hold_back(pause);
            }
        }
        let status = response.status().as_u16();
        let text = match response.body_mut().with_config().limit(MAX_RESPONSE_BYTES).read_to_string() {
            Ok(text) => text,
            Err(error) => return failed(format!("an answer from {} broke off: {error}", self.url.as_str())),
        };
        let response = Response { status, text };
        match status {
            429 => Attempt::Limited(Duration::from_secs(retry_after.unwrap_or(DEFAULT_WAIT_SECONDS))),
            500.. => Attempt::Failed {
                cause: response.error_message(),
                wait: Duration::from_secs(retry_after.unwrap_or_default()),
            },
            _ => Attempt::Answered(response),
        }
    }

    /// Delays every call for the rate limit. Where no bar shows that, the first wait is reported in a message.
    fn hold_back(&self, duration: Duration) {
        let until = self.throttle.close_for(duration);
        self.bar.show_wait(until);
        if self.bar.is_hidden() && !self.has_reported_limit.swap(true, Ordering::Relaxed) {
            let seconds = duration.as_secs_f64().ceil();
            self.bar.message(&format!("waiting {seconds} s for the rate limit; later waits are not reported"));
        }
    }
}

fn gave_up(attempts: u32, cause: &str) -> String {
    if attempts == 1 { cause.into() } else { format!("gave up after {attempts} tries: {cause}") }
}
