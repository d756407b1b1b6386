//! A filter: refused with a place, or judged alike by the model and by SQL.

use crate::sqlite;
use roster::bounds::{MAX_CONDITIONS, MAX_FAULTS};
use roster::filter::{self, Filter, User};
use roster::input::fields::Faults;
use roster::json::{self, Object, Value};
use roster::store::sql::Statement;
use roster::store::sql::statements::filter::Translation;
use roster::time::Timestamp;
use rusqlite::Connection;
use serde::Deserialize;

const SCHEMA: &str = include_str!("../../../../migrations/0001_users.sql");
const PROFILES: [&str; 3] = [
    r#"{"properties":{},"origin":{}}"#,
    r#"{"email":"Ann@Example.com","phone":"+123","properties":{"plan":"premium","n":1.0,"t":true,"at":"2023-06-15T12:00:00Z"},"origin":{"channel":"web"}}"#,
    r#"{"email":"a@b","properties":{"plan":null,"n":9007199254740993,"at":"2023-06-15","a":["x",1,{"0":[true]}],"a.b\"":{"0":"\u0000"}},"origin":{"n":"1"}}"#,
];
const CREATED_AT: i64 = 1_700_000_000_000;

thread_local! {
    static USERS: Connection = users();
}

#[derive(Deserialize)]
struct Row {
    external_id: String,
    is_meant: Option<u8>,
}

/// Runs one input; panics if a property does not hold.
pub fn take(input: &[u8]) {
    let Ok(value) = json::parse(input) else { return };
    let mut faults = Faults::default();
    let parsed = faults.within("where", |faults| filter::filter(&value, faults));
    match faults.finish(parsed) {
        Ok(filter) => {
            assert!((1..=MAX_CONDITIONS).contains(&conditions(&filter)));
            has_one_text(&filter, &value);
            is_judged_alike(&filter);
        }
        Err(list) => {
            assert!((1..=MAX_FAULTS).contains(&list.faults.len()));
            assert!(list.faults.iter().all(|fault| fault.place().trim_start_matches('/').starts_with("where")));
        }
    }
}

fn conditions(filter: &Filter) -> usize {
    match filter {
        Filter::All(filters) | Filter::Any(filters) => filters.iter().map(conditions).sum(),
        Filter::Not(filter) => conditions(filter),
        Filter::Condition(_) => 1,
    }
}

/// However the members of its objects are ordered, and as it is written anew.
fn has_one_text(filter: &Filter, value: &Value) {
    let written = filter.to_json();
    for text in [reversed(value).to_string(), written.clone()] {
        let again = filter::filter(&json::parse(text.as_bytes()).unwrap(), &mut Faults::default());
        assert_eq!(again.unwrap().to_json(), written);
    }
}

fn reversed<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        Value::Object(object) => {
            let members = object.members.iter().rev();
            Value::Object(Object { members: members.map(|(name, value)| (name.clone(), reversed(value))).collect() })
        }
        other => other.clone(),
    }
}

fn is_judged_alike(filter: &Filter) {
    let mut translation = Translation::new("?1");
    let condition = translation.condition(filter);
    let sql = format!("select external_id, ({condition}) as is_meant from users where ?1 is not null");
    let values = translation.values();
    let values = [(&values).into()];
    let rows = USERS.with(|users| sqlite::run::<Row>(users, Statement { sql: &sql, values: &values }).unwrap());
    assert_eq!(rows.len(), PROFILES.len());
    for row in rows {
        let is_meant = filter.matches(&user(&row.external_id));
        assert_eq!(row.is_meant, Some(u8::from(is_meant)), "{} {condition}", row.external_id);
    }
}

fn user(external_id: &str) -> User<'_> {
    let profile = json::parse_object(PROFILES[external_id.parse::<usize>().unwrap()].as_bytes()).unwrap();
    let text = |name| match profile.get(name) {
        Some(Value::String(std::borrow::Cow::Borrowed(text))) => Some(*text),
        _ => None,
    };
    let section = |name| profile.get(name).and_then(Value::object).cloned().unwrap();
    User {
        external_id,
        email: text("email"),
        phone: text("phone"),
        properties: section("properties"),
        origin: section("origin"),
        created_at: Timestamp::from_ms(CREATED_AT.unsigned_abs()),
        updated_at: Timestamp::from_ms(CREATED_AT.unsigned_abs()),
    }
}

fn users() -> Connection {
    let connection = sqlite::open(&[SCHEMA]).unwrap();
    for (i, profile) in PROFILES.iter().enumerate() {
        let sql = "insert into users
            (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
            values ('p', ?1, ?1, ?2, 0, 0, (select count(*) from users), ?3, ?3)";
        connection.execute(sql, (i.to_string(), profile, CREATED_AT)).unwrap();
    }
    connection
}
