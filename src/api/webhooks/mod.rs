//! `/v1/webhooks`: webhooks, managed by the admin. A write of a project pokes those that it has.

mod show;

use super::admin::require_admin;
use super::error::ApiError;
use super::http::{Call, Reply};
use super::platform::{Cx, Platform};
use super::read;
use crate::input::fields::{FaultList, Faults, Fields, Part};
use crate::input::{percent, query};
use crate::json::{Object, Value};
use crate::key::{Project, WebhookAddress, WebhookRecord};
use crate::placement::{Placement, Storage};
use crate::store::{Caller, ControlStore};
use crate::time::Timestamp;
use crate::webhooks::{NewWebhook, Secret, WebhookAnswer, WebhookRequest, Webhooks, parse_change};
use serde_json::value::RawValue;
use show::{CreatedOut, DeletedOut, ListOut, SecretOut, WebhookOut};

/// `POST /v1/webhooks`: makes a webhook, which begins at now, and shows its secret, this once.
///
/// 1. admit the admin; 401
/// 2. parse; 413, 415, 400
/// 3. store its name, if there is room; 404, 409
/// 4. have its object begin; if it can't, forget the name; 503
pub async fn create<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    // 1 admit
    require_admin(cx)?;
    read::no_query(cx.call)?;
    // 2 parse
    let allow_insecure = cx.platform.settings().allow_insecure_webhooks;
    let NewWebhook { project, choice } = read::object(cx, |body| NewWebhook::parse(body, allow_insecure)).await?;
    // 3 store
    let control = cx.platform.control();
    let project = cx.wait(control.find_project(&project)).await?.ok_or(ApiError::ProjectNotFound)?;
    let jurisdiction = match project.storage {
        Storage::Objects(Placement { jurisdiction, .. }) => jurisdiction,
        Storage::D1 => None,
    };
    let address = WebhookAddress { id: cx.new_id("whk_"), jurisdiction };
    let record = WebhookRecord { address, project: project.name, created_at: cx.now() };
    if !cx.wait(control.create_webhook(&record)).await? {
        return Err(ApiError::TooManyWebhooks);
    }
    // 4 begin
    let secret = new_secret(cx);
    let WebhookRecord { address, project, .. } = record;
    let (id, name) = (address.id.clone(), project.as_str().into());
    let request = WebhookRequest::Create { id, project: name, choice, secret: secret.clone() };
    match call_one(cx, &address, &request).await.and_then(described) {
        Ok(_) => Ok(Reply::json(201, &CreatedOut::new(&address.id, &project, &secret))),
        Err(error) => {
            let ended = call_one(cx, &address, &WebhookRequest::Delete).await;
            if ended.is_ok() {
                cx.wait(control.delete_webhook(&address.id)).await?;
            }
            Err(error)
        }
    }
}

fn new_secret<P: Platform>(cx: &Cx<'_, P>) -> Secret {
    Secret::generate(|bytes| cx.platform.fill_random(bytes))
}

/// `GET /v1/webhooks`: all webhooks, or those of one project.
pub async fn list<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    let project = project_to_list(cx.call).map_err(ApiError::Faults)?;
    let records = cx.wait(cx.platform.control().list_webhooks(project.as_ref())).await?;
    let addresses: Vec<_> = records.into_iter().map(|record| record.address).collect();
    let answers = call(cx, &addresses, &WebhookRequest::Describe).await?;
    // One that is just being made or deleted is not there.
    let there = answers.into_iter().filter(|answer| !matches!(answer, WebhookAnswer::NotThere));
    let webhooks = there.map(described).collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::json(200, &ListOut::new(webhooks)))
}

/// The query of `GET /v1/webhooks`.
fn project_to_list(call: &Call) -> Result<Option<Project>, FaultList> {
    let query = query::parse(&call.query)?;
    let mut faults = Faults::new(Part::Query);
    let mut fields = Fields::new(&query, &mut faults);
    let project = fields.optional("project", |value, faults| {
        let text = faults.string(value)?;
        faults.parsed(text.parse())
    });
    fields.deny_unknown();
    faults.finish(Some(project))
}

/// `GET /v1/webhooks/{webhook_id}`
pub async fn get<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    answer_described(cx, &WebhookRequest::Describe).await
}

/// `PATCH /v1/webhooks/{webhook_id}`: changes what the body has. `paused: false` also sets one going that was disabled.
pub async fn change<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let allow_insecure = cx.platform.settings().allow_insecure_webhooks;
    // Its object reads it again.
    let change = |body: &Object| parse_change(body, allow_insecure).map(|_| Value::Object(body.clone()).to_string());
    let change = read::object(cx, change).await?;
    answer_described(cx, &WebhookRequest::Change(change)).await
}

/// `POST /v1/webhooks/{webhook_id}/replay`: goes back to a moment, under new ids. 410 if a deletion behind it was forgotten.
pub async fn replay<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let since = read::object(cx, parse_replay).await?;
    answer_described(cx, &WebhookRequest::Replay(since.as_ms())).await
}

/// `POST /v1/webhooks/{webhook_id}/rotate`: makes another secret, and shows it, this once. The one before signs for a day.
pub async fn rotate<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let (secret, address) = (new_secret(cx), address(cx).await?);
    described(call_one(cx, &address, &WebhookRequest::Rotate(secret.clone())).await?)?;
    Ok(Reply::json(200, &SecretOut::new(&address.id, &secret)))
}

/// `POST /v1/webhooks/{webhook_id}/test`: sends a test, and answers what the receiver answered.
pub async fn test<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    match call_named(cx, &WebhookRequest::Test).await? {
        WebhookAnswer::Tested(tested) => Ok(Reply::json(200, &tested)),
        answer => Err(described(answer).err().unwrap_or_else(unfit)),
    }
}

/// `DELETE /v1/webhooks/{webhook_id}`: after the answer nothing is sent. Again it is a 404.
pub async fn delete<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    require_admin(cx)?;
    read::no_query(cx.call)?;
    let address = address(cx).await?;
    match call_one(cx, &address, &WebhookRequest::Delete).await? {
        WebhookAnswer::Deleted => cx.wait(cx.platform.control().delete_webhook(&address.id)).await?,
        answer => return Err(described(answer).err().unwrap_or_else(unfit)),
    }
    Ok(Reply::json(200, &DeletedOut::new(&address.id)))
}

/// Pokes the webhooks of a caller's project, which has changed: in the background, and at most once a second.
pub fn poke<P: Platform>(cx: &Cx<'_, P>, caller: &Caller) {
    let record = &caller.record;
    if record.webhooks.is_empty() {
        return;
    }
    let due_in_ms = cx.platform.pokes().borrow_mut().due_in_ms(&record.project, cx.now());
    let Some(due_in_ms) = due_in_ms else { return };
    let (webhooks, addresses) = (cx.platform.webhooks(), record.webhooks.clone());
    cx.platform.in_background(async move { webhooks.poke(&addresses, due_in_ms).await });
}

async fn answer_described<P: Platform>(cx: &Cx<'_, P>, request: &WebhookRequest) -> Result<Reply, ApiError> {
    let webhook = described(call_named(cx, request).await?)?;
    Ok(Reply::json(200, &WebhookOut::new(webhook)))
}

/// The body of `POST /v1/webhooks/{webhook_id}/replay`.
fn parse_replay(body: &Object) -> Result<Timestamp, FaultList> {
    let mut faults = Faults::default();
    let mut fields = Fields::new(body, &mut faults);
    let since = fields.required("since", |value, faults| {
        let text = faults.string(value)?;
        faults.parsed(text.parse::<Timestamp>())
    });
    fields.deny_unknown();
    faults.finish(since)
}

/// Where the webhook of the path is; 404.
async fn address<P: Platform>(cx: &Cx<'_, P>) -> Result<WebhookAddress, ApiError> {
    let id = percent::decode(cx.parameter).ok_or(ApiError::WebhookNotFound)?;
    let found = cx.wait(cx.platform.control().find_webhook(&id)).await?;
    found.map(|record| record.address).ok_or(ApiError::WebhookNotFound)
}

async fn call_named<P: Platform>(cx: &Cx<'_, P>, request: &WebhookRequest) -> Result<WebhookAnswer, ApiError> {
    call_one(cx, &address(cx).await?, request).await
}

async fn call_one<P: Platform>(
    cx: &Cx<'_, P>,
    address: &WebhookAddress,
    request: &WebhookRequest,
) -> Result<WebhookAnswer, ApiError> {
    call(cx, std::slice::from_ref(address), request).await?.pop().ok_or_else(unfit)
}

async fn call<P: Platform>(
    cx: &Cx<'_, P>,
    addresses: &[WebhookAddress],
    request: &WebhookRequest,
) -> Result<Vec<WebhookAnswer>, ApiError> {
    let called = cx.wait(cx.platform.webhooks().call(addresses, request)).await;
    called.map_err(|cause| ApiError::Unavailable { cause })
}

/// The webhook that an answer describes, or the error that it means.
fn described(answer: WebhookAnswer) -> Result<Box<RawValue>, ApiError> {
    match answer {
        WebhookAnswer::Described(webhook) => Ok(webhook),
        WebhookAnswer::NotThere => Err(ApiError::WebhookNotFound),
        WebhookAnswer::CursorExpired => Err(ApiError::CursorExpired),
        WebhookAnswer::Unavailable(cause) => Err(ApiError::Unavailable { cause }),
        WebhookAnswer::Tested(_) | WebhookAnswer::Deleted | WebhookAnswer::Poked => Err(unfit()),
    }
}

fn unfit() -> ApiError {
    ApiError::Internal { cause: "answer of a webhook's object does not fit the request".into() }
}
