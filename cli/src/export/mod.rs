//! `roster export`: writes all users of a project, page by page.

pub mod page;
mod partial;
pub mod selection;
pub mod table;

use crate::args::ExportArgs;
use crate::client::{Client, Pace};
use crate::error::CliError;
use crate::format::Format;
use crate::format::csv_value::Style;
use crate::interrupt::Interrupt;
use crate::progress_bar::{ProgressBar, count};
use page::Page;
use partial::PartialExport;
use selection::Selection;
use std::fmt::Display;
use std::io::{self, Write};

pub fn run(args: &ExportArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let (url, key, format) = (args.server.url()?, args.server.key()?, args.format()?);
    let selection = Selection::new(&args.columns, args.as_of, args.style())?;
    let open = |output| PartialExport::open(output, url, key, &selection, args.restart);
    let partial = args.output().map(open).transpose()?;
    let before = partial.as_ref().map_or(0, PartialExport::users);
    let bar = ProgressBar::new(None, before, 0);
    let pace = args.call_interval.map_or(Pace::Sparing, Pace::Every);
    let client = Client::new(url, key.reveal(), pace, interrupt, &bar);
    let exporter = Exporter { client: &client, interrupt, bar: &bar, selection: &selection, style: args.style() };
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
    eprintln!("roster: {} exported{note}", count(outcome?, "user"));
    Ok(())
}

struct Exporter<'a> {
    client: &'a Client<'a>,
    interrupt: &'a Interrupt,
    bar: &'a ProgressBar,
    selection: &'a Selection,
    /// Of a table.
    style: Style,
}

impl Exporter<'_> {
    /// Writes the output file, which appears when it is complete. Returns the number of users.
    fn write_file(&self, mut partial: PartialExport, format: Format) -> Result<u64, CliError> {
        match self.for_each_page(partial.cursor(), |page| partial.append(page)) {
            Ok(()) => partial.finish(format, self.selection, self.style),
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

    /// Returns the number of users.
    fn write_stdout(&self, format: Format) -> Result<u64, CliError> {
        let stdout = io::stdout().lock();
        match format {
            Format::Ndjson => self.write_ndjson(stdout),
            Format::Csv => {
                let mut spool = tempfile::tempfile().map_err(unwritable)?;
                let users = self.write_ndjson(&spool)?;
                table::write(&mut spool, stdout, self.selection, self.style)?;
                Ok(users)
            }
        }
    }

    /// Returns the number of users.
    fn write_ndjson(&self, mut output: impl Write) -> Result<u64, CliError> {
        let mut users = 0;
        self.for_each_page(None, |page| {
            users += page.users;
            output.write_all(&page.lines).map_err(unwritable)
        })?;
        output.flush().map_err(unwritable)?;
        Ok(users)
    }

    /// Calls `each` for every page from the cursor on. Without a cursor it starts at the first page.
    fn for_each_page(
        &self,
        mut cursor: Option<String>,
        mut each: impl FnMut(Page) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        loop {
            self.interrupt.check()?;
            let page = Page::parse(&self.client.list_users(cursor.as_deref())?, self.selection)?;
            self.bar.add_users(page.users);
            cursor.clone_from(&page.next_cursor);
            each(page)?;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

fn unwritable(error: impl Display) -> CliError {
    CliError::Failed(format!("can't write the export: {error}"))
}
