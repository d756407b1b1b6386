//! Writes an export as CSV. It reads all users twice, because the columns are known only at the end.

use super::page::ExportedUser;
use super::selection::{Part, Selection};
use super::unwritable;
use crate::error::CliError;
use crate::format::column::Column;
use crate::format::csv_value::{self, Style};
use csv::WriterBuilder;
use roster::json::{self, Object};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Seek, Write};

/// Writes users that are read as NDJSON.
pub fn write(
    users: &mut (impl Read + Seek),
    mut output: impl Write,
    selection: &Selection,
    style: Style,
) -> Result<(), CliError> {
    let mut keys = Keys::default();
    for_each_user(users, |user| {
        keys.add(user.properties.as_deref(), Column::Property)?;
        keys.add(user.origin.as_deref(), Column::Origin)
    })?;
    let columns = Columns::new(selection, &keys.keys);
    output.write_all(style.prefix().as_bytes()).map_err(unwritable)?;
    let mut table = WriterBuilder::new().from_writer(output);
    let mut write = |cells: Vec<String>| {
        table.write_record(cells.iter().map(|cell| style.cell(cell).into_owned())).map_err(unwritable)
    };
    write(columns.parts.iter().map(Part::name).collect())?;
    for_each_user(users, |user| write(columns.row(&user)?))?;
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

/// Each key that any user has, in the order of appearance.
#[derive(Default)]
struct Keys {
    keys: Vec<Column>,
    known: HashSet<Column>,
}

impl Keys {
    fn add(&mut self, object: Option<&RawValue>, column: fn(String) -> Column) -> Result<(), CliError> {
        for (key, _) in parse(object)?.members {
            let column = column(key.into_owned());
            if self.known.insert(column.clone()) {
                self.keys.push(column);
            }
        }
        Ok(())
    }
}

/// A column for each part that is selected: for all properties, or all of the origin, one for each key.
struct Columns {
    parts: Vec<Part>,
    indices: HashMap<Part, usize>,
}

impl Columns {
    fn new(selection: &Selection, keys: &[Column]) -> Self {
        let all =
            |is_of: fn(&&Column) -> bool| keys.iter().filter(is_of).cloned().map(Part::Column).collect::<Vec<_>>();
        let columns = selection.0.iter().flat_map(|part| match part {
            Part::Column(Column::Properties) => all(|column| matches!(column, Column::Property(_))),
            Part::Column(Column::Origins) => all(|column| matches!(column, Column::Origin(_))),
            part => vec![part.clone()],
        });
        let parts: Vec<_> = columns.collect();
        let indices = parts.iter().cloned().zip(0..).collect();
        Columns { parts, indices }
    }

    fn row(&self, user: &ExportedUser) -> Result<Vec<String>, CliError> {
        let mut cells: Vec<_> = self.parts.iter().map(|part| user.text(part).unwrap_or_default().to_owned()).collect();
        let mut fill = |object: Object, column: fn(String) -> Column| {
            for (key, value) in object.members {
                if let Some(index) = self.indices.get(&Part::Column(column(key.into_owned()))) {
                    cells[*index] = csv_value::from_json(&value);
                }
            }
        };
        fill(parse(user.properties.as_deref())?, Column::Property);
        fill(parse(user.origin.as_deref())?, Column::Origin);
        Ok(cells)
    }
}

fn parse(object: Option<&RawValue>) -> Result<Object<'_>, CliError> {
    let Some(object) = object else { return Ok(Object::default()) };
    json::parse_object(object.get().as_bytes()).map_err(CliError::invalid_response)
}
