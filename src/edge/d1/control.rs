//! The port to keys and projects.

use super::bind::{bind_text, bind_time};
use super::error::Failure;
use super::rows::{IdRow, KeyRow, ProjectRow};
use super::{D1Store, DEADLINE};
use crate::edge::runtime::with_deadline;
use crate::key::{KeyHash, KeyRecord, Project, ProjectRecord};
use crate::store::{ControlStore, StoreError, sql};
use crate::time::Timestamp;
use worker::wasm_bindgen::JsValue;

impl ControlStore for D1Store {
    async fn ping(&self) -> Result<(), StoreError> {
        self.query::<IdRow>(sql::PING, &[]).await.map(drop)
    }

    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        let row = self.query::<KeyRow>(sql::FIND_KEY, &[bind_text(&hash.to_hex())]).await?.pop();
        row.map(KeyRecord::try_from).transpose()
    }

    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        let values = [
            bind_text(&key.id),
            bind_text(&hash.to_hex()),
            bind_text(&key.prefix),
            bind_text(&key.name),
            bind_text(key.project.as_str()),
            bind_text(&scopes.join(" ")),
            bind_time(key.created_at),
            key.expires_at.map_or(JsValue::NULL, bind_time),
        ];
        self.query::<IdRow>(sql::CREATE_KEY, &values).await.map(drop)
    }

    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError> {
        let project = project.map_or(JsValue::NULL, |project| bind_text(project.as_str()));
        self.query::<KeyRow>(sql::LIST_KEYS, &[project]).await?.into_iter().map(KeyRecord::try_from).collect()
    }

    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        Ok(!self.query::<IdRow>(sql::REVOKE_KEY, &[bind_text(id), bind_time(now)]).await?.is_empty())
    }

    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError> {
        // One try, and no hop counted: nobody waits for it.
        let values = [bind_text(&hash.to_hex()), bind_time(now)];
        let outcome = with_deadline(DEADLINE, self.run::<IdRow>(sql::TOUCH_KEY, &values)).await;
        outcome.unwrap_or_else(|| Err(Failure::late())).map(drop).map_err(StoreError::from)
    }

    async fn ensure_project(&self, name: &Project, now: Timestamp) -> Result<ProjectRecord, StoreError> {
        let values = [bind_text(name.as_str()), bind_time(now)];
        let add = (sql::ADD_PROJECT, &values[..]);
        let (_, rows) = self.query_pair::<IdRow, ProjectRow>(add, (sql::FIND_PROJECT, &values[..1])).await?;
        let row = rows.into_iter().next();
        row.ok_or_else(|| StoreError::Failed("row of a project is missing".into()))?.try_into()
    }

    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError> {
        let row = self.query::<ProjectRow>(sql::FIND_PROJECT, &[bind_text(name.as_str())]).await?.pop();
        row.map(ProjectRecord::try_from).transpose()
    }

    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        self.query::<ProjectRow>(sql::LIST_PROJECTS, &[]).await?.into_iter().map(ProjectRecord::try_from).collect()
    }
}
