//! Why a world does not begin, in sentences.

use std::{io, path::PathBuf};

use jackfield_plugin::{EngineError, LoadError, ManifestError, Refused, journal::Damaged};

/// A site that cannot be simulated.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself in its message")]
pub enum SimError {
    #[error("{}: {error}", .path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{}: not there; {help}", .path.display())]
    NoWasm { path: PathBuf, help: &'static str },
    #[error("{}: {reason}", .path.display())]
    NoRunner { path: PathBuf, reason: String },
    #[error("{}:{error}", .path.display())]
    Manifest { path: PathBuf, error: ManifestError },
    #[error("{}: {error}", .path.display())]
    Prompt { path: PathBuf, error: jackfield_media::ClipError },
    #[error("the operator's settings of plugin {name}: {error}")]
    Config { name: String, error: toml::de::Error },
    #[error("plugin {name} cannot be loaded: {error}")]
    Load { name: String, error: LoadError },
    #[error("plugin {name} is refused: {error}")]
    Refused { name: String, error: Refused },
    #[error("route {pattern}: {error}")]
    Route { pattern: String, error: jackfield_switch::PatternError },
    #[error("the record of a call is damaged: {0}")]
    Record(#[from] Damaged),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl SimError {
    pub(crate) fn read(path: impl Into<PathBuf>, error: io::Error) -> SimError {
        SimError::Read { path: path.into(), error }
    }
}
