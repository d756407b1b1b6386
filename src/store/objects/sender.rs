//! Who has buckets do something.

use crate::key::Project;
use crate::placement::{Place, Placement, Storage};
use crate::store::{Access, StoreError};
use crate::time::Timestamp;

/// Whose buckets do something, and for whom.
pub struct Sender<'a> {
    pub project: &'a Project,
    pub generation: u32,
    pub placement: Placement,
    /// The hash of the calling key. None: Roster itself.
    pub key: Option<String>,
    pub expires_at: Option<u64>,
    pub now: u64,
}

impl<'a> Sender<'a> {
    pub fn new(Access { caller, now }: Access<'a>) -> Result<Self, StoreError> {
        let record = &caller.record;
        let Place { storage, generation } = record.residence.place;
        let (project, placement) = (&record.project, placement(storage)?);
        let (key, expires_at) = (Some(caller.hash.to_hex()), record.expires_at.map(Timestamp::as_ms));
        Ok(Sender { project, generation, placement, key, expires_at, now: now.as_ms() })
    }

    /// Roster itself, whose reads are dated by the objects alone.
    pub fn own(project: &'a Project, Place { storage, generation }: Place) -> Result<Self, StoreError> {
        Ok(Sender { project, generation, placement: placement(storage)?, key: None, expires_at: None, now: 0 })
    }
}

/// How users are spread over objects, where they are in objects.
pub fn placement(storage: Storage) -> Result<Placement, StoreError> {
    match storage {
        Storage::Objects(placement) => Ok(placement),
        Storage::D1 => Err(StoreError::Failed("the project's users are not in objects".into())),
    }
}
