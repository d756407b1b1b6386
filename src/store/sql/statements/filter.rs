//! A filter as a condition on a row of `users`.
//!
//! Each condition is true or false, never null, so that `not` turns it round. Its paths and values are elements of one JSON
//! parameter: D1 takes 100 parameters, and a number of JSON is exact where a bound one is a double.

use crate::filter::{Bound, Comparison, Condition, Field, Filter, Scalar, Test};
use crate::json;
use crate::time::{FIRST_MS, LAST_MS};

/// Names that lead below `properties` or `origin`, at most: a key, and one in each container below it.
const MAX_STEPS: usize = crate::bounds::MAX_NESTING + 1;

/// A condition in SQL, and the values that it needs.
pub struct Translation<'p> {
    parameter: &'p str,
    values: Vec<String>,
}

impl<'p> Translation<'p> {
    /// None yet. `parameter` is that of the values, such as `?4`.
    pub fn new(parameter: &'p str) -> Self {
        Translation { parameter, values: Vec::new() }
    }

    /// The values so far: a JSON array.
    pub fn values(&self) -> String {
        format!("[{}]", self.values.join(","))
    }

    /// The condition that a row of `users` passes if the filter matches the user.
    pub fn condition(&mut self, filter: &Filter) -> String {
        match filter {
            Filter::All(filters) => self.joined(filters, " and "),
            Filter::Any(filters) => self.joined(filters, " or "),
            Filter::Not(filter) => format!("(not {})", self.condition(filter)),
            Filter::Condition(Condition { field, test: Test::Exists(is_there) }) => {
                let place = self.place(field);
                let exists = place.within(&format!("({} <> 'null')", place.kind));
                if *is_there { exists } else { format!("(not {exists})") }
            }
            Filter::Condition(Condition { field, test }) => {
                let place = self.place(field);
                place.within(&self.passes(field, &place, test))
            }
        }
    }

    fn joined(&mut self, filters: &[Filter], operator: &str) -> String {
        let conditions: Vec<_> = filters.iter().map(|filter| self.condition(filter)).collect();
        format!("({})", conditions.join(operator))
    }

    /// SQL for a value of the parameter, which is JSON text.
    fn value(&mut self, json: String) -> String {
        let index = self.index_of(json);
        format!("json_extract({}, '$[{index}]')", self.parameter)
    }

    fn index_of(&mut self, json: String) -> usize {
        let known = self.values.iter().position(|known| *known == json);
        known.unwrap_or_else(|| {
            self.values.push(json);
            self.values.len() - 1
        })
    }

    /// Where the value of a field stands.
    pub fn place(&mut self, field: &Field) -> Place {
        match field {
            Field::UserId => Place::text("users.external_id"),
            Field::Email => Place::text("users.email"),
            Field::Phone => Place::text("users.phone"),
            Field::CreatedAt => Place::moment("users.created_at"),
            Field::UpdatedAt => Place::moment("users.updated_at"),
            Field::Member { steps, .. } if steps.len() > MAX_STEPS => Place::text("null"),
            Field::Member { section, steps } => self.member(section, steps),
        }
    }

    /// A name of digits is a member of an object or an element of an array. SQLite has a path for each, so there a walk
    /// through the container takes the place of a path.
    fn member(&mut self, section: &str, steps: &[String]) -> Place {
        let (mut source, mut from, mut path) = ("users.profile".to_owned(), Vec::new(), format!("$.{section}"));
        for (i, step) in steps.iter().enumerate() {
            // A key directly in a section is in an object.
            if i == 0 || !is_index(step) {
                path.push('.');
                json::write_string(step, &mut path);
                continue;
            }
            let path = self.value(json::string(&std::mem::replace(&mut path, "$".into())));
            let (name, step) = (format!("e{}", from.len()), self.value(json::string(step)));
            from.push((format!("json_each({source}, {path}) as {name}"), format!("cast({name}.key as text) = {step}")));
            source = format!("iif({name}.type in ('object', 'array'), {name}.value, 'null')");
        }
        let last = from.len().checked_sub(1).filter(|_| path == "$");
        let (tables, keys): (Vec<_>, Vec<_>) = from.into_iter().unzip();
        let walk = (!tables.is_empty()).then(|| (tables.join(" cross join "), keys.join(" and ")));
        if let Some(last) = last {
            return Place { kind: format!("e{last}.type"), value: format!("e{last}.value"), path: None, walk };
        }
        let path = self.value(json::string(&path));
        Place {
            kind: format!("ifnull(json_type({source}, {path}), 'null')"),
            value: format!("json_extract({source}, {path})"),
            path: Some((source, path)),
            walk,
        }
    }

    /// What is true of the value.
    fn passes(&mut self, field: &Field, place: &Place, condition: &Test) -> String {
        let Place { kind, value, .. } = place;
        let compared = match field {
            Field::Email => format!("lower({value})"),
            _ => value.clone(),
        };
        match condition {
            Test::Equal(scalar) => self.is(kind, &compared, scalar),
            Test::NotEqual(scalar) => format!("({kind} <> 'null' and not {})", self.is(kind, &compared, scalar)),
            Test::In(scalars) => self.is_one_of(kind, &compared, scalars),
            Test::Exists(_) => format!("({kind} <> 'null')"),
            Test::Compare(comparison, bound) => {
                let operator = match comparison {
                    Comparison::Greater => ">",
                    Comparison::GreaterOrEqual => ">=",
                    Comparison::Less => "<",
                    Comparison::LessOrEqual => "<=",
                };
                let (kinds, bound) = match bound {
                    Bound::Number(number) => ("('integer', 'real')", number.to_string()),
                    Bound::Text(text) => ("('text')", json::string(text)),
                };
                format!("({kind} in {kinds} and {value} {operator} {})", self.value(bound))
            }
            Test::Since(moment) => is_beside_moment(field, place, ">=", moment.as_ms()),
            Test::Before(moment) => is_beside_moment(field, place, "<", moment.as_ms()),
            // As blobs, since `substr` counts the characters of a text and ends at U+0000; of an empty one it makes null.
            Test::StartsWith(text) => {
                let (start, bytes) = (self.value(json::string(text)), text.len());
                let begins = format!("substr(cast({value} as blob), 1, {bytes}) = cast({start} as blob)");
                format!("({kind} = 'text' and ifnull({begins}, false))")
            }
            Test::Contains(text) => {
                format!("({kind} = 'text' and instr({value}, {}) > 0)", self.value(json::string(text)))
            }
            Test::Has(scalar) => self.has(place, scalar),
        }
    }

    fn is(&mut self, kind: &str, value: &str, scalar: &Scalar) -> String {
        match scalar {
            Scalar::Text(text) => format!("({kind} = 'text' and {value} = {})", self.value(json::string(text))),
            Scalar::Number(number) => {
                format!("({kind} in ('integer', 'real') and {value} = {})", self.value(number.to_string()))
            }
            Scalar::Boolean(truth) => format!("({kind} = '{truth}')"),
        }
    }

    /// By types, since SQLite's JSON has `true` as 1.
    fn is_one_of(&mut self, kind: &str, value: &str, scalars: &[Scalar]) -> String {
        let texts = scalars.iter().filter_map(|scalar| match scalar {
            Scalar::Text(text) => Some(json::string(text)),
            _ => None,
        });
        let texts: Vec<_> = texts.collect();
        let numbers = scalars.iter().filter_map(|scalar| match scalar {
            Scalar::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let numbers: Vec<_> = numbers.collect();
        let mut conditions = Vec::new();
        for (kinds, values) in [("('text')", texts), ("('integer', 'real')", numbers)] {
            if !values.is_empty() {
                let index = self.index_of(format!("[{}]", values.join(",")));
                let values = format!("(select value from json_each({}, '$[{index}]'))", self.parameter);
                conditions.push(format!("{kind} in {kinds} and {value} in {values}"));
            }
        }
        for truth in [true, false] {
            if scalars.contains(&Scalar::Boolean(truth)) {
                conditions.push(format!("{kind} = '{truth}'"));
            }
        }
        format!("({})", conditions.join(" or "))
    }

    fn has(&mut self, place: &Place, scalar: &Scalar) -> String {
        let Place { kind, value, path, .. } = place;
        let elements = match path {
            Some((source, path)) => format!("json_each({source}, {path})"),
            None => format!("json_each(iif({kind} = 'array', {value}, 'null'))"),
        };
        let is = self.is("element.type", "element.value", scalar);
        format!("({kind} = 'array' and exists (select 1 from {elements} as element where {is}))")
    }
}

/// Where a value stands in a row of `users`.
pub struct Place {
    /// SQL for its JSON type as SQLite calls it; `'null'` if there is none.
    kind: String,
    /// SQL for the value itself.
    value: String,
    /// SQL for the document and the path that lead to it, if they do.
    path: Option<(String, String)>,
    /// The tables in which it stands, one row or none, and the condition that finds it there. None: in that of `users`.
    walk: Option<(String, String)>,
}

impl Place {
    /// A column of texts.
    fn text(column: &str) -> Self {
        Place { kind: format!("iif({column} is null, 'null', 'text')"), value: column.into(), path: None, walk: None }
    }

    /// A column of milliseconds, as the text that answers show.
    fn moment(column: &str) -> Self {
        let text =
            format!("strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000, 'unixepoch') || printf('.%03dZ', {column} % 1000)");
        Place { kind: "'text'".into(), value: format!("({text})"), path: None, walk: None }
    }

    /// Its type as SQL that a row of `users` answers.
    pub fn scalar_kind(&self) -> String {
        self.walk.as_ref().map_or_else(
            || self.kind.clone(),
            |(tables, keys)| format!("ifnull((select {} from {tables} where {keys}), 'null')", self.kind),
        )
    }

    /// The value as SQL that a row of `users` answers.
    pub fn scalar_value(&self) -> String {
        self.walk.as_ref().map_or_else(
            || self.value.clone(),
            |(tables, keys)| format!("(select {} from {tables} where {keys})", self.value),
        )
    }

    /// A condition on the value as one on the row of the user.
    fn within(&self, test: &str) -> String {
        match &self.walk {
            None => test.to_owned(),
            Some((tables, keys)) => format!("exists (select 1 from {tables} where {keys} and {test})"),
        }
    }
}

fn is_beside_moment(field: &Field, place: &Place, operator: &str, ms: i64) -> String {
    match field {
        Field::CreatedAt => format!("(users.created_at {operator} {ms})"),
        Field::UpdatedAt => format!("(users.updated_at {operator} {ms})"),
        _ => format!("ifnull(({}) {operator} {ms}, false)", ms_of(&place.kind, &place.value)),
    }
}

/// A name that may be an index (RFC 6901 section 4).
fn is_index(step: &str) -> bool {
    step == "0" || !step.starts_with('0') && !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit())
}

/// SQL for the milliseconds of a text that is a date or a date and time as [`crate::filter::Moment`] reads them; null for
/// all else. SQLite's functions read more forms, so what they make of each part must be that part again.
fn ms_of(kind: &str, value: &str) -> String {
    // One row of a table, so that the value is read once and not at each of its uses.
    let texts = format!(
        "select value as text, substr(value, 1, 10) as day, octet_length(value) as bytes,
            iif(substr(value, -1) in ('Z', 'z'), substr(value, -1), substr(value, -6)) as zone,
            substr(value, 18, 2) = '60' as leaps
        from json_each(json_array(iif({kind} = 'text', {value}, null)))
        where octet_length(value) >= 10 and length(value) = octet_length(value)"
    );
    let parts = format!(
        "select *, substr(text, 12, 6) || iif(leaps, '59', substr(text, 18, 2)) as clock,
            substr(text, 20, bytes - 19 - octet_length(zone)) as fraction,
            iif(zone in ('Z', 'z'), 0, iif(substr(zone, 1, 1) = '-', -1, 1) * unixepoch('1970-01-01 ' || substr(zone, 2))) as ahead
        from ({texts})"
    );
    let moments = format!(
        "select *, unixepoch(day || ' ' || clock) - ahead as seconds from ({parts})
        where date(day) = day and (bytes = 10 or bytes >= 20 and substr(text, 11, 1) in ('T', 't') and time(clock) = clock
            and (zone in ('Z', 'z') or substr(zone, 1, 1) in ('+', '-') and strftime('%H:%M', substr(zone, 2)) = substr(zone, 2))
            and (fraction = '' or fraction glob '.[0-9]*' and substr(fraction, 2) not glob '*[^0-9]*'))"
    );
    format!(
        "select ms from (
            select iif(bytes = 10, unixepoch(day) * 1000,
                (seconds + leaps) * 1000 + cast(substr(substr(fraction, 2) || '000', 1, 3) as integer)) as ms
            from ({moments}) where bytes = 10 or not leaps or ((seconds % 86400) + 86400) % 86400 = 86399
        ) where ms between {FIRST_MS} and {LAST_MS}"
    )
}
