//! `roster export`, and the way there and back.

use crate::tool::Tool;

/// Users in the order of an export, with all that is hard to carry.
const USERS: &str = concat!(
    r#"{"user_id":"1","email":"user@example.com","phone":"+1234567890","properties":{"#,
    r#""name":"John, \"Doe\"","big":12345678901234567890123,"cents":1.10,"exp":1E+2,"a.b":{"c.d":[null,1.0,{"x":null}]},"#,
    r#""a":{"b":{}},"comma,":"007","\"quoted\"":"1.10","line\nfeed":"a\r\nb\r"," ":" ","=1+1":"","é😀":"é😀"},"#,
    r#""origin":{"channel":"ios-app","properties.x":"null","\u0001":"\u0001\b"}}"#,
    "\n",
    r#"{"user_id":"2","properties":{},"origin":{}}"#,
    "\n",
    r#"{"user_id":"null,\"x","phone":"+4912345","properties":{"big":"12345678901234567890123","cents":true,"exp":-0.0,"#,
    r#""a":"{","comma,":"[1]"," ":"\"","=1+1":"-","é😀":1e400},"origin":{"properties.x":" 5 ","\u0001":false}}"#,
    "\n",
);

#[test]
fn an_export_imported_elsewhere_gives_the_same_users_digit_for_digit() {
    let (one, two, three) = (Tool::new(), Tool::new(), Tool::new());
    one.write("users.ndjson", USERS);
    one.run(0, "import users.ndjson");
    assert_eq!(one.export(), USERS);

    one.run(0, "export --format csv --output users.csv").says("3 users exported");
    two.write("users.csv", one.read("users.csv"));
    two.run(0, "import users.csv");
    assert_eq!(two.export(), USERS);

    two.run(0, "export --output users.ndjson");
    three.write("users.ndjson", two.read("users.ndjson"));
    three.run(0, "import users.ndjson");
    assert_eq!(three.run(0, "export --format csv").stdout, one.read("users.csv"));
}

#[test]
fn a_project_of_no_users_is_an_empty_file_or_a_header() {
    let tool = Tool::new();
    assert_eq!(tool.export(), "");
    assert_eq!(tool.run(0, "export --format csv").stdout, "user_id,email,phone\n");
}

#[test]
fn large_users_come_whole() {
    let tool = Tool::new();
    let line =
        |i: usize| format!(r#"{{"user_id":"{i:02}","properties":{{"x":"{}"}},"origin":{{}}}}"#, "é".repeat(125_000));
    let users: String = (0..40).map(|i| line(i) + "\n").collect();
    tool.write("users.ndjson", &users);
    tool.run(0, "import users.ndjson");
    assert!(tool.export() == users);
}

#[test]
fn a_file_appears_when_it_is_whole() {
    let tool = Tool::new();
    tool.write("users.ndjson", "as it was");
    let key = tool.project.key.clone();
    tool.project.revoke();
    tool.run(1, &format!("export --output users.ndjson --key {key}")).says("401 REVOKED_API_KEY");
    assert_eq!((tool.read("users.ndjson").as_str(), tool.files().len()), ("as it was", 1));
}
