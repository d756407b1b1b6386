//! Reading a JSON body member by member, so that every fault in it is told at once and by its place.

use crate::json::{Members, Value};
use std::borrow::Cow;
use std::fmt;

/// Of a body with more faults than this, the first ones are told.
const MAX_FAULTS: usize = 100;

/// One thing wrong with a body, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The top-level member it lies in.
    pub field: String,
    /// An RFC 6901 pointer, where the place is deeper than `field`.
    pub pointer: Option<String>,
    pub kind: FaultKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    Missing,
    /// The JSON types that were expected and received.
    WrongType {
        expected: &'static str,
        received: &'static str,
    },
    /// The rule that the value breaks, as a sentence without its full stop.
    Invalid(Cow<'static, str>),
    Unknown,
    Duplicate,
}

impl Fault {
    /// That `field` breaks a rule.
    pub fn invalid(field: &str, rule: &'static str) -> Self {
        Fault { field: field.into(), pointer: None, kind: FaultKind::Invalid(rule.into()) }
    }

    /// Where it lies, for people.
    pub fn place(&self) -> &str {
        self.pointer.as_deref().unwrap_or(&self.field)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Missing => f.write_str("Field is required"),
            FaultKind::WrongType { expected, received } => write!(f, "Expected {expected}, received {received}"),
            FaultKind::Invalid(rule) => f.write_str(rule),
            FaultKind::Unknown => f.write_str("Field is not known here, and would be lost"),
            FaultKind::Duplicate => f.write_str("Name stands more than once in its object"),
        }
    }
}

/// The faults found so far, and the place that is being read.
#[derive(Debug, Default)]
pub struct Faults {
    path: Vec<String>,
    found: Vec<Fault>,
}

impl Faults {
    /// Notes a fault at the place that is being read.
    pub fn push(&mut self, kind: FaultKind) {
        if self.found.len() >= MAX_FAULTS {
            return;
        }
        let pointer = (self.path.len() > 1).then(|| {
            let steps = self.path.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")));
            steps.collect()
        });
        let field = self.path.first().cloned().unwrap_or_default();
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

    /// Notes every name that stands more than once, each name once.
    pub fn check_names_differ(&mut self, members: &Members) {
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        let mut told = None;
        for pair in names.windows(2) {
            if pair[0] == pair[1] && told != Some(pair[0]) {
                told = Some(pair[0]);
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
    pub fn object<'v, 'a>(&mut self, value: &'v Value<'a>) -> Option<&'v Members<'a>> {
        match value {
            Value::Object(members) => Some(members),
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
        let number = digits.parse().ok().filter(fits);
        if number.is_none() {
            self.invalid(format!("Must be a whole number from {start} to {end}"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in its bounds")]
        number.map(|number| number as u32)
    }

    /// Notes that the value here has the wrong type.
    pub fn wrong_type<T>(&mut self, expected: &'static str, value: &Value) -> Option<T> {
        self.push(FaultKind::WrongType { expected, received: value.type_name() });
        None
    }

    /// `parsed` if nothing was wrong, else all that was.
    pub fn finish<T>(self, parsed: Option<T>) -> Result<T, Vec<Fault>> {
        match parsed {
            Some(parsed) if self.found.is_empty() => Ok(parsed),
            _ => Err(self.found),
        }
    }
}

/// An object whose members are taken by name; those that nobody took are faults in the end.
pub struct Fields<'v, 'a, 'f> {
    members: &'v Members<'a>,
    taken: Vec<&'static str>,
    faults: &'f mut Faults,
}

impl<'v, 'a, 'f> Fields<'v, 'a, 'f> {
    pub fn of(members: &'v Members<'a>, faults: &'f mut Faults) -> Self {
        Fields { members, taken: Vec::new(), faults }
    }

    /// Takes a member that may be absent. `read` notes what is wrong with its value.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'v Value<'a>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        self.taken.push(name);
        let (_, value) = self.members.iter().find(|(n, _)| n == name)?;
        self.faults.within(name, |faults| read(value, faults))
    }

    /// Takes a member whose absence is a fault.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'v Value<'a>, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        if !self.members.iter().any(|(n, _)| n == name) {
            self.faults.within(name, |faults| faults.push(FaultKind::Missing));
        }
        self.optional(name, read)
    }

    /// Notes the members that nobody took, and names that stand twice.
    pub fn refuse_the_rest(self) {
        for (name, _) in self.members {
            if !self.taken.contains(&name.as_ref()) {
                self.faults.within(name.as_ref(), |faults| faults.push(FaultKind::Unknown));
            }
        }
        self.faults.check_names_differ(self.members);
    }
}
