//! `/v1/projects/{project}/usage`: what the last window has booked of each of a project's limits, for the admin.

use super::admin::require_admin;
use super::error::ApiError;
use super::http::Reply;
use super::platform::{Cx, Platform};
use super::projects::parse_name;
use super::read;
use crate::rate_limit::{Account, BookedSlot, Limiter, Policy, Usage};
use crate::store::ControlStore;
use crate::time::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct UsageOut {
    success: bool,
    usage: UsagesOut,
}

#[derive(Serialize)]
struct UsagesOut {
    users: PolicyUsageOut,
    batch: PolicyUsageOut,
    ingest: PolicyUsageOut,
    query: PolicyUsageOut,
}

#[derive(Serialize)]
struct PolicyUsageOut {
    limit: u32,
    window_seconds: u64,
    slots: Vec<SlotOut>,
}

#[derive(Serialize)]
struct SlotOut {
    at: Timestamp,
    booked: u32,
}

/// `GET /v1/projects/{project}/usage`: what the ledger of each policy has booked in the last window. Looking takes nothing.
pub async fn get<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let name = parse_name(cx.parameter)?;
    let project = cx.wait(cx.platform.control().find_project(&name)).await?.ok_or(ApiError::ProjectNotFound)?;
    let of_policy = async |policy| {
        let (account, default) =
            (Account { project: &project.name, policy }, cx.platform.settings().default_quota(policy));
        let Usage { quota, slots } = cx.wait(cx.platform.limiter().usage(account, default)).await?;
        let slot = |slot: BookedSlot| SlotOut { at: Timestamp::from_ms(slot.at_ms), booked: slot.booked };
        let slots = slots.into_iter().map(slot).collect();
        Ok::<_, ApiError>(PolicyUsageOut { limit: quota.limit, window_seconds: quota.window_seconds(), slots })
    };
    let usage = UsagesOut {
        users: of_policy(Policy::Users).await?,
        batch: of_policy(Policy::Batch).await?,
        ingest: of_policy(Policy::Ingest).await?,
        query: of_policy(Policy::Query).await?,
    };
    Ok(Reply::json(200, &UsageOut { success: true, usage }))
}
