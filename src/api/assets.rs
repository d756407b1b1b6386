//! The published contract, and the page to read and try it: files that ship with the Worker.

use super::error::ApiError;
use super::http::Reply;
use super::platform::{Cx, Platform};
use super::route;

/// Allows only files of this Worker, and no inline script or style sheet. The renderer sets style attributes and has small
/// pictures in its style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// `GET /`, the contract as `/openapi.yaml` and `/openapi.json`, `/llms.txt`, and the files of the page.
pub async fn read<P: Platform>(cx: &Cx<'_, P>, path: &str) -> Result<Reply, ApiError> {
    let body = cx.wait(cx.platform.asset(path)).await.map_err(|cause| ApiError::Internal { cause })?;
    let reply = Reply { content_type: content_type(path), body, ..Reply::empty(200) };
    Ok(reply.with("Content-Security-Policy", CONTENT_SECURITY_POLICY))
}

/// A path that is nothing: an error, or a page for whoever typed it into a browser.
pub async fn not_found<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let error = ApiError::RouteNotFound { similar: route::similar(&cx.call.path) };
    if !cx.call.accept.as_deref().is_some_and(|types| types.contains("text/html")) {
        return Err(error);
    }
    cx.log.borrow_mut().code = Some(error.code());
    // Its name as Cloudflare serves it: without the extension.
    let page = read(cx, "/404").await?;
    Ok(Reply { status: 404, ..page })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("yaml") => "application/yaml",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/html; charset=utf-8",
    }
}
