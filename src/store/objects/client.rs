//! The store of users, by the objects of a project's buckets.

use super::message::{Answer, Call, Given, GivenAsOf, GivenChange, Message, Outcome};
use crate::bounds::MAX_PAGE_BYTES;
use crate::key::Project;
use crate::placement::{Placement, Storage};
use crate::store::{
    Access, Caller, Filter, IfMatch, Page, Position, StoreError, StoredLimit, StoredUser, Upserted, UserStore,
};
use crate::time::Timestamp;
use crate::user::{Change, ExternalId, NewUser};
use serde_json::value::RawValue;

/// The objects of all buckets.
///
/// An implementation MUST answer `Err(Unavailable)` if it can't reach an object, or one refuses a call. It may ask an
/// object again.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Objects {
    /// The answers of some of a project's buckets to a call each, in turn. All are asked at once: they are one hop.
    async fn call(
        &self,
        project: &Project,
        placement: Placement,
        calls: Vec<(u8, String)>,
    ) -> Result<Vec<String>, StoreError>;
}

/// Keeps users in objects.
///
/// A batch is one atomic step for each bucket, not for all together.
#[derive(Clone, Debug)]
pub struct ObjectStore<O>(pub O);

impl<O: Objects> ObjectStore<O> {
    /// Asks some buckets at once, each something.
    async fn ask(
        &self,
        access: Access<'_>,
        messages: impl IntoIterator<Item = (u8, Message)>,
    ) -> Result<Vec<Answer>, StoreError> {
        let (project, placement) = (&access.caller.record.project, placement(access.caller)?);
        let call = |(bucket, message)| {
            let (project, buckets) = (project.as_str().into(), placement.buckets.count());
            let call =
                Call { project, bucket, buckets, key: access.caller.hash.to_hex(), now: access.now.as_ms(), message };
            serde_json::to_string(&call).map(|call| (bucket, call))
        };
        let calls = messages.into_iter().map(call).collect::<Result<_, _>>();
        let calls = calls.map_err(|error| StoreError::Failed(error.to_string()))?;
        let answers = self.0.call(project, placement, calls).await?;
        let answers: Vec<Answer> = answers
            .iter()
            // The cause must not repeat the answer, which holds user data.
            .map(|answer| serde_json::from_str(answer).map_err(|_| failed("answer of an object can't be read")))
            .collect::<Result<_, _>>()?;
        if answers.iter().any(|answer| matches!(answer, Answer::KeyNotLive)) {
            return Err(StoreError::KeyNotLive);
        }
        match answers.iter().find_map(|answer| if let Answer::Failed(cause) = answer { Some(cause) } else { None }) {
            Some(cause) => Err(failed(cause)),
            None => Ok(answers),
        }
    }

    /// Asks the bucket of one user.
    async fn ask_one(&self, access: Access<'_>, external_id: &str, message: Message) -> Result<Answer, StoreError> {
        let bucket = placement(access.caller)?.buckets.bucket_of(external_id);
        match self.ask(access, [(bucket, message)]).await?.pop() {
            Some(Answer::RevisionChanged(revision)) => Err(StoreError::RevisionChanged(revision)),
            answer => answer.ok_or_else(unfit),
        }
    }

    /// Asks every bucket the same.
    async fn ask_all(&self, access: Access<'_>, message: impl Fn() -> Message) -> Result<Vec<Answer>, StoreError> {
        let buckets = placement(access.caller)?.buckets.count();
        self.ask(access, (0..buckets).map(|bucket| (bucket, message()))).await
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
        let message = match given(user, new_id)? {
            GivenChange::Merge(given) => Message::Upsert(given),
            GivenChange::Set(given) => Message::Set(given),
        };
        match self.ask_one(access, user.external_id.as_str(), on_condition(message, if_match)).await? {
            Answer::Upserted(outcome) => upserted(outcome).map_err(StoreError::Refused),
            _ => Err(unfit()),
        }
    }

    async fn upsert_users(
        &self,
        access: Access<'_>,
        users: &[(&NewUser, String)],
    ) -> Result<Vec<Result<Upserted, StoredLimit>>, StoreError> {
        let buckets = placement(access.caller)?.buckets;
        // By bucket, in turn: which of the users are in it, and what is sent.
        let mut batches: Vec<(Vec<usize>, Vec<GivenChange>)> =
            (0..buckets.count()).map(|_| Default::default()).collect();
        for (i, (user, new_id)) in users.iter().enumerate() {
            let (places, batch) = &mut batches[usize::from(buckets.bucket_of(user.external_id.as_str()))];
            places.push(i);
            batch.push(given(user, new_id)?);
        }
        let (mut places, mut messages) = (Vec::new(), Vec::new());
        for (bucket, (of_bucket, batch)) in (0..).zip(batches).filter(|(_, (_, batch))| !batch.is_empty()) {
            places.push(of_bucket);
            messages.push((bucket, change_all(batch)));
        }
        let mut outcomes = vec![None; users.len()];
        for (places, answer) in places.into_iter().zip(self.ask(access, messages).await?) {
            let Answer::Outcomes(of_bucket) = answer else { return Err(unfit()) };
            for (place, outcome) in places.into_iter().zip(of_bucket) {
                outcomes[place] = Some(upserted(outcome));
            }
        }
        outcomes.into_iter().collect::<Option<_>>().ok_or_else(unfit)
    }

    async fn find_user(&self, access: Access<'_>, id: &ExternalId) -> Result<Option<StoredUser>, StoreError> {
        let message = Message::Find { external_id: id.as_str().into() };
        match self.ask_one(access, id.as_str(), message).await? {
            Answer::User(row) => row.map(StoredUser::try_from).transpose(),
            _ => Err(unfit()),
        }
    }

    async fn delete_user(
        &self,
        access: Access<'_>,
        id: &ExternalId,
        if_match: Option<&IfMatch>,
    ) -> Result<bool, StoreError> {
        let message = Message::Delete { external_id: id.as_str().into() };
        match self.ask_one(access, id.as_str(), on_condition(message, if_match)).await {
            Ok(Answer::Deleted(deleted)) => Ok(deleted),
            Err(StoreError::RevisionChanged(None)) => Ok(false),
            answer => answer.and(Err(unfit())),
        }
    }

    /// A page ends at the last user of the first bucket that has more, since that bucket's next user may come before
    /// another bucket's. In the order of changes, a user that changed after `now` waits for the next page: its bucket may
    /// have answered later than another one, in which an earlier change was still to come.
    async fn list_users(
        &self,
        access: Access<'_>,
        filter: &Filter<'_>,
        after: Option<&Position>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let Filter { email, phone, updated_after } = filter;
        let max_bytes = MAX_PAGE_BYTES / usize::from(placement(access.caller)?.buckets.count());
        let message = || Message::List {
            email: email.map(|email| email.as_str().into()),
            phone: phone.map(|phone| phone.as_str().into()),
            updated_after: updated_after.map(Timestamp::as_ms),
            after: after.map(|after| (after.updated_at.as_ms(), after.external_id.clone())),
            limit,
            max_bytes,
        };
        let by_change = updated_after.is_some();
        let order = |user: &StoredUser| (by_change.then_some(user.updated_at), user.external_id.clone());
        let (mut users, mut end) = (Vec::new(), None);
        for answer in self.ask_all(access, message).await? {
            let Answer::Users { rows, has_more } = answer else { return Err(unfit()) };
            let of_bucket = rows.into_iter().map(StoredUser::try_from).collect::<Result<Vec<_>, _>>()?;
            let last = of_bucket.last().filter(|_| has_more).map(order);
            // None is no end: it is not the least.
            end = end.into_iter().chain(last).min();
            users.extend(of_bucket);
        }
        users.sort_by_cached_key(order);
        let found = users.len();
        users.retain(|user| end.as_ref().is_none_or(|end| order(user) <= *end));
        users.retain(|user| !by_change || user.updated_at <= access.now);
        users.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        // Without a user there is no place to go on from: those that were dropped are dated later than this call.
        Ok(Page { has_more: !users.is_empty() && (end.is_some() || users.len() < found), users })
    }

    async fn refuse_key(&self, access: Access<'_>) -> Result<(), StoreError> {
        let answers = self.ask_all(access, || Message::Revoke).await?;
        let done = answers.iter().all(|answer| matches!(answer, Answer::Revoked));
        if done { Ok(()) } else { Err(unfit()) }
    }
}

fn placement(caller: &Caller) -> Result<Placement, StoreError> {
    match caller.record.storage {
        Storage::Objects(placement) => Ok(placement),
        Storage::D1 => Err(failed("the project's users are not in objects")),
    }
}

fn given(user: &NewUser, new_id: &str) -> Result<GivenChange, StoreError> {
    let raw = |text: &str| RawValue::from_string(text.into()).map_err(|_| failed("a change is not JSON"));
    let (external_id, new_id) = (user.external_id.as_str().into(), new_id.into());
    Ok(match &user.change {
        Change::Merge(patch) => GivenChange::Merge(Given { external_id, new_id, patch: raw(patch.as_str())? }),
        Change::Set { members, as_of } => {
            let (members, as_of) = (raw(members.as_str())?, as_of.as_ms());
            GivenChange::Set(GivenAsOf { external_id, new_id, members, as_of })
        }
    })
}

fn on_condition(message: Message, if_match: Option<&IfMatch>) -> Message {
    match if_match {
        Some(if_match) => Message::If(if_match.clone(), Box::new(message)),
        None => message,
    }
}

/// Patches alone are sent in the form that objects of every version know.
fn change_all(users: Vec<GivenChange>) -> Message {
    if users.iter().any(|given| matches!(given, GivenChange::Set(_))) {
        return Message::ChangeAll(users);
    }
    let patches = users.into_iter().filter_map(|given| match given {
        GivenChange::Merge(given) => Some(given),
        GivenChange::Set(_) => None,
    });
    Message::UpsertAll(patches.collect())
}

fn upserted(outcome: Outcome) -> Result<Upserted, StoredLimit> {
    match outcome {
        Outcome::Stored { id, created, stale } => Ok(Upserted { id, created, stale }),
        Outcome::Refused(limit) => Err(limit),
    }
}

fn unfit() -> StoreError {
    failed("answer of an object does not fit what it was asked")
}

fn failed(cause: &str) -> StoreError {
    StoreError::Failed(cause.into())
}
