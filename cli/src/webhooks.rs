//! `roster webhooks`: manages webhooks with the admin token.

use crate::admin::{self, parse};
use crate::args::{CreateWebhookArgs, ListWebhooksArgs, ReplayArgs, WebhookArgs, WebhooksCommand};
use crate::error::CliError;
use crate::interrupt::Interrupt;
use crate::record::raw_json;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ureq::http::Method;

pub fn run(command: &WebhooksCommand, interrupt: &Interrupt) -> Result<(), CliError> {
    match command {
        WebhooksCommand::Create(args) => create(args, interrupt),
        WebhooksCommand::List(args) => list(args, interrupt),
        WebhooksCommand::Test(args) => test(args, interrupt),
        WebhooksCommand::Rotate(args) => rotate(args, interrupt),
        WebhooksCommand::Pause(args) => set_paused(args, true, interrupt),
        WebhooksCommand::Resume(args) => set_paused(args, false, interrupt),
        WebhooksCommand::Replay(args) => replay(args, interrupt),
        WebhooksCommand::Delete(args) => delete(args, interrupt),
    }
}

#[derive(Serialize)]
struct NewWebhookOut<'a> {
    project: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    events: Vec<&'static str>,
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    filter: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<u32>,
}

#[derive(Deserialize)]
struct CreatedIn {
    webhook_id: String,
    secret: String,
}

/// Writes only the secret to the standard output, so that a script can capture it.
fn create(args: &CreateWebhookArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let body = admin::to_json(&NewWebhookOut {
        project: args.project.as_str(),
        url: &args.receiver,
        events: args.events.iter().map(|event| event.name()).collect(),
        filter: args.filter.to_json()?.map(raw_json),
        batch: args.batch,
    })?;
    let response = admin::call(&args.admin, interrupt, |client| client.post_once("/v1/webhooks", Some(&body)));
    let response = response.map_err(unsure("`roster webhooks list` tells if the webhook was made"))?;
    let CreatedIn { webhook_id, secret } = parse(&response)?;
    let project = args.project.as_str();
    eprintln!(
        "roster: {webhook_id} of project {project} made: it calls {} from now on; its secret is shown only now",
        args.receiver
    );
    println!("{secret}");
    Ok(())
}

/// What is to be done where a call that is made once has failed, and may have been carried out.
fn unsure(advice: &str) -> impl FnOnce(CliError) -> CliError + '_ {
    move |error| match error {
        CliError::Failed(cause) => CliError::Failed(format!("{cause}; {advice}")),
        error => error,
    }
}

#[derive(Deserialize)]
struct ListIn<'a> {
    #[serde(borrow)]
    webhooks: &'a RawValue,
}

#[derive(Deserialize)]
struct WebhookIn {
    webhook_id: String,
    project: String,
    url: String,
    events: Vec<String>,
    batch: u32,
    state: String,
    /// Seconds since the oldest change was stored that is not delivered.
    behind: Option<u64>,
    retrying: Option<RetryingIn>,
    disabled: Option<DisabledIn>,
}

/// Why the last try of a message failed: the status of an answer, or why there was none.
#[derive(Deserialize)]
struct RetryingIn {
    status: Option<u16>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct DisabledIn {
    reason: String,
}

impl WebhookIn {
    /// The state, and why it is not as it should be.
    fn state(&self) -> String {
        let status = |retrying: &RetryingIn| retrying.status.map(|status| status.to_string());
        let failure = self.retrying.as_ref().and_then(|retrying| status(retrying).or_else(|| retrying.error.clone()));
        let reason = self.disabled.as_ref().map(|disabled| disabled.reason.clone()).or(failure);
        reason.map_or_else(|| self.state.clone(), |reason| format!("{}: {reason}", self.state))
    }
}

fn list(args: &ListWebhooksArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let query = args.project.as_ref().map_or(String::new(), |project| format!("?project={}", project.as_str()));
    let path = format!("/v1/webhooks{query}");
    let response = admin::call(&args.admin, interrupt, |client| client.call(&Method::GET, &path))?;
    let ListIn { webhooks } = parse(&response)?;
    if args.json {
        println!("{webhooks}");
    } else {
        print!("{}", table(&parse::<Vec<WebhookIn>>(webhooks.get())?));
    }
    Ok(())
}

fn table(webhooks: &[WebhookIn]) -> String {
    let mut rows = vec![["WEBHOOK_ID", "PROJECT", "STATE", "BEHIND", "EVENTS", "BATCH", "URL"].map(String::from)];
    rows.extend(webhooks.iter().map(|webhook| {
        let WebhookIn { webhook_id, project, url, events, batch, behind, .. } = webhook;
        let behind = behind.map_or("-".into(), |seconds| format!("{seconds} s"));
        [webhook_id.clone(), project.clone(), webhook.state(), behind, events.join(" "), batch.to_string(), url.clone()]
    }));
    admin::table(&rows)
}

/// What a receiver made of a test.
#[derive(Deserialize)]
struct TestIn {
    /// None: it did not answer.
    status: Option<u16>,
    error: Option<String>,
    duration_ms: u64,
    /// The beginning of its answer.
    body: Option<String>,
}

/// Writes what the receiver answered to the standard output. It fails if that is no 2xx.
fn test(args: &WebhookArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let id = args.id()?;
    let path = format!("/v1/webhooks/{id}/test");
    let response = admin::call(&args.admin, interrupt, |client| client.post_once(&path, None))?;
    let TestIn { status, error, duration_ms, body } = parse(&response)?;
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        println!("{}", body.trim_end_matches('\n'));
    }
    match (status, error) {
        (Some(status @ 200..300), _) => {
            eprintln!("roster: the receiver of {id} answered {status} in {duration_ms} ms");
            Ok(())
        }
        (Some(status), _) => Err(CliError::Failed(format!(
            "the receiver of {id} answered {status} in {duration_ms} ms; only a 2xx takes a message"
        ))),
        (None, error) => {
            let error = error.unwrap_or_else(|| "why is not known".into());
            Err(CliError::Failed(format!("no answer from the receiver of {id} in {duration_ms} ms: {error}")))
        }
    }
}

#[derive(Deserialize)]
struct RotatedIn {
    secret: String,
}

/// Writes only the secret to the standard output.
fn rotate(args: &WebhookArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let id = args.id()?;
    let path = format!("/v1/webhooks/{id}/rotate");
    let response = admin::call(&args.admin, interrupt, |client| client.post_once(&path, None));
    let RotatedIn { secret } = parse(&response.map_err(unsure(ROTATE_AGAIN))?)?;
    eprintln!("roster: {id} has another secret, shown only now; the one before signs for 24 hours");
    println!("{secret}");
    Ok(())
}

const ROTATE_AGAIN: &str = "it may have been rotated all the same: rotate again, and change the secret at the receiver at once; \
     what it refuses until then is sent again";

fn set_paused(args: &WebhookArgs, paused: bool, interrupt: &Interrupt) -> Result<(), CliError> {
    let id = args.id()?;
    let path = format!("/v1/webhooks/{id}");
    admin::call(&args.admin, interrupt, |client| client.patch(&path, &format!("{{\"paused\":{paused}}}")))?;
    eprintln!("roster: {id} {}", if paused { "paused" } else { "goes on" });
    Ok(())
}

fn replay(args: &ReplayArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let (id, since) = (args.webhook.id()?, &args.since);
    let path = format!("/v1/webhooks/{id}/replay");
    let body = format!("{{\"since\":\"{since}\"}}");
    admin::call(&args.webhook.admin, interrupt, |client| client.post(&path, &body))?;
    eprintln!("roster: {id} sends again what changed since {since}");
    Ok(())
}

fn delete(args: &WebhookArgs, interrupt: &Interrupt) -> Result<(), CliError> {
    let id = args.id()?;
    admin::call(&args.admin, interrupt, |client| client.call(&Method::DELETE, &format!("/v1/webhooks/{id}")))?;
    eprintln!("roster: {id} deleted");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_one_line_per_webhook() {
        let webhook = |id, state, rest| {
            format!(
                r#"{{"webhook_id":"{id}","project":"shop","url":"https://a.example/in","events":["changed","deleted"],"where":null,
                "batch":1,"state":"{state}",{rest},"given_up":0,"created_at":"2026-01-01T00:00:00.000Z"}}"#
            )
        };
        let retrying = |status, error| {
            format!(
                r#""behind":42,"disabled":null,"retrying":{{"users":2,"since":"","attempts":2,"status":{status},"error":{error},"next_at":""}}"#
            )
        };
        let webhooks = [
            webhook("whk_1", "active", r#""behind":null,"retrying":null,"disabled":null"#.into()),
            webhook("whk_2", "retrying", retrying("503", "null")),
            webhook("whk_3", "retrying", retrying("null", "\"no answer in time\"")),
            webhook("whk_4", "disabled", r#""behind":9,"retrying":null,"disabled":{"reason":"gone","at":""}"#.into()),
        ];
        assert_eq!(
            table(&parse::<Vec<WebhookIn>>(&format!("[{}]", webhooks.join(","))).unwrap()),
            "\
WEBHOOK_ID  PROJECT  STATE                        BEHIND  EVENTS           BATCH  URL
whk_1       shop     active                       -       changed deleted  1      https://a.example/in
whk_2       shop     retrying: 503                42 s    changed deleted  1      https://a.example/in
whk_3       shop     retrying: no answer in time  42 s    changed deleted  1      https://a.example/in
whk_4       shop     disabled: gone               9 s     changed deleted  1      https://a.example/in
"
        );
    }
}
