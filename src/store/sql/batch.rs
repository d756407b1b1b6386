//! The writes of a batch, in as few statements as keep the order of each user.

use super::rows::{self, BatchRow};
use crate::json;
use crate::sorted::{SortedMap, SortedSet};
use crate::store::{StoredLimit, UserWrite, Written};
use crate::user::{Change, NewUser};

/// Writes that one statement does, or a pair of them, by their places in the batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Round {
    /// One after the other.
    Upserts(Vec<usize>),
    /// In any order: it is the same.
    Deletions(Vec<usize>),
}

/// The rounds that do a batch, one after the other: upserts and deletions in turn, each user's as early as its order allows.
pub fn rounds(writes: &[UserWrite<'_>]) -> Vec<Round> {
    // Even numbers are rounds of upserts.
    let mut reached: SortedMap<&str, usize> = SortedMap::default();
    let mut numbered: SortedMap<usize, Vec<usize>> = SortedMap::default();
    for (place, write) in writes.iter().enumerate() {
        let round = reached.get_or_insert_with(write.external_id(), usize::default);
        let is_deletion = matches!(write, UserWrite::Delete(_));
        *round += usize::from((*round % 2 == 1) != is_deletion);
        numbered.get_or_insert_with(*round, Vec::new).push(place);
    }
    let round = |(number, places)| if number % 2 == 0 { Round::Upserts(places) } else { Round::Deletions(places) };
    numbered.into_iter().map(round).collect()
}

/// A round as its statements read it: `[external_id, new id, …]` of each upsert, far below the 2 MB that D1 takes, or the ids of
/// those who are deleted.
pub fn list(round: &Round, writes: &[UserWrite<'_>]) -> String {
    let (Round::Upserts(places) | Round::Deletions(places)) = round;
    let mut list = String::from("[");
    for (i, write) in places.iter().filter_map(|place| writes.get(*place)).enumerate() {
        if i > 0 {
            list.push(',');
        }
        match write {
            UserWrite::Upsert { user, new_id } => write_upsert(user, new_id, &mut list),
            UserWrite::Delete(id) => json::write_string(id.as_str(), &mut list),
        }
    }
    list.push(']');
    list
}

fn write_upsert(user: &NewUser, new_id: &str, list: &mut String) {
    list.push('[');
    json::write_string(user.external_id.as_str(), list);
    list.push(',');
    json::write_string(new_id, list);
    list.push(',');
    match &user.change {
        Change::Merge(patch) => list.push_str(patch.as_str()),
        Change::Set { members, as_of } => {
            list.push_str(members.as_str());
            list.push(',');
            list.push_str(&as_of.as_ms().to_string());
        }
    }
    if let Some(members) = &user.set_once {
        list.push_str(if matches!(user.change, Change::Merge(_)) { ",null," } else { "," });
        list.push_str(members.as_str());
    }
    list.push(']');
}

/// The outcome of each write, by the rows that the statements of each round have answered. None: one is missing.
pub fn outcomes(
    rounds: &[Round],
    writes: &[UserWrite<'_>],
    mut answers: impl Iterator<Item = Vec<BatchRow>>,
) -> Option<Vec<Result<Written, StoredLimit>>> {
    let mut outcomes = vec![None; writes.len()];
    for round in rounds {
        match round {
            Round::Upserts(places) => {
                let (stored, refused) = (answers.next()?, answers.next()?);
                for row in stored.into_iter().chain(refused) {
                    // There is a row of nulls if none was refused.
                    let Some(index) = row.batch_index else { continue };
                    let place = *places.get(index)?;
                    let UserWrite::Upsert { new_id, .. } = writes.get(place)? else { return None };
                    outcomes[place] = rows::upserted(row, new_id);
                }
            }
            Round::Deletions(places) => {
                let ids = answers.next()?.into_iter().filter_map(|row| row.external_id);
                let mut deleted: SortedSet<String> = ids.map(|id| (id, ())).collect();
                for place in places {
                    // Of two deletions of one user, the first found it.
                    let is_deleted = deleted.remove(writes.get(*place)?.external_id()).is_some();
                    outcomes[*place] = Some(Ok(Written::Deleted(is_deleted)));
                }
            }
        }
    }
    outcomes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn each_user_s_writes_stay_in_order_and_share_rounds() {
        let user = |id: &str| {
            let body = format!(r#"{{"user_id":"{id}"}}"#);
            NewUser::parse(&json::parse_object(body.as_bytes()).unwrap(), Timestamp::from_ms(0)).unwrap()
        };
        let (a, b) = (user("a"), user("b"));
        let (up, down) = (|user| UserWrite::Upsert { user, new_id: "" }, |user: &'_ NewUser| user.external_id.clone());
        let (a_id, b_id) = (down(&a), down(&b));
        let writes = [
            up(&a),
            UserWrite::Delete(&b_id),
            UserWrite::Delete(&a_id),
            up(&b),
            up(&a),
            up(&a),
            UserWrite::Delete(&b_id),
            UserWrite::Delete(&b_id),
        ];
        let expected = [
            Round::Upserts(vec![0]),
            Round::Deletions(vec![1, 2]),
            Round::Upserts(vec![3, 4, 5]),
            Round::Deletions(vec![6, 7]),
        ];
        assert_eq!(rounds(&writes), expected);
        assert_eq!(list(&expected[1], &writes), r#"["b","a"]"#);
        assert_eq!(rounds(&[up(&b), up(&a)]), [Round::Upserts(vec![0, 1])]);
    }
}
