//! serde_json writes what is read here, so it is the oracle.

use super::from_str;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// All that the types of rows, messages and states are made of.
#[derive(Debug, Deserialize, Serialize)]
struct Whole {
    text: String,
    number: u64,
    even: Even,
    flag: bool,
    pair: (u32, Id),
    options: Vec<Option<u16>>,
    by_number: BTreeMap<u64, u8>,
    by_name: BTreeMap<String, bool>,
    raw: Box<RawValue>,
    kinds: Vec<Kind>,
    inner: Option<Inner>,
    #[serde(default)]
    absent: u8,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Inner {
    pair: (u8, String),
    many: Vec<Option<u64>>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Id(String);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(into = "u8", try_from = "u8")]
struct Even(u8);

impl TryFrom<u8> for Even {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, &'static str> {
        if number.is_multiple_of(2) { Ok(Even(number)) } else { Err("odd") }
    }
}

impl From<Even> for u8 {
    fn from(even: Even) -> u8 {
        even.0
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Bare,
    One(Option<Box<RawValue>>),
    Two(String, bool),
    Named { note: Option<String>, at: u64 },
    Done(Result<Inner, Id>),
}

/// The text of a value.
type Text = BoxedStrategy<String>;

const SPACE: &str = r"[ \t\n\r]{0,2}";
const NUMBER: &str = r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?";
const STRING: &str =
    "\"([ -!#-~é😀\u{7f}\u{2028}&&[^\\\\]]|\\\\[\"\\\\/bfnrt]|\\\\u00[0-9a-fA-F]{2}|\\\\ud83d\\\\uDE00){0,5}\"";
/// What is right for few types, or for none.
const WRONG: [&str; 26] = [
    "null",
    "true",
    "0",
    "-0",
    "-1",
    "1.0",
    "1.5",
    "1e2",
    "1e400",
    "01",
    "+1",
    "1.",
    "256",
    "18446744073709551616",
    "\"\"",
    "\"1\"",
    "\"bare\"",
    "\"two\"",
    r#""\ud83d""#,
    r#""\ude00\ud83d""#,
    r#""\x""#,
    "\"\u{1}\"",
    "[]",
    "{}",
    r#"{"bare":null}"#,
    "nul",
];
/// The same of a number that is a name.
const WRONG_NAMES: [&str; 10] = [
    "1",
    "null",
    r#""""#,
    r#""-1""#,
    r#""+1""#,
    r#""01""#,
    r#"" 1""#,
    r#""1 ""#,
    r#""1.0""#,
    r#""18446744073709551616""#,
];

/// Texts of [`Whole`]: right ones; or such in which something is wrong, at times.
struct Texts {
    wrong: bool,
}

impl Texts {
    fn or(&self, right: impl Strategy<Value = String> + 'static, wrong: &'static [&'static str]) -> Text {
        let (right, wrong) = (right.boxed(), select(wrong).prop_map(str::to_owned));
        if self.wrong { prop_oneof![60 => right, 1 => wrong].boxed() } else { right }
    }

    fn or_wrong(&self, right: impl Strategy<Value = String> + 'static) -> Text {
        self.or(right, &WRONG)
    }

    fn string(&self) -> Text {
        self.or_wrong(STRING)
    }

    fn number(&self, end: u64) -> Text {
        let near_the_end = (end.saturating_sub(2)..=end).prop_map(|number| number.to_string());
        self.or_wrong(prop_oneof![(0..=end).prop_map(|number| number.to_string()), near_the_end])
    }

    fn flag(&self) -> Text {
        self.or_wrong("true|false")
    }

    fn option(&self, value: Text) -> Text {
        self.or_wrong(prop_oneof![3 => value, 1 => Just("null".to_owned())])
    }

    fn array(&self, items: impl Strategy<Value = Vec<String>> + 'static) -> Text {
        self.or_wrong(enclosed('[', items, ']'))
    }

    fn map(&self, name: Text, value: Text) -> Text {
        self.or_wrong(enclosed('{', vec(member(name, value), 0..4), '}'))
    }

    /// A struct: in any order, with a member that it does not have; or one is absent or there twice.
    fn object<const N: usize>(&self, members: [(&'static str, Text); N]) -> Text {
        let names: Vec<_> = members.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let unknown = prop_oneof![Just("\"unknown\"".to_owned()), Just(r#""\u0061\n😀""#.to_owned())].boxed();
        let other = if self.wrong { prop_oneof![9 => unknown, 1 => select(names)].boxed() } else { unknown };
        let lacks = proptest::bool::weighted(if self.wrong { 0.05 } else { 0.0 });
        let members = members.map(|(name, value)| member(Just(format!("\"{name}\"")).boxed(), value));
        let members = (members.to_vec(), vec(member(other, any_value()), 0..2), lacks);
        let members = members.prop_map(|(mut members, others, lacks)| {
            members.truncate(members.len() - usize::from(lacks));
            [members, others].concat()
        });
        self.or_wrong(enclosed('{', members.prop_shuffle(), '}'))
    }

    fn inner(&self) -> Text {
        let pair = self.array(vec![self.number(u8::MAX.into()), self.string()]);
        self.object([("pair", pair), ("many", self.array(vec(self.option(self.number(u64::MAX)), 0..3)))])
    }

    fn kind(&self) -> Text {
        let of = |name: &str, value: Text| enclosed('{', vec![member(Just(format!("\"{name}\"")).boxed(), value)], '}');
        let named = self.object([("note", self.option(self.string())), ("at", self.number(u64::MAX))]);
        let done = prop_oneof![of("Ok", self.inner()), of("Err", self.string())];
        self.or_wrong(prop_oneof![
            Just("\"bare\"".to_owned()),
            of("bare", self.or_wrong(Just("null".to_owned()))),
            of("one", any_value()),
            of("two", self.array(vec![self.string(), self.flag()])),
            of("named", named),
            of("done", self.or_wrong(done)),
        ])
    }

    fn whole(&self) -> Text {
        let number = (0..=u64::MAX).prop_map(|number| format!("\"{number}\""));
        let even = self.or_wrong((0..128_u8).prop_map(|half| (half * 2).to_string()));
        self.object([
            ("text", self.string()),
            ("number", self.number(u64::MAX)),
            ("even", even),
            ("flag", self.flag()),
            ("pair", self.array(vec![self.number(u32::MAX.into()), self.string()])),
            ("options", self.array(vec(self.option(self.number(u16::MAX.into())), 0..4))),
            ("by_number", self.map(self.or(number, &WRONG_NAMES), self.number(u8::MAX.into()))),
            ("by_name", self.map(self.string(), self.flag())),
            ("raw", any_value()),
            ("kinds", self.array(vec(self.kind(), 0..4))),
            ("inner", self.option(self.inner())),
        ])
    }
}

fn enclosed(start: char, items: impl Strategy<Value = Vec<String>> + 'static, end: char) -> Text {
    (items, SPACE)
        .prop_map(move |(items, space)| {
            format!("{start}{space}{}{space}{end}", items.join(&format!("{space},{space}")))
        })
        .boxed()
}

fn member(name: Text, value: Text) -> Text {
    (name, value, SPACE).prop_map(|(name, value, space)| format!("{name}{space}:{space}{value}")).boxed()
}

/// Whatever JSON has. Half of a surrogate pair may stand where nobody reads it.
fn any_value() -> Text {
    let plain = prop_oneof![NUMBER, STRING, "null|true|false", Just(r#""\ud83d\u0041\ude00""#.to_owned())];
    plain
        .prop_recursive(3, 12, 3, |value| {
            let value = value.boxed();
            prop_oneof![
                enclosed('[', vec(value.clone(), 0..3), ']'),
                enclosed('{', vec(member(STRING.boxed(), value), 0..3), '}')
            ]
        })
        .boxed()
}

/// What is read of a text here, and by serde_json, written anew.
fn both(text: &str) -> [Option<String>; 2] {
    let written = |whole: Whole| serde_json::to_string(&whole).unwrap();
    [from_str(text).ok().map(written), serde_json::from_str(text).ok().map(written)]
}

proptest! {
    #[test]
    fn what_is_right_is_read_as_serde_json_reads_it(text in Texts { wrong: false }.whole()) {
        let [ours, theirs] = both(&text);
        prop_assert!(ours.is_some(), "{}", text);
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn what_is_wrong_is_refused_where_serde_json_refuses_it(text in Texts { wrong: true }.whole()) {
        let [ours, theirs] = both(&text);
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn so_is_a_text_in_which_one_character_is_another(
        text in Texts { wrong: false }.whole(),
        at: Index,
        other in r#"[\[\]{}:,"\\ 0-9.eE+\-tfnu\u{0}é]?"#
    ) {
        let (start, replaced) = at.get(&text.char_indices().collect::<Vec<_>>()).to_owned();
        let text = format!("{}{other}{}", &text[..start], &text[start + replaced.len_utf8()..]);
        let [ours, theirs] = both(&text);
        prop_assert_eq!(ours, theirs, "{}", text);
    }

    #[test]
    fn whatever_is_cut_or_has_more_behind_it_is_refused(text in Texts { wrong: false }.whole()) {
        for (end, _) in text.char_indices() {
            prop_assert!(from_str::<Whole>(&text[..end]).is_err(), "{}", &text[..end]);
        }
        for more in [",", "}", "]", "0", "null", "{}", "\"", "\u{feff}", "\u{a0}"] {
            let longer = format!("{text} {more}");
            prop_assert!(from_str::<Whole>(&longer).is_err(), "{}", longer);
        }
        let spaced = format!(" \n{text}\t\r");
        prop_assert!(from_str::<Whole>(&spaced).is_ok(), "{}", spaced);
    }
}

#[test]
fn what_does_not_fit_is_refused_at_its_place() {
    for (json, at) in [
        (r#"{"pair":[256,""],"many":[]}"#, 12),
        (r#"{"pair":[-1,""],"many":[]}"#, 11),
        (r#"{"pair":[1.0,""],"many":[]}"#, 12),
        (r#"{"pair":[1,"",2],"many":[]}"#, 14),
        (r#"{"pair":[1,""],"many":[1,]}"#, 25),
        (r#"{"pair":[1,""],"many":[],}"#, 25),
        (r#"{"pair":[1,""],"many":[] "x":1}"#, 25),
        (r#"{"pair":[1,"\ud800"],"many":[]}"#, 19),
    ] {
        assert_eq!(from_str::<Inner>(json).map_err(|error| error.at), Err(at), "{json}");
    }
}

#[test]
fn a_struct_is_an_object_alone() {
    let json = r#"[[1,""],[]]"#;
    assert!(serde_json::from_str::<Inner>(json).is_ok() && from_str::<Inner>(json).is_err());
}

#[test]
fn a_number_that_is_not_whole_or_below_0_is_refused_in_any_type() {
    assert_eq!((from_str("5"), from_str("5")), (Ok(5_i64), Ok(5.0_f64)));
    for number in ["-5", "-0", "5.0", "5e0", "18446744073709551616"] {
        assert!(from_str::<i64>(number).is_err() && from_str::<f64>(number).is_err(), "{number}");
        assert!(from_str::<serde_json::Value>(number).is_err(), "{number}");
    }
}

#[test]
fn a_borrowed_text_is_refused() {
    assert!(from_str::<&str>("\"a\"").is_err());
}

#[test]
fn depth_is_an_error_where_the_type_has_none_and_is_passed_over_elsewhere() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(from_str::<Vec<Vec<u64>>>(&deep).is_err());
    assert!(from_str::<Vec<Vec<()>>>(&deep).is_err());
    assert_eq!(from_str::<Box<RawValue>>(&deep).unwrap().get(), deep);
    let json = format!(r#"{{"a":{deep},"pair":[1,""],"many":[]}}"#);
    assert_eq!(from_str::<Inner>(&json), Ok(Inner { pair: (1, String::new()), many: vec![] }));
    assert!(from_str::<Inner>(&json[..100_000]).is_err());
}

#[test]
fn a_raw_value_keeps_its_text() {
    for text in [r#"{"a": [1.50, {"b" :null}], "é":"\u00e9\ud800"}"#, "1e400", r#""x""#, "null", "[ ]"] {
        let raw = from_str::<Vec<Box<RawValue>>>(&format!("[ {text} , {text}]")).unwrap();
        assert_eq!([raw[0].get(), raw[1].get()], [text, text]);
    }
    for text in ["{", "[1,]", r#"{"a"}"#, r#"{"a":1,}"#, "[}", "nul", r#""\x""#] {
        assert!(from_str::<Vec<Box<RawValue>>>(&format!("[{text}]")).is_err(), "{text}");
    }
}
