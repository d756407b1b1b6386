//! `roster webhooks`.

use crate::fake::{run_as_admin, server_that_answers};
use crate::tool::Tool;
use serde_json::Value;

const AWAY: &str = r#"{"code":"SERVICE_UNAVAILABLE","message":"Away"}"#;

#[test]
fn a_secret_stands_alone_on_the_standard_output() {
    let told = run_as_admin(
        0,
        "webhooks create https://a.example/in --project shop --event changed --batch 10 email?",
        &[(
            r#"POST /v1/webhooks {"project":"shop","url":"https://a.example/in","events":["changed"],"where":{"field":"email","exists":true},"batch":10}"#,
            "201 Created",
            r#"{"success":true,"webhook_id":"whk_1","secret":"whsec_c2VjcmV0"}"#,
        )],
    );
    assert_eq!(told.stdout, "whsec_c2VjcmV0\n");
    let stderr = &told.says("whk_1 of project shop made").says("shown only now").stderr;
    assert!(!stderr.contains("whsec_"), "{stderr}");
    let told = run_as_admin(
        0,
        "webhooks rotate whk_1",
        &[("POST /v1/webhooks/whk_1/rotate", "200 OK", r#"{"success":true,"secret":"whsec_bmV3"}"#)],
    );
    assert_eq!(told.says("for 24 hours").stdout, "whsec_bmV3\n");
}

#[test]
fn what_may_have_been_done_is_not_done_twice() {
    for (line, call, advice) in [
        (
            "webhooks create https://a.example",
            r#"POST /v1/webhooks {"project":"default","url":"https://a.example"}"#,
            "Away; `roster webhooks list` tells if the webhook was made",
        ),
        (
            "webhooks rotate whk_1",
            "POST /v1/webhooks/whk_1/rotate",
            "Away; it may have been rotated all the same: rotate again",
        ),
        ("webhooks test whk_1", "POST /v1/webhooks/whk_1/test", "503 SERVICE_UNAVAILABLE: Away"),
    ] {
        run_as_admin(1, line, vec![(call, "503 Service Unavailable", AWAY)].leak()).says(advice);
    }
}

#[test]
fn a_test_fails_unless_the_receiver_takes_the_message() {
    for (expected, answer, stdout, says) in [
        (0, r#"{"status":204,"duration_ms":7,"body":""}"#, "", "the receiver of whk_1 answered 204 in 7 ms"),
        (
            1,
            r#"{"status":404,"duration_ms":7,"body":"no such page\n"}"#,
            "no such page\n",
            "answered 404 in 7 ms; only a 2xx",
        ),
        (1, r#"{"status":null,"duration_ms":15000,"error":"timed out"}"#, "", "in 15000 ms: timed out"),
    ] {
        let calls = vec![("POST /v1/webhooks/whk_1/test", "200 OK", answer)].leak();
        assert_eq!(run_as_admin(expected, "webhooks test whk_1", calls).says(says).stdout, stdout);
    }
}

#[test]
fn a_webhook_is_paused_sent_back_and_deleted() {
    for (line, call, says) in [
        ("webhooks pause whk_1", r#"PATCH /v1/webhooks/whk_1 {"paused":true}"#, "whk_1 paused"),
        ("webhooks resume whk_1", r#"PATCH /v1/webhooks/whk_1 {"paused":false}"#, "whk_1 goes on"),
        (
            "webhooks replay whk_1 --since 2026-11-28T12:00:00+01:00",
            r#"POST /v1/webhooks/whk_1/replay {"since":"2026-11-28T11:00:00.000Z"}"#,
            "since 2026-11-28T11:00:00.000Z",
        ),
        ("webhooks delete whk_1", "DELETE /v1/webhooks/whk_1", "whk_1 deleted"),
    ] {
        let told = run_as_admin(0, line, vec![(call, "200 OK", r#"{"success":true}"#)].leak());
        assert_eq!(told.says(says).stdout, "");
    }
    let calls = &[("GET /v1/webhooks?project=shop", "200 OK", r#"{"success":true,"webhooks":[]}"#)];
    assert_eq!(run_as_admin(0, "webhooks list --project shop --json", calls).stdout, "[]\n");
}

#[test]
fn a_webhook_is_made_tried_paused_and_deleted() {
    let tool = Tool::new();
    let project = &tool.project.name;
    let (good, bad) = (server_that_answers("200 OK", "thanks\n"), server_that_answers("404 Not Found", "no such page"));
    let made = tool.run(0, &format!("webhooks create {good} --project {project} --batch 10 properties.plan=premium"));
    assert!(made.stdout.starts_with("whsec_") && made.stdout.ends_with("=\n"), "{}", made.stdout);
    let state = |id: &str| {
        let listed = tool.run(0, &format!("webhooks list --project {project}")).stdout;
        let line = listed.lines().find(|line| line.starts_with(id)).map(str::to_owned);
        line.map(|line| line.split_whitespace().nth(2).unwrap().to_owned())
    };
    let json: Vec<Value> = serde_json::from_str(&tool.run(0, "webhooks list --json").stdout).unwrap();
    let webhook = json.iter().find(|webhook| webhook["project"] == *project).unwrap();
    let id = webhook["webhook_id"].as_str().unwrap();
    assert_eq!((&webhook["batch"], &webhook["where"]["eq"]), (&10.into(), &"premium".into()));
    assert!(made.stderr.contains(id), "{}", made.stderr);

    assert_eq!(tool.run(0, &format!("webhooks test {id}")).says("answered 200 in").stdout, "thanks\n");
    let rotated = tool.run(0, &format!("webhooks rotate {id}")).stdout;
    assert!(rotated.starts_with("whsec_") && rotated != made.stdout, "{rotated}");
    tool.run(0, &format!("webhooks pause {id}"));
    assert_eq!(state(id).as_deref(), Some("paused"));
    tool.run(0, &format!("webhooks resume {id}"));
    assert_eq!(state(id).as_deref(), Some("active"));
    tool.run(0, &format!("webhooks replay {id} --since 2026-01-01T00:00:00Z"));
    tool.run(0, &format!("webhooks delete {id}")).says("deleted");
    assert_eq!(state(id), None);
    tool.run(1, &format!("webhooks test {id}")).says("404 WEBHOOK_NOT_FOUND");

    tool.run(0, &format!("webhooks create {bad} --project {project}"));
    let listed = tool.run(0, &format!("webhooks list --project {project}")).stdout;
    let id = listed.lines().nth(1).unwrap().split(' ').next().unwrap();
    let told = tool.run(1, &format!("webhooks test {id}"));
    assert_eq!(told.says("answered 404 in").says("only a 2xx").stdout, "no such page\n");
    tool.run(1, &format!("webhooks create http://192.0.2.1 --project {project}")).says("400 INVALID_VALUE");
}
