//! `roster keys`.

use crate::fake::server_that_answers;
use crate::tool::Tool;
use roster_harness::ADMIN_TOKEN;
use serde_json::Value;

#[test]
fn a_key_is_made_used_listed_and_revoked() {
    let tool = Tool::new();
    let project = &tool.project.name;
    let made = tool.run(0, &format!("keys create ci --project {project} --scope users:read --scope users:write"));
    let key = made.says("made: it has users:read users:write, never ends").stdout.trim_end();
    assert!(made.stdout.ends_with('\n') && !made.stderr.contains(key), "{}", made.stderr);
    tool.run(0, &format!("export --key {key}"));

    let listed = tool.run(0, "keys list").stdout;
    let line = listed.lines().find(|line| line.contains(&key[..8])).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let id = words[0];
    assert!(listed.starts_with("KEY_ID ") && made.stderr.contains(id) && !listed.contains(key), "{listed}");
    assert_eq!((words[2], words[3], words.last()), (project.as_str(), "never", Some(&"ci")));
    let json: Vec<Value> = serde_json::from_str(&tool.run(0, "keys list --json").stdout).unwrap();
    assert!(json.iter().any(|key| key["key_id"] == id && key["scopes"][1] == "users:write"));

    tool.run(0, &format!("keys revoke {id}")).says(&format!("{id} revoked"));
    tool.run(0, &format!("keys revoke {id}"));
    tool.run(1, &format!("export --key {key}")).says("401 REVOKED_API_KEY");
    assert!(tool.run(0, "keys list").stdout.lines().any(|line| line.contains(id) && line.contains("revoked 2")));
}

#[test]
fn a_key_can_end() {
    let tool = Tool::new();
    let project = &tool.project.name;
    tool.run(0, &format!("keys create ci --project {project} --expires-at 2099-01-01T00:00:00Z"))
        .says("ends at 2099-01-01");
    tool.run(1, "keys create ci --expires-at soon").says("400 INVALID_VALUE: ");
}

#[test]
fn a_project_has_its_own_list_of_keys() {
    let (tool, other) = (Tool::new(), Tool::new());
    let listed = tool.run(0, &format!("keys list --project {}", tool.project.name)).stdout;
    assert!(listed.contains(&tool.project.key[..8]) && !listed.contains(&other.project.key[..8]), "{listed}");
    assert_eq!(listed.lines().count(), 2);
}

#[test]
fn what_is_wrong_is_told_without_a_secret() {
    let tool = Tool::new();
    let (key, secret) = (tool.project.key.clone(), "nobodys-admin-token");
    for (expected, line, message) in [
        (2, format!("keys revoke {key}"), "not the id of a key, which begins with key_"),
        (2, "keys revoke key_../users".into(), "not the id of a key"),
        (1, "keys revoke key_0".into(), "404 KEY_NOT_FOUND"),
        (2, "keys list --project A".into(), "Must be 1 to 64 characters"),
        (1, "keys create ci --scope root".into(), "400 INVALID_VALUE: "),
        (1, format!("keys list --admin-token {secret}"), "401 "),
        (2, "keys list --admin-token é".into(), "visible ASCII"),
        (0, "keys list --help".into(), ""),
    ] {
        let told = tool.run(expected, &line);
        let said = format!("{}{}", told.stdout, told.says(message).stderr);
        for secret in [key.as_str(), secret, ADMIN_TOKEN] {
            assert!(!said.contains(secret), "{said}");
        }
        assert!(!said.contains("without /v1"), "{said}");
    }
    let output = tool.command("keys list").env_remove("ROSTER_ADMIN_TOKEN").output().unwrap();
    crate::tool::Told::new(2, &output).says("set ROSTER_ADMIN_TOKEN");
}

#[test]
fn a_key_is_not_made_twice() {
    let tool = Tool::new();
    let url = server_that_answers("503 Service Unavailable", r#"{"code":"SERVICE_UNAVAILABLE","message":"Away"}"#);
    let told = tool.run(1, &format!("keys create ci --url {url}"));
    told.says("503 SERVICE_UNAVAILABLE: Away; `roster keys list` tells if the key was made");
    assert!(!told.stderr.contains("trying again"), "{}", told.stderr);
}
