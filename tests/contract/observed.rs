//! What an operator sees beside the log's lines: which of them are errors, and the data points of Analytics Engine.

use roster_harness::server::{Server, State};
use roster_harness::{ADMIN_TOKEN, Client, Transport};
use serde_json::{Value, json};

/// A Worker whose data points are printed, and whose errors of the console say that they are.
fn observed() -> Server {
    Server::start_entry("tests/doubles/observed.mjs", &State::new(), &[("ADMIN_TOKEN", ADMIN_TOKEN)])
}

/// The last data point that was printed.
fn data_point(server: &Server) -> Option<Value> {
    let printed = server.printed();
    let mut points = printed.lines().filter(|line| line.contains(r#""doubles""#));
    points.next_back().map(|line| serde_json::from_str(line).unwrap())
}

#[test]
fn a_request_is_one_data_point_and_a_line_of_its_own_level_whatever_becomes_of_the_point() {
    let server = observed();
    let project = server.project();
    let answer = project.post(200, &json!({"user_id": "observed-7f3", "email": "observed-7f3@example.com"}));
    let line = server.log_line(answer.header("x-request-id"));
    // The line is printed before the point.
    let after = server.call("GET", "/health", &[("X-Break", "ANALYTICS")], "");
    assert_eq!(after.status, 200);
    server.log_line(after.header("x-request-id"));
    let point = data_point(&server).unwrap();
    assert_eq!(point["indexes"], json!([project.name]));
    assert_eq!(point["blobs"], json!(["/v1/users", "POST", line["version"]]));
    assert_eq!(point["doubles"], json!([200, line["hops"], line["duration_ms"]]));
    assert_eq!(line.get("level"), None);

    let failed = server.call("GET", "/health/ready", &[("X-Break", "DB")], "");
    assert_eq!(failed.status, 500);
    let line = server.log_line(failed.header("x-request-id"));
    assert_eq!((&line["level"], &line["cause"]), (&json!("error"), &json!("Binding `DB` is undefined.")));
    assert_eq!(failed.header("x-roster-version"), line["version"]);
}
