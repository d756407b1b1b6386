//! Where the server is, and the secret to present there.

use crate::client::BaseUrl;
use crate::error::CliError;
use clap::Args;
use roster::key::ApiKey;
use roster::rule::BrokenRule;
use std::convert::Infallible;

#[derive(Args)]
struct UrlArgs {
    /// URL of the server, for example https://roster.example.com
    #[arg(long, env = "ROSTER_URL")]
    url: Option<BaseUrl>,
}

impl UrlArgs {
    fn url(&self) -> Result<&BaseUrl, CliError> {
        let missing = || CliError::Usage("no server URL: give --url URL, or set ROSTER_URL".into());
        self.url.as_ref().ok_or_else(missing)
    }
}

/// The server and an API key.
#[derive(Args)]
pub struct ServerArgs {
    #[command(flatten)]
    url: UrlArgs,
    // The parser takes any text, because clap would print a value that it rejects.
    /// API key; prefer the environment, where other users of this machine can't read it
    #[arg(long, env = "ROSTER_KEY", hide_env_values = true, value_parser = parse_key)]
    key: Option<Result<ApiKey, BrokenRule>>,
}

impl ServerArgs {
    pub fn url(&self) -> Result<&BaseUrl, CliError> {
        self.url.url()
    }

    pub fn key(&self) -> Result<&ApiKey, CliError> {
        let missing = || CliError::Usage("no API key: set ROSTER_KEY".into());
        self.key.as_ref().ok_or_else(missing)?.as_ref().map_err(|_| {
            CliError::Usage(
                "invalid API key: a key is ros_ and 38 letters and digits, the last six of which are a checksum".into(),
            )
        })
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap wants a parser to return a Result")]
fn parse_key(text: &str) -> Result<Result<ApiKey, BrokenRule>, Infallible> {
    Ok(text.parse())
}

/// The server and the admin token.
#[derive(Args)]
pub struct AdminArgs {
    #[command(flatten)]
    url: UrlArgs,
    /// Admin token; prefer the environment, where other users of this machine can't read it
    #[arg(long, env = "ROSTER_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
}

impl AdminArgs {
    pub fn url(&self) -> Result<&BaseUrl, CliError> {
        self.url.url()
    }

    pub fn token(&self) -> Result<&str, CliError> {
        let usage = |problem: &str| CliError::Usage(problem.into());
        let token = self.admin_token.as_deref().ok_or_else(|| usage("no admin token: set ROSTER_ADMIN_TOKEN"))?;
        let fits_header = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if fits_header {
            Ok(token)
        } else {
            Err(usage("the admin token must be visible ASCII characters, without spaces"))
        }
    }
}
