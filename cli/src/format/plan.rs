//! Where the columns of a file go: each to one place in a user, to several, or to none.

use super::cell_type::{CellType, Cells};
use super::column::Column;
use super::presets::{PRESETS, Preset};
use super::{ReadOptions, phones};
use crate::error::CliError;
use crate::record::REFUSED_COLUMNS;
use std::collections::HashSet;
use std::fmt::Write;

/// One column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedColumn {
    pub name: String,
    pub places: Vec<Column>,
    /// Of what goes to `properties` and `origin`. Only in tables.
    pub cell_type: Option<CellType>,
    /// Whether its name is one of Roster's own.
    pub is_own: bool,
}

/// The columns of a table, or the members of its JSON objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    Table,
    Objects,
}

impl Names {
    /// Whether a column says why a row was refused.
    fn is_reason(self, name: &str) -> bool {
        self == Names::Table && REFUSED_COLUMNS.contains(&name)
    }

    fn own(self, name: &str) -> Option<Column> {
        match self {
            Names::Table => Column::parse(name),
            Names::Objects => Column::parse_member(name),
        }
    }
}

pub struct Plan {
    pub columns: Vec<PlannedColumn>,
    pub preset: Option<&'static Preset>,
}

impl Plan {
    /// Plans the columns of these names. Names that are not Roster's own are guessed if the options say so, and refused
    /// otherwise, with all that the guess would be.
    pub fn new(kind: Names, names: &[String], options: &ReadOptions) -> Result<Self, CliError> {
        if options.only_ids {
            return Plan::only_ids(names);
        }
        let chosen = Chosen::parse(options, names)?;
        let mut plan = Plan::guess(kind, names, &chosen);
        let unsure = |column: &&PlannedColumn| !column.is_own && chosen.places(&column.name).is_none();
        let unsure: Vec<_> = plan.columns.iter().filter(unsure).cloned().collect();
        if options.guess || !unsure.is_empty() {
            plan.know_by_email();
        }
        if !options.guess && !unsure.is_empty() {
            return Err(CliError::Usage(plan.proposal(&unsure)));
        }
        match plan.problem() {
            Some(problem) => Err(CliError::Usage(problem)),
            None => Ok(plan),
        }
    }

    /// Leaves out all but the ids.
    fn only_ids(names: &[String]) -> Result<Self, CliError> {
        let column = |name: &String| {
            let id = Column::parse(name).filter(|place| *place == Column::UserId);
            PlannedColumn { name: name.clone(), places: id.into_iter().collect(), cell_type: None, is_own: true }
        };
        let plan = Plan { columns: names.iter().map(column).collect(), preset: None };
        let ids = plan.columns.iter().filter(|column| !column.places.is_empty()).count();
        if ids == 1 {
            return Ok(plan);
        }
        let problem = if ids == 0 { "there is no column \"user_id\"" } else { "two columns are \"user_id\"" };
        Err(CliError::Usage(format!("the header: {problem}")))
    }

    /// The types that the options leave open, by what the columns hold.
    pub fn set_types(&mut self, cells: &[Cells]) {
        for (column, cells) in self.columns.iter_mut().zip(cells) {
            column.cell_type.get_or_insert_with(|| cells.cell_type(column.is_own));
        }
    }

    fn guess(kind: Names, names: &[String], chosen: &Chosen) -> Self {
        let preset = PRESETS.of_header(names);
        let preset_places = |name: &str| {
            let preset = preset?;
            if preset.spread.iter().any(|spread| spread == name) {
                return Some(Vec::new());
            }
            let places = preset.columns.get(name)?;
            Some(places.iter().filter_map(|place| Column::parse(place)).collect::<Vec<_>>())
        };
        let sure = |name: &String| {
            let own = || kind.own(name).map(|place| vec![place]);
            let reason = || kind.is_reason(name).then(Vec::new);
            chosen.places(name).or_else(reason).or_else(own).or_else(|| preset_places(name))
        };
        let mut taken: HashSet<Column> = names.iter().filter_map(sure).flatten().collect();
        let mut columns: Vec<PlannedColumn> = Vec::new();
        for name in names {
            let places = sure(name).unwrap_or_else(|| {
                let place = PRESETS.alias(name).filter(|place| taken.insert(place.clone()));
                let property = || (!name.trim().is_empty()).then(|| Column::Property(name.trim().into()));
                place.or_else(property).into_iter().collect()
            });
            let is_own = kind.is_reason(name) || kind.own(name).is_some();
            columns.push(PlannedColumn { name: name.clone(), places, cell_type: chosen.cell_type(name), is_own });
        }
        Plan { columns, preset }
    }

    /// An export of people without ids knows them by their e-mails.
    fn know_by_email(&mut self) {
        let goes_to = |place: Column| move |column: &PlannedColumn| column.places.contains(&place);
        if self.columns.iter().any(goes_to(Column::UserId)) {
            return;
        }
        let is_email = goes_to(Column::Email);
        if let Some(column) = self.columns.iter_mut().find(|column| is_email(column)) {
            column.places.insert(0, Column::UserId);
        }
    }

    /// Why users can't be made of these columns.
    fn problem(&self) -> Option<String> {
        let mut seen = HashSet::new();
        for column in &self.columns {
            for place in &column.places {
                if !seen.insert(place) {
                    return Some(format!(
                        "the header: two columns go to {}, the second is {:?}",
                        place.name(),
                        column.name
                    ));
                }
            }
        }
        (!seen.contains(&Column::UserId))
            .then(|| "the header: there is no column \"user_id\"; say which one it is with --map user_id=COLUMN".into())
    }

    /// What to do about columns of other names.
    fn proposal(&self, unsure: &[PlannedColumn]) -> String {
        let names: Vec<_> = unsure.iter().map(|column| format!("{:?}", column.name)).collect();
        let product = self.preset.map_or_else(String::new, |preset| format!(", as {} exports them", preset.name));
        let mut text =
            format!("unknown column{} {}{product}\n", if names.len() == 1 { "" } else { "s" }, names.join(", "));
        text.push_str("With --guess they would go to:\n");
        let width = self.columns.iter().map(|column| column.name.chars().count()).max().unwrap_or(0);
        for PlannedColumn { name, places, .. } in &self.columns {
            let places: Vec<_> = places.iter().map(Column::name).collect();
            let places = if places.is_empty() { "(left out)".into() } else { places.join(", ") };
            let _ = writeln!(text, "  {name:width$}  {places}");
        }
        text.push_str(
            "Add --guess to take them so, with --check to try it and send nothing. \
             --map PLACE=COLUMN and --skip COLUMN change it.",
        );
        text
    }

    /// Whether a column goes to the property that keeps phones.
    pub fn has_kept_phone(&self) -> bool {
        let kept = Column::Property(phones::KEPT_AS.into());
        self.columns.iter().any(|column| column.places.contains(&kept))
    }
}

/// What the options say of columns.
struct Chosen {
    map: Vec<(Column, String)>,
    skip: Vec<String>,
    types: Vec<(String, CellType)>,
}

impl Chosen {
    fn parse(options: &ReadOptions, names: &[String]) -> Result<Self, CliError> {
        let usage = CliError::Usage;
        let mut chosen = Chosen { map: Vec::new(), skip: options.skip.clone(), types: Vec::new() };
        for text in &options.map {
            let (place, column) =
                text.split_once('=').ok_or_else(|| usage(format!("--map {text:?}: write PLACE=COLUMN")))?;
            let place = Column::parse_member(place).ok_or_else(|| {
                usage(format!(
                    "--map {text:?}: {place:?} is no place; places are user_id, email, phone, as_of, properties.KEY, \
                     origin.KEY, and set_once. with email, phone, properties.KEY or origin.KEY"
                ))
            })?;
            chosen.map.push((place, column.into()));
        }
        for text in &options.types {
            let parsed = text.rsplit_once('=').and_then(|(column, name)| {
                Some((column.to_owned(), <CellType as clap::ValueEnum>::from_str(name, true).ok()?))
            });
            let parsed = parsed
                .ok_or_else(|| usage(format!("--type {text:?}: write COLUMN=TYPE, of text, number, boolean, json")))?;
            chosen.types.push(parsed);
        }
        let mapped = chosen.map.iter().map(|(_, column)| column);
        let columns = mapped.chain(&chosen.skip).chain(chosen.types.iter().map(|(column, _)| column));
        match columns.into_iter().find(|column| !names.contains(column)) {
            Some(column) => Err(usage(format!("there is no column {column:?}; there are {}", names.join(", ")))),
            None => Ok(chosen),
        }
    }

    fn places(&self, name: &str) -> Option<Vec<Column>> {
        let places = self.map.iter().filter(|(_, column)| column == name).map(|(place, _)| place.clone());
        let places: Vec<_> = places.collect();
        (!places.is_empty() || self.skip.iter().any(|column| column == name)).then_some(places)
    }

    fn cell_type(&self, name: &str) -> Option<CellType> {
        self.types.iter().find(|(column, _)| column == name).map(|(_, cell_type)| *cell_type)
    }
}
