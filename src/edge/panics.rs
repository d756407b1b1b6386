//! A panic ends this module and all its requests; `entry.js` then lets the next module answer them.

use super::js::variable;
use crate::api::ApiError;
use js_sys::{Function, Reflect};
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Env, event};

thread_local! {
    // The request that is being polled, for the panic hook.
    static CURRENT: RefCell<Option<JsValue>> = RefCell::default();
}

#[event(start)]
fn start() {
    // The runtime's own hook recovers from a panic: say more first, then let it run.
    let recover = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        console_error_panic_hook::hook(info);
        report_panic(&info.to_string());
        recover(info);
    }));
}

/// Makes `entry.js` answer all requests that end with this module. Without `entry.js`, the runtime answers them.
fn report_panic(cause: &str) {
    let request = CURRENT.take().unwrap_or_default();
    let report = Reflect::get(&js_sys::global(), &"rosterPanicked".into()).unwrap_or_default();
    if let Some(report) = report.dyn_ref::<Function>() {
        // Nothing is left to catch what it throws.
        let _ = report.call2(&JsValue::NULL, &request, &cause.into());
    }
}

/// Records which request is being polled, for the panic hook.
pub async fn watch<T>(request: JsValue, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|task| {
        CURRENT.set(Some(request.clone()));
        let outcome = work.as_mut().poll(task);
        CURRENT.set(None);
        outcome
    })
    .await
}

/// The error that ended this request in an earlier module, as reported by `entry.js`.
pub fn earlier_end(env: &Env) -> Option<ApiError> {
    let cause = |name| variable(env, name);
    let own = cause("ROSTER_PANIC").map(|cause| ApiError::Internal { cause });
    own.or_else(|| cause("ROSTER_PANIC_OF_ANOTHER").map(|cause| ApiError::Unavailable { cause }))
}
