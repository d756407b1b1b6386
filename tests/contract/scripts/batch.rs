//! `POST /v1/users/batch`

use roster_harness::{Answer, Client, project, shared};
use serde_json::{Value, json};

fn keys(range: std::ops::Range<u32>) -> Value {
    range.map(|i| (format!("k{i}"), json!(i))).collect::<serde_json::Map<_, _>>().into()
}

/// `created`, or the error's code, of every result; their indexes are checked.
#[track_caller]
fn told(answer: &Answer) -> Vec<String> {
    let results = answer.json()["results"].as_array().unwrap().clone();
    assert!(results.iter().enumerate().all(|(i, result)| result["index"] == i), "{}", answer.text);
    let word = |result: &Value| match result["error"]["code"].as_str() {
        Some(code) => code.to_owned(),
        None => result["created"].to_string(),
    };
    results.iter().map(word).collect()
}

#[test]
fn all_are_stored_in_order_as_one_by_one() {
    let project = project();
    project.post(200, &json!({"user_id": "old", "properties": {"a": 1}}));
    let answer = project.batch(
        200,
        &json!([
            {"user_id": "new", "email": "a@b.c", "phone": "+123", "properties": {"n": null, "x": {"y": null}}},
            {"user_id": "old", "properties": {"a": null, "b": [null]}},
            {"user_id": "new", "email": null, "origin": {"o": true}},
        ]),
    );
    let new = project.user("new");
    let old = project.user("old");
    assert_eq!(
        answer.json(),
        json!({"success": true, "processed_count": 3, "failed_count": 0, "message": "3 of 3 users stored", "results": [
            {"index": 0, "external_id": "new", "user_id": new["user_id"], "created": true},
            {"index": 1, "external_id": "old", "user_id": old["user_id"], "created": false},
            {"index": 2, "external_id": "new", "user_id": new["user_id"], "created": false},
        ]})
    );
    assert_eq!((&new["email"], &new["phone"]), (&Value::Null, &json!("+123")));
    assert_eq!((&new["properties"], &new["origin"]), (&json!({"x": {}}), &json!({"o": true})));
    assert_eq!(old["properties"], json!({"b": [null]}));
    assert_eq!(answer.header("ratelimit-policy"), "\"batch\";q=100;w=60");
    assert_eq!(answer.header("x-ratelimit-remaining"), "99");
}

#[test]
fn digits_stay_and_odd_texts_too() {
    let project = project();
    let properties = r#"{"big":12345678901234567890123,"cents":1.10,"exp":1E+2,"huge":1e400,"zero":-0.0,"a\"\\/'":"\b\f\u0001é😀","$[0]":{"":"?3"}}"#;
    let properties = properties.replace("\"\":", "\" \":");
    project.post_bytes(200, format!(r#"{{"user_id":"one","properties":{properties}}}"#));
    let batch = format!(
        r#"{{"users":[{{"user_id":"a'\"[0]","properties":{properties}}},{{"user_id":"one","properties":{properties}}}]}}"#
    );
    project.call("POST", 200, "/v1/users/batch", batch);
    let texts = project.get(200, "/v1/users").text;
    assert_eq!(texts.matches(&properties).count(), 2, "{texts}");
}

#[test]
fn the_same_batch_twice_changes_nothing() {
    let project = project();
    let batch = json!([
        {"user_id": "a", "email": "a@b.c", "properties": {"x": 1}},
        {"user_id": "b", "properties": keys(0..300)},
        {"user_id": "b", "properties": {"more": 1}},
    ]);
    project.batch(207, &batch);
    let read = || {
        ["a", "b"]
            .map(|id| project.get(200, &format!("/v1/users/{id}")))
            .map(|a| (a.text.clone(), a.header("etag").to_owned()))
    };
    let before = read();
    assert_eq!(told(&project.batch(207, &batch)), ["false", "false", "INVALID_VALUE"]);
    assert_eq!(read(), before);
}

#[test]
fn invalid_users_are_refused_one_by_one() {
    let project = project();
    let answer = project.batch(
        207,
        &json!([{"user_id": "a"}, 7, {}, {"user_id": " b", "email": 1, "zip": 1}, {"user_id": "c", "properties": {"x": {"": 1}}}, {"user_id": "d"}]),
    );
    assert_eq!(told(&answer), ["true", "INVALID_TYPE", "MISSING_FIELD", "INVALID_VALUE", "INVALID_VALUE", "true"]);
    let body = answer.json();
    assert_eq!(
        (&body["success"], &body["processed_count"], &body["failed_count"], &body["message"]),
        (&json!(false), &json!(2), &json!(4), &json!("2 of 6 users stored"))
    );
    let results = &body["results"];
    let same = project.post(400, &json!({"user_id": " b", "email": 1, "zip": 1})).json();
    let error = json!({"code": same["code"], "message": same["message"], "details": same["details"]});
    assert_eq!(results[3], json!({"index": 3, "external_id": " b", "error": error}));
    assert_eq!(results[1]["external_id"], Value::Null);
    let details = json!({"field": "users", "pointer": "/users/1", "issue": "Expected object, received number", "expected": "object", "received": "number"});
    assert_eq!(results[1]["error"]["details"], details);
    assert_eq!(results[4]["error"]["details"]["pointer"], "/properties/x/");
    assert_eq!(project.listed(""), ["a", "d"]);
}

#[test]
fn what_is_no_json_in_one_user_costs_the_others_nothing() {
    let project = project();
    let users: Vec<String> = [
        r#"{"user_id":"u0"}"#,
        r#"{"user_id":"u1","properties":{"bio":"hi \ud83d"}}"#,
        r#"{"user_id":"u2","properties":{"a":{"ltv":[NaN]}}}"#,
        r#"{"user_id":"u3","email":"\x","email":"a@b.c"}"#,
        r#"{"user_id":"u4","properties":{"n":01},"origin":{"a":1,}}"#,
        r#"{"user_id":"u5",}"#,
        r#"{"user_id":"u6"}"#,
    ]
    .map(str::to_owned)
    .into();
    let answer = project.call("POST", 207, "/v1/users/batch", format!(r#"{{"users":[{}]}}"#, users.join(",\n")));
    let refused = "INVALID_REQUEST";
    assert_eq!(told(&answer), ["true", refused, refused, refused, refused, refused, "true"]);
    let body = answer.json();
    let place = |i: usize| {
        let details = &body["results"][i]["error"]["details"];
        details["pointer"].as_str().or(details["field"].as_str()).unwrap().to_owned()
    };
    let places: Vec<String> = (1..6).map(place).collect();
    assert_eq!(places, ["/properties/bio", "/properties/a/ltv/0", "email", "/properties/n", "/users/5"]);
    assert_eq!(body["results"][2]["external_id"], "u2");
    assert_eq!(
        body["results"][2]["error"]["details"]["issue"],
        "Invalid JSON: NaN is not JSON; write null, or a string"
    );
    assert_eq!(project.listed(""), ["u0", "u6"]);
    // Where a quote or a bracket is missing, nobody can tell where the next user begins.
    for broken in [r#"{"user_id":"x"#, r#"{"user_id":"x","properties":{"a":1}"#, r#"{"user_id":"5" wide"}"#] {
        let body = format!(r#"{{"users":[{{"user_id":"y"}},{broken},{{"user_id":"z"}}]}}"#);
        let answer = project.call("POST", 400, "/v1/users/batch", body);
        assert!(answer.json()["message"].as_str().unwrap().starts_with("Invalid JSON: "), "{}", answer.text);
    }
    assert_eq!(project.listed(""), ["u0", "u6"]);
}

#[test]
fn a_user_that_breaks_a_stored_limit_fails_alone() {
    let project = project();
    project.post(200, &json!({"user_id": "full", "properties": keys(0..300), "email": "a@b.c"}));
    let before = project.get(200, "/v1/users/full");
    let half = "x".repeat(140_000);
    let answer = project.batch(
        207,
        &json!([
            {"user_id": "a"},
            {"user_id": "full", "properties": {"one": "more"}, "email": null},
            {"user_id": "new", "origin": keys(0..301)},
            {"user_id": "large", "properties": {"a": half}},
            {"user_id": "large", "properties": {"b": half}},
            {"user_id": "large", "properties": {"c": 1}},
            {"user_id": "larger", "properties": {"a": half, "b": half}},
            {"user_id": "new", "origin": keys(0..300)},
            {"user_id": "new", "origin": {"k0": null, "one": "more"}},
            {"user_id": "z"},
        ]),
    );
    let refused = "INVALID_VALUE";
    assert_eq!(told(&answer), ["true", refused, refused, "true", refused, "false", refused, "true", "false", "true"]);
    let results = &answer.json()["results"];
    let single = project.post(400, &json!({"user_id": "full", "properties": {"one": "more"}})).json();
    let error = json!({"code": single["code"], "message": single["message"], "details": single["details"]});
    assert_eq!(results[1], json!({"index": 1, "external_id": "full", "error": error}));
    assert_eq!(results[2]["error"]["details"]["field"], "origin");
    assert_eq!(results[4]["error"]["details"]["limit_bytes"], 262_144);
    assert_eq!(results[6]["error"]["details"]["limit_bytes"], 262_144);
    let after = project.get(200, "/v1/users/full");
    assert_eq!((before.text.as_str(), before.header("etag")), (after.text.as_str(), after.header("etag")));
    assert_eq!(project.user("large")["properties"], json!({"a": half, "c": 1}));
    assert_eq!(project.user("new")["origin"].as_object().unwrap().len(), 300);
    project.get(404, "/v1/users/larger");
}

#[test]
fn a_limit_is_the_same_to_the_byte_as_for_one() {
    let project = project();
    let empty = r#"{"properties":{"a":""},"origin":{}}"#.len();
    let user = |id: &str, bytes: usize| json!({"user_id": id, "properties": {"a": "x".repeat(bytes), "n": null}});
    let rest = 262_144 - empty;
    let answer = project.batch(207, &json!([user("fits", rest), user("over", rest + 1), user("fits", rest + 1)]));
    assert_eq!(told(&answer), ["true", "INVALID_VALUE", "INVALID_VALUE"]);
}

#[test]
fn where_none_is_stored_it_is_an_error_and_says_so_for_each() {
    let project = project();
    for users in [json!([{}, {"user_id": 7}]), json!([{"user_id": "u", "properties": keys(0..301)}])] {
        let answer = project.batch(400, &users);
        let body = answer.json();
        let first = &body["results"][0]["error"]["code"];
        assert_eq!((&body["success"], &body["processed_count"], &body["code"]), (&json!(false), &json!(0), first));
        assert_eq!(body["failed_count"], users.as_array().unwrap().len());
        assert_eq!(shared().log_line(answer.header("x-request-id"))["code"], *first);
    }
    assert_eq!(project.listed(""), Vec::<String>::new());
}

#[test]
fn a_bad_batch_is_refused_whole() {
    let project = project();
    for (body, code, place) in [
        ("", "INVALID_REQUEST", ""),
        ("[]", "INVALID_REQUEST", ""),
        ("{}", "MISSING_FIELD", "users"),
        (r#"{"users":{"user_id":"u"}}"#, "INVALID_TYPE", "users"),
        (r#"{"users":[]}"#, "INVALID_VALUE", "users"),
        (r#"{"users":[{"user_id":"u"}],"dry_run":true}"#, "UNKNOWN_FIELD", "dry_run"),
        (r#"{"users":[{"user_id":"u"}],"users":[]}"#, "INVALID_REQUEST", "users"),
    ] {
        let answer = project.call("POST", 400, "/v1/users/batch", body);
        assert_eq!((answer.code().as_str(), answer.places()[0].as_str()), (code, place), "{body}");
        assert!(answer.json()["results"].is_null());
    }
    let too_many: Vec<Value> = (0..1001).map(|i| json!({"user_id": i.to_string()})).collect();
    assert_eq!(project.batch(400, &too_many.into()).places(), ["users"]);
    assert_eq!(project.listed(""), Vec::<String>::new());
}

#[test]
fn a_thousand_users_and_a_mebibyte_fit_and_no_more() {
    let project = project();
    let body = |bytes: usize| {
        let user = |i: usize| {
            format!(r#"{{"user_id":"{i}","email":"{i}@b.c","properties":{{"\b":"{}"}}}}"#, "\\f".repeat(480))
        };
        let users: Vec<String> = (0..1000).map(user).collect();
        let mut body = format!(r#"{{"users":[{}]"#, users.join(","));
        body.push_str(&" ".repeat(bytes - 1 - body.len()));
        body + "}"
    };
    let answer = project.call("POST", 200, "/v1/users/batch", body(1_048_576));
    assert_eq!(answer.json()["processed_count"], 1000);
    assert_eq!(project.listed("?limit=100&email=999%40b.c"), ["999"]);
    let answer = project.call("POST", 413, "/v1/users/batch", body(1_048_577));
    assert_eq!(answer.json()["details"], json!({"limit_bytes": 1_048_576}));
}

#[test]
fn a_batch_has_a_quota_of_its_own_and_wants_the_scope() {
    let project = project();
    project.limit(1, 60);
    project.post(200, &json!({"user_id": "u"}));
    project.batch(200, &json!([{"user_id": "u"}]));
    let answer = project.batch(400, &json!([]));
    assert_eq!(answer.header("x-ratelimit-remaining"), "98");

    let key = shared().key(&json!({"name": "reader", "project": project.name, "scopes": ["users:read"]}));
    let answer =
        shared().call("POST", "/v1/users/batch", &[("Authorization", &format!("Bearer {key}"))], "not even JSON");
    assert_eq!((answer.status, answer.code().as_str()), (403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(shared().call("POST", "/v1/users/batch", &[], "").code(), "MISSING_AUTH");
    assert_eq!(shared().call("POST", "/users/batch", &[], "").code(), "NOT_FOUND");
}

#[test]
fn a_warm_batch_waits_for_one_call_of_the_store() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let answer =
        project.batch(207, &json!([{"user_id": "u"}, {"user_id": "v"}, {"user_id": "v", "origin": keys(0..301)}]));
    assert_eq!(project.store_hops(&answer), 1);
}

#[test]
fn batches_and_single_writes_at_once_lose_nothing() {
    let project = project();
    std::thread::scope(|threads| {
        for i in 0..8 {
            let project = &project;
            threads.spawn(move || {
                let user = |k: u32| json!({"user_id": format!("u{k}"), "properties": {format!("k{i}"): i}});
                if i % 2 == 0 {
                    project.batch(200, &(0..20).map(user).collect());
                } else {
                    (0..20).for_each(|k| drop(project.post(200, &user(k))));
                }
            });
        }
    });
    for k in 0..20 {
        assert_eq!(project.user(&format!("u{k}"))["properties"].as_object().unwrap().len(), 8);
    }
}

#[test]
fn a_batch_deletes_in_its_place_in_the_order() {
    let project = project();
    project.batch(200, &json!([{"user_id": "a", "properties": {"n": 1}}, {"user_id": "b", "email": "b@b.c"}]));
    let answer = project.batch(
        200,
        &json!([
            {"user_id": "a", "delete": true},
            {"user_id": "a", "properties": {"again": true}},
            {"user_id": "new"},
            {"user_id": "new", "delete": true},
            {"user_id": "b", "delete": true},
            {"user_id": "b", "delete": true},
            {"user_id": "nobody", "delete": true},
        ]),
    );
    let answer = answer.json();
    assert_eq!((&answer["processed_count"], &answer["message"]), (&json!(7), &json!("7 of 7 users stored or deleted")));
    let results = answer["results"].as_array().unwrap();
    let deleted: Vec<_> = [0, 3, 4, 5, 6].map(|i| results[i]["deleted"].clone()).into();
    assert_eq!(deleted, [true, true, true, false, false]);
    assert_eq!(results[4], json!({"index": 4, "external_id": "b", "deleted": true}));
    assert_eq!((&results[1]["created"], &results[2]["created"]), (&json!(true), &json!(true)));
    assert_eq!(project.listed(""), ["a"]);
    assert_eq!(project.listed("?email=b%40b.c"), [""; 0]);
    assert_eq!(project.user("a")["properties"], json!({"again": true}));
}

#[test]
fn a_deletion_of_a_batch_is_as_it_should_be_or_refused_alone() {
    let project = project();
    project.post(200, &json!({"user_id": "a"}));
    let answer = project.batch(
        207,
        &json!([
            {"user_id": "a", "delete": false},
            {"user_id": "a", "delete": "true"},
            {"user_id": "a", "delete": true, "email": "a@b.c"},
            {"delete": true},
            {"user_id": "b"},
        ]),
    );
    let results = answer.json()["results"].clone();
    let faults = [
        (0, "INVALID_VALUE", "delete"),
        (1, "INVALID_VALUE", "delete"),
        (2, "UNKNOWN_FIELD", "email"),
        (3, "MISSING_FIELD", "user_id"),
    ];
    for (index, code, field) in faults {
        let error = &results[index]["error"];
        assert_eq!((&error["code"], &error["details"]["field"]), (&json!(code), &json!(field)), "{error}");
    }
    project.user("a");
    let eleven: Vec<Value> =
        (0..11).flat_map(|_| [json!({"user_id": "c"}), json!({"user_id": "c", "delete": true})]).collect();
    let answer = project.batch(207, &eleven.into()).json();
    assert_eq!(
        (&answer["failed_count"], &answer["results"][21]["error"]["code"]),
        (&json!(1), &json!("INVALID_VALUE"))
    );
    project.user("c");
}

#[test]
fn a_deletion_of_a_batch_wants_its_own_scope() {
    let project = project();
    project.post(200, &json!({"user_id": "a"}));
    let batch = |scopes: &[&str], users: Value| {
        let key = shared().key(&json!({"name": "n", "project": project.name, "scopes": scopes}));
        let bearer = format!("Bearer {key}");
        let body = json!({"users": users}).to_string();
        let answer = shared().call("POST", "/v1/users/batch", &[("Authorization", &bearer)], body);
        (answer.status, answer.json())
    };
    let (status, answer) = batch(&["users:write"], json!([{"user_id": "a", "delete": true}, {"user_id": "b"}]));
    assert_eq!((status, &answer["results"][0]["error"]["code"]), (207, &json!("INSUFFICIENT_PERMISSIONS")));
    assert_eq!(answer["results"][0]["error"]["details"]["required_permission"], "users:delete");
    let (status, answer) = batch(&["users:write"], json!([{"user_id": "a", "delete": true}]));
    assert_eq!((status, &answer["code"]), (400, &json!("INSUFFICIENT_PERMISSIONS")));
    assert_eq!(batch(&["users:delete"], json!([{"user_id": "a", "delete": true}])).0, 403);
    project.user("a");
}
