//! `roster count`, `roster query` and `roster properties`: walks through all users, call after call.

mod count;
mod properties;
mod walk;

pub use count::run as count;
pub use properties::run as properties;

use crate::args::QueryArgs;
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::progress_bar;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Display;
use std::io::{self, Write};
use walk::{Body, Walk};

#[derive(Deserialize)]
struct UsersIn<'a> {
    #[serde(borrow)]
    users: Vec<&'a RawValue>,
}

/// Prints each user as a line.
pub fn query(args: &QueryArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let (walk, mut body) = (Walk::new(&args.server, interrupt)?, Body::new(args.filter.to_json()?));
    body.member("limit", roster::bounds::QUERY_USERS.end());
    let (mut out, mut found) = (io::stdout().lock(), 0);
    let examined = walk.post("/v1/users/query", &body, |answer| {
        let UsersIn { users } = serde_json::from_str(answer).map_err(CliError::invalid_response)?;
        for user in users {
            writeln!(out, "{}", user.get()).map_err(unprintable)?;
            found += 1;
        }
        Ok(())
    })?;
    out.flush().map_err(unprintable)?;
    eprintln!("roster: {} of {examined}", progress_bar::count(found, "user"));
    Ok(())
}

fn unprintable(error: impl Display) -> CliError {
    CliError::Failed(format!("can't print: {error}"))
}
