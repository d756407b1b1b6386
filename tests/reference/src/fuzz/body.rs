//! A body, as any of the calls that take one gets it.

use super::client::{ADMIN_TOKEN, Client, T0, header};
use roster::bounds::MAX_BODY_BYTES;
use roster::input::fields::{Fault, FaultKind};
use roster::json::merge::merge;
use roster::json::{self, Object, SyntaxError, Value};
use roster::user::{Change, NewUser};
use serde_json::value::RawValue;

/// Runs one input; panics if a property does not hold.
pub fn take(input: &[u8]) {
    let parsed = json::parse(input);
    agrees_with_serde_json(input, &parsed);
    if let Ok(value) = &parsed {
        reads_back(value);
    }
    let user = match &parsed {
        Ok(Value::Object(body)) => Some(NewUser::parse(body, T0)),
        _ => None,
    };
    match (&user, &parsed) {
        (Some(Ok(user)), _) => says_the_same_again(user, input.len()),
        (Some(Err(list)), Ok(body)) => faults_have_places(&list.faults, body),
        _ => {}
    }
    let accepted = user.and_then(Result::ok);
    is_stored_or_refused(input, accepted.as_ref());
    if parsed.is_ok() {
        is_the_same_in_a_batch(input, accepted.is_some());
    }
    let client = Client::new();
    let admin = format!("Bearer {ADMIN_TOKEN}");
    client.send("POST", "/v1/users/batch", input);
    client.send_as(&admin, "POST", "/v1/keys", input);
    client.send_as(&admin, "PUT", "/v1/projects/p", input);
}

/// It is JSON here if it is JSON there, but for what serde_json can't hold: huge numbers and deep nesting.
fn agrees_with_serde_json(input: &[u8], ours: &Result<Value, SyntaxError>) {
    let theirs = match serde_json::from_slice::<serde_json::Value>(input) {
        Ok(_) => Some(true),
        Err(error) => {
            let error = error.to_string();
            let beyond = error.contains("number out of range") || error.contains("recursion limit exceeded");
            let well_formed = beyond && serde_json::from_slice::<&RawValue>(input).is_ok();
            (!well_formed).then_some(false)
        }
    };
    match (theirs, ours) {
        (Some(theirs), ours) => assert_eq!(theirs, ours.is_ok(), "{ours:?}"),
        // A raw value may have lone surrogates.
        (None, Err(error)) => assert!(error.to_string().starts_with("lone surrogate"), "{error}"),
        (None, Ok(_)) => {}
    }
    if let Err(error) = ours {
        let lines = input.split(|byte| *byte == b'\n').collect::<Vec<_>>();
        let line = lines.get(error.line - 1).expect("a line that is there");
        assert!((1..=line.len() + 1).contains(&error.column), "{error}");
    }
}

fn reads_back(value: &Value) {
    let written = value.to_string();
    let again = json::parse(written.as_bytes()).unwrap();
    assert_eq!(*value, again);
    assert_eq!(again.to_string(), written);
}

/// The patch is the body's own text at its shortest.
fn says_the_same_again(user: &NewUser, body_bytes: usize) {
    let Change::Merge(patch) = &user.change else { return };
    let patch = patch.as_str();
    assert!(patch.len() <= body_bytes);
    let mut body = json::parse_object(patch.as_bytes()).unwrap();
    body.members.push(("user_id".into(), Value::String(user.external_id.as_str().into())));
    assert_eq!(NewUser::parse(&body, T0).as_ref(), Ok(user));
    let once = merge(Value::Object(Object::default()), json::parse(patch.as_bytes()).unwrap());
    assert_eq!(merge(once.clone(), json::parse(patch.as_bytes()).unwrap()), once);
}

fn faults_have_places(faults: &[Fault], body: &Value) {
    assert!((1..=100).contains(&faults.len()));
    for fault in faults {
        // A long place is cut.
        if fault.place().ends_with('…') {
            continue;
        }
        let steps = match &fault.pointer {
            Some(pointer) => pointer[1..].split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
            None => vec![fault.field.clone()],
        };
        assert_eq!(steps[0], fault.field);
        // Of equal names, any can be meant.
        let mut found = vec![body];
        for step in steps {
            found = found.into_iter().flat_map(|value| step_into(value, &step)).collect();
        }
        assert_eq!(found.is_empty(), fault.kind == FaultKind::Missing, "{fault:?}");
    }
}

fn step_into<'v, 'a>(value: &'v Value<'a>, step: &str) -> Vec<&'v Value<'a>> {
    match value {
        Value::Array(items) => step.parse::<usize>().ok().and_then(|i| items.get(i)).into_iter().collect(),
        Value::Object(object) => {
            object.members.iter().filter(|(name, _)| name == step).map(|(_, value)| value).collect()
        }
        _ => Vec::new(),
    }
}

fn is_stored_or_refused(input: &[u8], accepted: Option<&NewUser>) {
    let client = Client::new();
    let answer = client.send("POST", "/v1/users", input);
    let Some(user) = accepted.filter(|_| input.len() <= MAX_BODY_BYTES) else {
        assert_eq!(answer.reply.status, if input.len() > MAX_BODY_BYTES { 413 } else { 400 });
        return;
    };
    if answer.reply.status != 200 {
        assert_eq!((answer.reply.status, answer.code), (400, Some("INVALID_VALUE")));
        return;
    }
    assert_eq!(header(&answer, "X-User-Created"), ["true"]);
    let place = header(&answer, "Location")[0];
    let found = client.send("GET", place, "");
    assert_eq!(found.reply.status, 200, "{place}");
    let body = json::parse_object(found.reply.body.as_bytes()).unwrap();
    let Some(Value::Object(stored)) = body.get("user") else { panic!("{body}") };
    assert_eq!(stored.get("external_id"), Some(&Value::String(user.external_id.as_str().into())));
    let again = client.send("POST", "/v1/users", input);
    assert_eq!(header(&again, "X-User-Created"), ["false"]);
    let unchanged = client.send("GET", place, "");
    assert_eq!((&unchanged.reply.body, header(&unchanged, "ETag")), (&found.reply.body, header(&found, "ETag")));
}

fn is_the_same_in_a_batch(input: &[u8], accepted: bool) {
    let batch = [br#"{"users":["#, input, b",7,", input, b"]}"].concat();
    let answer = Client::new().send("POST", "/v1/users/batch", batch);
    let out: serde_json::Value = serde_json::from_str(&answer.reply.body).unwrap();
    let stored = out["processed_count"].as_u64();
    match answer.reply.status {
        207 => assert!(accepted && stored == Some(2)),
        // What is too much for the store is refused there only.
        400 => assert!(!accepted || out["code"] == "INVALID_VALUE", "{out}"),
        413 => assert!(input.len() > MAX_BODY_BYTES),
        status => panic!("{status}"),
    }
}
