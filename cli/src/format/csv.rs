//! CSV: a table of users with the columns `user_id`, `email`, `phone`, `as_of`, `properties.KEY` and `origin.KEY`.

use super::csv_value;
use super::raw_record::RawRecord;
use crate::error::CliError;
use crate::record::{Record, RejectReason, Rejection};
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
pub struct Header(Vec<Column>);

impl Header {
    pub fn parse(row: &RawRecord) -> Result<Self, CliError> {
        let usage = |problem: String| CliError::Usage(format!("line {}, the header: {problem}", row.line));
        let names = parse_cells(&row.text).ok_or_else(|| usage("not UTF-8".into()))?;
        let mut columns = Vec::new();
        let mut seen = HashSet::new();
        for name in &names {
            let column = Column::parse(name).ok_or_else(|| {
                usage(format!(
                    "unknown column {name:?}; known are user_id, email, phone, as_of, properties.KEY, origin.KEY"
                ))
            })?;
            if !seen.insert(column.clone()) {
                return Err(usage(format!("column {name:?} stands twice")));
            }
            columns.push(column);
        }
        if !seen.contains(&Column::UserId) {
            return Err(usage("there is no column \"user_id\"".into()));
        }
        Ok(Header(columns))
    }

    pub fn parse_row(&self, row: &RawRecord) -> Result<Record, Rejection> {
        let RawRecord { line, text, .. } = row;
        let reject = |message: String| Rejection::from_text(*line, text, &RejectReason::Unreadable(message));
        let row = parse_cells(text).ok_or_else(|| reject("Not UTF-8".into()))?;
        if row.len() != self.0.len() {
            return Err(reject(format!("The row has {} cells and the header {}", row.len(), self.0.len())));
        }
        let json = self.user_json(&row);
        let record = Record::from_object(&json::parse_object(json.as_bytes()).unwrap_or_default());
        Ok(record(*line, json))
    }

    /// The JSON of one user.
    fn user_json(&self, row: &[String]) -> String {
        let [mut user, mut properties, mut origin] = [(); 3].map(|()| ObjectWriter::default());
        for (column, cell) in self.0.iter().zip(row) {
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
        RawRecord { line: 7, text: text.into(), is_cut: false, end: Position::default() }
    }

    #[track_caller]
    fn parse(header: &str, row: &str) -> Result<String, Rejection> {
        Header::parse(&raw(header)).unwrap().parse_row(&raw(row)).map(|record| record.json)
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
            let error = Header::parse(&raw(header)).unwrap_err();
            assert!(error.to_string().contains(why) && error.exit_code() == 2, "{error}");
        }
    }

    #[test]
    fn a_row_of_another_length_is_refused_as_it_was() {
        for (row, message) in
            [("u", "The row has 1 cells and the header 2"), ("u,a,b", "The row has 3 cells and the header 2")]
        {
            let refused = parse("user_id,email", row).unwrap_err();
            assert_eq!((refused.line, refused.record.get()), (7, format!("\"{row}\"").as_str()));
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
            let header = Header::parse(&rows.next().unwrap().unwrap()).unwrap();
            let record = header.parse_row(&rows.next().unwrap().unwrap()).unwrap();
            let user: serde_json::Value = serde_json::from_str(&record.json).unwrap();
            prop_assert_eq!(&user["properties"][&key], &serde_json::json!(text));
        }
    }
}
