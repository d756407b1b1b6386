//! The Worker's entry: a Request in, a Response out, a line in the log.

mod body;
mod copies;
mod d1;
mod fetcher;
mod http;
mod js;
mod limiter;
mod mover;
mod objects;
mod panics;
mod rpc;
mod runtime;
mod sqlite;
mod webhooks;
mod worker;

use crate::api::{self, ApiError, DataPoint};
use ::worker::wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use ::worker::wasm_bindgen_futures::future_to_promise;
use ::worker::web_sys::{Request, Response};
use ::worker::{AnalyticsEngineDataPointBuilder, Context, Env, Result, console_error, console_log, worker_sys};
use js::member;
use runtime::{Hops, now};
use std::task::{self, Poll, Waker};
use worker::{Worker, version};

/// Answers a request: by a promise if it has to wait, else at once. What waits is polled again in the next microtask.
#[wasm_bindgen]
pub fn fetch(request: Request, env: Env, context: worker_sys::Context) -> std::result::Result<JsValue, JsValue> {
    let answer = panics::watch(JsValue::from(&request), respond(request, env, Context::new(context)));
    let mut answer = Box::pin(async { Ok(answer.await?.into()) });
    match answer.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(answered) => answered,
        Poll::Pending => Ok(future_to_promise(answer).into()),
    }
}

async fn respond(request: Request, env: Env, context: Context) -> Result<Response> {
    let begun = now();
    let call = http::call(&request, version(&env));
    let hops = Hops::default();
    let analytics = member(&env, "ANALYTICS").and_then(|_| env.analytics_engine("ANALYTICS").ok());
    let handled = match Worker::new(request, &env, context, hops.clone()) {
        Err(cause) => api::fail(&call, ApiError::Internal { cause }, None),
        Ok(worker) => match panics::earlier_end(&env) {
            Some(error) => api::fail(&call, error, Some(&worker.settings)),
            None => api::handle(&call, &worker).await,
        },
    };
    let (hops, duration_ms) = (hops.count(), now().as_ms().saturating_sub(begun.as_ms()));
    let line = api::log_line(&call, &handled, hops, duration_ms);
    if handled.reply.status >= 500 {
        console_error!("{line}");
    } else {
        console_log!("{line}");
    }
    if let Some(analytics) = analytics {
        let DataPoint { index, blobs, doubles } = api::data_point(&call, &handled, hops, duration_ms);
        let point = AnalyticsEngineDataPointBuilder::new().indexes([index]).blobs(blobs).doubles(doubles);
        // A request does not fail because it is not counted.
        let _ = point.write_to(&analytics);
    }
    http::response(handled)
}
