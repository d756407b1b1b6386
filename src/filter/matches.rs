//! Judges a user by a filter.

use super::{Bound, Comparison, Condition, Field, Filter, Moment, Number, Scalar, Test};
use crate::json::{Object, Value};
use crate::time::Timestamp;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What of a user a filter can ask for.
#[derive(Clone, Debug)]
pub struct User<'a> {
    /// The caller's own id.
    pub external_id: &'a str,
    /// The e-mail address.
    pub email: Option<&'a str>,
    /// The phone number.
    pub phone: Option<&'a str>,
    /// As they are stored: no name stands twice.
    pub properties: Object<'a>,
    /// Likewise.
    pub origin: Object<'a>,
    /// When the user was created.
    pub created_at: Timestamp,
    /// When the user last changed.
    pub updated_at: Timestamp,
}

impl<'a> User<'a> {
    /// What stands at a field. None: nothing, or null.
    pub fn value(&self, field: &Field) -> Option<Cow<'_, Value<'a>>> {
        let text = |text: &'a str| Cow::Owned(Value::String(text.into()));
        match field {
            Field::UserId => Some(text(self.external_id)),
            Field::Email => self.email.map(text),
            Field::Phone => self.phone.map(text),
            Field::CreatedAt => Some(Cow::Owned(Value::String(self.created_at.to_string().into()))),
            Field::UpdatedAt => Some(Cow::Owned(Value::String(self.updated_at.to_string().into()))),
            Field::Member { section, steps } => {
                let section = if *section == "origin" { &self.origin } else { &self.properties };
                let (first, others) = steps.split_first()?;
                let value = others.iter().try_fold(section.get(first)?, |value, step| step_into(value, step))?;
                (*value != Value::Null).then_some(Cow::Borrowed(value))
            }
        }
    }
}

/// The member or the element of this name. An index has no leading zero (RFC 6901 section 4).
fn step_into<'v, 'a>(value: &'v Value<'a>, step: &str) -> Option<&'v Value<'a>> {
    match value {
        Value::Object(object) => object.get(step),
        Value::Array(items) => {
            let index: usize = step.parse().ok()?;
            items.get(index).filter(|_| index.to_string() == step)
        }
        _ => None,
    }
}

impl Filter {
    /// Whether this user is meant.
    pub fn matches(&self, user: &User) -> bool {
        match self {
            Filter::All(filters) => filters.iter().all(|filter| filter.matches(user)),
            Filter::Any(filters) => filters.iter().any(|filter| filter.matches(user)),
            Filter::Not(filter) => !filter.matches(user),
            Filter::Condition(condition) => condition.matches(user),
        }
    }
}

impl Condition {
    fn matches(&self, user: &User) -> bool {
        let value = user.value(&self.field);
        match (value.as_deref(), &self.test) {
            (value, Test::Exists(is_there)) => value.is_some() == *is_there,
            (Some(value), Test::Equal(scalar)) => self.is(value, scalar),
            (Some(value), Test::NotEqual(scalar)) => !self.is(value, scalar),
            (Some(value), Test::In(scalars)) => scalars.iter().any(|scalar| self.is(value, scalar)),
            (Some(value), Test::Compare(comparison, bound)) => is_beside(value, *comparison, bound),
            (Some(Value::String(text)), Test::Since(since)) => Moment::parse(text).is_ok_and(|at| at >= *since),
            (Some(Value::String(text)), Test::Before(end)) => Moment::parse(text).is_ok_and(|at| at < *end),
            (Some(Value::String(text)), Test::StartsWith(start)) => text.starts_with(start),
            (Some(Value::String(text)), Test::Contains(part)) => text.contains(part),
            (Some(Value::Array(items)), Test::Has(scalar)) => items.iter().any(|item| is_same(item, scalar)),
            _ => false,
        }
    }

    fn is(&self, value: &Value, scalar: &Scalar) -> bool {
        match (&self.field, value, scalar) {
            (Field::Email, Value::String(email), Scalar::Text(text)) => email.eq_ignore_ascii_case(text),
            _ => is_same(value, scalar),
        }
    }
}

fn is_same(value: &Value, scalar: &Scalar) -> bool {
    match (value, scalar) {
        (Value::String(one), Scalar::Text(other)) => one == other,
        (Value::Number(digits), Scalar::Number(number)) => Number::parse(digits) == *number,
        (Value::Bool(one), Scalar::Boolean(other)) => one == other,
        _ => false,
    }
}

fn is_beside(value: &Value, comparison: Comparison, bound: &Bound) -> bool {
    let ordering: Ordering = match (value, bound) {
        (Value::Number(digits), Bound::Number(number)) => Number::parse(digits).cmp(number),
        (Value::String(one), Bound::Text(other)) => one.as_bytes().cmp(other.as_bytes()),
        _ => return false,
    };
    comparison.includes(ordering)
}
