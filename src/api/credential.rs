//! The two kinds of bearer token.

/// The kind of bearer token that a route requires.
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

    /// Its placeholder in an example.
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
