//! A Worker in `wrangler dev`, with a port and a state of its own.

use crate::client::Answer;
use crate::transport::{ADMIN_TOKEN, Transport};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, Once};
use std::time::Duration;
use tempfile::TempDir;
use ureq::Agent;
use ureq::http::{Request, header::HeaderName};

const PATIENCE: Duration = Duration::from_mins(1);
/// The runtime closes connections that nothing came by for 5 seconds.
const MAX_IDLE: Duration = Duration::from_secs(3);

static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_idle_connections_per_host(64)
        .max_idle_age(MAX_IDLE)
        .build()
        .new_agent()
});

/// The Worker that most tests share.
pub fn shared() -> &'static Server {
    static SHARED: LazyLock<Server> = LazyLock::new(|| Server::start(&State::new(), &[("ADMIN_TOKEN", ADMIN_TOKEN)]));
    &SHARED
}

/// Where a Worker keeps its D1 and its objects. It outlives the Worker.
#[derive(Clone)]
pub struct State(Arc<TempDir>);

impl State {
    /// A new one, without tables.
    pub fn empty() -> Self {
        State(Arc::new(TempDir::new().unwrap()))
    }

    /// A new one, migrated.
    #[expect(clippy::new_without_default, reason = "no default takes seconds and makes a folder")]
    pub fn new() -> Self {
        // Wrangler takes two seconds to migrate one, so all are copies of the first.
        static MIGRATED: LazyLock<State> = LazyLock::new(|| {
            let state = State::empty();
            let migrated = shell(&wrangler("d1 migrations apply roster --local", &state)).output().unwrap();
            assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
            state
        });
        let state = State::empty();
        let copied = Command::new("cp").arg("-R").arg(MIGRATED.path().join(".")).arg(state.path()).status().unwrap();
        assert!(copied.success());
        state
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A port that was free a moment ago, between 20,000 and 32,767: the system gives none of these to who asks for any, as wrangler
/// does several times before it takes this one.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = || 20_000 + u16::try_from(std::process::id() % 600 * 20).unwrap();
    let next = || first() + NEXT.fetch_add(1, Ordering::Relaxed) % 768;
    std::iter::repeat_with(next).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

pub struct Server {
    pub url: String,
    pub port: u16,
    state: State,
    process: Child,
    output: Arc<Output>,
}

impl Server {
    /// Starts the Worker with just these variables, and waits until it serves.
    pub fn start(state: &State, variables: &[(&str, &str)]) -> Self {
        Self::start_entry("", state, variables)
    }

    /// Starts a Worker from another entry module than the product's.
    pub fn start_entry(entry: &str, state: &State, variables: &[(&str, &str)]) -> Self {
        // Once in a process, so that wrangler need not look at each start.
        static BUILT: Once = Once::new();
        BUILT.call_once(|| assert!(shell("make --silent build").status().unwrap().success()));
        let port = free_port();
        // An environment file keeps the developer's own .dev.vars out.
        let env_file = state.path().join("env");
        let lines: Vec<String> = variables.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect();
        std::fs::write(&env_file, lines.concat()).unwrap();
        let options = format!(
            "dev {entry} --config wrangler.local.toml --ip 127.0.0.1 --port {port} --inspector-port 0 --show-interactive-dev-session=false --env-file {}",
            env_file.display()
        );
        // A process group of its own, which ends when this process does, however that ends: its leader waits for the
        // end of a pipe that only this process holds.
        let script = format!("{} </dev/null & while read -r _; do :; done; kill -s KILL 0", wrangler(&options, state));
        let mut process = shell(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let output = Arc::new(Output::default());
        for stream in [
            Box::new(process.stdout.take().unwrap()) as Box<dyn std::io::Read + Send>,
            Box::new(process.stderr.take().unwrap()),
        ] {
            let output = Arc::clone(&output);
            std::thread::spawn(move || {
                BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| output.push(line));
            });
        }
        output.wait_for(|line| line.contains("Ready on").then_some(()));
        Server { url: format!("http://127.0.0.1:{port}"), port, state: state.clone(), process, output }
    }

    /// A call that may be cut off.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(HeaderName::try_from(*name).unwrap(), *value);
        }
        let body = body.as_ref();
        let mut response = match method {
            "GET" | "HEAD" | "DELETE" | "OPTIONS" if body.is_empty() => AGENT.run(request.body(()).unwrap()),
            _ => AGENT.run(request.body(body).unwrap()),
        }?;
        let text = response.body_mut().read_to_string()?;
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), text })
    }

    /// Sends `kill -9`, the runtime included, while calls are under way.
    pub fn send_kill(&self) {
        signal("KILL", &self.process);
    }

    /// `kill -9`, the runtime included.
    pub fn kill(mut self) -> State {
        self.send_kill();
        self.process.wait().unwrap();
        self.state.clone()
    }
}

impl Transport for Server {
    #[track_caller]
    fn exchange(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    #[track_caller]
    fn log_line(&self, request_id: &str) -> serde_json::Value {
        self.output.wait_for(|line| {
            // Wrangler frames what goes to the console as an error.
            let entry = line.get(line.find('{')?..=line.rfind('}')?)?;
            let entry: serde_json::Value = serde_json::from_str(entry).ok()?;
            (entry["request_id"] == request_id).then_some(entry)
        })
    }

    fn printed(&self) -> String {
        self.output.lines.lock().unwrap().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        signal("KILL", &self.process);
        let _ = self.process.wait();
    }
}

/// Sends a signal to the process group.
pub fn signal(name: &str, leader: &Child) {
    let group = format!("-{}", leader.id());
    let _ = Command::new("kill").args(["-s", name, "--", &group]).stderr(Stdio::null()).status();
}

/// Of the project, not of the machine.
const NODE: &str = "WRANGLER_SEND_METRICS=false PATH=node_modules/.bin:$PATH node";

/// Wrangler, which keeps its state where `--persist-to` says.
const WRANGLER: &str = "CI=true BUILT=1 WRANGLER_SEND_METRICS=false CLOUDFLARE_CF_FETCH_ENABLED=false \
                        PATH=node_modules/.bin:$PATH wrangler";

fn wrangler(arguments: &str, state: &State) -> String {
    format!("{WRANGLER} {arguments} --persist-to '{}'", state.path().display())
}

/// Runs a statement on this state's D1.
pub fn run_sql(state: &State, sql: &str) {
    const RUN: &str = r"
        const [path, sql] = process.argv.slice(1);
        require('wrangler').getPlatformProxy({ persist: { path: `${path}/v3` } }).then(async ({ env, dispose }) => {
            await env.DB.prepare(sql).run();
            await dispose();
        });
    ";
    node(state, RUN, &[sql]);
}

/// Runs a script with this state's path and the arguments, and answers what it prints.
pub fn node(state: &State, script: &str, arguments: &[&str]) -> String {
    let mut command = shell(&format!("{NODE} --eval \"$0\" \"$@\""));
    let output = command.arg(script).arg(state.path()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(crate::WORKER);
    command
}

/// The lines that a process printed, to be waited for.
#[derive(Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

impl Output {
    fn push(&self, line: String) {
        self.lines.lock().unwrap().push(line);
        self.grown.notify_all();
    }

    #[track_caller]
    fn wait_for<T>(&self, find: impl Fn(&str) -> Option<T>) -> T {
        let lines = self.lines.lock().unwrap();
        let search = |lines: &Vec<String>| lines.iter().rev().find_map(|line| find(line));
        let (lines, _) = self.grown.wait_timeout_while(lines, PATIENCE, |lines| search(lines).is_none()).unwrap();
        search(&lines).unwrap_or_else(|| panic!("not printed within {PATIENCE:?}:\n{}", lines.join("\n")))
    }
}
