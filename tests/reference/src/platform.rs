//! The platform's port.

use crate::clock::Clock;
use crate::copies::MemoryCopies;
use crate::limiter::MemoryLimiter;
use crate::store::MemoryStore;
use crate::webhooks::LocalWebhooks;
use flate2::bufread::GzDecoder;
use roster::api::{
    self, BodyError, Call, Encoding, Handled, KeyCache, Network, Platform, Pokes, Settings, SettingsError,
    WrittenCopies,
};
use roster::bounds::MAX_UNKNOWN_KEYS;
use roster::key::Project;
use roster::rate_limit::{LeaseRequest, Quota, Window};
use roster::store::moving::{Advance, Mover, Pace, Places};
use roster::store::{ControlStore, OwnReads, StoreError, UserStore};
use roster::time::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Read;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What others do while a request rests for so many milliseconds.
type Others = Rc<dyn Fn(u64)>;

/// A whole Roster. It answers one request after the other, and nothing in it ever waits.
pub struct Memory<U = MemoryStore, C = MemoryStore> {
    /// The clock of its requests and its limiter.
    pub clock: Clock,
    /// Where it keeps users.
    pub users: Rc<U>,
    /// Where it keeps keys and projects.
    pub control: Rc<C>,
    /// Its webhooks.
    pub webhooks: Rc<LocalWebhooks<U, C>>,
    pokes: RefCell<Pokes>,
    settings: Settings,
    copies: Rc<MemoryCopies>,
    written_copies: RefCell<WrittenCopies>,
    limiter: MemoryLimiter,
    key_cache: RefCell<KeyCache>,
    unknown_keys: RefCell<BTreeMap<Network, Window>>,
    body: RefCell<Vec<u8>>,
    background: RefCell<Vec<Pin<Box<dyn Future<Output = ()>>>>>,
    /// What others do while a request rests.
    on_rest: RefCell<Option<Others>>,
    randomness: Cell<u64>,
    hops: Rc<Cell<u32>>,
}

impl<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static> Memory<U, C> {
    /// With the operator's variables, as [`Settings::read`] takes them. `seed` is that of its random bytes. `stores`
    /// makes the stores, which count their calls in the number that it takes.
    pub fn new(
        clock: Clock,
        seed: u64,
        variable: impl Fn(&str) -> Option<String>,
        stores: impl FnOnce(&Rc<Cell<u32>>) -> (Rc<U>, Rc<C>),
    ) -> Result<Self, SettingsError> {
        let hops = Rc::default();
        let (users, control) = stores(&hops);
        let webhooks = LocalWebhooks::new(clock.clone(), Rc::clone(&users), Rc::clone(&control), Rc::clone(&hops));
        Ok(Memory {
            webhooks: Rc::new(webhooks),
            pokes: RefCell::default(),
            users,
            control,
            settings: Settings::read(variable)?,
            copies: Rc::new(MemoryCopies::new(clock.clone(), Rc::clone(&hops))),
            written_copies: RefCell::default(),
            limiter: MemoryLimiter::new(clock.clone(), Rc::clone(&hops)),
            key_cache: RefCell::default(),
            unknown_keys: RefCell::default(),
            body: RefCell::default(),
            background: RefCell::default(),
            on_rest: RefCell::default(),
            randomness: Cell::new(seed),
            clock,
            hops,
        })
    }

    /// Answers a request, and does what that leaves to the background. Also: the calls of ports that it waited for.
    pub fn handle(&self, call: &Call, body: Vec<u8>) -> (Handled, u32) {
        let answered = self.answer(call, body);
        self.run_background();
        answered
    }

    /// Answers a request. What that leaves to the background waits for [`Memory::run_background`].
    pub fn answer(&self, call: &Call, body: Vec<u8>) -> (Handled, u32) {
        let of_another = self.body.replace(body);
        self.hops.set(0);
        let handled = ready(api::handle(call, self));
        self.body.replace(of_another);
        (handled, self.hops.get())
    }

    /// From now on this is what others do while a request rests, for so many milliseconds: also answer requests.
    pub fn set_on_rest(&self, others: impl Fn(u64) + 'static) {
        self.on_rest.replace(Some(Rc::new(others)));
    }

    /// Does what requests have left to the background, in turn.
    pub fn run_background(&self) {
        self.background.take().into_iter().for_each(ready);
    }
}

/// The pace of a mover that is alone.
struct Restless(Clock);

impl Pace for Restless {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn rest(&self, _: u64) {}
}

/// The outcome of what never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => unreachable!("a port in memory waited"),
    }
}

impl<U: UserStore + OwnReads + Places + 'static, C: ControlStore + 'static> Platform for Memory<U, C> {
    type Users = U;
    type Control = C;
    type Copies = MemoryCopies;
    type Limiter = MemoryLimiter;
    type Webhooks = LocalWebhooks<U, C>;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn users(&self) -> &Rc<U> {
        &self.users
    }

    fn control(&self) -> Rc<C> {
        Rc::clone(&self.control)
    }

    fn copies(&self) -> Option<Rc<MemoryCopies>> {
        Some(Rc::clone(&self.copies))
    }

    fn written_copies(&self) -> &RefCell<WrittenCopies> {
        &self.written_copies
    }

    fn limiter(&self) -> &MemoryLimiter {
        &self.limiter
    }

    fn webhooks(&self) -> Rc<LocalWebhooks<U, C>> {
        Rc::clone(&self.webhooks)
    }

    fn pokes(&self) -> &RefCell<Pokes> {
        &self.pokes
    }

    fn key_cache(&self) -> &RefCell<KeyCache> {
        &self.key_cache
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// SplitMix64: different bytes each time, and the same ones for the same seed.
    fn fill_random(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let state = self.randomness.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.randomness.set(state);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = mixed.to_le_bytes()[7];
        }
    }

    async fn body(&self, encoding: Encoding, limit_bytes: usize) -> Result<Vec<u8>, BodyError> {
        let sent = self.body.take();
        let body = match encoding {
            Encoding::Identity => sent,
            Encoding::Gzip => unpack(&sent, limit_bytes)?,
        };
        if body.len() > limit_bytes { Err(BodyError::TooLarge) } else { Ok(body) }
    }

    async fn asset(&self, path: &str) -> Result<String, String> {
        Ok(path.to_owned())
    }

    async fn count_unknown_key(&self, network: &Network) -> bool {
        let quota = Quota { limit: MAX_UNKNOWN_KEYS, window_ms: 60_000 };
        let ask = LeaseRequest { default: quota, cost: 1, lease: 0, unspent: Vec::new() };
        let mut windows = self.unknown_keys.borrow_mut();
        let window = windows.entry(network.clone()).or_insert_with(|| Window::new(quota, self.now().as_ms()));
        window.grant(quota, &ask, self.now().as_ms()).verdict.admitted
    }

    /// Nobody else is there, unless somebody said so.
    async fn rest(&self, ms: u64) {
        let others = self.on_rest.borrow().clone();
        if let Some(others) = others {
            others(ms);
        }
    }

    /// Moves it at once, behind the request.
    async fn wake_mover(&self, project: &Project) -> Result<(), StoreError> {
        let (users, control) = (Rc::clone(&self.users), Rc::clone(&self.control));
        let (clock, project) = (self.clock.clone(), project.clone());
        self.in_background(async move {
            let mover = Mover { control: &*control, places: &*users, pace: &Restless(clock) };
            // What fails in memory will not mend.
            while let Ok(Advance::Next | Advance::Urgent(_)) = mover.advance(&project, None).await {}
        });
        Ok(())
    }

    fn in_background(&self, work: impl Future<Output = ()> + 'static) {
        self.background.borrow_mut().push(Box::pin(work));
    }
}

/// What comes out of one gzip member, one byte past the limit at most.
fn unpack(packed: &[u8], limit_bytes: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    let mut decoder = GzDecoder::new(packed);
    let past_limit = u64::try_from(limit_bytes).unwrap_or(u64::MAX).saturating_add(1);
    decoder.by_ref().take(past_limit).read_to_end(&mut body).map_err(|_| BodyError::Undecodable)?;
    let is_whole = body.len() > limit_bytes || decoder.into_inner().is_empty();
    if is_whole { Ok(body) } else { Err(BodyError::Undecodable) }
}
