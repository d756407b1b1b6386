//! Reads the body and the query of a request.

use super::error::ApiError;
use super::http::{Call, Encoding};
use super::platform::{BodyError, Cx, Platform};
use crate::bounds::{MAX_BATCH_BYTES, MAX_BODY_BYTES};
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::input::query;
use crate::json::{self, Object, ObjectError};

/// Refuses any query parameter.
pub fn no_query(call: &Call) -> Result<(), ApiError> {
    let query = query::parse(&call.query).map_err(ApiError::Faults)?;
    let mut faults = Faults::new(Part::Query);
    Fields::new(&query, &mut faults).deny_unknown();
    faults.finish(Some(())).map_err(ApiError::Faults)
}

/// Reads the body and hands its one object to `parse`.
pub async fn object<P: Platform, T>(
    cx: &Cx<'_, P>,
    parse: impl FnOnce(&Object) -> Result<T, FaultList>,
) -> Result<T, ApiError> {
    let bytes = bytes(cx, MAX_BODY_BYTES).await?;
    parse(&object_of(&bytes, json::parse_object)?).map_err(ApiError::Faults)
}

/// Reads the body of a batch, and hands its one object to `parse`. What is not JSON in an element is that element's fault.
pub async fn elements<P: Platform, T>(
    cx: &Cx<'_, P>,
    parse: impl FnOnce(&Object) -> Result<T, FaultList>,
) -> Result<T, ApiError> {
    let bytes = bytes(cx, MAX_BATCH_BYTES).await?;
    parse(&object_of(&bytes, json::parse_elements)?).map_err(ApiError::Faults)
}

/// Reads the body, decoded.
pub async fn bytes<P: Platform>(cx: &Cx<'_, P>, limit_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let encoding = encoding(cx.call.content_encoding.as_deref())?;
    cx.wait(cx.platform.body(encoding, limit_bytes)).await.map_err(|error| match error {
        BodyError::TooLarge => ApiError::PayloadTooLarge { limit_bytes },
        BodyError::Broken => ApiError::InvalidRequest("The body ended before it was whole".into()),
        BodyError::Undecodable => {
            ApiError::InvalidRequest("The body is not one whole gzip member, though Content-Encoding says gzip".into())
        }
    })
}

/// The one object of a body.
pub fn object_of(bytes: &[u8], parse: fn(&[u8]) -> Result<Object<'_>, ObjectError>) -> Result<Object<'_>, ApiError> {
    if bytes.is_empty() {
        return Err(ApiError::InvalidRequest("The body is empty; a JSON object is expected".into()));
    }
    parse(bytes).map_err(|error| match error {
        ObjectError::Syntax(error) => ApiError::InvalidRequest(format!("Invalid JSON: {error}")),
        ObjectError::Type(name) => ApiError::InvalidRequest(format!("The body must be a JSON object, not {name}")),
    })
}

/// Reads a `Content-Encoding` header. `x-gzip` is gzip (RFC 9110 section 8.4.1.3).
fn encoding(header: Option<&str>) -> Result<Encoding, ApiError> {
    match header.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        _ => Err(ApiError::UnsupportedEncoding),
    }
}
