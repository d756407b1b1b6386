//! Writes an export as CSV. It reads all users twice, because the columns are known only at the end.

use super::page::ExportedUser;
use super::unwritable;
use crate::error::CliError;
use crate::format::column::Column;
use crate::format::csv_value::{self, Style};
use csv::WriterBuilder;
use roster::json::{self, Object};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Seek, Write};

/// Writes users that are read as NDJSON.
pub fn write(users: &mut (impl Read + Seek), mut output: impl Write, style: Style) -> Result<(), CliError> {
    let mut columns = Columns::default();
    for_each_user(users, |user| {
        columns.as_of |= user.as_of.is_some();
        columns.add_keys(parse(user.properties)?, Column::Property);
        columns.add_keys(parse(user.origin)?, Column::Origin);
        Ok(())
    })?;
    columns.sort();
    output.write_all(style.prefix().as_bytes()).map_err(unwritable)?;
    let mut table = WriterBuilder::new().from_writer(output);
    let mut write = |cells: Vec<String>| {
        table.write_record(cells.iter().map(|cell| style.cell(cell).into_owned())).map_err(unwritable)
    };
    write(columns.names().collect())?;
    for_each_user(users, |user| write(columns.row(&user)?.collect()))?;
    table.flush().map_err(unwritable)
}

/// Calls `each` for every user, from the first on.
fn for_each_user(
    users: &mut (impl Read + Seek),
    mut each: impl FnMut(ExportedUser) -> Result<(), CliError>,
) -> Result<(), CliError> {
    users.rewind().map_err(unwritable)?;
    let mut users = BufReader::new(users);
    let mut line = String::new();
    while users.read_line(&mut line).map_err(unwritable)? > 0 {
        each(serde_json::from_str(&line).map_err(CliError::invalid_response)?)?;
        line.clear();
    }
    Ok(())
}

/// A column for each key that any user has: properties first, then origin, each in the order of appearance.
#[derive(Default)]
struct Columns {
    /// Whether the users say when they last changed.
    as_of: bool,
    keys: Vec<Column>,
    indices: HashMap<Column, usize>,
}

/// The columns of every table.
const FIXED: [Column; 3] = [Column::UserId, Column::Email, Column::Phone];

impl Columns {
    fn add_keys(&mut self, object: Object, column: impl Fn(String) -> Column) {
        for (key, _) in object.members {
            let column = column(key.into_owned());
            if !self.indices.contains_key(&column) {
                self.indices.insert(column.clone(), self.keys.len());
                self.keys.push(column);
            }
        }
    }

    fn sort(&mut self) {
        self.keys.sort_by_key(|column| matches!(column, Column::Origin(_)));
        self.indices = self.keys.iter().cloned().zip(0..).collect();
    }

    fn names(&self) -> impl Iterator<Item = String> {
        FIXED.iter().chain(self.as_of.then_some(&Column::AsOf)).chain(&self.keys).map(Column::name)
    }

    fn row(&self, user: &ExportedUser) -> Result<impl Iterator<Item = String>, CliError> {
        let mut cells = vec![String::new(); self.keys.len()];
        let mut fill = |object: Object, column: fn(String) -> Column| {
            for (key, value) in object.members {
                if let Some(index) = self.indices.get(&column(key.into_owned())) {
                    cells[*index] = csv_value::from_json(&value);
                }
            }
        };
        fill(parse(user.properties)?, Column::Property);
        fill(parse(user.origin)?, Column::Origin);
        let fixed = [Some(user.user_id.clone()), user.email.clone(), user.phone.clone()];
        let as_of = self.as_of.then(|| user.as_of.clone());
        Ok(fixed.into_iter().chain(as_of).map(Option::unwrap_or_default).chain(cells))
    }
}

fn parse(object: &RawValue) -> Result<Object<'_>, CliError> {
    json::parse_object(object.get().as_bytes()).map_err(CliError::invalid_response)
}
