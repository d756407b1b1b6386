//! `roster export`: writes the users of a project, page by page.

pub mod page;
mod partial;
pub mod selection;
pub mod table;

use crate::args::ExportArgs;
use crate::client::{ChangesFrom, Client, Pace};
use crate::error::CliError;
use crate::format::Format;
use crate::interrupt::Interrupt;
use crate::progress_bar::{ProgressBar, count};
use page::Page;
use partial::PartialExport;
use roster::bounds::PAGE_CHANGES;
use selection::Selection;
use std::fmt::Display;
use std::io::{self, Write};

pub fn run(args: &ExportArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let (url, key, format) = (args.server.url()?, args.server.key()?, args.format()?);
    let selection = Selection::new(&args.columns, args.as_of, args.style())?;
    let filter = args.filter.to_json()?;
    if filter.is_some() && args.since.is_some() {
        return Err(CliError::Usage("--since is for all users: leave the conditions out".into()));
    }
    let open = |output| PartialExport::open(output, url, key, &selection, filter.as_deref(), args);
    let partial = args.output().map(open).transpose()?;
    let before = partial.as_ref().map_or(0, PartialExport::users);
    let bar = ProgressBar::new(None, before, 0);
    let pace = args.call_interval.map_or(Pace::Sparing, Pace::Every);
    let client = Client::new(url, key.reveal(), pace, interrupt, &bar);
    let exporter = Exporter { client: &client, filter, interrupt, bar: &bar, selection: &selection, args };
    let outcome = match partial {
        Some(partial) => {
            if before > 0 {
                bar.message(&format!("going on after {}", count(before, "user")));
            }
            exporter.write_file(partial, format)
        }
        None => exporter.write_stdout(format),
    };
    bar.clear();
    let note = if args.for_spreadsheets { "; the file is for spreadsheets, not for import" } else { "" };
    let Totals { users, deletions } = outcome?;
    let left_out = if deletions == 0 {
        String::new()
    } else {
        format!("; {} since then left out, which roster follow has", count(deletions, "deletion"))
    };
    eprintln!("roster: {} exported{left_out}{note}", count(users, "user"));
    Ok(())
}

struct Exporter<'a> {
    client: &'a Client<'a>,
    /// Which users, as JSON.
    filter: Option<String>,
    interrupt: &'a Interrupt,
    bar: &'a ProgressBar,
    selection: &'a Selection,
    args: &'a ExportArgs,
}

/// What an export came to.
#[derive(Default)]
struct Totals {
    users: u64,
    /// Deletions that were left out.
    deletions: u64,
}

impl Exporter<'_> {
    /// Writes the output file, which appears when it is complete.
    fn write_file(&self, mut partial: PartialExport, format: Format) -> Result<Totals, CliError> {
        match self.for_each_page(partial.cursor(), |page| partial.append(page)) {
            Ok(()) => partial.finish(format, self.selection, self.args.style()),
            Err(error) => {
                self.bar.clear();
                if let Some(users) = partial.suspend()? {
                    let advice = if error.can_resume() { "; the same command goes on from there" } else { "" };
                    eprintln!("roster: {} exported so far{advice}", count(users, "user"));
                }
                Err(error)
            }
        }
    }

    fn write_stdout(&self, format: Format) -> Result<Totals, CliError> {
        let stdout = io::stdout().lock();
        match format {
            Format::Ndjson => self.write_ndjson(stdout),
            Format::Csv => {
                let mut spool = tempfile::tempfile().map_err(unwritable)?;
                let totals = self.write_ndjson(&spool)?;
                table::write(&mut spool, stdout, self.selection, self.args.style())?;
                Ok(totals)
            }
        }
    }

    fn write_ndjson(&self, mut output: impl Write) -> Result<Totals, CliError> {
        let mut totals = Totals::default();
        self.for_each_page(None, |page| {
            totals.users += page.users;
            totals.deletions += page.deletions;
            output.write_all(&page.lines).map_err(unwritable)
        })?;
        output.flush().map_err(unwritable)?;
        Ok(totals)
    }

    /// Fetches a page. Without a cursor it is the first.
    fn page(&self, cursor: Option<&str>) -> Result<Page, CliError> {
        let Some(moment) = self.args.since else {
            return Page::parse(&self.client.query_users(self.filter.as_deref(), cursor)?, self.selection);
        };
        let from = cursor.map_or(ChangesFrom::Moment(moment), |cursor| ChangesFrom::Cursor(cursor.into()));
        let page = self.client.list_changes(&from, *PAGE_CHANGES.end())?;
        Page::parse_changes(&page.ok_or_else(|| CliError::Denied(TOO_OLD.into()))?, self.selection)
    }

    /// Calls `each` for every page from the cursor on. Without a cursor it starts at the first page.
    fn for_each_page(
        &self,
        mut cursor: Option<String>,
        mut each: impl FnMut(Page) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        loop {
            self.interrupt.check()?;
            let page = self.page(cursor.as_deref())?;
            self.bar.add_users(page.users);
            cursor.clone_from(&page.next_cursor);
            each(page)?;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

/// The feed refuses a moment behind a deletion that was forgotten, though an export leaves deletions out.
const TOO_OLD: &str = "deletions since then were forgotten: export all users instead, without --since";

fn unwritable(error: impl Display) -> CliError {
    CliError::Failed(format!("can't write the export: {error}"))
}
