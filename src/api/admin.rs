//! The admin, who has a secret of the Worker instead of a key.

use super::auth::bearer;
use super::credential::Credential;
use super::error::ApiError;
use super::platform::{Cx, Platform};
use crate::key::ApiKey;

/// Admits only the admin; 401.
pub fn require_admin<P: Platform>(cx: &Cx<'_, P>) -> Result<(), ApiError> {
    let token = cx.platform.settings().admin_token.as_ref().ok_or(ApiError::AdminDisabled)?;
    let presented = bearer(cx.call, Credential::AdminToken)?;
    if token.is(presented) {
        Ok(())
    } else if presented.parse::<ApiKey>().is_ok() {
        Err(ApiError::WrongCredential { wanted: Credential::AdminToken })
    } else {
        Err(ApiError::InvalidAdminToken)
    }
}
