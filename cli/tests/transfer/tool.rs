//! The tool, run in a directory of its own on a project of its own.

use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Client, Project};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// A Worker whose limits are out of the way, and whose webhooks may call a test.
fn worker() -> &'static Server {
    static WORKER: LazyLock<Server> = LazyLock::new(|| {
        let variables = [
            ("ADMIN_TOKEN", ADMIN_TOKEN),
            ("ALLOW_INSECURE_WEBHOOKS", "true"),
            ("RATE_LIMIT", "100000/60"),
            ("BATCH_RATE_LIMIT", "100000/60"),
            ("QUERY_RATE_LIMIT", "100000/60"),
        ];
        Server::start(&State::new(), &variables)
    });
    &WORKER
}

pub struct Tool<'s> {
    pub project: Project<'s, Server>,
    directory: TempDir,
}

impl Tool<'static> {
    pub fn new() -> Self {
        Tool::on(worker().project())
    }
}

impl<'s> Tool<'s> {
    pub fn on(project: Project<'s, Server>) -> Self {
        Tool { project, directory: TempDir::new().unwrap() }
    }

    /// The tool with this command line, split at spaces.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
        command
            .args(line.split(' '))
            .current_dir(self.directory.path())
            .env("ROSTER_URL", &self.project.server.url)
            .env("ROSTER_KEY", &self.project.key)
            .env("ROSTER_ADMIN_TOKEN", ADMIN_TOKEN);
        command
    }

    /// Runs it to its end, with the expected exit code.
    #[track_caller]
    pub fn run(&self, expected: i32, line: &str) -> Told {
        Told::new(expected, &self.command(line).output().unwrap())
    }

    /// Runs it to its end with this on its standard input.
    #[track_caller]
    pub fn run_with_input(&self, expected: i32, line: &str, input: &str) -> Told {
        let mut command = self.command(line);
        let mut running = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        running.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Told::new(expected, &running.wait_with_output().unwrap())
    }

    pub fn start(&self, line: &str) -> Child {
        self.command(line).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    /// All users, in NDJSON.
    #[track_caller]
    pub fn export(&self) -> String {
        self.run(0, "export").stdout
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    #[track_caller]
    pub fn lines(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The names of the files there are.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// What the tool printed.
pub struct Told {
    pub stdout: String,
    pub stderr: String,
}

impl Told {
    #[track_caller]
    pub fn new(expected: i32, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let told = Told { stdout: text(&output.stdout), stderr: text(&output.stderr) };
        assert_eq!(output.status.code(), Some(expected), "{}", told.stderr);
        told
    }

    #[track_caller]
    pub fn says(&self, part: &str) -> &Self {
        assert!(self.stderr.contains(part), "{}", self.stderr);
        self
    }
}
