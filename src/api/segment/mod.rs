//! The routes of Segment's protocol, so that its SDKs can write users. An identify becomes the body that
//! `POST /v1/users` would take, with `as_of`.

mod admission;
mod answer;
mod arrival;
mod clock;
mod first_touch;
mod message;
mod traits;
mod write_key;

use super::admission::take_token;
use super::auth;
use super::error::ApiError;
use super::http::{Call, Reply};
use super::outcomes;
use super::platform::{Cx, Platform};
use super::read;
use crate::bounds::{FREE_IDENTIFIES, MAX_BATCH_BYTES, MAX_MESSAGES};
use crate::input::fields::{Faults, Fields, Part};
use crate::input::{percent, query};
use crate::json::{self, Object, Value};
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::store::{Caller, StoredLimit, Written};
use crate::user::NewUser;
use answer::{IngestOut, strict_reply};
use arrival::Arrival;
use message::SegmentMessage;
use serde::Serialize;

/// `POST /v1/batch`, `/v1/identify`, `/v1/track` and the like: stores the users of identifies, and answers 200 whatever
/// becomes of each, so that no SDK sends again what can't be stored. `kind` is the type of the one message that the
/// body is; None: the body is a batch, and each message says its type.
///
/// 1. admit: the key, from the header or from the body; the scope; a token of policy `ingest`; 401, 403, 413, 415, 429, 400
/// 2. parse: bytes → messages, each a [`NewUser`], its faults, or nothing to store; 413, 400
/// 3. store: in statements of at most 1 MiB, in turn, each atomic; 401, 429, 500, 503
/// 4. reply
pub async fn ingest<P: Platform>(cx: &Cx<'_, P>, kind: Option<&'static str>) -> Result<Reply, ApiError> {
    // 1 admit
    let (caller, bytes) = admission::admit(cx).await?;
    // 2 parse
    let strict = is_strict(cx.call)?;
    let body = read::object_of(&bytes, json::parse_object_lossy)?;
    let messages = messages(body, kind, &Arrival { now: cx.now(), strict })?;
    // 3 store
    let users: Vec<&NewUser> = messages.iter().filter_map(SegmentMessage::user).collect();
    if users.len() > FREE_IDENTIFIES {
        take_token(cx, &caller, Policy::Batch).await?;
    }
    let stored = store_in_pieces(cx, &caller, &users).await?;
    // 4 reply
    if strict {
        return Ok(strict_reply(cx, messages, stored));
    }
    let out = IngestOut::new(messages, stored);
    cx.log.borrow_mut().refused = out.refused();
    Ok(Reply::json(200, &out))
}

/// Whether the query says `strict=1`, the one parameter that there is.
fn is_strict(call: &Call) -> Result<bool, ApiError> {
    let query = query::parse(&call.query).map_err(ApiError::Faults)?;
    let mut faults = Faults::new(Part::Query);
    let mut fields = Fields::new(&query, &mut faults);
    let strict = fields.optional("strict", |value, faults| {
        if *value != Value::String("1".into()) {
            faults.invalid("Must be 1");
        }
        Some(true)
    });
    fields.deny_unknown();
    faults.finish(Some(strict.is_some())).map_err(ApiError::Faults)
}

/// The messages of a body, each read by itself.
fn messages(mut body: Object, kind: Option<&'static str>, arrival: &Arrival) -> Result<Vec<SegmentMessage>, ApiError> {
    let sent_at = clock::moment(&body, "sentAt");
    if kind.is_some() {
        return Ok(vec![SegmentMessage::read(Value::Object(body), kind, sent_at, arrival)]);
    }
    let mut faults = Faults::default();
    let length = Fields::new(&body, &mut faults).required("batch", |value, faults| match value {
        Value::Array(messages) => {
            if messages.is_empty() {
                faults.invalid("Must have a message");
            }
            Some(messages.len())
        }
        other => faults.wrong_type("array", other),
    });
    if faults.finish(length).map_err(ApiError::Faults)? > MAX_MESSAGES {
        return Err(ApiError::TooManyMessages);
    }
    let Some(Value::Array(batch)) = body.take("batch") else { return Ok(Vec::new()) };
    Ok(batch.into_iter().map(|message| SegmentMessage::read(message, None, sent_at, arrival)).collect())
}

/// Stores the users in statements of at most [`MAX_BATCH_BYTES`]; one outcome for each in turn.
async fn store_in_pieces<P: Platform>(
    cx: &Cx<'_, P>,
    caller: &Caller,
    users: &[&NewUser],
) -> Result<Vec<Result<Written, StoredLimit>>, ApiError> {
    let mut stored = Vec::new();
    for piece in pieces(users) {
        let elements: Vec<_> = piece.iter().map(|user| outcomes::Element::Upsert(user)).collect();
        stored.extend(outcomes::write(cx, caller, &elements).await?);
    }
    Ok(stored)
}

/// Splits users, in their order, into pieces of at most [`MAX_BATCH_BYTES`]. A larger user is a piece of its own.
fn pieces<'u>(users: &'u [&'u NewUser]) -> impl Iterator<Item = &'u [&'u NewUser]> {
    let mut rest = users;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |user: &&&NewUser| {
            bytes += user.bytes();
            bytes <= MAX_BATCH_BYTES
        };
        let length = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (piece, others) = rest.split_at(length);
        rest = others;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

#[derive(Serialize)]
struct SettingsOut<'a> {
    integrations: IntegrationsOut<'a>,
}

#[derive(Serialize)]
struct IntegrationsOut<'a> {
    #[serde(rename = "Segment.io")]
    segment: DestinationOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DestinationOut<'a> {
    api_key: &'a str,
    api_host: String,
    protocol: &'a str,
}

/// `GET /v1/projects/{key}/settings`: tells analytics.js to send here. Only with a key that may do nothing else, since
/// everybody can see it.
pub async fn settings<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let key = percent::decode(cx.parameter).ok_or(ApiError::InvalidApiKey)?;
    let caller = auth::authenticate_key(cx, &auth::parse_key(cx, &key)?).await?;
    if caller.record.scopes != [Scope::Ingest] {
        return Err(ApiError::TooPermissive { current: caller.record.scopes });
    }
    read::no_query(cx.call)?;
    let (protocol, host) = cx.call.base_url.split_once("://").unwrap_or(("https", &cx.call.base_url));
    let segment = DestinationOut { api_key: &key, api_host: format!("{host}/v1"), protocol };
    Ok(Reply::json(200, &SettingsOut { integrations: IntegrationsOut { segment } }))
}

#[cfg(test)]
mod tests {
    use super::message::Content;
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn users_are_split_in_their_order_by_bytes() {
        let user = |i: usize, bytes: usize| {
            let body = format!(r#"{{"user_id":"u{i}","properties":{{"k":"{}"}}}}"#, "x".repeat(bytes));
            NewUser::parse(&json::parse_object(body.as_bytes()).unwrap(), Timestamp::from_ms(0)).unwrap()
        };
        let third = MAX_BATCH_BYTES / 3;
        for (sizes, expected) in [
            (&[][..], &[][..]),
            (&[1, 1, 1], &[3]),
            (&[third, third, third], &[2, 1]),
            (&[1, MAX_BATCH_BYTES, 1, 1], &[1, 1, 2]),
            (&[MAX_BATCH_BYTES, 1], &[1, 1]),
        ] {
            let users: Vec<_> = sizes.iter().enumerate().map(|(i, bytes)| user(i, *bytes)).collect();
            let users: Vec<_> = users.iter().collect();
            let split: Vec<_> = pieces(&users).collect();
            assert_eq!(split.iter().map(|piece| piece.len()).collect::<Vec<_>>(), expected);
            assert_eq!(split.concat(), users);
        }
    }

    #[test]
    fn a_batch_is_an_array_of_1_to_1000() {
        let read = |body: &str| {
            let arrival = Arrival { now: Timestamp::from_ms(0), strict: false };
            messages(json::parse_object(body.as_bytes()).unwrap(), None, &arrival)
        };
        let batch = |n: usize| read(&format!(r#"{{"batch":[{}]}}"#, vec!["{}"; n].join(","))).map(|all| all.len());
        assert_eq!((batch(1), batch(1000), batch(1001)), (Ok(1), Ok(1000), Err(ApiError::TooManyMessages)));
        for (body, place, issue) in [
            ("{}", "batch", "Field is required"),
            (r#"{"batch":[]}"#, "batch", "Must have a message"),
            (r#"{"batch":{}}"#, "batch", "Expected array, received object"),
        ] {
            let Err(ApiError::Faults(list)) = read(body) else { panic!("{body}") };
            assert_eq!((list.faults[0].place(), list.faults[0].kind.to_string().as_str()), (place, issue));
        }
        assert!(matches!(read(r#"{"batch":[7]}"#).unwrap()[0].content, Content::Refused(_)));
    }
}
