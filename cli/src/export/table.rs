//! An export as CSV: all users are read twice, because the columns are known only at the end.

use crate::cell;
use crate::csv::Column;
use crate::export::{UserOut, unreadable, unwritable};
use crate::failure::Failure;
use csv::WriterBuilder;
use roster::json::{self, Object};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Seek, Write};

/// Writes a table of users that are given as NDJSON.
pub fn write(users: &mut (impl Read + Seek), output: impl Write) -> Result<(), Failure> {
    let mut columns = Columns::default();
    read(users, |user| {
        columns.add(parsed(user.properties)?, Column::Property);
        columns.add(parsed(user.origin)?, Column::Origin);
        Ok(())
    })?;
    columns.sort();
    let mut table = WriterBuilder::new().from_writer(output);
    table.write_record(columns.names()).map_err(unwritable)?;
    read(users, |user| table.write_record(columns.row(&user)?).map_err(unwritable))?;
    table.flush().map_err(unwritable)
}

/// Calls `each` for every user from the beginning.
fn read(users: &mut (impl Read + Seek), mut each: impl FnMut(UserOut) -> Result<(), Failure>) -> Result<(), Failure> {
    users.rewind().map_err(unwritable)?;
    let mut users = BufReader::new(users);
    let mut line = String::new();
    while users.read_line(&mut line).map_err(unwritable)? > 0 {
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
    fn add(&mut self, object: Object, column: impl Fn(String) -> Column) {
        for (key, _) in object.members {
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
        let mut fill = |object: Object, column: fn(String) -> Column| {
            for (key, value) in object.members {
                if let Some(place) = self.places.get(&column(key.into_owned())) {
                    cells[*place] = cell::of(&value);
                }
            }
        };
        fill(parsed(user.properties)?, Column::Property);
        fill(parsed(user.origin)?, Column::Origin);
        let fixed = [Some(user.user_id.clone()), user.email.clone(), user.phone.clone()];
        Ok(fixed.into_iter().map(Option::unwrap_or_default).chain(cells))
    }
}

fn parsed(object: &RawValue) -> Result<Object<'_>, Failure> {
    json::parse_object(object.get().as_bytes()).map_err(unreadable)
}
