//! Plugins on disk: folders that are watched, loaded, checked and put live while
//! calls are up.

mod cache;
mod folder;
mod helper;
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
use jackfield_plugin::{Engine, Grant, Host, Kind, Limits, LimitsWish, Plugins, Refused, Source, Version};
use sha2::{Digest, Sha256};
use tokio::{runtime, sync::watch as channel, time::sleep};
use tracing::{error, info, warn};

use crate::{config::locate_setting, shard::Inbox};
pub use cache::DiskCache;
pub use helper::{Commands, Helpers};
pub use instances::Instances;
pub use services::{DaemonServices, unix_now};
pub use speech::SpeechCache;
pub use watch::Watcher;

use folder::{Files, Folder};

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
    /// Looks at every folder and brings live what has changed. Speech providers
    /// come first, since a flow may ask for its sentences when it is checked.
    /// Returns one sentence for each plugin that was refused.
    pub async fn look(self: &Arc<Self>, entries: &Entries) -> Vec<String> {
        self.remove_missing(entries);
        let mut problems = Vec::new();
        let mut changed: Vec<(String, Entry, Result<Files, String>)> = Vec::new();
        for (name, entry) in entries {
            if let Some(files) = self.changed(name, entry).await {
                changed.push((name.clone(), entry.clone(), files));
            }
        }
        changed.sort_by_key(|(_, _, files)| !files.as_ref().is_ok_and(Files::is_provider));
        for (name, entry, files) in changed {
            let loaded = match files {
                Ok(files) => self.bring_live(&name, &entry, files).await,
                Err(problem) => Err(problem),
            };
            if let Err(problem) = loaded {
                let live = self.plugins.live(&name).map(|version| version.number());
                match live {
                    Some(number) => error!(plugin = name, "refused, v{number} stays live: {problem}"),
                    None => error!(plugin = name, "refused: {problem}"),
                }
                self.plugins.refuse(&name, problem.clone());
                problems.push(format!("plugin {name}: {problem}"));
            }
        }
        problems
    }

    /// Loads and checks every plugin and runs none: one sentence for each that would be refused.
    pub async fn check(self: &Arc<Self>, entries: &Entries) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, entry) in entries {
            let checked = match read(&entry.folder).await {
                Ok(files) => self.load_and_check(name, entry, 1, files).await.map(drop),
                Err(problem) => Err(problem),
            };
            if let Err(problem) = checked {
                problems.push(format!("plugin {name}: {problem}"));
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

    async fn bring_live(self: &Arc<Self>, name: &str, entry: &Entry, files: Files) -> Result<(), String> {
        let former = self.plugins.live(name);
        let number = {
            let mut state = self.state();
            let number = state.numbers.entry(name.to_owned()).or_default();
            *number += 1;
            *number
        };
        let (version, size) = self.load_and_check(name, entry, number, files).await?;
        let calls = former.as_ref().map_or(0, |former| former.instances());
        info!(
            plugin = name,
            "{} v{number} live (sha {}, {} KB){}",
            version.manifest().plugin.version,
            &version.sha256()[..8],
            size / 1024,
            former
                .as_ref()
                .map_or(String::new(), |former| format!(", {calls} calls stay on v{}", former.number())),
        );
        self.plugins.install(version.clone());
        if version.kinds().contains(&Kind::Service) {
            self.serve(name, version);
        }
        if let Some(former) = former {
            self.drain(former);
        }
        Ok(())
    }

    /// A version that could go live, and the size of its file.
    async fn load_and_check(
        self: &Arc<Self>,
        name: &str,
        entry: &Entry,
        number: u64,
        files: Files,
    ) -> Result<(Arc<Version>, usize), String> {
        let (this, name_, entry_) = (self.clone(), name.to_owned(), entry.clone());
        let loaded = tokio::task::spawn_blocking(move || this.load(&name_, &entry_, number, files)).await;
        let (folder, version) = loaded.map_err(|panic| panic.to_string())??;
        let checked = self.guests.spawn(version.validate(&self.host)).await;
        match checked.map_err(|panic| panic.to_string())? {
            Ok(_) => Ok((version, folder.wasm.len())),
            Err(refused) => Err(self.explain(name, &folder, refused)),
        }
    }

    /// Compiles; blocks.
    fn load(
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
        let version = self.engine.load(source, &self.cache).map_err(|error| error.to_string())?;
        Ok((folder, version))
    }

    /// Findings as "file:line:column: path: what; help".
    fn explain(&self, name: &str, folder: &Folder, refused: Refused) -> String {
        let findings = match refused {
            Refused::Findings(findings) => findings,
            other => return other.to_string(),
        };
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

    /// A replaced version serves its calls for so long.
    fn drain(&self, version: Arc<Version>) {
        let instances = self.instances.clone();
        tokio::spawn(async move {
            sleep(version.limits().drain).await;
            if version.instances() > 0 {
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
            self.plugins.remove(&name);
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
