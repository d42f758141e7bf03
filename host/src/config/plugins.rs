//! `[plugins.NAME]`: which plugins run, what they may do and how much of it.

use std::path::PathBuf;

use jackfield_plugin::{Grant, LimitsWish};
use serde::Deserialize;

/// `[plugins.NAME]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plugin {
    /// The folder or bundle that is watched, relative to the configuration file; one may serve several names.
    pub path: PathBuf,
    /// The manifest asks, this grants; nothing is granted that is not said.
    #[serde(default)]
    pub grant: Grant,
    /// Caps on the manifest's wishes.
    #[serde(default)]
    pub limits: LimitsWish,
    /// Whether its calls are recorded, where `[journal]` says that calls are.
    #[serde(default = "yes")]
    pub journal: bool,
    /// Overrides the manifest's own `[config]`.
    #[serde(default)]
    pub config: toml::Table,
    /// A new version goes live only when the plugin's own cases pass. Not unless said: a changed sentence is the
    /// commonest change, and the cases quote the old one.
    #[serde(default)]
    pub tests: bool,
}

fn yes() -> bool {
    true
}
