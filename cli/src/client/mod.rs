//! Calls of the API, sent again until they are answered.

use crate::args::BaseUrl;
use crate::bar::Bar;
use crate::budget::Budget;
use crate::failure::Failure;
use crate::gate::{Gate, backoff};
use crate::stop::Stop;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Method, Request, Response};

/// Tries of one call that fails. Being told to wait is no failure.
const TRIES: u32 = 8;
/// Bytes of an answer: far above the largest page of users.
const MAX_ANSWER_BYTES: u64 = 67_108_864;
/// What to wait on a 429 that does not say, in seconds.
const DEFAULT_WAIT_SECONDS: u64 = 1;
const PAGE: u32 = 100;

pub struct Client<'a> {
    agent: Agent,
    url: &'a BaseUrl,
    bearer: String,
    pace: Pace,
    gate: Gate,
    has_told_of_limit: AtomicBool,
    stop: &'a Stop,
    bar: &'a Bar,
}

/// How fast to call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As fast as the rate limit admits.
    Full,
    /// So that others find a fifth of the rate limit: see [`Budget::pause`].
    Sparing,
    /// With this pause from call to call.
    Every(Duration),
}

/// The parts of a batch's answer that matter here.
#[derive(Deserialize)]
struct BatchIn {
    results: Vec<ResultIn>,
}

#[derive(Deserialize)]
struct ResultIn {
    index: usize,
    error: Option<Box<RawValue>>,
}

/// An error, which has a message unless there was no room for one.
#[derive(Deserialize)]
struct ErrorIn {
    message: Option<String>,
    code: String,
}

/// An answer that is not to be asked for again.
struct Answer {
    status: u16,
    text: String,
}

/// What came of one try.
enum Tried {
    Answered(Answer),
    /// The project's limit is reached.
    Limited(Duration),
    /// It may help to try again, but not before this.
    Failed {
        cause: String,
        wait: Duration,
    },
}

impl<'a> Client<'a> {
    /// One that presents a secret: an API key, or the admin token.
    pub fn new(url: &'a BaseUrl, secret: &str, pace: Pace, stop: &'a Stop, bar: &'a Bar) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_mins(2)))
            .max_idle_connections_per_host(64)
            .user_agent(concat!("roster-cli/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let has_told_of_limit = AtomicBool::new(false);
        Client {
            agent,
            url,
            bearer: format!("Bearer {secret}"),
            pace,
            gate: Gate::default(),
            has_told_of_limit,
            stop,
            bar,
        }
    }

    /// Stores a batch of this many users. Answers for each in turn: its error, or None if it is stored.
    pub fn store(&self, body: &str, users: usize) -> Result<Vec<Option<Box<RawValue>>>, Failure> {
        let answer = self.ask(TRIES, || self.send(&Method::POST, "/v1/users/batch", Some(body)))?;
        let told: Option<BatchIn> =
            [200, 207, 400].contains(&answer.status).then(|| serde_json::from_str(&answer.text).ok()).flatten();
        let results = told.map(|told| told.results).ok_or_else(|| answer.denial())?;
        let is_whole = results.len() == users && results.iter().enumerate().all(|(i, result)| result.index == i);
        if !is_whole {
            return Err(Failure::Stopped("the server did not answer for each user of a batch".into()));
        }
        Ok(results.into_iter().map(|result| result.error).collect())
    }

    /// The JSON of a page of users.
    pub fn page(&self, cursor: Option<&str>) -> Result<String, Failure> {
        let cursor = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        self.call(&Method::GET, &format!("/v1/users?limit={PAGE}{cursor}"))
    }

    /// The JSON that a call without a body is answered with, where it succeeds.
    pub fn call(&self, method: &Method, path: &str) -> Result<String, Failure> {
        self.ask(TRIES, || self.send(method, path, None))?.success()
    }

    /// The same of a call that does its work as often as it is sent: it is sent once.
    pub fn post_once(&self, path: &str, body: &str) -> Result<String, Failure> {
        self.ask(1, || self.send(&Method::POST, path, Some(body)))?.success()
    }

    fn send(&self, method: &Method, path: &str, body: Option<&str>) -> Result<Response<ureq::Body>, ureq::Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url.as_str()))
            .header("Authorization", &self.bearer);
        match body {
            Some(body) => self.agent.run(request.header("Content-Type", "application/json").body(body)?),
            None => self.agent.run(request.body(())?),
        }
    }

    /// Sends until there is an answer to keep. A 429 holds back everybody who shares this client.
    fn ask(&self, tries: u32, send: impl Fn() -> Result<Response<ureq::Body>, ureq::Error>) -> Result<Answer, Failure> {
        let mut failed = 0;
        loop {
            self.gate.pass(self.stop)?;
            if let Pace::Every(pause) = self.pace {
                self.gate.close_for(pause);
            }
            match self.read(send()) {
                Tried::Answered(answer) => {
                    self.bar.answered();
                    return Ok(answer);
                }
                Tried::Limited(wait) => self.wait(wait),
                Tried::Failed { cause, wait } => {
                    failed += 1;
                    if failed == tries {
                        return Err(Failure::Stopped(gave_up(tries, &cause)));
                    }
                    let pause = backoff(failed, |at_most_ms| fastrand::u64(..=at_most_ms)).max(wait);
                    let cause = format!("{cause} (try {failed} of {tries})");
                    self.bar.note(&format!("{cause}; trying again in {:.1} s", pause.as_secs_f64()));
                    self.bar.fail(&cause);
                    self.stop.pause(pause)?;
                }
            }
        }
    }

    fn read(&self, sent: Result<Response<ureq::Body>, ureq::Error>) -> Tried {
        let failed = |cause: String| Tried::Failed { cause, wait: Duration::ZERO };
        let mut response = match sent {
            Ok(response) => response,
            Err(error) => return failed(format!("no answer from {}: {error}", self.url.as_str())),
        };
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        if let Some(pause) = Budget::of(response.headers()).and_then(|budget| budget.pause())
            && self.pace == Pace::Sparing
        {
            self.wait(pause);
        }
        let status = response.status().as_u16();
        let text = match response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string() {
            Ok(text) => text,
            Err(error) => return failed(format!("an answer from {} broke off: {error}", self.url.as_str())),
        };
        let answer = Answer { status, text };
        match status {
            429 => Tried::Limited(Duration::from_secs(retry_after.unwrap_or(DEFAULT_WAIT_SECONDS))),
            500.. => Tried::Failed { cause: answer.told(), wait: Duration::from_secs(retry_after.unwrap_or_default()) },
            _ => Tried::Answered(answer),
        }
    }

    /// Holds everybody back for the rate limit. Where no bar shows it, it is told once.
    fn wait(&self, duration: Duration) {
        let until = self.gate.close_for(duration);
        self.bar.wait(until);
        if self.bar.is_hidden() && !self.has_told_of_limit.swap(true, Ordering::Relaxed) {
            let seconds = duration.as_secs_f64().ceil();
            self.bar.note(&format!("waiting {seconds} s for the rate limit; later waits are not reported"));
        }
    }
}

fn gave_up(tries: u32, cause: &str) -> String {
    if tries == 1 { cause.into() } else { format!("gave up after {tries} tries: {cause}") }
}

impl Answer {
    fn success(self) -> Result<String, Failure> {
        if (200..300).contains(&self.status) { Ok(self.text) } else { Err(self.denial()) }
    }

    fn denial(&self) -> Failure {
        Failure::Denied(self.told())
    }

    /// What an answer that is no success says.
    fn told(&self) -> String {
        let status = self.status;
        match serde_json::from_str(&self.text) {
            Ok(ErrorIn { message, code }) => {
                let message = message.map_or(String::new(), |message| format!(": {message}"));
                let hint = if code == "NOT_FOUND" { "; is --url the root, without /v1?" } else { "" };
                format!("the server answered {status} {code}{message}{hint}")
            }
            Err(_) if status == 404 => {
                "the server answered 404, and not as Roster does: is --url the root, without /v1?".into()
            }
            Err(_) => format!("the server answered {status}, and not as Roster does: is --url right?"),
        }
    }
}
