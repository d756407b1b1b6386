//! The `user_id` of a path.

use crate::api::error::ApiError;
use crate::input::fields::{FaultList, Part};
use crate::input::percent;
use crate::rule::BrokenRule;
use crate::user::ExternalId;

/// The `user_id` of a path, percent-decoded once.
pub fn parse(segment: &str) -> Result<ExternalId, ApiError> {
    let decoded = percent::decode(segment).ok_or(BrokenRule::new("Must be percent-encoded UTF-8"));
    let parsed = decoded.and_then(|id| id.parse());
    parsed.map_err(|rule| ApiError::Faults(FaultList::one(Part::Path, "user_id", rule)))
}
