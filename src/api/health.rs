//! Whether Roster is up.

use super::{ApiError, Edge, Reply};
use crate::store::Store;
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
pub async fn ready(edge: &impl Edge) -> Result<Reply, ApiError> {
    match edge.store().ping().await {
        Ok(()) => Ok(alive()),
        Err(error) => Err(ApiError::Unavailable { cause: error.to_string() }),
    }
}
