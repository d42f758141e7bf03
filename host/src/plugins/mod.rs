//! Plugins on disk: folders and bundles that are watched, loaded, checked and put live while
//! calls are up.

mod cache;
mod cases;
mod folder;
mod helper;
mod http;
mod instances;
mod kept;
mod load;
mod look;
mod places;
mod rollback;
mod seen;
mod service;
mod services;
mod speech;
mod status;
mod watch;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use jackfield_plugin::{Engine, Grant, Host, LimitsWish, Plugins};
use tokio::{runtime, sync::watch as channel};

use crate::{bundle::Trust, shard::Inbox};
pub use cache::DiskCache;
pub use folder::Files;
pub use helper::{Commands, Helpers};
pub use http::{HttpClient, Reach};
pub use instances::Instances;
pub use kept::{Kept, KeptVersion};
pub use look::How;
pub use rollback::{RolledBack, Versions};
pub use seen::Seen;
pub use services::{DaemonServices, unix_now};
pub use speech::{Order, Speaker, SpeechCache};
pub use status::{Origin, Shown};
pub use watch::{Activity, Change, Owner, Places, Watcher};

use folder::Digest;
use status::Life;

/// `[plugins.NAME]` of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Or a bundle.
    pub folder: PathBuf,
    /// What must be signed.
    pub trust: Trust,
    pub grant: Grant,
    /// The operator's caps.
    pub limits: LimitsWish,
    /// Overrides the manifest's `[config]`.
    pub config: toml::Table,
    /// A version goes live when its own cases pass.
    pub tests: bool,
}

pub type Entries = BTreeMap<String, Entry>;

/// Loads what the configuration names and keeps it as the files are.
pub struct Manager {
    pub engine: Engine,
    pub cache: DiskCache,
    pub kept: Kept,
    /// Where versions lie while their cases run.
    pub stage: PathBuf,
    pub plugins: Arc<Plugins>,
    pub host: Host,
    pub instances: Arc<Instances>,
    pub speaker: Arc<Speaker>,
    pub guests: runtime::Handle,
    pub inbox: Inbox,
    pub activity: Activity,
    /// `jackfield.toml` and its text, to find the line of a setting.
    pub operator: ArcSwap<(PathBuf, String)>,
    pub entries: ArcSwap<Entries>,
    pub state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    known: BTreeMap<String, Known>,
    services: BTreeMap<String, channel::Sender<service::Wanted>>,
}

/// What is known of a plugin.
#[derive(Default)]
struct Known {
    /// One load of it at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// A look is asked for that has not begun.
    asked: bool,
    /// What was looked at last, whether it went live or not.
    entry: Option<Entry>,
    looked: Option<Digest>,
    /// How its files were then, and as the last poll found them when they differed.
    files: Seen,
    polled: Option<Seen>,
    /// The files and the entry that are live.
    live: Option<Digest>,
    /// Loads so far.
    number: u64,
    /// By the numbers of versions that are live or drain.
    lives: BTreeMap<u64, Life>,
}

impl Manager {
    /// The places to watch.
    pub fn add_places(&self, places: &mut Places) {
        let entries = self.entries.load();
        for (name, entry) in entries.iter() {
            let owner = Owner::Plugin(name.clone());
            let seen = self.known(name, |known| known.files.clone());
            let (folders, files): (Vec<_>, Vec<_>) = seen.paths().partition(|path| path.is_dir());
            for folder in &folders {
                places.add_inside(&owner, folder);
            }
            let lone = files.iter().filter(|file| !folders.iter().any(|folder| file.starts_with(folder)));
            let manifest = entry.folder.join(folder::MANIFEST);
            for path in lone.chain(&folders).copied().chain([entry.folder.as_path(), &manifest]) {
                places.add(&owner, path);
            }
        }
    }

    /// Follows the configuration; what is no longer in it gets no calls.
    pub fn set_entries(&self, entries: Entries) {
        self.remove_missing(&entries);
        self.entries.store(Arc::new(entries));
    }

    /// Asks every service to stop.
    pub fn stop_services(&self) {
        self.state().services.clear();
    }

    fn remove_missing(&self, entries: &Entries) {
        let mut state = self.state();
        let gone: Vec<String> =
            state.known.keys().filter(|name| !entries.contains_key(*name)).cloned().collect();
        for name in gone {
            tracing::info!(plugin = name, "no longer in the configuration");
            state.known.remove(&name);
            if let Some(wanted) = state.services.get(&name) {
                wanted.send_replace(None);
            }
            if let Some(former) = self.plugins.remove(&name) {
                self.drain(&former);
            }
        }
    }

    fn known<T>(&self, name: &str, with: impl FnOnce(&mut Known) -> T) -> T {
        let mut state = self.state();
        match state.known.get_mut(name) {
            Some(known) => with(known),
            None => with(state.known.entry(name.to_owned()).or_default()),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
