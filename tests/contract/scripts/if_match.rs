//! `If-Match`: a write that is meant for a user as it was seen.

use roster_harness::{Answer, Client, Project, project};
use serde_json::{Value, json};

#[track_caller]
fn send(project: &Project, method: &str, path: &str, if_match: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {}", project.key);
    project.server.call(method, path, &[("Authorization", &bearer), ("If-Match", if_match)], body)
}

/// Upserts the user `u`.
#[track_caller]
fn post(project: &Project, expected: u16, if_match: &str, members: &Value) -> Answer {
    let mut body = members.clone();
    body["user_id"] = "u".into();
    let answer = send(project, "POST", "/v1/users", if_match, &body.to_string());
    assert_eq!(answer.status, expected, "{if_match} {members}: {}", answer.text);
    answer
}

/// Deletes the user `u`.
#[track_caller]
fn delete(project: &Project, expected: u16, if_match: &str) -> Answer {
    let answer = send(project, "DELETE", "/v1/users/u", if_match, "");
    assert_eq!(answer.status, expected, "{if_match}: {}", answer.text);
    answer
}

/// The `ETag` of the user `u`, and all that `GET` shows.
#[track_caller]
fn seen(project: &Project) -> (String, String) {
    let answer = project.get(200, "/v1/users/u");
    (answer.header("etag").to_owned(), answer.text)
}

/// What a 412 says of a user who is there.
#[track_caller]
fn check_refusal(answer: &Answer, etag: &str) {
    let revision: u64 = etag.trim_matches('"').parse().unwrap();
    let expected = json!({
        "success": false, "error": "Precondition Failed", "code": "REVISION_CHANGED",
        "message": "The user has another revision than If-Match names: read it again", "details": {"revision": revision}
    });
    assert_eq!(answer.json(), expected);
}

#[test]
fn a_write_is_for_the_revision_that_was_seen_and_a_refusal_leaves_the_user_as_it_is() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "email": "a@b.c", "properties": {"n": 1}}));
    let (first, _) = seen(&project);
    let answer = post(&project, 200, &first, &json!({"properties": {"n": 2}}));
    assert_eq!(answer.header("x-user-created"), "false");
    let (second, stored) = seen(&project);
    assert_ne!(first, second);
    for refused in [json!({"properties": {"n": 3}}), json!({"properties": {"m": 1}}), json!({"email": null})] {
        check_refusal(&post(&project, 412, &first, &refused), &second);
        assert_eq!(seen(&project), (second.clone(), stored.clone()));
    }
    assert_eq!(project.listed("?email=a%40b.c"), ["u"]);
    post(&project, 200, &second, &json!({"email": null}));
    assert_eq!(project.listed("?email=a%40b.c"), [""; 0]);
}

#[test]
fn a_body_that_is_applied_already_is_answered_as_the_first_time_and_changes_nothing() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let (first, _) = seen(&project);
    let body = json!({"phone": "+123", "properties": {"a": {"b": 1.10}, "gone": null}});
    let answer = post(&project, 200, &first, &body);
    let changed = seen(&project);
    for etag in [&first, &changed.0, "\"7\"", "W/\"7\"", "*"] {
        assert_eq!(post(&project, 200, etag, &body).text, answer.text);
        assert_eq!(seen(&project), changed, "{etag}");
    }
}

#[test]
fn a_list_matches_by_any_of_its_tags_weak_or_not() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let etag = |project: &Project| seen(project).0;
    let mut n = 0;
    let mut next = || {
        n += 1;
        json!({"properties": {"n": n}})
    };
    for form in ["*", " * ", "{}", "\"7\", {}", "{},\"7\"", "W/\"7\" , ,{}", "\"a,b\", {}", "W/{}", "\"x\", W/{}"] {
        post(&project, 200, &form.replace("{}", &etag(&project)), &next());
    }
    for form in ["\"7\"", "W/\"7\"", "\"\"", "\"0{}\""] {
        let form = if form.starts_with("\"0") {
            form.replace("{}", etag(&project).trim_matches('"'))
        } else {
            form.replace("{}", &etag(&project))
        };
        check_refusal(&post(&project, 412, &form, &next()), &etag(&project));
    }
    for form in ["7", "\"7", "\"7\" \"8\"", "w/\"7\"", "*, \"7\"", ","] {
        for answer in [post(&project, 400, form, &next()), delete(&project, 400, form)] {
            let expected = json!({"field": "If-Match", "issue": "Must be *, or the ETag of a user, or several with commas between"});
            assert_eq!((answer.code().as_str(), &answer.json()["details"]), ("INVALID_VALUE", &expected), "{form}");
            assert_eq!(answer.json()["message"], "Invalid value for header: If-Match");
        }
    }
}

#[test]
fn of_nobody_there_is_no_revision() {
    let project = project();
    for form in ["*", "\"7\"", "W/\"7\""] {
        for body in
            [json!({}), json!({"properties": {"n": 1}}), json!({"as_of": "2026-01-01T12:00:00Z", "phone": "+123"})]
        {
            let answer = post(&project, 412, form, &body);
            assert_eq!((answer.code().as_str(), answer.json().get("details")), ("REVISION_CHANGED", None));
            assert_eq!(answer.json()["message"], "There is no such user for If-Match to name");
        }
        assert_eq!(delete(&project, 200, form).json()["deleted"], false);
    }
    project.get(404, "/v1/users/u");
    // Nor of one who has come back.
    project.post(200, &json!({"user_id": "u"}));
    let (first, _) = seen(&project);
    project.delete(200, "/v1/users/u");
    post(&project, 412, &first, &json!({"phone": "+123"}));
    project.post(200, &json!({"user_id": "u"}));
    let (second, _) = seen(&project);
    check_refusal(&post(&project, 412, &first, &json!({"phone": "+123"})), &second);
    check_refusal(&delete(&project, 412, &first), &second);
}

#[test]
fn a_body_as_of_a_moment_may_be_meant_for_a_revision_too() {
    let project = project();
    let as_of = |second: u32, members: Value| {
        let mut body = members;
        body["as_of"] = format!("2026-01-01T12:00:{second:02}Z").into();
        body
    };
    project.post(200, &json!({"user_id": "u", "as_of": "2026-01-01T12:00:30Z", "properties": {"plan": "a"}}));
    let (first, _) = seen(&project);
    post(&project, 200, &first, &as_of(31, json!({"properties": {"plan": "b"}, "origin": {"o": {"p": 1}}})));
    let (second, stored) = seen(&project);
    for body in [as_of(32, json!({"properties": {"plan": "c"}})), as_of(29, json!({"phone": "+123"}))] {
        check_refusal(&post(&project, 412, &first, &body), &second);
    }
    // It is applied already, or all of it is to be left.
    let again = as_of(31, json!({"properties": {"plan": "b"}, "origin": {"o": {"p": 1}}}));
    assert_eq!(post(&project, 200, &first, &again).header("x-user-stale"), "");
    let stale = as_of(30, json!({"properties": {"plan": "late"}}));
    for etag in [&first, &second] {
        assert_eq!(post(&project, 200, etag, &stale).header("x-user-stale"), "true");
    }
    assert_eq!(seen(&project), (second.clone(), stored));
    // Without a moment it is a merge, of now.
    check_refusal(&post(&project, 412, &first, &json!({"properties": {"plan": "d"}})), &second);
    post(&project, 200, &second, &json!({"properties": {"plan": "d"}}));
    assert_eq!(
        post(&project, 200, "*", &as_of(33, json!({"properties": {"plan": "e"}}))).header("x-user-stale"),
        "true"
    );
    assert_eq!(project.user("u")["properties"], json!({"plan": "d"}));
}

#[test]
fn a_refusal_of_a_body_as_of_a_moment_sets_no_times() {
    let project = project();
    project.post(200, &json!({"user_id": "u", "as_of": "2026-01-01T12:00:00Z", "properties": {"n": 1}}));
    let refused = json!({"as_of": "2026-01-01T12:00:09Z", "properties": {"n": 9}});
    post(&project, 412, "\"7\"", &refused);
    let earlier = json!({"user_id": "u", "as_of": "2026-01-01T12:00:05Z", "properties": {"n": 5}});
    assert_eq!(project.post(200, &earlier).header("x-user-stale"), "");
    assert_eq!(project.user("u")["properties"], json!({"n": 5}));
}

#[test]
fn a_user_is_erased_as_it_was_seen() {
    let project = project();
    for n in 0..2 {
        project.post(200, &json!({"user_id": "u", "email": "a@b.c", "properties": {"n": n}}));
    }
    let (etag, _) = seen(&project);
    for form in ["\"7\"", "W/\"7\""] {
        check_refusal(&delete(&project, 412, form), &etag);
    }
    assert_eq!((seen(&project).0, project.listed("?email=a%40b.c")), (etag.clone(), vec!["u".to_owned()]));
    assert_eq!(delete(&project, 200, &format!("W/{etag}")).json()["deleted"], true);
    assert_eq!(delete(&project, 200, &etag).json()["deleted"], false);
    project.get(404, "/v1/users/u");
    project.post(200, &json!({"user_id": "u"}));
    assert_eq!(delete(&project, 200, "*").json()["deleted"], true);
}

#[test]
fn a_dead_key_is_told_that_it_is_dead_whatever_the_revision() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let (etag, stored) = seen(&project);
    project.revoke();
    let body = json!({"properties": {"n": 1}});
    for form in [&etag, "\"7\"", "*"] {
        for body in [&body, &json!({}), &json!({"as_of": "2026-01-01T12:00:00Z", "phone": "+123"})] {
            assert_eq!(post(&project, 401, form, body).code(), "REVOKED_API_KEY");
        }
        assert_eq!(delete(&project, 401, form).code(), "REVOKED_API_KEY");
        let nobody = send(&project, "POST", "/v1/users", form, r#"{"user_id":"nobody"}"#);
        assert_eq!(nobody.code(), "REVOKED_API_KEY");
    }
    assert_eq!(seen(&project.with_new_key()), (etag, stored));
}

#[test]
fn a_limit_that_a_change_would_break_is_told_to_whom_the_revision_is_known() {
    let project = project();
    let many = |range: std::ops::Range<u32>| {
        let members = range.map(|n| (format!("k{n}"), json!(n))).collect::<serde_json::Map<_, _>>();
        json!({"properties": members})
    };
    let mut body = many(0..300);
    body["user_id"] = "u".into();
    project.post(200, &body);
    let (etag, stored) = seen(&project);
    assert_eq!(post(&project, 400, &etag, &many(300..301)).code(), "INVALID_VALUE");
    check_refusal(&post(&project, 412, "\"7\"", &many(300..301)), &etag);
    assert_eq!(seen(&project), (etag, stored));
}

#[test]
fn a_batch_has_no_revision() {
    let project = project();
    let answer = send(&project, "POST", "/v1/users/batch", "*", r#"{"users":[{"user_id":"u"}]}"#);
    assert_eq!((answer.status, answer.code().as_str()), (400, "INVALID_VALUE"));
    assert_eq!(answer.json()["details"]["issue"], "Must not be sent with a batch, which has no revision");
    project.get(404, "/v1/users/u");
}

#[test]
fn a_warm_write_on_a_condition_waits_for_one_call_whatever_becomes_of_it() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    let (etag, _) = seen(&project);
    let changed = post(&project, 200, &etag, &json!({"phone": "+123"}));
    let refused = post(&project, 412, &etag, &json!({"phone": null}));
    let applied = post(&project, 200, &etag, &json!({"phone": "+123"}));
    for answer in [changed, refused, applied, delete(&project, 412, &etag)] {
        assert_eq!(project.store_hops(&answer), 1, "{}", answer.text);
    }
    // The copy is removed too.
    assert_eq!(project.store_hops(&delete(&project, 200, "*")), 2);
}

#[test]
fn of_writers_at_once_who_saw_the_same_revision_one_is_heard() {
    let project = project();
    project.post(200, &json!({"user_id": "u"}));
    for round in 0..5 {
        let (etag, _) = seen(&project);
        let statuses: Vec<u16> = std::thread::scope(|threads| {
            let write = |n| {
                let body = json!({"user_id": "u", "properties": {"by": format!("{round}/{n}")}}).to_string();
                let (project, etag) = (&project, &etag);
                threads.spawn(move || send(project, "POST", "/v1/users", etag, &body).status)
            };
            let writes: Vec<_> = (0..8).map(write).collect();
            writes.into_iter().map(|write| write.join().unwrap()).collect()
        });
        let heard = statuses.iter().filter(|status| **status == 200).count();
        assert!(heard == 1 && statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
    }
}
