//! A walk through all users.

use crate::args::ServerArgs;
use crate::client::{Client, Pace};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::progress_bar::ProgressBar;
use roster::json;
use serde::Deserialize;
use std::fmt::Display;
use ureq::http::Method;

/// What every answer of a walk has.
#[derive(Deserialize)]
struct AnswerIn {
    examined: u64,
    pagination: PaginationIn,
}

#[derive(Deserialize)]
struct PaginationIn {
    next_cursor: Option<String>,
}

/// A question, as JSON.
pub struct Body(Vec<String>);

impl Body {
    /// Of the users whom a filter means, which is JSON, or of all.
    pub fn new(filter: Option<String>) -> Self {
        Body(filter.map(|filter| format!("\"where\":{filter}")).into_iter().collect())
    }

    /// Adds a member.
    pub fn member(&mut self, name: &str, json: impl Display) {
        self.0.push(format!("\"{name}\":{json}"));
    }

    fn at(&self, cursor: Option<&str>) -> String {
        let cursor = cursor.map(|cursor| format!("\"cursor\":{}", json::string(cursor)));
        let members: Vec<_> = self.0.iter().cloned().chain(cursor).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// Where a walk goes, and what shows how far it has come.
pub struct Walk<'a> {
    server: &'a ServerArgs,
    interrupt: &'a Interrupt,
    bar: ProgressBar,
}

impl<'a> Walk<'a> {
    pub fn new(server: &'a ServerArgs, interrupt: &'a Interrupt) -> Result<Self, CliError> {
        server.url()?;
        server.key()?;
        Ok(Walk { server, interrupt, bar: ProgressBar::new(None, 0, 0) })
    }

    /// Posts a question until it is answered of all users. Returns how many were examined.
    pub fn post(
        &self,
        path: &str,
        body: &Body,
        each: impl FnMut(&str) -> Result<(), CliError>,
    ) -> Result<u64, CliError> {
        self.to_the_end(|client, cursor| client.post(path, &body.at(cursor)), each)
    }

    /// Asks by GET.
    pub fn get(&self, path: &str, each: impl FnMut(&str) -> Result<(), CliError>) -> Result<u64, CliError> {
        let target = |cursor: Option<&str>| cursor.map_or(path.into(), |cursor| format!("{path}?cursor={cursor}"));
        self.to_the_end(|client, cursor| client.call(&Method::GET, &target(cursor)), each)
    }

    fn to_the_end(
        &self,
        ask: impl Fn(&Client, Option<&str>) -> Result<String, CliError>,
        mut each: impl FnMut(&str) -> Result<(), CliError>,
    ) -> Result<u64, CliError> {
        let (url, key) = (self.server.url()?, self.server.key()?);
        let client = Client::new(url, key.reveal(), Pace::Sparing, self.interrupt, &self.bar);
        let (mut cursor, mut examined) = (None, 0);
        let outcome = loop {
            let answer = match self.interrupt.check().and_then(|()| ask(&client, cursor.as_deref())) {
                Ok(answer) => answer,
                Err(error) => break Err(error),
            };
            let next: AnswerIn = serde_json::from_str(&answer).map_err(CliError::invalid_response)?;
            self.bar.add_users(next.examined);
            examined += next.examined;
            if let Err(error) = each(&answer) {
                break Err(error);
            }
            cursor = next.pagination.next_cursor;
            if cursor.is_none() {
                break Ok(examined);
            }
        };
        self.bar.clear();
        outcome
    }
}
