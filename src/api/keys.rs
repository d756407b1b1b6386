//! `/v1/keys`: API keys, managed by the admin. `/v1/key`: the one that asks.

use super::admin::require_admin;
use super::admission::take_token;
use super::auth::{authenticate, read_key};
use super::error::ApiError;
use super::http::{Call, Reply};
use super::platform::{Cx, Platform};
use super::read;
use crate::bounds::MAX_KEY_NAME_CHARS;
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::input::{percent, query};
use crate::json::{Object, Value};
use crate::key::{ApiKey, KeyRecord, Project, Scope};
use crate::placement::Residence;
use crate::rate_limit::Policy;
use crate::store::{ControlStore, RevokedKey, UserStore};
use crate::time::Timestamp;
use serde::Serialize;

/// The body of `POST /v1/keys`.
#[derive(Debug, PartialEq, Eq)]
struct NewKey {
    name: String,
    project: Project,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
}

impl NewKey {
    fn parse(body: &Object, now: Timestamp) -> Result<Self, FaultList> {
        let mut faults = Faults::default();
        let mut fields = Fields::new(body, &mut faults);
        let name = fields.required("name", |value, faults| {
            let name = faults.string(value)?;
            let fits = (1..=MAX_KEY_NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
            if !fits {
                faults.invalid(format!(
                    "Must have 1 to {MAX_KEY_NAME_CHARS} characters, none of them a control character"
                ));
            }
            Some(name.to_owned())
        });
        let project = fields.optional("project", project);
        let scopes = fields.optional("scopes", scopes);
        let expires_at = fields.optional("expires_at", |value, faults| match value {
            Value::Null => None,
            value => {
                let text = faults.string(value)?;
                let at = faults.parsed(text.parse::<Timestamp>());
                if at.is_some_and(|at| at <= now) {
                    faults.invalid("Must be in the future");
                }
                at
            }
        });
        fields.deny_unknown();
        let new_key = name.map(|name| NewKey {
            name,
            project: project.unwrap_or_default(),
            scopes: scopes.unwrap_or_else(|| Scope::DEFAULT.into()),
            expires_at,
        });
        faults.finish(new_key)
    }
}

fn project(value: &Value, faults: &mut Faults) -> Option<Project> {
    let text = faults.string(value)?;
    faults.parsed(text.parse())
}

fn scopes(value: &Value, faults: &mut Faults) -> Option<Vec<Scope>> {
    let Value::Array(items) = value else {
        return faults.wrong_type("array", value);
    };
    if items.is_empty() {
        faults.invalid("Must name at least one scope");
    }
    let mut scopes = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let scope = faults.within(i.to_string(), |faults| {
            let text = faults.string(item)?;
            faults.parsed(text.parse::<Scope>())
        });
        scopes.extend(scope.filter(|scope| !scopes.contains(scope)));
    }
    Some(scopes)
}

#[derive(Serialize)]
struct CreatedOut<'a> {
    success: bool,
    key_id: &'a str,
    key: &'a str,
    project: &'a Project,
    scopes: &'a [Scope],
    expires_at: Option<Timestamp>,
    message: &'static str,
}

/// `POST /v1/keys`: makes a key and shows it, this once.
pub async fn create<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let NewKey { name, project, scopes, expires_at } = read::object(cx, |body| NewKey::parse(body, cx.now())).await?;
    let key = ApiKey::generate(|bytes| cx.platform.fill_random(bytes));
    let record = KeyRecord {
        id: cx.new_id("key_"),
        name,
        project,
        // Applies if the key is its project's first.
        residence: Residence::new(cx.platform.settings().storage),
        webhooks: Vec::new(),
        prefix: key.prefix().to_owned(),
        scopes,
        created_at: cx.now(),
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    cx.wait(cx.platform.control().create_key(&record, &key.hash())).await?;
    let out = CreatedOut {
        success: true,
        key_id: &record.id,
        key: key.reveal(),
        project: &record.project,
        scopes: &record.scopes,
        expires_at,
        message: "API key created; it is shown only once",
    };
    Ok(Reply::json(201, &out))
}

#[derive(Serialize)]
struct ListOut {
    success: bool,
    keys: Vec<KeyRecord>,
}

/// `GET /v1/keys`: all keys, or those of one project, none of them in the clear.
pub async fn list<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    let project = project_to_list(cx.call).map_err(ApiError::Faults)?;
    let keys = cx.wait(cx.platform.control().list_keys(project.as_ref())).await?;
    Ok(Reply::json(200, &ListOut { success: true, keys }))
}

/// The query of `GET /v1/keys`.
fn project_to_list(call: &Call) -> Result<Option<Project>, FaultList> {
    let query = query::parse(&call.query)?;
    let mut faults = Faults::new(Part::Query);
    let mut fields = Fields::new(&query, &mut faults);
    let project = fields.optional("project", project);
    fields.deny_unknown();
    faults.finish(Some(project))
}

#[derive(Serialize)]
struct RevokedOut<'a> {
    success: bool,
    key_id: &'a str,
    message: &'static str,
}

/// `DELETE /v1/keys/{key_id}`: from this answer on the key reads and writes nothing, since every statement on users
/// checks its key itself. Only an isolate that knows the key still shows it copies, for the minute for which it remembers a
/// key; this one forgets it. Again is harmless, and needed if the store of users could not be reached.
pub async fn revoke<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let id = percent::decode(cx.parameter).ok_or(ApiError::KeyNotFound)?;
    let revoked = cx.wait(cx.platform.control().revoke_key(&id, cx.now())).await?.ok_or(ApiError::KeyNotFound)?;
    let RevokedKey { mut caller, also_in } = revoked;
    cx.platform.key_cache().borrow_mut().known.forget(&caller.hash);
    cx.wait(cx.platform.users().refuse_key(caller.at(cx.now()))).await?;
    if let Some(place) = also_in {
        caller.record.residence.place = place;
        cx.wait(cx.platform.users().refuse_key(caller.at(cx.now()))).await?;
    }
    Ok(Reply::json(200, &RevokedOut { success: true, key_id: &id, message: "API key revoked" }))
}

#[derive(Serialize)]
struct DescribedOut<'a> {
    success: bool,
    key: KeyOut<'a>,
}

/// What `GET /v1/key` says of a key.
#[derive(Serialize)]
struct KeyOut<'a> {
    key_id: &'a str,
    name: &'a str,
    project: &'a Project,
    scopes: &'a [Scope],
    expires_at: Option<Timestamp>,
}

/// `GET /v1/key`: what the calling key may do, whatever that is.
///
/// 1. admit: the key, and a token of policy `users`; 401, 429
/// 2. store: the key again, since the isolate may not know yet that it was revoked; 401, 500, 503
/// 3. reply
pub async fn describe<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    // 1 admit
    let caller = authenticate(cx).await?;
    take_token(cx, &caller, Policy::Users).await?;
    read::no_query(cx.call)?;
    // 2 store
    let KeyRecord { id, name, project, scopes, expires_at, .. } = read_key(cx, &caller.hash).await?;
    // 3 reply
    let key = KeyOut { key_id: &id, name: &name, project: &project, scopes: &scopes, expires_at };
    Ok(Reply::json(200, &DescribedOut { success: true, key }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn parse(body: &str) -> Result<NewKey, FaultList> {
        NewKey::parse(&json::parse_object(body.as_bytes()).unwrap(), "2027-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn only_the_name_is_required() {
        let key = parse(r#"{"name":"ci"}"#).unwrap();
        assert_eq!((key.project.as_str(), key.scopes.len(), key.expires_at), ("default", 3, None));
        let key = parse(r#"{"name":"ci","scopes":["users:read","users:read"],"expires_at":null}"#).unwrap();
        assert_eq!(key.scopes, [Scope::UsersRead]);
    }

    #[test]
    fn every_fault_is_reported() {
        let body = r#"{"project":"A","scopes":["users:write","root",1],"expires_at":"soon","admin":true}"#;
        let lines: Vec<String> =
            parse(body).unwrap_err().faults.iter().map(|f| format!("{}: {}", f.place(), f.kind)).collect();
        assert_eq!(
            lines,
            [
                "name: Field is required",
                "project: Must be 1 to 64 characters of a-z, 0-9, _ and -",
                "/scopes/1: Must be one of users:write, users:read, users:delete, ingest",
                "/scopes/2: Expected string, received number",
                "expires_at: Must be an RFC 3339 date and time of the years 1970 to 9999, as in 2027-01-01T00:00:00Z",
                "admin: Unknown field; it would not be stored",
            ]
        );
        for body in
            [r#"{"name":""}"#, r#"{"name":"a\nb"}"#, r#"{"name":"a","scopes":[]}"#, r#"{"name":"a","project":null}"#]
        {
            assert!(parse(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_key_expires_in_the_future() {
        let expires_at = |at: &str| parse(&format!(r#"{{"name":"a","expires_at":"{at}"}}"#));
        assert!(expires_at("2027-01-01T00:00:00.001Z").is_ok());
        for at in ["2027-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
            assert_eq!(expires_at(at).unwrap_err().faults[0].kind.to_string(), "Must be in the future");
        }
    }
}
