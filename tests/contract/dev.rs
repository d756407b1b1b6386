//! How a developer starts Roster: `scripts/dev.mjs` (which `make dev` runs) and plain `wrangler dev`, in a copy of the
//! project, so that the developer's own settings, key and tables are left alone.

use crate::WORKER;
use crate::examples::is_here;
use roster_harness::server::{free_port, signal};
use serde_json::Value;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What is needed to serve. `-p` keeps the times by which make judges what is built.
const COPY: &str = "cp -pR .dev.vars.example .env Cargo.* Makefile build migrations openapi.yaml package*.json README.md \
                    rust-toolchain.toml scripts src web wrangler.toml wrangler.local.toml \"$0\" && ln -s \"$PWD/node_modules\" \"$0\"";
const PATIENCE: Duration = Duration::from_secs(40);

/// A clone in which `npm ci` and the build were run, and nothing else.
struct Clone {
    folder: TempDir,
    port: u16,
}

impl Clone {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let copied = Command::new("sh").args(["-c", COPY]).arg(folder.path()).current_dir(WORKER).status().unwrap();
        assert!(copied.success());
        Clone { folder, port: free_port() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a shell's command with the project's own programs, in a process group of its own.
    fn start(&self, command: &str) -> Started<'_> {
        let output = std::fs::File::create(self.path().join("output")).unwrap();
        let process = Command::new("sh")
            .args(["-c", &format!("PATH=$PWD/node_modules/.bin:$PATH exec {command}")])
            .current_dir(self.path())
            .env_remove("CLOUDFLARE_CF_FETCH_ENABLED")
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        Started { clone: self, process }
    }

    fn start_dev(&self) -> Started<'_> {
        self.start(&format!("node scripts/dev.mjs {}", self.port))
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(self.path().join("output")).unwrap()
    }
}

struct Started<'c> {
    clone: &'c Clone,
    process: Child,
}

impl Started<'_> {
    #[track_caller]
    fn wait_for(&self, text: &str) {
        let is_in_time = within_patience(|| self.clone.printed().contains(text));
        assert!(is_in_time, "{text:?} is not printed:\n{}", self.clone.printed());
    }

    /// Waits for the end, after which nothing may listen any more. Answers if it was a success, and what was printed.
    #[track_caller]
    fn end(mut self) -> (bool, String) {
        let has_ended = within_patience(|| self.process.try_wait().unwrap().is_some());
        let printed = self.clone.printed();
        assert!(has_ended, "still running:\n{printed}");
        assert!(within_patience(|| TcpStream::connect(("127.0.0.1", self.clone.port)).is_err()), "still listening");
        (self.process.wait().unwrap().success(), printed)
    }

    /// As Ctrl-C does: to the whole group.
    fn interrupt(&self) {
        signal("INT", &self.process);
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        signal("KILL", &self.process);
        let _ = self.process.wait();
    }
}

fn within_patience(mut is_so: impl FnMut() -> bool) -> bool {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

/// Runs a command as it would be pasted, and answers its output as JSON.
#[track_caller]
fn paste(command: &str) -> Value {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {command}\n{output:?}"))
}

/// The text between two others.
#[track_caller]
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before:?} in:\n{text}"));
    rest.split_once(after).unwrap().0
}

#[test]
fn plain_wrangler_dev_in_a_fresh_clone_makes_a_key_and_stores_the_user_of_the_readme() {
    if !is_here("curl", &["--version"]) {
        return;
    }
    let clone = Clone::new();
    let command = format!("wrangler dev --port {} --inspector-port 0 --show-interactive-dev-session=false", clone.port);
    let port = format!("localhost:{}", clone.port);
    let first = clone.start(&command);
    first.wait_for("Ready on");
    let printed = clone.printed();
    assert!(!printed.contains("Request.cf"), "asks for more than it needs:\n{printed}");
    let key = paste(&between(&printed, "To make an API key: ", "\n").replace("localhost:8787", &port));
    let readme = include_str!("../../README.md");
    let store = between(readme, "```console\n$ ", "\n{\"success\"").replace("localhost:8787", &port);
    let store = store.replace("ros_…", key["key"].as_str().unwrap());
    assert_eq!(paste(&store)["message"], "User created/updated successfully");
    first.interrupt();
    first.end();

    let again = clone.start(&command);
    again.wait_for("Ready on");
    assert_eq!(paste(&store)["external_id"], "user_123");
}

#[test]
fn deploy_makes_neither_settings_nor_tables_for_this_machine() {
    let clone = Clone::new();
    let (is_success, printed) = clone.start("wrangler deploy --dry-run").end();
    assert!(is_success, "{printed}");
    for made in [".dev.vars", ".wrangler/state"] {
        assert!(!clone.path().join(made).exists(), "{made}");
    }
}

#[test]
fn dev_prints_a_line_that_stores_a_user_and_leaves_nothing_behind_when_interrupted() {
    if !is_here("curl", &["--version"]) {
        return;
    }
    let clone = Clone::new();
    let dev = clone.start_dev();
    dev.wait_for("Store a user:");
    dev.wait_for("}'\n\n");
    let printed = clone.printed();
    assert_eq!(paste(between(&printed, "Store a user:\n\n", "\n\n"))["success"], true);
    let [page, console, key] =
        ["page         ", "console      ", "key          "].map(|name| between(&printed, name, "\n"));
    assert_eq!(page, format!("http://localhost:{}/", clone.port));
    assert_eq!(console, format!("{page}console"));
    assert!(key.starts_with("ros_"), "{key}");
    assert_eq!(between(&printed, "admin token  ", "\n"), "development-only-admin-token");
    dev.interrupt();
    dev.end();
}

#[test]
fn dev_sends_nothing_to_another_server_on_its_port_and_names_another() {
    let clone = Clone::new();
    let other = TcpListener::bind(("127.0.0.1", clone.port)).unwrap();
    let heard = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        other.accept().unwrap().0.read_to_end(&mut bytes).unwrap();
        bytes
    });
    let (is_success, printed) = clone.start_dev().end();
    assert!(!is_success && printed.contains("PORT=8080 make dev"), "{printed}");
    assert!(!printed.contains("Roster is at"), "{printed}");
    assert_eq!(heard.join().unwrap(), b"");
}

#[test]
fn dev_stops_at_settings_that_it_cannot_serve_with_and_says_which() {
    let clone = Clone::new();
    for (settings, said) in [
        (
            "ADMIN_TOKEN=development-only-admin-token\nRATE_LIMIT=many",
            "well: variable RATE_LIMIT is not requests/seconds",
        ),
        ("RATE_LIMIT=500/60", "set ADMIN_TOKEN in .dev.vars"),
        ("ADMIN_TOKEN=short", "set ADMIN_TOKEN in .dev.vars"),
    ] {
        std::fs::write(clone.path().join(".dev.vars"), settings).unwrap();
        let (is_success, printed) = clone.start_dev().end();
        assert!(!is_success && printed.contains(said), "{printed}");
        assert!(!printed.contains("Roster is at") && !printed.contains("dev.mjs:"), "{printed}");
    }
}
