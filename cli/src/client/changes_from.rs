//! From where on to follow the changes of a project.

use roster::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesFrom {
    /// From all users on.
    Beginning,
    /// From what was stored at this moment or later.
    Moment(Timestamp),
    /// From what is not stored yet.
    Now,
    /// From behind a page that had this cursor.
    Cursor(String),
}

impl ChangesFrom {
    /// What the query says of it, with an ampersand before it.
    pub fn parameter(&self) -> String {
        match self {
            ChangesFrom::Beginning => String::new(),
            ChangesFrom::Moment(moment) => format!("&since={moment}"),
            ChangesFrom::Now => "&from=now".into(),
            ChangesFrom::Cursor(cursor) => format!("&cursor={cursor}"),
        }
    }
}
