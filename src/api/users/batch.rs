//! `POST /v1/users/batch`: many users at once.

use super::if_match;
use crate::api::admission::{admit, ask};
use crate::api::error::{ApiError, reason_phrase};
use crate::api::error_body::BatchErrors;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::api::read;
use crate::bounds::{BATCH_USERS, MAX_BATCH_BYTES};
use crate::input::fields::{FaultList, Faults, Fields};
use crate::json::{Object, Value};
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::store::{Caller, StoredLimit, Upserted, UserStore};
use crate::time::Timestamp;
use crate::user::NewUser;
use serde::Serialize;
use serde_json::value::RawValue;
use std::ops::Not;

/// One element of the array.
#[derive(Debug)]
struct Element {
    /// The `user_id` as sent, if it is a string at all.
    external_id: Option<String>,
    parsed: Result<NewUser, Refusal>,
}

/// Why an element is not stored.
#[derive(Debug)]
pub struct Refusal {
    code: &'static str,
    /// The error as JSON.
    error: Box<RawValue>,
}

impl BatchErrors {
    /// The refusal for an error.
    pub fn refusal(&mut self, error: &ApiError) -> Refusal {
        Refusal { code: error.code(), error: self.add(error) }
    }
}

impl Element {
    fn parse(index: usize, value: &Value, now: Timestamp, errors: &mut BatchErrors) -> Self {
        let mut faults = Faults::default();
        let user = faults.within("users", |faults| faults.within(index.to_string(), |faults| faults.object(value)));
        let parsed = user.map_or_else(|| faults.finish(None), |user| NewUser::parse(user, now));
        Element {
            external_id: user.and_then(user_id).map(str::to_owned),
            parsed: parsed.map_err(|list| errors.refusal(&ApiError::Faults(list))),
        }
    }
}

fn user_id<'v>(user: &'v Object) -> Option<&'v str> {
    match user.get("user_id")? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Reads the elements, each by itself.
fn parse(body: &Object, now: Timestamp, errors: &mut BatchErrors) -> Result<Vec<Element>, FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::new(body, &mut faults);
    let users = fields.required("users", |value, faults| match value {
        Value::Array(users) => {
            if !BATCH_USERS.contains(&users.len()) {
                faults.invalid(format!("Must have {} to {} users", BATCH_USERS.start(), BATCH_USERS.end()));
            }
            Some(users)
        }
        other => faults.wrong_type("array", other),
    });
    fields.deny_unknown();
    let users = faults.finish(users)?;
    Ok(users.iter().enumerate().map(|(index, value)| Element::parse(index, value, now, errors)).collect())
}

#[derive(Serialize)]
struct BatchOut<'a> {
    success: bool,
    /// With `code`, makes the answer an error if nothing was stored.
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
    error: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct StoredOut<'a> {
    user_id: &'a str,
    created: bool,
    #[serde(skip_serializing_if = "Not::not")]
    stale: bool,
}

/// What became of one element.
pub struct Outcome {
    /// Its place in what was sent.
    pub index: usize,
    /// Its `user_id` as sent, if it is a string at all.
    pub external_id: Option<String>,
    /// The user, or why it is not stored.
    pub stored: Result<Upserted, Refusal>,
}

/// `POST /v1/users/batch`: does what `POST /v1/users` does for each user in turn; 200 if all are stored, 207 if some are,
/// 400 if none is.
///
/// 1. admit: the key, the scope, a token of policy `batch`; 401, 403, 429
/// 2. parse: bytes → elements, each a [`NewUser`] or its faults; 413, 415, 400
/// 3. store: the valid ones, in one atomic step that checks the key again; 401, 500, 503
/// 4. reply: an outcome for each element
pub async fn upsert_all<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    // 1 admit
    let caller = admit(cx, Scope::UsersWrite, Policy::Batch).await?;
    // 2 parse
    read::no_query(cx.call)?;
    if_match::refuse(cx.call)?;
    let mut errors = BatchErrors::default();
    let elements = read::large_object(cx, MAX_BATCH_BYTES, |body| parse(body, cx.now(), &mut errors)).await?;
    // 3 store
    let stored = store(cx, &caller, &elements).await?;
    // 4 reply
    Ok(answer(cx, &outcomes(elements, stored, &mut errors)))
}

/// The answer to a batch. Notes its code for the log.
pub fn answer<P: Platform>(cx: &Cx<'_, P>, outcomes: &[Outcome]) -> Reply {
    let code = code_of_all(outcomes);
    cx.log.borrow_mut().code = code;
    reply(outcomes, code)
}

/// Stores the valid elements; returns their outcomes only.
async fn store<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    elements: &[Element],
) -> Result<Vec<Result<Upserted, StoredLimit>>, ApiError> {
    let users = elements.iter().filter_map(|element| element.parsed.as_ref().ok());
    let users: Vec<_> = users.map(|user| (user, cx.new_id("usr_"))).collect();
    if users.is_empty() {
        return Ok(Vec::new());
    }
    ask(cx, caller, cx.platform.users().upsert_users(caller.at(cx.now()), &users)).await
}

fn outcomes(
    elements: Vec<Element>,
    stored: Vec<Result<Upserted, StoredLimit>>,
    errors: &mut BatchErrors,
) -> Vec<Outcome> {
    let mut stored = stored.into_iter();
    let mut next = || match stored.next() {
        Some(outcome) => outcome.map_err(|limit| errors.refusal(&ApiError::StoredLimit(limit))),
        None => Err(errors.refusal(&ApiError::Internal { cause: "the store returned too few outcomes".into() })),
    };
    let outcome =
        |(index, Element { external_id, parsed })| Outcome { index, external_id, stored: parsed.and_then(|_| next()) };
    elements.into_iter().enumerate().map(outcome).collect()
}

/// The code of a batch of which nothing was stored: that of its first error.
fn code_of_all(outcomes: &[Outcome]) -> Option<&'static str> {
    let nothing_stored = outcomes.iter().all(|outcome| outcome.stored.is_err());
    let mut codes = outcomes.iter().filter_map(|outcome| outcome.stored.as_ref().err().map(|refusal| refusal.code));
    codes.next().filter(|_| nothing_stored)
}

fn reply(outcomes: &[Outcome], code: Option<&'static str>) -> Reply {
    let all = outcomes.len();
    let stored = outcomes.iter().filter(|outcome| outcome.stored.is_ok()).count();
    let (status, message) = match stored {
        0 if all > 0 => (400, format!("None of {all} users stored")),
        _ if stored < all => (207, format!("{stored} of {all} users stored")),
        _ => (200, format!("{all} of {all} users stored")),
    };
    let out = BatchOut {
        success: stored == all,
        error: code.map(|_| reason_phrase(status)),
        code,
        processed_count: stored,
        failed_count: all - stored,
        message,
        results: outcomes.iter().map(result_out).collect(),
    };
    Reply::json(status, &out)
}

fn result_out(Outcome { index, external_id, stored: outcome }: &Outcome) -> ResultOut<'_> {
    let stored = outcome.as_ref().ok().map(|stored| StoredOut {
        user_id: &stored.id,
        created: stored.created,
        stale: stored.stale,
    });
    let error = outcome.as_ref().err().map(|refusal| &*refusal.error);
    ResultOut { index: *index, external_id: external_id.as_deref(), stored, error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn parse(body: &str) -> Result<Vec<Element>, FaultList> {
        super::parse(&json::parse_object(body.as_bytes()).unwrap(), Timestamp::from_ms(0), &mut BatchErrors::default())
    }

    #[test]
    fn a_batch_is_an_array_of_1_to_1000() {
        let users = |n: usize| format!(r#"{{"users":[{}]}}"#, vec!["{}"; n].join(","));
        assert_eq!(parse(&users(1)).unwrap().len(), 1);
        assert_eq!(parse(&users(1000)).unwrap().len(), 1000);
        for (body, fault_line) in [
            ("{}", "users: Field is required"),
            (r#"{"users":{}}"#, "users: Expected array, received object"),
            (&users(0), "users: Must have 1 to 1000 users"),
            (&users(1001), "users: Must have 1 to 1000 users"),
            (r#"{"users":[{}],"dry_run":true}"#, "dry_run: Unknown field; it would not be stored"),
        ] {
            let fault = parse(body).unwrap_err().faults.remove(0);
            assert_eq!(format!("{}: {}", fault.place(), fault.kind), fault_line);
        }
    }

    #[test]
    fn each_element_has_its_own_faults() {
        let elements = parse(r#"{"users":[{"user_id":"a"},7,{"user_id":" b","x":1},{"user_id":7}]}"#).unwrap();
        let error_of = |element: &Element| match &element.parsed {
            Ok(_) => String::new(),
            Err(refusal) => refusal.error.get().to_owned(),
        };
        let errors: Vec<String> = elements.iter().map(error_of).collect();
        assert_eq!(errors[0], "");
        assert_eq!(
            errors[1],
            r#"{"message":"Wrong type for field: /users/1","code":"INVALID_TYPE","details":{"field":"users","pointer":"/users/1","issue":"Expected object, received number","expected":"object","received":"number"}}"#
        );
        assert!(errors[2].contains(r#""field":"user_id""#) && errors[2].contains(r#""field":"x""#), "{}", errors[2]);
        assert!(errors[3].contains("INVALID_TYPE"), "{}", errors[3]);
        let ids: Vec<_> = elements.iter().map(|element| element.external_id.as_deref()).collect();
        assert_eq!(ids, [Some("a"), None, Some(" b"), None]);
    }

    #[test]
    fn errors_have_32_kib_together_and_then_their_codes_alone() {
        let unknown: String = (0..500).map(|i| format!(r#","{}{i}":1"#, "é".repeat(300))).collect();
        let user = format!(r#"{{"user_id":"u"{unknown}}}"#);
        let elements = parse(&format!(r#"{{"users":[{user},{user},{{}},{{"user_id":"u"}}]}}"#)).unwrap();
        let error = |i: usize| elements[i].parsed.as_ref().unwrap_err().error.get();
        let first: serde_json::Value = serde_json::from_str(error(0)).unwrap();
        let errors = first["details"]["errors"].as_array().unwrap().len();
        assert!(errors > 30 && first["details"]["more"] == 500 - errors, "{errors}");
        assert!(
            (30_000..=32_768).contains(&first["details"].to_string().len()),
            "{}",
            first["details"].to_string().len()
        );
        assert_eq!((error(1), error(2)), (r#"{"code":"UNKNOWN_FIELD"}"#, r#"{"code":"MISSING_FIELD"}"#));
        assert!(elements[3].parsed.is_ok());
    }

    #[test]
    fn the_status_says_whether_all_some_or_none_are_stored() {
        let stored = || Outcome {
            index: 0,
            external_id: Some("a".to_owned()),
            stored: Ok(Upserted { id: "usr_1".into(), created: true, stale: false }),
        };
        let refused = || Outcome {
            index: 1,
            external_id: None,
            stored: Err(BatchErrors::default().refusal(&ApiError::StoredLimit(StoredLimit::ProfileBytes))),
        };
        let reply = |outcomes: &[Outcome]| super::reply(outcomes, code_of_all(outcomes));
        for (outcomes, status) in [
            (vec![stored(), stored()], 200),
            (vec![refused(), stored()], 207),
            (vec![refused(), refused()], 400),
            (vec![], 200),
        ] {
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
        let stored =
            vec![Ok(Upserted { id: "usr_1".into(), created: true, stale: false }), Err(StoredLimit::OriginKeys)];
        let outcomes = outcomes(elements, stored, &mut BatchErrors::default());
        let is_stored: Vec<_> = outcomes.iter().map(|outcome| outcome.stored.is_ok()).collect();
        assert_eq!(is_stored, [false, true, false, false]);
        let refusal = outcomes[3].stored.as_ref().unwrap_err();
        assert!(refusal.code == "INVALID_VALUE" && refusal.error.get().contains("origin"), "{refusal:?}");
    }
}
