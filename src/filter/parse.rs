//! Reads a filter, and reports every fault in it with its place.

use super::{Bound, Comparison, Condition, Field, FieldError, Filter, Moment, Number, Scalar, Test};
use crate::bounds::{COMBINED_FILTERS, IN_VALUES, MAX_CONDITIONS, MAX_FILTER_LEVELS};
use crate::input::fields::{FaultKind, Faults, Fields};
use crate::json::{Object, Value};
use crate::user::{Email, ExternalId, Phone};
use std::ops::RangeInclusive;

const COMBINATIONS: [&str; 3] = ["all", "any", "not"];

/// Reads the value of an operator. Of a field that can't be read, nothing is known.
type ReadTest = fn(&Value, Option<&Field>, &mut Faults) -> Option<Test>;

/// The operators, in the order of the contract.
const OPERATORS: [(&str, ReadTest); 13] = [
    ("eq", |value, field, faults| scalar_of(field, value, faults).map(Test::Equal)),
    ("ne", |value, field, faults| scalar_of(field, value, faults).map(Test::NotEqual)),
    ("in", |value, field, faults| {
        let values = array(value, IN_VALUES, faults)?;
        each(values, faults, |value, faults| scalar_of(field, value, faults)).map(Test::In)
    }),
    ("exists", |value, _, faults| match value {
        Value::Bool(is_there) => Some(Test::Exists(*is_there)),
        other => faults.wrong_type("boolean", other),
    }),
    ("gt", |value, _, faults| compare(Comparison::Greater, value, faults)),
    ("gte", |value, _, faults| compare(Comparison::GreaterOrEqual, value, faults)),
    ("lt", |value, _, faults| compare(Comparison::Less, value, faults)),
    ("lte", |value, _, faults| compare(Comparison::LessOrEqual, value, faults)),
    ("since", |value, _, faults| moment(value, faults).map(Test::Since)),
    ("before", |value, _, faults| moment(value, faults).map(Test::Before)),
    ("starts_with", |value, _, faults| part(value, faults).map(Test::StartsWith)),
    ("contains", |value, _, faults| part(value, faults).map(Test::Contains)),
    ("has", |value, _, faults| scalar(value, faults).map(Test::Has)),
];

/// The field that a text names, or a fault.
pub fn field(value: &Value, faults: &mut Faults) -> Option<Field> {
    match Field::parse(faults.string(value)?) {
        Ok(field) => Some(field),
        Err(FieldError::Unknown(outcome)) => {
            faults.push(FaultKind::Unknown(outcome));
            None
        }
        Err(FieldError::Invalid(rule)) => faults.parsed(Err(rule)),
    }
}

/// The filter that a value describes, or faults.
pub fn filter(value: &Value, faults: &mut Faults) -> Option<Filter> {
    Parser { conditions: 0 }.filter(value, MAX_FILTER_LEVELS, faults)
}

struct Parser {
    /// How many have been met.
    conditions: usize,
}

impl Parser {
    fn filter(&mut self, value: &Value, levels: usize, faults: &mut Faults) -> Option<Filter> {
        let object = faults.object(value)?;
        let Some(levels) = levels.checked_sub(1) else {
            faults.invalid(format!("Must not be nested more than {MAX_FILTER_LEVELS} levels deep"));
            return None;
        };
        let mut fields = Fields::of_question(object, faults);
        let all = fields.optional("all", |value, faults| self.filters(value, levels, faults)).map(Filter::All);
        let any = fields.optional("any", |value, faults| self.filters(value, levels, faults)).map(Filter::Any);
        let not = fields.optional("not", |value, faults| self.filter(value, levels, faults));
        let field = fields.optional("field", field);
        let tests =
            OPERATORS.map(|(name, read)| fields.optional(name, |value, faults| read(value, field.as_ref(), faults)));
        fields.deny_unknown();
        self.check_form(object, faults);
        let combination = all.or(any).or(not.map(|not| Filter::Not(Box::new(not))));
        combination.or_else(|| {
            let test = tests.into_iter().flatten().next()?;
            Some(Filter::Condition(Condition { field: field?, test }))
        })
    }

    /// Sees to it that an object is one combination or one condition.
    fn check_form(&mut self, object: &Object, faults: &mut Faults) {
        let has = |name: &&str| object.get(name).is_some();
        let combinations = COMBINATIONS.iter().filter(|name| has(name)).count();
        let operators = OPERATORS.iter().filter(|(name, _)| has(name)).count();
        match (combinations, has(&"field"), operators) {
            (1, false, 0) => return,
            (0, true, 1) => {}
            (0, false, 0) if object.members.is_empty() => {
                faults.invalid("Must not be empty: it is a condition, or all, any or not");
            }
            // A name that is not known is a fault already, and may be the one that is missing.
            (0, _, 0) if object.members.len() > usize::from(has(&"field")) => {}
            (0, false, 1) => faults.within("field", |faults| faults.push(FaultKind::Missing)),
            (0, _, _) => {
                let names = OPERATORS.map(|(name, _)| name).join(", ");
                faults.invalid(format!("Must have exactly one operator of {names}"));
            }
            _ => faults.invalid("Must have one of all, any and not, or else field and an operator"),
        }
        self.conditions += 1;
        if self.conditions == MAX_CONDITIONS + 1 {
            faults.invalid(format!("Must be one of at most {MAX_CONDITIONS} conditions"));
        }
    }

    fn filters(&mut self, value: &Value, levels: usize, faults: &mut Faults) -> Option<Vec<Filter>> {
        let filters = array(value, COMBINED_FILTERS, faults)?;
        each(filters, faults, |value, faults| self.filter(value, levels, faults))
    }
}

/// The elements of an array of so many.
fn array<'v, 'a>(value: &'v Value<'a>, count: RangeInclusive<usize>, faults: &mut Faults) -> Option<&'v [Value<'a>]> {
    let Value::Array(items) = value else { return faults.wrong_type("array", value) };
    if !count.contains(&items.len()) {
        faults.invalid(format!("Must have {} to {} elements", count.start(), count.end()));
        return None;
    }
    Some(items)
}

/// What each element is read as, if all can be.
fn each<T>(
    items: &[Value],
    faults: &mut Faults,
    mut read: impl FnMut(&Value, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let items = items.iter().enumerate();
    let read: Vec<_> = items.map(|(i, item)| faults.within(i.to_string(), |faults| read(item, faults))).collect();
    read.into_iter().collect()
}

fn scalar(value: &Value, faults: &mut Faults) -> Option<Scalar> {
    match value {
        Value::String(text) => Some(Scalar::Text(text.to_string())),
        Value::Number(digits) => number(digits, faults).map(Scalar::Number),
        Value::Bool(truth) => Some(Scalar::Boolean(*truth)),
        Value::Null => {
            faults.invalid("Nothing is null here: a member that is null is not there, so use exists");
            None
        }
        other => faults.wrong_type("string, number or boolean", other),
    }
}

/// A value that the field may have, in the form in which they are compared.
fn scalar_of(field: Option<&Field>, value: &Value, faults: &mut Faults) -> Option<Scalar> {
    let scalar = scalar(value, faults)?;
    let Scalar::Text(text) = &scalar else { return Some(scalar) };
    let stored = match field {
        Some(Field::UserId) => text.parse().map(|id: ExternalId| id.as_str().to_owned()),
        Some(Field::Email) => Email::parse(text).map(|email| email.as_str().to_ascii_lowercase()),
        Some(Field::Phone) => Phone::parse(text).map(|phone| phone.as_str().to_owned()),
        _ => return Some(scalar),
    };
    faults.parsed(stored).map(Scalar::Text)
}

fn number(digits: &str, faults: &mut Faults) -> Option<Number> {
    let number = Number::parse(digits);
    if !number.is_finite() {
        faults.invalid("Must be a number that a double can hold");
        return None;
    }
    Some(number)
}

fn compare(comparison: Comparison, value: &Value, faults: &mut Faults) -> Option<Test> {
    let bound = match value {
        Value::String(text) => Bound::Text(text.to_string()),
        Value::Number(digits) => Bound::Number(number(digits, faults)?),
        other => return faults.wrong_type("number or string", other),
    };
    Some(Test::Compare(comparison, bound))
}

fn moment(value: &Value, faults: &mut Faults) -> Option<Moment> {
    let text = faults.string(value)?;
    faults.parsed(Moment::parse(text))
}

/// A text that is a part of others.
fn part(value: &Value, faults: &mut Faults) -> Option<String> {
    let text = faults.string(value)?;
    if text.is_empty() {
        faults.invalid("Must have at least one character");
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::fields::Part;
    use crate::json;

    fn parse(text: &str) -> Result<Filter, Vec<String>> {
        let mut faults = Faults::new(Part::Body);
        let parsed = faults.within("where", |faults| filter(&json::parse(text.as_bytes()).unwrap(), faults));
        faults.finish(parsed).map_err(|list| {
            let code = |kind: &FaultKind| match kind {
                FaultKind::Missing => "missing",
                FaultKind::WrongType { .. } => "type",
                FaultKind::Invalid(_) => "value",
                FaultKind::Unknown(_) => "unknown",
                FaultKind::Duplicate | FaultKind::NotJson(_) => "request",
            };
            list.faults.iter().map(|fault| format!("{} {}", code(&fault.kind), fault.place())).collect()
        })
    }

    /// A filter of so many levels.
    fn nested(levels: usize) -> String {
        let condition = r#"{"field":"email","exists":true}"#;
        (1..levels).fold(condition.into(), |inner, i| match i % 3 {
            0 => format!(r#"{{"not":{inner}}}"#),
            1 => format!(r#"{{"all":[{inner}]}}"#),
            _ => format!(r#"{{"any":[{inner}]}}"#),
        })
    }

    fn all(count: usize, element: &str) -> String {
        format!(r#"{{"all":[{}]}}"#, vec![element; count].join(","))
    }

    #[test]
    fn what_is_not_understood_is_a_fault_with_its_place() {
        let one = r#"{"field":"email","exists":true}"#;
        for (text, faults) in [
            ("null", &["type where"][..]),
            ("true", &["type where"]),
            ("[]", &["type where"]),
            (r#""plan=premium""#, &["type where"]),
            ("{}", &["value where"]),
            (r#"{"plan":"premium"}"#, &["unknown /where/plan"]),
            (r#"{"field":"email"}"#, &["value where"]),
            (r#"{"eq":"a@b"}"#, &["missing /where/field"]),
            (r#"{"field":"email","equals":"a@b"}"#, &["unknown /where/equals"]),
            (r#"{"field":"email","eq":"a@b","ne":"c@d"}"#, &["value where"]),
            (r#"{"field":"email","exists":true,"case":1}"#, &["unknown /where/case"]),
            (r#"{"field":"email","exists":true,"exists":true}"#, &["request /where/exists"]),
            (r#"{"field":"email","exists":"true"}"#, &["type /where/exists"]),
            (r#"{"field":"plan","exists":true}"#, &["unknown /where/field"]),
            (r#"{"field":"properties","exists":true}"#, &["value /where/field"]),
            (r#"{"field":"/properties/~","exists":true}"#, &["value /where/field"]),
            (r#"{"field":7,"exists":true}"#, &["type /where/field"]),
            (r#"{"all":[]}"#, &["value /where/all"]),
            (r#"{"all":{}}"#, &["type /where/all"]),
            (r#"{"any":null}"#, &["type /where/any"]),
            (r#"{"not":[]}"#, &["type /where/not"]),
            (r#"{"not":{}}"#, &["value /where/not"]),
            (r#"{"any":[{},null]}"#, &["value /where/any/0", "type /where/any/1"]),
            (&format!(r#"{{"all":[{one}],"any":[{one}]}}"#), &["value where"]),
            (&format!(r#"{{"not":{one},"field":"email","exists":true}}"#), &["value where"]),
            (&format!(r#"{{"not":{one},"or":[]}}"#), &["unknown /where/or"]),
            (&all(21, one), &["value /where/all"]),
            (&format!(r#"{{"any":[{},{one}]}}"#, all(20, one)), &["value /where/any/1"]),
            (&nested(5), &["value /where/all/0/not/any/0/all/0"]),
            (r#"{"field":"email","eq":null}"#, &["value /where/eq"]),
            (r#"{"field":"email","eq":"Ann"}"#, &["value /where/eq"]),
            (r#"{"field":"phone","in":["+1 23","0151"]}"#, &["value /where/in/1"]),
            (r#"{"field":"user_id","ne":"usr_01hf7yat008000000000000000yt"}"#, &[]),
            (r#"{"field":"user_id","ne":""}"#, &["value /where/ne"]),
            (r#"{"field":"origin.a","eq":{}}"#, &["type /where/eq"]),
            (r#"{"field":"origin.a","eq":1e309}"#, &["value /where/eq"]),
            (r#"{"field":"origin.a","in":"a"}"#, &["type /where/in"]),
            (r#"{"field":"origin.a","in":[]}"#, &["value /where/in"]),
            (r#"{"field":"origin.a","in":[1,null,-1e400]}"#, &["value /where/in/1", "value /where/in/2"]),
            (r#"{"field":"origin.a","gt":true}"#, &["type /where/gt"]),
            (r#"{"field":"origin.a","lte":1e999}"#, &["value /where/lte"]),
            (r#"{"field":"origin.a","since":"now"}"#, &["value /where/since"]),
            (r#"{"field":"origin.a","since":"2023-06-15 10:00"}"#, &["value /where/since"]),
            (r#"{"field":"origin.a","since":"2023-02-29"}"#, &["value /where/since"]),
            (r#"{"field":"origin.a","before":1687000000}"#, &["type /where/before"]),
            (r#"{"field":"origin.a","before":"2023-06-15T10:00:00"}"#, &["value /where/before"]),
            (r#"{"field":"origin.a","contains":""}"#, &["value /where/contains"]),
            (r#"{"field":"origin.a","starts_with":1}"#, &["type /where/starts_with"]),
            (r#"{"field":"origin.a","has":[1]}"#, &["type /where/has"]),
            (r#"{"field":"plan","eq":[],"x":1}"#, &["unknown /where/field", "type /where/eq", "unknown /where/x"]),
        ] {
            match parse(text) {
                Ok(_) => assert!(faults.is_empty(), "{text}"),
                Err(found) => assert_eq!(found, faults, "{text}"),
            }
        }
    }

    #[test]
    fn every_limit_can_be_reached() {
        let values = |count: usize| format!(r#"{{"field":"origin.a","in":[{}]}}"#, vec!["1"; count].join(","));
        assert!(parse(&values(100)).is_ok());
        assert_eq!(parse(&values(101)), Err(vec!["value /where/in".into()]));
        assert!(parse(&nested(4)).is_ok());
        assert!(parse(&all(20, r#"{"field":"email","exists":true}"#)).is_ok());
    }

    #[test]
    fn contacts_are_compared_in_one_form() {
        let test = |text: &str| match parse(text) {
            Ok(Filter::Condition(Condition { test, .. })) => test,
            other => panic!("{other:?}"),
        };
        let is = |value: &str| Scalar::Text(value.into());
        assert_eq!(test(r#"{"field":"email","eq":" Ann@Example.com"}"#), Test::Equal(is("ann@example.com")));
        assert_eq!(test(r#"{"field":"phone","ne":"+1 (23)-4"}"#), Test::NotEqual(is("+1234")));
        assert_eq!(test(r#"{"field":"email","starts_with":"Ann@"}"#), Test::StartsWith("Ann@".into()));
        assert_eq!(test(r#"{"field":"properties.email","eq":"Ann"}"#), Test::Equal(is("Ann")));
    }
}
