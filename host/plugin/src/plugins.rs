//! Which version of each plugin is live, which still drain, and which fail.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};

use crate::{limits::Limits, version::Version};

/// So many traps within [`WINDOW`] and the plugin gets no more calls until it is loaded anew.
const TRAPS: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);

/// The plugins by name. Looking up the live version takes no lock.
#[derive(Default)]
pub struct Plugins {
    live: ArcSwap<BTreeMap<String, Arc<Version>>>,
    entries: Mutex<BTreeMap<String, Entry>>,
}

#[derive(Default)]
struct Entry {
    live: Option<Arc<Version>>,
    /// Replaced; each is gone with its last instance.
    draining: Vec<Weak<Version>>,
    /// Why the newest files were refused.
    error: Option<String>,
    traps: VecDeque<Duration>,
    failing: bool,
}

/// One line of `jackfield plugins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginStatus {
    /// Its key in `jackfield.toml`.
    pub name: String,
    /// From the manifest; empty where nothing was ever loaded.
    pub version: String,
    /// Of the load: "ivr v3".
    pub number: u64,
    /// Of the file.
    pub sha256: String,
    /// What becomes of new calls.
    pub state: PluginState,
    /// Instances that run.
    pub calls: u32,
    /// Why the newest files were refused, though the former version may be live.
    pub error: Option<String>,
}

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// New calls go there.
    Live,
    /// Replaced; its last calls go on.
    Draining,
    /// Nothing could be loaded.
    Failed,
    /// It trapped too often: its calls take their fallback until it is loaded anew.
    Failing,
}

impl Plugins {
    /// None yet.
    pub fn new() -> Plugins {
        Plugins::default()
    }

    /// The version for a new call. Also of a plugin that is failing: see [`Plugins::is_failing`].
    pub fn live(&self, name: &str) -> Option<Arc<Version>> {
        self.live.load().get(name).cloned()
    }

    /// Those of its live version, or of any.
    pub fn limits(&self, name: &str) -> Limits {
        self.live(name).map_or_else(Limits::default, |version| version.limits().clone())
    }

    /// The live versions, by name.
    pub fn all_live(&self) -> Vec<Arc<Version>> {
        self.live.load().values().cloned().collect()
    }

    /// New calls get this version; the former one, which is returned, serves its calls to their end.
    pub fn install(&self, version: Arc<Version>) -> Option<Arc<Version>> {
        let mut entries = self.entries();
        let entry = entries.entry(version.name().to_string()).or_default();
        let former = entry.live.replace(version);
        entry.drain(&former);
        *entry = Entry {
            live: entry.live.take(),
            draining: std::mem::take(&mut entry.draining),
            ..Entry::default()
        };
        self.publish(&entries);
        former
    }

    /// The newest files of that name are no good; what is live stays.
    pub fn refuse(&self, name: &str, error: String) {
        self.entries().entry(name.to_string()).or_default().error = Some(error);
    }

    /// The newest files are those that are live, again. True when others were refused before.
    pub fn accept(&self, name: &str) -> bool {
        self.entries().get_mut(name).is_some_and(|entry| entry.error.take().is_some())
    }

    /// The operator has taken the plugin out. What was live is returned and serves its calls to their end.
    pub fn remove(&self, name: &str) -> Option<Arc<Version>> {
        let mut entries = self.entries();
        let entry = entries.get_mut(name)?;
        let former = entry.live.take();
        entry.drain(&former);
        entry.error = None;
        if entry.draining.is_empty() {
            entries.remove(name);
        }
        self.publish(&entries);
        former
    }

    /// An instance trapped. True when this made the plugin failing. Traps of replaced versions do not count.
    pub fn trapped(&self, now: Duration, version: &Version) -> bool {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(version.name()) else { return false };
        if entry.failing || !entry.live.as_ref().is_some_and(|live| std::ptr::eq(&**live, version)) {
            return false;
        }
        entry.traps.push_back(now);
        while entry.traps.front().is_some_and(|&trap| now.saturating_sub(trap) >= WINDOW) {
            entry.traps.pop_front();
        }
        entry.failing = entry.traps.len() >= TRAPS;
        entry.failing
    }

    /// New calls are to take their fallback.
    pub fn is_failing(&self, name: &str) -> bool {
        self.entries().get(name).is_some_and(|entry| entry.failing)
    }

    /// Ordered by name; the live version before those that drain.
    pub fn status(&self) -> Vec<PluginStatus> {
        let mut entries = self.entries();
        entries.retain(|_, entry| {
            entry.draining.retain(|version| version.strong_count() > 0);
            entry.live.is_some() || entry.error.is_some() || !entry.draining.is_empty()
        });
        entries.iter().flat_map(|(name, entry)| entry.status(name)).collect()
    }

    fn publish(&self, entries: &BTreeMap<String, Entry>) {
        let live = entries.iter().filter_map(|(name, entry)| Some((name.clone(), entry.live.clone()?)));
        self.live.store(Arc::new(live.collect()));
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // Nothing panics while it is held.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn drain(&mut self, former: &Option<Arc<Version>>) {
        self.draining.retain(|version| version.strong_count() > 0);
        // Also without a call: one may be on its way into it.
        self.draining.extend(former.as_ref().map(Arc::downgrade));
    }

    fn status(&self, name: &str) -> Vec<PluginStatus> {
        let state = if self.failing { PluginState::Failing } else { PluginState::Live };
        let mut lines: Vec<_> = self.live.iter().map(|version| line(version, state)).collect();
        let draining =
            self.draining.iter().filter_map(Weak::upgrade).filter(|version| version.instances() > 0);
        lines.extend(draining.map(|version| line(&version, PluginState::Draining)));
        if lines.is_empty() && self.error.is_some() {
            lines.push(PluginStatus {
                name: name.into(),
                version: String::new(),
                number: 0,
                sha256: String::new(),
                state: PluginState::Failed,
                calls: 0,
                error: None,
            });
        }
        if let Some(first) = lines.first_mut() {
            first.error = self.error.clone();
        }
        lines
    }
}

fn line(version: &Version, state: PluginState) -> PluginStatus {
    PluginStatus {
        name: version.name().into(),
        version: version.manifest().plugin.version.clone(),
        number: version.number(),
        sha256: version.own_sha256().into(),
        state,
        calls: version.instances(),
        error: None,
    }
}
