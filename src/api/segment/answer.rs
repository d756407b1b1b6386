//! What became of each message.

use super::arrival::Warning;
use super::message::{Content, SegmentMessage};
use crate::api::error::ApiError;
use crate::api::error_body::BatchErrors;
use crate::api::http::Reply;
use crate::api::outcomes::{self, UserOutcome};
use crate::api::platform::{Cx, Platform};
use crate::bounds::{MAX_DETAILS_BYTES, MAX_LOGGED_REFUSALS};
use crate::input::fields::FaultList;
use crate::key::ApiKey;
use crate::store::{StoredLimit, Upserted, Written};
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// Bytes of the names and quotes around a detail, at most.
const FRAME_BYTES: usize = 64;

/// The outcomes of the users to store, in turn.
type Stored = Vec<Result<Written, StoredLimit>>;

/// The answer. `received` is the sum of `stored`, `ignored` and the length of `errors`.
#[derive(Serialize)]
pub struct IngestOut {
    success: bool,
    received: usize,
    stored: usize,
    /// How many of those that are stored had something left out, because what stands is newer.
    stale: usize,
    ignored: Ignored,
    errors: Vec<ErrorOut>,
    warnings: Vec<WarningOut>,
    /// Bytes of details that there is room for.
    #[serde(skip)]
    bytes_left: usize,
}

#[derive(Serialize)]
struct ErrorOut {
    index: usize,
    code: &'static str,
    /// None: there is no room for it.
    #[serde(flatten)]
    detail: Option<ErrorDetailOut>,
}

#[derive(Serialize)]
struct ErrorDetailOut {
    message_id: Option<String>,
    field: String,
    message: String,
}

#[derive(Serialize)]
struct WarningOut {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<Cow<'static, str>>,
    message: Cow<'static, str>,
}

/// Numbers of ignored messages by name, in the order of their first.
#[derive(Default)]
struct Ignored(Vec<(&'static str, usize)>);

impl Serialize for Ignored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl Ignored {
    fn count(&mut self, name: &'static str) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => self.0.push((name, 1)),
        }
    }
}

impl IngestOut {
    pub fn new(messages: Vec<SegmentMessage>, stored: Stored) -> Self {
        let mut out = IngestOut {
            success: true,
            received: messages.len(),
            stored: 0,
            stale: 0,
            ignored: Ignored::default(),
            errors: Vec::new(),
            warnings: Vec::new(),
            bytes_left: MAX_DETAILS_BYTES,
        };
        let mut stored = stored.into_iter();
        for (index, message) in messages.into_iter().enumerate() {
            let SegmentMessage { id, content, warnings, .. } = message;
            out.warn(index, id.as_deref(), warnings);
            match outcome(content, &mut stored) {
                MessageOutcome::Ignored(name) => out.ignored.count(name),
                MessageOutcome::Stored(written) => {
                    out.stored += 1;
                    out.stale += usize::from(matches!(written, Written::Upserted(Upserted { stale: true, .. })));
                }
                MessageOutcome::Refused(error) => out.refuse(index, id, &error),
            }
        }
        if out.stored == 0 && out.errors.is_empty() {
            out.warnings.push(WarningOut {
                index: None,
                message_id: None,
                field: None,
                message: "No user was stored: only an identify with a userId stores one".into(),
            });
        }
        out
    }

    /// Adds an error: its code alone once there is no room for more.
    fn refuse(&mut self, index: usize, message_id: Option<String>, error: &ApiError) {
        let (code, detail) = error_detail(message_id, error);
        let bytes = detail.message_id.as_ref().map_or(0, String::len) + detail.field.len() + detail.message.len();
        let detail = self.has_room(bytes).then_some(detail);
        self.errors.push(ErrorOut { index, code, detail });
    }

    /// Adds warnings, as long as there is room.
    fn warn(&mut self, index: usize, id: Option<&str>, warnings: Vec<Warning>) {
        for Warning { field, message } in warnings {
            if self.has_room(id.map_or(0, str::len) + field.len() + message.len()) {
                let (index, message_id) = (Some(index), id.map(str::to_owned));
                self.warnings.push(WarningOut { index, message_id, field: Some(field), message });
            }
        }
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        let left = self.bytes_left.checked_sub(bytes + FRAME_BYTES);
        self.bytes_left = left.unwrap_or(0);
        left.is_some()
    }

    /// The first refused messages, for the log: `messageId` and code. An id of other characters than an SDK makes may be
    /// anything, so it is not logged.
    pub fn refused(&self) -> Vec<String> {
        let is_plain = |id: &&str| {
            id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') && id.parse::<ApiKey>().is_err()
        };
        let name = |error: &ErrorOut| {
            let id = error.detail.as_ref().and_then(|detail| detail.message_id.as_deref()).filter(is_plain);
            format!("{} {}", id.map_or_else(|| format!("#{}", error.index), str::to_owned), error.code)
        };
        self.errors.iter().take(MAX_LOGGED_REFUSALS).map(name).collect()
    }
}

/// The code and the first fault of a message.
fn error_detail(message_id: Option<String>, error: &ApiError) -> (&'static str, ErrorDetailOut) {
    let row = error.row();
    let fault = if let ApiError::Faults(FaultList { faults, .. }) = error { faults.first() } else { None };
    let (field, message) = match fault {
        Some(fault) => (fault.place().to_owned(), fault.kind.to_string()),
        // It has nothing but traits that could be too many.
        None => ("traits".to_owned(), row.message.into_owned()),
    };
    (row.code, ErrorDetailOut { message_id, field, message })
}

enum MessageOutcome {
    Ignored(&'static str),
    Stored(Written),
    Refused(ApiError),
}

fn outcome(content: Content, stored: &mut impl Iterator<Item = Result<Written, StoredLimit>>) -> MessageOutcome {
    match content {
        Content::Ignored(name) => MessageOutcome::Ignored(name),
        Content::Refused(list) => MessageOutcome::Refused(ApiError::Faults(list)),
        Content::User(_) => match stored.next() {
            Some(Ok(written)) => MessageOutcome::Stored(written),
            Some(Err(limit)) => MessageOutcome::Refused(ApiError::StoredLimit(limit)),
            None => MessageOutcome::Refused(ApiError::Internal { cause: "the store returned too few outcomes".into() }),
        },
    }
}

/// The answer to `?strict=1`, which is that of `POST /v1/users/batch` for the messages that are not ignored.
pub fn strict_reply<P: Platform>(cx: &Cx<'_, P>, messages: Vec<SegmentMessage>, stored: Stored) -> Reply {
    let mut stored = stored.into_iter();
    let mut errors = BatchErrors::default();
    let mut outcomes = Vec::new();
    for (index, SegmentMessage { user_id: external_id, content, .. }) in messages.into_iter().enumerate() {
        let written = match outcome(content, &mut stored) {
            MessageOutcome::Ignored(_) => continue,
            MessageOutcome::Stored(written) => Ok(written),
            MessageOutcome::Refused(error) => Err(errors.refusal(&error)),
        };
        outcomes.push(UserOutcome { index, external_id, written });
    }
    outcomes::answer(cx, &outcomes)
}
