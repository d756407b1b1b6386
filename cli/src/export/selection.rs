//! Which parts of a user an export has, in which order.

use crate::error::CliError;
use crate::format::column::Column;
use crate::format::csv_value::Style;
use roster::json::{self, Object, ObjectWriter};
use serde_json::value::RawValue;

/// A part of a user: a column of a table, or a member of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// What an import takes.
    Column(Column),
    CreatedAt,
    UpdatedAt,
}

impl Part {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "created_at" => Some(Part::CreatedAt),
            "updated_at" => Some(Part::UpdatedAt),
            name => {
                let column = Column::parse_member(name)?;
                (!matches!(column, Column::SetOnce | Column::Once(_))).then_some(Part::Column(column))
            }
        }
    }

    pub fn name(&self) -> String {
        match self {
            Part::Column(column) => column.name(),
            Part::CreatedAt => "created_at".into(),
            Part::UpdatedAt => "updated_at".into(),
        }
    }
}

pub struct Selection(pub Vec<Part>);

impl Selection {
    /// The parts of these names. Without names, all that an import takes; for spreadsheets, which are not for import, the
    /// times too.
    pub fn new(names: &[String], as_of: bool, style: Style) -> Result<Self, CliError> {
        if names.is_empty() {
            let times = if style == Style::ForSpreadsheets { &["created_at", "updated_at"][..] } else { &[] };
            let as_of = as_of.then_some("as_of");
            let all = ["user_id", "email", "phone"].into_iter().chain(as_of).chain(times.iter().copied());
            return Ok(Selection(all.chain(["properties", "origin"]).filter_map(Part::parse).collect()));
        }
        let mut parts = Vec::new();
        for name in names {
            let part = Part::parse(name).ok_or_else(|| {
                CliError::Usage(format!(
                    "--columns: there is no {name:?}; there are user_id, email, phone, as_of, created_at, updated_at, \
                     properties, properties.KEY, origin, origin.KEY"
                ))
            })?;
            if parts.contains(&part) {
                return Err(CliError::Usage(format!("--columns: {name:?} stands twice")));
            }
            parts.push(part);
        }
        Ok(Selection(parts))
    }

    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(Part::name).collect()
    }

    pub fn has(&self, part: &Part) -> bool {
        self.0.contains(part)
    }

    /// What is selected of the properties or the origin: `all` of it, or the members that `one` names. None if nothing is.
    pub fn members(
        &self,
        object: &RawValue,
        all: Column,
        one: fn(&Column) -> Option<&str>,
    ) -> Result<Option<Box<RawValue>>, CliError> {
        if self.has(&Part::Column(all)) {
            return Ok(Some(object.to_owned()));
        }
        let keys = self.0.iter().filter_map(|part| if let Part::Column(column) = part { one(column) } else { None });
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() {
            return Ok(None);
        }
        let object: Object = json::parse_object(object.get().as_bytes()).map_err(CliError::invalid_response)?;
        let mut members = ObjectWriter::default();
        for (key, value) in object.members.iter().filter(|(key, _)| keys.contains(&key.as_ref())) {
            members.member(key, &value.to_string());
        }
        Ok(Some(crate::record::raw_json(members.finish())))
    }
}
