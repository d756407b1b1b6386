//! What a column of a table holds, by its name.

/// A place in a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    UserId,
    Email,
    Phone,
    AsOf,
    Property(String),
    Origin(String),
    /// All members of an object, each a property. Only of JSON.
    Properties,
    /// The same in the origin.
    Origins,
    /// The same in what is set where nothing is: an e-mail, a phone, a property or a key of the origin.
    Once(Box<Column>),
    /// All that is set where nothing is. Only of JSON.
    SetOnce,
}

impl Column {
    /// The key is everything behind the first dot, literally. None of a name that is none of Roster's.
    pub fn parse(name: &str) -> Option<Self> {
        match (name, name.split_once('.')) {
            ("user_id", _) => Some(Column::UserId),
            ("email", _) => Some(Column::Email),
            ("phone", _) => Some(Column::Phone),
            ("as_of", _) => Some(Column::AsOf),
            (_, Some(("properties", key))) if !key.is_empty() => Some(Column::Property(key.into())),
            (_, Some(("origin", key))) if !key.is_empty() => Some(Column::Origin(key.into())),
            (_, Some(("set_once", place))) if !place.starts_with("set_once.") => Column::parse(place)?.once(),
            _ => None,
        }
    }

    /// This place where nothing is. None if it can't be set once.
    fn once(self) -> Option<Self> {
        use Column::{Email, Origin, Phone, Property};
        matches!(self, Email | Phone | Property(_) | Origin(_)).then(|| Column::Once(Box::new(self)))
    }

    /// The same of a member of a JSON object, which may hold all of a user's properties or origin.
    pub fn parse_member(name: &str) -> Option<Self> {
        match name {
            "properties" => Some(Column::Properties),
            "origin" => Some(Column::Origins),
            "set_once" => Some(Column::SetOnce),
            name => Column::parse(name),
        }
    }

    /// Whether a cell is the text itself that identifies or reaches somebody.
    pub fn is_text(&self) -> bool {
        match self {
            Column::Once(place) => place.is_text(),
            place => matches!(place, Column::UserId | Column::Email | Column::Phone),
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
            Column::Properties => "properties".into(),
            Column::Origins => "origin".into(),
            Column::Once(place) => format!("set_once.{}", place.name()),
            Column::SetOnce => "set_once".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_roster_says_its_name_and_others_are_none() {
        for name in ["user_id", "as_of", "properties.a.b", "origin.a", "set_once.email", "set_once.origin.a.b"] {
            assert_eq!(Column::parse(name).unwrap().name(), name);
        }
        for name in ["zip", "properties", "origin.", "set_once", "set_once.", "set_once.origin.", "set_once.user_id"] {
            assert_eq!(Column::parse(name), None, "{name}");
        }
        assert_eq!(Column::parse(&"set_once.".repeat(200_000)), None);
    }
}
