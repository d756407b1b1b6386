//! The SQLite storage of an object. What the crate `worker` has of it does not catch what a cursor throws, and knows no
//! `transactionSync`.

use crate::edge::js::{js_value, kept, rows_as_json};
use crate::json;
use crate::store::StoreError;
use crate::store::sql::{self, LocalDatabase, Statement, Value};
use js_sys::Array;
use serde::de::DeserializeOwned;
use worker::State;
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    type Storage;

    #[wasm_bindgen(method, getter)]
    fn sql(this: &Storage) -> Sql;

    /// What it removes is gone when it returns; what it answers says when that is durable, which the runtime waits for.
    #[wasm_bindgen(method, catch, js_name = deleteAll)]
    fn delete_all(this: &Storage) -> Result<JsValue, JsValue>;

    /// Undoes what `work` has written if it throws.
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(this: &Storage, work: &mut dyn FnMut() -> Result<JsValue, JsValue>)
    -> Result<JsValue, JsValue>;

    type Sql;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &Sql, query: &JsValue, values: &Array) -> Result<Cursor, JsValue>;

    #[wasm_bindgen(method, getter, js_name = databaseSize)]
    fn database_size(this: &Sql) -> f64;

    type Cursor;

    #[wasm_bindgen(method, catch, js_name = toArray)]
    fn to_array(this: &Cursor) -> Result<Array, JsValue>;
}

pub struct Sqlite {
    storage: Storage,
    sql: Sql,
}

impl Sqlite {
    pub fn new(state: &State) -> Self {
        let storage: Storage = state.storage().as_raw().unchecked_ref::<JsValue>().clone().unchecked_into();
        Sqlite { sql: storage.sql(), storage }
    }
}

impl Sqlite {
    fn rows<T: DeserializeOwned>(&self, sql: &JsValue, values: &[Value<'_>]) -> Result<Vec<T>, StoreError> {
        let values: Array = values.iter().map(|value| js_value(*value)).collect();
        let rows = self.sql.exec(sql, &values).and_then(|cursor| cursor.to_array());
        let rows = rows.map_err(|thrown| failure(&thrown))?;
        let unreadable = || StoreError::Failed("rows of an object can't be read".into());
        json::from_str(&rows_as_json(&rows).ok_or_else(unreadable)?).map_err(|_| unreadable())
    }
}

impl LocalDatabase for Sqlite {
    fn query<T: DeserializeOwned>(&self, Statement { sql, values }: Statement<'_>) -> Result<Vec<T>, StoreError> {
        // The runtime finds by the text what it has prepared, and reads a new one whole.
        self.rows(&kept(sql), values)
    }

    fn query_once<T: DeserializeOwned>(&self, Statement { sql, values }: Statement<'_>) -> Result<Vec<T>, StoreError> {
        self.rows(&JsValue::from_str(sql), values)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes, in a float")]
    fn size_bytes(&self) -> u64 {
        self.sql.database_size() as u64
    }

    fn run_script(&self, script: &str) -> Result<(), StoreError> {
        let run = self.sql.exec(&script.into(), &Array::new()).and_then(|cursor| cursor.to_array());
        run.map(drop).map_err(|thrown| failure(&thrown))
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.storage.delete_all().map(drop).map_err(|thrown| failure(&thrown))
    }

    fn in_transaction<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (mut work, mut outcome) = (Some(work), None);
        let committed = self.storage.transaction_sync(&mut || {
            let done = outcome.insert(work.take().map_or(Err(StoreError::Failed("run twice".into())), |work| work()));
            if done.is_ok() { Ok(JsValue::NULL) } else { Err(JsValue::from_str("to be undone")) }
        });
        match (outcome, committed) {
            (Some(Ok(_)) | None, Err(thrown)) => Err(failure(&thrown)),
            (Some(outcome), _) => outcome,
            (None, Ok(_)) => Err(StoreError::Failed("a transaction did not run".into())),
        }
    }
}

fn failure(thrown: &JsValue) -> StoreError {
    let message = thrown.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    sql::failure(message.unwrap_or_else(|| "unknown".into()))
}
