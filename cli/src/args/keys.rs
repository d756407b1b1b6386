//! The arguments of `roster keys`.

use super::checked_id;
use super::server::AdminArgs;
use crate::error::CliError;
use clap::{Args, Subcommand};
use roster::key::Project;

pub const DETAILS: &str = "\
These commands need the server's admin token, its secret ADMIN_TOKEN.

";

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Create a key and write it to the standard output: it is shown only once
    Create(CreateKeyArgs),
    /// List the keys, without their secrets
    List(ListKeysArgs),
    /// Revoke a key, effective at once
    Revoke(RevokeKeyArgs),
}

#[derive(Args)]
pub struct CreateKeyArgs {
    /// What the key is for
    pub name: String,
    /// Project whose users the key may access [default: default]
    #[arg(long)]
    pub project: Option<String>,
    /// What the key may do: users:write, users:read, users:delete, ingest; repeat for several [default: all but ingest, which users:write implies]
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// When the key expires, for example 2027-01-01T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    pub expires_at: Option<String>,
    #[command(flatten)]
    pub admin: AdminArgs,
}

#[derive(Args)]
pub struct ListKeysArgs {
    /// List only the keys of this project
    #[arg(long, value_parser = str::parse::<Project>)]
    pub project: Option<Project>,
    /// Write the server's JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub admin: AdminArgs,
}

#[derive(Args)]
pub struct RevokeKeyArgs {
    /// Id of the key, as `roster keys list` shows it
    #[arg(value_name = "KEY_ID")]
    id: String,
    #[command(flatten)]
    pub admin: AdminArgs,
}

impl RevokeKeyArgs {
    pub fn id(&self) -> Result<&str, CliError> {
        checked_id(&self.id, "key", "key_")
    }
}
