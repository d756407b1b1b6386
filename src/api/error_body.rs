//! The body of an error: one form for requests and for the elements of a batch, and a budget for its details.

use super::error::{About, ApiError, Row, fault_code, limit_issue, reason_phrase};
use super::http::Reply;
use crate::bounds::{MAX_DETAILS_BYTES, MAX_PROFILE_BYTES};
use crate::input::fields::{Fault, FaultKind, FaultList};
use crate::key::Scope;
use crate::store::StoredLimit;
use serde::Serialize;
use serde_json::value::RawValue;

/// The body of every error.
#[derive(Serialize)]
struct ErrorOut<'a> {
    success: bool,
    error: &'static str,
    #[serde(flatten)]
    part: ErrorPart<'a>,
}

/// The part that errors of requests and of batch elements share.
#[derive(Serialize)]
struct ErrorPart<'a> {
    message: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

/// More than the code, for programs.
#[derive(Default, Serialize)]
struct Details<'a> {
    #[serde(flatten)]
    fault: Option<FaultOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<FaultOut<'a>>>,
    /// How many faults `errors` has no room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required_permission: Option<Scope>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_permissions: Option<&'a [Scope]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

#[derive(Clone, Serialize)]
struct FaultOut<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    issue: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<&'static str>,
}

impl About<'_> {
    fn details(&self, max_bytes: usize) -> Details<'_> {
        let details = Details::default();
        match self {
            About::Faults(list) => fault_details(list, max_bytes),
            About::StoredLimit(limit) => Details {
                fault: Some(stored_limit_out(*limit)),
                limit_bytes: (*limit == StoredLimit::ProfileBytes).then_some(MAX_PROFILE_BYTES),
                ..details
            },
            About::Scopes { required, current } => {
                Details { required_permission: Some(*required), current_permissions: Some(current), ..details }
            }
            About::Revision(revision) => Details { revision: Some(*revision), ..details },
            About::LimitBytes(limit_bytes) => Details { limit_bytes: Some(*limit_bytes), ..details },
            About::Quota { quota, retry_after_s } => Details {
                limit: Some(quota.limit),
                window: Some(quota.to_string()),
                retry_after: Some(*retry_after_s),
                ..details
            },
        }
    }
}

impl Row<'_> {
    fn part(&self, max_details_bytes: usize) -> ErrorPart<'_> {
        let details = self.details.as_ref().map(|about| about.details(max_details_bytes));
        ErrorPart { message: &self.message, code: self.code, details }
    }
}

impl ApiError {
    pub(super) fn into_reply(self) -> Reply {
        let row = self.row();
        let part = row.part(MAX_DETAILS_BYTES);
        let reply = Reply::json(row.status, &ErrorOut { success: false, error: reason_phrase(row.status), part });
        Reply { headers: row.header.into_iter().collect(), ..reply }
    }
}

/// Writes the errors of a batch's users, within [`MAX_DETAILS_BYTES`] for all.
pub(super) struct BatchErrors {
    bytes_left: usize,
}

impl Default for BatchErrors {
    fn default() -> Self {
        BatchErrors { bytes_left: MAX_DETAILS_BYTES }
    }
}

impl BatchErrors {
    /// The JSON of one more error: its code alone once there is no room for more.
    pub fn add(&mut self, error: &ApiError) -> Box<RawValue> {
        let row = error.row();
        let part = row.part(self.bytes_left);
        if raw(&part.details).get().len() > self.bytes_left {
            self.bytes_left = 0;
            return raw(&CodeOut { code: row.code });
        }
        let part = raw(&part);
        self.bytes_left = self.bytes_left.saturating_sub(part.get().len());
        part
    }
}

#[derive(Serialize)]
struct CodeOut {
    code: &'static str,
}

#[expect(clippy::expect_used, reason = "derived serialisers of structs and strings do not fail")]
fn raw(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("serialisable")
}

/// The first fault, and a list of as many as there is room for.
fn fault_details(list: &FaultList, max_bytes: usize) -> Details<'_> {
    /// Bytes of `errors`, `more` and braces, at most.
    const FRAME_BYTES: usize = 64;
    let details = Details {
        fault: list.faults.first().map(|fault| FaultOut { code: None, ..fault_out(fault) }),
        ..Details::default()
    };
    let all = list.faults.len() + list.more;
    if all == 1 {
        return details;
    }
    let mut bytes_left = max_bytes.saturating_sub(FRAME_BYTES + raw(&details).get().len());
    let fits = |fault: &FaultOut| {
        let left = bytes_left.checked_sub(raw(fault).get().len() + ",".len());
        bytes_left = left.unwrap_or(0);
        left.is_some()
    };
    let errors: Vec<_> = list.faults.iter().map(fault_out).take_while(fits).collect();
    Details { more: Some(all - errors.len()).filter(|more| *more > 0), errors: Some(errors), ..details }
}

fn fault_out(fault: &Fault) -> FaultOut<'_> {
    let (expected, received) = match fault.kind {
        FaultKind::WrongType { expected, received, .. } => (Some(expected), Some(received)),
        _ => (None, None),
    };
    FaultOut {
        field: Some(&fault.field),
        pointer: fault.pointer.as_deref(),
        code: Some(fault_code(&fault.kind)),
        issue: fault.kind.to_string(),
        expected,
        received,
    }
}

fn stored_limit_out(limit: StoredLimit) -> FaultOut<'static> {
    let (field, pointer) = match limit {
        StoredLimit::PropertyKeys => (Some("properties"), None),
        StoredLimit::OriginKeys => (Some("origin"), None),
        // The pointer to the whole document.
        StoredLimit::ProfileBytes => (None, Some("")),
    };
    FaultOut { field, pointer, code: None, issue: limit_issue(limit), expected: None, received: None }
}
