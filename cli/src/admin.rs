//! What all commands with the admin token do.

use crate::args::AdminArgs;
use crate::client::{Client, Pace};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::progress_bar::ProgressBar;
use serde::{Deserialize, Serialize};

/// Calls the server with the admin token and without a progress bar.
pub fn call<T>(
    admin: &AdminArgs,
    interrupt: &Interrupt,
    call: impl FnOnce(&Client) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let bar = ProgressBar::hidden();
    call(&Client::new(admin.url()?, admin.token()?, Pace::Full, interrupt, &bar))
}

pub fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, CliError> {
    serde_json::from_str(text).map_err(CliError::invalid_response)
}

pub fn to_json(body: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string(body).map_err(CliError::invalid_response)
}

/// One line per row, in columns. The last one comes as it is, because it can be long.
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N - 1).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  "));
        format!("{}{}\n", cells.collect::<String>(), row[N - 1])
    };
    rows.iter().map(line).collect()
}
