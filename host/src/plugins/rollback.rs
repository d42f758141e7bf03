//! Back to a version that was live before, at once.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::{Files, KeptVersion, Manager, folder::hex, kept::Pin, load::Candidate, status::Origin};

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct RolledBack {
    /// Whose files are live now.
    pub to: KeptVersion,
    /// The number of the load.
    pub number: u64,
    /// What was live, and its calls, which stay there.
    pub former: Option<(u64, u32)>,
    /// These are the files that lie in the plugin's folder, too.
    pub is_folder: bool,
}

/// The versions of a plugin that can be gone back to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Versions {
    /// The newest last.
    pub kept: Vec<KeptVersion>,
    pub live: Option<u64>,
}

impl Manager {
    pub fn versions(&self, name: &str) -> Result<Versions, String> {
        if !self.entries.load().contains_key(name) {
            return Err(no_plugin(name));
        }
        let live = self.plugins.live(name).map(|live| live.number());
        Ok(Versions { kept: self.kept.versions(name), live })
    }

    /// To a version of that number, or else to the one before. It runs until the plugin's folder changes, also
    /// after a restart.
    pub async fn roll_back(self: &Arc<Self>, name: &str, to: Option<u64>) -> Result<RolledBack, String> {
        let entries = self.entries.load_full();
        let entry = entries.get(name).ok_or_else(|| no_plugin(name))?;
        if entry.trust.required {
            return Err(format!(
                "what is kept of {name} has no signature, and [signatures] required = true: put its older bundle in \
                 the place of the newer one"
            ));
        }
        let turn = self.known(name, |known| known.turn.clone());
        let _turn = turn.lock().await;
        let former = self.plugins.live(name).map(|live| (live.number(), live.instances()));
        let to = choose(name, &self.kept.versions(name), former.map(|(number, _)| number), to)?;
        let folder = entry.folder.clone();
        let folder =
            spawn_blocking(move || folder_digest(&folder)).await.map_err(|panic| panic.to_string())?;
        let is_folder = folder == to.digest;
        let files = self.kept.files(&to, &entry.folder)?;
        let number = self.next_number(name, None);
        let origin = if is_folder { Origin::Folder } else { Origin::Back(to.origin()) };
        // It has passed its cases once, or never had to.
        let candidate = Candidate { files, cases: None, passed: to.passed.clone(), origin, number };
        let (version, candidate) = self
            .load(name, entry, candidate)
            .await
            .map_err(|problem| format!("v{} cannot be live again: {problem}", to.number))?;
        self.set_pin(name, (!is_folder).then(|| Pin { to: to.origin(), folder }));
        self.bring_live(entry, version, candidate).await;
        Ok(RolledBack { to, number, former, is_folder })
    }
}

/// As it is compared with the folder of a later look.
fn folder_digest(folder: &std::path::Path) -> String {
    hex(&super::look::digest_of(&Files::read(folder)))
}

fn choose(
    name: &str,
    kept: &[KeptVersion],
    live: Option<u64>,
    to: Option<u64>,
) -> Result<KeptVersion, String> {
    let running = kept.iter().rev().find(|version| Some(version.number) == live);
    let chosen = match to {
        Some(number) => kept.iter().find(|version| version.number == number),
        None => {
            let before = running.map_or(u64::MAX, KeptVersion::origin);
            let other =
                |version: &&KeptVersion| running.is_none_or(|running| running.digest != version.digest);
            kept.iter().rev().filter(|version| version.number < before).find(other)
        }
    };
    match chosen {
        Some(chosen) if running.is_some_and(|running| running.digest == chosen.digest) => {
            Err(format!("{name} runs the files of v{} already", chosen.number))
        }
        Some(chosen) => Ok(chosen.clone()),
        None if kept.is_empty() => Err(format!("no version of {name} is kept")),
        None => {
            let what = to.map_or("an older version".to_owned(), |to| format!("v{to}"));
            let names: Vec<String> = kept.iter().map(|version| format!("v{}", version.number)).collect();
            Err(format!("{what} of {name} is not kept; there are {}", names.join(", ")))
        }
    }
}

fn no_plugin(name: &str) -> String {
    format!("there is no plugin {name}; `jackfield plugins` lists them")
}
