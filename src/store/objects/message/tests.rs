//! The forms of messages, as they outlive deploys.

use super::*;
use crate::json;
use crate::store::GroupKind;
use crate::store::moving::{Service, WholeUser};

#[track_caller]
fn pinned<T: Serialize + for<'a> Deserialize<'a>>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), json);
    let read: T = json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

#[test]
fn the_forms_of_requests_are_pinned() {
    let user = |change, set_once| UpsertUser { external_id: "u".into(), new_id: "usr_1".into(), change, set_once };
    let merge = || user(ChangeProfile::Merge(raw(r#"{"properties":{"n":1.10}}"#)), None);
    let once = Some(r#"[["origin",{"n":1.10}]]"#);
    let set = || user(ChangeProfile::Set { members: raw(r#"[["p/n",1.10]]"#), as_of: 4 }, once.map(raw));
    let merge_json =
        r#"{"external_id":"u","new_id":"usr_1","change":{"Merge":{"properties":{"n":1.10}}},"set_once":null}"#;
    let set_json = r#"{"external_id":"u","new_id":"usr_1","change":{"Set":{"members":[["p/n",1.10]],"as_of":4}},"set_once":[["origin",{"n":1.10}]]}"#;
    let list = |email: Option<&str>, after: Option<&str>| {
        let (email, after) = (email.map(Into::into), after.map(Into::into));
        Operation::List(ListUsers { email, phone: None, after, limit: 2, max_bytes: 3 })
    };
    let changes = |revision, begun| {
        Operation::ListChanges(ListChanges { behind: Behind { revision, begun }, limit: 2, max_bytes: 3 })
    };
    let delete = |if_match| Operation::Delete { external_id: "u".into(), if_match };
    for (operation, json) in [
        (
            Operation::Upsert { user: merge(), if_match: None },
            format!(r#"{{"Upsert":{{"user":{merge_json},"if_match":null}}}}"#),
        ),
        (
            Operation::Upsert { user: set(), if_match: Some(IfMatch::Any) },
            format!(r#"{{"Upsert":{{"user":{set_json},"if_match":"Any"}}}}"#),
        ),
        (
            Operation::Upsert { user: merge(), if_match: Some(IfMatch::Revisions(vec![7, 8])) },
            format!(r#"{{"Upsert":{{"user":{merge_json},"if_match":{{"Revisions":[7,8]}}}}}}"#),
        ),
        (
            Operation::WriteAll(vec![WriteUser::Upsert(merge()), WriteUser::Delete("v".into())]),
            format!(r#"{{"WriteAll":[{{"Upsert":{merge_json}}},{{"Delete":"v"}}]}}"#),
        ),
        (Operation::Find { external_id: "u".into() }, r#"{"Find":{"external_id":"u"}}"#.into()),
        (delete(None), r#"{"Delete":{"external_id":"u","if_match":null}}"#.into()),
        (
            delete(Some(IfMatch::Revisions(vec![]))),
            r#"{"Delete":{"external_id":"u","if_match":{"Revisions":[]}}}"#.into(),
        ),
        (
            list(Some("a@b"), None),
            r#"{"List":{"email":"a@b","phone":null,"after":null,"limit":2,"max_bytes":3}}"#.into(),
        ),
        (list(None, Some("u")), r#"{"List":{"email":null,"phone":null,"after":"u","limit":2,"max_bytes":3}}"#.into()),
        (changes(7, None), r#"{"ListChanges":{"behind":{"revision":7,"begun":null},"limit":2,"max_bytes":3}}"#.into()),
        (changes(7, Some(6)), r#"{"ListChanges":{"behind":{"revision":7,"begun":6},"limit":2,"max_bytes":3}}"#.into()),
        (Operation::Revoke, r#""Revoke""#.into()),
    ] {
        let bucket = BucketId { project: "p".into(), number: 3, buckets: 4, generation: 2 };
        let bucket_json = r#"{"project":"p","number":3,"buckets":4,"generation":2}"#;
        let request = BucketRequest { bucket, key: Some("0f".into()), expires_at: Some(6), now: 5, operation };
        let json = format!(r#"{{"bucket":{bucket_json},"key":"0f","expires_at":6,"now":5,"operation":{json}}}"#);
        pinned(&request, &json);
    }
    let bucket = BucketId { project: "p".into(), number: 0, buckets: 1, generation: 0 };
    let operation = Operation::FindStates { external_ids: vec!["u".into()] };
    let request = BucketRequest { bucket, key: None, expires_at: None, now: 0, operation };
    let bucket_json = r#"{"project":"p","number":0,"buckets":1,"generation":0}"#;
    let operation_json = r#"{"FindStates":{"external_ids":["u"]}}"#;
    let json =
        format!(r#"{{"bucket":{bucket_json},"key":null,"expires_at":null,"now":0,"operation":{operation_json}}}"#);
    pinned(&request, &json);
}

#[test]
fn the_forms_of_answers_are_pinned() {
    let user = || BucketUser {
        id: "usr_1".into(),
        external_id: "u".into(),
        email: None,
        phone: Some("+1".into()),
        properties: raw("{}"),
        origin: raw(r#"{"n":1.10,"s":"\""}"#),
        created_at: 1,
        updated_at: 2,
        revision: 3,
    };
    let user_json = r#"{"id":"usr_1","external_id":"u","email":null,"phone":"+1","properties":{},"origin":{"n":1.10,"s":"\""},"created_at":1,"updated_at":2,"revision":3}"#;
    let deleted = || BucketChange::Deleted { id: "usr_2".into(), external_id: "v".into(), deleted_at: 8, revision: 9 };
    let deleted_json = r#"{"id":"usr_2","external_id":"v","deleted_at":8,"revision":9}"#;
    let stored = || Ok(Upserted { id: "usr_1".into(), created: true, stale: false });
    let stored_json = r#"{"Ok":{"id":"usr_1","created":true,"stale":false}}"#;
    let refused = |limit| BucketAnswer::Upserted(Err(limit));
    for (answer, json) in [
        (BucketAnswer::Upserted(stored()), format!(r#"{{"Upserted":{stored_json}}}"#)),
        (refused(StoredLimit::ProfileBytes), r#"{"Upserted":{"Err":"profile_bytes"}}"#.into()),
        (refused(StoredLimit::PropertyKeys), r#"{"Upserted":{"Err":"property_keys"}}"#.into()),
        (refused(StoredLimit::OriginKeys), r#"{"Upserted":{"Err":"origin_keys"}}"#.into()),
        (
            BucketAnswer::WrittenAll(vec![
                stored().map(Written::Upserted),
                Ok(Written::Deleted(true)),
                Err(StoredLimit::OriginKeys),
            ]),
            r#"{"WrittenAll":[{"Ok":{"Upserted":{"id":"usr_1","created":true,"stale":false}}},{"Ok":{"Deleted":true}},{"Err":"origin_keys"}]}"#.into(),
        ),
        (BucketAnswer::Found(None), r#"{"Found":null}"#.into()),
        (BucketAnswer::Found(Some(user())), format!(r#"{{"Found":{user_json}}}"#)),
        (BucketAnswer::Deleted(true), r#"{"Deleted":true}"#.into()),
        (
            BucketAnswer::Listed { users: vec![user()], has_more: true },
            format!(r#"{{"Listed":{{"users":[{user_json}],"has_more":true}}}}"#),
        ),
        (BucketAnswer::States(vec![deleted()]), format!(r#"{{"States":[{{"Deleted":{deleted_json}}}]}}"#)),
        (
            BucketAnswer::Changes {
                changes: vec![BucketChange::Stored(user()), deleted()],
                has_more: false,
                reached: Reached { revision: 5, begun: 4 },
            },
            format!(
                r#"{{"Changes":{{"changes":[{{"Stored":{user_json}}},{{"Deleted":{deleted_json}}}],"has_more":false,"reached":{{"revision":5,"begun":4}}}}}}"#
            ),
        ),
        (BucketAnswer::CursorExpired, r#""CursorExpired""#.into()),
        (BucketAnswer::Revoked, r#""Revoked""#.into()),
        (BucketAnswer::RevisionChanged(Some(7)), r#"{"RevisionChanged":7}"#.into()),
        (BucketAnswer::RevisionChanged(None), r#"{"RevisionChanged":null}"#.into()),
        (BucketAnswer::KeyNotLive, r#""KeyNotLive""#.into()),
        (BucketAnswer::Failed("why".into()), r#"{"Failed":"why"}"#.into()),
    ] {
        pinned(&answer, &json);
    }
}

#[test]
fn an_operation_of_another_version_is_none() {
    assert!(json::from_str::<Operation>(r#""Revoke""#).is_ok());
    assert!(json::from_str::<Operation>(r#"{"Move":{}}"#).is_err());
}

#[test]
fn the_forms_of_walks_are_pinned() {
    for (filter, question, json) in [
        (
            Some(r#"{"field":"email","exists":true}"#),
            AskUsers::Users,
            r#""filter":{"field":"email","exists":true},"question":"Users""#,
        ),
        (None, AskUsers::Count(None), r#""filter":null,"question":{"Count":null}"#),
        (None, AskUsers::Count(Some("email".into())), r#""filter":null,"question":{"Count":"email"}"#),
        (None, AskUsers::Properties, r#""filter":null,"question":"Properties""#),
    ] {
        let (filter, after, before) = (filter.map(raw), "t".into(), Some("v".into()));
        let walk = Operation::Walk(WalkUsers { filter, question, after, before, users: 1, max_bytes: 2, limit: 3 });
        let rest = r#""after":"t","before":"v","users":1,"max_bytes":2,"limit":3"#;
        pinned(&walk, &format!(r#"{{"Walk":{{{json},{rest}}}}}"#));
    }
}

#[test]
fn the_forms_of_what_a_walk_finds_are_pinned() {
    for (kind, value, json) in [
        (GroupKind::Null, None, r#""kind":"null","value":null"#),
        (GroupKind::True, None, r#""kind":"true","value":null"#),
        (GroupKind::False, None, r#""kind":"false","value":null"#),
        (GroupKind::Number, Some("1.5"), r#""kind":"number","value":"1.5""#),
        (GroupKind::Text, Some("a"), r#""kind":"text","value":"a""#),
        (GroupKind::Other, None, r#""kind":"other","value":null"#),
    ] {
        let count = GroupCount { kind, value: value.map(Into::into), count: 2, first: "u".into() };
        pinned(&count, &format!(r#"{{{json},"count":2,"first":"u"}}"#));
    }
    let property = PropertyCount {
        section: "origin".into(),
        name: "n".into(),
        users: 1,
        string: 2,
        number: 3,
        boolean: 4,
        object: 5,
        array: 6,
        first: "u".into(),
    };
    let property_json = r#"{"section":"origin","name":"n","users":1,"string":2,"number":3,"boolean":4,"object":5,"array":6,"first":"u"}"#;
    let reach = Reach { examined: 1, last: Some("u".into()), has_more: true };
    let walked = BucketAnswer::Walked { reach, users: vec![], groups: vec![], properties: vec![property] };
    let reach_json = r#"{"examined":1,"last":"u","has_more":true}"#;
    let json =
        format!(r#"{{"Walked":{{"reach":{reach_json},"users":[],"groups":[],"properties":[{property_json}]}}}}"#);
    pinned(&walked, &json);
}

#[test]
fn the_forms_of_users_by_their_ids_are_pinned() {
    pinned(&Operation::FindAll { external_ids: vec!["u".into()] }, r#"{"FindAll":{"external_ids":["u"]}}"#);
    pinned(&BucketAnswer::FoundAll(None), r#"{"FoundAll":null}"#);
    pinned(&BucketAnswer::FoundAll(Some(Vec::new())), r#"{"FoundAll":[]}"#);
}

#[test]
fn the_forms_of_a_move_s_tasks_are_pinned() {
    let user = || WholeUser {
        external_id: "u".into(),
        id: "usr_1".into(),
        profile: r#"{"n":1.10}"#.into(),
        property_keys: 1,
        origin_keys: 2,
        revision: 3,
        created_at: 4,
        updated_at: 5,
        times: None,
        gone: 0,
        deleted_at: Some(6),
    };
    let user_json = r#"{"external_id":"u","id":"usr_1","profile":"{\"n\":1.10}","property_keys":1,"origin_keys":2,"revision":3,"created_at":4,"updated_at":5,"times":null,"gone":0,"deleted_at":6}"#;
    let serve = |service| Task::Serve { service, turn: 7 };
    for (task, json) in [
        (Task::Refuse { keys: vec!["0f".into()] }, r#"{"Refuse":{"keys":["0f"]}}"#.into()),
        (
            Task::Show { behind: 1, limit: 2, max_bytes: 3 },
            r#"{"Show":{"behind":1,"limit":2,"max_bytes":3}}"#.to_owned(),
        ),
        (Task::Adopt(vec![user()]), format!(r#"{{"Adopt":[{user_json}]}}"#)),
        (serve(Service::Filling), r#"{"Serve":{"service":"filling","turn":7}}"#.into()),
        (serve(Service::Serving), r#"{"Serve":{"service":"serving","turn":7}}"#.into()),
        (serve(Service::Fenced), r#"{"Serve":{"service":"fenced","turn":7}}"#.into()),
        (serve(Service::Left), r#"{"Serve":{"service":"left","turn":7}}"#.into()),
        (Task::Continue { floor: 1, forgotten: 2 }, r#"{"Continue":{"floor":1,"forgotten":2}}"#.into()),
        (Task::Count { latest: 1 }, r#"{"Count":{"latest":1}}"#.into()),
        (Task::Empty { generation: 1 }, r#"{"Empty":{"generation":1}}"#.into()),
    ] {
        pinned(&Operation::Move(task), &format!(r#"{{"Move":{json}}}"#));
    }
    for (done, json) in [
        (Done::Done, r#""Done""#.to_owned()),
        (
            Done::Shown { users: vec![user()], has_more: true, latest: 8, forgotten: 9 },
            format!(r#"{{"Shown":{{"users":[{user_json}],"has_more":true,"latest":8,"forgotten":9}}}}"#),
        ),
        (Done::Counted { users: 1, sum: 2 }, r#"{"Counted":{"users":1,"sum":2}}"#.into()),
        (Done::Emptied(true), r#"{"Emptied":true}"#.into()),
        (Done::Refused, r#""Refused""#.into()),
    ] {
        pinned(&BucketAnswer::Moved(done), &format!(r#"{{"Moved":{json}}}"#));
    }
}
