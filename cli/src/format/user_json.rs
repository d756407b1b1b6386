//! The JSON of one user, put together part by part.

use super::column::Column;
use super::phones::{self, Phones, Placed};
use roster::json::{self, ObjectWriter, Value};

/// What to do with phones.
#[derive(Clone, Debug, Default)]
pub struct PhoneRule {
    pub phones: Phones,
    pub country_code: Option<String>,
    /// Whether the property that keeps a phone has a column of its own.
    pub is_taken: bool,
}

#[derive(Default)]
pub struct UserJson {
    user: ObjectWriter,
    properties: ObjectWriter,
    origin: ObjectWriter,
    set_once: Option<Box<UserJson>>,
}

impl UserJson {
    /// What deletes a user, in a batch.
    pub fn deletion(id: &str) -> Self {
        let mut user = UserJson::default();
        user.set(&Column::UserId, &json::string(id));
        user.set_deletion();
        user
    }

    pub fn set_deletion(&mut self) {
        self.user.member("delete", "true");
    }

    /// Sets what a cell of a table says. An empty one says nothing; the word null clears an e-mail or a phone, which can't be it.
    pub fn set_cell(&mut self, column: &Column, cell: &str, typed: Option<&str>, phones: &PhoneRule) {
        match column {
            Column::Property(_) | Column::Origin(_) => typed.into_iter().for_each(|json| self.set(column, json)),
            _ if cell.is_empty() => {}
            Column::Once(place) => self.once().set_cell(place, cell, typed, phones),
            Column::Email | Column::Phone if cell == "null" => self.set(column, "null"),
            Column::Phone => self.set_phone(cell, phones),
            _ => self.set(column, &json::string(cell)),
        }
    }

    /// Sets what a member of a JSON object says.
    pub fn set_value(&mut self, column: &Column, value: &Value, phones: &PhoneRule) {
        match (column, value) {
            (Column::Properties | Column::Origins, Value::Object(object)) => {
                let place = if *column == Column::Properties { Column::Property } else { Column::Origin };
                for (name, value) in &object.members {
                    self.set(&place(name.clone().into_owned()), &value.to_string());
                }
            }
            (Column::SetOnce, Value::Object(object)) => {
                for (name, value) in &object.members {
                    match Column::parse_member(name).filter(|_| !name.contains('.')) {
                        Some(place) => self.once().set_value(&place, value, phones),
                        None => self.once().user.member(name, &value.to_string()),
                    }
                }
            }
            (Column::Phone, Value::String(text)) if !text.is_empty() => self.set_phone(text, phones),
            // An export writes so what is not there.
            (Column::Phone | Column::Email | Column::AsOf | Column::Once(_), Value::Null) => {}
            (Column::Once(place), value) => self.once().set_value(place, value, phones),
            (Column::Phone | Column::Email | Column::AsOf, Value::String(text)) if text.is_empty() => {}
            (Column::UserId, Value::Number(digits)) => self.set(column, &json::string(digits)),
            _ => self.set(column, &value.to_string()),
        }
    }

    fn once(&mut self) -> &mut UserJson {
        self.set_once.get_or_insert_default()
    }

    fn set_phone(&mut self, text: &str, rule: &PhoneRule) {
        match rule.phones.place(text, rule.country_code.as_deref()) {
            Placed::Property(text) if !rule.is_taken => {
                self.set(&Column::Property(phones::KEPT_AS.into()), &json::string(&text));
            }
            Placed::Phone(text) | Placed::Property(text) => self.set(&Column::Phone, &json::string(&text)),
        }
    }

    fn set(&mut self, column: &Column, json: &str) {
        match column {
            Column::Property(key) => self.properties.member(key, json),
            Column::Origin(key) => self.origin.member(key, json),
            column => self.user.member(&column.name(), json),
        }
    }

    pub fn finish(mut self) -> String {
        for (name, object) in [("properties", self.properties), ("origin", self.origin)] {
            if !object.is_empty() {
                self.user.member(name, &object.finish());
            }
        }
        if let Some(once) = self.set_once {
            self.user.member("set_once", &once.finish());
        }
        self.user.finish()
    }
}
