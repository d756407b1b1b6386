//! `POST /v1/users/batch`: many users at once.

use super::auth::{self, Caller};
use super::error::{ErrorPart, reason_phrase};
use super::{ApiError, Call, Edge, Reply, Trace, new_id, read_large_object};
use crate::body::{Fault, Faults, Fields};
use crate::json::{Members, Value};
use crate::key::Scope;
use crate::limit::Policy;
use crate::store::{Store, StoredLimit, Upserted};
use crate::user::NewUser;
use serde::Serialize;

/// Bytes of a batch's body: 1 MiB.
pub(super) const MAX_BYTES: usize = 1_048_576;
/// Users in a batch, at least 1.
pub(super) const MAX_USERS: usize = 1000;
/// Of a user with more faults than this, the first ones are told: the answer stays in proportion to the body.
const MAX_FAULTS: usize = 10;

/// One element of the array.
#[derive(Debug)]
struct Element {
    /// The `user_id` as sent, if it is a string at all.
    external_id: Option<String>,
    parsed: Result<NewUser, Vec<Fault>>,
}

impl Element {
    fn parse(index: usize, value: &Value) -> Self {
        let mut faults = Faults::default();
        let members = faults.within("users", |faults| faults.within(index.to_string(), |faults| faults.object(value)));
        let parsed = members.map_or_else(|| faults.finish(None), NewUser::parse);
        Element {
            external_id: members.and_then(user_id).map(str::to_owned),
            parsed: parsed.map_err(|faults| faults.into_iter().take(MAX_FAULTS).collect()),
        }
    }
}

fn user_id<'v>(members: &'v Members) -> Option<&'v str> {
    match members.iter().find(|(name, _)| name == "user_id")? {
        (_, Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Reads the elements, each by itself.
fn parse(members: &Members) -> Result<Vec<Element>, Vec<Fault>> {
    let mut faults = Faults::default();
    let mut fields = Fields::of(members, &mut faults);
    let users = fields.required("users", |value, faults| match value {
        Value::Array(users) => {
            if !(1..=MAX_USERS).contains(&users.len()) {
                faults.invalid("Must have 1 to 1000 users");
            }
            Some(users)
        }
        other => faults.wrong_type("array", other),
    });
    fields.refuse_the_rest();
    let users = faults.finish(users)?;
    Ok(users.iter().enumerate().map(|(index, value)| Element::parse(index, value)).collect())
}

#[derive(Serialize)]
struct BatchOut<'a> {
    success: bool,
    /// With `code`, the form of an error where nothing was stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    processed_count: usize,
    failed_count: usize,
    message: String,
    results: Vec<ResultOut<'a>>,
}

#[derive(Serialize)]
struct ResultOut<'a> {
    index: usize,
    external_id: Option<&'a str>,
    #[serde(flatten)]
    stored: Option<StoredOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorPart<'a>>,
}

#[derive(Serialize)]
struct StoredOut<'a> {
    user_id: &'a str,
    created: bool,
}

/// What became of one element: its `user_id` as sent, and the outcome.
type Outcome = (Option<String>, Result<Upserted, ApiError>);

/// `POST /v1/users/batch`: does what `POST /v1/users` does for each user in turn; 200 if all are stored, 207 if some are,
/// 400 if none is.
///
/// 1. authenticate: bearer → checksum → isolate cache → (cold only) store; 401
/// 2. limit: scope, then a token of policy `batch`; 403, 429
/// 3. parse: bytes → elements, each a [`NewUser`] or its faults; 413, 400
/// 4. store: the valid ones, in one atomic step that checks the key again; 401, 500, 503
/// 5. reply: an outcome for each element
pub async fn upsert_all<E: Edge>(call: &Call, edge: &E, trace: &mut Trace) -> Result<Reply, ApiError> {
    // 1 authenticate
    let caller = auth::authenticate(call, edge, trace).await?;
    // 2 limit
    auth::admit(&caller, Scope::UsersWrite, Policy::Batch, edge, trace).await?;
    // 3 parse
    let elements = read_large_object(edge, MAX_BYTES, parse).await?;
    // 4 store
    let stored = store(&caller, &elements, edge).await?;
    // 5 reply
    Ok(reply(&outcomes(elements, stored)))
}

/// Stores the valid elements; answers for these only.
async fn store<E: Edge>(
    caller: &Caller,
    elements: &[Element],
    edge: &E,
) -> Result<Vec<Result<Upserted, StoredLimit>>, ApiError> {
    let users = elements.iter().filter_map(|element| element.parsed.as_ref().ok());
    let users: Vec<_> = users.map(|user| (user, new_id("usr_", edge))).collect();
    if users.is_empty() {
        return Ok(Vec::new());
    }
    match edge.store().upsert_users(&caller.hash, &users, edge.now()).await? {
        Some(stored) => Ok(stored),
        None => Err(auth::explain_dead(caller, edge).await),
    }
}

fn outcomes(elements: Vec<Element>, stored: Vec<Result<Upserted, StoredLimit>>) -> Vec<Outcome> {
    let mut stored = stored.into_iter();
    let mut next = || match stored.next() {
        Some(outcome) => outcome.map_err(ApiError::StoredLimit),
        None => Err(ApiError::Internal { cause: "the store told too few outcomes".into() }),
    };
    let outcome =
        |Element { external_id, parsed }| (external_id, parsed.map_err(ApiError::Faults).and_then(|_| next()));
    elements.into_iter().map(outcome).collect()
}

fn reply(outcomes: &[Outcome]) -> Reply {
    let all = outcomes.len();
    let stored = outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).count();
    let (status, message) = match stored {
        0 => (400, format!("None of {all} users stored")),
        _ if stored < all => (207, format!("{stored} of {all} users stored")),
        _ => (200, format!("{all} of {all} users stored")),
    };
    let first_error = outcomes.iter().find_map(|(_, outcome)| outcome.as_ref().err()).filter(|_| stored == 0);
    let out = BatchOut {
        success: stored == all,
        error: first_error.map(|_| reason_phrase(status)),
        code: first_error.map(ApiError::code),
        processed_count: stored,
        failed_count: all - stored,
        message,
        results: outcomes.iter().enumerate().map(result_out).collect(),
    };
    Reply::json(status, &out)
}

fn result_out((index, (external_id, outcome)): (usize, &Outcome)) -> ResultOut<'_> {
    let stored = outcome.as_ref().ok().map(|Upserted { id, created }| StoredOut { user_id: id, created: *created });
    let error = outcome.as_ref().err().map(ApiError::part);
    ResultOut { index, external_id: external_id.as_deref(), stored, error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn parse(body: &str) -> Result<Vec<Element>, Vec<Fault>> {
        let Value::Object(members) = json::parse(body.as_bytes()).unwrap() else { panic!("no object") };
        super::parse(&members)
    }

    #[test]
    fn a_batch_is_an_array_of_1_to_1000() {
        let users = |n: usize| format!(r#"{{"users":[{}]}}"#, vec!["{}"; n].join(","));
        assert_eq!(parse(&users(1)).unwrap().len(), 1);
        assert_eq!(parse(&users(1000)).unwrap().len(), 1000);
        for (body, told) in [
            ("{}", "users: Field is required"),
            (r#"{"users":{}}"#, "users: Expected array, received object"),
            (&users(0), "users: Must have 1 to 1000 users"),
            (&users(1001), "users: Must have 1 to 1000 users"),
            (r#"{"users":[{}],"dry_run":true}"#, "dry_run: Field is not known here, and would be lost"),
        ] {
            let fault = parse(body).unwrap_err().remove(0);
            assert_eq!(format!("{}: {}", fault.place(), fault.kind), told);
        }
    }

    #[test]
    fn each_element_has_its_own_faults() {
        let elements = parse(r#"{"users":[{"user_id":"a"},7,{"user_id":" b","x":1},{"user_id":7}]}"#).unwrap();
        let told = |element: &Element| match &element.parsed {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().map(|fault| fault.place().to_owned()).collect(),
        };
        assert_eq!(
            elements.iter().map(told).collect::<Vec<_>>(),
            [vec![], vec!["/users/1"], vec!["user_id", "x"], vec!["user_id"]]
        );
        let ids: Vec<_> = elements.iter().map(|element| element.external_id.as_deref()).collect();
        assert_eq!(ids, [Some("a"), None, Some(" b"), None]);
    }

    #[test]
    fn a_flood_of_faults_is_cut_for_each() {
        let unknown: String = (0..50).map(|i| format!(r#","x{i}":1"#)).collect();
        let elements = parse(&format!(r#"{{"users":[{{"user_id":"u"{unknown}}}]}}"#)).unwrap();
        assert_eq!(elements[0].parsed.as_ref().unwrap_err().len(), 10);
    }

    #[test]
    fn the_status_says_whether_all_some_or_none_are_stored() {
        let stored = || (Some("a".to_owned()), Ok(Upserted { id: "usr_1".into(), created: true }));
        let refused = || (None, Err(ApiError::StoredLimit(StoredLimit::ProfileBytes)));
        for (outcomes, status) in
            [(vec![stored(), stored()], 200), (vec![refused(), stored()], 207), (vec![refused(), refused()], 400)]
        {
            assert_eq!(reply(&outcomes).status, status);
        }
        let body = r#"{"success":false,"processed_count":1,"failed_count":1,"message":"1 of 2 users stored","results":[{"index":0,"external_id":"a","user_id":"usr_1","created":true},{"index":1,"external_id":null,"error":{"message":"#;
        assert!(reply(&[stored(), refused()]).body.starts_with(body), "{}", reply(&[stored(), refused()]).body);
        assert!(
            reply(&[refused()]).body.starts_with(r#"{"success":false,"error":"Bad Request","code":"INVALID_VALUE","#)
        );
    }

    #[test]
    fn outcomes_of_the_store_go_to_the_valid_elements_in_turn() {
        let elements = parse(r#"{"users":[{},{"user_id":"a"},{},{"user_id":"b"}]}"#).unwrap();
        let stored = vec![Ok(Upserted { id: "usr_1".into(), created: true }), Err(StoredLimit::OriginKeys)];
        let outcomes = outcomes(elements, stored);
        assert!(outcomes[0].1.is_err() && outcomes[1].1.is_ok() && outcomes[2].1.is_err());
        assert_eq!(outcomes[3].1, Err(ApiError::StoredLimit(StoredLimit::OriginKeys)));
    }
}
