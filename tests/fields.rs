//! Holds what can't take the names of a user's fields from `src/user/fields.rs` to that table.

use roster::user::fields::{CONTACTS, SECTIONS};
use serde_json::Value;

const SCHEMA: &str = include_str!("../migrations/0001_users.sql");
const CONTRACT: &str = include_str!("../openapi.yaml");
const CASES: &str = include_str!("cases/files.json");

/// Texts that name each contact by hand, and how each writes a name.
const TEXTS: [(&str, &str, &str); 15] = [
    ("docs/api.md", include_str!("../docs/api.md"), "| `{}` | string or null |"),
    ("docs/tools.md", include_str!("../docs/tools.md"), "`{}`,"),
    ("the help of `roster import`", include_str!("../cli/src/args/import.rs"), ", {}"),
    ("plan.rs, the places of columns", include_str!("../cli/src/format/plan.rs"), ", {}, "),
    ("selection.rs, the parts of users", include_str!("../cli/src/export/selection.rs"), ", {}, "),
    ("columns.mjs", include_str!("../web/console/data/columns.mjs"), "\"{}\""),
    ("exporting.mjs", include_str!("../web/console/data/exporting.mjs"), "\"{}\""),
    ("profile.mjs, what can be edited", include_str!("../web/console/data/profile.mjs"), "\"{}\","),
    ("draft.jsx, an empty place", include_str!("../web/console/views/draft.jsx"), "[\"{}\", null]"),
    ("profile.jsx, a contact's row", include_str!("../web/console/views/profile.jsx"), "[\"{}\", "),
    ("faults.mjs", include_str!("../web/console/data/faults.mjs"), "text(user, \"{}\", "),
    ("columns.jsx", include_str!("../web/console/views/columns.jsx"), "[\"{}\", "),
    ("user_table.jsx", include_str!("../web/console/views/user_table.jsx"), " {}: \""),
    ("asking.mjs", include_str!("../web/console/data/asking.mjs"), "\"{}\", "),
    ("field.rs, what a filter asks", include_str!("../src/filter/field.rs"), "(\"{}\", Field::"),
];

fn contacts() -> impl Iterator<Item = &'static str> {
    CONTACTS.iter().map(|field| field.name)
}

#[test]
fn no_name_of_a_contact_can_be_taken_for_a_member_of_a_section() {
    assert!(contacts().all(|name| !name.contains('/')));
    assert!(SECTIONS.iter().all(|section| section.prefix.len() == 2 && section.prefix.ends_with('/')));
}

#[test]
fn the_schema_finds_users_by_each_contact_and_forgets_it_with_them() {
    for name in contacts() {
        let column = format!("text generated always as (profile ->> '$.{name}') virtual");
        assert!(SCHEMA.contains(&column), "the table of users has no column {name}");
        assert!(SCHEMA.contains(&format!("create trigger contact_of_new_{name} after update of profile")), "{name}");
        let (_, behind) = SCHEMA.split_once("create trigger contacts_of_new_user ").unwrap();
        let (body, _) = behind.split_once("END;").unwrap();
        assert!(body.contains(&format!("new.{name}")), "contacts_of_new_user leaves out {name}");
    }
}

#[test]
fn the_contract_has_each_field_in_and_out_and_each_contact_in_the_query() {
    for schema in ["UserIn", "StoredUser"] {
        let (_, behind) = CONTRACT.split_once(&format!("\n    {schema}:\n")).unwrap();
        let end = behind.lines().position(|line| line.starts_with("    ") && !line.starts_with("     "));
        let lines: Vec<_> = behind.lines().take(end.unwrap_or(usize::MAX)).collect();
        for name in contacts().chain(SECTIONS.iter().map(|section| section.name)) {
            let property = format!("        {name}: ");
            assert!(lines.iter().any(|line| line.starts_with(&property)), "{schema} lacks {name}");
        }
    }
    for name in contacts() {
        assert!(CONTRACT.contains(&format!("\n        - name: {name}\n")), "GET /v1/users lacks the parameter {name}");
    }
}

/// The tool and the console both run these cases.
#[test]
fn the_cases_of_files_import_clear_and_export_each_contact() {
    let cases: Value = serde_json::from_str(CASES).unwrap();
    let texts = |list: &str, member: &str| -> Vec<String> {
        let list = cases[list].as_array().unwrap().iter().filter(|case| case.get("columns").is_none());
        list.filter_map(|case| Some(case[member].as_str()?.to_owned())).collect()
    };
    let imported = cases["tables"].as_array().unwrap().iter().flat_map(|table| table["records"].as_array().unwrap());
    let imported: Vec<Value> =
        imported.filter_map(|record| serde_json::from_str(record["json"].as_str()?).ok()).collect();
    for name in contacts() {
        assert!(imported.iter().any(|user| user[name].is_string()), "no case imports {name} from a table");
        assert!(imported.iter().any(|user| user.get(name) == Some(&Value::Null)), "no case clears {name}");
        let exported = texts("exports", "ndjson").concat();
        assert!(exported.contains(&format!("\"{name}\":\"")), "no case exports {name}");
        for csv in texts("exports", "csv") {
            let header = csv.lines().next().unwrap();
            assert!(header.split(',').any(|column| column == name), "an exported table lacks {name}");
        }
    }
}

#[test]
fn each_contact_is_named_where_they_are_listed() {
    for (file, text, form) in TEXTS {
        for name in contacts() {
            let named = form.replace("{}", name);
            assert!(text.contains(&named), "{file} lacks {named}");
        }
    }
}
