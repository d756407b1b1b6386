//! `/v1/users`

mod batch;
mod copies;
mod count;
mod delete;
mod get;
mod get_many;
mod id;
mod if_match;
mod list;
mod positions;
mod properties;
mod query;
mod upsert;
mod walk;

pub use batch::write_all;
pub use count::count;
pub use delete::delete;
pub use get::get;
pub use get_many::get_many;
pub use list::list;
pub use properties::properties;
pub use query::query;
pub use upsert::upsert;
