//! A public fuzzer, run against `openapi.yaml` on the real Worker.

use crate::server::{ADMIN_TOKEN, Server, State};
use serde_json::json;
use std::process::Command;

#[test]
#[ignore = "make conformance runs it: it needs Python and a minute"]
fn schemathesis_finds_nothing() {
    let schemathesis = std::env::var("SCHEMATHESIS").unwrap();
    let limits = [("RATE_LIMIT", "1000000/60"), ("BATCH_RATE_LIMIT", "1000000/60")];
    let server = Server::start(&State::new(), &[&[("ADMIN_TOKEN", ADMIN_TOKEN)], &limits[..]].concat());
    // Not in the project of the examples, whose limit the fuzzer sets.
    let key = server.key(&json!({"name": "fuzzer", "project": "fuzzer"}));
    let status = Command::new(schemathesis)
        .args(["--config-file", "tests/schemathesis.toml", "run", "openapi.yaml", "--url", &server.url])
        .args(["--max-examples", "100", "--no-color"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .envs([("ROSTER_KEY", key.as_str()), ("ROSTER_ADMIN_TOKEN", ADMIN_TOKEN)])
        .status();
    assert!(status.unwrap().success());
}
