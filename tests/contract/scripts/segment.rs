//! Segment's protocol: what its SDKs send, and what becomes of it.

use super::hostile::gzip;
use base64ct::{Base64, Encoding};
use roster_harness::{Answer, Client, Project, project, shared};
use serde_json::{Value, json};

const NOON: &str = "2026-01-01T12:00:00.000Z";
const LATER: &str = "2026-01-01T12:00:00.001Z";

fn identify(id: &str, as_of: &str, traits: &Value) -> Value {
    json!({"type": "identify", "userId": id, "messageId": format!("m-{id}"), "timestamp": as_of, "traits": traits})
}

/// Sends messages as one batch, and checks that what the answer counts adds up.
#[track_caller]
fn send(project: &Project, messages: &Value) -> Value {
    let answer = project.call("POST", 200, "/v1/batch", json!({"batch": messages}).to_string()).json();
    let sum = |counts: &Value| counts.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    let refused = answer["errors"].as_array().unwrap().len() as u64;
    assert_eq!(answer["success"], true);
    assert_eq!(answer["received"], messages.as_array().unwrap().len());
    assert_eq!(answer["received"], answer["stored"].as_u64().unwrap() + sum(&answer["ignored"]) + refused, "{answer}");
    answer
}

/// A key of the project with these scopes alone.
fn scoped(project: &Project, scopes: &[&str]) -> String {
    project.server.key(&json!({"name": "n", "project": project.name, "scopes": scopes}))
}

/// Status and code of a request with these headers.
#[track_caller]
fn outcome(path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> (u16, String) {
    let answer = shared().call("POST", path, headers, body);
    (answer.status, if answer.status < 400 { String::new() } else { answer.code() })
}

#[test]
fn every_route_takes_its_messages_with_a_slash_or_without_and_under_any_content_type() {
    let project = project();
    let bearer = format!("Bearer {}", project.key);
    let call = |path: &str, kind: &str, body: &Value| {
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", kind)];
        let answer = shared().call("POST", path, &headers, body.to_string());
        assert_eq!(answer.status, 200, "{path} {}", answer.text);
        answer.json()
    };
    for (i, path) in ["/v1/batch", "/v1/import", "/v1/b", "/v1/b/"].into_iter().enumerate() {
        let id = format!("batch-{i}");
        let answer = call(path, "text/plain", &json!({"batch": [identify(&id, NOON, &json!({"at": i}))]}));
        assert_eq!((&answer["stored"], &project.user(&id)["properties"]), (&json!(1), &json!({"at": i})), "{path}");
    }
    for path in ["/v1/identify", "/v1/i", "/v1/i/"] {
        let answer = call(path, "application/x-www-form-urlencoded", &json!({"userId": path, "traits": {"a": 1}}));
        assert_eq!(answer["stored"], 1, "{path}");
    }
    for kind in ["track", "page", "screen", "group", "alias"] {
        for path in [format!("/v1/{kind}"), format!("/v1/{}", &kind[..1]), format!("/v1/{kind}/")] {
            let body = json!({"userId": "nobody", "previousId": "nobody", "traits": {"a": 1}, "properties": {"b": 1}});
            let answer = call(&path, "application/json", &body);
            assert_eq!(answer["ignored"], json!({kind: 1}), "{path}");
            assert!(answer["warnings"][0]["message"].as_str().unwrap().starts_with("No user was stored"), "{answer}");
        }
    }
    project.get(404, "/v1/users/nobody");
    // Only here.
    assert_eq!(outcome("/v1/users/", &[("Authorization", &bearer)], "{}").0, 404);
}

#[test]
fn a_key_is_found_wherever_an_sdk_has_it() {
    let project = project();
    let key = project.key.as_str();
    let basic = |text: &str| format!("Basic {}", Base64::encode_string(text.as_bytes()));
    let other = "ros_0123456789ABCDEFGHIJKLMNOPQRSTUV3vdAYx";
    let body = |top: Value, first: Value| {
        let mut message = identify("u", NOON, &json!({}));
        message["writeKey"] = first;
        json!({"batch": [message], "writeKey": top}).to_string()
    };
    let none = body(Value::Null, Value::Null);
    for (headers, body) in [
        (vec![("Authorization", basic(&format!("{key}:")))], &none),
        (vec![("Authorization", basic(&format!("{key}:any")))], &body(other.into(), other.into())),
        (vec![("Authorization", format!("Bearer {key}"))], &none),
        (vec![("X-Write-Key", key.to_owned())], &body(other.into(), Value::Null)),
        (vec![], &body(key.into(), other.into())),
        (vec![], &body(Value::Null, key.into())),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(outcome("/v1/batch", &headers, body), (200, String::new()), "{headers:?}");
    }
    assert_eq!(outcome("/v1/batch", &[], &none), (401, "MISSING_AUTH".into()));
    assert_eq!(outcome("/v1/batch", &[], body(other.into(), key.into())), (401, "INVALID_API_KEY".into()));
    assert_eq!(outcome("/v1/batch", &[], "no JSON"), (400, "INVALID_REQUEST".into()));
}

#[test]
fn each_message_is_counted_once_and_what_is_refused_or_mended_is_named() {
    let project = project();
    let answer = send(
        &project,
        &json!([
            identify("a", NOON, &json!({"email": "a@b.c", "plan": null, "phone": "none"})),
            {"type": "track", "userId": "a", "event": "e"},
            {"type": "track", "userId": "a", "event": "e"},
            {"type": "identify", "anonymousId": "x", "userId": null, "traits": {"email": "x@b.c"}},
            {"type": "identify", "messageId": "m5", "userId": " b", "context": []},
            {"type": "identify", "userId": 7, "timestamp": "soon", "context": {"traits": {"n": 1.5}}},
            {"type": "merge"},
            "text",
        ]),
    );
    assert_eq!((&answer["stored"], &answer["stale"]), (&json!(2), &json!(0)), "{answer}");
    assert_eq!(answer["ignored"], json!({"track": 2, "anonymous": 1}));
    let errors: Vec<_> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            (error["index"].as_u64().unwrap(), error["code"].as_str().unwrap(), error["field"].as_str().unwrap())
        })
        .collect();
    assert_eq!(errors, [(4, "INVALID_VALUE", "userId"), (6, "INVALID_VALUE", "type"), (7, "INVALID_TYPE", "")]);
    assert_eq!((&answer["errors"][0]["message_id"], &answer["errors"][1]["message_id"]), (&json!("m5"), &Value::Null));
    let warnings: Vec<_> = answer["warnings"].as_array().unwrap().iter().map(|w| (&w["index"], &w["field"])).collect();
    assert_eq!(warnings, [(&json!(0), &json!("/traits/phone")), (&json!(5), &json!("timestamp"))]);
    let user = project.user("a");
    assert_eq!(
        (&user["email"], &user["phone"], &user["properties"]),
        (&json!("a@b.c"), &Value::Null, &json!({"phone": "none"}))
    );
    assert!(project.stored("7").contains(r#""properties":{"n":1.5}"#));
}

#[test]
fn all_may_be_refused_and_the_answer_is_still_200() {
    let project = project();
    let many: serde_json::Map<String, Value> = (0..301).map(|i| (format!("k{i}"), json!(i))).collect();
    let answer = send(&project, &json!([identify("a", NOON, &json!(many)), {"type": "identify"}]));
    assert_eq!(
        (&answer["stored"], &answer["errors"][0]["field"], &answer["errors"][1]["field"]),
        (&json!(0), &json!("traits"), &json!("userId"))
    );
    let half: serde_json::Map<String, Value> = (0..200).map(|i| (format!("h{i}"), json!(i))).collect();
    let rest: serde_json::Map<String, Value> = (0..200).map(|i| (format!("r{i}"), json!(i))).collect();
    let answer = send(&project, &json!([identify("b", NOON, &json!(half)), identify("b", NOON, &json!(rest))]));
    assert_eq!((&answer["stored"], &answer["errors"][0]["index"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&answer["errors"][0]["code"], &answer["errors"][0]["field"]),
        (&json!("INVALID_VALUE"), &json!("traits"))
    );
}

#[test]
fn strict_answers_as_a_batch_of_users_and_mends_nothing() {
    let project = project();
    let send = |expected, messages: &Value| {
        project.call("POST", expected, "/v1/batch?strict=1", json!({"batch": messages}).to_string()).json()
    };
    let good = identify("a", NOON, &json!({"plan": "pro"}));
    let track = json!({"type": "track", "userId": "a"});
    let answer = send(207, &json!([track, good, identify("b", NOON, &json!({"email": "none"}))]));
    assert_eq!((&answer["processed_count"], &answer["failed_count"]), (&json!(1), &json!(1)));
    assert_eq!((&answer["results"][0]["index"], &answer["results"][0]["created"]), (&json!(1), &json!(true)));
    let refused = &answer["results"][1];
    assert_eq!((&refused["index"], &refused["external_id"]), (&json!(2), &json!("b")));
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["details"]["pointer"]),
        (&json!("INVALID_VALUE"), &json!("/traits/email"))
    );
    project.get(404, "/v1/users/b");
    assert_eq!(
        send(400, &json!([identify("b", "soon", &json!({}))]))["results"][0]["error"]["details"]["field"],
        "timestamp"
    );
    assert_eq!(send(200, &json!([good]))["message"], "1 of 1 users stored");
    assert_eq!(send(200, &json!([track]))["message"], "0 of 0 users stored");
    let other = project.call("POST", 400, "/v1/batch?strict=yes", r#"{"batch":[{}]}"#);
    assert_eq!((other.code().as_str(), other.places()), ("INVALID_VALUE", vec!["strict".to_owned()]));
    let unknown = project.call("POST", 400, "/v1/batch?sdk=its%20own", json!({"batch": [good]}).to_string());
    assert_eq!(unknown.json()["details"]["issue"], "Unknown query parameter; this route takes strict");
}

#[test]
fn whatever_the_order_and_the_repeats_the_newest_word_stands() {
    let project = project();
    let new = identify("u", LATER, &json!({"plan": "new", "gone": null}));
    let old = identify("u", NOON, &json!({"plan": "old", "gone": 1, "only": 1, "email": "old@b.c"}));
    assert_eq!(send(&project, &json!([new]))["stale"], 0);
    assert_eq!(send(&project, &json!([old]))["stale"], 1);
    assert_eq!(send(&project, &json!([old, new, old]))["stale"], 2);
    let user = project.user("u");
    assert_eq!((&user["email"], &user["properties"]), (&json!("old@b.c"), &json!({"plan": "new", "only": 1})));
}

#[test]
fn a_key_for_browsers_can_send_messages_and_nothing_else() {
    let project = project();
    let key = scoped(&project, &["ingest"]);
    let bearer = format!("Bearer {key}");
    let call = |method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = shared().call(method, path, &[("Authorization", &bearer)], body);
        (answer.status, answer)
    };
    let body = json!({"batch": [identify("u", NOON, &json!({}))]});
    assert_eq!(call("POST", "/v1/batch", &body).0, 200);
    for (method, path) in
        [("GET", "/v1/users/u"), ("GET", "/v1/users"), ("POST", "/v1/users"), ("DELETE", "/v1/users/u")]
    {
        let (status, answer) = call(method, path, &Value::Null);
        assert_eq!(
            (status, &answer.json()["details"]["current_permissions"]),
            (403, &json!(["ingest"])),
            "{method} {path}"
        );
    }
    let settings = |key: &str| shared().call("GET", &format!("/v1/projects/{key}/settings"), &[], "");
    let destination = settings(&key).json()["integrations"]["Segment.io"].clone();
    assert_eq!(destination["apiKey"], key);
    assert!(destination["apiHost"].as_str().unwrap().ends_with("/v1"), "{destination}");
    assert!(["http", "https"].contains(&destination["protocol"].as_str().unwrap()), "{destination}");
    assert_eq!(settings(&key).header("x-ratelimit-limit"), "");
    let both = scoped(&project, &["ingest", "users:read"]);
    for (key, status) in [(both.as_str(), 403), (&project.key, 403), ("no-key", 401), ("%ff", 401)] {
        let answer = settings(key);
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(!answer.text.contains("ros_"), "{}", answer.text);
    }
    let refused = |scopes: &[&str]| {
        let bearer = format!("Bearer {}", scoped(&project, scopes));
        outcome("/v1/batch", &[("Authorization", &bearer)], body.to_string()).0
    };
    assert_eq!((refused(&["users:write"]), refused(&["users:read", "users:delete"])), (200, 403));
}

#[test]
fn messages_have_a_limit_of_their_own_and_many_identifies_take_a_batch_as_well() {
    let project = project();
    let limits = |policies: Value| {
        shared().admin(200, "PUT", &format!("/v1/projects/{}", project.name), &json!({"rate_limits": policies}))
    };
    limits(json!({"ingest": {"limit": 3, "window_seconds": 60}, "batch": {"limit": 1, "window_seconds": 60}}));
    let send = |n: usize| -> Answer {
        let messages: Vec<_> = (0..n).map(|i| identify(&format!("u{i}"), NOON, &json!({}))).collect();
        let body = json!({"batch": messages}).to_string();
        shared().call("POST", "/v1/batch", &[("Authorization", &format!("Bearer {}", project.key))], body)
    };
    let few = send(10);
    assert_eq!((few.status, few.header("ratelimit-policy")), (200, r#""ingest";q=3;w=60"#));
    let many = send(11);
    assert_eq!((many.status, many.header("ratelimit-policy")), (200, r#""batch";q=1;w=60"#));
    let more = send(11);
    assert_eq!((more.status, more.header("ratelimit-policy")), (429, r#""batch";q=1;w=60"#));
    assert!(more.header("retry-after").parse::<u32>().unwrap() > 0);
    let last = send(1);
    assert_eq!((last.status, last.header("ratelimit-policy")), (429, r#""ingest";q=3;w=60"#));
    project.post(200, &json!({"user_id": "u"}));
}

#[test]
fn a_body_is_bounded_before_it_is_parsed_and_more_so_without_a_key_in_the_header() {
    let project = project();
    let bearer = format!("Bearer {}", project.key);
    let known = [("Authorization", bearer.as_str())];
    let packed = [("Authorization", bearer.as_str()), ("Content-Encoding", "gzip")];
    let body = |bytes: usize, key: &str| {
        let begun = json!({"batch": [{"type": "track"}], "writeKey": key}).to_string();
        format!("{begun}{}", " ".repeat(bytes - begun.len())).into_bytes()
    };
    let too_large = (413, "PAYLOAD_TOO_LARGE".to_owned());
    let ok = (200, String::new());
    assert_eq!(outcome("/v1/batch", &known, body(2_097_152, "")), ok);
    assert_eq!(outcome("/v1/batch", &known, body(2_097_153, "")), too_large);
    assert_eq!(outcome("/v1/batch", &packed, gzip(&body(100_000, ""))), ok);
    assert_eq!(outcome("/v1/batch", &packed, gzip(&body(2_097_153, ""))), too_large);
    assert_eq!(outcome("/v1/batch", &[], body(1_048_576, &project.key)), ok);
    assert_eq!(outcome("/v1/batch", &[], body(1_300_000, &project.key)), too_large);
    let cut = r#"{"batch":[{"type":"track","properties":{"t":"\ud83d"}}]}"#;
    assert_eq!(outcome("/v1/batch", &known, cut), ok);
    assert_eq!(outcome("/v1/batch", &packed, "no gzip"), (400, "INVALID_REQUEST".into()));
    for (body, expected) in [
        ("", (400, "INVALID_REQUEST")),
        ("[]", (400, "INVALID_REQUEST")),
        ("{}", (400, "MISSING_FIELD")),
        (r#"{"batch":[]}"#, (400, "INVALID_VALUE")),
        (r#"{"batch":7}"#, (400, "INVALID_TYPE")),
    ] {
        assert_eq!(outcome("/v1/batch", &known, body), (expected.0, expected.1.to_owned()), "{body}");
    }
    let batch = |n: usize| json!({"batch": vec![json!({"type": "track"}); n]}).to_string();
    assert_eq!(outcome("/v1/batch", &known, batch(1000)), ok);
    assert_eq!(outcome("/v1/batch", &known, batch(1001)), too_large);
}

#[test]
fn a_batch_of_more_than_a_mebibyte_is_stored_in_its_order() {
    let project = project();
    let filler = "x".repeat(60_000);
    let messages: Vec<_> =
        (0..30).map(|i| identify(&format!("u{}", i % 15), NOON, &json!({"round": i / 15, "filler": filler}))).collect();
    let answer = send(&project, &json!(messages));
    assert_eq!((&answer["stored"], &answer["stale"]), (&json!(30), &json!(0)));
    let users = project.listed("?limit=100");
    assert_eq!(users.len(), 15);
    for user in users {
        assert_eq!(project.user(&user)["properties"]["round"], 1, "{user}");
    }
}

#[test]
fn a_network_that_floods_with_bad_keys_in_bodies_is_refused_unread() {
    let address = ("CF-Connecting-IP", "203.0.113.20");
    let send = |body: &str| outcome("/v1/batch", &[address], body);
    let bad = json!({"writeKey": "no key", "batch": [{"type": "track"}]}).to_string();
    let admitted = (0..250).take_while(|_| send(&bad) == (401, "INVALID_API_KEY".into())).count();
    // The window of the edge's own count ends with the minute, so that this can meet two of them.
    assert!((100..=200).contains(&admitted), "{admitted}");
    let refused = (429, "RATE_LIMIT_EXCEEDED".to_owned());
    assert_eq!((send(&bad), send("no JSON")), (refused.clone(), refused.clone()));
    let project = project();
    let live = json!({"writeKey": project.key, "batch": [{"type": "track"}]}).to_string();
    assert_eq!(send(&live), refused);
    // Other networks are not affected, nor is a key in a header that is known here: it needs no body to be read.
    assert_eq!(outcome("/v1/batch", &[("CF-Connecting-IP", "203.0.113.21")], &live).0, 200);
    let bearer = format!("Bearer {}", project.key);
    assert_eq!(outcome("/v1/batch", &[address, ("Authorization", &bearer)], &live).0, 200);
}

/// As Python writes a float that JSON lacks: the others of its batch lose nothing.
#[test]
fn a_number_that_json_lacks_counts_as_null_with_a_warning() {
    let project = project();
    project.post(200, &json!({"user_id": "b", "properties": {"ltv": 1}}));
    let batch = r#"{"batch":[{"type":"identify","userId":"a","traits":{"n":1}},
        {"type":"identify","userId":"b","traits":{"ltv":NaN,"low":-Infinity}},
        {"type":"identify","userId":"c","traits":{"n":"\x"}}]}"#;
    let answer = project.call("POST", 200, "/v1/batch", batch).json();
    assert_eq!((&answer["stored"], &answer["errors"][0]["code"]), (&json!(2), &json!("INVALID_REQUEST")));
    assert_eq!((&answer["warnings"][0]["index"], &answer["warnings"][0]["field"]), (&json!(1), &json!("/traits/ltv")));
    assert_eq!(project.user("b")["properties"], json!({}));
    let one = project.call("POST", 200, "/v1/identify", r#"{"userId":"a","traits":{"n":Infinity}}"#).json();
    assert_eq!((&one["stored"], &one["warnings"][0]["field"]), (&json!(1), &json!("/traits/n")));
    assert_eq!(project.user("a")["properties"], json!({}));
    let strict = project.call("POST", 400, "/v1/identify?strict=1", r#"{"userId":"a","traits":{"n":NaN}}"#).json();
    assert_eq!(strict["code"], "INVALID_REQUEST");
}

#[test]
fn keys_in_bodies_that_are_refused_for_what_they_are_count_as_bad_ones() {
    let [revoked, scopeless, spent] = [0; 3].map(|_| project());
    revoked.revoke();
    let reader = shared().key(&json!({"name": "reads", "project": scopeless.name, "scopes": ["users:read"]}));
    let limits = json!({"rate_limits": {"ingest": {"limit": 1, "window_seconds": 3600}}});
    shared().admin(200, "PUT", &format!("/v1/projects/{}", spent.name), &limits);
    for (n, key, first) in [
        (30, &revoked.key, (401, "REVOKED_API_KEY")),
        (31, &reader, (403, "INSUFFICIENT_PERMISSIONS")),
        (32, &spent.key, (200, "")),
    ] {
        let address = format!("203.0.113.{n}");
        let address = [("CF-Connecting-IP", address.as_str())];
        let body = json!({"writeKey": key, "batch": [{"type": "track"}]}).to_string();
        assert_eq!(outcome("/v1/batch", &address, &body), (first.0, first.1.to_owned()), "{n}");
        for _ in 0..250 {
            outcome("/v1/batch", &address, &body);
        }
        // What is no JSON is refused unread.
        assert_eq!(outcome("/v1/batch", &address, "no JSON"), (429, "RATE_LIMIT_EXCEEDED".to_owned()), "{n}");
    }
}

#[test]
fn a_contact_is_cleared_by_an_empty_text_and_takes_the_place_of_a_property() {
    let project = project();
    let phones = [(1, "+15550001"), (2, ""), (3, "(415) 555-2671"), (4, "+14155552671")];
    let user = |minute: u32, phone: &str| {
        let at = format!("2026-01-01T00:0{minute}:00Z");
        let message = json!({"type": "identify", "userId": "u", "timestamp": at, "traits": {"phone": phone}});
        project.call("POST", 200, "/v1/batch", json!({"batch": [message]}).to_string());
        let user = project.user("u");
        (user["phone"].clone(), user["properties"].clone())
    };
    let seen = phones.map(|(minute, phone)| user(minute, phone));
    let expected = [
        (json!("+15550001"), json!({})),
        (json!(null), json!({})),
        (json!(null), json!({"phone": "(415) 555-2671"})),
        (json!("+14155552671"), json!({})),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_thousand_refused_messages_are_described_in_32_kib() {
    let project = project();
    let message = |n: u32| json!({"type": "identify", "messageId": format!("message-{n}"), "userId": "", "traits": {"phone": "x"}});
    let batch = json!({"batch": (0..1000).map(message).collect::<Vec<_>>()}).to_string();
    let answer = project.call("POST", 200, "/v1/batch", batch);
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    assert_eq!(errors.len(), 1000);
    assert_eq!(errors[0]["message_id"], "message-0");
    assert_eq!(errors[999], json!({"index": 999, "code": "INVALID_VALUE"}));
    // An index and a code take some 40 bytes each.
    assert!(answer.text.len() < 32_768 + 1000 * 48, "{}", answer.text.len());
}
