//! `/v1/users`

mod batch;
mod copies;
mod delete;
mod get;
mod id;
mod if_match;
mod list;
mod upsert;

pub use batch::write_all;
pub use delete::delete;
pub use get::get;
pub use list::list;
pub use upsert::upsert;
