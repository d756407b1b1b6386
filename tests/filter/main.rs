//! Filters as SQL against the model in Rust: users and filters by chance, with every trap that SQLite's JSON has.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod any;
mod walks;

use any::{Stored, any_filter, any_user};
use fastrand::Rng;
use roster::filter::{self, Filter, User};
use roster::input::fields::Faults;
use roster::json::{self, Object, Value};
use roster::store::sql::statements::filter::Translation;
use roster::store::sql::{self, Database, Statement};
use roster::time::Timestamp;
use roster_reference::Sqlite;
use serde::Deserialize;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn parse(text: &str) -> Option<Filter> {
    let mut faults = Faults::default();
    let parsed = filter::filter(&json::parse(text.as_bytes()).unwrap(), &mut faults);
    faults.finish(parsed).ok()
}

impl Stored {
    fn is_meant(&self, filter: &Filter) -> bool {
        let profile = json::parse_object(self.profile.as_bytes()).unwrap();
        let section = |name| profile.get(name).and_then(Value::object).unwrap().clone();
        let text = |name| if let Some(Value::String(text)) = profile.get(name) { Some(text.as_ref()) } else { None };
        let at = Timestamp::from_ms(self.created_at);
        let (properties, origin): (Object, Object) = (section("properties"), section("origin"));
        filter.matches(&User {
            external_id: &self.external_id,
            email: text("email"),
            phone: text("phone"),
            properties,
            origin,
            created_at: at,
            updated_at: at,
        })
    }
}

#[derive(Deserialize)]
struct Row {
    external_id: Option<String>,
}

fn query(sqlite: &Sqlite, sql: &str, values: &[sql::Value<'_>]) -> Vec<String> {
    let rows = pin!(sqlite.query::<Row>(Statement { sql, values })).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(rows) = rows else { panic!("it waits") };
    rows.unwrap_or_else(|error| panic!("{error}: {sql}")).into_iter().filter_map(|row| row.external_id).collect()
}

fn store(sqlite: &Sqlite, user: &Stored) {
    let sql = "insert into users (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
        values ('p', ?1, ?1, ?2, 0, 0, (select count(*) from users), cast(?3 as integer), cast(?3 as integer))";
    query(sqlite, sql, &[(&user.external_id).into(), (&user.profile).into(), sql::Value::Number(user.created_at)]);
}

/// Ids of those whom a filter means, by the statement.
fn meant(sqlite: &Sqlite, filter: &Filter) -> Vec<String> {
    let mut translation = Translation::new("?1");
    let condition = translation.condition(filter);
    let is_null = query(
        sqlite,
        &format!("select external_id from users where ?1 is not null and ({condition}) is null"),
        &[(&translation.values()).into()],
    );
    assert!(is_null.is_empty(), "null: {condition}");
    let sql = format!("select external_id from users where ?1 is not null and {condition} order by external_id");
    query(sqlite, &sql, &[(&translation.values()).into()])
}

#[test]
fn sql_matches_whom_the_model_matches() {
    let seed = std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let mut rng = Rng::with_seed(seed);
    let (mut judged, mut matched) = (0, 0);
    for _ in 0..40 {
        let sqlite = Sqlite::new(std::rc::Rc::default()).unwrap();
        let users: Vec<_> = (0..60).map(|i| any_user(&mut rng, i)).collect();
        for user in &users {
            store(&sqlite, user);
        }
        for _ in 0..100 {
            let text = any_filter(&mut rng, 3);
            let Some(filter) = parse(&text) else { continue };
            let by_sql = meant(&sqlite, &filter);
            for user in &users {
                let (expected, profile) = (user.is_meant(&filter), &user.profile);
                assert_eq!(by_sql.contains(&user.external_id), expected, "SEED={seed}: {text} of {profile}");
                matched += u32::from(expected);
            }
            judged += 1;
        }
    }
    assert!(judged > 2000 && matched > 10_000, "{judged} filters matched {matched} users");
}

/// Each trap by itself: a property's value, and the test that `/properties/v` passes or not.
#[test]
fn values_are_compared_by_type_and_value() {
    for (value, test, expected) in [
        (r#""100""#, r#""gt":30"#, false),
        ("true", r#""eq":1"#, false),
        ("1", r#""eq":true"#, false),
        ("1", r#""eq":"1""#, false),
        (r#""1""#, r#""in":[1,true]"#, false),
        ("1.0", r#""eq":1"#, true),
        ("1", r#""in":[1.0]"#, true),
        ("9007199254740993", r#""eq":9007199254740992"#, false),
        ("9007199254740993", r#""gt":9007199254740992.0"#, true),
        ("9223372036854775808", r#""gt":9223372036854775807"#, true),
        ("9223372036854775808", r#""eq":9223372036854775809"#, true),
        ("[null]", r#""exists":true"#, true),
        ("null", r#""exists":false"#, true),
        ("null", r#""ne":1"#, false),
        ("{}", r#""ne":1"#, true),
        ("[1.0,\"a\"]", r#""has":1"#, true),
        ("[true]", r#""has":1"#, false),
        ("[[1]]", r#""has":1"#, false),
        (r#""[1]""#, r#""has":1"#, false),
        (r#""a\u0000b""#, r#""eq":"a""#, false),
        (r#""a\u0000b""#, r#""contains":"b""#, true),
        (r#""a\u0000b""#, r#""starts_with":"a\u0000b""#, true),
        (r#""a\u0000b""#, r#""starts_with":"a\u0000c""#, false),
        (r#""Ab""#, r#""starts_with":"a""#, false),
        (r#""\u00e9""#, r#""gt":"z""#, true),
        (r#""2023-06-15""#, r#""since":"2023-06-15""#, true),
        (r#""2023-06-15T01:00:00+02:00""#, r#""before":"2023-06-15""#, true),
        (r#""2023-06-15 10:00""#, r#""since":"2000-01-01""#, false),
        (r#""now""#, r#""since":"2000-01-01""#, false),
        ("2460000.5", r#""since":"2000-01-01""#, false),
    ] {
        let sqlite = Sqlite::new(std::rc::Rc::default()).unwrap();
        let profile = format!(r#"{{"properties":{{"v":{value}}},"origin":{{}}}}"#);
        let user = Stored { external_id: "u".into(), profile, created_at: 0 };
        store(&sqlite, &user);
        for (text, expected) in [
            (format!(r#"{{"field":"properties.v",{test}}}"#), expected),
            (format!(r#"{{"not":{{"field":"/properties/v",{test}}}}}"#), !expected),
        ] {
            let filter = parse(&text).unwrap();
            assert_eq!(user.is_meant(&filter), expected, "{value} {text}");
            assert_eq!(!meant(&sqlite, &filter).is_empty(), expected, "in SQL: {value} {text}");
        }
    }
}

#[test]
fn the_largest_filter_is_within_what_d1_takes() {
    let conditions: Vec<_> =
        (0..20).map(|i| format!(r#"{{"field":"/properties/{i}/0/1/2/3/4/5/6/7","since":"2023-06-01"}}"#)).collect();
    let filter = parse(&format!(r#"{{"all":[{}]}}"#, conditions.join(","))).unwrap();
    let sql = Translation::new("?4").condition(&filter);
    assert!(sql.len() < 60_000, "{} bytes", sql.len());
}
