//! `roster count`, `roster query` and `roster properties`.

use crate::tool::Tool;
use serde_json::Value;
use std::collections::BTreeSet;

const USERS: &str = concat!(
    r#"{"user_id":"ann","email":"ann@example.com","properties":{"plan":"premium","age":31,"signup_date":"2023-06-15"},"#,
    r#""origin":{"campaign":"spring-launch"}}"#,
    "\n",
    r#"{"user_id":"bob","properties":{"plan":"premium","age":"31","signupDate":"2023-01-01"}}"#,
    "\n",
    r#"{"user_id":"cyd","properties":{"plan":"free","tags":["a"],"lines\n":"a\tb"}}"#,
    "\n",
);

#[test]
fn users_are_counted_and_printed_by_words() {
    let tool = Tool::new();
    tool.write("users.ndjson", USERS);
    tool.run(0, "import users.ndjson");
    for (line, users) in [
        ("", &["ann", "bob", "cyd"][..]),
        ("properties.plan=premium", &["ann", "bob"]),
        ("properties.plan!=premium", &["cyd"]),
        ("properties.age=31", &["ann"]),
        (r#"properties.age="31""#, &["bob"]),
        ("properties.plan=premium !email?", &["bob"]),
        ("email? properties.signup_date>=2023-06-01", &["ann"]),
        ("/properties/tags/0=a", &["cyd"]),
        (r#"properties.plan=premium --where {"field":"properties.signupDate","before":"2023-06-01"}"#, &["bob"]),
        ("user_id=nobody", &[]),
    ] {
        assert_eq!(tool.run(0, format!("count {line}").trim()).stdout, format!("{}\n", users.len()), "{line}");
        let printed = tool.run(0, format!("query {line}").trim());
        let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["external_id"].as_str().unwrap().to_owned();
        let ids: BTreeSet<_> = printed.stdout.lines().map(id).collect();
        assert_eq!(ids, users.iter().map(ToString::to_string).collect(), "{line}");
    }
    tool.run(2, "count properties.plan=").says("there is no value");
    tool.run(2, "query plan").says("a condition is FIELD=VALUE");
    tool.run(1, "count plan=premium").says("400 UNKNOWN_FIELD").says("/where/field");
}

#[test]
fn groups_and_names_are_sorted_by_their_numbers() {
    let tool = Tool::new();
    tool.write("users.ndjson", USERS);
    tool.run(0, "import users.ndjson");
    let counted = tool.run(0, "count --by properties.plan");
    assert_eq!(counted.says("3 users of 3").stdout, "2\tpremium\n1\tfree\n");
    assert_eq!(tool.run(0, "count --by origin.campaign").stdout, "2\tnull\n1\tspring-launch\n");
    assert_eq!(tool.run(0, "count --by properties.tags").stdout, "2\tnull\n1\t(other)\n");
    let names = tool.run(0, "properties");
    assert!(names.says("7 names of 3 users").stdout.starts_with("3\tstring 3\tproperties.plan\n"), "{}", names.stdout);
    for line in [
        "2\tnumber 1, string 1\tproperties.age",
        "1\tstring 1\tproperties.signupDate\tlike properties.signup_date",
        "1\tarray 1\tproperties.tags",
        "1\tstring 1\t\"properties.lines\\n\"",
    ] {
        assert!(names.stdout.lines().any(|printed| printed == line), "{line} in {}", names.stdout);
    }
}
