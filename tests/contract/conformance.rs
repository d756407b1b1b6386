//! What others make of `openapi.yaml`, run against the real Worker: a public fuzzer, and generated clients.

use crate::examples::{API, example, is_here, run};
use roster_harness::server::{Server, State, shared};
use roster_harness::{ADMIN_TOKEN, Client, Project};
use serde_json::json;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

#[test]
#[ignore = "make test installs what it needs: a package of Python; it takes minutes"]
fn schemathesis_finds_nothing() {
    let limits =
        ["RATE_LIMIT", "BATCH_RATE_LIMIT", "INGEST_RATE_LIMIT", "QUERY_RATE_LIMIT"].map(|name| (name, "1000000/60"));
    let variables = [&[("ADMIN_TOKEN", ADMIN_TOKEN)], &limits[..]].concat();
    let server = Server::start_entry("tests/doubles/offline.mjs", &State::new(), &variables);
    // Not in the project of the examples, whose limit the fuzzer sets.
    let key = server.key(&json!({"name": "fuzzer", "project": "fuzzer"}));
    let status = Command::new(Path::new(crate::WORKER).join("target/python/schemathesis/bin/schemathesis"))
        .args(["--config-file", "tests/python/schemathesis.toml", "run", "openapi.yaml", "--url", &server.url])
        .arg("--no-color")
        .current_dir(crate::WORKER)
        .envs([("ROSTER_KEY", key.as_str()), ("ROSTER_ADMIN_TOKEN", ADMIN_TOKEN)])
        .status();
    assert!(status.unwrap().success());
}

#[test]
#[ignore = "make test installs what it needs: packages of npm"]
fn openapi_typescript_and_openapi_fetch_make_a_client_that_compiles_and_calls() {
    let workspace = Workspace::new();
    workspace.copy("openapi-fetch.ts");
    workspace.run("openapi-typescript $ROSTER_URL/openapi.yaml --output roster.d.ts && tsc && node openapi-fetch.ts");
}

#[test]
#[ignore = "make test installs what it needs: packages of npm"]
fn hey_api_makes_a_client_that_compiles_and_calls() {
    let workspace = Workspace::new();
    workspace.copy("openapi-ts.config.ts");
    workspace.copy("hey-api.ts");
    workspace.run("openapi-ts --input $ROSTER_URL/openapi.yaml --no-log-file && tsc && node hey-api.ts");
}

#[test]
#[ignore = "make test installs what it needs: packages of Python"]
fn openapi_python_client_makes_a_client_that_type_checks_and_calls() {
    let workspace = Workspace::new();
    workspace.copy("python.py");
    let options = "--meta none --output-path roster_client --fail-on-warning";
    workspace.run(&format!("openapi-python-client generate --url $ROSTER_URL/openapi.yaml {options}"));
    // Not the generator's own client.py, which fails whatever the contract.
    workspace.run("mypy --strict --follow-imports silent python.py roster_client/api roster_client/models");
    workspace.run("python python.py");
}

#[test]
#[ignore = "make test installs what it needs but a JDK: packages of Python"]
fn openapi_generator_makes_clients_that_compile_and_call() {
    if !is_here("javac", &["-version"]) {
        return;
    }
    let workspace = Workspace::new();
    std::fs::write(workspace.path().join("openapi.json"), shared().file("/openapi.json").text).unwrap();
    for file in ["Call.java", "generated.py"] {
        workspace.copy(file);
    }
    // Kotlin, Swift, Go and C# are only made: their compilers are on few machines.
    workspace
        .run(&format!("openapi-generator-cli batch --fail-fast --root-dir . {}/generator/*.yaml", clients().display()));
    // The generator has Jackson, which its clients need, and no annotation that they carry.
    workspace.run(
        "mkdir -p javax/annotation && jar=$(python -c 'import openapi_generator_cli as cli; print(cli.__path__[0])')/openapi-generator.jar \
        && echo 'package javax.annotation; public @interface Generated { String value(); String comments(); }' \
            > javax/annotation/Generated.java \
        && javac -nowarn -cp $jar -d classes javax/annotation/Generated.java $(find java/src/main -name '*.java') Call.java \
        && java -cp classes:$jar Call",
    );
    workspace.run("PYTHONPATH=python python generated.py");
}

#[test]
#[ignore = "make test installs what it needs: packages of npm"]
fn redocly_and_spectral_have_nothing_to_say() {
    let workspace = Workspace::new();
    std::fs::copy(clients().join("../../openapi.yaml"), workspace.path().join("openapi.yaml")).unwrap();
    for file in ["redocly.yaml", "spectral.yaml"] {
        workspace.copy(file);
    }
    let printed = workspace.run("redocly lint openapi.yaml --config redocly.yaml 2>&1 && spectral lint openapi.yaml --ruleset spectral.yaml --fail-severity hint");
    assert!(!printed.contains("warning"), "{printed}");
}

#[test]
#[ignore = "make test installs what it needs: packages of npm"]
fn the_typed_example_of_the_docs_compiles_and_stores_a_user() {
    let workspace = Workspace::new();
    let generate = API.lines().find(|line| line.starts_with("npx openapi-typescript ")).unwrap();
    workspace.run(&generate.replace("https://roster.example.com", "$ROSTER_URL"));
    std::fs::write(workspace.path().join("example.ts"), example("ts", &workspace.project)).unwrap();
    let printed = workspace.run("tsc && node example.ts");
    let user = workspace.project.user("user_123");
    assert_eq!(printed.lines().last(), Some("user_123"));
    assert_eq!(user["properties"], json!({"plan": "pro"}));
}

/// A new folder to generate a client in, with the npm packages of `tests/clients`, and a new project to call.
struct Workspace {
    folder: TempDir,
    project: Project<'static, Server>,
}

impl Workspace {
    fn new() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let workspace = Workspace { folder, project: shared().project() };
        std::os::unix::fs::symlink(clients().join("node_modules"), workspace.path().join("node_modules")).unwrap();
        workspace.copy("package.json");
        workspace.copy("tsconfig.json");
        workspace
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes a file over from `tests/clients`.
    fn copy(&self, file: &str) {
        std::fs::copy(clients().join(file), self.path().join(file)).unwrap();
    }

    /// Runs a line of shell in the folder, with the generators that `make test` installs, and answers what it prints.
    #[track_caller]
    fn run(&self, script: &str) -> String {
        let bins = ["tests/clients/node_modules/.bin", "target/python/clients/bin", "node_modules/.bin"];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let bins = bins.map(|bin| Path::new(crate::WORKER).join(bin));
        let path = std::env::join_paths(bins.into_iter().chain(std::env::split_paths(&path))).unwrap();
        let (url, key) = (OsStr::new(&self.project.server.url), OsStr::new(&self.project.key));
        let environment = [("ROSTER_URL", url), ("ROSTER_KEY", key), ("PATH", &path)];
        run(Command::new("sh").args(["-c", script]).current_dir(self.path()).envs(environment))
    }
}

fn clients() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients"))
}
