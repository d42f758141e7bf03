//! Speech: the providers in their order, and what they made.
//!
//! A sentence is asked of the first provider; where that one fails, is slow or is down, the next one
//! speaks. What each made is kept under its own name, so that the first speaks again as soon as it can.

mod ahead;
mod cache;
mod health;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use jackfield_media::Clip;
use jackfield_plugin::{Host, Plugins, Speech, Version, Voice};
use jackfield_switch::Error;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};
use tracing::{info, warn};

pub use self::cache::SpeechCache;
use self::health::{Health, Turn};
use crate::shard::Clock;

/// Who speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Plugins; the first speaks, the others for it.
    pub names: Vec<String>,
    /// One that takes longer has failed, where another one follows.
    pub patience: Duration,
}

pub struct Speaker {
    cache: Arc<SpeechCache>,
    plugins: Arc<Plugins>,
    clock: Clock,
    order: ArcSwap<Order>,
    health: Mutex<BTreeMap<String, Health>>,
    /// Sentences that calls wait for.
    waiting: watch::Sender<usize>,
    /// Something may have to be made ahead.
    changed: Notify,
}

impl Speaker {
    pub fn new(cache: SpeechCache, plugins: Arc<Plugins>, clock: Clock) -> Speaker {
        Speaker {
            cache: Arc::new(cache),
            plugins,
            clock,
            order: ArcSwap::default(),
            health: Mutex::default(),
            waiting: watch::Sender::new(0),
            changed: Notify::new(),
        }
    }

    /// From now on these speak.
    pub fn follow(&self, order: Order) {
        self.health().retain(|name, _| order.names.contains(name));
        self.order.store(Arc::new(order));
        self.look_again();
    }

    /// A plugin went live: it may speak, or have announced what it says.
    pub fn went_live(&self, name: &str) {
        if let Some(health) = self.health().get_mut(name) {
            health.wake();
        }
        self.look_again();
    }

    /// Each provider in its order, and why it is down, if it is.
    pub fn providers(&self) -> Vec<(String, Option<String>)> {
        let health = self.health();
        let fault = |name: &String| health.get(name).and_then(Health::fault).map(str::to_owned);
        self.order.load().names.iter().map(|name| (name.clone(), fault(name))).collect()
    }

    /// The voices of a provider.
    pub async fn voices(&self, host: &Host, name: &str) -> Result<Vec<Voice>, Error> {
        let version = self.plugins.live(name).ok_or_else(|| not_loaded(name))?;
        version.voices(host).await
    }

    /// The sentence as audio, for a call that waits for it.
    pub async fn say(self: &Arc<Self>, host: &Host, speech: Speech) -> Result<Arc<Clip>, Error> {
        let _waits = Waits::new(&self.waiting);
        self.make(host, speech).await
    }

    /// The sentence as audio: kept, or made by the first provider that can.
    async fn make(self: &Arc<Self>, host: &Host, speech: Speech) -> Result<Arc<Clip>, Error> {
        let order = self.order.load_full();
        let Some((last, others)) = order.names.split_last() else {
            return Err(Error::Unavailable(
                "speech: name a provider in [speech] of jackfield.toml".to_owned(),
            ));
        };
        for name in others {
            let Some(version) = self.plugins.live(name) else {
                self.note(name, Err(&not_loaded(name)));
                continue;
            };
            if let Some(clip) = self.cache.kept(&version, &speech).await {
                return Ok(clip);
            }
            match self.turn(name) {
                Turn::Speak => {
                    if let Ok(clip) = self.attempt(host, &version, speech.clone(), order.patience).await {
                        return Ok(clip);
                    }
                }
                Turn::Try => {
                    let (this, host, speech) = (self.clone(), host.clone(), speech.clone());
                    let patience = order.patience;
                    tokio::spawn(async move { this.attempt(&host, &version, speech, patience).await });
                }
                Turn::Rest => {}
            }
        }
        let version = self.plugins.live(last).ok_or_else(|| not_loaded(last))?;
        if let Some(clip) = self.cache.kept(&version, &speech).await {
            return Ok(clip);
        }
        // Nobody speaks for the last one: it is asked each time.
        let made = self.cache.make(&version, host, speech).await;
        self.note(last, made.as_ref().map(drop));
        made
    }

    /// Asks a provider that another one follows.
    async fn attempt(
        &self,
        host: &Host,
        version: &Arc<Version>,
        speech: Speech,
        patience: Duration,
    ) -> Result<Arc<Clip>, Error> {
        let made = timeout(patience, self.cache.make(version, host, speech)).await.unwrap_or_else(|_| {
            Err(Error::Unavailable(format!("no speech in {} ms ([speech] patience)", patience.as_millis())))
        });
        self.note(version.name(), made.as_ref().map(drop));
        made
    }

    fn turn(&self, name: &str) -> Turn {
        self.health().entry(name.to_owned()).or_default().turn(self.clock.now())
    }

    /// Tells the operator when it changes whether a provider speaks.
    fn note(&self, name: &str, spoke: Result<(), &Error>) {
        let mut health = self.health();
        let health = health.entry(name.to_owned()).or_default();
        match spoke {
            Ok(()) if health.spoke() => {
                info!(provider = name, "speech: {name} speaks again");
                self.look_again();
            }
            Ok(()) => {}
            // Its text, language or voice makes no sense there; another provider may do better.
            Err(Error::Invalid(_)) => {}
            Err(error) if health.failed(self.clock.now(), &error.to_string()) => {
                let instead = match self.after(name) {
                    Some(next) => format!("{next} speaks for it"),
                    None => "nobody speaks for it".to_owned(),
                };
                warn!(provider = name, "speech: {name} is down, {instead}: {error}");
            }
            Err(_) => {}
        }
    }

    fn after(&self, name: &str) -> Option<String> {
        let order = self.order.load();
        order.names.iter().skip_while(|known| *known != name).nth(1).cloned()
    }

    fn look_again(&self) {
        self.changed.notify_one();
    }

    fn health(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Health>> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_loaded(name: &str) -> Error {
    Error::Unavailable(format!("the speech provider {name} is not loaded"))
}

/// Counts as waiting while it stands.
struct Waits<'a>(&'a watch::Sender<usize>);

impl<'a> Waits<'a> {
    fn new(waiting: &'a watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Waits(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}
