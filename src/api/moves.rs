//! `/v1/projects/{project}/move`: a project moves to another storage while it serves, managed by the admin.

use super::admin::require_admin;
use super::error::{ApiError, MoveRefusal};
use super::http::Reply;
use super::platform::{Cx, Platform};
use super::projects::{ChosenStorage, parse_name, storage};
use super::read;
use crate::input::fields::{FaultList, Faults, Fields};
use crate::json::Object;
use crate::key::Project;
use crate::placement::Storage;
use crate::store::ControlStore;
use crate::store::moving::{Move, Moving, Step, give_up};
use crate::time::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
struct MovedOut<'a> {
    success: bool,
    #[serde(rename = "move")]
    moved: MoveOut<'a>,
}

#[derive(Serialize)]
struct MoveOut<'a> {
    state: &'static str,
    from: Storage,
    to: Storage,
    /// Users that were copied. Who changes meanwhile is copied again.
    copied: u64,
    /// Users that there were when it began.
    total: u64,
    /// Seconds since the oldest change that is not copied.
    behind: Option<u64>,
    since: Timestamp,
    error: Option<&'a str>,
}

impl<'a> From<&'a Move> for MoveOut<'a> {
    fn from(moved: &'a Move) -> Self {
        let state = match moved.step {
            Step::Prepare => "preparing",
            Step::Copy | Step::Lift | Step::Restart => "copying",
            Step::Drain | Step::Switch => "switching",
            Step::Clean => "cleaning",
            Step::Done => "done",
            Step::GiveUp | Step::Undo => "giving up",
            Step::GivenUp => "given up",
        };
        MoveOut {
            state,
            from: moved.from.storage,
            to: moved.to.storage,
            copied: moved.copied,
            total: moved.total,
            behind: moved.behind.map(|ms| ms / 1000),
            since: Timestamp::from_ms(moved.since),
            error: moved.error.as_deref(),
        }
    }
}

fn reply(status: u16, moved: MoveOut<'_>) -> Reply {
    Reply::json(status, &MovedOut { success: true, moved })
}

/// The body of `POST /v1/projects/{project}/move`.
fn parse(body: &Object) -> Result<ChosenStorage, FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::new(body, &mut faults);
    let chosen = fields.required("storage", storage);
    fields.deny_unknown();
    faults.finish(chosen)
}

/// `POST /v1/projects/{project}/move`: begins to move a project; 202. The same again is harmless. Where the project is already, 200.
pub async fn begin<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let name = parse_name(cx.parameter)?;
    let chosen = read::object(cx, parse).await?;
    let control = cx.platform.control();
    loop {
        let moving = cx.wait(control.find_move(&name)).await?.ok_or(ApiError::ProjectNotFound)?;
        let here = moving.residence.place.storage;
        let wanted = chosen.over(Some(here));
        let running = moving.last.as_ref().filter(|last| !last.step.is_end());
        if let Some(last) = running
            && last.step.moves()
        {
            if last.to.storage != chosen.over(Some(last.from.storage)) {
                return Err(MoveRefusal::InProgress.into());
            }
            cx.wait(cx.platform.wake_mover(&name)).await?;
            return Ok(reply(202, last.into()));
        }
        if wanted == here {
            return Ok(reply(200, stays(&moving, cx.now())));
        }
        if running.is_some() {
            return Err(MoveRefusal::InProgress.into());
        }
        let begun = Move::begin(&moving, wanted, cx.now());
        let save = control.save_move(&name, moving.last.as_ref(), &begun, begun.residence());
        if cx.wait(save).await? {
            cx.wait(cx.platform.wake_mover(&name)).await?;
            return Ok(reply(202, (&begun).into()));
        }
        // Somebody else has begun one meanwhile.
    }
}

/// What is said of a project that is where it is to be: its move there, or one that took no time.
fn stays(moving: &Moving, now: Timestamp) -> MoveOut<'_> {
    let here = moving.residence.place;
    match moving.last.as_ref().filter(|last| last.to == here) {
        Some(last) => last.into(),
        None => MoveOut {
            state: "done",
            from: here.storage,
            to: here.storage,
            copied: 0,
            total: 0,
            behind: None,
            since: now,
            error: None,
        },
    }
}

/// `GET /v1/projects/{project}/move`: how far the last move of a project is.
pub async fn get<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let name = authorise(cx)?;
    let moving = cx.wait(cx.platform.control().find_move(&name)).await?.ok_or(ApiError::ProjectNotFound)?;
    let last = moving.last.ok_or(MoveRefusal::NotFound)?;
    Ok(reply(200, (&last).into()))
}

/// `DELETE /v1/projects/{project}/move`: gives a move up, until it switches: nothing is copied after the answer, and writes go on.
/// Again is harmless.
pub async fn end<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let name = authorise(cx)?;
    let control = cx.platform.control();
    cx.wait(control.find_move(&name)).await?.ok_or(ApiError::ProjectNotFound)?;
    let last = cx.wait(give_up(&*control, &**cx.platform.users(), &name)).await?.ok_or(MoveRefusal::NotFound)?;
    if !matches!(last.step, Step::GiveUp | Step::Undo | Step::GivenUp) {
        return Err(MoveRefusal::Switching.into());
    }
    if !last.step.is_end() {
        cx.wait(cx.platform.wake_mover(&name)).await?;
    }
    Ok(reply(200, (&last).into()))
}

/// The project of a path that takes no query, for the admin.
fn authorise<P: Platform>(cx: &Cx<'_, P>) -> Result<Project, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    parse_name(cx.parameter)
}
