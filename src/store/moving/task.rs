//! What a mover asks of a place.

use crate::key::Project;
use crate::placement::Place;
use crate::store::StoreError;
use serde::{Deserialize, Serialize};

/// The places of all projects.
///
/// An implementation MUST make what it did durable before it answers, and make it harmless to repeat.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Places {
    /// Has some parts of a place do a task each, all at once, and answers what came of each in turn.
    async fn ask(&self, project: &Project, place: Place, tasks: Vec<(u8, Task)>) -> Result<Vec<Done>, StoreError>;
}

/// What one part of a place can do for a move. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Calls with the keys of these hashes are refused, for good.
    Refuse {
        /// In hexadecimal digits.
        keys: Vec<String>,
    },
    /// Show users behind a revision, in the order of revisions, those who are gone too.
    Show {
        /// All have a greater one.
        behind: u64,
        /// How many at most.
        limit: u32,
        /// Bytes after which to end.
        max_bytes: usize,
    },
    /// Store users as they are, unless who stands there has a greater revision.
    Adopt(Vec<WholeUser>),
    /// Serve so from now on. What was said in an earlier turn, and comes later, is not heard.
    Serve {
        /// Whom.
        service: Service,
        /// Grows with each change of service.
        turn: u64,
    },
    /// Give what is written from now on greater revisions than this, and hold deletions for forgotten up to another.
    Continue {
        /// The greatest revision that there was.
        floor: u64,
        /// The greatest revision of a deletion that was forgotten.
        forgotten: u64,
    },
    /// Count the users, where the greatest revision of all parts is this.
    Count {
        /// The greatest revision.
        latest: u64,
    },
    /// Remove users for good, some at least, of a place that serves nobody.
    Empty {
        /// That of the place to which the project moves: it is for this move.
        generation: u32,
    },
}

/// What came of a task. Its serialised form is a part of messages that outlive deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// It is done.
    Done,
    /// Users.
    Shown {
        /// In the order of their revisions.
        users: Vec<WholeUser>,
        /// Whether there are more.
        has_more: bool,
        /// The greatest revision that there is.
        latest: u64,
        /// The greatest revision of a deletion that was forgotten.
        forgotten: u64,
    },
    /// How many users there are, and a sum that differs if one differs.
    Counted {
        /// How many.
        users: u64,
        /// The sum.
        sum: u64,
    },
    /// Whether nothing is left.
    Emptied(bool),
    /// The place does not do that any more, or not yet.
    Refused,
}

/// Whom a part of a place serves. Its serialised form outlives deploys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// A mover, which fills it.
    Filling,
    /// Everybody.
    Serving,
    /// Everybody, and a mover that follows: whatever is stored anew has a new revision, by which the mover finds it.
    Leaving,
    /// Who reads.
    Fenced,
    /// Nobody any more.
    Left,
}

impl Service {
    /// All that there are.
    pub const ALL: [Service; 5] =
        [Service::Filling, Service::Serving, Service::Leaving, Service::Fenced, Service::Left];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Service::Filling => "filling",
            Service::Serving => "serving",
            Service::Leaving => "leaving",
            Service::Fenced => "fenced",
            Service::Left => "left",
        }
    }
}

/// All that is stored of a user. Its serialised form is a part of messages that outlive deploys.
#[expect(missing_docs, reason = "the columns of the table `users`, which describes them")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeUser {
    pub external_id: String,
    pub id: String,
    pub profile: String,
    pub property_keys: u32,
    pub origin_keys: u32,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
    pub times: Option<String>,
    pub gone: u8,
    pub deleted_at: Option<u64>,
}

/// What is sent to whoever moves projects. Its serialised form outlives deploys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MoverRequest {
    /// Go on with a project's move.
    Wake {
        /// The project's name.
        project: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn the_form_of_a_request_to_a_mover_is_pinned() {
        let request = MoverRequest::Wake { project: "p".into() };
        let form = r#"{"Wake":{"project":"p"}}"#;
        assert_eq!(serde_json::to_string(&request).unwrap(), form);
        assert_eq!(json::from_str::<MoverRequest>(form).unwrap(), request);
    }
}
