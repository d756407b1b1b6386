//! The edge's count of unknown keys fails, or the files of the page.

use super::faulty;
use roster::key::ApiKey;
use roster_harness::{Client, Transport};
use serde_json::{Value, json};

#[test]
fn whom_the_edge_counted_too_often_is_not_looked_up_again() {
    let address = "203.0.113.9";
    let send_unknown = |fault: &Value| {
        let key = ApiKey::generate(|bytes| bytes.fill_with(|| fastrand::u8(..)));
        let headers = [
            ("Authorization", format!("Bearer {}", key.reveal())),
            ("CF-Connecting-IP", address.into()),
            ("X-Fault", fault.to_string()),
        ];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = faulty().call("GET", "/v1/users", &headers, "");
        (answer.status, faulty().log_line(answer.header("x-request-id"))["hops"].as_u64())
    };
    assert_eq!(send_unknown(&json!([])), (401, Some(1)));
    let refused = json!([{"on": "UNKNOWN_KEYS", "how": "garbage", "with": {"success": false}}]);
    assert_eq!(send_unknown(&refused), (429, Some(1)));
    assert_eq!(send_unknown(&json!([])), (429, Some(0)));
}

#[test]
fn what_is_beside_the_point_may_fail() {
    let key = "Bearer ros_0123456789ABCDEFGHIJKLMNOPQRSTUV3vdAYj";
    for how in ["before", "after", "hang", "garbage"] {
        let fault =
            json!([{"on": "UNKNOWN_KEYS", "how": how, "times": 9, "error": "internal error", "with": "x"}]).to_string();
        let answer = faulty().call("GET", "/v1/users", &[("Authorization", key), ("X-Fault", &fault)], "");
        assert_eq!((answer.status, answer.code().as_str()), (401, "INVALID_API_KEY"), "{how}");
        let fault =
            json!([{"on": "ASSETS", "how": how, "times": 9, "error": "internal error", "with": "x"}]).to_string();
        let answer = faulty().send("GET", "/openapi.yaml", &[("X-Fault", &fault)], "");
        assert_eq!(answer.status, if how == "garbage" { 200 } else { 500 }, "{how}");
    }
}
