//! `GET /v1/changes`: following what becomes of users.

use roster_harness::{Project, buckets, in_ms, project};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Who follows a project: a copy of its users, and the cursor.
struct Follower<'p> {
    project: &'p Project<'static>,
    copy: BTreeMap<String, Value>,
    cursor: String,
}

impl<'p> Follower<'p> {
    fn from(project: &'p Project<'static>, start: &str) -> Self {
        let mut follower = Follower { project, copy: BTreeMap::new(), cursor: String::new() };
        follower.page(start);
        follower
    }

    /// Asks for one page, and answers whether there are more.
    #[track_caller]
    fn page(&mut self, query: &str) -> bool {
        let answer = self.project.get(200, &format!("/v1/changes?{query}")).json();
        for change in answer["changes"].as_array().unwrap() {
            let id = change["external_id"].as_str().unwrap().to_owned();
            match change["type"].as_str().unwrap() {
                "changed" => self.copy.insert(id, change["user"].clone()),
                "deleted" => self.copy.remove(&id),
                other => panic!("{other}"),
            };
        }
        answer["pagination"]["next_cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        answer["pagination"]["has_more"].as_bool().unwrap()
    }

    /// Goes on to the end, with pages of `limit`.
    #[track_caller]
    fn catch_up(&mut self, limit: u32) {
        while self.page(&format!("limit={limit}&cursor={}", self.cursor)) {}
    }

    #[track_caller]
    fn has_all_of(&self, ids: &[&str]) {
        assert_eq!(self.copy.keys().collect::<Vec<_>>(), ids);
        assert!(self.copy.iter().all(|(id, user)| *user == self.project.user(id)), "{:?}", self.copy);
    }
}

fn changes(project: &Project, query: &str) -> Vec<Value> {
    project.get(200, &format!("/v1/changes?{query}")).json()["changes"].as_array().unwrap().clone()
}

#[test]
fn a_follower_meets_users_as_they_are_and_deletions_by_their_ids_alone() {
    let project = project();
    assert_eq!(changes(&project, ""), [json!(null); 0]);
    project.post_bytes(200, r#"{"user_id":"a","email":"a@b.c","properties":{"cents":1.10}}"#);
    let answer = project.get(200, "/v1/changes");
    assert!(answer.text.contains(r#""cents":1.10"#), "{}", answer.text);
    let pagination = answer.json()["pagination"].clone();
    assert_eq!(answer.json()["changes"], json!([{"type": "changed", "external_id": "a", "user": project.user("a")}]));
    assert_eq!((&pagination["limit"], &pagination["has_more"]), (&json!(100), &json!(false)));
    assert_eq!(project.store_hops(&project.get(200, "/v1/changes")), 1);

    let id = project.user("a")["user_id"].clone();
    project.delete(200, "/v1/users/a");
    let cursor = pagination["next_cursor"].as_str().unwrap();
    let met = changes(&project, &format!("cursor={cursor}"));
    let deleted_at = met[0]["deleted_at"].clone();
    assert_eq!(met, [json!({"type": "deleted", "external_id": "a", "user_id": id, "deleted_at": deleted_at})]);
    assert_eq!(deleted_at.as_str().unwrap().len(), "2027-01-01T00:00:00.000Z".len());
}

#[test]
fn a_follower_has_what_an_export_has_whatever_the_size_of_its_pages() {
    let project = project();
    let users: Vec<Value> = (0..30).map(|i| json!({"user_id": format!("u{i:02}"), "properties": {"n": i}})).collect();
    project.batch(200, &users.into());
    let mut followers: Vec<_> =
        [1, 7, 100].map(|limit| (limit, Follower::from(&project, &format!("limit={limit}")))).into();
    for round in 0..4 {
        let id = |n: usize| format!("u{:02}", (round * 7 + n * 3) % 30);
        project.post(200, &json!({"user_id": id(0), "properties": {"round": round}}));
        project.delete(200, &format!("/v1/users/{}", id(1)));
        project.batch(200, &json!([{"user_id": id(2), "email": "a@b.c"}, {"user_id": id(2), "phone": "+123"}]));
        project.delete(200, &format!("/v1/users/{}", id(3)));
        project.post(200, &json!({"user_id": id(3), "properties": {"again": round}}));
        for (limit, follower) in &mut followers {
            follower.page(&format!("limit={limit}&cursor={}", follower.cursor));
        }
    }
    let standing = project.listed("?limit=100");
    for (limit, follower) in &mut followers {
        follower.catch_up(*limit);
        follower.has_all_of(&standing.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!follower.page(&format!("cursor={}", follower.cursor)));
    }
}

#[test]
fn what_changes_nothing_is_no_change() {
    let project = project();
    project.post(200, &json!({"user_id": "a", "properties": {"n": 1}}));
    project.delete(200, "/v1/users/nobody");
    let follower = Follower::from(&project, "");
    project.post(200, &json!({"user_id": "a", "properties": {"n": 1}}));
    project.batch(200, &json!([{"user_id": "a"}]));
    project.delete(200, "/v1/users/nobody");
    project.post(200, &json!({"user_id": "a", "as_of": "2026-01-01T00:00:00Z", "properties": {"n": 2}}));
    assert_eq!(changes(&project, &format!("cursor={}", follower.cursor)), [json!(null); 0]);
}

#[test]
fn a_follower_begins_with_all_from_a_moment_or_with_what_is_to_come() {
    let project = project();
    project.post(200, &json!({"user_id": "a"}));
    let mut from_now = Follower::from(&project, "from=now");
    let mut from_future = Follower::from(&project, &format!("since={}", in_ms(3_600_000)));
    assert!(from_now.copy.is_empty() && from_future.copy.is_empty());
    project.post(200, &json!({"user_id": "b"}));
    let moment = project.user("b")["updated_at"].as_str().unwrap().to_owned();
    project.post(200, &json!({"user_id": "c"}));
    for follower in [&mut from_now, &mut from_future] {
        follower.catch_up(100);
        follower.has_all_of(&["b", "c"]);
    }
    let since = Follower::from(&project, &format!("since={moment}"));
    assert!(since.copy.contains_key("b") && since.copy.contains_key("c"), "{:?}", since.copy);
    Follower::from(&project, "since=2026-01-01T00:00:00Z").has_all_of(&["a", "b", "c"]);
    Follower::from(&project, "").has_all_of(&["a", "b", "c"]);
}

#[test]
fn a_query_is_refused_by_name() {
    let project = project();
    let cursor = Follower::from(&project, "").cursor;
    for (query, code, places) in [
        ("limit=0".into(), "INVALID_VALUE", vec!["limit"]),
        ("limit=1001".into(), "INVALID_VALUE", vec!["limit"]),
        ("cursor=x".into(), "INVALID_VALUE", vec!["cursor"]),
        (format!("cursor={cursor}A"), "INVALID_VALUE", vec!["cursor"]),
        (format!("cursor={cursor}&from=now"), "INVALID_VALUE", vec!["from"]),
        (format!("cursor={cursor}&since=2026-01-01T00:00:00Z"), "INVALID_VALUE", vec!["since"]),
        ("since=yesterday".into(), "INVALID_VALUE", vec!["since"]),
        ("from=start".into(), "INVALID_VALUE", vec!["from"]),
        ("updated_after=2026-01-01T00:00:00Z".into(), "UNKNOWN_FIELD", vec!["updated_after"]),
    ] {
        let answer = project.get(400, &format!("/v1/changes?{query}"));
        assert_eq!((answer.code().as_str(), answer.places()), (code, places.into_iter().map(String::from).collect()));
    }
    project.get(200, "/v1/changes?limit=1000");
}

#[test]
fn large_users_make_short_pages_and_no_change_is_lost() {
    let project = project();
    for part in ["a", "b", "c"] {
        for chunk in (0..36).collect::<Vec<_>>().chunks(12) {
            let user = |n: &i32| json!({"user_id": format!("u{n:02}"), "properties": {part: "x".repeat(80_000)}});
            project.batch(200, &chunk.iter().map(user).collect());
        }
    }
    let first = changes(&project, "limit=1000").len();
    // A page is 8 MiB, divided by the buckets.
    assert!((usize::from(30 / buckets().unwrap_or(1))..36).contains(&first), "{first}");
    let mut follower = Follower::from(&project, "limit=1000");
    follower.catch_up(1000);
    assert_eq!(follower.copy.len(), 36);
}

#[test]
fn a_key_that_may_not_read_or_was_revoked_follows_nothing() {
    let project = project();
    let mut follower = Follower::from(&project, "");
    follower.catch_up(100);
    project.revoke();
    assert_eq!(project.get(401, &format!("/v1/changes?cursor={}", follower.cursor)).code(), "REVOKED_API_KEY");
}
