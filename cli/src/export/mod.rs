//! `roster export`: all users of a project, page by page.

use crate::args::{BaseUrl, ExportArgs, Format};
use crate::bar::{Bar, count};
use crate::client::{Client, Pace};
use crate::failure::Failure;
use crate::partial::PartialFile;
use crate::saved;
use crate::stop::Stop;
use crate::table;
use roster::key::ApiKey;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A page, as far as it matters here.
#[derive(Deserialize)]
struct PageIn<'a> {
    #[serde(borrow)]
    users: Vec<UserIn<'a>>,
    pagination: PaginationIn,
}

#[derive(Deserialize)]
struct PaginationIn {
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct UserIn<'a> {
    external_id: String,
    email: Option<String>,
    phone: Option<String>,
    #[serde(borrow)]
    properties: &'a RawValue,
    #[serde(borrow)]
    origin: &'a RawValue,
}

/// A user as an import takes it.
#[derive(Deserialize, Serialize)]
pub struct UserOut<'a> {
    pub user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(borrow)]
    pub properties: &'a RawValue,
    #[serde(borrow)]
    pub origin: &'a RawValue,
}

/// A page as NDJSON.
struct Page {
    lines: Vec<u8>,
    users: u64,
    next_cursor: Option<String>,
}

pub fn run(args: &ExportArgs, stop: &Stop) -> Result<(), Failure> {
    let (url, key, format) = (args.server.url()?, args.server.key()?, args.format()?);
    let part = args.output().map(|output| Part::open(output, url, key, args.restart)).transpose()?;
    let before = part.as_ref().map_or(0, |part| part.progress.users);
    let bar = Bar::new(None, before, 0);
    let client = Client::new(url, key.reveal(), args.rate.map_or(Pace::Sparing, Pace::Every), stop, &bar);
    let walk = Walk { client: &client, stop, bar: &bar };
    let outcome = match part {
        Some(part) => {
            if before > 0 {
                bar.note(&format!("going on after {}", count(before, "user")));
            }
            walk.to_file(part, format)
        }
        None => walk.to_stdout(format),
    };
    bar.clear();
    eprintln!("roster: {} exported", count(outcome?, "user"));
    Ok(())
}

/// How far an export to a file has come, and of what.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    url: String,
    /// Another key may be another project's.
    key_prefix: String,
    /// Where to go on. None at the beginning.
    cursor: Option<String>,
    users: u64,
    /// Of the partial file, bytes that are settled.
    bytes: u64,
}

impl Progress {
    fn check_same(&self, saved: &Progress) -> Result<(), &'static str> {
        if self.url != saved.url {
            Err("it was from another URL")
        } else if self.key_prefix != saved.key_prefix {
            Err("it had another key, which may be another project's")
        } else {
            Ok(())
        }
    }
}

/// An export to a file that is under way: its users so far as NDJSON, whatever the format of the file, because the
/// columns of a table are known only at the end.
struct Part {
    output: PathBuf,
    file: PartialFile,
    progress_path: PathBuf,
    progress: Progress,
}

impl Part {
    fn open(output: &Path, url: &BaseUrl, key: &ApiKey, restart: bool) -> Result<Self, Failure> {
        let (path, progress_path) = ExportArgs::partial(output);
        let (url, key_prefix) = (url.as_str().into(), key.prefix().into());
        let mut progress = Progress { url, key_prefix, cursor: None, users: 0, bytes: 0 };
        let saved = if restart { None } else { saved::load::<Progress>(&progress_path)? };
        if let Some(saved) = saved {
            progress.check_same(&saved).map_err(|problem| saved::other(&progress_path, problem))?;
            progress = saved;
        }
        let file = PartialFile::open(&path, progress.bytes)?;
        Ok(Part { output: output.into(), file, progress_path, progress })
    }

    /// Appends a page. Progress is not saved for the last one: another run reads it again, and so finds the end.
    fn append(&mut self, page: Page) -> Result<(), Failure> {
        self.progress.bytes = self.file.append(&page.lines)?;
        self.progress.users += page.users;
        if page.next_cursor.is_some() {
            self.progress.cursor = page.next_cursor;
            saved::save(&self.progress_path, &self.progress)?;
        }
        Ok(())
    }

    /// Makes the output of it. Answers how many users it has.
    fn finish(mut self, format: Format) -> Result<u64, Failure> {
        match format {
            Format::Ndjson => fs::rename(self.file.path(), &self.output).map_err(Failure::of_file(&self.output))?,
            Format::Csv => {
                let directory = self.output.parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = directory.unwrap_or(Path::new("."));
                let mut table = NamedTempFile::new_in(directory).map_err(Failure::of_file(directory))?;
                table::write(&mut self.file.read()?, table.as_file_mut())?;
                table.as_file().sync_all().map_err(Failure::of_file(&self.output))?;
                table.persist(&self.output).map_err(|error| Failure::of_file(&self.output)(error.error))?;
                self.file.remove()?;
            }
        }
        saved::remove(&self.progress_path)?;
        Ok(self.progress.users)
    }

    /// Keeps what can go on, and tells so.
    fn keep(self, failure: &Failure) -> Result<(), Failure> {
        if self.progress.cursor.is_none() {
            return self.file.remove();
        }
        eprintln!("roster: {} exported so far{}", count(self.progress.users, "user"), failure.advice());
        Ok(())
    }
}

/// A walk over all users.
struct Walk<'a> {
    client: &'a Client<'a>,
    stop: &'a Stop,
    bar: &'a Bar,
}

impl Walk<'_> {
    /// The output appears under its name when it is whole.
    fn to_file(&self, mut part: Part, format: Format) -> Result<u64, Failure> {
        match self.pages(part.progress.cursor.clone(), |page| part.append(page)) {
            Ok(()) => part.finish(format),
            Err(failure) => {
                self.bar.clear();
                part.keep(&failure)?;
                Err(failure)
            }
        }
    }

    fn to_stdout(&self, format: Format) -> Result<u64, Failure> {
        let stdout = io::stdout().lock();
        match format {
            Format::Ndjson => self.to(stdout),
            Format::Csv => {
                let mut spool = tempfile::tempfile().map_err(unwritable)?;
                let users = self.to(&spool)?;
                table::write(&mut spool, stdout)?;
                Ok(users)
            }
        }
    }

    /// Writes one user a line, and answers how many.
    fn to(&self, mut output: impl Write) -> Result<u64, Failure> {
        let mut users = 0;
        self.pages(None, |page| {
            users += page.users;
            output.write_all(&page.lines).map_err(unwritable)
        })?;
        output.flush().map_err(unwritable)?;
        Ok(users)
    }

    /// Calls `each` for every page from a cursor on.
    fn pages(&self, cursor: Option<String>, mut each: impl FnMut(Page) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut cursor = cursor;
        loop {
            self.stop.check()?;
            let page = read(&self.client.page(cursor.as_deref())?)?;
            self.bar.add(page.users);
            cursor.clone_from(&page.next_cursor);
            each(page)?;
            if cursor.is_none() {
                return Ok(());
            }
        }
    }
}

fn read(text: &str) -> Result<Page, Failure> {
    let page: PageIn = serde_json::from_str(text).map_err(unreadable)?;
    let (mut lines, mut users) = (Vec::new(), 0);
    for UserIn { external_id, email, phone, properties, origin } in page.users {
        let user = UserOut { user_id: external_id, email, phone, properties, origin };
        serde_json::to_writer(&mut lines, &user).map_err(unwritable)?;
        lines.push(b'\n');
        users += 1;
    }
    Ok(Page { lines, users, next_cursor: page.pagination.next_cursor })
}

pub fn unreadable(error: impl Display) -> Failure {
    Failure::Stopped(format!("the server's answer can't be read: {error}"))
}

pub fn unwritable(error: impl Display) -> Failure {
    Failure::Stopped(format!("can't write the export: {error}"))
}
