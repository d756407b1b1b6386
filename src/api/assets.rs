//! The published contract, and the page to read and try it: files that ship with the Worker.

use super::error::ApiError;
use super::http::Reply;
use super::platform::{Cx, Platform};

/// Allows only files of this Worker, and no inline script or style sheet. The renderer sets style attributes and has small
/// pictures in its style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// `GET /`, `GET /openapi.yaml`, and the files of the page.
pub async fn read<P: Platform>(cx: &Cx<'_, P>, path: &str) -> Result<Reply, ApiError> {
    let body = cx.wait(cx.platform.asset(path)).await.map_err(|cause| ApiError::Internal { cause })?;
    let reply = Reply { content_type: content_type(path), body, ..Reply::empty(200) };
    Ok(reply.with("Content-Security-Policy", CONTENT_SECURITY_POLICY))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("yaml") => "application/yaml",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "text/html; charset=utf-8",
    }
}
