//! What Roster answers, and what is stored, when D1, the limiter or its own module fail. `faulty.mjs` injects the
//! faults.

mod copies;
mod d1;
mod limiter;
mod objects;
mod panics;
mod rest;

use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Answer, Client, Project, Transport};
use serde_json::{Value, json};
use std::sync::LazyLock;

const ENTRY: &str = "tests/doubles/faulty.mjs";

fn faulty() -> &'static Server {
    static FAULTY: LazyLock<Server> = LazyLock::new(|| {
        let variables = [("ADMIN_TOKEN", ADMIN_TOKEN), ("RATE_LIMIT", "100000/60"), ("BATCH_RATE_LIMIT", "100000/60")];
        Server::start_entry(ENTRY, &State::new(), &variables)
    });
    &FAULTY
}

/// A call that meets faults.
#[track_caller]
fn meet(server: &Server, faults: &Value, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers = [("Authorization", format!("Bearer {token}")), ("X-Fault", faults.to_string())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    server.call(method, path, &headers, body)
}

/// A project whose calls meet faults.
trait Faulty {
    fn meet(&self, fault: &Value, method: &str, path: &str, body: &Value) -> Answer;
}

impl Faulty for Project<'_, Server> {
    #[track_caller]
    fn meet(&self, fault: &Value, method: &str, path: &str, body: &Value) -> Answer {
        meet(self.server, &json!([fault]), &self.key, method, path, body)
    }
}

fn warm() -> Project<'static, Server> {
    warm_on(faulty())
}

/// A project whose key the isolate knows, so that the first call of D1 is the request's own.
fn warm_on(server: &Server) -> Project<'_, Server> {
    let project = server.project();
    project.get(404, "/v1/users/nobody");
    project
}

#[track_caller]
fn check_refusal(server: &Server, answer: &Answer, cause: &str) {
    let code = if answer.status == 503 { "SERVICE_UNAVAILABLE" } else { "INTERNAL_ERROR" };
    assert_eq!(answer.code(), code);
    assert_eq!(answer.header("retry-after"), if answer.status == 503 { "1" } else { "" });
    assert!(!answer.text.contains(cause) && !answer.text.contains("D1"), "{}", answer.text);
    let line = server.log_line(answer.header("x-request-id"));
    assert!(line["cause"].as_str().unwrap().contains(cause), "{line}");
}
