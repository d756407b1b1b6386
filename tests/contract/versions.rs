//! What another version of Roster stored.

use roster::key::ApiKey;
use roster_harness::server::{Server, State, run_sql};
use roster_harness::{ADMIN_TOKEN, Client, Transport};
use serde_json::{Value, json};

#[test]
fn a_key_with_a_scope_of_another_version_grants_only_what_is_known_here() {
    let state = State::new();
    let known = ApiKey::generate(|bytes| bytes.fill_with(|| fastrand::u8(..)));
    let insert = format!(
        "insert into api_keys (id, hash, prefix, name, project, scopes, created_at)
         values ('key_1', '{}', '{}', 'later', 'p', 'users:read users:fly', 1)",
        known.hash().to_hex(),
        known.prefix()
    );
    run_sql(&state, &insert);
    let server = Server::start(&state, &[("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let listed = server.admin(200, "GET", "/v1/keys", &Value::Null).json();
    assert_eq!(listed["keys"][0]["scopes"], json!(["users:read"]));
    let bearer = format!("Bearer {}", known.reveal());
    assert_eq!(server.call("GET", "/v1/users", &[("Authorization", &bearer)], "").status, 200);
    assert_eq!(server.call("POST", "/v1/users", &[("Authorization", &bearer)], "{}").status, 403);
    // The key came as an earlier version makes one, and its project with it.
    let projects = server.admin(200, "GET", "/v1/projects", &Value::Null).json()["projects"].clone();
    assert_eq!(projects, json!([{"name": "p", "storage": {"kind": "d1"}, "created_at": "1970-01-01T00:00:00.001Z"}]));
}

#[test]
fn a_d1_without_tables_is_told_with_the_command_that_makes_them() {
    let server = Server::start(&State::empty(), &[("ADMIN_TOKEN", ADMIN_TOKEN)]);
    assert_eq!(server.call("GET", "/health", &[], "").status, 200);
    let ready = server.call("GET", "/health/ready", &[], "");
    let created = server.admin(500, "POST", "/v1/keys", &json!({"name": "test"}));
    assert_eq!((ready.status, created.code().as_str()), (503, "INTERNAL_ERROR"));
    for answer in [ready, created] {
        let line = server.log_line(answer.header("x-request-id"));
        let cause = line["cause"].as_str().unwrap();
        for told in ["no such table: ", "wrangler d1 migrations apply roster --local, or --remote"] {
            assert!(cause.contains(told), "{line}");
        }
        assert!(!answer.text.contains("table"), "{}", answer.text);
    }
}
