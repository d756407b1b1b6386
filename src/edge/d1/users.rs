//! The users' port.

use super::D1Store;
use super::bind::{batch_json, bind_text, bind_time};
use super::rows::{BatchRow, IdRow, UpsertedRow, UserRow, outcomes, stored_user};
use crate::store::{Caller, Filter, Page, Position, StoreError, StoredLimit, StoredUser, Upserted, UserStore, sql};
use crate::time::Timestamp;
use crate::user::{ExternalId, NewUser};
use worker::wasm_bindgen::JsValue;

impl UserStore for D1Store {
    async fn upsert_user(
        &self,
        caller: &Caller,
        user: &NewUser,
        new_id: &str,
        now: Timestamp,
    ) -> Result<Upserted, StoreError> {
        let values = [
            bind_text(&caller.hash.to_hex()),
            bind_time(now),
            bind_text(user.external_id.as_str()),
            bind_text(new_id),
            bind_text(user.patch.as_str()),
        ];
        let row = self.query::<UpsertedRow>(&sql::UPSERT, &values).await?.pop().ok_or(StoreError::KeyNotLive)?;
        Ok(Upserted { id: row.id, created: row.created != 0 })
    }

    async fn upsert_users(
        &self,
        caller: &Caller,
        users: &[(&NewUser, String)],
        now: Timestamp,
    ) -> Result<Vec<Result<Upserted, StoredLimit>>, StoreError> {
        let values = [bind_text(&caller.hash.to_hex()), bind_time(now), bind_text(&batch_json(users))];
        let (stored, rejected) =
            self.query_pair::<BatchRow, BatchRow>((&sql::UPSERT_BATCH, &values), (&sql::REJECT_BATCH, &values)).await?;
        if rejected.is_empty() {
            return Err(StoreError::KeyNotLive);
        }
        outcomes(stored.into_iter().chain(rejected), users)
            .ok_or_else(|| StoreError::Failed("outcome of a user is missing".into()))
    }

    async fn find_user(
        &self,
        caller: &Caller,
        id: &ExternalId,
        now: Timestamp,
    ) -> Result<Option<StoredUser>, StoreError> {
        let values = [bind_text(&caller.hash.to_hex()), bind_time(now), bind_text(id.as_str())];
        let row = self.query::<UserRow>(&sql::FIND_USER, &values).await?.pop().ok_or(StoreError::KeyNotLive)?;
        if row.id.is_some() { stored_user(row).map(Some) } else { Ok(None) }
    }

    async fn delete_user(&self, caller: &Caller, id: &ExternalId, now: Timestamp) -> Result<bool, StoreError> {
        let values = [bind_text(&caller.hash.to_hex()), bind_time(now), bind_text(id.as_str())];
        let (deleted, live) =
            self.query_pair::<IdRow, IdRow>((&sql::DELETE_USER, &values), (&sql::FIND_CALLER, &values[..2])).await?;
        if live.is_empty() { Err(StoreError::KeyNotLive) } else { Ok(!deleted.is_empty()) }
    }

    async fn list_users(
        &self,
        caller: &Caller,
        filter: &Filter<'_>,
        after: Option<&Position>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Page, StoreError> {
        let Filter { email, phone, updated_after } = filter;
        let statement = sql::list_users(email.is_some() || phone.is_some(), updated_after.is_some());
        let mut values = vec![
            bind_text(&caller.hash.to_hex()),
            bind_time(now),
            // One more than asked for, to learn whether there are more.
            JsValue::from_f64(f64::from(limit) + 1.0),
            email.map_or(JsValue::NULL, |email| bind_text(email.as_str())),
            phone.map_or(JsValue::NULL, |phone| bind_text(phone.as_str())),
            bind_text(after.map_or("", |after| &after.external_id)),
        ];
        if let Some(updated_after) = updated_after {
            values.push(bind_time(*updated_after));
            values.push(bind_time(after.map_or(Timestamp::from_ms(0), |after| after.updated_at)));
        }
        let rows = self.query::<UserRow>(&statement, &values).await?;
        if rows.is_empty() {
            return Err(StoreError::KeyNotLive);
        }
        let found = rows.iter().filter(|row| row.external_id.is_some()).count();
        let fitting = rows.into_iter().take_while(|row| row.id.is_some()).take(limit as usize);
        let users: Vec<_> = fitting.map(stored_user).collect::<Result<_, _>>()?;
        Ok(Page { has_more: users.len() < found, users })
    }
}
