//! SDKs of Segment's protocol as they are published, with host and key changed, against the real Worker.

use crate::examples::{is_here, run};
use roster_harness::server::{Server, shared};
use roster_harness::{Client, Project, in_ms};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use ureq::http::StatusCode;

const DOCS: &str = include_str!("../../docs/segment.md");

#[test]
fn segment_s_node_sdk_stores_its_user_and_the_newest_word_whatever_is_retried() {
    check("segment-node-3", node);
}

#[test]
fn segment_s_python_sdk_stores_its_user_and_the_newest_word_whatever_is_retried() {
    if let Some(packages) = python_packages("segment-python-2.3.6") {
        check("segment", |arguments| python(&packages, arguments));
    }
}

#[test]
fn sdks_for_browsers_store_their_user_and_the_newest_word_whatever_is_retried() {
    let Some(chromium) =
        ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| is_here(name, &["--version"]))
    else {
        return;
    };
    for sdk in ["segment-standard", "segment-batching", "rudder"] {
        check(sdk, |arguments| {
            run(Command::new(bin("node"))
                .args(["tests/sdks/browser.mjs", chromium])
                .args(arguments)
                .current_dir(crate::WORKER));
        });
    }
}

/// The lines for browsers are tried by the test before.
#[test]
fn the_lines_of_the_docs_store_their_user() {
    let blocks: Vec<&str> =
        DOCS.split("```").skip(1).step_by(2).filter(|code| code.contains("YOUR_INGEST_KEY")).collect();
    assert_eq!(blocks.len(), 6);
    for block in blocks {
        let (language, lines) = block.split_once('\n').unwrap();
        let (project, key) = ingesting();
        let gate = Gate::new(0);
        let lines = lines.replace("https://roster.example.com", &gate.url).replace("YOUR_INGEST_KEY", &key);
        if language == "python" {
            let Some(packages) = python_packages("segment-python-2.3.6") else { continue };
            let end = "client.flush()\nclient.join()";
            run(Command::new("python3").args(["-c", &format!("{lines}{end}")]).env("PYTHONPATH", packages));
        } else if !lines.contains("AnalyticsBrowser") && !lines.contains("RudderAnalytics") {
            let end = "await (analytics.closeAndFlush?.() ?? analytics.flush());";
            let folder = Path::new(crate::WORKER).join("tests/sdks");
            run(Command::new(bin("node"))
                .args(["--input-type=module", "--eval", &format!("{lines}{end}")])
                .current_dir(folder));
        } else {
            continue;
        }
        let user = project.user("user_123");
        assert_eq!(
            (&user["email"], &user["properties"]),
            (&json!("user@example.com"), &json!({"plan": "pro"})),
            "{lines}"
        );
    }
}

#[test]
#[ignore = "make test runs it: it installs more packages"]
fn other_sdks_for_node_store_their_user_and_the_newest_word_whatever_is_retried() {
    for sdk in ["segment-node-2", "customerio-node", "rudder-node"] {
        check(sdk, node);
    }
}

#[test]
#[ignore = "make test runs it: it installs more packages"]
fn other_sdks_for_python_store_their_user_and_the_newest_word_whatever_is_retried() {
    for (packages, sdks) in [
        ("segment-python-2.4.0", ["segment", "segment-gzip"]),
        ("segment-python-2.3.6", ["segment", "segment-gzip"]),
        ("rudder-python-2.1.9", ["rudder", "rudder-gzip"]),
    ] {
        let packages = python_packages(packages).unwrap();
        for sdk in sdks {
            check(sdk, |arguments| python(&packages, arguments));
        }
    }
}

/// Runs an SDK twice: as it is, with a second visit a week later, and with a first answer of 503, so that the older message
/// arrives a moment after the newer one, or again. `run` gets the SDK's name, the host, the key and the time of the second
/// visit. Each visit comes by a campaign of its own.
#[track_caller]
fn check(sdk: &str, run: impl Fn([&str; 4])) {
    for (failures, later) in [(0, "2026-01-08T12:00:00.000Z"), (1, "2026-01-01T12:00:00.001Z")] {
        let project = ingesting();
        let gate = Gate::new(failures);
        run([sdk, &gate.url, &project.1, later]);
        let seen = gate.seen();
        let of_status = |wanted| seen.iter().filter(|(_, status, _)| *status == wanted).count();
        let stored: usize = seen.iter().map(|(.., stored)| stored).sum();
        assert_eq!((of_status(503), stored), (failures, 2), "{sdk}: {seen:?}");
        assert_eq!(of_status(200), seen.len() - failures, "{sdk}: {seen:?}");
        if failures == 0 {
            assert_eq!(seen.len(), 2, "{sdk} sent something again: {seen:?}");
        }
        let user = project.0.user("u");
        assert_eq!((&user["email"], &user["properties"]["plan"]), (&json!("u@example.com"), &json!("new")), "{sdk}");
        if failures == 0 {
            let mut origin = user["origin"].clone();
            // RudderStack's SDKs have it.
            origin.as_object_mut().unwrap().remove("channel");
            assert_eq!(origin, json!({"campaign": "spring", "source": "newsletter"}), "{sdk}: of the first visit");
        }
    }
}

/// A project, and a key of it that can do no more than an SDK needs.
fn ingesting() -> (Project<'static, Server>, String) {
    let project = shared().project();
    let key = shared().key(&json!({"name": "sdk", "project": project.name, "scopes": ["ingest"]}));
    (project, key)
}

fn node(arguments: [&str; 4]) {
    run(Command::new(bin("node")).arg("tests/sdks/node.mjs").args(arguments).current_dir(crate::WORKER));
}

fn python(packages: &Path, arguments: [&str; 4]) {
    let mut command = Command::new("python3");
    run(command.arg("tests/sdks/python.py").args(arguments).env("PYTHONPATH", packages).current_dir(crate::WORKER));
}

pub fn bin(program: &str) -> PathBuf {
    Path::new(crate::WORKER).join("node_modules/.bin").join(program)
}

/// Held while packages are installed: several tests want the same ones, at once.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Where the packages of this list are installed. None: this machine has no pip.
pub fn python_packages(list: &str) -> Option<PathBuf> {
    if !is_here("python3", &["-m", "pip", "--version"]) {
        return None;
    }
    let _alone = INSTALLING.lock();
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join(list);
    if !packages.exists() {
        // Half an installation would be taken for a whole one.
        let begun = packages.with_extension(in_ms(0).as_ms().to_string());
        let install =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement"];
        let list = format!("tests/sdks/{list}.txt");
        run(Command::new("python3").args(install).args([&list, "--target"]).arg(&begun).current_dir(crate::WORKER));
        std::fs::rename(begun, &packages).unwrap();
    }
    Some(packages)
}

/// What stands between an SDK and the Worker, and answers the first requests with 503. It ends with this value.
struct Gate {
    url: String,
    process: Child,
}

impl Gate {
    fn new(failures: usize) -> Self {
        let mut process = Command::new(bin("node"))
            .args(["tests/sdks/gate.mjs", &shared().url, &failures.to_string()])
            .current_dir(crate::WORKER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Gate { url: format!("http://127.0.0.1:{}", port.trim()), process }
    }

    /// Path and status of each request that carried messages, and how many users it stored.
    fn seen(&self) -> Vec<(String, u16, usize)> {
        let mut answer = ureq::get(format!("{}/seen", self.url)).call().unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
