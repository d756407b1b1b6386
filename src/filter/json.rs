//! A filter as JSON: one text for each, however it was written. Cursors are bound to it, and it is sent to objects. It
//! outlives deploys.

use super::{Bound, Comparison, Condition, Filter, Scalar, Test};
use crate::json::{self, ObjectWriter};

impl Filter {
    /// The JSON text that [`super::filter`] reads this filter from.
    pub fn to_json(&self) -> String {
        match self {
            Filter::All(filters) => object("all", &array(filters, Filter::to_json)),
            Filter::Any(filters) => object("any", &array(filters, Filter::to_json)),
            Filter::Not(filter) => object("not", &filter.to_json()),
            Filter::Condition(Condition { field, test }) => {
                let (operator, value) = operation(test);
                let mut condition = ObjectWriter::default();
                condition.member("field", &json::string(&field.name()));
                condition.member(operator, &value);
                condition.finish()
            }
        }
    }
}

fn object(name: &str, json: &str) -> String {
    let mut object = ObjectWriter::default();
    object.member(name, json);
    object.finish()
}

fn array<T>(items: &[T], json_of: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(json_of).collect::<Vec<_>>().join(","))
}

fn operation(condition: &Test) -> (&'static str, String) {
    match condition {
        Test::Equal(value) => ("eq", scalar(value)),
        Test::NotEqual(value) => ("ne", scalar(value)),
        Test::In(values) => ("in", array(values, scalar)),
        Test::Exists(is_there) => ("exists", is_there.to_string()),
        Test::Compare(comparison, bound) => {
            let operator = match comparison {
                Comparison::Greater => "gt",
                Comparison::GreaterOrEqual => "gte",
                Comparison::Less => "lt",
                Comparison::LessOrEqual => "lte",
            };
            let value = match bound {
                Bound::Number(number) => number.to_string(),
                Bound::Text(text) => json::string(text),
            };
            (operator, value)
        }
        Test::Since(moment) => ("since", json::string(&moment.to_string())),
        Test::Before(moment) => ("before", json::string(&moment.to_string())),
        Test::StartsWith(text) => ("starts_with", json::string(text)),
        Test::Contains(text) => ("contains", json::string(text)),
        Test::Has(value) => ("has", scalar(value)),
    }
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Text(text) => json::string(text),
        Scalar::Number(number) => number.to_string(),
        Scalar::Boolean(truth) => truth.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::filter;
    use crate::input::fields::Faults;
    use crate::json;

    #[test]
    fn writings_of_one_filter_have_one_text_that_outlives_deploys() {
        for (text, written) in [
            (r#"{ "eq": "p\u0061", "field": "properties.plan" }"#, r#"{"field":"/properties/plan","eq":"pa"}"#),
            (
                r#"{"all":[{"in":["A@b","C@d"],"field":"email"},{"not":{"field":"origin.n","gt":1.0}}]}"#,
                r#"{"all":[{"field":"email","in":["a@b","c@d"]},{"not":{"field":"/origin/n","gt":1}}]}"#,
            ),
            (
                r#"{"any":[{"field":"created_at","since":"2023-06-01T02:00:00+02:00"},{"field":"origin.n","lte":1e-1}]}"#,
                r#"{"any":[{"field":"created_at","since":"2023-06-01T00:00:00.000Z"},{"field":"/origin/n","lte":0.1}]}"#,
            ),
            (
                r#"{"any":[{"field":"origin.t","before":"0000-02-29"},{"field":"origin.n","has":1e300}]}"#,
                r#"{"any":[{"field":"/origin/t","before":"0000-02-29T00:00:00.000Z"},{"field":"/origin/n","has":1e+300}]}"#,
            ),
        ] {
            for text in [text, written] {
                let parsed = filter::filter(&json::parse(text.as_bytes()).unwrap(), &mut Faults::default());
                assert_eq!(parsed.unwrap().to_json(), written, "{text}");
            }
        }
    }
}
