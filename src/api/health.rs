//! Whether Roster is up.

use super::error::ApiError;
use super::http::Reply;
use super::platform::{Cx, Platform};
use crate::store::ControlStore;
use serde::Serialize;

#[derive(Serialize)]
struct HealthOut {
    status: &'static str,
}

/// `GET /health`: this isolate runs. No I/O.
pub fn alive() -> Reply {
    Reply::json(200, &HealthOut { status: "ok" })
}

/// `GET /health/ready`: the store answers too, or 503.
pub async fn ready<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    match cx.wait(cx.platform.control().ping()).await {
        Ok(()) => Ok(alive()),
        Err(error) => Err(ApiError::Unavailable { cause: error.to_string() }),
    }
}
