//! The type of a column: what its cells stand for in `properties` and `origin`.
//!
//! A table of Roster's own names says the type of each cell ([`csv_value`]), unless a whole column shows that a spreadsheet
//! has written it. In any other table a column has one type.

use super::csv_value;
use clap::ValueEnum;
use roster::json::{self, Value};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CellType {
    /// JSON where it is valid, else a text
    #[default]
    Json,
    /// A text, whatever it looks like
    Text,
    Number,
    /// true or false, in any case
    Boolean,
}

impl CellType {
    pub fn name(self) -> &'static str {
        match self {
            CellType::Json => "json",
            CellType::Text => "text",
            CellType::Number => "number",
            CellType::Boolean => "boolean",
        }
    }

    /// The JSON of a cell. `Ok(None)` if it is empty; a cell that has not this type is refused. By a name of Roster's own the
    /// word null is JSON's, whatever the type.
    pub fn to_json(self, cell: &str, is_own: bool) -> Result<Option<String>, String> {
        if cell.is_empty() {
            return Ok(None);
        }
        if is_own && cell == "null" {
            return Ok(Some(cell.into()));
        }
        Ok(Some(match self {
            CellType::Json => return Ok(csv_value::to_json(cell)),
            CellType::Text => match json::parse(cell.as_bytes()) {
                Ok(Value::String(_)) => cell.into(),
                _ => json::string(cell),
            },
            CellType::Number if is_number(cell) => cell.trim_matches(' ').into(),
            CellType::Boolean if is_boolean(cell) => cell.to_ascii_lowercase(),
            CellType::Number | CellType::Boolean => return Err(format!("{cell:?} is no {}", self.name())),
        }))
    }
}

/// What is known of the cells of a column that are not empty.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is known apart from the others")]
pub struct Cells {
    is_empty: bool,
    are_numbers: bool,
    are_booleans: bool,
    are_objects: bool,
    /// Whether one is a number with a zero before it, as a postcode is. Roster's own exports write such a text in JSON's quotes.
    has_zip: bool,
}

impl Default for Cells {
    fn default() -> Self {
        Cells { is_empty: true, are_numbers: true, are_booleans: true, are_objects: true, has_zip: false }
    }
}

impl Cells {
    pub fn add(&mut self, cell: &str, is_own: bool) {
        if cell.is_empty() || is_own && cell == "null" {
            return;
        }
        self.is_empty = false;
        self.are_numbers = self.are_numbers && is_plain_number(cell);
        self.are_booleans = self.are_booleans && is_boolean(cell);
        self.are_objects = self.are_objects && is_object(cell);
        self.has_zip = self.has_zip || csv_value::is_zip(cell);
    }

    /// The type of the column. `is_own` says that its name is one of Roster's.
    pub fn cell_type(&self, is_own: bool) -> CellType {
        match self {
            Cells { is_empty: true, .. } => CellType::Json,
            Cells { are_booleans: true, .. } => CellType::Boolean,
            Cells { has_zip: true, .. } => CellType::Text,
            _ if is_own || self.are_objects => CellType::Json,
            Cells { are_numbers: true, .. } => CellType::Number,
            _ => CellType::Text,
        }
    }
}

fn is_boolean(cell: &str) -> bool {
    cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false")
}

fn is_number(cell: &str) -> bool {
    cell.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && json::parse(cell.as_bytes()).is_ok()
}

fn is_plain_number(cell: &str) -> bool {
    is_number(cell) && !cell.contains(['e', 'E', ' '])
}

fn is_object(cell: &str) -> bool {
    cell.starts_with(['{', '[']) && json::parse(cell.as_bytes()).is_ok()
}
