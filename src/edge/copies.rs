//! Copies of users in KV. The crate `worker` has KV as well, for 5 KB more of the gzipped Worker.

use super::js::{js_value, member};
use super::runtime::{Hops, sleep, with_deadline};
use crate::store::sql::Value;
use crate::store::{CopyStore, UserCopy};
use crate::time::Timestamp;
use js_sys::{Array, Object};
use std::time::Duration;
use worker::Env;
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

/// How long a request waits for a copy before it reads the truth.
const READ_DEADLINE: Duration = Duration::from_millis(100);
/// How long a deletion waits for that of the copy.
const REMOVE_DEADLINE: Duration = Duration::from_secs(2);
/// How long a copy is waited for behind an answer, where Cloudflare allows 30 seconds: the user is read again when it stands.
const PUT_DEADLINE: Duration = Duration::from_secs(20);
/// KV takes one write a second of a name.
const WRITE_INTERVAL: Duration = Duration::from_secs(1);

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    type Namespace;

    #[wasm_bindgen(method, catch, js_name = getWithMetadata)]
    async fn get_with_metadata(this: &Namespace, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn put(this: &Namespace, name: &str, value: &str, options: &JsValue) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch)]
    async fn delete(this: &Namespace, name: &str) -> Result<JsValue, JsValue>;
}

pub struct KvCopies {
    namespace: Namespace,
    hops: Hops,
}

impl KvCopies {
    /// None: the deployment keeps no copies.
    pub fn bound(env: &Env, hops: Hops) -> Option<Self> {
        let namespace = member(env, "COPIES").filter(JsValue::is_object)?;
        Some(KvCopies { namespace: namespace.unchecked_into(), hops })
    }
}

impl CopyStore for KvCopies {
    async fn find(&self, name: &str) -> Option<UserCopy> {
        self.hops.add();
        let found = logged("read", with_deadline(READ_DEADLINE, self.namespace.get_with_metadata(name)).await)?;
        let metadata = member(&found, "metadata")?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        let number = |name| member(&metadata, name)?.as_f64().map(|number| number as u64);
        Some(UserCopy {
            body: member(&found, "value")?.as_string()?,
            revision: number("revision")?,
            read_at: Timestamp::from_ms(number("read_at")?),
        })
    }

    async fn put(&self, name: &str, copy: &UserCopy, lifetime_s: u32) {
        let metadata = object(&[
            ("revision", js_value(Value::Number(copy.revision))),
            ("read_at", js_value(Value::Number(copy.read_at.as_ms()))),
        ]);
        let options = object(&[("metadata", metadata), ("expirationTtl", lifetime_s.into())]);
        logged("write", with_deadline(PUT_DEADLINE, self.namespace.put(name, &copy.body, &options)).await);
    }

    async fn remove(&self, name: &str) {
        self.hops.add();
        let mut removed = with_deadline(REMOVE_DEADLINE, self.namespace.delete(name)).await;
        if let Some(Err(_)) = removed {
            sleep(WRITE_INTERVAL).await;
            removed = with_deadline(REMOVE_DEADLINE, self.namespace.delete(name)).await;
        }
        logged("removal", removed);
    }
}

fn object(members: &[(&str, JsValue); 2]) -> JsValue {
    let members: Array = members.iter().map(|(name, value)| Array::of2(&(*name).into(), value)).collect();
    Object::from_entries(&members).map_or(JsValue::UNDEFINED, Into::into)
}

/// What KV answered. A failure goes to the log: the truth is elsewhere.
fn logged(what: &str, outcome: Option<Result<JsValue, JsValue>>) -> Option<JsValue> {
    match outcome {
        Some(Ok(answer)) => return Some(answer),
        Some(Err(thrown)) => worker::console_warn!("{what} of a copy: {}", worker::Error::from(thrown)),
        None => worker::console_warn!("{what} of a copy: no answer in time"),
    }
    None
}
