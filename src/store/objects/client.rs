//! The store of users, by the objects of a project's buckets.

use super::message::{
    BucketAnswer, BucketId, BucketRequest, ChangeProfile, ListChanges, ListUsers, Operation, UpsertUser, WriteUser,
};
use super::sender::{Sender, placement};
use super::walk;
use crate::bounds::MAX_PAGE_BYTES;
use crate::json;
use crate::key::{Project, ProjectRecord};
use crate::placement::{Place, Placement};
use crate::sorted::SortedMap;
use crate::store::moving::{Done, Places, Task};
use crate::store::{
    Access, ChangedUser, ChangesPage, Filter, FollowFrom, IfMatch, Outcome, OwnReads, Page, Share, StoreError,
    StoredUser, Upserted, UserStore, UserWrite, Walk, Walked,
};
use crate::user::{Change, ExternalId, NewUser};
use serde_json::value::RawValue;

/// The objects of all buckets.
///
/// An implementation MUST answer `Err(Unavailable)` if it can't reach an object, or one refuses a request. It may send a
/// request again.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Objects {
    /// The answers of some of a project's buckets to a [`BucketRequest`] each, in turn. All are sent at once: they are one hop.
    /// The object of a bucket has the name that [`object_name`] makes.
    async fn call(
        &self,
        project: &Project,
        generation: u32,
        placement: Placement,
        requests: Vec<(u8, String)>,
    ) -> Result<Vec<String>, StoreError>;
}

/// The name of the object of a bucket. Objects of different places of a project never meet.
pub fn object_name(project: &Project, generation: u32, bucket: u8) -> String {
    format!("{}@{generation}/{bucket}", project.as_str())
}

/// Keeps users in objects.
///
/// A batch is one atomic step for each bucket, not for all together.
#[derive(Clone, Debug)]
pub struct ObjectStore<O>(pub O);

impl<O: Objects> ObjectStore<O> {
    /// Has some buckets do something each, all at once.
    async fn call(
        &self,
        access: Access<'_>,
        operations: impl IntoIterator<Item = (u8, Operation)>,
    ) -> Result<Vec<BucketAnswer>, StoreError> {
        self.send_alike(Sender::new(access)?, operations.into_iter().collect()).await
    }

    /// Does what [`ObjectStore::send`] does, where a bucket that serves the caller no more is an error.
    async fn send_alike(
        &self,
        sender: Sender<'_>,
        operations: Vec<(u8, Operation)>,
    ) -> Result<Vec<BucketAnswer>, StoreError> {
        let answers = self.send(sender, operations).await?;
        let refuses = answers.iter().any(|answer| matches!(answer, BucketAnswer::KeyNotLive));
        if refuses { Err(StoreError::KeyNotLive) } else { Ok(answers) }
    }

    async fn send(
        &self,
        sender: Sender<'_>,
        operations: Vec<(u8, Operation)>,
    ) -> Result<Vec<BucketAnswer>, StoreError> {
        let Sender { project, generation, placement, key, expires_at, now } = sender;
        let request = |(number, operation)| {
            let (project, buckets) = (project.as_str().into(), placement.buckets.count());
            let bucket = BucketId { project, number, buckets, generation };
            let request = BucketRequest { bucket, key: key.clone(), expires_at, now, operation };
            serde_json::to_string(&request).map(|request| (number, request))
        };
        let requests = operations.into_iter().map(request).collect::<Result<_, _>>();
        let requests = requests.map_err(|error| StoreError::Failed(error.to_string()))?;
        let answers = self.0.call(project, generation, placement, requests).await?;
        let answers: Vec<BucketAnswer> = answers
            .iter()
            // The cause must not repeat the answer, which holds user data.
            .map(|answer| json::from_str(answer).map_err(|_| failed("answer of an object can't be read")))
            .collect::<Result<_, _>>()?;
        let cause = |answer: &BucketAnswer| match answer {
            BucketAnswer::CursorExpired => Some(StoreError::CursorExpired),
            BucketAnswer::Failed(cause) => Some(failed(cause)),
            _ => None,
        };
        match answers.iter().find_map(cause) {
            Some(error) => Err(error),
            None => Ok(answers),
        }
    }

    /// Has the bucket of one user do something.
    async fn call_bucket(
        &self,
        access: Access<'_>,
        external_id: &str,
        operation: Operation,
    ) -> Result<BucketAnswer, StoreError> {
        let bucket = placement(access.caller.record.residence.place.storage)?.buckets.bucket_of(external_id);
        match self.call(access, [(bucket, operation)]).await?.pop() {
            Some(BucketAnswer::RevisionChanged(revision)) => Err(StoreError::RevisionChanged(revision)),
            answer => answer.ok_or_else(unfit),
        }
    }

    /// Has every bucket do the same.
    async fn call_every_bucket(
        &self,
        access: Access<'_>,
        operation: impl Fn() -> Operation,
    ) -> Result<Vec<BucketAnswer>, StoreError> {
        let buckets = placement(access.caller.record.residence.place.storage)?.buckets.count();
        self.call(access, (0..buckets).map(|bucket| (bucket, operation()))).await
    }

    /// Each bucket is asked for its share, so that hardly more is read than a page shows. Where there are fewer places than
    /// buckets, those with the least revisions take them.
    async fn changes(&self, sender: Sender<'_>, from: &FollowFrom, limit: u32) -> Result<ChangesPage, StoreError> {
        let buckets = sender.placement.buckets.count();
        let (share, rest) = (limit / u32::from(buckets), limit % u32::from(buckets));
        let operation = |number: u8| {
            let limit = (share + u32::from(u32::from(number) < rest)).max(1);
            let max_bytes = MAX_PAGE_BYTES / usize::from(buckets);
            let behind = from.of_bucket(number, buckets);
            (number, Operation::ListChanges(ListChanges { behind, limit, max_bytes }))
        };
        let (mut changes, mut has_more, mut reached) = (Vec::new(), false, Vec::new());
        let answers = self.send_alike(sender, (0..buckets).map(operation).collect()).await?;
        for (number, answer) in answers.into_iter().enumerate() {
            let BucketAnswer::Changes { changes: of_bucket, has_more: of_bucket_more, reached: of_bucket_reached } =
                answer
            else {
                return Err(unfit());
            };
            has_more |= of_bucket_more;
            reached.push(of_bucket_reached);
            changes.extend(of_bucket.into_iter().map(|change| (number, ChangedUser::from(change))));
        }
        changes.sort_by_key(|(_, change)| change.revision());
        for (number, change) in changes.drain(changes.len().min(limit as usize)..).rev() {
            has_more = true;
            // Just before what is left for the next page.
            reached[number].revision = change.revision() - 1;
        }
        Ok(ChangesPage { changes: changes.into_iter().map(|(_, change)| change).collect(), has_more, reached })
    }
}

impl<O: Objects> UserStore for ObjectStore<O> {
    async fn upsert_user(
        &self,
        access: Access<'_>,
        user: &NewUser,
        if_match: Option<&IfMatch>,
        new_id: &str,
    ) -> Result<Upserted, StoreError> {
        let upsert = Operation::Upsert { user: upsert_of(user, new_id)?, if_match: if_match.cloned() };
        match self.call_bucket(access, user.external_id.as_str(), upsert).await? {
            BucketAnswer::Upserted(outcome) => outcome.map_err(StoreError::Refused),
            _ => Err(unfit()),
        }
    }

    async fn write_users(&self, access: Access<'_>, writes: &[UserWrite<'_>]) -> Result<Vec<Outcome>, StoreError> {
        let buckets = placement(access.caller.record.residence.place.storage)?.buckets;
        // By bucket, in turn: the indexes of its users, and what is sent.
        let mut batches: Vec<(Vec<usize>, Vec<WriteUser>)> = (0..buckets.count()).map(|_| Default::default()).collect();
        for (index, write) in writes.iter().enumerate() {
            let (indexes, batch) = &mut batches[usize::from(buckets.bucket_of(write.external_id()))];
            indexes.push(index);
            batch.push(match write {
                UserWrite::Upsert { user, new_id } => WriteUser::Upsert(upsert_of(user, new_id)?),
                UserWrite::Delete(id) => WriteUser::Delete(id.as_str().into()),
            });
        }
        let (mut indexes, mut operations) = (Vec::new(), Vec::new());
        for (bucket, (of_bucket, batch)) in (0..).zip(batches).filter(|(_, (_, batch))| !batch.is_empty()) {
            indexes.push(of_bucket);
            operations.push((bucket, Operation::WriteAll(batch)));
        }
        let mut outcomes = vec![None; writes.len()];
        let answers = self.send(Sender::new(access)?, operations).await?;
        if answers.iter().all(|answer| matches!(answer, BucketAnswer::KeyNotLive)) {
            return Err(StoreError::KeyNotLive);
        }
        for (indexes, answer) in indexes.into_iter().zip(answers) {
            let of_bucket = match answer {
                BucketAnswer::WrittenAll(of_bucket) if of_bucket.len() == indexes.len() => of_bucket,
                BucketAnswer::KeyNotLive => continue,
                _ => return Err(unfit()),
            };
            for (index, outcome) in indexes.into_iter().zip(of_bucket) {
                outcomes[index] = Some(outcome);
            }
        }
        Ok(outcomes)
    }

    async fn find_user(&self, access: Access<'_>, id: &ExternalId) -> Result<Option<StoredUser>, StoreError> {
        let find = Operation::Find { external_id: id.as_str().into() };
        match self.call_bucket(access, id.as_str(), find).await? {
            BucketAnswer::Found(user) => Ok(user.map(Into::into)),
            _ => Err(unfit()),
        }
    }

    async fn delete_user(
        &self,
        access: Access<'_>,
        id: &ExternalId,
        if_match: Option<&IfMatch>,
    ) -> Result<bool, StoreError> {
        let delete = Operation::Delete { external_id: id.as_str().into(), if_match: if_match.cloned() };
        match self.call_bucket(access, id.as_str(), delete).await {
            Ok(BucketAnswer::Deleted(deleted)) => Ok(deleted),
            Err(StoreError::RevisionChanged(None)) => Ok(false),
            answer => answer.and(Err(unfit())),
        }
    }

    /// A page ends at the last user of the first bucket that has more, since that bucket's next user may come before
    /// another bucket's.
    async fn list_users(
        &self,
        access: Access<'_>,
        filter: &Filter<'_>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let Filter { email, phone } = filter;
        let buckets = placement(access.caller.record.residence.place.storage)?.buckets.count();
        let (max_bytes, of_bucket) = (MAX_PAGE_BYTES / usize::from(buckets), likely_share(limit, buckets));
        let operation = || {
            Operation::List(ListUsers {
                email: email.map(|email| email.as_str().into()),
                phone: phone.as_ref().map(|phone| phone.as_str().into()),
                after: after.map(Into::into),
                limit: of_bucket,
                max_bytes,
            })
        };
        let (mut users, mut end) = (Vec::new(), None);
        for answer in self.call_every_bucket(access, operation).await? {
            let BucketAnswer::Listed { users: of_bucket, has_more } = answer else { return Err(unfit()) };
            let of_bucket: Vec<_> = of_bucket.into_iter().map(StoredUser::from).collect();
            let last = of_bucket.last().filter(|_| has_more).map(|user| user.external_id.clone());
            // `None` means that no bucket has more; it must not win `min`.
            end = end.into_iter().chain(last).min();
            users.extend(of_bucket);
        }
        users.sort_by(|a, b| a.external_id.cmp(&b.external_id));
        let found = users.len();
        users.retain(|user| end.as_ref().is_none_or(|end| user.external_id <= *end));
        users.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Page { has_more: end.is_some() || users.len() < found, users })
    }

    async fn list_changes(&self, access: Access<'_>, from: &FollowFrom, limit: u32) -> Result<ChangesPage, StoreError> {
        self.changes(Sender::new(access)?, from, limit).await
    }

    async fn find_users(&self, access: Access<'_>, ids: &[ExternalId]) -> Result<Option<Vec<StoredUser>>, StoreError> {
        let placement = placement(access.caller.record.residence.place.storage)?;
        let by_bucket = by_bucket(placement, ids.iter().map(ExternalId::as_str));
        let operation = |(bucket, external_ids)| (bucket, Operation::FindAll { external_ids });
        let mut users = Vec::new();
        for answer in self.call(access, by_bucket.map(operation)).await? {
            let BucketAnswer::FoundAll(of_bucket) = answer else { return Err(unfit()) };
            let Some(of_bucket) = of_bucket else { return Ok(None) };
            users.extend(of_bucket.into_iter().map(StoredUser::from));
        }
        let bytes: usize = users.iter().map(|user| user.properties.get().len() + user.origin.get().len()).sum();
        Ok((bytes <= MAX_PAGE_BYTES).then_some(users))
    }

    async fn walk_users(
        &self,
        access: Access<'_>,
        asked: &Walk<'_>,
        shares: &[Share],
    ) -> Result<Vec<Walked>, StoreError> {
        let operations = shares.iter().map(|share| Ok((share.part, Operation::Walk(walk::request(asked, share)?))));
        let operations = operations.collect::<Result<Vec<_>, StoreError>>()?;
        let answers = self.call(access, operations).await?.into_iter();
        answers.map(|answer| walk::walked(answer).ok_or_else(unfit)).collect()
    }

    async fn refuse_key(&self, access: Access<'_>) -> Result<(), StoreError> {
        let answers = self.call_every_bucket(access, || Operation::Revoke).await?;
        let done = answers.iter().all(|answer| matches!(answer, BucketAnswer::Revoked));
        if done { Ok(()) } else { Err(unfit()) }
    }
}

impl<O: Objects> OwnReads for ObjectStore<O> {
    async fn changes_of(
        &self,
        project: &ProjectRecord,
        from: &FollowFrom,
        limit: u32,
    ) -> Result<ChangesPage, StoreError> {
        self.changes(Sender::own(&project.name, project.place())?, from, limit).await
    }

    async fn states_of(&self, project: &ProjectRecord, ids: &[String]) -> Result<Vec<ChangedUser>, StoreError> {
        let sender = Sender::own(&project.name, project.place())?;
        let operation = |(bucket, external_ids)| (bucket, Operation::FindStates { external_ids });
        let operations = by_bucket(sender.placement, ids.iter().map(String::as_str)).map(operation).collect();
        let mut states = Vec::new();
        for answer in self.send_alike(sender, operations).await? {
            let BucketAnswer::States(of_bucket) = answer else { return Err(unfit()) };
            states.extend(of_bucket.into_iter().map(ChangedUser::from));
        }
        Ok(states)
    }
}

/// The objects take tasks from whoever can reach them, which is Roster alone.
impl<O: Objects> Places for ObjectStore<O> {
    async fn ask(&self, project: &Project, place: Place, tasks: Vec<(u8, Task)>) -> Result<Vec<Done>, StoreError> {
        let operations = tasks.into_iter().map(|(part, task)| (part, Operation::Move(task))).collect();
        let answers = self.send(Sender::own(project, place)?, operations).await?;
        let done = |answer| if let BucketAnswer::Moved(done) = answer { Ok(done) } else { Err(unfit()) };
        answers.into_iter().map(done).collect()
    }
}

/// Some ids, by the buckets of their users.
fn by_bucket<'i>(placement: Placement, ids: impl Iterator<Item = &'i str>) -> impl Iterator<Item = (u8, Vec<String>)> {
    let mut by_bucket = SortedMap::<u8, Vec<String>>::default();
    for id in ids {
        by_bucket.get_or_insert_with(placement.buckets.bucket_of(id), Vec::new).push(id.into());
    }
    by_bucket.into_iter()
}

fn upsert_of(user: &NewUser, new_id: &str) -> Result<UpsertUser, StoreError> {
    let raw = |text: &str| json::from_str::<Box<RawValue>>(text).map_err(|_| failed("a change is not JSON"));
    let change = match &user.change {
        Change::Merge(patch) => ChangeProfile::Merge(raw(patch.as_str())?),
        Change::Set { members, as_of } => ChangeProfile::Set { members: raw(members.as_str())?, as_of: as_of.as_ms() },
    };
    let set_once = user.set_once.as_ref().map(|members| raw(members.as_str())).transpose()?;
    Ok(UpsertUser { external_id: user.external_id.as_str().into(), new_id: new_id.into(), change, set_once })
}

/// How many users of a page to ask one bucket for: as many as it will have of them, since their hashes spread them. One page in
/// ten thousand, and what a client spreads otherwise, ends early.
fn likely_share(limit: u32, buckets: u8) -> u32 {
    let expected = limit.div_ceil(buckets.into());
    limit.min(expected + 4 * expected.isqrt() + 4)
}

fn unfit() -> StoreError {
    failed("answer of an object does not fit the request")
}

fn failed(cause: &str) -> StoreError {
    StoreError::Failed(cause.into())
}

#[cfg(test)]
mod tests {
    use super::likely_share;

    #[test]
    fn a_bucket_is_asked_for_little_more_than_its_share_of_a_page_and_never_for_more_than_the_page() {
        for (limit, buckets, asked) in [(100, 1, 100), (100, 4, 49), (100, 16, 19), (50, 16, 16), (7, 16, 7), (1, 4, 1)]
        {
            assert_eq!(likely_share(limit, buckets), asked, "{limit} {buckets}");
        }
    }
}
