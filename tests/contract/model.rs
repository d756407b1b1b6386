//! The core's model of the merge against the product's own statements on real SQLite, byte for byte.

use fastrand::Rng;
use roster::bounds::MAX_NESTING;
use roster::json::merge::merge;
use roster::json::{self, Object, Value};
use roster::store::sql::statements as sql;
use roster::time::Timestamp;
use roster::user::{Change, NewUser};
use roster_harness::server::{State, node};
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeMap;

type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

const PAIRS: usize = 10_000;
/// Of these, every so many-th is stored by itself too: that takes milliseconds.
const SINGLE: usize = 40;
/// Users in one statement, far below the bytes that D1 takes.
const BATCH: usize = 200;

const EMPTY: &str = r#"{"properties":{},"origin":{}}"#;

const KEYS: [&str; 36] = [
    "a",
    "b",
    "c",
    "A",
    "aa",
    "0",
    " ",
    "__proto__",
    "constructor",
    "$",
    "$.a",
    "a.b",
    "[0]",
    "#-1",
    "*",
    "\"",
    "\"a\"",
    "\\",
    "\\u0061",
    "/",
    "'",
    "\n",
    "\u{1f}",
    "\u{7f}",
    "é",
    "e\u{301}",
    "😀",
    "\u{2028}",
    "\n\n",
    "\"\n",
    "é\n",
    "😀\"",
    "\u{fffd}\n",
    "\u{fffe}\n",
    "\u{ffff}\n",
    "\u{10ffff}\\",
];

const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "0.0",
    "-0.0",
    "1",
    "1.10",
    "1.100",
    "1E+2",
    "1e400",
    "-1e-400",
    "9007199254740993",
    "9223372036854775808",
    "12345678901234567890123",
    "0.1000000000000000055511151231257827",
];

/// Runs the statements of a file, then prints every user's id and profile as a line of JSON.
const RUN: &str = r"
    const [path, file] = process.argv.slice(1);
    const statements = JSON.parse(require('fs').readFileSync(file));
    require('wrangler').getPlatformProxy({ persist: { path: `${path}/v3` } }).then(async ({ env, dispose }) => {
        while (statements.length > 0) {
            const some = statements.splice(0, 500);
            await env.DB.batch(some.map(([sql, values]) => env.DB.prepare(sql).bind(...values)));
        }
        for (let page = 0, rows = [0]; rows.length > 0; page++) {
            const select = 'select external_id, profile from users order by project, external_id limit 1000 offset ?';
            rows = await env.DB.prepare(select).bind(page * 1000).raw();
            rows.forEach(row => console.log(JSON.stringify(row)));
        }
        await dispose();
    });
";

#[test]
fn the_model_merges_as_sqlite_does() {
    let seed = std::env::var("SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let mut rng = Rng::with_seed(seed);
    let pairs: Vec<[NewUser; 2]> = (0..PAIRS).map(|n| any_pair(&mut rng, &format!("u{n}"))).collect();
    let stored = stored(&pairs);
    let mut changed = 0;
    for [first, second] in &pairs {
        let document = merge(parsed(EMPTY), parsed(patch_of(first)));
        let merged = merge(document.clone(), parsed(patch_of(second)));
        changed += usize::from(merged != document);
        let (first_patch, second_patch) = (patch_of(first), patch_of(second));
        let theirs = &stored[first.external_id.as_str()];
        assert!(!theirs.is_empty());
        for profile in theirs {
            assert_eq!(*profile, merged.to_string(), "SEED={seed}: {first_patch} and then {second_patch}");
        }
    }
    assert!(changed > PAIRS / 2, "{changed} patches of {PAIRS} changed anything");
}

/// The profiles of each id, after its pair was upserted in batches, and in another project by itself.
fn stored(pairs: &[[NewUser; 2]]) -> BTreeMap<String, Vec<String>> {
    let key = |project: &str| {
        json!([sql::CREATE_KEY, [format!("key_{project}"), project, "ros_0000", "ci", project, "users:write", 1, null]])
    };
    let mut statements = vec![key("single"), key("batched")];
    for user in pairs.iter().step_by(SINGLE).flatten() {
        let (id, patch) = (user.external_id.as_str(), patch_of(user));
        statements.push(json!([sql::D1.upsert.of(false), ["single", 1, id, "usr_1", patch]]));
    }
    for pairs in pairs.chunks(BATCH) {
        for turn in [0, 1] {
            let given = |pair: &[NewUser; 2]| {
                let id = serde_json::to_string(pair[turn].external_id.as_str()).unwrap();
                format!("[{id},\"usr_1\",{}]", patch_of(&pair[turn]))
            };
            let given: Vec<String> = pairs.iter().map(given).collect();
            statements.push(json!([sql::D1.upsert_batch, ["batched", 1, format!("[{}]", given.join(","))]]));
        }
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    serde_json::to_writer(&file, &statements).unwrap();
    let printed = node(&State::new(), RUN, &[file.path().to_str().unwrap()]);
    let mut profiles = BTreeMap::<_, Vec<_>>::new();
    for (id, profile) in printed.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        profiles.entry(id).or_default().push(profile);
    }
    profiles
}

fn parsed(text: &str) -> Value<'_> {
    json::parse(text.as_bytes()).unwrap()
}

fn patch_of(user: &NewUser) -> &str {
    match &user.change {
        Change::Merge(patch) => patch.as_str(),
        Change::Set { .. } => panic!("no body here has as_of"),
    }
}

/// A user's first body and a second one, as the product reads them.
fn any_pair(rng: &mut Rng, id: &str) -> [NewUser; 2] {
    let first = any_body(rng);
    let second = if rng.bool() { any_body(rng) } else { any_change(rng, &first, 0) };
    [first, second].map(|mut body| {
        body.retain(|(name, value)| match value {
            Value::Object(_) => true,
            _ => ["email", "phone"].contains(&name.as_ref()),
        });
        body.push(("user_id".into(), Value::String(id.to_owned().into())));
        let text = Object { members: body }.to_string();
        NewUser::parse(&json::parse_object(text.as_bytes()).unwrap(), Timestamp::from_ms(0))
            .unwrap_or_else(|faults| panic!("{faults:?}: {text}"))
    })
}

fn any_body(rng: &mut Rng) -> Members<'static> {
    let mut body = Members::new();
    for (name, contacts) in [("email", ["a@b.c", "d@e.f"]), ("phone", ["+123", "+456"])] {
        match rng.u8(0..4) {
            0 => body.push((name.into(), Value::Null)),
            1 => body.push((name.into(), Value::String(contacts[rng.usize(0..2)].into()))),
            _ => {}
        }
    }
    for name in ["properties", "origin"] {
        if rng.u8(0..8) > 0 {
            body.push((name.into(), object(any_members(rng, 0))));
        }
    }
    rng.shuffle(&mut body);
    body
}

fn object(members: Members<'static>) -> Value<'static> {
    Value::Object(Object { members })
}

/// `level` counts the objects and arrays around it, less the first.
fn any_members(rng: &mut Rng, level: usize) -> Members<'static> {
    let mut keys = KEYS;
    rng.shuffle(&mut keys);
    let count = rng.usize(0..5);
    let mut members: Members = keys.into_iter().take(count).map(|key| (key.into(), any_value(rng, level))).collect();
    if rng.u8(0..50) == 0 {
        members.push(("é".repeat(128).into(), any_value(rng, level)));
    }
    members
}

fn any_value(rng: &mut Rng, level: usize) -> Value<'static> {
    match rng.u8(0..if level < MAX_NESTING { 12 } else { 6 }) {
        0 | 1 => Value::Null,
        2 => Value::Bool(rng.bool()),
        3 | 4 => Value::Number(NUMBERS[rng.usize(..NUMBERS.len())]),
        5 => {
            let part = if rng.u8(0..8) == 0 { "a\u{0}" } else { KEYS[rng.usize(..KEYS.len())] };
            Value::String(part.repeat(rng.usize(0..20)).into())
        }
        6 | 7 => {
            let items = rng.usize(0..4);
            Value::Array((0..items).map(|_| any_value(rng, level + 1)).collect())
        }
        _ => object(any_members(rng, level + 1)),
    }
}

/// A patch that meets what the document has, at any depth.
fn any_change(rng: &mut Rng, document: &Members<'static>, level: usize) -> Members<'static> {
    let mut patch = Members::new();
    for (name, value) in document {
        let change = match (rng.u8(0..6), value) {
            (0 | 1, _) => continue,
            (2, _) => value.clone(),
            (3.., Value::Object(known)) => object(any_change(rng, &known.members, level + 1)),
            (3, _) => Value::Null,
            _ if level == 0 => value.clone(),
            _ => any_value(rng, level - 1),
        };
        patch.push((name.clone(), change));
    }
    if level > 0 && rng.bool() {
        let known = |name: &str| document.iter().any(|(known, _)| known == name);
        patch.extend(any_members(rng, level - 1).into_iter().filter(|(name, _)| !known(name)));
    }
    rng.shuffle(&mut patch);
    patch
}
