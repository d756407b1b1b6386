//! The two kinds of secret that a call can bear.

/// What a route wants to see of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A key of a project.
    ApiKey,
    /// The secret of the admin.
    AdminToken,
}

impl Credential {
    /// Its name in a message, with an article.
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

    /// The other kind.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Credential::ApiKey => Credential::AdminToken,
            Credential::AdminToken => Credential::ApiKey,
        }
    }
}
