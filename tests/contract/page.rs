//! `GET /` and the contract's files: to read and to try; and what is at a path that is nothing.

use roster_harness::server::shared;
use roster_harness::{Client, contract};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

#[test]
fn the_contract_is_served_as_it_stands_in_the_project() {
    let answer = shared().file("/openapi.yaml");
    assert_eq!(answer.text, include_str!("../../openapi.yaml"));
    assert_eq!(answer.header("content-type"), "application/yaml");
    let answer = shared().file("/openapi.json");
    assert_eq!(&answer.json(), contract::document());
    assert_eq!(answer.header("content-type"), "application/json");
}

#[test]
fn a_language_model_reads_the_readme() {
    let answer = shared().file("/llms.txt");
    assert_eq!(answer.text, include_str!("../../README.md"));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
}

#[test]
fn a_path_that_is_nothing_shows_a_browser_the_way() {
    for path in ["/foo", "/v1/foo", "/console/foo"] {
        let answer = shared().send("GET", path, &[("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")], "");
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        for link in ["href=\"/\"", "href=\"/console\""] {
            assert!(answer.text.contains(link), "{path}: {}", answer.text);
        }
    }
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let page = shared().file("/");
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
    assert!(!page.text.contains("//"), "a URL of elsewhere");
    for file in ["swagger-ui.css", "page.css", "swagger-ui-bundle.js", "page.js"] {
        assert!(page.text.contains(&format!("\"{file}\"")));
        assert!(!shared().file(&format!("/{file}")).text.is_empty());
    }
}

#[test]
fn every_operation_is_rendered_and_a_request_tried_from_the_page_stores_a_user() {
    let Some(chromium) = chromium() else {
        return eprintln!("skipped: no Chromium on this machine");
    };
    let project = shared().project();
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/.bin/node");
    let output = Command::new(node)
        .args(["tests/contract/page.mjs", chromium, &format!("{}/", shared().url), &project.key])
        // Makes the picture of docs/api.md, then reduced to 128 colours: ROSTER_PICTURE=docs/page.png cargo test --test contract -- page::
        .args(std::env::var_os("ROSTER_PICTURE"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();

    let contract = include_str!("../../openapi.yaml");
    assert_eq!(seen["operations"].as_array().unwrap().len(), contract.matches("operationId:").count(), "{seen}");
    for (i, (name, source)) in [("api_key", "POST /v1/keys"), ("admin_token", "ADMIN_TOKEN")].into_iter().enumerate() {
        let text = seen["authorizations"][i].as_str().unwrap();
        assert!(text.starts_with(name) && text.contains(source), "{text}");
    }
    // The key was put where the cursor stood.
    assert_eq!(seen["status"], "200");
    assert!(seen["answer"].as_str().unwrap().contains("x-ratelimit-remaining: 499"), "{seen}");
    assert_eq!(project.user("user_123")["email"], "user@example.com");
    assert!(seen["height"].as_f64().unwrap() <= 5400.0, "{}", seen["height"]);
    assert!(seen["headers"].as_str().unwrap().contains("X-User-Created"), "{}", seen["headers"]);
    assert!(seen["widthOnPhone"].as_u64().unwrap() <= 390, "{}", seen["widthOnPhone"]);
    assert_ne!(seen["backgrounds"][0], seen["backgrounds"][1]);
    assert_eq!(seen["violations"], serde_json::json!([]));
    assert_eq!(
        (&seen["icon"], &seen["consoleLink"]),
        (&"image/svg+xml".into(), &format!("{}/console", shared().url).into())
    );
    assert_eq!(seen["problems"], serde_json::json!([]));
}

/// The browser of this machine, if it has one.
pub fn chromium() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| is_here(name))
}

fn is_here(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
