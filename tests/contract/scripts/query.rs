//! Asking: users by what is stored of them, how many they are, and by many ids at once.

use roster_harness::{Answer, Client, Project, project, shared};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const QUERY: &str = "/v1/users/query";
const COUNT: &str = "/v1/users/count";

/// A project that may ask more than once a second.
fn asking() -> Project<'static> {
    let project = project();
    let limits = json!({"rate_limits": {"query": {"limit": 10_000, "window_seconds": 60}}});
    shared().admin(200, "PUT", &format!("/v1/projects/{}", project.name), &limits);
    project
}

#[track_caller]
fn ask(project: &Project, expected: u16, path: &str, body: &Value) -> Answer {
    project.call("POST", expected, path, body.to_string())
}

/// The answers of a whole walk.
#[track_caller]
fn walk(project: &Project, path: &str, body: &Value) -> Vec<Value> {
    let (mut answers, mut body) = (Vec::new(), body.clone());
    loop {
        let answer = ask(project, 200, path, &body).json();
        let pagination = &answer["pagination"];
        assert_eq!(pagination["has_more"], !pagination["next_cursor"].is_null());
        body["cursor"] = pagination["next_cursor"].clone();
        answers.push(answer);
        if body["cursor"].is_null() {
            return answers;
        }
    }
}

/// The ids that a walk meets, in order.
#[track_caller]
fn found(project: &Project, filter: &Value) -> Vec<String> {
    let answers = walk(project, QUERY, &json!({"where": filter, "limit": 1000}));
    let users = answers.iter().flat_map(|answer| answer["users"].as_array().unwrap());
    let mut ids: Vec<String> = users.map(|user| user["external_id"].as_str().unwrap().into()).collect();
    ids.sort_unstable();
    ids
}

/// The groups of a whole walk, by their values as JSON.
#[track_caller]
fn groups(project: &Project, body: &Value) -> BTreeMap<String, u64> {
    let mut groups = BTreeMap::new();
    for answer in walk(project, COUNT, body) {
        let of_answer = answer["groups"].as_array().unwrap();
        let sum: u64 = of_answer.iter().map(|group| group["count"].as_u64().unwrap()).sum();
        assert_eq!(answer["count"], sum);
        for group in of_answer {
            let value = if group["other"] == true { "other".into() } else { group["value"].to_string() };
            *groups.entry(value).or_default() += group["count"].as_u64().unwrap();
        }
    }
    groups
}

/// People as the seed has them.
fn people(project: &Project) {
    let users = json!([
        {"user_id": "ann", "email": "Ann@Example.com", "phone": "+4912345",
         "properties": {"plan": "premium", "signup_date": "2023-06-15", "age": 31, "address": {"city": "Berlin"}, "tags": ["a", {"0": "x"}]},
         "origin": {"channel": "ios-app", "campaign": "spring-launch"}},
        {"user_id": "bob", "email": "bob@example.com",
         "properties": {"plan": "premium", "signup_date": "2023-05-31T23:30:00-01:00", "age": "31", "address": {"city": "Paris"}},
         "origin": {"channel": "web"}},
        {"user_id": "cyd", "phone": "+15551234567",
         "properties": {"plan": "free", "signup_date": "soon", "age": 31.0, "a.b": true, "list": [null]}},
        {"user_id": "dan"},
    ]);
    project.batch(200, &users);
}

#[test]
fn users_are_found_by_what_is_stored_of_them() {
    let project = asking();
    people(&project);
    let all: &[&str] = &["ann", "bob", "cyd", "dan"];
    let field = |field: &str, operator: &str, value: Value| json!({"field": field, operator: value});
    for (filter, ids) in [
        (field("properties.plan", "eq", json!("premium")), &["ann", "bob"][..]),
        (field("properties.plan", "ne", json!("premium")), &["cyd"]),
        (json!({"not": field("properties.plan", "eq", json!("premium"))}), &["cyd", "dan"]),
        (field("properties.plan", "in", json!(["free", 1, true])), &["cyd"]),
        (field("properties.age", "eq", json!(31)), &["ann", "cyd"]),
        (field("properties.age", "gt", json!(30)), &["ann", "cyd"]),
        (field("properties.age", "gte", json!("31")), &["bob"]),
        (field("properties.age", "lt", json!(31)), &[]),
        (field("properties.signup_date", "since", json!("2023-06-01")), &["ann", "bob"]),
        (field("properties.signup_date", "since", json!("2023-06-01T00:30:00.001Z")), &["ann"]),
        (field("properties.signup_date", "before", json!("2023-06-01T01:00:00+00:30")), &[]),
        (field("email", "eq", json!(" ANN@example.com")), &["ann"]),
        (field("email", "exists", json!(false)), &["cyd", "dan"]),
        (field("phone", "in", json!(["+1 (555) 123-4567", "+33123"])), &["cyd"]),
        (field("email", "contains", json!("example")), &["bob"]),
        (field("email", "contains", json!("xample.c")), &["ann", "bob"]),
        (field("email", "starts_with", json!("ann")), &[]),
        (field("/properties/address/city", "eq", json!("Berlin")), &["ann"]),
        (field("/properties/tags/0", "eq", json!("a")), &["ann"]),
        (field("/properties/tags/1/0", "eq", json!("x")), &["ann"]),
        (field("properties.tags", "has", json!("a")), &["ann"]),
        (field("properties.a.b", "eq", json!(true)), &["cyd"]),
        (field("/properties/list/0", "exists", json!(true)), &[]),
        (field("user_id", "gt", json!("bob")), &["cyd", "dan"]),
        (field("user_id", "in", json!(["dan", "eve"])), &["dan"]),
        (field("created_at", "since", json!("2020-01-01")), all),
        (field("updated_at", "before", json!("2020-01-01")), &[]),
        (
            json!({"all": [
                field("properties.plan", "eq", json!("premium")),
                {"any": [field("origin.channel", "in", json!(["ios-app"])), field("phone", "exists", json!(true))]},
                {"not": field("/properties/address/city", "eq", json!("Paris"))},
            ]}),
            &["ann"],
        ),
    ] {
        assert_eq!(found(&project, &filter), ids, "{filter}");
        let count: u64 =
            walk(&project, COUNT, &json!({"where": filter})).iter().map(|a| a["count"].as_u64().unwrap()).sum();
        assert_eq!(count, ids.len() as u64, "{filter}");
    }
    let answer = ask(&project, 200, QUERY, &json!({})).json();
    assert_eq!(answer["examined"], 4);
    assert_eq!(answer["pagination"], json!({"limit": 50, "has_more": false, "next_cursor": null}));
    for user in answer["users"].as_array().unwrap() {
        assert_eq!(*user, project.user(user["external_id"].as_str().unwrap()));
    }
    let other = asking();
    assert_eq!(found(&other, &field("user_id", "exists", json!(true))), Vec::<String>::new());
}

#[test]
fn times_are_the_texts_that_answers_show() {
    let project = asking();
    people(&project);
    let shown = project.user("ann")["created_at"].as_str().unwrap().to_owned();
    for (operator, expected) in [("eq", true), ("lte", true), ("gt", false), ("since", true), ("before", false)] {
        let filter = json!({"all": [{"field": "user_id", "eq": "ann"}, {"field": "created_at", operator: shown}]});
        assert_eq!(found(&project, &filter).len(), usize::from(expected), "{operator}");
    }
    assert_eq!(groups(&project, &json!({"by": "created_at", "where": {"field": "user_id", "eq": "ann"}})).len(), 1);
}

#[test]
fn a_question_that_is_not_understood_is_refused_and_never_everybody() {
    let project = asking();
    let exists = json!({"field": "email", "exists": true});
    let (lots, values) = (vec![exists.clone(); 21], vec![1; 101]);
    for (body, code, place) in [
        (json!({"where": null}), "INVALID_TYPE", "where"),
        (json!({"where": {}}), "INVALID_VALUE", "where"),
        (json!({"where": []}), "INVALID_TYPE", "where"),
        (json!({"where": {"plan": "premium"}}), "UNKNOWN_FIELD", "/where/plan"),
        (json!({"where": {"field": "plan", "eq": "premium"}}), "UNKNOWN_FIELD", "/where/field"),
        (json!({"where": {"field": "id", "eq": "usr_1"}}), "UNKNOWN_FIELD", "/where/field"),
        (json!({"where": {"eq": "premium"}}), "MISSING_FIELD", "/where/field"),
        (json!({"where": {"field": "email", "eq": "a@b", "ne": "c@d"}}), "INVALID_VALUE", "where"),
        (json!({"where": {"field": "email", "like": "a%"}}), "UNKNOWN_FIELD", "/where/like"),
        (json!({"where": {"all": lots}}), "INVALID_VALUE", "/where/all"),
        (json!({"where": {"all": [{"field": "origin.a", "in": values}]}}), "INVALID_VALUE", "/where/all/0/in"),
        (json!({"where": {"not": {"not": {"not": {"not": exists}}}}}), "INVALID_VALUE", "/where/not/not/not/not"),
        (json!({"filter": exists}), "UNKNOWN_FIELD", "filter"),
        (json!({"where": exists, "cursor": 7}), "INVALID_TYPE", "cursor"),
        (json!({"where": exists, "cursor": "x"}), "INVALID_VALUE", "cursor"),
        (json!({"where": exists, "cursor": ""}), "INVALID_VALUE", "cursor"),
    ] {
        for path in [QUERY, COUNT] {
            let answer = ask(&project, 400, path, &body);
            assert_eq!((answer.code().as_str(), answer.places()), (code, vec![place.to_owned()]), "{path} {body}");
        }
    }
    for (path, body, place) in [
        (QUERY, json!({"limit": 0}), "limit"),
        (QUERY, json!({"limit": 1001}), "limit"),
        (QUERY, json!({"by": "email"}), "by"),
        (COUNT, json!({"limit": 1}), "limit"),
        (COUNT, json!({"by": "plan"}), "by"),
        (COUNT, json!({"by": null}), "by"),
        (COUNT, json!({"by": "properties"}), "by"),
    ] {
        assert_eq!(ask(&project, 400, path, &body).places(), [place], "{path} {body}");
    }
    let own = json!({"where": {"field": "user_id", "eq": "usr_01m84687a2zxfrfjst9gxk6yzvpv"}});
    assert_eq!(ask(&project, 400, QUERY, &own).places(), ["/where/eq"]);
    let large = ask(&project, 400, QUERY, &json!({"where": {"field": "x", "eq": "é"}}));
    assert_eq!(large.json()["message"], "Unknown field: /where/field");
    assert_eq!(project.get(400, "/v1/properties?cursor=x").places(), ["cursor"]);
    assert_eq!(project.get(400, "/v1/properties?limit=5").places(), ["limit"]);
    assert_eq!(project.call("POST", 400, "/v1/users/query?limit=5", "{}").places(), ["limit"]);
}

#[test]
fn groups_are_by_value() {
    let project = asking();
    let long = "é".repeat(129);
    let values = [
        json!("a"),
        json!("a"),
        json!(1),
        json!(1.0),
        json!("1"),
        json!(true),
        json!(false),
        json!(0),
        json!(0.1),
        json!([]),
        json!({}),
        json!(long),
        json!("é".repeat(128)),
        json!(9_007_199_254_740_993_u64),
        json!(9_007_199_254_740_992_u64),
    ];
    let mut users: Vec<Value> =
        (0..).zip(&values).map(|(i, v)| json!({"user_id": format!("u{i}"), "properties": {"v": v}})).collect();
    users.push(json!({"user_id": "none"}));
    project.batch(200, &users.into());
    let expected: BTreeMap<String, u64> = [
        ("\"a\"", 2),
        ("1", 2),
        ("\"1\"", 1),
        ("true", 1),
        ("false", 1),
        ("0", 1),
        ("0.1", 1),
        ("other", 3),
        ("null", 1),
        ("9007199254740993", 1),
        ("9007199254740992", 1),
        (&json!("é".repeat(128)).to_string(), 1),
    ]
    .map(|(value, count)| (value.to_owned(), count))
    .into();
    assert_eq!(groups(&project, &json!({"by": "properties.v"})), expected);
    assert_eq!(groups(&project, &json!({"by": "/properties/v/0"})), [("null".to_owned(), 16)].into());
    let premium = json!({"field": "properties.v", "eq": 1});
    assert_eq!(groups(&project, &json!({"by": "email", "where": premium})), [("null".to_owned(), 2)].into());
    let plain = ask(&project, 200, COUNT, &json!({"where": premium})).json();
    assert_eq!(plain["count"], 2);
    assert!(plain.get("groups").is_none() && plain["pagination"].get("limit").is_none(), "{plain}");
    assert_eq!(groups(&project, &json!({"by": "user_id"})).len(), 16);
}

#[test]
fn a_walk_stops_before_the_user_who_would_open_group_1001() {
    let project = asking();
    for batch in 0..2 {
        let user = |i: u32| {
            let n = batch * 1000 + i;
            json!({"user_id": format!("u{n:04}"), "properties": {"n": n % 1500, format!("name {n}"): n}})
        };
        project.batch(200, &(0..1000).map(user).collect::<Vec<_>>().into());
    }
    let answers = walk(&project, COUNT, &json!({"by": "properties.n"}));
    assert_eq!(answers[0]["groups"].as_array().unwrap().len(), 1000);
    let counts = groups(&project, &json!({"by": "properties.n"}));
    assert_eq!((counts.len(), counts["499"], counts["500"], counts["1499"]), (1500, 2, 1, 1));
    let (mut names, mut cursor) = (BTreeMap::<String, u64>::new(), String::new());
    loop {
        let answer = project.get(200, &format!("/v1/properties{cursor}")).json();
        let properties = answer["properties"].as_array().unwrap();
        assert!(properties.len() <= 1000);
        for property in properties {
            assert_eq!(property["types"], json!({"number": property["users"]}));
            *names.entry(property["field"].as_str().unwrap().into()).or_default() +=
                property["users"].as_u64().unwrap();
        }
        let Some(next) = answer["pagination"]["next_cursor"].as_str() else { break };
        cursor = format!("?cursor={next}");
    }
    assert_eq!((names.len(), names["properties.n"], names["properties.name 1999"]), (2001, 2000, 1));
}

#[test]
fn a_walk_meets_all_who_match_throughout_once_whatever_is_written_meanwhile() {
    let project = asking();
    let user = |i: usize| json!({"user_id": format!("u{i:03}"), "properties": {"odd": i % 2 == 1}});
    project.batch(200, &(0..60).map(user).collect::<Vec<_>>().into());
    for limit in [1, 7, 25] {
        let filter = json!({"field": "properties.odd", "eq": true});
        let (mut body, mut met) = (json!({"where": filter, "limit": limit}), Vec::new());
        for page in 0.. {
            let answer = ask(&project, 200, QUERY, &body).json();
            let users = answer["users"].as_array().unwrap();
            assert!(users.len() <= limit, "{limit}");
            met.extend(users.iter().map(|user| user["external_id"].as_str().unwrap().to_owned()));
            body["cursor"] = answer["pagination"]["next_cursor"].clone();
            if body["cursor"].is_null() {
                break;
            }
            project.post(200, &json!({"user_id": format!("v{limit}{page:03}"), "properties": {"odd": false}}));
            project.post(200, &json!({"user_id": "u031", "properties": {"page": page}}));
        }
        met.sort_unstable();
        let expected: Vec<String> = (0..60).filter(|i| i % 2 == 1).map(|i| format!("u{i:03}")).collect();
        assert_eq!(met, expected, "{limit}");
    }
}

#[test]
fn who_was_stored_before_the_question_is_seen_as_they_are_then() {
    let project = asking();
    let filter = json!({"field": "properties.plan", "eq": "premium"});
    for (plan, is_found) in [("premium", true), ("free", false), ("premium", true)] {
        project.post(200, &json!({"user_id": "u", "properties": {"plan": plan}}));
        assert_eq!(!found(&project, &filter).is_empty(), is_found);
    }
    project.delete(200, "/v1/users/u");
    assert_eq!(found(&project, &filter), Vec::<String>::new());
    assert_eq!(ask(&project, 200, COUNT, &json!({})).json()["count"], 0);
    assert_eq!(project.get(200, "/v1/properties").json()["properties"], json!([]));
}

#[test]
fn a_cursor_belongs_to_its_question() {
    let project = asking();
    project.batch(
        200,
        &(0..20).map(|i| json!({"user_id": format!("u{i}"), "properties": {"n": i}})).collect::<Vec<_>>().into(),
    );
    let filter = json!({"all": [{"field": "properties.n", "gte": 0}]});
    let cursor =
        ask(&project, 200, QUERY, &json!({"where": filter, "limit": 5})).json()["pagination"]["next_cursor"].clone();
    for same in [
        json!({"where": filter, "limit": 9, "cursor": cursor}).to_string(),
        format!(r#"{{"cursor":{cursor},"where":{{"all":[{{"gte":0.0,"field":"/properties/n"}}]}}}}"#),
    ] {
        project.call("POST", 200, QUERY, same);
    }
    for (path, body) in [
        (QUERY, json!({"cursor": cursor})),
        (QUERY, json!({"cursor": cursor, "where": {"all": [{"field": "properties.n", "gte": 1}]}})),
        (QUERY, json!({"cursor": cursor, "where": {"any": [{"field": "properties.n", "gte": 0}]}})),
        (COUNT, json!({"cursor": cursor, "where": filter})),
    ] {
        let refused = ask(&project, 400, path, &body);
        assert_eq!((refused.code().as_str(), refused.places()), ("INVALID_VALUE", vec!["cursor".to_owned()]), "{body}");
    }
    let changed = format!("{}A", cursor.as_str().unwrap());
    ask(&project, 400, QUERY, &json!({"cursor": changed, "where": filter}));
}

#[test]
fn properties_are_names_and_types_and_no_values() {
    let project = asking();
    people(&project);
    let answer = project.get(200, "/v1/properties").json();
    assert_eq!(answer["pagination"], json!({"has_more": false, "next_cursor": null}));
    assert_eq!(answer["examined"], 4);
    let names: BTreeMap<_, _> = answer["properties"]
        .as_array()
        .unwrap()
        .iter()
        .map(|property| (property["field"].as_str().unwrap(), (property["types"].clone(), property["users"].clone())))
        .collect();
    let expected = [
        ("properties.plan", json!({"string": 3}), 3),
        ("properties.signup_date", json!({"string": 3}), 3),
        ("properties.age", json!({"number": 2, "string": 1}), 3),
        ("properties.address", json!({"object": 2}), 2),
        ("properties.tags", json!({"array": 1}), 1),
        ("properties.a.b", json!({"boolean": 1}), 1),
        ("properties.list", json!({"array": 1}), 1),
        ("origin.channel", json!({"string": 2}), 2),
        ("origin.campaign", json!({"string": 1}), 1),
    ];
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(name, types, users)| (name, (types, json!(users)))).collect();
    assert_eq!(names, expected);
}

#[test]
fn users_are_read_by_many_ids_in_the_order_asked() {
    let project = asking();
    people(&project);
    let get = |ids: Value| ask(&project, 200, "/v1/users/get", &json!({"user_ids": ids})).json();
    let answer = get(json!(["dan", "eve", "ann", "dan", "Ann"]));
    assert_eq!(
        answer,
        json!({"success": true, "users": [project.user("dan"), project.user("ann")], "missing": ["eve", "Ann"]})
    );
    assert_eq!(get(json!(["eve"])), json!({"success": true, "users": [], "missing": ["eve"]}));
    for (body, place) in [
        (json!({}), "user_ids"),
        (json!({"user_ids": null}), "user_ids"),
        (json!({"user_ids": []}), "user_ids"),
        (json!({"user_ids": vec!["a"; 101]}), "user_ids"),
        (json!({"user_ids": ["ann", ""]}), "/user_ids/1"),
        (json!({"user_ids": [7]}), "/user_ids/0"),
        (json!({"user_ids": ["usr_01m84687a2zxfrfjst9gxk6yzvpv"]}), "/user_ids/0"),
        (json!({"user_ids": ["ann"], "fields": []}), "fields"),
    ] {
        assert_eq!(ask(&project, 400, "/v1/users/get", &body).places(), [place], "{body}");
    }
    let hundred: Vec<String> = (0..100).map(|i| format!("user {i}")).collect();
    let answer = ask(&project, 200, "/v1/users/get", &json!({"user_ids": hundred}));
    assert_eq!(answer.json()["missing"], json!(hundred));
    assert_eq!(project.store_hops(&answer), 1);
    assert!(answer.header("ratelimit-policy").starts_with("\"users\";"));
}

#[test]
fn users_that_are_too_large_together_are_not_read_at_once() {
    let project = asking();
    let large = "x".repeat(86_000);
    for i in 0..34 {
        for key in ["a", "b", "c"] {
            project.post(200, &json!({"user_id": format!("u{i:02}"), "properties": {key: large}}));
        }
    }
    let ids: Vec<String> = (0..34).map(|i| format!("u{i:02}")).collect();
    let refused = ask(&project, 400, "/v1/users/get", &json!({"user_ids": ids}));
    assert_eq!((refused.code().as_str(), refused.places()), ("INVALID_VALUE", vec!["user_ids".to_owned()]));
    ask(&project, 200, "/v1/users/get", &json!({"user_ids": ids[..20]}));
    let answer = ask(&project, 200, QUERY, &json!({"limit": 1000}));
    assert!(answer.text.len() < 9_000_000 && answer.json()["pagination"]["has_more"] == true);
    assert_eq!(found(&project, &json!({"field": "properties.a", "exists": true})), ids);
    assert_eq!(walk(&project, COUNT, &json!({})).iter().map(|a| a["count"].as_u64().unwrap()).sum::<u64>(), 34);
}

#[test]
fn asking_has_a_policy_of_its_own() {
    let project = project();
    let answer = ask(&project, 200, COUNT, &json!({}));
    assert_eq!(answer.header("ratelimit-policy"), r#""query";q=60;w=60"#);
    assert_eq!(project.get(200, "/v1/properties").header("ratelimit-policy"), r#""query";q=60;w=60"#);
    let limits = json!({"rate_limits": {"query": {"limit": 2, "window_seconds": 3600}}});
    let own = roster_harness::project();
    shared().admin(200, "PUT", &format!("/v1/projects/{}", own.name), &limits);
    let statuses = [(); 3]
        .map(|()| own.server.call("POST", QUERY, &[("Authorization", &format!("Bearer {}", own.key))], "{}").status);
    assert_eq!(statuses, [200, 200, 429]);
    own.get(200, "/v1/users");
}
