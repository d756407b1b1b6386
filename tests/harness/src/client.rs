//! A client whose calls take the expected status, so that a test reads as a script.

use crate::contract;
use crate::transport::{ADMIN_TOKEN, Transport, shared};
use roster::time::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use ureq::http::HeaderMap;

/// An answer whose form was checked: the headers that all have, and the body that all errors have.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().into()
    }

    /// `pointer` or `field` of every fault that the answer lists.
    pub fn places(&self) -> Vec<String> {
        let details = &self.json()["details"];
        let faults = details["errors"].as_array().cloned().unwrap_or_else(|| vec![details.clone()]);
        let place =
            |fault: &Value| fault["pointer"].as_str().or(fault["field"].as_str()).unwrap_or_default().to_owned();
        faults.iter().map(place).collect()
    }

    #[track_caller]
    fn check_form(&self, method: &str) {
        for name in ["x-request-id", "access-control-expose-headers"] {
            assert!(!self.header(name).is_empty(), "{name} is missing");
        }
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        if self.status >= 400 && method != "HEAD" {
            let body = self.json();
            assert_eq!(body["success"], false);
            let reason = match self.status {
                413 => "Content Too Large",
                status => ureq::http::StatusCode::from_u16(status).unwrap().canonical_reason().unwrap(),
            };
            assert_eq!(body["error"], reason);
            assert!(!body["message"].as_str().unwrap().is_empty());
            assert!(body["code"].as_str().unwrap().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
            let details: &[&str] =
                if body["results"].is_array() { &["processed_count", "failed_count", "results"] } else { &["details"] };
            let known = ["success", "error", "message", "code"];
            assert!(body.as_object().unwrap().keys().all(|k| known.contains(&&**k) || details.contains(&&**k)));
        }
    }
}

/// What a test does with a Roster, over any transport.
pub trait Client: Transport {
    /// Any call of the API. `headers` as (name, value).
    #[track_caller]
    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        let answer = self.send(method, path, headers, body);
        answer.check_form(method);
        if method != "OPTIONS" {
            contract::check(method, path, &answer);
        }
        answer
    }

    #[track_caller]
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Answer {
        self.exchange(method, path, headers, body.as_ref())
    }

    /// A file that is shipped with the Worker.
    #[track_caller]
    fn file(&self, path: &str) -> Answer {
        let answer = self.send("GET", path, &[], "");
        assert_eq!(answer.status, 200, "{path}");
        answer
    }

    #[track_caller]
    fn admin(&self, expected: u16, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.call(method, path, &[("Authorization", &format!("Bearer {ADMIN_TOKEN}"))], body);
        assert_eq!(answer.status, expected, "{}", answer.text);
        answer
    }

    /// A new project with one key that may do all, where `ROSTER_BUCKETS` says.
    #[track_caller]
    fn project(&self) -> Project<'_, Self> {
        self.project_in(buckets())
    }

    /// A new project with one key that may do all, its users in so many objects, or in D1.
    #[track_caller]
    fn project_in(&self, buckets: Option<u8>) -> Project<'_, Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("p{}", NEXT.fetch_add(1, Ordering::Relaxed));
        if let Some(buckets) = buckets {
            let storage = json!({"storage": {"kind": "objects", "buckets": buckets}});
            self.admin(200, "PUT", &format!("/v1/projects/{name}"), &storage);
        }
        let key = self.key(&json!({"name": "test", "project": name}));
        Project { server: self, name, key }
    }

    /// A key that was made with three seconds to live, which is over.
    #[track_caller]
    fn expired_key(&self, project: &str) -> String {
        let expires_at = in_ms(3000).to_string();
        let body = json!({"name": "brief", "project": project, "scopes": ["users:read"], "expires_at": expires_at});
        let key = self.key(&body);
        // Out of its scope it costs nothing.
        let status = || self.call("POST", "/v1/users", &[("Authorization", &format!("Bearer {key}"))], "").status;
        while status() != 401 {}
        key
    }

    /// A key, made from this body.
    #[track_caller]
    fn key(&self, body: &Value) -> String {
        self.admin(201, "POST", "/v1/keys", body).json()["key"].as_str().unwrap().into()
    }
}

impl<T: Transport + ?Sized> Client for T {}

/// How many objects a project's users are in, if `ROSTER_BUCKETS` says so. By default they are in D1.
pub fn buckets() -> Option<u8> {
    std::env::var("ROSTER_BUCKETS").ok().map(|buckets| buckets.parse().unwrap())
}

/// A moment from now.
pub fn in_ms(ms: u128) -> Timestamp {
    let at = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() + ms;
    Timestamp::from_ms(u64::try_from(at).unwrap())
}

/// A project on the shared Roster.
pub fn project() -> Project<'static> {
    shared().project()
}

/// A project, by one of its keys.
pub struct Project<'s, T: ?Sized = dyn Transport> {
    pub server: &'s T,
    pub name: String,
    pub key: String,
}

/// A project, while the Workers that serve it come and go.
pub struct Lasting {
    pub name: String,
    key: String,
}

impl Lasting {
    pub fn on<'s, T: ?Sized>(&self, server: &'s T) -> Project<'s, T> {
        Project { server, name: self.name.clone(), key: self.key.clone() }
    }
}

impl<T: Transport + ?Sized> Project<'_, T> {
    /// The same project, for when this Worker has ended.
    pub fn lasting(&self) -> Lasting {
        Lasting { name: self.name.clone(), key: self.key.clone() }
    }

    /// Calls of the store that an answer to a known key waited for.
    #[track_caller]
    pub fn store_hops(&self, answer: &Answer) -> u64 {
        let line = self.server.log_line(answer.header("x-request-id"));
        line["hops"].as_u64().unwrap() - u64::from(line["limiter"] == "object")
    }

    #[track_caller]
    pub fn call(&self, method: &str, expected: u16, path: &str, body: impl AsRef<[u8]>) -> Answer {
        let answer = self.server.call(method, path, &[("Authorization", &format!("Bearer {}", self.key))], body);
        assert_eq!(answer.status, expected, "{}", answer.text);
        answer
    }

    #[track_caller]
    pub fn post_bytes(&self, expected: u16, body: impl AsRef<[u8]>) -> Answer {
        self.call("POST", expected, "/v1/users", body)
    }

    #[track_caller]
    pub fn post(&self, expected: u16, body: &Value) -> Answer {
        self.post_bytes(expected, body.to_string())
    }

    /// Sends an array of users as one batch.
    #[track_caller]
    pub fn batch(&self, expected: u16, users: &Value) -> Answer {
        self.call("POST", expected, "/v1/users/batch", json!({"users": users}).to_string())
    }

    #[track_caller]
    pub fn get(&self, expected: u16, path: &str) -> Answer {
        self.call("GET", expected, path, "")
    }

    #[track_caller]
    pub fn delete(&self, expected: u16, path: &str) -> Answer {
        self.call("DELETE", expected, path, "")
    }

    /// The external ids of the users that one page of a query has.
    #[track_caller]
    pub fn listed(&self, query: &str) -> Vec<String> {
        let answer = self.get(200, &format!("/v1/users{query}")).json();
        assert_eq!(answer["pagination"]["has_more"], false);
        let users = answer["users"].as_array().unwrap();
        users.iter().map(|user| user["external_id"].as_str().unwrap().into()).collect()
    }

    /// Revokes the project's only key.
    #[track_caller]
    pub fn revoke(&self) {
        let list = self.server.admin(200, "GET", "/v1/keys", &Value::Null).json();
        let key = list["keys"].as_array().unwrap().iter().find(|key| key["project"] == *self.name).unwrap();
        self.server.admin(200, "DELETE", &format!("/v1/keys/{}", key["key_id"].as_str().unwrap()), &Value::Null);
    }

    /// The stored user with this plain id, as JSON text: digit for digit.
    #[track_caller]
    pub fn stored(&self, id: &str) -> String {
        self.get(200, &format!("/v1/users/{id}")).text
    }

    #[track_caller]
    pub fn user(&self, id: &str) -> Value {
        self.get(200, &format!("/v1/users/{id}")).json()["user"].clone()
    }

    #[must_use]
    #[track_caller]
    pub fn with_new_key(self) -> Self {
        let key = self.server.key(&json!({"name": "next", "project": self.name}));
        Project { key, ..self }
    }

    #[track_caller]
    pub fn limit(&self, limit: u32, window_seconds: u32) {
        let body = json!({"rate_limits": {"users": {"limit": limit, "window_seconds": window_seconds}}});
        self.server.admin(200, "PUT", &format!("/v1/projects/{}", self.name), &body);
    }
}
