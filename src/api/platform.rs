//! The port to the platform, and the context of one request.

use super::http::{Call, Encoding};
use super::isolate::{KeyCache, Network, Pokes, WrittenCopies};
use super::settings::Settings;
use crate::key::Project;
use crate::rate_limit::{DecidedBy, Limiter, Policy, Verdict};
use crate::store::moving::Places;
use crate::store::{ControlStore, CopyStore, StoreError, UserStore};
use crate::time::Timestamp;
use crate::webhooks::Webhooks;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The platform of one request.
#[expect(async_fn_in_trait, reason = "a Worker has one thread: no future here needs to be Send")]
pub trait Platform {
    /// Where users are stored, and between what they move.
    type Users: UserStore + Places + 'static;
    /// Where keys and projects are stored.
    type Control: ControlStore + 'static;
    /// Where copies of users are kept.
    type Copies: CopyStore + 'static;
    /// What counts requests.
    type Limiter: Limiter;
    /// What calls webhooks.
    type Webhooks: Webhooks + 'static;

    /// What the operator set.
    fn settings(&self) -> &Settings;
    /// The store of users, shared with work in the background.
    fn users(&self) -> &Rc<Self::Users>;
    /// The store of keys and projects, shared with work in the background.
    fn control(&self) -> Rc<Self::Control>;
    /// The store of copies, shared with work in the background. None: no copies are kept.
    fn copies(&self) -> Option<Rc<Self::Copies>>;
    /// The copies that the isolate wrote. Never borrow it across an await.
    fn written_copies(&self) -> &RefCell<WrittenCopies>;
    /// The rate limiter.
    fn limiter(&self) -> &Self::Limiter;
    /// The objects of webhooks, shared with work in the background.
    fn webhooks(&self) -> Rc<Self::Webhooks>;
    /// When the isolate poked webhooks. Never borrow it across an await.
    fn pokes(&self) -> &RefCell<Pokes>;
    /// The isolate's cache of keys. Never borrow it across an await.
    fn key_cache(&self) -> &RefCell<KeyCache>;
    /// The clock. It may not advance between two waits.
    fn now(&self) -> Timestamp;
    /// Fills the slice from a cryptographic source.
    fn fill_random(&self, bytes: &mut [u8]);
    /// Reads and decodes the body. Refuses it as soon as more than `limit_bytes` are decoded.
    async fn body(&self, encoding: Encoding, limit_bytes: usize) -> Result<Vec<u8>, BodyError>;
    /// Reads a file that ships with the Worker. The error is for the log.
    async fn asset(&self, path: &str) -> Result<String, String>;
    /// Counts a call whose key does not exist. False: its network sent more than
    /// [`MAX_UNKNOWN_KEYS`](crate::bounds::MAX_UNKNOWN_KEYS) within a minute.
    async fn count_unknown_key(&self, network: &Network) -> bool;
    /// Waits, so that others come first.
    async fn rest(&self, ms: u64);
    /// Sees to it that a [`Mover`](crate::store::moving::Mover) does what the move of a project needs, from now to its end. It
    /// MUST go on after whatever happens to it.
    async fn wake_mover(&self, project: &Project) -> Result<(), StoreError>;
    /// Runs work for which no client waits.
    fn in_background(&self, work: impl Future<Output = ()> + 'static);
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than the limit.
    TooLarge,
    /// The connection broke, or the client sent less than it declared.
    Broken,
    /// It can't be decoded: it does not match its encoding, is truncated, or has trailing bytes.
    Undecodable,
}

/// The context of one request: the first argument of every function that works on it.
pub struct Cx<'a, P> {
    pub call: &'a Call,
    pub platform: &'a P,
    /// The variable part of the path, as sent. Empty where the route has none.
    pub parameter: &'a str,
    pub log: RefCell<Log>,
    now: Cell<Timestamp>,
}

/// What the handlers learn of a request for its answer and its log line.
#[derive(Debug, Default)]
pub struct Log {
    pub project: Option<String>,
    pub key_id: Option<String>,
    pub budget: Option<(Policy, Verdict)>,
    pub limiter: Option<DecidedBy>,
    /// The code of an error that is answered in a form of its own: as a batch, as a page.
    pub code: Option<&'static str>,
    /// The refused messages of Segment's protocol.
    pub refused: Vec<String>,
}

impl<'a, P: Platform> Cx<'a, P> {
    pub fn new(call: &'a Call, platform: &'a P, parameter: &'a str) -> Self {
        Cx { call, platform, parameter, log: RefCell::default(), now: Cell::new(platform.now()) }
    }

    /// When the request arrived or its last wait ended: a Worker's clock does not advance in between.
    pub fn now(&self) -> Timestamp {
        self.now.get()
    }

    /// Waits for the platform, then reads the clock again.
    pub async fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let outcome = work.await;
        self.now.set(self.platform.now());
        outcome
    }

    /// A new id from the platform's clock and random source.
    pub fn new_id(&self, prefix: &str) -> String {
        crate::id::new(prefix, self.now(), self.random())
    }

    /// Does what [`Cx::new_id`] does, for a user.
    pub fn new_user_id(&self) -> String {
        crate::id::new_user(self.now(), self.random())
    }

    fn random(&self) -> [u8; 10] {
        let mut random = [0; 10];
        self.platform.fill_random(&mut random);
        random
    }
}
