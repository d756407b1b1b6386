//! The statements of a move, on D1 and in objects. No key calls them: Roster itself does.

use super::changes::{changed, changes_end};
use crate::bounds::DELETION_MS;

/// The statements of a move, in a project that a common table expression finds.
#[expect(missing_docs, reason = "each is described at the function of its name")]
pub struct MoveStatements {
    pub rows: String,
    pub end: String,
    pub adopt: String,
    pub digest: String,
    pub forget: String,
    pub empty: [String; 4],
}

impl MoveStatements {
    /// Those of the project that `project` finds, as `caller`; users are adopted where `filling` holds, and removed where
    /// `left` does.
    pub fn new(project: &str, filling: &str, left: &str) -> Self {
        MoveStatements {
            rows: rows(project),
            end: changes_end(project),
            adopt: adopt(project, filling),
            digest: digest(project),
            forget: forget(project, filling),
            empty: empty(project, left),
        }
    }
}

/// At most ?4 users with a greater revision than ?3, gone ones too, with all that is stored of them. Past ?5 bytes they have
/// no columns but `external_id`.
fn rows(project: &str) -> String {
    let columns = COLUMNS[1..].iter().map(|column| format!("users.{column}")).collect::<Vec<_>>().join(", ");
    changed(project, &columns, "octet_length(profile) + ifnull(octet_length(times), 0)")
}

/// The columns of a user that a move carries.
const COLUMNS: [&str; 11] = [
    "external_id",
    "id",
    "profile",
    "property_keys",
    "origin_keys",
    "revision",
    "created_at",
    "updated_at",
    "times",
    "gone",
    "deleted_at",
];

/// Stores users as they are, unless who stands there has a greater revision: ?3, an array of objects with these columns.
fn adopt(project: &str, filling: &str) -> String {
    let each = |form: fn(&str) -> String| COLUMNS.map(form).join(", ");
    format!(
        "{project}
insert into users (project, {columns})
select project, {values} from caller cross join json_each(?3) as user
where {filling}
on conflict (project, external_id) do update set {update}
where excluded.revision > users.revision",
        columns = COLUMNS.join(", "),
        values = each(|column| format!("user.value ->> '$.{column}'")),
        update = each(|column| format!("{column} = excluded.{column}")),
    )
}

/// How many users there are, and a sum over all that differs if one is missing or of another revision. Who was deleted counts
/// unless a write may have forgotten it: the greatest revision that there is is ?3.
fn digest(project: &str) -> String {
    let sum = "(revision % 8388593) * (
            length(changes.external_id) * 8191 + unicode(changes.external_id) * 31 + unicode(substr(changes.external_id, -1))
        ) % 1000003";
    format!(
        "{project}
select count(*) filter (where gone = 0) as users, ifnull(sum({sum}), 0) as sum
from caller left join changes on changes.project = caller.project
    and (gone = 0 or revision > ?3 - {kept_us})",
        kept_us = DELETION_MS * 1000,
    )
}

/// The greatest revision of a deletion that was forgotten is ?3, or greater.
fn forget(project: &str, filling: &str) -> String {
    format!(
        "{project}
insert into forgotten (project, revision) select project, cast(?3 as integer) from caller where ?3 > 0 and {filling}
on conflict (project) do update set revision = max(revision, excluded.revision)"
    )
}

/// Removes all of the project, ?3 rows of each table at most, and answers a row for each.
fn empty(project: &str, left: &str) -> [String; 4] {
    let slice = |table: &str, key: &str| {
        format!(
            "{project}
delete from {table} where {left} and project = (select project from caller) and ({key}) in (
    select {key} from {table} where project = (select project from caller) limit ?3
)
returning 1 as removed"
        )
    };
    [
        slice("users", "external_id"),
        slice("contacts", "contact, external_id"),
        slice("changes", "gone, revision"),
        slice("forgotten", "revision"),
    ]
}
