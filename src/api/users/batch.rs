//! `POST /v1/users/batch`: many users at once.

use super::if_match;
use crate::api::admission::admit;
use crate::api::error::ApiError;
use crate::api::error_body::BatchErrors;
use crate::api::http::Reply;
use crate::api::outcomes::{self, Refusal, UserOutcome};
use crate::api::platform::{Cx, Platform};
use crate::api::read;
use crate::bounds::BATCH_USERS;
use crate::input::fields::{FaultList, Faults, Fields};
use crate::json::{Object, Value};
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::store::{StoredLimit, Upserted};
use crate::time::Timestamp;
use crate::user::NewUser;

/// One element of the array.
#[derive(Debug)]
struct Element {
    /// The `user_id` as sent, if it is a string at all.
    external_id: Option<String>,
    parsed: Result<NewUser, Refusal>,
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
    let elements = read::elements(cx, |body| parse(body, cx.now(), &mut errors)).await?;
    // 3 store
    let users: Vec<&NewUser> = elements.iter().filter_map(|element| element.parsed.as_ref().ok()).collect();
    let stored = outcomes::store(cx, &caller, &users).await?;
    // 4 reply
    Ok(outcomes::answer(cx, &outcomes_of(elements, stored, &mut errors)))
}

fn outcomes_of(
    elements: Vec<Element>,
    stored: Vec<Result<Upserted, StoredLimit>>,
    errors: &mut BatchErrors,
) -> Vec<UserOutcome> {
    let mut stored = stored.into_iter();
    let mut next = || match stored.next() {
        Some(outcome) => outcome.map_err(|limit| errors.refusal(&ApiError::StoredLimit(limit))),
        None => Err(errors.refusal(&ApiError::Internal { cause: "the store returned too few outcomes".into() })),
    };
    let outcome = |(index, Element { external_id, parsed })| UserOutcome {
        index,
        external_id,
        stored: parsed.and_then(|_| next()),
    };
    elements.into_iter().enumerate().map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn parse(body: &str) -> Result<Vec<Element>, FaultList> {
        super::parse(
            &json::parse_elements(body.as_bytes()).unwrap(),
            Timestamp::from_ms(0),
            &mut BatchErrors::default(),
        )
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
    fn what_is_no_json_in_an_element_is_its_fault_alone() {
        let users = r#"{"users":[{"user_id":"a"},{"user_id":"b","properties":{"bio":"hi \ud83d"}},{"user_id":"c",},{"user_id":"d"}]}"#;
        let elements = parse(users).unwrap();
        let ids: Vec<_> = elements.iter().map(|element| element.external_id.as_deref()).collect();
        assert_eq!(ids, [Some("a"), Some("b"), None, Some("d")]);
        let error = |i: usize| elements[i].parsed.as_ref().unwrap_err().error.get();
        assert_eq!(
            error(1),
            r#"{"message":"Invalid JSON in field: /properties/bio","code":"INVALID_REQUEST","details":{"field":"properties","pointer":"/properties/bio","issue":"Invalid JSON: lone surrogate in a string"}}"#
        );
        assert!(
            error(2).contains(r#""pointer":"/users/2","issue":"Invalid JSON: trailing comma; remove it""#),
            "{}",
            error(2)
        );
        assert!(elements[0].parsed.is_ok() && elements[3].parsed.is_ok());
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
    fn outcomes_of_the_store_go_to_the_valid_elements_in_turn() {
        let elements = parse(r#"{"users":[{},{"user_id":"a"},{},{"user_id":"b"}]}"#).unwrap();
        let stored =
            vec![Ok(Upserted { id: "usr_1".into(), created: true, stale: false }), Err(StoredLimit::OriginKeys)];
        let outcomes = outcomes_of(elements, stored, &mut BatchErrors::default());
        let is_stored: Vec<_> = outcomes.iter().map(|outcome| outcome.stored.is_ok()).collect();
        assert_eq!(is_stored, [false, true, false, false]);
        let refusal = outcomes[3].stored.as_ref().unwrap_err();
        assert!(refusal.code == "INVALID_VALUE" && refusal.error.get().contains("origin"), "{refusal:?}");
    }
}
