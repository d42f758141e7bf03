//! Calls that are recorded, to be run again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jackfield_plugin::journal::{Damaged, Journal, Kept, Record, Replayed, Snapshot, Way};

use crate::{
    Plugin,
    engine::{engine, load},
    error::SimError,
};

/// Keeps all records of a world in memory.
pub(crate) struct Shelf {
    room: usize,
    kept: Mutex<Vec<RecordedCall>>,
}

impl Shelf {
    pub(crate) fn new(room: usize) -> Shelf {
        Shelf { room, kept: Mutex::default() }
    }

    pub(crate) fn calls(&self) -> Vec<RecordedCall> {
        self.kept().clone()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<RecordedCall>> {
        // Nothing panics while it is held.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for Shelf {
    fn room(&self, _: &str) -> Option<usize> {
        Some(self.room)
    }

    fn keep(&self, kept: Kept) {
        self.kept().push(RecordedCall(Arc::new(kept)));
    }
}

/// What an app asked and got in one call.
#[derive(Clone)]
pub struct RecordedCall(Arc<Kept>);

impl RecordedCall {
    /// What happened.
    pub fn record(&self) -> &Record {
        &self.0.record
    }

    /// As the daemon would write it to its journal, with what belongs to it.
    pub fn kept(&self) -> &Kept {
        &self.0
    }

    /// Runs it again, by the version that it had: it must ask the same and end the same.
    pub fn replay(&self) -> Result<Replayed, SimError> {
        let (_, snapshot) = self.0.version.snapshot();
        let snapshot = Snapshot::parse(snapshot).ok_or(SimError::Record(Damaged::Head))?;
        let source = snapshot.source(self.0.version.wasm().to_owned());
        let version = load(&engine()?, source)
            .map_err(|error| SimError::Load { name: snapshot.name.clone(), error })?;
        Ok(self.record().replay(&version, Way::Identical)?)
    }

    /// Runs it again by another version of its plugin: where would it have gone otherwise?
    pub fn replay_with(&self, plugin: &Plugin) -> Result<Replayed, SimError> {
        let name = &self.record().head.plugin;
        let mut source = plugin.source(name, 0)?;
        if let Some(snapshot) = Snapshot::parse(self.0.version.snapshot().1) {
            snapshot.star(&mut source);
        }
        let version =
            load(&engine()?, source).map_err(|error| SimError::Load { name: name.clone(), error })?;
        Ok(self.record().replay(&version, Way::Otherwise)?)
    }
}
