//! What the server answered.

use crate::error::CliError;
use serde::Deserialize;

/// A response that was received whole.
pub struct Response {
    pub status: u16,
    pub text: String,
}

/// The body of an error. It has no message where the server had no room for one.
#[derive(Deserialize)]
struct ErrorIn {
    message: Option<String>,
    code: String,
}

impl Response {
    /// The body of a 2xx.
    pub fn into_success(self) -> Result<String, CliError> {
        if (200..300).contains(&self.status) { Ok(self.text) } else { Err(self.denied()) }
    }

    /// Whether the key may do nothing of it: a batch that says so says it of each user too.
    pub fn is_forbidden(&self) -> bool {
        let code = serde_json::from_str(&self.text).map(|ErrorIn { code, .. }| code);
        self.status >= 400 && code.is_ok_and(|code| code == "INSUFFICIENT_PERMISSIONS")
    }

    pub fn denied(&self) -> CliError {
        CliError::Denied(self.error_message())
    }

    /// What a response that is no 2xx says, for people.
    pub fn error_message(&self) -> String {
        let status = self.status;
        match serde_json::from_str(&self.text) {
            Ok(ErrorIn { message, code }) => {
                let message = message.map_or(String::new(), |message| format!(": {message}"));
                let hint = if code == "NOT_FOUND" { "; is --url the root, without /v1?" } else { "" };
                format!("the server answered {status} {code}{message}{hint}")
            }
            Err(_) if status == 404 => {
                "the server answered 404, and not as Roster does: is --url the root, without /v1?".into()
            }
            Err(_) => format!("the server answered {status}, and not as Roster does: is --url right?"),
        }
    }
}
