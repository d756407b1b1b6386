//! The contract as it is published, and the page to read and try it: files that are shipped with the Worker.

use super::{ApiError, Edge, Reply};

/// Nothing but what this Worker ships, no script and no style sheet but from a file. The renderer sets style attributes
/// and has small pictures in its style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// A shipped file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    pub path: &'static str,
    content_type: &'static str,
}

const FILES: [File; 6] = [
    File { path: "/", content_type: "text/html; charset=utf-8" },
    File { path: "/openapi.yaml", content_type: "application/yaml" },
    File { path: "/page.js", content_type: "text/javascript; charset=utf-8" },
    File { path: "/page.css", content_type: "text/css; charset=utf-8" },
    File { path: "/swagger-ui-bundle.js", content_type: "text/javascript; charset=utf-8" },
    File { path: "/swagger-ui.css", content_type: "text/css; charset=utf-8" },
];

impl File {
    /// The file at this path, if one is shipped.
    pub fn at(path: &str) -> Option<Self> {
        FILES.into_iter().find(|file| file.path == path)
    }
}

/// `GET /`, `GET /openapi.yaml`, and what the page needs.
pub async fn read(edge: &impl Edge, file: File) -> Result<Reply, ApiError> {
    let body = edge.file(file.path).await.map_err(|cause| ApiError::Internal { cause })?;
    let reply = Reply { content_type: file.content_type, body, ..Reply::empty(200) };
    Ok(reply.with("Content-Security-Policy", CONTENT_SECURITY_POLICY))
}
