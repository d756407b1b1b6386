//! What the product's own statements cost in D1: rows written by D1's own count, and the plans by which they are run.

use roster::store::sql::statements as sql;
use roster_harness::server::{State, node};
use serde_json::{Value, json};

const OPERATIONS: &str = include_str!("../../docs/operations.md");

/// Runs `[sql, values]` one after the other on a migrated D1, and prints the rows that each has written and answered.
const RUN: &str = r"
    const [path, statements] = process.argv.slice(1);
    require('wrangler').getPlatformProxy({ persist: { path: `${path}/v3` } }).then(async ({ env, dispose }) => {
        const told = [];
        for (const [sql, values] of JSON.parse(statements)) {
            const { results, meta } = await env.DB.prepare(sql).bind(...values).all();
            told.push([meta.rows_written, results]);
        }
        console.log(JSON.stringify(told));
        await dispose();
    });
";

fn run(statements: &Value) -> Vec<(u32, Value)> {
    let printed = node(&State::new(), RUN, &[&statements.to_string()]);
    serde_json::from_str(printed.lines().last().unwrap()).unwrap()
}

#[test]
fn a_change_writes_its_row_and_its_place_in_the_order_and_a_look_up_row_is_written_when_its_contact_changes() {
    let key = json!([sql::CREATE_KEY, ["key_1", "hash", "ros_0000", "ci", "p", "users:write", 1, null]]);
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
    let written: Vec<u32> = run(&statements).into_iter().skip(1).map(|(written, _)| written).collect();
    assert_eq!(written, [4, 2, 1, 1, 4, 3, 3, 1, 4, 2, 2, 3, 2, 1, 3]);
    for (what, at) in [
        ("a property changes", 1),
        ("the same body again", 2),
        ("another e-mail or phone", 4),
        ("a new user with neither e-mail nor phone", 9),
        ("a new user with one of them", 11),
        ("a new user with both", 0),
    ] {
        let row = format!("| row written: {what} | $1.00 | {} |", written[at]);
        assert!(OPERATIONS.contains(&row), "docs/operations.md lacks: {row}");
    }
}

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let fixed = [
        sql::PING,
        sql::FIND_KEY,
        sql::FIND_KEY_BY_ID,
        sql::ADD_PROJECT,
        sql::FIND_PROJECT,
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
        &sql::D1.find_revision,
        &sql::D1.list_users,
        &sql::D1.list_users_by_contact,
        &sql::D1.changes,
        &sql::D1.changes_end,
    ];
    let values = |sql: &str| {
        let parameters = (1..=9).filter(|n| sql.contains(&format!("?{n}"))).max().unwrap_or(0);
        vec!["[]"; parameters]
    };
    let explain: Vec<Value> =
        fixed.iter().map(|sql| json!([format!("explain query plan {sql}"), values(sql)])).collect();
    for (sql, (_, plan)) in fixed.iter().zip(run(&json!(explain))) {
        for step in plan.as_array().unwrap() {
            let step = step["detail"].as_str().unwrap();
            let table = ["users", "contacts", "changes", "forgotten", "api_keys"]
                .into_iter()
                .find(|table| step.contains(&format!(" {table}")));
            assert!(table.is_none() || step.contains(" USING "), "{step} in {sql}");
        }
    }
}
