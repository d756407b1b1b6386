//! CSV: a table of users with the columns `user_id`, `email`, `phone`, `as_of`, `properties.KEY` and `origin.KEY`.

use super::CsvOptions;
use super::csv_value;
use super::raw_record::{Misquoted, RawRecord, behind_cells};
use crate::error::CliError;
use crate::record::{REFUSED_COLUMNS, Record, RejectReason, Rejection};
use csv::{ByteRecord, ReaderBuilder, Terminator};
use roster::json::{self, ObjectWriter};
use std::collections::HashSet;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    UserId,
    Email,
    Phone,
    AsOf,
    Property(String),
    Origin(String),
}

impl Column {
    /// The key is everything behind the first dot, literally.
    fn parse(name: &str) -> Option<Self> {
        match (name, name.split_once('.')) {
            ("user_id", _) => Some(Column::UserId),
            ("email", _) => Some(Column::Email),
            ("phone", _) => Some(Column::Phone),
            ("as_of", _) => Some(Column::AsOf),
            (_, Some(("properties", key))) if !key.is_empty() => Some(Column::Property(key.into())),
            (_, Some(("origin", key))) if !key.is_empty() => Some(Column::Origin(key.into())),
            _ => None,
        }
    }

    pub fn name(&self) -> String {
        match self {
            Column::UserId => "user_id".into(),
            Column::Email => "email".into(),
            Column::Phone => "phone".into(),
            Column::AsOf => "as_of".into(),
            Column::Property(key) => format!("properties.{key}"),
            Column::Origin(key) => format!("origin.{key}"),
        }
    }
}

/// The columns of a table, each once, `user_id` among them.
#[derive(Debug)]
pub struct Header {
    /// None where a table of refused rows says why.
    columns: Vec<Option<Column>>,
    /// How many of those are the first.
    reasons: usize,
    text: Vec<u8>,
    options: CsvOptions,
}

impl Header {
    pub fn parse(row: &RawRecord, options: CsvOptions) -> Result<Self, CliError> {
        let usage = |problem: String| CliError::Usage(format!("line {}, the header: {problem}", row.line));
        if let Some(misquoted) = row.misquoted {
            return Err(usage(misquoted_message(misquoted)));
        }
        let names = parse_cells(&row.text).ok_or_else(|| usage("not UTF-8".into()))?;
        let mut columns = Vec::new();
        let mut seen = HashSet::new();
        for name in &names {
            if REFUSED_COLUMNS.contains(&name.as_str()) {
                columns.push(None);
                continue;
            }
            let column = Column::parse(name).ok_or_else(|| {
                usage(format!(
                    "unknown column {name:?}; known are user_id, email, phone, as_of, properties.KEY, origin.KEY"
                ))
            })?;
            if !seen.insert(column.clone()) {
                return Err(usage(format!("column {name:?} stands twice")));
            }
            columns.push(Some(column));
        }
        if !seen.contains(&Column::UserId) {
            return Err(usage("there is no column \"user_id\"".into()));
        }
        let reasons = columns.iter().take_while(|column| column.is_none()).count();
        Ok(Header { columns, reasons, text: behind_cells(&row.text, reasons).to_vec(), options })
    }

    /// As it is written, without the reasons of a table of refused rows.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    pub fn parse_row(&self, row: &RawRecord) -> Result<Record, Rejection> {
        let RawRecord { line, text, misquoted, .. } = row;
        let text_of_user = behind_cells(text, self.reasons);
        let reject = |reason: RejectReason| Rejection::new(*line, text_of_user, &reason);
        let unreadable = |message: String| reject(RejectReason::Unreadable(message));
        if let Some(misquoted) = misquoted {
            return Err(unreadable(misquoted_message(*misquoted)));
        }
        let mut row = parse_cells(text).ok_or_else(|| unreadable("Not UTF-8".into()))?;
        if row.len() != self.columns.len() {
            return Err(unreadable(format!("The row has {} cells and the header {}", row.len(), self.columns.len())));
        }
        if self.options.strip_apostrophes {
            for cell in row.iter_mut().filter(|cell| cell.starts_with('\'')) {
                cell.remove(0);
            }
        }
        if let Some(doubt) = self.doubt(&row) {
            return Err(reject(RejectReason::Doubtful(doubt)));
        }
        let json = self.user_json(&row);
        let record = Record::from_object(&json::parse_object(json.as_bytes()).unwrap_or_default());
        Ok(record(*line, json, Some(text_of_user.to_vec())))
    }

    /// Why the row may not be what it was before a spreadsheet or an export had it.
    fn doubt(&self, row: &[String]) -> Option<String> {
        let CsvOptions { allow_apostrophes, allow_scientific, .. } = self.options;
        self.columns.iter().zip(row).find_map(|(column, cell)| match column.as_ref()? {
            column @ (Column::UserId | Column::Email | Column::Phone)
                if cell.starts_with('\'') && !allow_apostrophes =>
            {
                Some(format!(
                    "The {} begins with an apostrophe, which some exports write before a text: \
                     strip apostrophes, or allow them (--strip-apostrophes, --allow-apostrophes)",
                    column.name()
                ))
            }
            Column::UserId if is_scientific(cell) && !allow_scientific => Some(format!(
                "The user_id {cell} is a number that a spreadsheet has shortened, and others may look the same: \
                 correct it, or allow such ids (--allow-scientific)"
            )),
            _ => None,
        })
    }

    /// The JSON of one user.
    fn user_json(&self, row: &[String]) -> String {
        let [mut user, mut properties, mut origin] = [(); 3].map(|()| ObjectWriter::default());
        for (column, cell) in self.columns.iter().zip(row) {
            let Some(column) = column else { continue };
            let (object, name, value) = match column {
                Column::UserId => (&mut user, "user_id", (!cell.is_empty()).then(|| json::string(cell))),
                Column::Email => (&mut user, "email", contact_json(cell)),
                Column::Phone => (&mut user, "phone", contact_json(cell)),
                Column::AsOf => (&mut user, "as_of", (!cell.is_empty()).then(|| json::string(cell))),
                Column::Property(key) => (&mut properties, key.as_str(), csv_value::to_json(cell)),
                Column::Origin(key) => (&mut origin, key.as_str(), csv_value::to_json(cell)),
            };
            if let Some(value) = value {
                object.member(name, &value);
            }
        }
        for (name, object) in [("properties", properties), ("origin", origin)] {
            if !object.is_empty() {
                user.member(name, &object.finish());
            }
        }
        user.finish()
    }
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

/// The JSON of an e-mail or a phone. Neither can be the word null, so that it can stand for JSON's null.
fn contact_json(cell: &str) -> Option<String> {
    match cell {
        "" => None,
        "null" => Some("null".into()),
        text => Some(json::string(text)),
    }
}

/// The cells of one row. None if they are not UTF-8.
fn parse_cells(text: &[u8]) -> Option<Vec<String>> {
    // The text is one row: a carriage return in it belongs to a cell.
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(text.len().max(1))
        .from_reader(text);
    let mut row = ByteRecord::new();
    reader.read_byte_record(&mut row).ok()?;
    row.iter().map(|cell| String::from_utf8(cell.to_vec()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::raw_record::{Delimiter, RawRecords};
    use crate::record::Position;
    use proptest::prelude::*;
    use roster::json::Value;

    fn raw(text: &str) -> RawRecord {
        RawRecord { line: 7, text: text.into(), is_cut: false, misquoted: None, end: Position::default() }
    }

    #[track_caller]
    fn parse(header: &str, row: &str) -> Result<String, Rejection> {
        Header::parse(&raw(header), CsvOptions::default()).unwrap().parse_row(&raw(row)).map(|record| record.json)
    }

    #[test]
    fn a_row_becomes_a_user() {
        let header = r#"email,properties.a.b,user_id,"properties.x,""y""",origin.channel,phone,as_of"#;
        assert_eq!(
            parse(header, r#"a@b.c,1.10,u1,"{""n"": null}",ios,+123,2027-01-01T00:00:00Z"#).unwrap(),
            r#"{"email":"a@b.c","user_id":"u1","phone":"+123","as_of":"2027-01-01T00:00:00Z","properties":{"a.b":1.10,"x,\"y\"":{"n": null}},"origin":{"channel":"ios"}}"#
        );
    }

    #[test]
    fn an_empty_cell_leaves_its_field_alone_and_null_clears() {
        let header = "user_id,email,phone,properties.p,origin.o,as_of";
        assert_eq!(parse(header, "u,,,,,").unwrap(), r#"{"user_id":"u"}"#);
        assert_eq!(parse(header, ",,,,,").unwrap(), "{}");
        assert_eq!(
            parse(header, r#"5,null,null,null,"""""","#).unwrap(),
            r#"{"user_id":"5","email":null,"phone":null,"properties":{"p":null},"origin":{"o":""}}"#
        );
    }

    #[test]
    fn a_header_that_is_refused_says_why() {
        for (header, why) in [
            ("user_id,zip", "unknown column \"zip\""),
            ("user_id,properties", "unknown column \"properties\""),
            ("user_id,properties.", "unknown column \"properties.\""),
            ("user_id, email", "unknown column \" email\""),
            ("user_id,email,email", "column \"email\" stands twice"),
            ("email", "there is no column \"user_id\""),
        ] {
            let error = Header::parse(&raw(header), CsvOptions::default()).unwrap_err();
            assert!(error.to_string().contains(why) && error.exit_code() == 2, "{error}");
        }
    }

    #[test]
    fn a_row_of_another_length_is_refused_as_it_was() {
        for (row, message) in
            [("u", "The row has 1 cells and the header 2"), ("u,a,b", "The row has 3 cells and the header 2")]
        {
            let refused = parse("user_id,email", row).unwrap_err();
            assert_eq!((refused.line, refused.record.as_slice()), (7, row.as_bytes()));
            assert!(refused.error.get().contains(message), "{}", refused.error);
        }
    }

    proptest! {
        #[test]
        fn any_key_and_string_survive_a_table(key in "[\\PC\r\n,\".]{1,8}", text in "[\\PC\r\n,\".]{0,8}") {
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            writer.write_record(["user_id", &Column::Property(key.clone()).name()]).unwrap();
            writer.write_record(["u", &csv_value::from_json(&Value::String(text.as_str().into()))]).unwrap();
            let table = writer.into_inner().unwrap();
            let mut rows = RawRecords::new(&table[..], Delimiter::CsvRow, 1000, Position::default()).unwrap();
            let header = Header::parse(&rows.next().unwrap().unwrap(), CsvOptions::default()).unwrap();
            let record = header.parse_row(&rows.next().unwrap().unwrap()).unwrap();
            let user: serde_json::Value = serde_json::from_str(&record.json).unwrap();
            prop_assert_eq!(&user["properties"][&key], &serde_json::json!(text));
        }
    }
}
