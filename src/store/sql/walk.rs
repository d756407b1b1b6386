//! What a statement of a walk takes, and what its rows say.

use super::database::Value;
use super::rows::UserRow;
use crate::bounds::MAX_PAGE_BYTES;
use crate::json;
use crate::store::{Found, GroupCount, GroupKind, PropertyCount, Reach, Share, StoreError, StoredUser, Walked};
use serde::Deserialize;

/// A row of a walk: what each row says of the whole share, and a user, a group or a name, if one was found.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct WalkRow {
    examined: u32,
    last: Option<String>,
    has_more: u8,

    /// Of all users of some ids.
    bytes: Option<usize>,

    id: Option<String>,
    external_id: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    properties: Option<String>,
    origin: Option<String>,
    created_at: Option<u64>,
    updated_at: Option<u64>,
    revision: Option<u64>,

    kind: Option<GroupKind>,
    value: Option<String>,
    count: Option<u64>,
    first: Option<String>,

    section: Option<String>,
    name: Option<String>,
    users: Option<u64>,
    string: Option<u64>,
    number: Option<u64>,
    boolean: Option<u64>,
    object: Option<u64>,
    array: Option<u64>,
}

/// The values of the parameters of a statement of a walk.
pub fn values<'a>(key: Value<'a>, now: Value<'a>, share: &'a Share, filter: &'a str) -> [Value<'a>; 8] {
    [
        key,
        now,
        share.after.as_str().into(),
        share.before.as_ref().into(),
        Value::Number(share.users.into()),
        Value::Number(share.max_bytes as u64),
        Value::Number(share.limit.into()),
        filter.into(),
    ]
}

/// What the rows of a walk say.
pub fn walked(rows: Vec<WalkRow>) -> Result<Walked, StoreError> {
    let head = rows.first().ok_or(StoreError::KeyNotLive)?;
    let reach = Reach { examined: head.examined, last: head.last.clone(), has_more: head.has_more != 0 };
    let mut found = Found::default();
    for row in rows {
        match row {
            WalkRow { kind: Some(kind), value, count: Some(count), first: Some(first), .. } => {
                found.groups.push(GroupCount { kind, value, count, first });
            }
            WalkRow { section: Some(section), name: Some(name), first: Some(first), .. } => {
                found.properties.push(PropertyCount {
                    section,
                    name,
                    users: row.users.unwrap_or_default(),
                    string: row.string.unwrap_or_default(),
                    number: row.number.unwrap_or_default(),
                    boolean: row.boolean.unwrap_or_default(),
                    object: row.object.unwrap_or_default(),
                    array: row.array.unwrap_or_default(),
                    first,
                });
            }
            row => found.users.extend(row.into_user()?),
        }
    }
    Ok(Walked { reach, found })
}

impl WalkRow {
    fn into_user(self) -> Result<Option<StoredUser>, StoreError> {
        let WalkRow { id, external_id, email, phone, properties, origin, created_at, updated_at, revision, .. } = self;
        let deleted_at = None;
        UserRow { id, external_id, email, phone, properties, origin, created_at, updated_at, revision, deleted_at }
            .into_user()
    }
}

/// The users of some ids; None: they are too large together.
pub fn found(rows: Vec<WalkRow>) -> Result<Option<Vec<StoredUser>>, StoreError> {
    let bytes = rows.first().ok_or(StoreError::KeyNotLive)?.bytes.unwrap_or_default();
    if bytes > MAX_PAGE_BYTES {
        return Ok(None);
    }
    rows.into_iter().filter_map(|row| row.into_user().transpose()).collect::<Result<_, _>>().map(Some)
}

/// A JSON array of ids.
pub fn ids_json<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", ids.into_iter().map(json::string).collect::<Vec<_>>().join(","))
}
