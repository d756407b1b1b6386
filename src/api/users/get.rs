//! Reads one user.

use super::copies::Copies;
use super::{id, if_match};
use crate::api::admission::{admit, for_caller};
use crate::api::error::ApiError;
use crate::api::http::Reply;
use crate::api::platform::{Cx, Platform};
use crate::api::read;
use crate::key::Scope;
use crate::rate_limit::Policy;
use crate::store::{Access, StoredUser, UserCopy, UserStore};
use serde::Serialize;

#[derive(Serialize)]
struct UserOut<'a> {
    success: bool,
    user: &'a StoredUser,
}

/// `GET /v1/users/{user_id}`: one user, or 304 to whom the revision is known. To whom a copy is new enough, a copy.
pub async fn get<P: Platform>(cx: &Cx<'_, P>) -> Result<Reply, ApiError> {
    let caller = admit(cx, Scope::UsersRead, Policy::Users).await?;
    read::no_query(cx.call)?;
    let id = id::parse(cx.parameter)?;
    let copies = Copies::asked_for(cx, &caller, &id);
    if let Some(copies) = &copies
        && let Some(copy) = copies.find(cx).await
    {
        return Ok(reply(cx, &copy).with("Age", copy.age_s(cx.now()).to_string()));
    }
    let read_at = cx.now();
    let find = async |access: Access<'_>| cx.platform.users().find_user(access, &id).await;
    let found = for_caller(cx, &caller, find).await?;
    let Some(user) = found else {
        if let Some(copies) = copies {
            copies.remove(cx);
        }
        return Err(ApiError::UserNotFound);
    };
    let body = Reply::json(200, &UserOut { success: true, user: &user }).body;
    let shown = UserCopy { body, revision: user.revision, read_at };
    let reply = reply(cx, &shown);
    if let Some(copies) = copies {
        copies.put(cx, caller, user.id, shown);
    }
    Ok(reply)
}

fn reply<P: Platform>(cx: &Cx<'_, P>, user: &UserCopy) -> Reply {
    let etag = format!("\"{}\"", user.revision);
    let is_known = cx.call.if_none_match.as_deref().is_some_and(|header| names(header, user.revision));
    let reply = if is_known { Reply::empty(304) } else { Reply { body: user.body.clone(), ..Reply::empty(200) } };
    reply.with("ETag", etag)
}

/// Whether an `If-None-Match` header names a revision (RFC 9110 section 13.1.2).
fn names(header: &str, revision: u64) -> bool {
    if_match::parse(header).is_some_and(|known| known.includes(revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_known_by_its_tag_in_a_list_weak_or_not() {
        for header in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "\"0\",W/\"1\"", "\"a,b\", \"1\"", " * "] {
            assert!(names(header, 1), "{header}");
        }
        for header in ["1", "\"11\"", "", "\"0\"", "W/\"0\"", "\"01\"", "\"a,\"1\"b\""] {
            assert!(!names(header, 1), "{header}");
        }
    }
}
