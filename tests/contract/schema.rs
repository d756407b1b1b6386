//! What a write costs in D1, by D1's own count.

use crate::server::{State, node};

/// Runs statements on a migrated D1 and prints the rows that each has written.
const ROWS_WRITTEN: &str = r"
    const [path, ...statements] = process.argv.slice(1);
    require('wrangler').getPlatformProxy({ persist: { path: `${path}/v3` } }).then(async ({ env, dispose }) => {
        const written = [];
        for (const sql of statements) written.push((await env.DB.prepare(sql).run()).meta.rows_written);
        console.log(JSON.stringify(written));
        await dispose();
    });
";

#[test]
fn an_update_of_properties_writes_one_row_and_a_look_up_row_is_written_when_its_contact_changes() {
    let update = |patch: &str| {
        format!(
            "update users set profile = json_patch(profile, '{patch}'), property_keys = 1, origin_keys = 0,
            revision = revision + 1, updated_at = updated_at + 1"
        )
    };
    let create = r#"insert into users
        (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
        values ('p', 'u', 'usr_1', '{"email":"a@b.c","phone":"+123","properties":{},"origin":{}}', 0, 0, 1, 1, 1)"#;
    let costs = [
        (create.to_owned(), 3),
        (update(r#"{"properties":{"plan":"free"}}"#), 1),
        (update(r#"{"email":"a@b.c","phone":"+123"}"#), 1),
        (update(r#"{"email":"new@b.c"}"#), 3),
        (update(r#"{"email":null}"#), 2),
        ("delete from users".to_owned(), 2),
    ];
    let statements: Vec<&str> = costs.iter().map(|(sql, _)| sql.as_str()).collect();
    let printed = node(&State::new(), ROWS_WRITTEN, &statements);
    let written: Vec<u32> = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert_eq!(written, costs.map(|(_, rows)| rows), "{printed}");
}
