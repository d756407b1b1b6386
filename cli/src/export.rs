//! `roster export`: all users of a project, page by page.

use crate::args::{ExportArgs, Format};
use crate::bar::Bar;
use crate::cell;
use crate::client::Client;
use crate::csv::Column;
use crate::failure::Failure;
use crate::stop::Stop;
use csv::WriterBuilder;
use roster::json::{self, Members, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;
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
struct UserOut<'a> {
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(borrow)]
    properties: &'a RawValue,
    #[serde(borrow)]
    origin: &'a RawValue,
}

pub fn run(args: &ExportArgs, stop: &Stop) -> Result<(), Failure> {
    let key = args.server.key()?;
    let bar = Bar::of_users();
    let client = Client::new(&args.server.url, key, stop, &bar);
    let export = |output: &mut dyn Write| match args.format {
        Format::Ndjson => export_ndjson(&client, stop, &bar, output),
        Format::Csv => export_csv(&client, stop, &bar, output),
    };
    let users = match &args.output {
        Some(path) => write_whole(path, export),
        None => export(&mut io::stdout().lock()),
    };
    bar.clear();
    eprintln!("roster: {} users exported", users?);
    Ok(())
}

/// Writes a file that appears under its name when it is whole.
fn write_whole(path: &Path, export: impl FnOnce(&mut dyn Write) -> Result<u64, Failure>) -> Result<u64, Failure> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(directory).map_err(Failure::of_file(directory))?;
    let users = export(file.as_file_mut())?;
    file.as_file().sync_all().map_err(Failure::of_file(path))?;
    file.persist(path).map_err(|error| Failure::of_file(path)(error.error))?;
    Ok(users)
}

/// Writes one user a line, and answers how many.
fn export_ndjson(client: &Client, stop: &Stop, bar: &Bar, output: impl Write) -> Result<u64, Failure> {
    let mut output = BufWriter::new(output);
    let mut users = 0;
    walk(client, stop, |user| {
        serde_json::to_writer(&mut output, &user).map_err(unwritable)?;
        output.write_all(b"\n").map_err(unwritable)?;
        users += 1;
        bar.add(1);
        Ok(())
    })?;
    output.flush().map_err(unwritable)?;
    Ok(users)
}

/// Writes a table. All users are spooled first, because only then the columns are known.
fn export_csv(client: &Client, stop: &Stop, bar: &Bar, output: impl Write) -> Result<u64, Failure> {
    let mut spool = tempfile::tempfile().map_err(unwritable)?;
    let users = export_ndjson(client, stop, bar, &spool)?;
    let mut columns = Columns::default();
    read_spool(&mut spool, |user| {
        columns.add(members(user.properties)?, Column::Property);
        columns.add(members(user.origin)?, Column::Origin);
        Ok(())
    })?;
    columns.sort();
    let mut table = WriterBuilder::new().from_writer(output);
    table.write_record(columns.names()).map_err(unwritable)?;
    read_spool(&mut spool, |user| table.write_record(columns.row(&user)?).map_err(unwritable))?;
    table.flush().map_err(unwritable)?;
    Ok(users)
}

/// Calls `each` for every user of the project.
fn walk(client: &Client, stop: &Stop, mut each: impl FnMut(UserOut) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut cursor = None;
    loop {
        stop.check()?;
        let text = client.page(cursor.as_deref())?;
        let page: PageIn = serde_json::from_str(&text).map_err(unreadable)?;
        for UserIn { external_id, email, phone, properties, origin } in page.users {
            each(UserOut { user_id: external_id, email, phone, properties, origin })?;
        }
        match page.pagination.next_cursor {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

fn read_spool(spool: &mut std::fs::File, mut each: impl FnMut(UserOut) -> Result<(), Failure>) -> Result<(), Failure> {
    spool.rewind().map_err(unwritable)?;
    let mut spool = BufReader::new(spool);
    let mut line = String::new();
    while spool.read_line(&mut line).map_err(unwritable)? > 0 {
        each(serde_json::from_str(&line).map_err(unreadable)?)?;
        line.clear();
    }
    Ok(())
}

/// The columns of the keys that some user has, properties first, each kind as it was met.
#[derive(Default)]
struct Columns {
    keys: Vec<Column>,
    places: HashMap<Column, usize>,
}

/// The columns that every table has.
const FIXED: [Column; 3] = [Column::UserId, Column::Email, Column::Phone];

impl Columns {
    fn add(&mut self, members: Members, column: impl Fn(String) -> Column) {
        for (key, _) in members {
            let column = column(key.into_owned());
            if !self.places.contains_key(&column) {
                self.places.insert(column.clone(), self.keys.len());
                self.keys.push(column);
            }
        }
    }

    fn sort(&mut self) {
        self.keys.sort_by_key(|column| matches!(column, Column::Origin(_)));
        self.places = self.keys.iter().cloned().zip(0..).collect();
    }

    fn names(&self) -> impl Iterator<Item = String> {
        FIXED.iter().chain(&self.keys).map(Column::name)
    }

    fn row(&self, user: &UserOut) -> Result<impl Iterator<Item = String>, Failure> {
        let mut cells = vec![String::new(); self.keys.len()];
        let mut fill = |members: Members, column: fn(String) -> Column| {
            for (key, value) in members {
                if let Some(place) = self.places.get(&column(key.into_owned())) {
                    cells[*place] = cell::of(&value);
                }
            }
        };
        fill(members(user.properties)?, Column::Property);
        fill(members(user.origin)?, Column::Origin);
        let fixed = [Some(user.user_id.clone()), user.email.clone(), user.phone.clone()];
        Ok(fixed.into_iter().map(Option::unwrap_or_default).chain(cells))
    }
}

fn members(object: &RawValue) -> Result<Members<'_>, Failure> {
    match json::parse(object.get().as_bytes()) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(other) => Err(unreadable(other.type_name())),
        Err(error) => Err(unreadable(error)),
    }
}

fn unreadable(error: impl Display) -> Failure {
    Failure::Stopped(format!("the server's answer can't be read: {error}"))
}

fn unwritable(error: impl Display) -> Failure {
    Failure::Stopped(format!("can't write the export: {error}"))
}
