//! Parsers of what a client sent: members of a body, parameters of a query, segments of a path.

pub mod fields;
pub mod percent;
pub mod query;
pub mod suggest;
