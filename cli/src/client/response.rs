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
    #[serde(default)]
    details: DetailsIn,
}

#[derive(Default, Deserialize)]
struct DetailsIn {
    /// The rule that is broken.
    issue: Option<String>,
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
            Ok(ErrorIn { message, code, details }) => {
                let parts = [message, details.issue].map(|part| part.map_or(String::new(), |part| format!(": {part}")));
                let hint = if code == "NOT_FOUND" { "; is --url the root, without /v1?" } else { "" };
                format!("the server answered {status} {code}{}{hint}", parts.concat())
            }
            Err(_) if status == 404 => {
                "the server answered 404, and not as Roster does: is --url the root, without /v1?".into()
            }
            Err(_) => format!("the server answered {status}, and not as Roster does: is --url right?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_the_rule_that_is_broken() {
        let said = |status, text: &str| Response { status, text: text.into() }.error_message();
        let details = r#"{"code":"INVALID_VALUE","message":"Invalid value for field: url","details":{"field":"url","issue":"Must be https"}}"#;
        assert_eq!(
            said(400, details),
            "the server answered 400 INVALID_VALUE: Invalid value for field: url: Must be https"
        );
        let limit = r#"{"code":"PAYLOAD_TOO_LARGE","message":"Too large","details":{"limit_bytes":1}}"#;
        assert_eq!(said(413, limit), "the server answered 413 PAYLOAD_TOO_LARGE: Too large");
        assert_eq!(said(503, r#"{"code":"X"}"#), "the server answered 503 X");
    }
}
