//! The two kinds of secret that a call can bear.

/// What a route wants to see of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    ApiKey,
    AdminToken,
}

impl Credential {
    pub fn name(self) -> &'static str {
        match self {
            Credential::ApiKey => "an API key",
            Credential::AdminToken => "the admin token",
        }
    }

    /// What stands for it in an example.
    pub fn placeholder(self) -> &'static str {
        match self {
            Credential::ApiKey => "YOUR_API_KEY",
            Credential::AdminToken => "YOUR_ADMIN_TOKEN",
        }
    }

    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Credential::ApiKey => Credential::AdminToken,
            Credential::AdminToken => Credential::ApiKey,
        }
    }
}
