//! Which users a question is about, in words.

use crate::error::CliError;
use crate::format::csv_value;
use clap::Args;
use roster::json;

pub const DETAILS: &str = "\
A CONDITION is FIELD=VALUE, FIELD!=VALUE, or one with >, >=, < or <=; FIELD? means that there is something, and !FIELD? that there is
nothing. A field is user_id, email, phone, created_at, updated_at, properties.KEY, origin.KEY, or a JSON Pointer such as
/properties/address/city. A value is read as a cell of a CSV file: 5 is a number, \"5\" in quotes a string, premium a string. Quote a
condition for the shell: 'properties.age>=18'. All conditions must hold; --where takes a whole filter, as docs/query.md describes it.

";

/// Which users.
#[derive(Args)]
pub struct FilterArgs {
    /// What must hold of a user, such as properties.plan=premium
    #[arg(value_name = "CONDITION")]
    conditions: Vec<String>,
    /// A filter as JSON, which must hold as well
    #[arg(long = "where", value_name = "JSON")]
    filter: Option<String>,
}

impl FilterArgs {
    /// The filter as JSON. None: all users.
    pub fn to_json(&self) -> Result<Option<String>, CliError> {
        let mut filters = self.conditions.iter().map(|text| condition(text)).collect::<Result<Vec<_>, _>>()?;
        if let Some(filter) = &self.filter {
            json::parse(filter.as_bytes()).map_err(|error| CliError::Usage(format!("--where is not JSON: {error}")))?;
            filters.push(filter.clone());
        }
        Ok(match filters.as_slice() {
            [] => None,
            [filter] => Some(filter.clone()),
            filters => Some(format!(r#"{{"all":[{}]}}"#, filters.join(","))),
        })
    }
}

/// Operators, each before those that it begins with.
const OPERATORS: [(&str, &str); 6] =
    [("!=", "ne"), (">=", "gte"), ("<=", "lte"), ("=", "eq"), (">", "gt"), ("<", "lt")];

/// The JSON of a condition.
fn condition(text: &str) -> Result<String, CliError> {
    let usage = |problem: &str| Err(CliError::Usage(format!("{text}: {problem}")));
    let of = |field: &str, operator: &str, value: &str| {
        format!(r#"{{"field":{},"{operator}":{value}}}"#, json::string(field))
    };
    let first = OPERATORS.iter().filter_map(|(sign, operator)| {
        let at = text.match_indices(sign).map(|(at, _)| at).find(|at| *at > 0)?;
        Some((at, sign, operator))
    });
    let Some((at, sign, operator)) = first.min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len()))) else {
        let Some(field) = text.strip_suffix('?').filter(|field| !matches!(*field, "" | "!")) else {
            return usage("a condition is FIELD=VALUE, !=, >, >=, <, <=, FIELD? or !FIELD?");
        };
        return Ok(match field.strip_prefix('!') {
            Some(field) => of(field, "exists", "false"),
            None => of(field, "exists", "true"),
        });
    };
    let (field, value) = (&text[..at], &text[at + sign.len()..]);
    match csv_value::to_json(value) {
        Some(value) => Ok(of(field, operator, &value)),
        None => {
            usage("there is no value; FIELD? and !FIELD? ask whether there is something, and \"\" is an empty text")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(conditions: &[&str], filter: Option<&str>) -> Result<Option<String>, String> {
        let conditions = conditions.iter().map(ToString::to_string).collect();
        let filter = FilterArgs { conditions, filter: filter.map(Into::into) };
        filter.to_json().map_err(|error| error.to_string())
    }

    #[test]
    fn words_become_conditions() {
        for (word, condition) in [
            ("properties.plan=premium", r#"{"field":"properties.plan","eq":"premium"}"#),
            ("properties.plan!=premium", r#"{"field":"properties.plan","ne":"premium"}"#),
            ("properties.age>18", r#"{"field":"properties.age","gt":18}"#),
            ("properties.age>=18", r#"{"field":"properties.age","gte":18}"#),
            ("properties.age<1e3", r#"{"field":"properties.age","lt":1e3}"#),
            ("created_at<=2023-06-01", r#"{"field":"created_at","lte":"2023-06-01"}"#),
            (r#"properties.code="5""#, r#"{"field":"properties.code","eq":"5"}"#),
            ("properties.formula==1", r#"{"field":"properties.formula","eq":"=1"}"#),
            ("properties.note=a<b", r#"{"field":"properties.note","eq":"a<b"}"#),
            ("properties.ok=true", r#"{"field":"properties.ok","eq":true}"#),
            (r#"properties.none="""#, r#"{"field":"properties.none","eq":""}"#),
            ("email?", r#"{"field":"email","exists":true}"#),
            ("!email?", r#"{"field":"email","exists":false}"#),
            ("/properties/address/city=Berlin", r#"{"field":"/properties/address/city","eq":"Berlin"}"#),
        ] {
            assert_eq!(json(&[word], None), Ok(Some(condition.into())), "{word}");
        }
        for word in ["", "email", "?", "!?", "=x", "email=", "email!="] {
            assert!(json(&[word], None).unwrap_err().starts_with(&format!("{word}: ")), "{word}");
        }
    }

    #[test]
    fn all_must_hold() {
        let (one, two) = (r#"{"field":"email","exists":true}"#, r#"{"field":"phone","exists":true}"#);
        assert_eq!(json(&[], None), Ok(None));
        assert_eq!(json(&[], Some(one)), Ok(Some(one.into())));
        assert_eq!(json(&["email?"], Some(two)), Ok(Some(format!(r#"{{"all":[{one},{two}]}}"#))));
        assert!(json(&[], Some("{")).unwrap_err().starts_with("--where is not JSON: "));
    }
}
