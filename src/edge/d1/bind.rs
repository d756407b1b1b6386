//! Values as D1 binds them.

use crate::json;
use crate::time::Timestamp;
use crate::user::NewUser;
use worker::wasm_bindgen::JsValue;

pub fn bind_text(value: &str) -> JsValue {
    JsValue::from_str(value)
}

/// Milliseconds fit an f64 exactly, and D1's own integer type is 32 bits wide.
#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 ms, the year 287396")]
pub fn bind_time(at: Timestamp) -> JsValue {
    JsValue::from_f64(at.as_ms() as f64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub fn timestamp(ms: f64) -> Timestamp {
    Timestamp::from_ms(ms as u64)
}

/// The users of a batch as `sql::UPSERT_BATCH` reads them: the body that they came in and the new ids, far below the 2 MB
/// that D1 takes.
pub fn batch_json(users: &[(&NewUser, String)]) -> String {
    let mut list = String::from("[");
    for (i, (user, new_id)) in users.iter().enumerate() {
        list.push_str(if i > 0 { ",[" } else { "[" });
        json::write_string(user.external_id.as_str(), &mut list);
        list.push(',');
        json::write_string(new_id, &mut list);
        list.push(',');
        list.push_str(user.patch.as_str());
        list.push(']');
    }
    list.push(']');
    list
}
