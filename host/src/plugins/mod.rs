//! Plugins on disk: folders that are watched, loaded, checked and put live while
//! calls are up.

mod cache;
mod folder;
mod helper;
mod http;
mod instances;
mod service;
mod services;
mod speech;
mod watch;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use jackfield_plugin::{
    Engine, Finding, Grant, Host, Kind, Limits, LimitsWish, LoadError, Plugins, Refused, Source, Version,
};
use sha2::{Digest, Sha256};
use tokio::{runtime, sync::watch as channel, time::sleep};
use tracing::{error, info, warn};

use crate::{config::locate_setting, shard::Inbox};
pub use cache::DiskCache;
pub use helper::{Commands, Helpers};
pub use http::{HttpClient, Reach};
pub use instances::Instances;
pub use services::{DaemonServices, unix_now};
pub use speech::{Order, Speaker, SpeechCache};
pub use watch::Watcher;

pub use folder::Files;
use folder::Folder;

/// A file that was being written is read again after this.
const SECOND_LOOK: Duration = Duration::from_millis(500);

/// `[plugins.NAME]` of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub folder: PathBuf,
    pub grant: Grant,
    /// The operator's caps.
    pub limits: LimitsWish,
    /// Overrides the manifest's `[config]`.
    pub config: toml::Table,
}

pub type Entries = BTreeMap<String, Entry>;

/// Loads what the configuration names and keeps it as the files are.
pub struct Manager {
    pub engine: Engine,
    pub cache: DiskCache,
    pub plugins: Arc<Plugins>,
    pub host: Host,
    pub instances: Arc<Instances>,
    pub speaker: Arc<Speaker>,
    pub guests: runtime::Handle,
    pub inbox: Inbox,
    /// `jackfield.toml` and its text, to find the line of a setting.
    pub operator: ArcSwap<(PathBuf, String)>,
    pub state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    /// What was looked at last, whether it went live or not.
    seen: BTreeMap<String, [u8; 32]>,
    /// Loads of each name so far.
    numbers: BTreeMap<String, u64>,
    services: BTreeMap<String, channel::Sender<service::Wanted>>,
}

impl Manager {
    /// Looks at every folder and brings live what has changed.
    pub async fn look(self: &Arc<Self>, entries: &Entries) {
        self.remove_missing(entries);
        for (name, entry, files) in self.all_changed(entries).await {
            match self.load(&name, &entry, files).await {
                Ok(version) => self.bring_live(version),
                Err(problem) => self.refuse(&name, problem),
            }
        }
    }

    /// As [`Manager::look`], for a process that runs nothing: one sentence for each plugin
    /// that would be refused.
    pub async fn check(self: &Arc<Self>, entries: &Entries) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, entry, files) in self.all_changed(entries).await {
            match self.load(&name, &entry, files).await {
                Ok(version) => drop(self.plugins.install(version)),
                Err(problem) => problems.push(format!("plugin {name}: {problem}")),
            }
        }
        problems
    }

    /// The folders to watch.
    pub fn folders(entries: &Entries) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = entries
            .values()
            .flat_map(|entry| {
                let prompts = Files::prompts_folder(&entry.folder);
                std::iter::once(entry.folder.clone()).chain(prompts)
            })
            .collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Asks every service to stop.
    pub fn stop_services(&self) {
        self.state().services.clear();
    }

    /// What differs from the last look. Speech providers come first, since a flow may ask for its sentences
    /// when it is checked.
    async fn all_changed(&self, entries: &Entries) -> Vec<(String, Entry, Result<Files, String>)> {
        let mut changed = Vec::new();
        for (name, entry) in entries {
            if let Some(files) = self.changed(name, entry).await {
                changed.push((name.clone(), entry.clone(), files));
            }
        }
        changed.sort_by_key(|(_, _, files)| !files.as_ref().is_ok_and(Files::is_provider));
        changed
    }

    /// The files of a plugin, when they or its entry differ from the last look.
    async fn changed(&self, name: &str, entry: &Entry) -> Option<Result<Files, String>> {
        let mut files = read(&entry.folder).await;
        if self.state().seen.get(name) == Some(&digest(entry, &files)) {
            return None;
        }
        // What cannot be read may be half written.
        if files.is_err() {
            sleep(SECOND_LOOK).await;
            files = read(&entry.folder).await;
        }
        self.state().seen.insert(name.to_owned(), digest(entry, &files));
        Some(files)
    }

    /// A version of these files, which has checked its settings. A refusal says where and how to mend it.
    async fn load(
        self: &Arc<Self>,
        name: &str,
        entry: &Entry,
        files: Result<Files, String>,
    ) -> Result<Arc<Version>, String> {
        let files = files?;
        let number = {
            let mut state = self.state();
            let number = state.numbers.entry(name.to_owned()).or_default();
            *number += 1;
            *number
        };
        let (this, name_, entry_) = (self.clone(), name.to_owned(), entry.clone());
        let compile = move || this.compile(&name_, &entry_, number, files);
        let (folder, version) =
            tokio::task::spawn_blocking(compile).await.map_err(|panic| panic.to_string())??;
        match self.guests.spawn(version.validate(&self.host)).await.map_err(|panic| panic.to_string())? {
            Ok(_) => Ok(version),
            Err(Refused::Findings(findings)) => Err(self.explain(name, &folder, &findings)),
            Err(trap) => Err(format!("{}: {trap}", folder.manifest_path.display())),
        }
    }

    /// New calls get this version.
    fn bring_live(&self, version: Arc<Version>) {
        let (name, number) = (version.name(), version.number());
        let manifest = &version.manifest().plugin;
        let sha = &version.sha256()[..8];
        let former = self.plugins.install(version.clone());
        let stay = former.as_ref().map_or(String::new(), |former| {
            format!(", {} calls stay on v{}", former.instances(), former.number())
        });
        info!(plugin = name, "{} v{number} live (sha {sha}){stay}", manifest.version);
        if version.kinds().contains(&Kind::Service) {
            self.serve(name, version.clone());
        }
        if let Some(former) = former {
            self.drain(&former);
        }
        self.speaker.went_live(version.name());
    }

    /// The newest files are no good; what is live stays.
    fn refuse(&self, name: &str, problem: String) {
        match self.plugins.live(name) {
            Some(live) => error!(plugin = name, "refused, v{} stays live: {problem}", live.number()),
            None => error!(plugin = name, "refused: {problem}"),
        }
        self.plugins.refuse(name, problem);
    }

    /// Blocks.
    fn compile(
        &self,
        name: &str,
        entry: &Entry,
        number: u64,
        files: Files,
    ) -> Result<(Folder, Arc<Version>), String> {
        let folder = files.open()?;
        let source = Source {
            name: name.to_owned(),
            settings: folder.manifest.settings(&entry.config),
            manifest: folder.manifest.clone(),
            wasm: folder.wasm.clone(),
            prompts: folder.prompts.clone(),
            grant: entry.grant.clone(),
            limits: Limits::agree(&folder.manifest.limits, &entry.limits),
            number,
        };
        match self.engine.load(source, &self.cache) {
            Ok(version) => Ok((folder, version)),
            Err(LoadError::Settings(findings)) => Err(self.explain(name, &folder, &findings)),
            Err(error) => Err(format!("{}: {error}", folder.place_of(&error))),
        }
    }

    /// Findings as "file:line:column: path: what (help)".
    fn explain(&self, name: &str, folder: &Folder, findings: &[Finding]) -> String {
        let operator = self.operator.load();
        let lines = findings.iter().map(|finding| {
            let keys: Vec<&str> = finding.path.iter().map(String::as_str).collect();
            let manifest = (folder.manifest_path.as_path(), folder.manifest_text.as_str());
            match locate_setting((&operator.0, &operator.1), manifest, name, &keys) {
                Some((file, at)) => format!("\n  {}:{}:{}: {finding}", file.display(), at.line, at.column),
                None => format!("\n  {}: {finding}", folder.manifest_path.display()),
            }
        });
        format!("its settings are wrong:{}", lines.collect::<String>())
    }

    /// Gives a service its new version.
    fn serve(&self, name: &str, version: Arc<Version>) {
        let mut state = self.state();
        if let Some(wanted) = state.services.get(name) {
            wanted.send_replace(Some(version));
            return;
        }
        let (sender, wanted) = channel::channel(Some(version));
        state.services.insert(name.to_owned(), sender);
        let supervisor = service::Supervisor {
            name: name.to_owned(),
            host: self.host.clone(),
            inbox: self.inbox.clone(),
            instances: self.instances.clone(),
            guests: self.guests.clone(),
            wanted,
        };
        tokio::spawn(supervisor.run());
    }

    /// A replaced version serves its calls for so long. It is gone with the last of them,
    /// so it is not held until then.
    fn drain(&self, version: &Arc<Version>) {
        let (time, version) = (version.limits().drain, Arc::downgrade(version));
        let instances = self.instances.clone();
        tokio::spawn(async move {
            sleep(time).await;
            if let Some(version) = version.upgrade().filter(|version| version.instances() > 0) {
                warn!(plugin = version.name(), "v{}: its time to drain is over", version.number());
                instances.drop_version(&version);
            }
        });
    }

    fn remove_missing(&self, entries: &Entries) {
        let mut state = self.state();
        let gone: Vec<String> =
            state.seen.keys().filter(|name| !entries.contains_key(*name)).cloned().collect();
        for name in gone {
            info!(plugin = name, "no longer in the configuration");
            state.seen.remove(&name);
            if let Some(wanted) = state.services.get(&name) {
                wanted.send_replace(None);
            }
            if let Some(former) = self.plugins.remove(&name) {
                self.drain(&former);
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(folder: &Path) -> Result<Files, String> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || Files::read(&folder)).await.map_err(|panic| panic.to_string())?
}

/// Of all that makes a version: the files and the operator's entry.
fn digest(entry: &Entry, files: &Result<Files, String>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(format!("{entry:?}"));
    match files {
        Ok(files) => hash.update(files.digest()),
        Err(problem) => hash.update(problem),
    }
    hash.finalize().into()
}
