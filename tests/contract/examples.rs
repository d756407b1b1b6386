//! The client examples of docs/api.md, run as a user would copy them: host and key changed, nothing else.

use roster_harness::server::{Server, shared};
use roster_harness::{Client, Project};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::Command;

pub const API: &str = include_str!("../../docs/api.md");

/// The page's one code block in this language that talks to Roster, with this project's host and key.
pub fn example(language: &str, project: &Project<Server>) -> String {
    let blocks = API.split("```").skip(1).step_by(2);
    let mut examples = blocks
        .filter_map(|block| block.strip_prefix(&format!("{language}\n")))
        .filter(|code| code.contains("YOUR_API_KEY"));
    let code = examples.next().expect("an example in this language");
    assert!(examples.next().is_none(), "one example in this language");
    code.replace("https://roster.example.com", &project.server.url).replace("YOUR_API_KEY", &project.key)
}

#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out.into_owned()
}

/// Whether this machine has a program. If not, its test is skipped.
#[expect(clippy::explicit_write, reason = "what eprintln! prints is not seen of a test that passes")]
pub fn is_here(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !found {
        let arguments = arguments.join(" ");
        writeln!(std::io::stderr(), "skipped: `{program} {arguments}` does not run on this machine").unwrap();
    }
    found
}

/// The user that all three examples store.
#[track_caller]
fn check(project: &Project<Server>, printed: &str) {
    let user = project.user("user_123");
    assert!(printed.contains(user["user_id"].as_str().unwrap()), "{printed}");
    assert_eq!(user["email"], "user@example.com");
    assert_eq!(user["phone"], "+1234567890");
    assert_eq!(user["properties"], json!({"name": "John Doe", "plan": "premium", "signup_date": "2023-06-15"}));
    assert_eq!(user["origin"], json!({"channel": "ios-app", "campaign": "spring-launch", "label": "Onboarding Flow"}));
}

#[test]
fn the_curl_example_stores_a_user() {
    if is_here("curl", &["--version"]) {
        let project = shared().project();
        let printed = run(Command::new("sh").args(["-c", &example("sh", &project)]));
        check(&project, &printed);
    }
}

#[test]
fn the_javascript_example_stores_a_user() {
    let project = shared().project();
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/.bin/node");
    let printed = run(Command::new(node).args(["--input-type=module", "--eval", &example("js", &project)]));
    check(&project, &printed);
}

#[test]
fn the_python_example_stores_a_user() {
    if is_here("python3", &["-m", "pip", "--version"]) {
        let project = shared().project();
        let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-requests-2.32.5");
        if !packages.join("requests").exists() {
            let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
            let what = ["--requirement", "tests/contract/requests.txt", "--target"];
            run(Command::new("python3").args(install).args(what).arg(&packages).current_dir(crate::WORKER));
        }
        let printed =
            run(Command::new("python3").args(["-c", &example("python", &project)]).env("PYTHONPATH", packages));
        check(&project, &printed);
    }
}
