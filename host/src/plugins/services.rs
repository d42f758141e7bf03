//! What guests reach besides their calls: the clock, the log, the store, helpers and speech.

use std::{
    io::ErrorKind,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use jackfield_media::Clip;
use jackfield_plugin::{
    Answer, Contact, Host, HttpRequest, HttpResponse, LocalTime, Origin, Plugins, Replies, Services, Speech,
    Switchboard, Usages, journal::Journal,
};
use jackfield_switch::{Command, Error, Input, InstanceId, Level, Token};
use jiff::{Timestamp, tz::TimeZone};
use rand::{RngExt, rngs::StdRng};
use tracing::{debug, error, info, warn};

use super::{helper::Helpers, http::HttpClient, speech::Speaker};
use crate::{
    onlooker::{Onlooker, Seen},
    shard::Inbox,
    store::{Store, StoreError},
};

pub struct DaemonServices {
    pub store: Store,
    pub helpers: Arc<Helpers>,
    pub http: Arc<HttpClient>,
    pub speaker: Arc<Speaker>,
    pub plugins: Arc<Plugins>,
    pub inbox: Inbox,
    pub replies: Arc<Replies>,
    /// The folder of what plugins record.
    recordings: OnceLock<PathBuf>,
    /// Where calls are recorded.
    journal: OnceLock<Arc<dyn Journal>>,
    pub usages: Arc<Usages>,
    random: Mutex<StdRng>,
    onlooker: OnceLock<Onlooker>,
    this: Weak<DaemonServices>,
}

impl DaemonServices {
    pub fn new(
        store: Store,
        helpers: Arc<Helpers>,
        http: Arc<HttpClient>,
        speaker: Arc<Speaker>,
        plugins: Arc<Plugins>,
        inbox: Inbox,
        random: StdRng,
    ) -> Arc<DaemonServices> {
        Arc::new_cyclic(|this| DaemonServices {
            store,
            helpers,
            http,
            speaker,
            plugins,
            inbox,
            replies: Arc::new(Replies::new()),
            recordings: OnceLock::new(),
            journal: OnceLock::new(),
            usages: Arc::new(Usages::new()),
            random: Mutex::new(random),
            onlooker: OnceLock::new(),
            this: this.clone(),
        })
    }

    /// What instances are given. None while the daemon is ending.
    pub fn host(&self) -> Option<Host> {
        let services = self.this.upgrade()?;
        let switch = Arc::new(Board(self.inbox.clone()));
        let journal = self.journal.get().cloned();
        let (replies, usages) = (self.replies.clone(), self.usages.clone());
        Some(Host { switch, services, replies, usages, journal })
    }

    /// What plugins recorded is played from there.
    pub fn play_from(&self, recordings: PathBuf) {
        // The folder stays the same for as long as the daemon runs.
        let _ = self.recordings.set(recordings);
    }

    /// Whoever is made a host of from now on is recorded there.
    pub fn record(&self, journal: Arc<dyn Journal>) {
        // Who asks for two journals gets the first one.
        let _ = self.journal.set(journal);
    }

    /// From now on somebody sees which sentences are asked for.
    pub fn show_to(&self, onlooker: Onlooker) {
        let _ = self.onlooker.set(onlooker);
    }

    fn stored<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Answer<T> {
        async move { work.await.map_err(Error::from) }.boxed()
    }

    /// Bytes that a plugin may keep.
    fn quota(&self, plugin: &str) -> usize {
        self.plugins.limits(plugin).kv
    }
}

/// Unix time.
#[expect(clippy::disallowed_methods, reason = "the daemon is where wall time comes from")]
pub fn unix_now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

struct Board(Inbox);

impl Switchboard for Board {
    fn post(&self, instance: InstanceId, token: Token, command: Command) -> Result<(), Error> {
        let input = Input::Command { instance, token, command };
        self.0.try_post(input).map_err(|_| Error::Limit("the exchange is overloaded".to_owned()))
    }

    fn abandon(&self, instance: InstanceId, token: Token) {
        // Lost only when the queue is full: the end of the instance stops the verb too.
        let _ = self.0.try_post(Input::Abandoned { instance, token });
    }
}

impl Services for DaemonServices {
    fn now(&self) -> u64 {
        unix_now().as_millis() as u64
    }

    fn utc_offset(&self) -> i32 {
        TimeZone::system().to_offset(Timestamp::now()).seconds() / 60
    }

    fn local(&self, at: u64, zone: &str) -> Option<LocalTime> {
        LocalTime::at(at, &TimeZone::get(zone).ok()?)
    }

    fn random(&self) -> u64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).random()
    }

    fn log(&self, origin: &Origin<'_>, level: Level, message: &str, fields: &[(String, String)]) {
        let fields: String = fields.iter().map(|(key, value)| format!(" {key}={value:?}")).collect();
        let (plugin, version, call) = (origin.plugin, origin.number, origin.call);
        match level {
            Level::Debug => debug!(plugin, version, call, "{message}{fields}"),
            Level::Info => info!(plugin, version, call, "{message}{fields}"),
            Level::Warn => warn!(plugin, version, call, "{message}{fields}"),
            Level::Error => error!(plugin, version, call, "{message}{fields}"),
        }
    }

    fn kv_get(&self, plugin: &str, key: &str) -> Answer<Option<Vec<u8>>> {
        let (store, plugin, key, now) = (self.store.clone(), plugin.to_owned(), key.to_owned(), self.now());
        self.stored(async move { store.value(&plugin, &key, now).await })
    }

    fn kv_set(&self, plugin: &str, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<()> {
        let (store, quota, now) = (self.store.clone(), self.quota(plugin), self.now());
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.stored(async move { store.set_value(&plugin, &key, &value, ttl, now, quota).await })
    }

    fn kv_delete(&self, plugin: &str, key: &str) -> Answer<bool> {
        let (store, plugin, key, now) = (self.store.clone(), plugin.to_owned(), key.to_owned(), self.now());
        self.stored(async move { store.delete_value(&plugin, &key, now).await })
    }

    fn kv_add(&self, plugin: &str, key: &str, delta: i64) -> Answer<i64> {
        let (store, quota, now) = (self.store.clone(), self.quota(plugin), self.now());
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.stored(async move { store.add_value(&plugin, &key, delta, now, quota).await })
    }

    fn kv_swap(&self, plugin: &str, key: &str, old: Option<Vec<u8>>, new: Vec<u8>) -> Answer<bool> {
        let (store, quota, now) = (self.store.clone(), self.quota(plugin), self.now());
        let (plugin, key) = (plugin.to_owned(), key.to_owned());
        self.stored(async move { store.swap_value(&plugin, &key, old.as_deref(), &new, now, quota).await })
    }

    fn kv_keys(&self, plugin: &str, prefix: &str, after: &str, limit: u32) -> Answer<Vec<String>> {
        let (store, plugin, now) = (self.store.clone(), plugin.to_owned(), self.now());
        let (prefix, after) = (prefix.to_owned(), after.to_owned());
        self.stored(async move { store.keys(&plugin, &prefix, &after, limit, now).await })
    }

    fn contacts_due(&self, plugin: &str, campaign: &str, now: u64, limit: u32) -> Answer<Vec<Contact>> {
        let (store, plugin, campaign) = (self.store.clone(), plugin.to_owned(), campaign.to_owned());
        self.stored(async move { store.contacts_due(&plugin, &campaign, now, limit).await })
    }

    fn contacts_next_due(&self, plugin: &str, campaign: &str) -> Answer<Option<u64>> {
        let (store, plugin, campaign) = (self.store.clone(), plugin.to_owned(), campaign.to_owned());
        self.stored(async move { store.contacts_next_due(&plugin, &campaign).await })
    }

    fn contacts_postpone(&self, plugin: &str, contact: u64, until: u64) -> Answer<()> {
        let (store, plugin) = (self.store.clone(), plugin.to_owned());
        self.stored(async move { store.postpone_contact(&plugin, contact, until).await })
    }

    fn contacts_finish(&self, plugin: &str, contact: u64, outcome: String) -> Answer<()> {
        let (store, plugin) = (self.store.clone(), plugin.to_owned());
        self.stored(async move { store.finish_contact(&plugin, contact, &outcome).await })
    }

    fn http(&self, _: &str, request: HttpRequest) -> Answer<HttpResponse> {
        let http = self.http.clone();
        async move { http.fetch(request).await }.boxed()
    }

    fn helper(&self, name: &str, args: Vec<String>, input: Vec<u8>, timeout: Duration) -> Answer<Vec<u8>> {
        let (helpers, name) = (self.helpers.clone(), name.to_owned());
        async move { helpers.run(&name, &args, &input, timeout).await }.boxed()
    }

    fn recording(&self, plugin: &str, name: &str) -> Answer<Arc<Clip>> {
        let missing = Error::NotFound(format!("recording {name} of {plugin}"));
        let path = self.recordings.get().map(|folder| folder.join(plugin).join(format!("{name}.wav")));
        async move {
            let Some(path) = path else { return Err(missing) };
            match tokio::fs::read(&path).await {
                Ok(bytes) => Clip::from_wav(&bytes)
                    .map(Arc::new)
                    .map_err(|error| Error::Unavailable(format!("{}: {error}", path.display()))),
                Err(error) if error.kind() == ErrorKind::NotFound => Err(missing),
                Err(error) => Err(Error::Unavailable(format!("{}: {error}", path.display()))),
            }
        }
        .boxed()
    }

    fn speech(&self, plugin: &str, speech: Speech) -> Answer<Arc<Clip>> {
        if let Some(onlooker) = self.onlooker.get() {
            onlooker.show(|| Seen::Said { plugin: plugin.to_owned(), text: speech.text.clone() });
        }
        let (speaker, host) = (self.speaker.clone(), self.host());
        let ending = || Error::Unavailable("speech: the exchange is stopping".to_owned());
        async move { speaker.say(&host.ok_or_else(ending)?, speech).await }.boxed()
    }
}
