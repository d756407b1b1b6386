//! `GET /v1/users`: pages, filters, cursors.

use roster::input::percent;
use roster_harness::{Project, buckets, project};
use serde_json::{Value, json};

/// Stores users with these ids, in one batch.
fn store(project: &Project, ids: &[String]) {
    let users: Vec<Value> = ids.iter().map(|id| json!({"user_id": id, "properties": {"n": 0}})).collect();
    project.batch(200, &users.into());
}

fn ids(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("u{i:03}")).collect()
}

/// Walks all pages of a query; `between` happens after each one. Answers the ids as they were met.
#[track_caller]
fn walk(project: &Project, query: &str, mut between: impl FnMut(usize)) -> Vec<String> {
    let mut met = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        let answer = project.get(200, &format!("/v1/users?{query}{cursor}")).json();
        met.extend(external_ids(&answer));
        let pagination = &answer["pagination"];
        assert_eq!(pagination["has_more"], !pagination["next_cursor"].is_null());
        let Some(next) = pagination["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        between(page);
    }
    met
}

fn external_ids(answer: &Value) -> Vec<String> {
    answer["users"].as_array().unwrap().iter().map(|user| user["external_id"].as_str().unwrap().into()).collect()
}

#[test]
fn a_page_has_users_as_they_are_read_alone() {
    let project = project();
    let empty = project.get(200, "/v1/users").json();
    let nothing = json!({"limit": 50, "has_more": false, "next_cursor": null});
    assert_eq!(empty, json!({"success": true, "users": [], "pagination": nothing}));

    project.post_bytes(
        200,
        r#"{"user_id":"b","email":"a@b.c","properties":{"cents":1.10,"big":12345678901234567890123}}"#,
    );
    project.post(200, &json!({"user_id": "a", "phone": "+123", "origin": {"x": 1}}));
    let listed = project.get(200, "/users?limit=2");
    assert!(listed.text.contains(r#"{"cents":1.10,"big":12345678901234567890123}"#), "{}", listed.text);
    let listed = listed.json();
    assert_eq!(listed["users"], json!([project.user("a"), project.user("b")]));
    assert_eq!(listed["pagination"], json!({"limit": 2, "has_more": false, "next_cursor": null}));
    assert_eq!(project.store_hops(&project.get(200, "/v1/users")), 1);
}

#[test]
fn users_come_in_the_order_of_their_ids_bytes() {
    let project = project();
    let mut ids = ["é", "e\u{301}", "Z", "a", "a b", "a-b", "😀", "\u{ffee}", "10", "9"].map(String::from);
    store(&project, &ids);
    ids.sort_unstable();
    for limit in [1, 3, 5, 100] {
        assert_eq!(walk(&project, &format!("limit={limit}"), |_| ()), ids, "{limit}");
    }
}

#[test]
fn a_page_has_50_users_unless_told_and_at_most_100() {
    let project = project();
    store(&project, &ids(101));
    for (query, n, has_more) in [("", 50, true), ("?limit=100", 100, true), ("?limit=1", 1, true)] {
        let answer = project.get(200, &format!("/v1/users{query}")).json();
        assert_eq!(
            (answer["users"].as_array().unwrap().len(), &answer["pagination"]["has_more"]),
            (n, &json!(has_more))
        );
    }
    assert_eq!(walk(&project, "limit=100", |_| ()), ids(101));
}

#[test]
fn a_walk_meets_all_who_stand_once_whatever_is_written_meanwhile() {
    let project = project();
    store(&project, &ids(30));
    let met = walk(&project, "limit=7", |page| {
        project.delete(200, &format!("/v1/users/u{:03}", page * 7));
        project.delete(200, &format!("/v1/users/u{:03}", 29 - page));
        project.post(200, &json!({"user_id": format!("u{:03}x", page * 3), "properties": {"new": true}}));
        project.post(200, &json!({"user_id": "u010", "properties": {"n": page}}));
    });
    assert!(met.is_sorted_by(|a, b| a < b), "{met:?}");
    let standing = ids(26).into_iter().filter(|id| !["u000", "u007", "u014", "u021"].contains(&id.as_str()));
    assert!(standing.clone().all(|id| met.contains(&id)), "{met:?}");
}

#[test]
fn a_filter_finds_by_email_and_phone_as_they_are_now() {
    let project = project();
    let (old, new) = ("same+1@example.com", "new@example.com");
    for id in ["c", "a", "b"] {
        project.post(200, &json!({"user_id": id, "email": old, "phone": "+4912345"}));
    }
    project.post(200, &json!({"user_id": "none"}));
    let by = |name: &str, value: &str| format!("{name}={}", percent::encode(value));
    assert_eq!(walk(&project, &format!("limit=1&{}", by("email", old)), |_| ()), ["a", "b", "c"]);
    assert_eq!(walk(&project, &format!("limit=2&{}", by("phone", "+4912345")), |_| ()), ["a", "b", "c"]);

    project.post(200, &json!({"user_id": "a", "email": new, "phone": null}));
    project.post(200, &json!({"user_id": "b", "email": null}));
    let listed = |query: &str| project.listed(&format!("?{query}"));
    assert_eq!(listed(&by("email", old)), ["c"]);
    assert_eq!(listed(&by("email", new)), ["a"]);
    assert_eq!(listed(&by("phone", "+4912345")), ["b", "c"]);
    assert_eq!(listed(&format!("{}&{}", by("email", old), by("phone", "+4912345"))), ["c"]);
    assert_eq!(listed(&format!("{}&{}", by("email", new), by("phone", "+4912345"))), Vec::<String>::new());
    assert_eq!(roster_harness::project().listed(&format!("?{}", by("email", old))), Vec::<String>::new());
}

#[test]
fn an_e_mail_address_is_found_in_any_case_and_shown_as_it_was_sent() {
    let project = project();
    let listed = |email: &str| project.listed(&format!("?email={}", percent::encode(email)));
    let [sent, other] = ["Ann@Example.COM", "aNN@example.com"];
    project.post(200, &json!({"user_id": "a", "email": sent}));
    project.post(200, &json!({"user_id": "b", "email": other}));
    project.post(200, &json!({"user_id": "c", "email": "ann@example.org"}));
    for email in [sent, other, "ann@example.com", "ANN@EXAMPLE.COM"] {
        assert_eq!(listed(email), ["a", "b"], "{email}");
    }
    assert_eq!(project.user("a")["email"], sent);
    project.post(200, &json!({"user_id": "a", "email": other}));
    assert_eq!(project.user("a")["email"], other);
    project.batch(200, &json!([{"user_id": "b", "email": "B@example.com"}]));
    assert_eq!((listed(sent), listed("b@EXAMPLE.com")), (vec!["a".to_owned()], vec!["b".to_owned()]));
    project.delete(200, "/v1/users/a");
    assert_eq!(listed(sent), [""; 0]);
}

#[test]
fn only_an_unchanged_cursor_with_the_same_filters_goes_on() {
    let project = project();
    store(&project, &ids(3));
    let next = |query: &str| {
        project.get(200, &format!("/v1/users?limit=1{query}")).json()["pagination"]["next_cursor"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    project.post(200, &json!({"user_id": "v", "email": "a@b.c"}));
    project.post(200, &json!({"user_id": "w", "email": "a@b.c"}));
    let (plain, by_email) = (next(""), next("&email=a%40b.c"));
    let refused = |query: &str| {
        let answer = project.get(400, &format!("/v1/users?{query}"));
        assert_eq!((answer.code().as_str(), answer.places()), ("INVALID_VALUE", vec!["cursor".to_owned()]), "{query}");
    };
    refused(&format!("cursor={by_email}"));
    refused(&format!("cursor={plain}&email=a%40b.c"));
    refused(&format!("cursor={by_email}&email=other%40b.c"));
    for at in 0..plain.len() {
        let mut typo = plain.clone();
        let other = if plain.as_bytes()[at] == b'x' { "y" } else { "x" };
        typo.replace_range(at..=at, other);
        refused(&format!("cursor={typo}"));
    }
    for bad in ["", "x", "u000", &format!("{plain}A"), &plain[1..], "%00"] {
        refused(&format!("cursor={bad}"));
    }
    // Neither the limit nor the order of the parameters matters.
    project.get(200, &format!("/v1/users?cursor={plain}&limit=100"));
    project.get(200, &format!("/v1/users?email=a%40b.c&cursor={by_email}"));
}

#[test]
fn bad_queries_are_told_by_name() {
    let project = project();
    for (query, code, places) in [
        ("limit=0", "INVALID_VALUE", vec!["limit"]),
        ("limit=101", "INVALID_VALUE", vec!["limit"]),
        ("limit=ten", "INVALID_VALUE", vec!["limit"]),
        ("email=nobody", "INVALID_VALUE", vec!["email"]),
        ("phone=+123", "INVALID_VALUE", vec!["phone"]),
        ("updated_after=2027-01-01T00:00:00Z", "UNKNOWN_FIELD", vec!["updated_after"]),
        ("email=%ff", "INVALID_VALUE", vec!["email"]),
        ("offset=10", "UNKNOWN_FIELD", vec!["offset"]),
        ("limit=1&limit=1", "INVALID_REQUEST", vec!["limit"]),
        ("limit=0&page=2", "INVALID_VALUE", vec!["limit", "page"]),
    ] {
        let answer = project.get(400, &format!("/v1/users?{query}"));
        assert_eq!(
            (answer.code().as_str(), answer.places()),
            (code, places.into_iter().map(String::from).collect()),
            "{query}"
        );
    }
    project.get(200, "/v1/users?");
    project.get(200, "/v1/users?&limit=1&");
}

#[test]
fn large_users_make_short_pages_and_none_is_lost() {
    let project = project();
    let users = ids(36);
    let part = |id: &str, name: &str| json!({"user_id": id, "properties": {name: "x".repeat(80_000)}});
    for name in ["a", "b", "c"] {
        for ids in users.chunks(12) {
            project.batch(200, &ids.iter().map(|id| part(id, name)).collect());
        }
    }
    let first = project.get(200, "/v1/users?limit=100").json();
    // A page is 8 MiB, divided by the buckets.
    let least = 30 / buckets().unwrap_or(1);
    assert!((usize::from(least)..36).contains(&first["users"].as_array().unwrap().len()));
    assert_eq!(walk(&project, "limit=100", |_| ()), users);
}
