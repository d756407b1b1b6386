//! Reads a JSON body member by member and reports all faults at once, each with its place.

use super::suggest;
use crate::bounds::{MAX_FAULTS, MAX_POINTER_CHARS};
use crate::json::{Object, Value, nearest, pointer_step};
use crate::rule::BrokenRule;
use std::borrow::Cow;
use std::fmt;

/// The part of a request that is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// The JSON body.
    #[default]
    Body,
    /// The path.
    Path,
    /// The query.
    Query,
    /// The headers.
    Header,
}

/// What is wrong with a part of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultList {
    /// The part that was read.
    pub part: Part,
    /// The first ones. Never empty.
    pub faults: Vec<Fault>,
    /// How many there are beyond those.
    pub more: usize,
}

impl FaultList {
    /// One fault: `field` breaks a rule.
    pub fn one(part: Part, field: &str, rule: impl Into<Cow<'static, str>>) -> Self {
        let fault = Fault { field: field.into(), pointer: None, kind: FaultKind::Invalid(rule.into()) };
        FaultList { part, faults: vec![fault], more: 0 }
    }
}

/// One fault, and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The top-level member or parameter that has it.
    pub field: String,
    /// An RFC 6901 pointer, if the place is deeper than `field`.
    pub pointer: Option<String>,
    /// What is wrong there.
    pub kind: FaultKind,
}

/// What is wrong at a place. `Display` is the sentence for the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A required member is absent.
    Missing,
    /// The JSON types that were expected and received.
    WrongType {
        /// The type that the contract asks for.
        expected: &'static str,
        /// The type that was sent.
        received: &'static str,
        /// Whether that was an array of nothing, as PHP writes an object of nothing.
        is_empty_array: bool,
    },
    /// What stands there is not JSON; the text says why.
    NotJson(&'static str),
    /// The rule that the value breaks, as a sentence without its full stop.
    Invalid(Cow<'static, str>),
    /// An unknown name; the text says what would happen to it, and which name may be meant.
    Unknown(String),
    /// A name occurs twice in one object.
    Duplicate,
}

impl Fault {
    /// Its place, for people.
    pub fn place(&self) -> &str {
        self.pointer.as_deref().unwrap_or(&self.field)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Missing => f.write_str("Field is required"),
            FaultKind::WrongType { expected: "object", is_empty_array: true, .. } => {
                f.write_str("Expected object, received an empty list; send {}")
            }
            FaultKind::WrongType { expected, received, .. } => write!(f, "Expected {expected}, received {received}"),
            FaultKind::NotJson(problem) => write!(f, "Invalid JSON: {problem}"),
            FaultKind::Invalid(rule) => f.write_str(rule),
            FaultKind::Unknown(outcome) => f.write_str(outcome),
            FaultKind::Duplicate => f.write_str("Duplicate name"),
        }
    }
}

/// The faults found so far, and the current place.
#[derive(Debug, Default)]
pub struct Faults {
    part: Part,
    path: Vec<String>,
    found: Vec<Fault>,
    more: usize,
}

impl Faults {
    /// No faults yet, at the root of a part.
    pub fn new(part: Part) -> Self {
        Faults { part, ..Faults::default() }
    }

    /// Notes a fault at the place that is being read.
    pub fn push(&mut self, kind: FaultKind) {
        if self.found.len() >= MAX_FAULTS {
            self.more += 1;
            return;
        }
        let pointer = (self.path.len() > 1).then(|| {
            let steps = self.path.iter().map(|step| format!("/{}", pointer_step(step)));
            cut(&steps.collect::<String>())
        });
        let field = self.path.first().map(|name| cut(name)).unwrap_or_default();
        self.found.push(Fault { field, pointer, kind });
    }

    /// Notes a broken rule at the place that is being read.
    pub fn invalid(&mut self, rule: impl Into<Cow<'static, str>>) {
        self.push(FaultKind::Invalid(rule.into()));
    }

    /// Reads something one step deeper.
    pub fn within<T>(&mut self, step: impl Into<String>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.into());
        let outcome = read(self);
        self.path.pop();
        outcome
    }

    /// Notes each duplicate name, once.
    pub fn check_names_differ(&mut self, object: &Object) {
        let mut names: Vec<&str> = object.members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        let mut reported = None;
        for pair in names.windows(2) {
            if pair[0] == pair[1] && reported != Some(pair[0]) {
                reported = Some(pair[0]);
                self.within(pair[0], |faults| faults.push(FaultKind::Duplicate));
            }
        }
    }

    /// The string at this place, or a fault.
    pub fn string<'v>(&mut self, value: &'v Value) -> Option<&'v str> {
        match value {
            Value::String(text) => Some(text),
            other => self.wrong_type("string", other),
        }
    }

    /// The object at this place, or a fault.
    pub fn object<'v, 'a>(&mut self, value: &'v Value<'a>) -> Option<&'v Object<'a>> {
        match value {
            Value::Object(object) => Some(object),
            other => self.wrong_type("object", other),
        }
    }

    /// The whole number at this place, within its bounds, or a fault.
    pub fn integer(&mut self, value: &Value, bounds: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let Value::Number(digits) = value else {
            return self.wrong_type("number", value);
        };
        // 60, 60.0 and 6e1 are one number.
        let (start, end) = (*bounds.start(), *bounds.end());
        let fits = |n: &f64| n.fract() == 0.0 && (f64::from(start)..=f64::from(end)).contains(n);
        let number = Some(nearest(digits)).filter(fits);
        if number.is_none() {
            self.invalid(format!("Must be a whole number from {start} to {end}"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in its bounds")]
        number.map(|number| number as u32)
    }

    /// The whole number that the decimal digits spell, within its bounds, or a fault. No sign and no leading zero.
    pub fn digits(&mut self, text: &str, bounds: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        let number = text.parse().ok().filter(|number| is_plain && bounds.contains(number));
        if number.is_none() {
            self.invalid(format!("Must be a whole number from {} to {}, in digits", bounds.start(), bounds.end()));
        }
        number
    }

    /// What was parsed at this place, or a fault.
    pub fn parsed<T>(&mut self, parsed: Result<T, BrokenRule>) -> Option<T> {
        parsed.map_err(|rule| self.invalid(rule)).ok()
    }

    /// Notes that the value here has the wrong type.
    pub fn wrong_type<T>(&mut self, expected: &'static str, value: &Value) -> Option<T> {
        self.push(if let Value::Broken(problem) = value {
            FaultKind::NotJson(problem)
        } else {
            let is_empty_array = matches!(value, Value::Array(items) if items.is_empty());
            FaultKind::WrongType { expected, received: value.type_name(), is_empty_array }
        });
        None
    }

    /// `parsed` if there are no faults, else all of them.
    pub fn finish<T>(self, parsed: Option<T>) -> Result<T, FaultList> {
        match parsed {
            Some(parsed) if self.found.is_empty() => Ok(parsed),
            _ => Err(FaultList { part: self.part, faults: self.found, more: self.more }),
        }
    }
}

/// A name or a pointer, or its beginning and `…`. Never cuts an escape of a pointer in two.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_POINTER_CHARS) {
        Some((end, _)) => format!("{}…", text[..end].trim_end_matches('~')),
        None => text.to_owned(),
    }
}

/// An object whose members are taken by name. Members left over are faults.
pub struct Fields<'v, 'a, 'f> {
    object: &'v Object<'a>,
    taken: Vec<&'static str>,
    faults: &'f mut Faults,
    /// What becomes of a member that is not known.
    outcome: &'static str,
}

impl<'v, 'a, 'f> Fields<'v, 'a, 'f> {
    /// Begins to take members; faults go to `faults`.
    pub fn new(object: &'v Object<'a>, faults: &'f mut Faults) -> Self {
        Fields { object, taken: Vec::new(), faults, outcome: "it would not be stored" }
    }

    /// Of a question, of which nothing is stored.
    pub fn of_question(object: &'v Object<'a>, faults: &'f mut Faults) -> Self {
        Fields { outcome: "it would not be asked", ..Fields::new(object, faults) }
    }

    /// Takes a member that may be absent. `read` notes what is wrong with its value.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'v Value<'a>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        self.taken.push(name);
        let value = self.object.get(name)?;
        self.faults.within(name, |faults| read(value, faults))
    }

    /// Takes a member whose absence is a fault.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'v Value<'a>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        if self.object.get(name).is_none() {
            self.faults.within(name, |faults| faults.push(FaultKind::Missing));
        }
        self.optional(name, read)
    }

    /// Notes the members left over, and duplicate names.
    pub fn deny_unknown(self) {
        self.deny_unknown_with(|_| None);
    }

    /// Does what [`Fields::deny_unknown`] does; `hint_on` has a sentence on names that are like none that is known.
    pub fn deny_unknown_with(self, hint_on: impl Fn(&str) -> Option<&'static str>) {
        for (name, _) in &self.object.members {
            if !self.taken.contains(&name.as_ref()) {
                let outcome = self.outcome_of_unknown(name, &hint_on);
                self.faults.within(name.as_ref(), |faults| faults.push(FaultKind::Unknown(outcome)));
            }
        }
        self.faults.check_names_differ(self.object);
    }

    fn outcome_of_unknown(&self, name: &str, hint_on: impl Fn(&str) -> Option<&'static str>) -> String {
        if self.faults.part == Part::Query {
            let known = if self.taken.is_empty() { "none".into() } else { self.taken.join(", ") };
            return format!("Unknown query parameter; this route takes {known}");
        }
        let outcome = format!("Unknown field; {}", self.outcome);
        match (suggest::nearest(name, &self.taken), hint_on(name)) {
            (Some(known), _) => format!("{outcome}. Did you mean {known}?"),
            (None, Some(hint)) => format!("{outcome}. {hint}"),
            (None, None) => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_place_is_cut_and_no_escape_in_two() {
        assert_eq!(cut(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(cut(&"é".repeat(201)), "é".repeat(200) + "…");
        assert_eq!(cut(&("a".repeat(199) + "~0b")), "a".repeat(199) + "…");
    }

    #[test]
    fn of_a_flood_the_first_hundred_are_kept_and_the_others_counted() {
        let mut faults = Faults::default();
        (0..250).for_each(|_| faults.invalid("rule"));
        let list = faults.finish(Some(())).unwrap_err();
        assert_eq!((list.faults.len(), list.more), (100, 150));
    }

    #[test]
    fn a_whole_number_is_read_however_json_writes_it() {
        let read = |text: &str| Faults::default().integer(&Value::Number(text), 1..=u32::MAX);
        for text in ["60", "60.0", "6e1", "0.6E+2", "600e-1", "60.000000000000000000000"] {
            assert_eq!(read(text), Some(60), "{text}");
        }
        assert_eq!(read("4294967295"), Some(u32::MAX));
        for text in ["0", "-0", "-60", "60.5", "601e-1", "4294967296", "1e999", "1e-999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn digits_are_one_way_to_write_a_number() {
        let read = |text| Faults::new(Part::Query).digits(text, 0..=100);
        assert_eq!(["0", "7", "100"].map(read), [Some(0), Some(7), Some(100)]);
        for text in ["", "1e1", ".5e1", "08", "00", "100.0", "+5", "-0", " 5", "101", "99999999999", "٣"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
