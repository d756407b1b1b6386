//! CSV: a table of users, whose first row names its columns.

use super::ReadOptions;
use super::cell_type::Cells;
use super::column::Column;
use super::plan::{Names, Plan, PlannedColumn};
use super::raw_record::{Misquoted, RawCell, RawRecord};
use super::user_json::{PhoneRule, UserJson};
use crate::error::CliError;
use crate::record::{REFUSED_COLUMNS, Record, RejectReason, Rejection};
use roster::json;
use roster::user::Email;

/// The columns of a table, `user_id` among them.
pub struct Table {
    plan: Plan,
    /// How many columns at the beginning say why a row was refused.
    reasons: usize,
    /// As it is written, without those.
    header: Vec<u8>,
    strips_apostrophes: bool,
    options: ReadOptions,
    phones: PhoneRule,
}

impl Table {
    pub fn new(row: &RawRecord, options: &ReadOptions) -> Result<Self, CliError> {
        let usage = |problem: String| CliError::Usage(format!("line {}, the header: {problem}", row.line));
        if let Some(misquoted) = row.misquoted {
            return Err(usage(misquoted_message(misquoted)));
        }
        let names = texts(&row.cells).ok_or_else(|| usage("not UTF-8".into()))?;
        if names.iter().any(|name| Email::parse(name).is_ok()) {
            return Err(usage("it is a user: write a line with the names of the columns before it".into()));
        }
        let plan = Plan::new(Names::Table, &names, options)?;
        let reasons = names.iter().take_while(|name| REFUSED_COLUMNS.contains(&name.as_str())).count();
        let strips_apostrophes =
            options.strip_apostrophes || options.guess && plan.preset.is_some_and(|preset| preset.apostrophes);
        Ok(Table {
            reasons,
            header: behind_cells(row, reasons).to_vec(),
            strips_apostrophes: strips_apostrophes && !options.allow_apostrophes,
            options: options.clone(),
            phones: options.phone_rule(plan.has_kept_phone()),
            plan,
        })
    }

    /// As it is written, without the reasons of a table of refused rows.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Adds the cells of a row to what is known of each column.
    pub fn survey_row(&self, row: &RawRecord, columns: &mut Vec<Cells>) -> Result<(), CliError> {
        columns.resize_with(self.plan.columns.len(), Cells::default);
        if row.misquoted.is_some() || row.is_cut {
            return Ok(());
        }
        let cells = texts(&row.cells).ok_or_else(|| {
            CliError::Usage(format!(
                "line {} is not UTF-8: save the file as \"CSV UTF-8\", or add --encoding windows-1252",
                row.line
            ))
        })?;
        if self.is_header(&cells) {
            return Ok(());
        }
        for ((known, column), cell) in columns.iter_mut().zip(&self.plan.columns).zip(&cells) {
            known.add(self.stripped(cell), column.is_own);
        }
        Ok(())
    }

    pub fn set_types(&mut self, columns: &[Cells]) {
        self.plan.set_types(columns);
    }

    fn stripped<'c>(&self, cell: &'c str) -> &'c str {
        if self.strips_apostrophes { cell.strip_prefix('\'').unwrap_or(cell) } else { cell }
    }

    pub fn parse_row(&self, row: &RawRecord) -> Result<Record, Rejection> {
        let text = behind_cells(row, self.reasons);
        let reject = |reason: RejectReason| Rejection::new(row.line, text, &reason);
        let unreadable = |message: String| reject(RejectReason::Unreadable(message));
        if let Some(misquoted) = row.misquoted {
            return Err(unreadable(misquoted_message(misquoted)));
        }
        let cells = texts(&row.cells).ok_or_else(|| unreadable("Not UTF-8".into()))?;
        let (found, expected) = (cells.len(), self.plan.columns.len());
        if found < expected || cells.iter().skip(expected).any(|cell| !cell.is_empty()) {
            return Err(unreadable(format!("The row has {found} cells and the header {expected}")));
        }
        if self.is_header(&cells) {
            return Err(unreadable("This is the header again: leave the line out".into()));
        }
        let mut user = UserJson::default();
        for (column, cell) in self.plan.columns.iter().zip(&cells) {
            let cell = self.stripped(cell);
            if let Some(doubt) = self.doubt(column, cell) {
                return Err(reject(RejectReason::Doubtful(doubt)));
            }
            let typed = column.cell_type.unwrap_or_default().to_json(cell, column.is_own);
            let typed = typed.map_err(|problem| {
                reject(RejectReason::Doubtful(format!("The column {:?}: {problem}", column.name)))
            })?;
            for place in &column.places {
                user.set_cell(place, cell, typed.as_deref(), &self.phones);
            }
        }
        if self.options.only_ids {
            user.set_deletion();
        }
        let json = user.finish();
        let record = Record::from_object(&json::parse_object(json.as_bytes()).unwrap_or_default());
        Ok(record(row.line, json, Some(text.to_vec())))
    }

    /// Whether a row names the columns, as the first one does where one file is written behind another.
    fn is_header(&self, cells: &[String]) -> bool {
        // Behind a byte order mark quotes belong to the cell.
        let name = |cell| str::strip_prefix(cell, '\u{feff}').map_or(cell, |marked| marked.trim_matches('"'));
        self.plan.columns.iter().map(|column| column.name.as_str()).eq(cells.iter().map(|cell| name(cell.as_str())))
    }

    /// Why a cell may not be what it was before a spreadsheet or an export had it.
    fn doubt(&self, column: &PlannedColumn, cell: &str) -> Option<String> {
        let place = column.places.iter().find(|place| place.is_text())?;
        if cell.starts_with('\'') && !self.options.allow_apostrophes {
            return Some(format!(
                "The {} begins with an apostrophe, which some exports write before a text: \
                 strip apostrophes, or allow them (--strip-apostrophes, --allow-apostrophes)",
                place.name()
            ));
        }
        (*place == Column::UserId && is_scientific(cell) && !self.options.allow_scientific).then(|| {
            format!(
                "The user_id {cell} is a number that a spreadsheet has shortened, and others may look the same: \
                 correct it, or allow such ids (--allow-scientific)"
            )
        })
    }
}

/// What stands behind the first cells of a row.
fn behind_cells(row: &RawRecord, count: usize) -> &[u8] {
    let start = count.checked_sub(1).and_then(|last| row.cells.get(last)).map_or(0, |cell| cell.end);
    row.text.get(start..).unwrap_or_default()
}

/// None if they are not UTF-8.
fn texts(cells: &[RawCell]) -> Option<Vec<String>> {
    cells.iter().map(|cell| str::from_utf8(&cell.text).ok().map(str::to_owned)).collect()
}

fn misquoted_message(Misquoted { line, is_closed }: Misquoted) -> String {
    if !is_closed {
        return format!("the quote that opens in line {line} is never closed");
    }
    format!("The quote that opens in line {line} closes before its cell ends: write a quote inside of quotes twice")
}

/// Whether an id is a number as a spreadsheet shows a large one.
fn is_scientific(id: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((mantissa, exponent)) = id.split_once(['E', 'e']) else { return false };
    let (first, rest) = mantissa.split_once(['.', ',']).map_or((mantissa, None), |(first, rest)| (first, Some(rest)));
    let exponent = exponent.strip_prefix('+').filter(|digits| digits.len() > 1);
    first.len() == 1 && is_digits(first) && rest.is_none_or(is_digits) && exponent.is_some_and(is_digits)
}
