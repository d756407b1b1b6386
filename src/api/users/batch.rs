//! `POST /v1/users/batch`: many users at once.

use super::if_match;
use crate::api::admission::admit;
use crate::api::error::ApiError;
use crate::api::error_body::BatchErrors;
use crate::api::http::Reply;
use crate::api::outcomes::{self, Refusal, UserOutcome};
use crate::api::platform::{Cx, Platform};
use crate::api::read;
use crate::bounds::{BATCH_USERS, MAX_DELETIONS_OF_USER};
use crate::input::fields::{FaultList, Faults, Fields};
use crate::json::{Object, Value};
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::sorted::SortedMap;
use crate::store::{StoredLimit, Written};
use crate::time::Timestamp;
use crate::user::{ExternalId, NewUser};

/// One element of the array.
#[derive(Debug)]
struct Entry {
    /// The `user_id` as sent, if it is a string at all.
    external_id: Option<String>,
    parsed: Result<Write, Refusal>,
}

/// What an element asks for.
#[derive(Debug)]
enum Write {
    Upsert(NewUser),
    Delete(ExternalId),
}

/// Reads the elements of one batch.
struct Reader<'c> {
    now: Timestamp,
    /// Of the caller.
    scopes: &'c [Scope],
    errors: BatchErrors,
    /// How often each user is deleted so far.
    deletions: SortedMap<String, usize>,
}

impl Reader<'_> {
    fn read(&mut self, index: usize, value: &Value) -> Entry {
        let mut faults = Faults::default();
        let user = faults.within("users", |faults| faults.within(index.to_string(), |faults| faults.object(value)));
        let parsed = match user {
            None => faults.finish(None).map_err(ApiError::Faults),
            Some(user) if user.get("delete").is_some() => self.deletion(user).map(Write::Delete),
            Some(user) => NewUser::parse(user, self.now).map(Write::Upsert).map_err(ApiError::Faults),
        };
        Entry {
            external_id: user.and_then(user_id).map(str::to_owned),
            parsed: parsed.map_err(|error| self.errors.refusal(&error)),
        }
    }

    fn deletion(&mut self, element: &Object) -> Result<ExternalId, ApiError> {
        let mut faults = Faults::default();
        let mut fields = Fields::new(element, &mut faults);
        let id = fields.required("user_id", |value, faults| {
            let text = faults.string(value)?;
            faults.parsed(text.parse::<ExternalId>())
        });
        let count = id.as_ref().map_or(0, |id| {
            let count = self.deletions.get_or_insert_with(id.as_str().to_owned(), usize::default);
            *count += 1;
            *count
        });
        fields.required("delete", |value, faults| {
            if *value != Value::Bool(true) {
                faults.invalid("Must be true; leave it out to store the user");
            } else if count > MAX_DELETIONS_OF_USER {
                faults.invalid(format!("A batch may delete one user at most {MAX_DELETIONS_OF_USER} times"));
            }
            Some(())
        });
        fields.deny_unknown_with(|_| Some("A deletion has user_id and delete alone"));
        let id = faults.finish(id).map_err(ApiError::Faults)?;
        let required = Scope::UsersDelete;
        if required.is_among(self.scopes) {
            Ok(id)
        } else {
            Err(ApiError::InsufficientPermissions { required, current: self.scopes.to_vec() })
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
fn parse(body: &Object, reader: &mut Reader) -> Result<Vec<Entry>, FaultList> {
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
    Ok(users.iter().enumerate().map(|(index, value)| reader.read(index, value)).collect())
}

/// `POST /v1/users/batch`: does what `POST /v1/users` does for each user in turn, or `DELETE` for an element that says so; 200
/// if all is done, 207 if some is, 400 if nothing is. Copies of those who are deleted end by themselves.
///
/// 1. admit: the key, the scope, a token of policy `batch`; 401, 403, 429
/// 2. parse: bytes → elements, each a [`Write`] or its faults; 413, 415, 400
/// 3. store: the valid ones, in one atomic step that checks the key again; 401, 500, 503
/// 4. reply: an outcome for each element
pub async fn write_all<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    // 1 admit
    let caller = admit(cx, Scope::UsersWrite, Policy::Batch).await?;
    // 2 parse
    read::no_query(cx.call)?;
    if_match::refuse(cx.call)?;
    let scopes = &caller.record.scopes;
    let mut reader = Reader { now: cx.now(), scopes, errors: BatchErrors::default(), deletions: SortedMap::default() };
    let elements = read::elements(cx, |body| parse(body, &mut reader)).await?;
    // 3 store
    let valid = elements.iter().filter_map(|element| element.parsed.as_ref().ok());
    let writes: Vec<_> = valid
        .map(|write| match write {
            Write::Upsert(user) => outcomes::Element::Upsert(user),
            Write::Delete(id) => outcomes::Element::Delete(id),
        })
        .collect();
    let written = outcomes::write(cx, &caller, &writes).await?;
    // 4 reply
    Ok(outcomes::answer(cx, &outcomes_of(elements, written, &mut reader.errors)))
}

fn outcomes_of(
    elements: Vec<Entry>,
    written: Vec<Result<Written, StoredLimit>>,
    errors: &mut BatchErrors,
) -> Vec<UserOutcome> {
    let mut written = written.into_iter();
    let mut next = || match written.next() {
        Some(outcome) => outcome.map_err(|limit| errors.refusal(&ApiError::StoredLimit(limit))),
        None => Err(errors.refusal(&ApiError::Internal { cause: "the store returned too few outcomes".into() })),
    };
    let outcome = |(index, Entry { external_id, parsed })| UserOutcome {
        index,
        external_id,
        written: parsed.and_then(|_| next()),
    };
    elements.into_iter().enumerate().map(outcome).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn parse(body: &str) -> Result<Vec<Entry>, FaultList> {
        super::parse(
            &json::parse_elements(body.as_bytes()).unwrap(),
            &mut Reader {
                now: Timestamp::from_ms(0),
                scopes: &[Scope::UsersWrite],
                errors: BatchErrors::default(),
                deletions: SortedMap::default(),
            },
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
        let error_of = |element: &Entry| match &element.parsed {
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
        let stored = vec![Ok(Written::Deleted(true)), Err(StoredLimit::OriginKeys)];
        let outcomes = outcomes_of(elements, stored, &mut BatchErrors::default());
        let is_stored: Vec<_> = outcomes.iter().map(|outcome| outcome.written.is_ok()).collect();
        assert_eq!(is_stored, [false, true, false, false]);
        let refusal = outcomes[3].written.as_ref().unwrap_err();
        assert!(refusal.code == "INVALID_VALUE" && refusal.error.get().contains("origin"), "{refusal:?}");
    }
}
