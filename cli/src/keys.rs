//! `roster keys`: manages API keys with the admin token.

use crate::admin::{self, parse};
use crate::args::{CreateKeyArgs, KeysCommand, ListKeysArgs, RevokeKeyArgs};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ureq::http::Method;

pub fn run(command: &KeysCommand, interrupt: &Interrupt) -> Result<(), CliError> {
    match command {
        KeysCommand::Create(args) => create(args, interrupt),
        KeysCommand::List(args) => list(args, interrupt),
        KeysCommand::Revoke(args) => revoke(args, interrupt),
    }
}

#[derive(Serialize)]
struct NewKeyOut<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<&'a str>,
}

#[derive(Deserialize)]
struct CreatedIn {
    key_id: String,
    key: String,
    project: String,
    scopes: Vec<String>,
    expires_at: Option<String>,
}

/// Writes only the key to the standard output, so that a script can capture it.
fn create(args: &CreateKeyArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let (project, expires_at) = (args.project.as_deref(), args.expires_at.as_deref());
    let body = NewKeyOut { name: &args.name, project, scopes: &args.scopes, expires_at };
    let body = admin::to_json(&body)?;
    let response =
        admin::call(&args.admin, interrupt, |client| client.post_once("/v1/keys", Some(&body))).map_err(|error| {
            match error {
                CliError::Failed(cause) => {
                    CliError::Failed(format!("{cause}; `roster keys list` tells if the key was made"))
                }
                error => error,
            }
        })?;
    let CreatedIn { key_id, key, project, scopes, expires_at } = parse(&response)?;
    let expiry = expires_at.map_or("never ends".into(), |at| format!("ends at {at}"));
    eprintln!(
        "roster: {key_id} of project {project} made: it has {}, {expiry}, and is shown only now",
        scopes.join(" ")
    );
    println!("{key}");
    Ok(())
}

#[derive(Deserialize)]
struct ListIn<'a> {
    #[serde(borrow)]
    keys: &'a RawValue,
}

#[derive(Deserialize)]
struct KeyIn {
    key_id: String,
    name: String,
    project: String,
    prefix: String,
    scopes: Vec<String>,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
}

fn list(args: &ListKeysArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let query = args.project.as_ref().map_or(String::new(), |project| format!("?project={}", project.as_str()));
    let response =
        admin::call(&args.admin, interrupt, |client| client.call(&Method::GET, &format!("/v1/keys{query}")))?;
    let ListIn { keys } = parse(&response)?;
    if args.json {
        println!("{keys}");
    } else {
        print!("{}", table(&parse::<Vec<KeyIn>>(keys.get())?));
    }
    Ok(())
}

fn revoke(args: &RevokeKeyArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let id = args.id()?;
    admin::call(&args.admin, interrupt, |client| client.call(&Method::DELETE, &format!("/v1/keys/{id}")))?;
    eprintln!("roster: {id} revoked");
    Ok(())
}

/// One line per key. The name comes last, because it can be long.
fn table(keys: &[KeyIn]) -> String {
    let mut rows = vec![["KEY_ID", "KEY", "PROJECT", "ENDS", "LAST USED", "SCOPES", "NAME"].map(String::from)];
    rows.extend(keys.iter().map(|key| {
        let ends = match (&key.revoked_at, &key.expires_at) {
            (Some(at), _) => format!("revoked {}", day(at)),
            (None, Some(at)) => day(at).into(),
            (None, None) => "never".into(),
        };
        let last_used = key.last_used_at.as_deref().map_or("never", day).into();
        let prefix = format!("{}…", key.prefix);
        [key.key_id.clone(), prefix, key.project.clone(), ends, last_used, key.scopes.join(" "), key.name.clone()]
    }));
    admin::table(&rows)
}

/// The date of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_one_line_per_key() {
        let keys = r#"[
            {"key_id":"key_1","name":"the phone ☎","project":"default","prefix":"ros_AbCd","scopes":["users:read"],
             "created_at":"2026-01-01T00:00:00.000Z","expires_at":null,"revoked_at":null,"last_used_at":null},
            {"key_id":"key_23","name":"ci","project":"b","prefix":"ros_EfGh","scopes":["users:write","users:read"],"created_at":"",
             "expires_at":"2027-01-01T00:00:00.000Z","revoked_at":"2026-02-03T04:05:06.789Z","last_used_at":"2026-02-01T00:00:00.000Z"},
            {"key_id":"key_4","name":"x","project":"b","prefix":"ros_IjKl","scopes":[],"created_at":"",
             "expires_at":"2027-01-01T00:00:00.000Z","revoked_at":null,"last_used_at":null}]"#;
        assert_eq!(
            table(&parse::<Vec<KeyIn>>(keys).unwrap()),
            "\
KEY_ID  KEY        PROJECT  ENDS                LAST USED   SCOPES                  NAME
key_1   ros_AbCd…  default  never               never       users:read              the phone ☎
key_23  ros_EfGh…  b        revoked 2026-02-03  2026-02-01  users:write users:read  ci
key_4   ros_IjKl…  b        2027-01-01          never                               x
"
        );
    }
}
