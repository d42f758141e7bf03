//! `[store]`: where the daemon keeps what running makes.

use std::path::PathBuf;

use serde::Deserialize;

/// `[store]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Store {
    /// The folder of everything that the daemon writes, relative to the configuration file:
    /// the database, recordings, certificates, caches, the control socket.
    pub folder: PathBuf,
    /// `sqlite:FILE`, relative to `folder`.
    pub url: String,
    /// The events of calls that are kept: the newest so many; 0: none.
    pub events: u32,
}

impl Default for Store {
    fn default() -> Self {
        Store { folder: PathBuf::from("var"), url: "sqlite:jackfield.db".to_owned(), events: 1_000_000 }
    }
}
