//! A body, as any of the calls that take one gets it.

use super::memory::{ADMIN_TOKEN, Memory, header, member, text};
use roster::api::MAX_BODY_BYTES;
use roster::body::{Fault, FaultKind};
use roster::json::{self, SyntaxError, Value};
use roster::merge::merge;
use roster::user::NewUser;
use serde_json::value::RawValue;

pub fn take(input: &[u8]) {
    let parsed = json::parse(input);
    agrees_with_serde_json(input, &parsed);
    if let Ok(value) = &parsed {
        reads_back(value);
    }
    let user = match &parsed {
        Ok(Value::Object(members)) => Some(NewUser::parse(members)),
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
    let memory = Memory::new();
    let admin = format!("Bearer {ADMIN_TOKEN}");
    memory.send("POST", "/v1/users/batch", input);
    memory.send_as(&admin, "POST", "/v1/keys", input);
    memory.send_as(&admin, "PUT", "/v1/projects/p", input);
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
    let written = text(value);
    let again = json::parse(written.as_bytes()).unwrap();
    assert_eq!(*value, again);
    assert_eq!(text(&again), written);
}

/// The patch is the body's own text at its shortest.
fn says_the_same_again(user: &NewUser, body_bytes: usize) {
    let patch = user.patch.as_str();
    assert!(patch.len() <= body_bytes);
    let Ok(Value::Object(mut members)) = json::parse(patch.as_bytes()) else { panic!("no patch: {patch}") };
    members.push(("user_id".into(), Value::String(user.external_id.as_str().into())));
    assert_eq!(NewUser::parse(&members).as_ref(), Ok(user));
    let once = merge(Value::Object(Vec::new()), json::parse(patch.as_bytes()).unwrap());
    assert_eq!(merge(once.clone(), json::parse(patch.as_bytes()).unwrap()), once);
}

fn faults_have_places(faults: &[Fault], body: &Value) {
    assert!((1..=100).contains(&faults.len()));
    for fault in faults {
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
        Value::Object(members) => members.iter().filter(|(name, _)| name == step).map(|(_, value)| value).collect(),
        _ => Vec::new(),
    }
}

fn is_stored_or_refused(input: &[u8], accepted: Option<&NewUser>) {
    let memory = Memory::new();
    let answer = memory.send("POST", "/v1/users", input);
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
    let found = memory.send("GET", place, "");
    assert_eq!(found.reply.status, 200, "{place}");
    let body = json::parse(found.reply.body.as_bytes()).unwrap();
    let external_id = Value::String(user.external_id.as_str().into());
    assert_eq!(member(member(&body, "user").unwrap(), "external_id"), Some(&external_id));
    let again = memory.send("POST", "/v1/users", input);
    assert_eq!(header(&again, "X-User-Created"), ["false"]);
    let unchanged = memory.send("GET", place, "");
    assert_eq!((&unchanged.reply.body, header(&unchanged, "ETag")), (&found.reply.body, header(&found, "ETag")));
}

fn is_the_same_in_a_batch(input: &[u8], accepted: bool) {
    let batch = [br#"{"users":["#, input, b",7,", input, b"]}"].concat();
    let answer = Memory::new().send("POST", "/v1/users/batch", batch);
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
