//! What the product's own statements cost in D1: rows written by D1's own count, and the plans by which they are run.

use roster::filter::{Condition, Field, Filter, Test};
use roster::store::sql::statements as sql;
use roster::store::{Question, Walk};
use roster_harness::server::{State, node};
use serde::Deserialize;
use serde_json::{Value, json};

const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Runs `[sql, values]` one after the other on a migrated D1, and prints the rows that each has written, read and answered.
const RUN: &str = r"
    const [path, statements] = process.argv.slice(1);
    require('wrangler').getPlatformProxy({ persist: { path: `${path}/v3` } }).then(async ({ env, dispose }) => {
        const counts = [];
        for (const [sql, values] of JSON.parse(statements)) {
            const { results, meta } = await env.DB.prepare(sql).bind(...values).all();
            counts.push({ written: meta.rows_written, read: meta.rows_read, answered: results });
        }
        console.log(JSON.stringify(counts));
        await dispose();
    });
";

/// What D1 counts of a statement.
#[derive(Deserialize)]
struct Counts {
    written: u32,
    read: u32,
    answered: Vec<Value>,
}

fn run(statements: &Value) -> Vec<Counts> {
    let printed = node(&State::new(), RUN, &[&statements.to_string()]);
    serde_json::from_str(printed.lines().last().unwrap()).unwrap()
}

#[test]
fn a_change_writes_its_row_and_its_place_in_the_order_and_a_look_up_row_is_written_when_its_contact_changes() {
    let key = new_key();
    let upsert = |at: u32, patch: &str| json!([sql::D1.upsert.of(false), ["hash", at, "u", "usr_1", patch]]);
    let as_of =
        |at: u32, members: &str| json!([sql::D1.upsert_as_of.of(false), ["hash", at, "u", "usr_1", members, at]]);
    let once = |at: u32, members: &str| json!([sql::D1.upsert.of(true), ["hash", at, "u", "usr_1", "{}", members]]);
    let delete = json!([sql::D1.delete_user, ["hash", 9, "u"]]);
    let statements = json!([
        key,
        upsert(1, r#"{"email":"a@b.c","phone":"+123"}"#),
        upsert(2, r#"{"properties":{"plan":"free"}}"#),
        upsert(3, r#"{"properties":{"plan":"free"}}"#),
        upsert(4, r#"{"email":"a@b.c","phone":"+123"}"#),
        upsert(5, r#"{"email":"new@b.c"}"#),
        upsert(6, r#"{"email":null}"#),
        as_of(7, r#"[["p/plan","free"],["email","a@b.c"]]"#),
        as_of(6, r#"[["p/plan","late"]]"#),
        delete,
        upsert(10, "{}"),
        delete,
        upsert(11, r#"{"email":"a@b.c"}"#),
        once(12, r#"[["origin",{"campaign":"spring"}],["email","other@b.c"]]"#),
        once(13, r#"[["origin",{"campaign":"autumn"}]]"#),
        json!([sql::D1.delete_users, ["hash", 14, r#"["u","nobody"]"#]]),
    ]);
    let counts: Vec<Counts> = run(&statements).into_iter().skip(1).collect();
    let written: Vec<u32> = counts.iter().map(|counts| counts.written).collect();
    // A property changes, and the same body comes again: of each, one row is the project's.
    let [property, again] = [1, 2].map(|at| counts[at].read);
    assert_eq!([property, again], reads_without_a_project().map(|read| read + 1));
    assert_operations_say(&format!("| row read, about | $0.001 | {property} |"));
    assert_operations_say(&format!("| row read: the same body again | $0.001 | {again} |"));
    assert_eq!(written, [4, 2, 1, 1, 4, 3, 3, 1, 4, 2, 2, 3, 2, 1, 3]);
    let [property, again, first, second] = [1, 2, 12, 13].map(|at| written[at]);
    assert_eq!((first, second), (property, again), "what is set once writes the same rows");
    for (what, at) in [
        ("a property changes", 1),
        ("the same body again", 2),
        ("another e-mail or phone", 4),
        ("a new user with neither e-mail nor phone", 9),
        ("a new user with one of them", 11),
        ("a new user with both", 0),
        ("a deletion of a user with neither e-mail nor phone", 10),
        ("a deletion of a user with both", 8),
    ] {
        assert_operations_say(&format!("| row written: {what} | $1.00 | {} |", written[at]));
    }
}

/// Rows that an upsert reads that changes a property, and the same again, if it does not look where the project is.
fn reads_without_a_project() -> [u32; 2] {
    let fenced = sql::D1.upsert.of(false);
    let unfenced = fenced
        .replace("api_keys cross join projects on projects.name = project", "(select *, 0 as floor from api_keys)")
        .replace("phase = 'copying' as leaving", "0 as leaving")
        .replace(" and storage = 'd1' and phase <> 'switching'", "");
    assert!(!unfenced.contains("projects") && !unfenced.contains("phase"), "{unfenced}");
    let upsert = |at: u32, patch: &str| json!([unfenced, ["hash", at, "u", "usr_1", patch]]);
    let patches = [r#"{"email":"a@b.c","phone":"+123"}"#, r#"{"properties":{"plan":"free"}}"#];
    let counts = run(&json!([new_key(), upsert(1, patches[0]), upsert(2, patches[1]), upsert(3, patches[1])]));
    [2, 3].map(|at| counts[at].read)
}

fn new_key() -> Value {
    json!([sql::CREATE_KEY, ["key_1", "hash", "ros_0000", "ci", "p", "users:write", 1, null]])
}

#[track_caller]
fn assert_operations_say(words: &str) {
    assert!(OPERATIONS.contains(words), "docs/operations.md lacks: {words}");
}

#[test]
fn a_deletion_is_kept_for_30_days_and_forgotten_by_later_ones() {
    const DAY_MS: u64 = 86_400_000;
    let upsert = |id: &str| json!([sql::D1.upsert.of(false), ["hash", DAY_MS, id, format!("usr_{id}"), "{}"]]);
    let delete = |at: u64, id: &str| json!([sql::D1.delete_user, ["hash", at, id]]);
    let old: Vec<String> = (0..12).map(|n| format!("old{n}")).collect();
    let mut statements = vec![new_key(), upsert("a"), upsert("b"), upsert("c")];
    statements.extend(old.iter().map(|id| upsert(id)));
    statements.extend(old.iter().map(|id| delete(DAY_MS, id)));
    let deletions = [("a", 30), ("b", 32), ("c", 32)].map(|(id, day)| delete(day * DAY_MS, id));
    statements.extend(deletions);
    let counts = run(&json!(statements));
    let written: Vec<u32> = counts[counts.len() - 3..].iter().map(|counts| counts.written).collect();
    // The row, its place, and what was forgotten up to there.
    assert_eq!(written, [2, 2 + 3 * 10, 2 + 3 * 2]);
    assert_operations_say("Another 3 rows are written when it is forgotten");
}

#[test]
fn a_follower_reads_what_it_is_shown_and_a_list_one_row_for_each_deleted_user_between() {
    let (users, gone) = (60, 20);
    let fill = "insert into users (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
        select 'p', format('u%02d', value), 'usr_' || value, '{\"properties\":{},\"origin\":{}}', 0, 0, value, 1, 1
        from json_each(?1)";
    let numbers: Vec<u32> = (1..=users).collect();
    let mut statements = vec![new_key(), json!([fill, [json!(numbers).to_string()]])];
    let list = json!([sql::D1.list_users, ["hash", 100, 11, null, null, "", 1 << 20]]);
    statements.push(list.clone());
    statements.extend((1..=gone).map(|n| json!([sql::D1.delete_user, ["hash", 100, format!("u{n:02}")]])));
    statements.push(list);
    let page = |behind: u64, limit: u32| {
        let end = json!([sql::D1.changes_end, ["hash", 200]]);
        [end, json!([sql::D1.changes, ["hash", 200, behind, limit + 1, 1 << 20]])]
    };
    let pages = [(1 << 50, 1000), (0, 10), (0, 20), (0, 1000)];
    statements.extend(pages.iter().flat_map(|(behind, limit)| page(*behind, *limit)));
    let counts = run(&json!(statements));
    let (before, pages) = counts.split_at(counts.len() - 2 * pages.len());
    let pages: Vec<_> = pages.chunks(2).map(|pair| (pair[0].read + pair[1].read, pair[1].answered.len())).collect();
    let [at_the_end, some @ ..] = &*pages else { panic!("no page") };
    assert_eq!(*at_the_end, (15, 0));
    assert_eq!(some.iter().map(|(_, shown)| *shown).collect::<Vec<_>>(), [11, 21, 60]);
    assert!(some.iter().all(|(read, shown)| usize::try_from(*read).unwrap() <= 15 + 9 * shown), "{some:?}");
    assert_operations_say("A follower's call reads 15 rows, and up to 9 more for each change on its page");
    let [before_deletions, after] = [&before[2], &before[before.len() - 1]];
    assert_eq!((before_deletions.answered.len(), after.answered.len()), (11, 11));
    assert_eq!(after.read, before_deletions.read + gone, "a row for each deleted user that is passed");
}

#[test]
fn to_look_up_a_key_reads_no_more_where_there_are_no_webhooks() {
    let find = json!([sql::FIND_KEY, ["hash"]]);
    let create = |n: u32| json!([sql::CREATE_WEBHOOK, ["p", format!("whk_{n}"), null, 1, 10]]);
    let counts = run(&json!([new_key(), find, create(1), create(2), find]));
    assert_eq!(counts[1].answered[0]["webhooks"], Value::Null);
    assert_eq!(counts[1].read, 2, "the key, and its project");
    assert_eq!(counts[4].answered[0]["webhooks"], "whk_1 ,whk_2 ");
    assert!(counts[4].read <= 2 + 2 * 2, "{}", counts[4].read);
}

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let field = Field::parse("/properties/tags/0").unwrap();
    let filter = Condition { field: field.clone(), test: Test::Exists(true) };
    let filter = Some(Filter::Condition(filter));
    let questions = [Question::Users, Question::Count(Some(&field)), Question::Properties];
    let walks = questions.map(|question| sql::walk_of_d1(&Walk { filter: filter.as_ref(), question }).sql);
    let fixed = [
        sql::PING,
        sql::FIND_KEY,
        sql::FIND_KEY_BY_ID,
        sql::ADD_PROJECT,
        sql::FIND_PROJECT,
        sql::CREATE_WEBHOOK,
        sql::FIND_WEBHOOK,
        sql::DELETE_WEBHOOK,
        sql::FIND_MOVE,
        sql::SAVE_MOVE,
        sql::SETTLE_PROJECT,
        sql::REVOKED_KEYS,
        &sql::MOVE_IN_D1.rows,
        &sql::MOVE_IN_D1.end,
        &sql::MOVE_IN_D1.adopt,
        &sql::MOVE_IN_D1.digest,
        &sql::MOVE_IN_D1.forget,
        &sql::MOVE_IN_D1.empty[0],
        &sql::MOVE_IN_D1.empty[1],
        &sql::MOVE_IN_D1.empty[2],
        &sql::MOVE_IN_D1.empty[3],
        sql::LIST_KEYS,
        sql::CREATE_KEY,
        sql::REVOKE_KEY,
        sql::TOUCH_KEY,
        sql::D1.upsert.of(false),
        sql::D1.upsert.of(true),
        sql::D1.upsert_as_of.of(false),
        sql::D1.upsert_as_of.of(true),
        &sql::D1.upsert_batch,
        &sql::D1.reject_batch,
        &sql::D1.find_user,
        &sql::D1.find_caller,
        &sql::D1.delete_user,
        sql::D1.update_if.of(false),
        sql::D1.update_if.of(true),
        sql::D1.update_as_of_if.of(false),
        sql::D1.update_as_of_if.of(true),
        &sql::D1.delete_users,
        &sql::D1.delete_user_if,
        &sql::D1.find_current,
        &sql::D1.list_users,
        &sql::D1.list_users_by_contact,
        &sql::D1.changes,
        &sql::D1.changes_end,
        &sql::D1.find_users,
        &sql::OWN.changes,
        &sql::OWN.changes_end,
        &sql::OWN.states,
        &walks[0],
        &walks[1],
        &walks[2],
    ];
    let values = |sql: &str| {
        let parameters = (1..=9).filter(|n| sql.contains(&format!("?{n}"))).max().unwrap_or(0);
        vec!["[]"; parameters]
    };
    let explain: Vec<Value> =
        fixed.iter().map(|sql| json!([format!("explain query plan {sql}"), values(sql)])).collect();
    for (sql, counts) in fixed.iter().zip(run(&json!(explain))) {
        for step in counts.answered {
            let step = step["detail"].as_str().unwrap();
            let table = ["users", "contacts", "changes", "forgotten", "api_keys", "projects", "moves", "webhooks"]
                .into_iter()
                .find(|table| step.contains(&format!(" {table}")));
            assert!(table.is_none() || step.contains(" USING "), "{step} in {sql}");
        }
    }
}
