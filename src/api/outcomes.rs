//! Stores many users, and says what became of each.

use super::admission::for_caller;
use super::error::{ApiError, reason_phrase};
use super::error_body::BatchErrors;
use super::http::Reply;
use super::platform::{Cx, Platform};
use crate::store::{Caller, StoredLimit, Upserted, UserStore};
use crate::user::NewUser;
use serde::Serialize;
use serde_json::value::RawValue;
use std::ops::Not;

/// What became of one user.
pub struct UserOutcome {
    /// Its place in what was sent.
    pub index: usize,
    /// Its `user_id` as sent, if it is a string at all.
    pub external_id: Option<String>,
    /// The user, or why it is not stored.
    pub stored: Result<Upserted, Refusal>,
}

/// Why an element is not stored.
#[derive(Debug)]
pub struct Refusal {
    pub code: &'static str,
    /// The error as JSON.
    pub error: Box<RawValue>,
}

impl BatchErrors {
    /// The refusal for an error.
    pub fn refusal(&mut self, error: &ApiError) -> Refusal {
        Refusal { code: error.code(), error: self.add(error) }
    }
}

/// Stores users in one statement; one outcome for each in turn.
pub async fn store<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    users: &[&NewUser],
) -> Result<Vec<Result<Upserted, StoredLimit>>, ApiError> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let users: Vec<_> = users.iter().map(|user| (*user, cx.new_user_id())).collect();
    for_caller(cx, caller, cx.platform.users().upsert_users(caller.at(cx.now()), &users)).await
}

/// The answer to a batch. Notes its code for the log.
pub fn answer<P: Platform>(cx: &Cx<'_, P>, outcomes: &[UserOutcome]) -> Reply {
    let code = code_of_all(outcomes);
    cx.log.borrow_mut().code = code;
    reply(outcomes, code)
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

/// The code of a batch that stored nothing: that of its first error.
fn code_of_all(outcomes: &[UserOutcome]) -> Option<&'static str> {
    let nothing_stored = outcomes.iter().all(|outcome| outcome.stored.is_err());
    let mut codes = outcomes.iter().filter_map(|outcome| outcome.stored.as_ref().err().map(|refusal| refusal.code));
    codes.next().filter(|_| nothing_stored)
}

fn reply(outcomes: &[UserOutcome], code: Option<&'static str>) -> Reply {
    let all = outcomes.len();
    let stored = outcomes.iter().filter(|outcome| outcome.stored.is_ok()).count();
    // A batch is the one answer whose status no single error decides: 200 if all users are stored, 207 if some are, 400 if
    // none is.
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

fn result_out(UserOutcome { index, external_id, stored: outcome }: &UserOutcome) -> ResultOut<'_> {
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

    #[test]
    fn the_status_says_whether_all_some_or_none_are_stored() {
        let stored = || UserOutcome {
            index: 0,
            external_id: Some("a".to_owned()),
            stored: Ok(Upserted { id: "usr_1".into(), created: true, stale: false }),
        };
        let refused = || UserOutcome {
            index: 1,
            external_id: None,
            stored: Err(BatchErrors::default().refusal(&ApiError::StoredLimit(StoredLimit::ProfileBytes))),
        };
        let reply = |outcomes: &[UserOutcome]| super::reply(outcomes, code_of_all(outcomes));
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
}
