//! `roster move`: moves a project's users to another storage, which the server does; the tool begins it and follows it.

use crate::admin::{self, parse};
use crate::args::MoveArgs;
use crate::client::{Client, Pace};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::progress_bar::{ProgressBar, count};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use ureq::http::Method;

/// How often the server is asked how far the move is.
const INTERVAL: Duration = Duration::from_millis(500);

/// The response to `GET /v1/projects/{project}/move`.
#[derive(Deserialize)]
struct MoveIn {
    #[serde(rename = "move")]
    last: Move,
}

/// The last move of a project.
#[derive(Deserialize)]
struct Move {
    state: String,
    from: Place,
    to: Place,
    /// Users copied; who changes meanwhile counts again.
    copied: u64,
    total: u64,
    /// Why the last step failed, which is tried again.
    error: Option<String>,
}

#[derive(Deserialize)]
struct Place {
    kind: String,
    buckets: Option<u64>,
}

impl Place {
    /// For people.
    fn name(&self) -> String {
        match self.buckets {
            Some(buckets) => count(buckets, "object"),
            None if self.kind == "d1" => "D1".into(),
            None => self.kind.clone(),
        }
    }
}

impl Move {
    fn is_given_up(&self) -> bool {
        self.state == "given up"
    }

    fn has_ended(&self) -> bool {
        self.state == "done" || self.is_given_up()
    }
}

pub fn run(args: &MoveArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let path = format!("/v1/projects/{}/move", args.project.as_str());
    match args.storage()? {
        None => give_up(args, &path, interrupt),
        Some(storage) => begin(args, &path, &storage, interrupt),
    }
}

fn give_up(args: &MoveArgs, path: &str, interrupt: &Interrupt) -> Result<(), CliError> {
    admin::call(&args.admin, interrupt, |client| client.call(&Method::DELETE, path))?;
    eprintln!("roster: the move of {} is given up: all stays where it is", args.project.as_str());
    Ok(())
}

fn begin(args: &MoveArgs, path: &str, storage: &Value, interrupt: &Interrupt) -> Result<(), CliError> {
    let project = args.project.as_str();
    let body = admin::to_json(&json!({"storage": storage}))?;
    let begun = admin::call(&args.admin, interrupt, |client| client.post(path, &body))?;
    let MoveIn { last: begun } = parse(&begun)?;
    if begun.has_ended() {
        eprintln!("roster: {project} is in {} already", begun.to.name());
        return Ok(());
    }
    if args.detach {
        eprintln!("roster: {project} moves to {}; `{}` follows it", begun.to.name(), args.follow_command());
        return Ok(());
    }
    let last = follow(args, path, begun, interrupt).inspect_err(|error| {
        if error.can_resume() {
            eprintln!(
                "roster: the move goes on without this command: `{}` follows it, `roster move {project} --give-up` ends it",
                args.follow_command()
            );
        }
    })?;
    if last.is_given_up() {
        let why = last.error.map_or(String::new(), |error| format!(": {error}"));
        return Err(CliError::Failed(format!(
            "the move of {project} was given up{why}; all stays in {}",
            last.from.name()
        )));
    }
    eprintln!("roster: {project} is in {}: {} moved", last.to.name(), count(last.total, "user"));
    Ok(())
}

/// Shows how far the move is, until it has ended.
fn follow(args: &MoveArgs, path: &str, begun: Move, interrupt: &Interrupt) -> Result<Move, CliError> {
    let mut last = begun;
    // Of no users the bar would be full before anything is done.
    let bar = ProgressBar::new(Some((last.total.max(1), last.copied)), last.copied, 0);
    let client = Client::new(args.admin.url()?, args.admin.token()?, Pace::Full, interrupt, &bar);
    let (mut state, mut error) = (String::new(), None);
    let outcome = loop {
        if last.has_ended() {
            break Ok(last);
        }
        bar.set_total(last.total.max(1));
        bar.set(last.copied, last.copied, 0);
        if last.state != state {
            bar.message(&format!("{} from {} to {}", last.state, last.from.name(), last.to.name()));
            state = last.state;
        }
        if let Some(news) = last.error.as_ref().filter(|_| last.error != error) {
            bar.message(&format!("the server tries again: {news}"));
        }
        error = last.error;
        last = match interrupt.sleep(INTERVAL).and_then(|()| look(&client, path)) {
            Ok(last) => last,
            Err(error) => break Err(error),
        };
    };
    bar.clear();
    outcome
}

fn look(client: &Client, path: &str) -> Result<Move, CliError> {
    let MoveIn { last } = parse(&client.call(&Method::GET, path)?)?;
    Ok(last)
}
