//! The two calls of the API that the tool needs, sent again until they are answered.

use crate::args::BaseUrl;
use crate::bar::Bar;
use crate::failure::Failure;
use crate::gate::{Gate, backoff};
use crate::stop::Stop;
use roster::key::ApiKey;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Request, Response};

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
    key: &'a ApiKey,
    gate: Gate,
    stop: &'a Stop,
    bar: &'a Bar,
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

/// An error's `message` and `code`.
#[derive(Deserialize)]
struct ErrorIn {
    message: String,
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
    pub fn new(url: &'a BaseUrl, key: &'a ApiKey, stop: &'a Stop, bar: &'a Bar) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_mins(2)))
            .max_idle_connections_per_host(64)
            .user_agent(concat!("roster-cli/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Client { agent, url, key, gate: Gate::default(), stop, bar }
    }

    /// Stores a batch of this many users. Answers for each in turn: its error, or None if it is stored.
    pub fn store(&self, body: &str, users: usize) -> Result<Vec<Option<Box<RawValue>>>, Failure> {
        let answer = self.ask(|| {
            let request = Request::post(format!("{}/v1/users/batch", self.url.as_str()))
                .header("Authorization", self.bearer())
                .header("Content-Type", "application/json")
                .body(body);
            self.agent.run(request?)
        })?;
        let told: Option<BatchIn> =
            [200, 207, 400].contains(&answer.status).then(|| serde_json::from_str(&answer.text).ok()).flatten();
        let results = told.map(|told| told.results).ok_or_else(|| refusal(&answer))?;
        let is_whole = results.len() == users && results.iter().enumerate().all(|(i, result)| result.index == i);
        if !is_whole {
            return Err(Failure::Stopped("the server did not answer for each user of a batch".into()));
        }
        Ok(results.into_iter().map(|result| result.error).collect())
    }

    /// The JSON of a page of users.
    pub fn page(&self, cursor: Option<&str>) -> Result<String, Failure> {
        let cursor = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let answer = self.ask(|| {
            let request = Request::get(format!("{}/v1/users?limit={PAGE}{cursor}", self.url.as_str()))
                .header("Authorization", self.bearer())
                .body(());
            self.agent.run(request?)
        })?;
        if answer.status == 200 { Ok(answer.text) } else { Err(refusal(&answer)) }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key.reveal())
    }

    /// Sends until there is an answer to keep. A 429 holds back everybody who shares this client.
    fn ask(&self, send: impl Fn() -> Result<Response<ureq::Body>, ureq::Error>) -> Result<Answer, Failure> {
        let mut tried = 0;
        loop {
            self.gate.pass(self.stop)?;
            match read(send()) {
                Tried::Answered(answer) => return Ok(answer),
                Tried::Limited(wait) => {
                    if self.gate.close_for(wait) {
                        self.bar.note("rate limit reached: waiting as long as the server says, now and from here on");
                    }
                }
                Tried::Failed { cause, wait } => {
                    tried += 1;
                    if tried == TRIES {
                        return Err(Failure::Stopped(format!("gave up after {TRIES} tries: {cause}")));
                    }
                    let pause = backoff(tried, |at_most_ms| fastrand::u64(..=at_most_ms)).max(wait);
                    self.bar.note(&format!("{cause}; trying again in {:.1} s", pause.as_secs_f64()));
                    self.stop.pause(pause)?;
                }
            }
        }
    }
}

fn read(sent: Result<Response<ureq::Body>, ureq::Error>) -> Tried {
    let failed = |cause: String| Tried::Failed { cause, wait: Duration::ZERO };
    let mut response = match sent {
        Ok(response) => response,
        Err(error) => return failed(format!("no answer: {error}")),
    };
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let status = response.status().as_u16();
    let text = match response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_string() {
        Ok(text) => text,
        Err(error) => return failed(format!("the answer broke off: {error}")),
    };
    match status {
        429 => Tried::Limited(Duration::from_secs(retry_after.unwrap_or(DEFAULT_WAIT_SECONDS))),
        500.. => Tried::Failed {
            cause: told(&Answer { status, text }),
            wait: Duration::from_secs(retry_after.unwrap_or_default()),
        },
        _ => Tried::Answered(Answer { status, text }),
    }
}

fn refusal(answer: &Answer) -> Failure {
    Failure::Stopped(told(answer))
}

/// What an answer that is no success says.
fn told(answer: &Answer) -> String {
    let status = answer.status;
    match serde_json::from_str(&answer.text) {
        Ok(ErrorIn { message, code }) => format!("the server answered {status} {code}: {message}"),
        Err(_) => format!("the server answered {status}, and not as Roster does: is the URL right?"),
    }
}
