//! The bindings, settings and caches of the Worker: the platform of one request.

use super::body;
use super::copies::KvCopies;
use super::d1::D1;
use super::fetcher::Fetcher;
use super::js::{member, objects, variable};
use super::limiter::ObjectLimiter;
use super::mover;
use super::objects::RemoteObjects;
use super::runtime::{self, Hops, with_deadline};
use super::webhooks::RemoteWebhooks;
use crate::api::{BodyError, Encoding, KeyCache, Network, Platform, Pokes, Settings, SettingsError, WrittenCopies};
use crate::key::Project;
use crate::rate_limit::Leases;
use crate::store::objects::ObjectStore;
use crate::store::sql::SqlStore;
use crate::store::{RoutedStore, StoreError};
use crate::time::Timestamp;
use js_sys::{Object, Reflect};
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use worker::wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::web_sys::Request;
use worker::{Context, Env, ObjectNamespace};

/// How long a file of the page may take.
const ASSETS_DEADLINE: Duration = Duration::from_secs(5);
/// How long it may take to count an unknown key.
const UNKNOWN_KEYS_DEADLINE: Duration = Duration::from_secs(1);

thread_local! {
    // The isolate's caches. Plain data: nothing in them belongs to a request.
    static KEY_CACHE: Rc<RefCell<KeyCache>> = Rc::default();
    static LEASES: Rc<RefCell<Leases>> = Rc::default();
    static WRITTEN_COPIES: Rc<RefCell<WrittenCopies>> = Rc::default();
    static POKES: Rc<RefCell<Pokes>> = Rc::default();
    // What the environment says, which is the same for all requests of an isolate.
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
    static VERSION: OnceCell<Option<String>> = const { OnceCell::new() };
}

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures)]
extern "C" {
    /// A rate limiter of the platform. That of the crate `worker` brings serde_wasm_bindgen with it.
    type UnknownKeys;

    #[wasm_bindgen(method, catch)]
    async fn limit(this: &UnknownKeys, options: &Object) -> Result<JsValue, JsValue>;
}

pub type Users = RoutedStore<SqlStore<D1>, ObjectStore<RemoteObjects>>;

/// The platform of one request.
pub struct Worker {
    pub settings: Rc<Settings>,
    control: Rc<SqlStore<D1>>,
    users: Rc<Users>,
    webhooks: Rc<RemoteWebhooks>,
    hops: Hops,
    written_copies: Rc<RefCell<WrittenCopies>>,
    pokes: Rc<RefCell<Pokes>>,
    env: Env,
    limiter: ObjectLimiter,
    movers: ObjectNamespace,
    key_cache: Rc<RefCell<KeyCache>>,
    unknown_keys: Option<UnknownKeys>,
    assets: Fetcher,
    request: Request,
    context: Rc<Context>,
}

impl Worker {
    /// Reads settings and bindings for a request. The error is for the log.
    pub fn new(request: Request, env: &Env, context: Context, hops: Hops) -> Result<Self, String> {
        let settings = settings(env).map_err(|error| error.to_string())?;
        let context = Rc::new(context);
        let (limiters, users) = (objects(env, "LIMITER")?, objects(env, "USERS")?);
        let (movers, webhooks) = (objects(env, "MOVER")?, objects(env, "WEBHOOKS")?);
        let database = D1::bound(env, hops.clone()).ok_or("Binding `DB` is undefined.")?;
        let assets = member(env, "ASSETS").ok_or("Binding `ASSETS` is undefined.")?;
        let control = Rc::new(SqlStore(database));
        let objects = ObjectStore(RemoteObjects { objects: users, hops: hops.clone() });
        Ok(Worker {
            settings,
            users: Rc::new(RoutedStore { d1: Rc::clone(&control), objects }),
            control,
            webhooks: Rc::new(RemoteWebhooks { objects: webhooks, hops: hops.clone() }),
            hops: hops.clone(),
            env: env.clone(),
            written_copies: WRITTEN_COPIES.with(Rc::clone),
            pokes: POKES.with(Rc::clone),
            limiter: ObjectLimiter {
                objects: limiters,
                leases: LEASES.with(Rc::clone),
                context: Rc::clone(&context),
                hops,
            },
            movers,
            key_cache: KEY_CACHE.with(Rc::clone),
            unknown_keys: member(env, "UNKNOWN_KEYS").map(JsCast::unchecked_into),
            assets: assets.unchecked_into(),
            request,
            context,
        })
    }
}

impl Platform for Worker {
    type Users = Users;
    type Control = SqlStore<D1>;
    type Copies = KvCopies;
    type Limiter = ObjectLimiter;
    type Webhooks = RemoteWebhooks;

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn users(&self) -> &Rc<Users> {
        &self.users
    }

    fn control(&self) -> Rc<SqlStore<D1>> {
        Rc::clone(&self.control)
    }

    fn copies(&self) -> Option<Rc<KvCopies>> {
        KvCopies::bound(&self.env, self.hops.clone()).map(Rc::new)
    }

    fn written_copies(&self) -> &RefCell<WrittenCopies> {
        &self.written_copies
    }

    fn limiter(&self) -> &ObjectLimiter {
        &self.limiter
    }

    fn webhooks(&self) -> Rc<RemoteWebhooks> {
        Rc::clone(&self.webhooks)
    }

    fn pokes(&self) -> &RefCell<Pokes> {
        &self.pokes
    }

    fn key_cache(&self) -> &RefCell<KeyCache> {
        &self.key_cache
    }

    fn now(&self) -> Timestamp {
        runtime::now()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        runtime::fill_random(bytes);
    }

    async fn body(&self, encoding: Encoding, limit_bytes: usize) -> Result<Vec<u8>, BodyError> {
        body::read(&self.request, encoding, limit_bytes).await
    }

    async fn asset(&self, path: &str) -> Result<String, String> {
        // Of the URL, only the path matters.
        let url = format!("https://assets{path}");
        match with_deadline(ASSETS_DEADLINE, self.assets.get(&url)).await {
            Some(answer) => answer.map(|(_, text)| text).map_err(|error| format!("asset {path}: {error}")),
            None => Err(format!("asset {path}: no answer within {ASSETS_DEADLINE:?}")),
        }
    }

    async fn count_unknown_key(&self, network: &Network) -> bool {
        let Some(unknown_keys) = &self.unknown_keys else {
            worker::console_warn!("binding UNKNOWN_KEYS is missing: unknown keys are counted by each isolate alone");
            return true;
        };
        let options = Object::new();
        let _ = Reflect::set(&options, &"key".into(), &network.as_str().into());
        let asked = with_deadline(UNKNOWN_KEYS_DEADLINE, unknown_keys.limit(&options)).await;
        // A call that can't be counted passes: the store refuses an unknown key in any case.
        asked
            .and_then(Result::ok)
            .and_then(|outcome| member(&outcome, "success"))
            .is_none_or(|success| success.is_truthy())
    }

    async fn rest(&self, ms: u64) {
        runtime::sleep(Duration::from_millis(ms)).await;
    }

    async fn wake_mover(&self, project: &Project) -> Result<(), StoreError> {
        mover::wake(&self.movers, project, &self.hops).await
    }

    fn in_background(&self, work: impl Future<Output = ()> + 'static) {
        self.context.wait_until(work);
    }
}

/// What the environment says.
pub fn settings(env: &Env) -> Result<Rc<Settings>, SettingsError> {
    if let Some(settings) = SETTINGS.with(|settings| settings.get().cloned()) {
        return Ok(settings);
    }
    let read = Rc::new(Settings::read(|name| variable(env, name))?);
    Ok(SETTINGS.with(|settings| Rc::clone(settings.get_or_init(|| read))))
}

/// The id of the version of the Worker that runs, if the platform says it.
pub fn version(env: &Env) -> Option<String> {
    let read = || member(&member(env, "VERSION")?, "id")?.as_string();
    VERSION.with(|version| version.get_or_init(read).clone())
}
