//! Filters as SQL against the model in Rust: users and filters by chance, with every trap that SQLite's JSON has.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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

/// Keys and steps of pointers: quotes, dots, brackets, indices and names that look like them.
const KEYS: [&str; 14] = ["a", "b", "a.b", "\"", "\\", "[0]", "0", "1", "01", "-1", "$", "é\n", "\\u0061", "#-1"];
/// Texts: what SQLite takes for a number or a moment, and what it may stop at.
const TEXTS: [&str; 16] = [
    "",
    "a",
    "A",
    "ab",
    "a\0b",
    "100",
    "30",
    "1",
    "true",
    "null",
    "é",
    "\u{10ffff}",
    "\u{e000}",
    "%",
    "[1]",
    "{\"a\":1}",
];
const MOMENTS: [&str; 34] = [
    "2023-06-01",
    "2023-06-01T00:00:00Z",
    "2023-06-01t00:00:00z",
    "2023-06-01T02:00:00+02:00",
    "2023-05-31T23:59:59.999Z",
    "2023-05-31T23:59:59.9999999Z",
    "2023-06-01T00:00:00.0Z",
    "2023-06-01T00:00:00.1239+00:00",
    "2023-05-31T23:59:60Z",
    "2023-05-31T18:29:60.5-05:30",
    "2023-06-01T05:29:60+05:31",
    "2023-06-01T12:30:60Z",
    "2024-02-29",
    "2023-02-29",
    "0000-01-01",
    "0000-01-01T00:00:00+00:01",
    "1969-12-31T23:59:59.001Z",
    "9999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:60Z",
    "9999-12-31T23:59:59-00:01",
    "2023-06-01T24:00:00Z",
    "2023-06-01T00:00:00",
    "2023-06-01 00:00:00Z",
    "2023-06-01T00:00Z",
    "2023-06-01T00:00:00.Z",
    "2023-06-01T00:00:00+0200",
    "2023-06-01T00:00:00+24:00",
    "2023-06-01T00:00:00ZZ",
    "2023-06-01\0",
    "2023-06-01T00:00:00Z\0",
    "now",
    "2460000.50",
    "subsec",
    "2023-6-1",
];
const NUMBERS: [&str; 22] = [
    "0",
    "-0",
    "-0.0",
    "1",
    "1.0",
    "10e-1",
    "30",
    "100",
    "0.1",
    "1e-1",
    "1.5",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "12345678901234567890123",
    "1e300",
    "1e400",
    "-1e400",
];
const EMAILS: [&str; 3] = ["Ann@Example.com", "ann@example.com", "b@c"];
const PHONES: [&str; 2] = ["+12345", "+4915123456"];
const TIMES: [u64; 4] = [0, 1_685_577_600_000, 1_685_577_600_001, 253_402_300_799_999];

fn one<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    of[rng.usize(..of.len())]
}

fn any_scalar(rng: &mut Rng) -> String {
    match rng.u8(0..8) {
        0 => one(rng, &["true", "false"]).to_owned(),
        1..=3 => one(rng, &NUMBERS).to_owned(),
        4 => json::string(one(rng, &MOMENTS)),
        _ => json::string(one(rng, &TEXTS)),
    }
}

fn any_value(rng: &mut Rng, levels: u8) -> String {
    match rng.u8(0..10) {
        0 => "null".to_owned(),
        1..=3 if levels > 0 => {
            let items: Vec<_> = (0..rng.usize(0..4)).map(|_| any_value(rng, levels - 1)).collect();
            format!("[{}]", items.join(","))
        }
        4..=6 if levels > 0 => any_object(rng, levels - 1),
        _ => any_scalar(rng),
    }
}

fn any_object(rng: &mut Rng, levels: u8) -> String {
    let mut keys = KEYS;
    rng.shuffle(&mut keys);
    let count = rng.usize(0..7);
    let members: Vec<_> =
        keys[..count].iter().map(|key| format!("{}:{}", json::string(key), any_value(rng, levels))).collect();
    format!("{{{}}}", members.join(","))
}

fn any_field(rng: &mut Rng) -> String {
    let section = one(rng, &["properties", "origin"]);
    match rng.u8(0..10) {
        0..=2 => one(rng, &["user_id", "email", "phone", "created_at", "updated_at"]).to_owned(),
        3..=5 => format!("{section}.{}", one(rng, &KEYS)),
        _ => {
            let steps = (0..rng.usize(1..4)).map(|_| format!("/{}", json::pointer_step(one(rng, &KEYS))));
            format!("/{section}{}", steps.collect::<String>())
        }
    }
}

fn any_filter(rng: &mut Rng, levels: u8) -> String {
    let many = |rng: &mut Rng| (0..rng.usize(1..4)).map(|_| any_filter(rng, levels - 1)).collect::<Vec<_>>().join(",");
    match rng.u8(0..8) {
        0 if levels > 0 => format!("{{\"all\":[{}]}}", many(rng)),
        1 if levels > 0 => format!("{{\"any\":[{}]}}", many(rng)),
        2 | 3 if levels > 0 => format!("{{\"not\":{}}}", any_filter(rng, levels - 1)),
        _ => {
            let field = any_field(rng);
            let scalar = |rng: &mut Rng| match field.as_str() {
                "email" if rng.bool() => json::string(one(rng, &["ANN@example.com", "b@c"])),
                "phone" if rng.bool() => json::string(one(rng, &["+1 (23) 45", "+4915123456"])),
                "created_at" if rng.bool() => json::string(&Timestamp::from_ms(TIMES[rng.usize(..4)]).to_string()),
                _ => any_scalar(rng),
            };
            let test = match rng.u8(0..14) {
                0 | 1 => format!("\"eq\":{}", scalar(rng)),
                2 => format!("\"ne\":{}", scalar(rng)),
                3 => format!("\"in\":[{}]", (0..rng.usize(1..5)).map(|_| scalar(rng)).collect::<Vec<_>>().join(",")),
                4 => format!("\"exists\":{}", rng.bool()),
                5..=7 => format!("\"{}\":{}", one(rng, &["gt", "gte", "lt", "lte"]), scalar(rng)),
                8..=10 => format!("\"{}\":{}", one(rng, &["since", "before"]), json::string(one(rng, &MOMENTS))),
                11 => format!("\"starts_with\":{}", json::string(one(rng, &TEXTS))),
                12 => format!("\"contains\":{}", json::string(one(rng, &TEXTS))),
                _ => format!("\"has\":{}", any_scalar(rng)),
            };
            format!("{{\"field\":{},{test}}}", json::string(&field))
        }
    }
}

fn parse(text: &str) -> Option<Filter> {
    let mut faults = Faults::default();
    let parsed = filter::filter(&json::parse(text.as_bytes()).unwrap(), &mut faults);
    faults.finish(parsed).ok()
}

struct Stored {
    external_id: String,
    profile: String,
    created_at: u64,
}

fn any_user(rng: &mut Rng, i: usize) -> Stored {
    let mut profile = String::from("{");
    if rng.u8(0..3) > 0 {
        profile.push_str(&format!("\"email\":\"{}\",", one(rng, &EMAILS)));
    }
    if rng.bool() {
        profile.push_str(&format!("\"phone\":\"{}\",", one(rng, &PHONES)));
    }
    let [properties, origin] = [(); 2].map(|()| any_object(rng, 4));
    profile.push_str(&format!("\"properties\":{properties},\"origin\":{origin}}}"));
    let name = TEXTS[i % TEXTS.len()].replace('\0', "");
    Stored { external_id: format!("{i:03}{name}"), profile, created_at: TIMES[rng.usize(..TIMES.len())] }
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
        values ('p', ?1, ?1, ?2, 0, 0, 1, cast(?3 as integer), cast(?3 as integer))";
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
