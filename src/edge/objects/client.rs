//! The way to the objects of a project.

use crate::edge::rpc;
use crate::edge::runtime::{Hops, with_deadline};
use crate::key::Project;
use crate::placement::{Jurisdiction, Placement};
use crate::store::StoreError;
use crate::store::objects::{Objects, object_name};
use futures_util::future::try_join_all;
use std::cell::Cell;
use std::time::Duration;
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::{ObjectNamespace, Result, Stub};

/// How long a request waits for objects, both tries together.
const DEADLINE: Duration = Duration::from_secs(5);

#[wasm_bindgen]
extern "C" {
    type Namespace;

    #[wasm_bindgen(method, catch)]
    fn jurisdiction(this: &Namespace, name: &str) -> std::result::Result<JsValue, JsValue>;
}

/// The objects of users, for one request.
pub struct RemoteObjects {
    pub objects: ObjectNamespace,
    pub hops: Hops,
}

impl Objects for RemoteObjects {
    async fn call(
        &self,
        project: &Project,
        generation: u32,
        placement: Placement,
        requests: Vec<(u8, String)>,
    ) -> std::result::Result<Vec<String>, StoreError> {
        self.hops.add();
        let calls = requests.iter().map(|(bucket, request)| {
            let name = object_name(project, generation, *bucket);
            self.call_one(name, placement, request)
        });
        match with_deadline(DEADLINE, try_join_all(calls)).await {
            Some(answers) => answers.map_err(|error| StoreError::Unavailable(format!("object: {error}"))),
            None => Err(StoreError::Unavailable(format!("object: no answer within {DEADLINE:?}"))),
        }
    }
}

impl RemoteObjects {
    async fn call_one(&self, name: String, placement: Placement, request: &str) -> Result<String> {
        rpc::call(|| self.object(&name, placement), request, request, &self.hops).await
    }

    fn object(&self, name: &str, Placement { jurisdiction, location, .. }: Placement) -> Result<Stub> {
        let objects = match jurisdiction {
            Some(jurisdiction) => within(&self.objects, jurisdiction)?,
            None => self.objects.clone(),
        };
        match location {
            Some(location) => objects.get_by_name_with_location_hint(name, location.as_str()),
            None => objects.get_by_name(name),
        }
    }
}

/// The objects under a law. The local runtime has none, and says so: there they stand among the others.
pub fn within(objects: &ObjectNamespace, jurisdiction: Jurisdiction) -> Result<ObjectNamespace> {
    thread_local! {
        static WARNED: Cell<bool> = const { Cell::new(false) };
    }
    let namespace: &Namespace = objects.unchecked_ref();
    match namespace.jurisdiction(jurisdiction.as_str()) {
        Ok(objects) => Ok(objects.unchecked_into()),
        Err(thrown) => {
            let error = worker::Error::from(thrown);
            if !error.to_string().to_lowercase().contains("not implemented") {
                return Err(error);
            }
            if !WARNED.replace(true) {
                worker::console_warn!("this runtime has no jurisdictions: objects are made without");
            }
            Ok(objects.clone())
        }
    }
}
