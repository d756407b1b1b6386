//! Webhooks of the real Worker, and a receiver that does its worst.

use crate::sdks::{bin, python_packages};
use roster_harness::receiver::{Received, Receiver, Reply};
use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Client, Project};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const VARIABLES: [(&str, &str); 5] = [
    ("ADMIN_TOKEN", ADMIN_TOKEN),
    ("RATE_LIMIT", "1000000/60"),
    ("BATCH_RATE_LIMIT", "1000000/60"),
    ("ALLOW_INSECURE_WEBHOOKS", "true"),
    ("WEBHOOK_HURRY", "1000"),
];

/// A Worker whose webhooks wait a thousandth of the time, for the tests that kill none.
fn shared() -> &'static Server {
    static SHARED: LazyLock<Server> = LazyLock::new(|| Server::start(&State::new(), &VARIABLES));
    &SHARED
}

struct Hook {
    path: String,
    secret: String,
}

fn create(project: &Project<Server>, receiver: &Receiver, more: &Value) -> Hook {
    let mut body = json!({"project": project.name, "url": receiver.url});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let created = project.server.admin(201, "POST", "/v1/webhooks", &body).json();
    let text = |name: &str| created[name].as_str().unwrap().to_owned();
    Hook { path: format!("/v1/webhooks/{}", text("webhook_id")), secret: text("secret") }
}

fn shown(server: &Server, hook: &Hook) -> Value {
    server.admin(200, "GET", &hook.path, &Value::Null).json()["webhook"].clone()
}

/// The webhook, once it is as it should be.
#[track_caller]
fn wait_until(server: &Server, hook: &Hook, is_so: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let webhook = shown(server, hook);
        if is_so(&webhook) {
            return webhook;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{webhook}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Of each message, users and their `n`; null of a user who is deleted.
fn states(message: &Received) -> Vec<(String, Value)> {
    let body = message.json();
    let data = &body["data"];
    let changes = data["changes"].as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
    let state = |change: &Value| {
        let id = change["external_id"].as_str()?.to_owned();
        Some((id, change["user"]["properties"]["n"].clone()))
    };
    changes.iter().filter_map(state).collect()
}

/// The last state of each user that arrived. None is older than one before.
#[track_caller]
fn last_states(messages: &[Received]) -> BTreeMap<String, Value> {
    let mut last = BTreeMap::<String, Value>::new();
    for (id, n) in messages.iter().flat_map(states) {
        let before = last.insert(id.clone(), n.clone());
        assert!(before.is_none_or(|before| before.as_u64() <= n.as_u64()), "{id}: {n} is older than what came before");
    }
    last
}

/// Has a program verify messages, and answers how many it did.
fn verified(command: &mut Command, secret: &str, messages: &[Received]) -> String {
    let messages: Vec<_> = messages.iter().map(|message| json!([message.headers, message.body])).collect();
    let input = json!({"secret": secret, "messages": messages}).to_string();
    let mut process = command
        .current_dir(Path::new(crate::WORKER).join("tests/sdks"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_change_arrives_in_the_form_and_with_the_signature_of_standard_webhooks() {
    let (project, receiver) = (shared().project(), Receiver::new());
    let one = create(&project, &receiver, &json!({}));
    project.post_bytes(200, "{\"user_id\": \"u\", \"properties\": {\"n\": 1.10, \"text\": \"é\u{2028}\"}}");
    let user = project.user("u");
    let changed = receiver.wait_for(|received| received.first().cloned());
    let body = changed.json();
    assert_eq!((&body["type"], &body["timestamp"]), (&json!("user.changed"), &user["updated_at"]));
    assert_eq!(body["data"], json!({"project": project.name, "external_id": "u", "user": user}));
    assert!(changed.body.contains("1.10"), "digit for digit: {}", changed.body);
    assert_eq!(changed.headers["content-type"], "application/json");
    project.delete(200, "/v1/users/u");
    let deleted = receiver.wait_for(|received| received.get(1).cloned()).json();
    assert_eq!((&deleted["type"], &deleted["data"]["user_id"]), (&json!("user.deleted"), &user["user_id"]));
    assert_eq!(deleted["timestamp"], deleted["data"]["deleted_at"]);

    let test = format!("{}/test", one.path);
    receiver.answers(|_| Reply::Status(201, ""));
    let tested = shared().admin(200, "POST", &test, &Value::Null).json();
    assert_eq!((&tested["status"], &tested["body"], &tested["error"]), (&json!(201), &json!(""), &Value::Null));

    // Both secrets sign after a rotation.
    let rotated = shared().admin(200, "POST", &format!("{}/rotate", one.path), &Value::Null).json();
    shared().admin(200, "POST", &test, &Value::Null);
    let messages = receiver.received();
    let latest = rotated["secret"].as_str().unwrap();
    let node = || Command::new(bin("node"));
    assert_eq!(verified(node().arg("verify.mjs"), &one.secret, &messages), messages.len().to_string());
    assert_eq!(verified(node().arg("verify.mjs"), latest, &messages[messages.len() - 1..]), "1");
    if let Some(packages) = python_packages("standardwebhooks-python-1.1.0") {
        let mut python = Command::new("python3");
        let python = python.arg("verify.py").env("PYTHONPATH", packages);
        assert_eq!(verified(python, &one.secret, &messages), messages.len().to_string());
    }
    shared().admin(200, "DELETE", &one.path, &Value::Null);
}

#[test]
fn a_test_that_nobody_answers_says_so_in_time() {
    let (project, receiver) = (shared().project(), Receiver::new());
    receiver.answers(|_| Reply::Hang);
    let closed = "127.0.0.1:1";
    for (url, error) in [(&receiver.url, "no answer in time"), (&format!("http://{closed}/"), "out of reach")] {
        let hook = create(&project, &receiver, &json!({"url": url}));
        let tested = shared().admin(200, "POST", &format!("{}/test", hook.path), &Value::Null).json();
        assert_eq!((&tested["status"], &tested["body"]), (&Value::Null, &Value::Null));
        assert_eq!(tested["error"], error);
    }
}

#[test]
fn changes_come_in_batches_and_of_those_alone_whom_a_filter_means() {
    let (project, all, some) = (shared().project(), Receiver::new(), Receiver::new());
    let batches = create(&project, &all, &json!({"batch": 100}));
    let filter = json!({"field": "/properties/n", "lt": 3});
    create(&project, &some, &json!({"where": filter, "events": ["changed"]}));
    let users: Vec<Value> = (0..9).map(|n| json!({"user_id": format!("u{n}"), "properties": {"n": n}})).collect();
    project.batch(200, &json!(users));
    let arrived = all.wait_for(|received| {
        let last = last_states(received);
        (last.len() == 9).then(|| received.to_vec())
    });
    assert_eq!(arrived[0].json()["type"], "users.changes");
    assert!(arrived.len() < 9, "{} messages", arrived.len());
    let sent = some.wait_for(|received| (last_states(received).len() == 3).then(|| received.to_vec()));
    project.delete(200, "/v1/users/u0");
    project.post(200, &json!({"user_id": "u1", "properties": {"n": 7}}));
    project.post(200, &json!({"user_id": "u2", "properties": {"n": 2.5}}));
    some.wait_for(|received| (received.len() > sent.len()).then_some(()));
    assert_eq!(states(some.received().last().unwrap()), [("u2".to_owned(), json!(2.5))]);
    all.wait_for(|received| received.last()?.body.contains("2.5").then_some(()));
    wait_until(shared(), &batches, |webhook| webhook["behind"].is_null());
}

#[test]
fn a_receiver_that_does_its_worst_gets_every_last_state_and_none_older_after_a_newer() {
    for buckets in [None, Some(4)] {
        let (project, receiver, elsewhere) = (shared().project_in(buckets), Receiver::new(), Receiver::new());
        let hook = create(&project, &receiver, &json!({}));
        let location: &'static str = format!("Location: {}\r\n", elsewhere.url).leak();
        let mut n = 0;
        receiver.answers(move |_| {
            n += 1;
            match n % 7 {
                0 => Reply::Hang,
                1 => Reply::Status(500, ""),
                2 => Reply::Reset,
                3 => Reply::Status(301, location),
                4 => Reply::Status(429, "Retry-After: 1\r\n"),
                5 => Reply::SlowBody,
                _ => Reply::Status(204, ""),
            }
        });
        for n in 1..=3 {
            let users = (0..12).map(|user| json!({"user_id": format!("u{user}"), "properties": {"n": n}}));
            project.batch(200, &json!(users.collect::<Vec<_>>()));
        }
        wait_until(shared(), &hook, |webhook| webhook["state"] == "retrying");
        receiver.wait_for(|received| (received.len() > 20).then_some(()));
        let retrying = shown(shared(), &hook);
        assert!(retrying["behind"].is_u64() || retrying["state"] == "active", "{retrying}");
        receiver.answers(|_| Reply::Status(204, ""));
        let webhook = wait_until(shared(), &hook, |webhook| webhook["behind"].is_null());
        assert_eq!((&webhook["state"], &webhook["given_up"]), (&json!("active"), &json!(0)));
        let last = last_states(&receiver.received());
        assert!(last.len() == 12 && last.values().all(|n| *n == 3), "{last:?}");
        assert_eq!(elsewhere.received().len(), 0, "a redirect was followed");
        shared().admin(200, "DELETE", &hook.path, &Value::Null);
    }
}

#[test]
fn a_receiver_that_is_gone_disables_its_webhook_and_a_deleted_one_sends_nothing() {
    let (project, receiver) = (shared().project(), Receiver::new());
    let hook = create(&project, &receiver, &json!({}));
    receiver.answers(|_| Reply::Status(410, ""));
    project.post(200, &json!({"user_id": "u", "properties": {"n": 1}}));
    let webhook = wait_until(shared(), &hook, |webhook| webhook["state"] == "disabled");
    assert_eq!(webhook["disabled"]["reason"], "gone");
    receiver.forget();
    receiver.answers(|_| Reply::Hang);
    shared().admin(200, "PATCH", &hook.path, &json!({"paused": false}));
    receiver.wait_for(|received| (!received.is_empty()).then_some(()));
    shared().admin(200, "DELETE", &hook.path, &Value::Null);
    let before = receiver.received().len();
    project.post(200, &json!({"user_id": "u", "properties": {"n": 2}}));
    // Another webhook has it, later than this one would.
    let other = Receiver::new();
    create(&project, &other, &json!({}));
    project.post(200, &json!({"user_id": "u", "properties": {"n": 3}}));
    other.wait_for(|received| (!received.is_empty()).then_some(()));
    assert_eq!(receiver.received().len(), before);
}

#[test]
fn of_a_thousand_users_who_change_while_it_is_down_each_last_state_arrives() {
    let (project, receiver) = (shared().project(), Receiver::new());
    let hook = create(&project, &receiver, &json!({"batch": 10}));
    receiver.answers(|_| Reply::Status(503, "Retry-After: 2\r\n"));
    for n in 1..=2 {
        let users = (0..1000).map(|user| json!({"user_id": format!("u{user}"), "properties": {"n": n}}));
        project.batch(200, &json!(users.collect::<Vec<_>>()));
        wait_until(shared(), &hook, |webhook| webhook["retrying"]["users"].as_u64() >= Some(100));
    }
    receiver.answers(|_| Reply::Status(204, ""));
    let webhook = wait_until(shared(), &hook, |webhook| webhook["behind"].is_null());
    assert_eq!((&webhook["state"], &webhook["given_up"]), (&json!("active"), &json!(0)));
    let last = last_states(&receiver.received());
    assert!(last.len() == 1000 && last.values().all(|n| *n == 2), "{last:?}");
    shared().admin(200, "DELETE", &hook.path, &Value::Null);
}

/// The riskiest sentence: an alarm survives a kill at each step.
#[test]
fn whatever_was_under_way_when_the_worker_was_killed_is_delivered() {
    let receiver = Receiver::new();
    let mut server = Server::start(&State::new(), &VARIABLES);
    let lasting = server.project().lasting();
    let hook = create(&lasting.on(&server), &receiver, &json!({}));
    let mut last = BTreeMap::new();
    for (n, step) in ["stored", "arrived", "refused", "answered"].into_iter().enumerate() {
        let n = n + 1;
        let project = lasting.on(&server);
        receiver.forget();
        match step {
            "arrived" => receiver.answers(|_| Reply::Hang),
            "refused" => receiver.answers(|_| Reply::Status(503, "Retry-After: 3\r\n")),
            _ => receiver.answers(|_| Reply::Status(204, "")),
        }
        let id = format!("u{n}");
        project.post(200, &json!({"user_id": id, "properties": {"n": n}}));
        project.post(200, &json!({"user_id": "shared", "properties": {"n": n}}));
        last.extend([(id, json!(n)), ("shared".to_owned(), json!(n))]);
        if step != "stored" {
            receiver.wait_for(|received| (!received.is_empty()).then_some(()));
        }
        if step == "refused" {
            wait_until(&server, &hook, |webhook| webhook["state"] == "retrying");
        }
        let state = server.kill();
        receiver.answers(|_| Reply::Status(204, ""));
        server = Server::start(&state, &VARIABLES);
        // Nobody calls the Worker: its alarm alone goes on.
        receiver.wait_for(|received| {
            let arrived = last_states(received);
            ["shared", &format!("u{n}")].iter().all(|id| arrived.get(*id) == last.get(*id)).then_some(())
        });
        wait_until(&server, &hook, |webhook| webhook["behind"].is_null());
    }
}

#[test]
fn an_alarm_that_throws_is_reset_or_traps_goes_off_again() {
    let alarms = json!(["throws before", "throws after", "is reset", "traps", "throws after", "is reset"]).to_string();
    let variables = [&VARIABLES[..], &[("ALARMS", &alarms)]].concat();
    let server = Server::start_entry("tests/doubles/faulty.mjs", &State::new(), &variables);
    let (project, receiver) = (server.project(), Receiver::new());
    let hook = create(&project, &receiver, &json!({}));
    let calls = AtomicUsize::new(0);
    receiver.answers(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0..3 => Reply::Hang,
        _ => Reply::Status(204, ""),
    });
    for n in 1..=3 {
        project.post(200, &json!({"user_id": "u", "properties": {"n": n}}));
    }
    receiver.wait_for(|received| (last_states(received).get("u") == Some(&json!(3))).then_some(()));
    wait_until(&server, &hook, |webhook| webhook["behind"].is_null());
}

/// A write of a project with webhooks waits for what every write waits for.
#[test]
fn webhooks_add_no_hop_to_a_write() {
    let (project, receiver) = (shared().project(), Receiver::new());
    create(&project, &receiver, &json!({}));
    // A key that is read only now knows of the webhook.
    let project = project.with_new_key();
    for n in 1..=3 {
        let answer = project.post(200, &json!({"user_id": "u", "properties": {"n": n}}));
        assert!(n == 1 || project.store_hops(&answer) == 1);
    }
    receiver.wait_for(|received| (last_states(received).get("u") == Some(&json!(3))).then_some(()));
}
