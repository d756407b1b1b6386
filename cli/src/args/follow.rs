//! The arguments of `roster follow`.

use super::server::ServerArgs;
use clap::Args;
use roster::bounds::PAGE_CHANGES;
use roster::time::Timestamp;
use std::path::PathBuf;

pub const DETAILS: &str = "\
Each line is a change as the API has it, digit for digit: {\"type\":\"changed\",\"external_id\":…,\"user\":{…}} or
{\"type\":\"deleted\",\"external_id\":…,\"user_id\":…,\"deleted_at\":…}. It begins with all users, and goes on with what changes.

Each change is printed at least once: of one user always the newest state, and never an older after a newer; states in between
may be skipped. So a copy is made by storing what changed and removing what was deleted, by external_id. A deletion can be
of a user whom the copy does not have.

With --state, the same command resumes where it stopped, after a crash too. The position is saved once the lines before it
are written: lines that were printed last may be printed again. If a deletion was forgotten meanwhile, after 30 days, the
server answers 410 and the run ends with exit code 1: delete the state, empty the copy, and start over.

It leaves a fifth of the project's rate limit to others. While less than that remains, and while nothing changes, it uses a
twentieth of the limit in a window: of 500 a minute, one call in 2.4 s, and never more than one a second. It waits for as long as the server
says, and tries a call again until it is answered, but with --once no more than 8 times.

";

#[derive(Args)]
pub struct FollowArgs {
    /// Begin with what was stored at this moment or later, for example 2027-01-01T00:00:00Z
    #[arg(long, value_name = "MOMENT", conflicts_with = "from_now")]
    pub since: Option<Timestamp>,
    /// Begin with what is stored from now on
    #[arg(long)]
    pub from_now: bool,
    /// File that keeps the position; where it has one, --since and --from-now are ignored
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Stop when there are no more changes, instead of waiting for them
    #[arg(long)]
    pub once: bool,
    /// Changes of one call, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = *PAGE_CHANGES.end(), value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    #[command(flatten)]
    pub server: ServerArgs,
}
