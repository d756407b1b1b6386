//! Parses the query of a URL as a form (WHATWG URL, section 5.1), but strictly: it refuses what it cannot decode.

use crate::input::fields::{FaultList, Faults, Part};
use crate::input::percent;
use crate::json::{Object, Value};
use crate::rule::BrokenRule;

/// The parameters in order, duplicates included. `+` is a space, and a name without `=` has an empty value.
pub fn parse(query: &str) -> Result<Object<'_>, FaultList> {
    let mut faults = Faults::new(Part::Query);
    let mut members = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (decode(name), decode(value)) {
            (Some(name), Some(value)) => members.push((name.into(), Value::String(value.into()))),
            (decoded, _) => faults.within(decoded.unwrap_or_else(|| name.into()), |faults| {
                faults.invalid("Must be percent-encoded UTF-8");
            }),
        }
    }
    faults.finish(Some(Object { members }))
}

/// Parses a value that must not contain a space. If it does, the client probably sent a `+`, which means one.
pub fn parsed<'v, T>(
    value: &'v Value,
    faults: &mut Faults,
    parse: impl FnOnce(&'v str) -> Result<T, BrokenRule>,
) -> Option<T> {
    let text = faults.string(value)?;
    let hint = if text.contains(' ') { ". In a query + means a space: write it as %2B" } else { "" };
    parse(text).map_err(|rule| faults.invalid(format!("{rule}{hint}"))).ok()
}

fn decode(text: &str) -> Option<String> {
    percent::decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::fields::Fault;
    use proptest::prelude::*;

    #[track_caller]
    fn pairs(query: &str) -> Vec<(String, String)> {
        let text = |value| if let Value::String(text) = value { text.into_owned() } else { panic!("no string") };
        parse(query).unwrap().members.into_iter().map(|(name, value)| (name.into_owned(), text(value))).collect()
    }

    #[test]
    fn parameters_are_decoded_once_and_all_kept() {
        assert_eq!(pairs(""), []);
        let expected = [("a", "1"), ("a", "x y+z%20"), ("b", ""), ("c", "=d"), ("", "e"), ("é ", "é")];
        assert_eq!(
            pairs("a=1&&a=x+y%2Bz%2520&b&c==d&=e&%C3%A9+=%c3%a9&"),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn what_can_not_be_decoded_is_told_by_name() {
        let list = parse("a=%zz&b=1&%ff=2&c=%C3").unwrap_err();
        assert_eq!(list.faults.iter().map(Fault::place).collect::<Vec<_>>(), ["a", "%ff", "c"]);
    }

    proptest! {
        #[test]
        fn any_pair_survives(name in "\\PC{1,8}", value in "\\PC{0,8}") {
            let query = format!("{}={}", percent::encode(&name), percent::encode(&value));
            prop_assert_eq!(pairs(&query), [(name, value)]);
        }
    }
}
