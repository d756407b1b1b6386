//! The port to keys and projects.

use super::database::{Database, Statement, Value};
use super::rows::{IdRow, KeyRow, MovingRow, ProjectRow, WebhookRow};
use super::{SqlStore, statements};
use crate::bounds::MAX_WEBHOOKS;
use crate::key::{KeyHash, KeyRecord, Project, ProjectRecord, WebhookRecord};
use crate::placement::{Jurisdiction, Location, Residence, Storage};
use crate::store::moving::{Move, Moving};
use crate::store::{ControlStore, RevokedKey, StoreError};
use crate::time::Timestamp;

impl<D: Database> ControlStore for SqlStore<D> {
    async fn ping(&self) -> Result<(), StoreError> {
        self.0.query::<IdRow>(Statement { sql: statements::PING, values: &[] }).await.map(drop)
    }

    async fn find_key(&self, hash: &KeyHash) -> Result<Option<KeyRecord>, StoreError> {
        let hash = hash.to_hex();
        let values = [(&hash).into()];
        let rows = self.0.query::<KeyRow>(Statement { sql: statements::FIND_KEY, values: &values }).await?;
        rows.into_iter().next().map(KeyRecord::try_from).transpose()
    }

    async fn create_key(&self, key: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
        let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        let (hash, scopes) = (hash.to_hex(), scopes.join(" "));
        let values = [
            (&key.id).into(),
            (&hash).into(),
            (&key.prefix).into(),
            (&key.name).into(),
            key.project.as_str().into(),
            (&scopes).into(),
            key.created_at.into(),
            key.expires_at.into(),
        ];
        let add_project = project_values(&key.project, key.residence.place.storage, key.created_at, false);
        let add_project = Statement { sql: statements::ADD_PROJECT, values: &add_project };
        let create_key = Statement { sql: statements::CREATE_KEY, values: &values };
        self.0.query_pair::<IdRow, IdRow>(add_project, create_key).await.map(drop)
    }

    async fn list_keys(&self, project: Option<&Project>) -> Result<Vec<KeyRecord>, StoreError> {
        let values = [project.map(Project::as_str).into()];
        let rows = self.0.query::<KeyRow>(Statement { sql: statements::LIST_KEYS, values: &values }).await?;
        rows.into_iter().map(KeyRecord::try_from).collect()
    }

    async fn revoke_key(&self, id: &str, now: Timestamp) -> Result<Option<RevokedKey>, StoreError> {
        let values = [id.into(), now.into()];
        let revoke = Statement { sql: statements::REVOKE_KEY, values: &values };
        let find = Statement { sql: statements::FIND_KEY_BY_ID, values: &values[..1] };
        let (_, rows) = self.0.query_pair::<IdRow, KeyRow>(revoke, find).await?;
        rows.into_iter().next().map(RevokedKey::try_from).transpose()
    }

    async fn touch_key(&self, hash: &KeyHash, now: Timestamp) -> Result<(), StoreError> {
        let hash = hash.to_hex();
        let values = [(&hash).into(), now.into()];
        self.0.run_in_background(Statement { sql: statements::TOUCH_KEY, values: &values }).await
    }

    async fn ensure_project(
        &self,
        name: &Project,
        storage: Storage,
        change: bool,
        now: Timestamp,
    ) -> Result<ProjectRecord, StoreError> {
        let values = project_values(name, storage, now, change);
        let add = Statement { sql: statements::ADD_PROJECT, values: &values };
        let find = Statement { sql: statements::FIND_PROJECT, values: &values[..1] };
        let (_, rows) = self.0.query_pair::<IdRow, ProjectRow>(add, find).await?;
        let row = rows.into_iter().next();
        row.ok_or_else(|| StoreError::Failed("row of a project is missing".into()))?.try_into()
    }

    async fn find_project(&self, name: &Project) -> Result<Option<ProjectRecord>, StoreError> {
        let values = [name.as_str().into()];
        let rows = self.0.query::<ProjectRow>(Statement { sql: statements::FIND_PROJECT, values: &values }).await?;
        rows.into_iter().next().map(ProjectRecord::try_from).transpose()
    }

    async fn list_projects(&self) -> Result<Vec<ProjectRecord>, StoreError> {
        let rows = self.0.query::<ProjectRow>(Statement { sql: statements::LIST_PROJECTS, values: &[] }).await?;
        rows.into_iter().map(ProjectRecord::try_from).collect()
    }

    async fn find_move(&self, name: &Project) -> Result<Option<Moving>, StoreError> {
        let values = [name.as_str().into()];
        let rows = self.0.query::<MovingRow>(Statement { sql: statements::FIND_MOVE, values: &values }).await?;
        rows.into_iter().next().map(Moving::try_from).transpose()
    }

    async fn save_move(
        &self,
        name: &Project,
        before: Option<&Move>,
        after: &Move,
        residence: Residence,
    ) -> Result<bool, StoreError> {
        let text =
            |progress: &Move| serde_json::to_string(progress).map_err(|error| StoreError::Failed(error.to_string()));
        let (before, progress) = (before.map(text).transpose()?, text(after)?);
        let values = [
            name.as_str().into(),
            before.as_ref().into(),
            (&progress).into(),
            Value::Number(after.to.generation.into()),
            Value::Number(after.step.fills().into()),
        ];
        let save = Statement { sql: statements::SAVE_MOVE, values: &values };
        let [_, _, kind, buckets, jurisdiction, location, _] =
            project_values(name, residence.place.storage, Timestamp::from_ms(0), false);
        let settle = [
            name.as_str().into(),
            (&progress).into(),
            kind,
            buckets,
            jurisdiction,
            location,
            Value::Number(residence.place.generation.into()),
            residence.phase.as_str().into(),
            Value::Number(after.floor),
        ];
        let settle = Statement { sql: statements::SETTLE_PROJECT, values: &settle };
        let (saved, _) = self.0.query_pair::<IdRow, IdRow>(save, settle).await?;
        Ok(!saved.is_empty())
    }

    async fn revoked_keys(&self, name: &Project) -> Result<Vec<String>, StoreError> {
        let values = [name.as_str().into()];
        let rows = self.0.query::<IdRow>(Statement { sql: statements::REVOKED_KEYS, values: &values }).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn create_webhook(&self, webhook: &WebhookRecord) -> Result<bool, StoreError> {
        let WebhookRecord { address, project, created_at } = webhook;
        let values = [
            project.as_str().into(),
            (&address.id).into(),
            address.jurisdiction.map(Jurisdiction::as_str).into(),
            (*created_at).into(),
            Value::Number(MAX_WEBHOOKS as u64),
        ];
        let create = Statement { sql: statements::CREATE_WEBHOOK, values: &values };
        let find = Statement { sql: statements::FIND_WEBHOOK, values: &values[1..2] };
        let (_, rows) = self.0.query_pair::<IdRow, IdRow>(create, find).await?;
        Ok(!rows.is_empty())
    }

    async fn list_webhooks(&self, project: Option<&Project>) -> Result<Vec<WebhookRecord>, StoreError> {
        let values = [project.map(Project::as_str).into()];
        let rows = self.0.query::<WebhookRow>(Statement { sql: statements::LIST_WEBHOOKS, values: &values }).await?;
        rows.into_iter().map(WebhookRecord::try_from).collect()
    }

    async fn find_webhook(&self, id: &str) -> Result<Option<WebhookRecord>, StoreError> {
        let rows = Statement { sql: statements::FIND_WEBHOOK, values: &[id.into()] };
        self.0.query::<WebhookRow>(rows).await?.into_iter().next().map(WebhookRecord::try_from).transpose()
    }

    async fn delete_webhook(&self, id: &str) -> Result<(), StoreError> {
        self.0.query::<IdRow>(Statement { sql: statements::DELETE_WEBHOOK, values: &[id.into()] }).await.map(drop)
    }
}

/// The values of [`statements::ADD_PROJECT`].
fn project_values(name: &Project, storage: Storage, created_at: Timestamp, change: bool) -> [Value<'_>; 7] {
    let (kind, placement) = match storage {
        Storage::D1 => ("d1", None),
        Storage::Objects(placement) => ("objects", Some(placement)),
    };
    [
        name.as_str().into(),
        created_at.into(),
        kind.into(),
        placement.map_or(Value::Null, |placement| Value::Number(placement.buckets.count().into())),
        placement.and_then(|placement| placement.jurisdiction).map(Jurisdiction::as_str).into(),
        placement.and_then(|placement| placement.location).map(Location::as_str).into(),
        Value::Number(change.into()),
    ]
}
