//! A native Roster, on a thread of its own: one request after the other.

use crate::client::Answer;
use crate::transport::Transport;
use roster::api::{self, ApiError, Call, Handled};
use roster::store::moving::Places;
use roster::store::objects::ObjectStore;
use roster::store::sql::SqlStore;
use roster::store::{ControlStore, OwnReads, RoutedStore, UserStore};
use roster::time::Timestamp;
use roster_reference::{Clock, LocalObjects, Memory, MemoryStore, Sqlite};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};
use ureq::http::{HeaderMap, HeaderValue};

/// The log lines by their requests' ids.
type Log = Arc<Mutex<BTreeMap<String, String>>>;

/// Where a native Roster keeps its users.
#[derive(Clone, Copy, Debug)]
pub enum Storage {
    /// In the store that is the model of all others.
    Reference,
    /// In SQLite, by the statements that D1 and objects run.
    Sqlite,
}

pub struct Native {
    requests: Sender<Request>,
    log: Log,
}

struct Request {
    call: Call,
    body: Vec<u8>,
    answer: Sender<Handled>,
}

impl Native {
    /// With just these variables.
    pub fn start(storage: Storage, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (requests, received) = channel();
        let log = Log::default();
        let lines = Arc::clone(&log);
        std::thread::spawn(move || match storage {
            Storage::Reference => serve(MemoryStore::new, &received, &variables, &lines),
            Storage::Sqlite => serve(in_sqlite, &received, &variables, &lines),
        });
        Native { requests, log }
    }
}

type SqliteUsers = RoutedStore<SqlStore<Sqlite>, ObjectStore<LocalObjects>>;

fn in_sqlite(hops: &Rc<Cell<u32>>) -> (Rc<SqliteUsers>, Rc<SqlStore<Sqlite>>) {
    let d1 = Rc::new(SqlStore(Sqlite::new(Rc::clone(hops)).unwrap()));
    let objects = ObjectStore(LocalObjects::new(Rc::clone(hops)));
    (Rc::new(RoutedStore { d1: Rc::clone(&d1), objects }), d1)
}

fn serve<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static>(
    stores: impl FnOnce(&Rc<Cell<u32>>) -> (Rc<U>, Rc<C>),
    requests: &Receiver<Request>,
    variables: &BTreeMap<String, String>,
    log: &Log,
) {
    let clock = Clock::at(now());
    let memory = Memory::new(clock.clone(), 0, |name| variables.get(name).cloned(), stores);
    for (number, Request { mut call, body, answer }) in requests.iter().enumerate() {
        call.request_id = format!("req_{number}");
        clock.set(now());
        let begun = Instant::now();
        let (handled, hops) = match &memory {
            Ok(memory) => memory.handle(&call, body),
            Err(error) => (api::fail(&call, ApiError::Internal { cause: error.to_string() }, None), 0),
        };
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap();
        let line = api::log_line(&call, &handled, hops, duration_ms);
        log.lock().unwrap().insert(call.request_id, line);
        answer.send(handled).unwrap();
    }
}

fn now() -> Timestamp {
    Timestamp::from_ms(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis().try_into().unwrap())
}

impl Transport for Native {
    #[track_caller]
    fn exchange(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let (answer, answered) = channel();
        let call = call_of(method, path, headers);
        self.requests.send(Request { call, body: body.into(), answer }).unwrap();
        let handled = answered.recv().expect("no panic in Roster");
        // As over a network, a client's next request comes at a later moment: the clock counts milliseconds.
        std::thread::sleep(Duration::from_millis(1));
        answer_of(method, handled)
    }

    #[track_caller]
    fn log_line(&self, request_id: &str) -> serde_json::Value {
        serde_json::from_str(&self.log.lock().unwrap()[request_id]).unwrap()
    }

    fn printed(&self) -> String {
        self.log.lock().unwrap().values().cloned().collect::<Vec<_>>().join("\n")
    }
}

/// A request, as HTTP carries it.
fn call_of(method: &str, target: &str, headers: &[(&str, &str)]) -> Call {
    let header = |name: &str| {
        let values = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let values: Vec<&str> = values.map(|(_, value)| *value).collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    Call { version: Some("native".into()), ..Call::read(method, &format!("https://native{target}"), header) }
}

/// An answer, as HTTP brings it: to HEAD without its body.
fn answer_of(method: &str, handled: Handled) -> Answer {
    let mut headers = HeaderMap::new();
    for (name, value) in handled.reply.headers {
        headers.append(
            name.to_ascii_lowercase().parse::<ureq::http::HeaderName>().unwrap(),
            HeaderValue::try_from(value).unwrap(),
        );
    }
    let text = if method == "HEAD" { String::new() } else { handled.reply.body };
    Answer { status: handled.reply.status, headers, text }
}
