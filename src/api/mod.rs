//! The HTTP surface as values. [`handle`] is the whole of it: a [`Call`] in, a [`Handled`] out.

mod admin;
mod admin_token;
mod admission;
mod answer;
mod assets;
mod auth;
mod changes;
mod cors;
mod credential;
mod cursor;
mod data_point;
mod error;
mod error_body;
mod health;
mod http;
mod isolate;
mod keys;
mod log_line;
mod moves;
mod outcomes;
mod platform;
mod projects;
mod read;
mod route;
mod segment;
mod settings;
mod trace;
mod usage;
mod users;
mod webhooks;

pub use admin_token::AdminToken;
pub use answer::Handled;
pub use credential::Credential;
pub use data_point::{DataPoint, data_point};
pub use error::{ApiError, MoveRefusal};
pub use http::{Call, Encoding, Reply};
pub use isolate::{KeyCache, Network, Pokes, WrittenCopies};
pub use log_line::log_line;
pub use platform::{BodyError, Platform};
pub use route::{Operation, ROUTES};
pub use settings::{Settings, SettingsError};

use cors::AllowedOrigins;
use platform::{Cx, Log};
use route::Found;

/// Answers one request.
pub async fn handle(call: &Call, platform: &impl Platform) -> Handled {
    let found = route::find(&call.method, &call.path);
    let cx = Cx::new(call, platform, found.as_ref().map_or("", |found| found.parameter));
    let outcome = respond(&cx, found.as_ref()).await;
    let (now, route) = (cx.now(), found.map(|found| found.pattern));
    Handled::new(call, route, &platform.settings().allowed_origins, cx.log.into_inner(), outcome, now)
}

/// Builds the error response when the platform could not be set up.
pub fn fail(call: &Call, error: ApiError, settings: Option<&Settings>) -> Handled {
    let origins = settings.map_or(&AllowedOrigins::Any, |settings| &settings.allowed_origins);
    let route = route::find(&call.method, &call.path).map(|found| found.pattern);
    Handled::new(call, route, origins, Log::default(), Err(error), crate::time::Timestamp::from_ms(0))
}

async fn respond<P: Platform>(cx: &Cx<'_, P>, found: Option<&Found<'_>>) -> Result<Reply, ApiError> {
    if cx.call.method == "OPTIONS" {
        return Ok(cors::preflight(found.map_or_else(|| route::ALL_METHODS.into(), Found::allow)));
    }
    let Some(found) = found else {
        return assets::not_found(cx).await;
    };
    match found.operation.ok_or_else(|| found.method_not_allowed(&cx.call.method))? {
        Operation::UpsertUser => users::upsert(cx).await,
        Operation::ListUsers => users::list(cx).await,
        Operation::WriteUsers => users::write_all(cx).await,
        Operation::QueryUsers => users::query(cx).await,
        Operation::CountUsers => users::count(cx).await,
        Operation::GetUsers => users::get_many(cx).await,
        Operation::ListProperties => users::properties(cx).await,
        Operation::GetUser => users::get(cx).await,
        Operation::DeleteUser => users::delete(cx).await,
        Operation::ListChanges => changes::list(cx).await,
        Operation::CreateKey => keys::create(cx).await,
        Operation::ListKeys => keys::list(cx).await,
        Operation::RevokeKey => keys::revoke(cx).await,
        Operation::DescribeKey => keys::describe(cx).await,
        Operation::ListProjects => projects::list(cx).await,
        Operation::GetProject => projects::get(cx).await,
        Operation::GetUsage => usage::get(cx).await,
        Operation::ConfigureProject => projects::configure(cx).await,
        Operation::BeginMove => moves::begin(cx).await,
        Operation::GetMove => moves::get(cx).await,
        Operation::EndMove => moves::end(cx).await,
        Operation::CreateWebhook => webhooks::create(cx).await,
        Operation::ListWebhooks => webhooks::list(cx).await,
        Operation::GetWebhook => webhooks::get(cx).await,
        Operation::ChangeWebhook => webhooks::change(cx).await,
        Operation::DeleteWebhook => webhooks::delete(cx).await,
        Operation::RotateSecret => webhooks::rotate(cx).await,
        Operation::TestWebhook => webhooks::test(cx).await,
        Operation::ReplayWebhook => webhooks::replay(cx).await,
        Operation::IngestBatch => segment::ingest(cx, None).await,
        Operation::IngestMessage(kind) => segment::ingest(cx, Some(kind)).await,
        Operation::IngestSettings => segment::settings(cx).await,
        Operation::Health => Ok(health::alive()),
        Operation::Ready => health::ready(cx).await,
        Operation::Asset => assets::read(cx, found.pattern).await,
    }
}
