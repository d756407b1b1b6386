//! The arguments of `roster count`, `roster query` and `roster properties`.

use super::filter::FilterArgs;
use super::server::ServerArgs;
use clap::Args;

pub const COUNT_DETAILS: &str = "\
Walks to the end and prints the number of users. With --by it prints a line for each value, the most frequent first: how many, a tab, and
the value as a cell of a CSV file; null is whoever has none, and (other) are objects, arrays and long texts.

";

pub const QUERY_DETAILS: &str = "\
Walks to the end and prints each user as the API shows it, one JSON object a line, in no promised order. For a file that can be imported,
use `roster export`.

";

pub const PROPERTIES_DETAILS: &str = "\
Walks to the end and prints the names directly in properties and origin: how many users have each, the types of their values, and the
names. Names that differ by case and punctuation alone, such as signupDate and signup_date, are marked.

";

#[derive(Args)]
pub struct CountArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Count by the values of this field
    #[arg(long, value_name = "FIELD")]
    pub by: Option<String>,
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Args)]
pub struct QueryArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Args)]
pub struct PropertiesArgs {
    #[command(flatten)]
    pub server: ServerArgs,
}
