//! The arguments of what sends the records of a file.

use super::server::ServerArgs;
use clap::Args;

#[derive(Args)]
pub struct SendArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Number of batches in flight at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
    /// Maximum number of users in a batch
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub batch_size: u16,
    /// Start anew, whatever an earlier run did
    #[arg(long)]
    pub restart: bool,
}
