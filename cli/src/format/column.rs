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
    /// What is set where nothing is. Only of JSON.
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
            _ => None,
        }
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
            Column::SetOnce => "set_once".into(),
        }
    }
}
