//! What `jackfield plugins` shows.

use std::time::Duration;

use jackfield_plugin::PluginStatus;
use serde::{Deserialize, Serialize};

use super::{Manager, Owner};

/// Where a version came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The plugin's folder.
    Folder,
    /// The operator went back: these are the files of that version.
    Back(u64),
    /// The daemon started with a folder that was refused, and goes on with the version that was live before.
    Kept,
}

/// A version that went live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// Unix time.
    pub since: Duration,
    pub origin: Origin,
}

/// A version, and what the operator should know about it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Shown {
    #[serde(flatten)]
    pub plugin: PluginStatus,
    /// It went live then: Unix time in milliseconds.
    pub since: Option<u64>,
    pub origin: Origin,
    /// Why the newest files are not looked at yet.
    pub waits: Option<String>,
}

impl Manager {
    /// Ordered by name; the live version before those that drain.
    pub fn status(&self) -> Vec<Shown> {
        let plugins = self.plugins.status();
        let mut former: Option<String> = None;
        let shown = plugins.into_iter().map(|plugin| {
            let life = self.known(&plugin.name, |known| known.lives.get(&plugin.number).copied());
            let first = former.as_ref() != Some(&plugin.name);
            former = Some(plugin.name.clone());
            Shown {
                since: life.map(|life| u64::try_from(life.since.as_millis()).unwrap_or(u64::MAX)),
                origin: life.map_or(Origin::Folder, |life| life.origin),
                waits: first.then(|| self.waits(&plugin.name)).flatten(),
                plugin,
            }
        });
        let shown: Vec<Shown> = shown.collect();
        self.forget_gone(&shown);
        shown
    }

    fn waits(&self, name: &str) -> Option<String> {
        let (path, time) = self.activity.writing(&Owner::Plugin(name.to_owned()))?;
        Some(format!("{} is being written, for {} s", path.display(), time.as_secs()))
    }

    fn forget_gone(&self, shown: &[Shown]) {
        for (name, known) in &mut self.state().known {
            let is_there = |number: u64| {
                shown.iter().any(|shown| shown.plugin.name == *name && shown.plugin.number == number)
            };
            let number = known.number;
            known.lives.retain(|life, _| *life == number || is_there(*life));
        }
    }
}
