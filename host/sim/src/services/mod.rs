//! What guests reach besides their calls, all in memory: the clock, the log, values, contacts, speech.

mod contacts;
mod values;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::ready};
use jackfield_media::Clip;
use jackfield_plugin::{Answer, Contact, HttpRequest, HttpResponse, LocalTime, Origin, Services, Speech};
use jackfield_switch::{Error, Level};
use jiff::tz::TimeZone;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{clock::Clock, voice};
pub(crate) use contacts::Contacts;
pub use contacts::{Attempt, ContactHistory};
use values::Values;

/// A line that a guest wrote to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Since the world began.
    pub at: Duration,
    /// Key of the plugin.
    pub plugin: String,
    /// Of the load: 1 for the first.
    pub version: u64,
    /// Call-id, for a guest that serves a call.
    pub call: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// The sentence.
    pub message: String,
    /// What belongs to it.
    pub fields: Vec<(String, String)>,
}

/// What a guest left behind with `record`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Key of the plugin.
    pub plugin: String,
    /// Below the plugin's recordings.
    pub name: String,
    /// 16 bits at 8 kHz.
    pub samples: Arc<[i16]>,
}

/// Answers requests that plugins make over HTTP.
pub(crate) type Web = Box<dyn Fn(&HttpRequest) -> Result<HttpResponse, Error> + Send + Sync>;
/// Stands for a helper program: arguments and input to output.
pub(crate) type Helper = Box<dyn Fn(&[String], &[u8]) -> Result<Vec<u8>, Error> + Send + Sync>;

pub(crate) struct Memory {
    clock: Clock,
    web: Option<Web>,
    helpers: BTreeMap<String, Helper>,
    kept: Mutex<Kept>,
}

pub(crate) struct Kept {
    random: StdRng,
    pub(crate) log: Vec<LogLine>,
    pub(crate) values: Values,
    pub(crate) contacts: Contacts,
    pub(crate) recordings: Vec<Recording>,
    /// Each sentence is made once.
    spoken: BTreeMap<String, Arc<Clip>>,
}

impl Memory {
    pub(crate) fn new(
        clock: Clock,
        seed: u64,
        web: Option<Web>,
        helpers: BTreeMap<String, Helper>,
    ) -> Memory {
        let kept = Kept {
            random: StdRng::seed_from_u64(seed),
            log: Vec::new(),
            values: Values::default(),
            contacts: Contacts::default(),
            recordings: Vec::new(),
            spoken: BTreeMap::new(),
        };
        Memory { clock, web, helpers, kept: Mutex::new(kept) }
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it is held.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`kept`](Memory::kept), with the answer of a service.
    fn with<T: Send + 'static>(&self, work: impl FnOnce(&mut Kept, u64) -> Result<T, Error>) -> Answer<T> {
        let now = self.clock.unix();
        ready(work(&mut self.kept(), now)).boxed()
    }
}

impl Services for Memory {
    fn now(&self) -> u64 {
        self.clock.unix()
    }

    /// The world is in London in winter.
    fn utc_offset(&self) -> i32 {
        0
    }

    fn local(&self, at: u64, zone: &str) -> Option<LocalTime> {
        LocalTime::at(at, &TimeZone::get(zone).ok()?)
    }

    fn random(&self) -> u64 {
        self.kept().random.next_u64()
    }

    fn log(&self, origin: &Origin<'_>, level: Level, message: &str, fields: &[(String, String)]) {
        let line = LogLine {
            at: self.clock.now(),
            plugin: origin.plugin.to_owned(),
            version: origin.number,
            call: origin.call.map(str::to_owned),
            level,
            message: message.to_owned(),
            fields: fields.to_vec(),
        };
        self.kept().log.push(line);
    }

    fn kv_get(&self, plugin: &str, key: &str) -> Answer<Option<Vec<u8>>> {
        self.with(|kept, now| Ok(kept.values.get(plugin, key, now)))
    }

    fn kv_set(&self, plugin: &str, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<()> {
        self.with(|kept, now| kept.values.set(plugin, key, value, ttl, now))
    }

    fn kv_delete(&self, plugin: &str, key: &str) -> Answer<bool> {
        self.with(|kept, now| Ok(kept.values.delete(plugin, key, now)))
    }

    fn kv_add(&self, plugin: &str, key: &str, delta: i64) -> Answer<i64> {
        self.with(|kept, now| kept.values.add(plugin, key, delta, now))
    }

    fn kv_swap(&self, plugin: &str, key: &str, old: Option<Vec<u8>>, new: Vec<u8>) -> Answer<bool> {
        self.with(|kept, now| kept.values.swap(plugin, key, old.as_deref(), new, now))
    }

    fn kv_keys(&self, plugin: &str, prefix: &str, after: &str, limit: u32) -> Answer<Vec<String>> {
        self.with(|kept, now| Ok(kept.values.keys(plugin, prefix, after, limit, now)))
    }

    fn contacts_due(&self, plugin: &str, campaign: &str, now: u64, limit: u32) -> Answer<Vec<Contact>> {
        self.with(|kept, _| Ok(kept.contacts.due(plugin, campaign, now, limit)))
    }

    fn contacts_next_due(&self, plugin: &str, campaign: &str) -> Answer<Option<u64>> {
        self.with(|kept, _| Ok(kept.contacts.next_due(plugin, campaign)))
    }

    fn contacts_postpone(&self, plugin: &str, contact: u64, until: u64) -> Answer<()> {
        self.with(|kept, _| kept.contacts.postpone(plugin, contact, until))
    }

    fn contacts_finish(&self, plugin: &str, contact: u64, outcome: String) -> Answer<()> {
        self.with(|kept, _| kept.contacts.finish(plugin, contact, outcome))
    }

    fn http(&self, _: &str, request: HttpRequest) -> Answer<HttpResponse> {
        let nobody =
            || Err(Error::Unavailable("http: nobody answers; say who does with Site::web".to_owned()));
        ready(self.web.as_ref().map_or_else(nobody, |web| web(&request))).boxed()
    }

    fn helper(&self, name: &str, args: Vec<String>, input: Vec<u8>, _: Duration) -> Answer<Vec<u8>> {
        let missing = || Err(Error::NotFound(format!("helper {name}: say what it does with Site::helper")));
        ready(self.helpers.get(name).map_or_else(missing, |helper| helper(&args, &input))).boxed()
    }

    fn recording(&self, plugin: &str, name: &str) -> Answer<Arc<Clip>> {
        self.with(|kept, _| {
            let mut all = kept.recordings.iter().rev();
            let found = all.find(|recording| recording.plugin == plugin && recording.name == name);
            let found = found.ok_or_else(|| Error::NotFound(format!("recording {name} of {plugin}")))?;
            Ok(Arc::new(Clip::from_samples(8000, &found.samples)))
        })
    }

    /// The deterministic voice, whatever the language.
    fn speech(&self, _: &str, speech: Speech) -> Answer<Arc<Clip>> {
        self.with(|kept, _| {
            let clip = kept
                .spoken
                .entry(speech.text)
                .or_insert_with_key(|text| Arc::new(Clip::from_samples(8000, &voice::speak(text))));
            Ok(clip.clone())
        })
    }
}
