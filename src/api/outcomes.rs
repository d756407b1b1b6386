//! Writes many users, and says what became of each.

use super::admission::for_caller;
use super::error::{ApiError, reason_phrase};
use super::error_body::BatchErrors;
use super::http::Reply;
use super::platform::{Cx, Platform};
use super::webhooks;
use crate::store::{Access, Caller, Outcome, StoredLimit, Upserted, UserStore, UserWrite, Written};
use crate::user::{ExternalId, NewUser};
use serde::Serialize;
use serde_json::value::RawValue;
use std::ops::Not;

/// What became of one user.
pub struct UserOutcome {
    /// Its place in what was sent.
    pub index: usize,
    /// Its `user_id` as sent, if it is a string at all.
    pub external_id: Option<String>,
    /// What was done with the user, or why nothing was.
    pub written: Result<Written, Refusal>,
}

/// Why nothing was done with a user.
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

/// What to do with a user.
#[derive(Clone, Copy, Debug)]
pub enum Element<'a> {
    /// Create or change it.
    Upsert(&'a NewUser),
    /// Delete it.
    Delete(&'a ExternalId),
}

/// Writes users in one atomic step, or one a bucket; one outcome for each in turn. If their project moves meanwhile, those
/// buckets that refused their part are asked again in the new place.
pub async fn write<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    elements: &[Element<'_>],
) -> Result<Vec<Result<Written, StoredLimit>>, ApiError> {
    if elements.is_empty() {
        return Ok(Vec::new());
    }
    let new_ids: Vec<String> = elements.iter().map(|_| cx.new_user_id()).collect();
    let write = |(element, new_id)| match element {
        Element::Upsert(user) => UserWrite::Upsert { user, new_id },
        Element::Delete(id) => UserWrite::Delete(id),
    };
    let writes: Vec<UserWrite> = elements.iter().copied().zip(new_ids.iter().map(String::as_str)).map(write).collect();
    let mut outcomes: Vec<Outcome> = vec![None; writes.len()];
    loop {
        let is_open = |(_, outcome): &(usize, &Outcome)| outcome.is_none();
        let open: Vec<usize> = outcomes.iter().enumerate().filter(is_open).map(|(i, _)| i).collect();
        if open.is_empty() {
            webhooks::poke(cx, caller);
            return Ok(outcomes.into_iter().flatten().collect());
        }
        // What is stored is not sent again: that could undo what somebody else has written since.
        let writes: Vec<UserWrite> = open.iter().map(|i| writes[*i]).collect();
        let write = async |access: Access<'_>| cx.platform.users().write_users(access, &writes).await;
        for (i, outcome) in open.into_iter().zip(for_caller(cx, caller, write).await?) {
            outcomes[i] = outcome;
        }
    }
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
    written: Option<WrittenOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum WrittenOut<'a> {
    Stored {
        user_id: &'a str,
        created: bool,
        #[serde(skip_serializing_if = "Not::not")]
        stale: bool,
    },
    Deleted {
        deleted: bool,
    },
}

/// The code of a batch that did nothing: that of its first error.
fn code_of_all(outcomes: &[UserOutcome]) -> Option<&'static str> {
    let nothing_done = outcomes.iter().all(|outcome| outcome.written.is_err());
    let mut codes = outcomes.iter().filter_map(|outcome| outcome.written.as_ref().err().map(|refusal| refusal.code));
    codes.next().filter(|_| nothing_done)
}

fn reply(outcomes: &[UserOutcome], code: Option<&'static str>) -> Reply {
    let all = outcomes.len();
    let done = outcomes.iter().filter(|outcome| outcome.written.is_ok()).count();
    let any_deleted = outcomes.iter().any(|outcome| matches!(outcome.written, Ok(Written::Deleted(_))));
    let what = if any_deleted { "users stored or deleted" } else { "users stored" };
    // A batch is the one answer whose status no single error decides: 200 if all is done, 207 if some is, 400 if nothing is.
    let (status, message) = match done {
        0 if all > 0 => (400, format!("None of {all} {what}")),
        _ if done < all => (207, format!("{done} of {all} {what}")),
        _ => (200, format!("{all} of {all} {what}")),
    };
    let out = BatchOut {
        success: done == all,
        error: code.map(|_| reason_phrase(status)),
        code,
        processed_count: done,
        failed_count: all - done,
        message,
        results: outcomes.iter().map(result_out).collect(),
    };
    Reply::json(status, &out)
}

fn result_out(UserOutcome { index, external_id, written: outcome }: &UserOutcome) -> ResultOut<'_> {
    let written = outcome.as_ref().ok().map(|written| match written {
        Written::Upserted(Upserted { id, created, stale }) => {
            WrittenOut::Stored { user_id: id, created: *created, stale: *stale }
        }
        Written::Deleted(deleted) => WrittenOut::Deleted { deleted: *deleted },
    });
    let error = outcome.as_ref().err().map(|refusal| &*refusal.error);
    ResultOut { index: *index, external_id: external_id.as_deref(), written, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_whether_all_some_or_none_are_stored() {
        let stored = || UserOutcome {
            index: 0,
            external_id: Some("a".to_owned()),
            written: Ok(Written::Upserted(Upserted { id: "usr_1".into(), created: true, stale: false })),
        };
        let refused = || UserOutcome {
            index: 1,
            external_id: None,
            written: Err(BatchErrors::default().refusal(&ApiError::StoredLimit(StoredLimit::ProfileBytes))),
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
