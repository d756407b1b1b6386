//! The objects' port: each bucket in a SQLite database of its own.

use crate::sqlite::{failure, open, run};
use roster::key::Project;
use roster::placement::Placement;
use roster::store::StoreError;
use roster::store::objects::{Bucket, Objects, object_name};
use roster::store::sql::{LocalDatabase, Statement};
use roster::time::Timestamp;
use rusqlite::Connection;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The objects of all projects, each made at its first call.
pub struct LocalObjects {
    /// By the name of its object.
    buckets: RefCell<BTreeMap<String, Bucket<LocalSqlite>>>,
    hops: Rc<Cell<u32>>,
}

impl LocalObjects {
    /// None yet; each call of some of them adds one to `hops`.
    pub fn new(hops: Rc<Cell<u32>>) -> Self {
        LocalObjects { buckets: RefCell::default(), hops }
    }
}

impl Objects for LocalObjects {
    async fn call(
        &self,
        project: &Project,
        generation: u32,
        _: Placement,
        requests: Vec<(u8, String)>,
    ) -> Result<Vec<String>, StoreError> {
        self.hops.set(self.hops.get() + 1);
        let mut buckets = self.buckets.borrow_mut();
        let mut answers = Vec::new();
        for (number, request) in requests {
            let name = object_name(project, generation, number);
            let bucket = buckets.entry(name).or_insert_with(|| Bucket::new(LocalSqlite::default()));
            // Of the two clocks, the caller's counts.
            answers.push(bucket.answer(&request, Timestamp::from_ms(0)).map_err(StoreError::Unavailable)?);
        }
        Ok(answers)
    }
}

#[derive(Deserialize)]
struct Table {
    name: String,
}

/// A SQLite database in memory.
pub struct LocalSqlite(Connection);

impl Default for LocalSqlite {
    #[expect(clippy::expect_used, reason = "memory can be opened")]
    fn default() -> Self {
        LocalSqlite(open(&[]).expect("a database in memory"))
    }
}

impl LocalDatabase for LocalSqlite {
    fn query<T: DeserializeOwned>(&self, statement: Statement<'_>) -> Result<Vec<T>, StoreError> {
        run(&self.0, statement)
    }

    fn size_bytes(&self) -> u64 {
        let pragma = |name| self.0.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap_or_default();
        (pragma("page_count") * pragma("page_size")).unsigned_abs()
    }

    fn run_script(&self, script: &str) -> Result<(), StoreError> {
        self.0.execute_batch(script).map_err(failure)
    }

    fn clear(&self) -> Result<(), StoreError> {
        let sql = "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'";
        let tables = run::<Table>(&self.0, Statement { sql, values: &[] })?;
        tables.iter().try_for_each(|Table { name }| self.run_script(&format!("drop table {name}")))
    }

    fn in_transaction<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.run_script("begin")?;
        let outcome = work();
        self.run_script(if outcome.is_ok() { "commit" } else { "rollback" })?;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use roster::store::objects::SCHEMA;
    use serde_json::{Value, json};

    fn bucket(scripts: &[&str]) -> Bucket<LocalSqlite> {
        Bucket::new(LocalSqlite(open(scripts).unwrap()))
    }

    fn call(bucket: &Bucket<LocalSqlite>, operation: &Value) -> Result<Value, String> {
        call_as(bucket, ["p", "0", "1"], operation)
    }

    fn call_as(
        bucket: &Bucket<LocalSqlite>,
        [project, number, buckets]: [&str; 3],
        operation: &Value,
    ) -> Result<Value, String> {
        let id = format!(r#"{{"project":"{project}","number":{number},"buckets":{buckets},"generation":0}}"#);
        let request = format!(r#"{{"bucket":{id},"key":"0f","now":5,"operation":{operation}}}"#);
        bucket.answer(&request, Timestamp::from_ms(5)).map(|answer| serde_json::from_str(&answer).unwrap())
    }

    fn upsert(id: &str, properties: &Value) -> Value {
        let change = json!({"Merge": {"properties": properties}});
        json!({"Upsert": {"user": {"external_id": id, "new_id": "usr_1", "change": change}, "if_match": null}})
    }

    /// What makes the tables of a version, as an object of that version did.
    fn schema_of(version: usize) -> Vec<String> {
        let table = "create table migrations (number integer primary key) strict".to_owned();
        let steps = SCHEMA[..version].iter();
        let steps = steps.flat_map(|step| [(*step).to_owned(), "insert into migrations default values".to_owned()]);
        std::iter::once(table).chain(steps).collect()
    }

    const OPERATIONS: [&str; 5] = [
        r#"{"WriteAll":[{"Upsert":{"external_id":"v","new_id":"usr_2","change":{"Merge":{"email":"a@b.c"}}}}]}"#,
        r#"{"List":{"email":"a@b.c","phone":null,"after":null,"limit":2,"max_bytes":99}}"#,
        r#"{"Delete":{"external_id":"v","if_match":null}}"#,
        r#"{"ListChanges":{"behind":{"revision":0,"begun":null},"limit":2,"max_bytes":99}}"#,
        r#""Revoke""#,
    ];

    #[track_caller]
    fn check_that_it_works(bucket: &Bucket<LocalSqlite>) {
        let stored = call(bucket, &upsert("u", &json!({"n": 1}))).unwrap();
        assert!(stored["Upserted"]["Ok"].is_object(), "{stored}");
        let found = call(bucket, &json!({"Find": {"external_id": "u"}})).unwrap();
        assert_eq!(found["Found"]["properties"]["n"], 1, "{found}");
        for operation in OPERATIONS {
            let answer = call(bucket, &serde_json::from_str(operation).unwrap()).unwrap();
            assert!(answer.get("Failed").is_none() && answer != "KeyNotLive", "{operation}: {answer}");
        }
        assert_eq!(call(bucket, &upsert("u", &json!({}))).unwrap(), "KeyNotLive");
    }

    #[test]
    fn an_object_of_every_version_is_brought_up_to_date_and_keeps_its_users() {
        for version in 0..=SCHEMA.len() {
            let mut scripts = schema_of(version);
            if version > 0 {
                let user = r#"insert into users
                    (project, external_id, id, profile, property_keys, origin_keys, revision, created_at, updated_at)
                    values ('p', 'u', 'usr_0', '{"properties":{"old":1.10},"origin":{}}', 1, 0, 1, 1, 1)"#;
                scripts.push(user.into());
            }
            let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
            let bucket = bucket(&scripts);
            let found = call(&bucket, &json!({"Find": {"external_id": "u"}})).unwrap();
            assert_eq!(found["Found"]["properties"], if version > 0 { json!({"old": 1.10}) } else { Value::Null });
            check_that_it_works(&bucket);
        }
    }

    #[test]
    fn an_object_of_a_version_to_come_goes_on_to_answer() {
        let mut scripts = schema_of(SCHEMA.len());
        scripts.extend(
            [
                "alter table users add column newer text",
                "create table newer (n integer)",
                "insert into migrations default values",
            ]
            .map(str::to_owned),
        );
        let scripts: Vec<&str> = scripts.iter().map(String::as_str).collect();
        check_that_it_works(&bucket(&scripts));
    }

    #[test]
    fn an_object_knows_which_bucket_it_is() {
        let bucket = bucket(&[]);
        let find = json!({"Find": {"external_id": "u"}});
        assert_eq!(call_as(&bucket, ["p", "1", "4"], &find).unwrap(), json!({"Found": null}));
        for other in [["q", "1", "4"], ["p", "2", "4"], ["p", "1", "16"]] {
            let refused = call_as(&bucket, other, &upsert("u", &json!({}))).unwrap();
            assert_eq!(refused, json!({"Failed": "this is another bucket than was meant"}), "{other:?}");
        }
        assert_eq!(call_as(&bucket, ["p", "1", "4"], &find).unwrap(), json!({"Found": null}));
    }

    #[test]
    fn an_expired_key_may_be_revoked_and_nothing_else_by_the_clock_that_is_ahead() {
        let bucket = bucket(&[]);
        let bucket_id = r#"{"project":"p","number":0,"buckets":1,"generation":0}"#;
        let call_at = |operation: &str, now: u64, clock: u64| {
            let request =
                format!(r#"{{"bucket":{bucket_id},"key":"0f","expires_at":10,"now":{now},"operation":{operation}}}"#);
            bucket.answer(&request, Timestamp::from_ms(clock)).unwrap()
        };
        let upsert = upsert("u", &json!({"n": 1})).to_string();
        let all = [upsert.as_str(), r#"{"Find":{"external_id":"u"}}"#].into_iter().chain(OPERATIONS);
        for operation in all.clone().filter(|operation| *operation != r#""Revoke""#) {
            for (now, clock) in [(10, 9), (9, 10), (1000, 0)] {
                assert_eq!(call_at(operation, now, clock), r#""KeyNotLive""#, "{operation} at {now}, {clock}");
            }
        }
        assert_eq!(call_at(r#"{"Find":{"external_id":"u"}}"#, 9, 9), r#"{"Found":null}"#);
        assert!(call_at(&upsert, 9, 9).contains("Upserted"));
        assert_eq!(call_at(r#""Revoke""#, 10, 10), r#""Revoked""#);
        assert_eq!(call_at(&upsert, 9, 9), r#""KeyNotLive""#);
    }

    #[test]
    fn roster_itself_reads_changes_and_states_without_a_key_and_does_nothing_else() {
        let bucket = bucket(&[]);
        let own = |operation: &str| {
            let id = r#"{"project":"p","number":0,"buckets":1,"generation":0}"#;
            let request = format!(r#"{{"bucket":{id},"key":null,"expires_at":null,"now":0,"operation":{operation}}}"#);
            serde_json::from_str::<Value>(&bucket.answer(&request, Timestamp::from_ms(9)).unwrap()).unwrap()
        };
        let upsert = upsert("u", &json!({"n": 1})).to_string();
        let others = [upsert.as_str(), r#"{"Find":{"external_id":"u"}}"#, r#"{"FindAll":{"external_ids":["u"]}}"#];
        for operation in others.into_iter().chain(OPERATIONS).filter(|operation| !operation.contains("ListChanges")) {
            assert_eq!(own(operation), json!({"Failed": "this takes a key"}), "{operation}");
        }
        call(&bucket, &serde_json::from_str(&upsert).unwrap()).unwrap();
        call(&bucket, &json!("Revoke")).unwrap();
        assert_eq!(own(OPERATIONS[3])["Changes"]["changes"][0]["Stored"]["external_id"], "u");
        let states = own(r#"{"FindStates":{"external_ids":["v","u"]}}"#);
        assert_eq!(states["States"][0]["Stored"]["properties"]["n"], 1, "{states}");
        assert_eq!(states["States"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_creation_that_is_sent_again_has_created_the_user() {
        let bucket = bucket(&[]);
        let of = |new_id: &str, properties: &Value| {
            let change = json!({"Merge": {"properties": properties}});
            let user = json!({"external_id": "u", "new_id": new_id, "change": change});
            let one = call(&bucket, &json!({"Upsert": {"user": user, "if_match": null}})).unwrap();
            let batch = call(&bucket, &json!({"WriteAll": [{"Upsert": user}]})).unwrap();
            [one["Upserted"]["Ok"]["created"].clone(), batch["WrittenAll"][0]["Ok"]["Upserted"]["created"].clone()]
        };
        assert_eq!(of("usr_1", &json!({"n": 1})), [true, true]);
        // Somebody else changes the user, and then the first request arrives once more.
        assert_eq!(of("usr_2", &json!({"n": 2})), [false, false]);
        assert_eq!(of("usr_1", &json!({"n": 1})), [true, true]);
    }

    #[test]
    fn a_full_object_refuses_what_does_not_fit_and_keeps_what_it_has() {
        let database = LocalSqlite(open(&[]).unwrap());
        database.run_script("pragma max_page_count = 30").unwrap();
        let bucket = Bucket::new(database);
        call(&bucket, &upsert("u", &json!({"n": 1}))).unwrap();
        let large = upsert("v", &json!({"text": "x".repeat(200_000)}));
        let refused = call(&bucket, &large).unwrap_err();
        assert_eq!(refused, "the database is full: move its users to more objects");
        let found = call(&bucket, &json!({"Find": {"external_id": "u"}})).unwrap();
        assert_eq!(found["Found"]["properties"], json!({"n": 1}));
        assert_eq!(call(&bucket, &json!({"Find": {"external_id": "v"}})).unwrap(), json!({"Found": null}));
    }
}
