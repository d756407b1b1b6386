//! The storage ports: what Roster needs of whatever keeps its users, keys and projects.
//!
//! [`UserStore`] keeps users, [`ControlStore`] keys and projects, [`CopyStore`] copies of users. Each trait's doc is a contract: what an implementation
//! MUST do, and what it does NOT. [`sql`] implements the first two on SQLite.

mod changes;
mod control;
mod copies;
mod error;
pub mod moving;
pub mod objects;
mod own;
mod routed;
pub mod sql;
mod users;
mod walk;

pub use changes::{Behind, ChangedUser, ChangesEnd, ChangesPage, DeletedUser, FollowFrom, Reached};
pub use control::{ControlStore, RevokedKey};
pub use copies::{CopyStore, UserCopy};
pub use error::{StoreError, StoredLimit};
pub use own::OwnReads;
pub use routed::RoutedStore;
pub use users::{Access, Caller, Filter, IfMatch, Outcome, Page, StoredUser, Upserted, UserStore, UserWrite, Written};
pub use walk::{Found, Group, GroupCount, GroupKind, PropertyCount, Question, Reach, Share, Walk, Walked};
