//! Writes down what one instance asks and gets, into memory, up to a limit; the journal keeps it at its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jackfield_media::LegId;
use jackfield_switch::{CallInfo, InstanceId};

use super::{
    record::{Ended, Head, Record},
    step::{Asked, Got, Step},
};
use crate::{services::Services, version::Version};

/// Where records are kept. Implemented by the daemon and by the simulator; neither function may wait.
pub trait Journal: Send + Sync {
    /// Bytes that a call of this plugin may take; none: it is not recorded.
    fn room(&self, plugin: &str) -> Option<usize>;
    /// An instance has ended.
    fn keep(&self, kept: Kept);
}

/// What a journal is given.
pub struct Kept {
    /// What happened.
    pub record: Record,
    /// Who it happened to: its [snapshot](Version::snapshot) and its [code](Version::wasm) belong to the record.
    pub version: Arc<Version>,
}

impl Kept {
    /// For a file. Secrets of the version are not in it.
    pub fn encode(&self) -> Vec<u8> {
        self.record.encode(&self.version.secrets)
    }
}

pub(crate) struct Recorder {
    journal: Arc<dyn Journal>,
    /// The clock.
    services: Arc<dyn Services>,
    version: Arc<Version>,
    call: CallInfo,
    leg: LegId,
    instance: InstanceId,
    room: usize,
    began: u64,
    written: Mutex<Written>,
}

struct Written {
    steps: Vec<u8>,
    asked: u32,
    cut: bool,
    /// None: there is nothing to be kept.
    end: Option<Ended>,
}

impl Recorder {
    /// None: this plugin is not recorded.
    pub(crate) fn start(
        journal: &Arc<dyn Journal>,
        services: &Arc<dyn Services>,
        version: &Arc<Version>,
        (instance, leg, call): (InstanceId, LegId, &CallInfo),
    ) -> Option<Arc<Recorder>> {
        let room = journal.room(version.name())?;
        let written = Written { steps: Vec::new(), asked: 0, cut: false, end: Some(Ended::Dropped) };
        Some(Arc::new(Recorder {
            journal: journal.clone(),
            began: services.now(),
            services: services.clone(),
            version: version.clone(),
            call: call.clone(),
            leg,
            instance,
            room,
            written: Mutex::new(written),
        }))
    }

    /// The number of the question, for its answer.
    pub(crate) fn asked(&self, asked: Asked<'_>) -> u32 {
        let at = self.at();
        let mut written = self.written();
        let number = written.asked;
        if self.write(&mut written, &Step::Asked { at, asked }) {
            written.asked += 1;
        }
        number
    }

    pub(crate) fn got(&self, of: u32, got: Got) -> Got {
        let step = Step::Got { at: self.at(), of, got };
        let mut written = self.written();
        if of < written.asked {
            self.write(&mut written, &step);
        }
        let Step::Got { got, .. } = step else { unreachable!("made above") };
        got
    }

    /// None: it never began, and nothing is kept.
    pub(crate) fn ended(&self, end: Option<Ended>) {
        self.written().end = end;
    }

    /// Whether there was room. What comes after the first step without room is not known.
    fn write(&self, written: &mut Written, step: &Step<'_>) -> bool {
        if written.cut {
            return false;
        }
        let before = written.steps.len();
        self.version.secrets.write(step, &mut written.steps);
        if written.steps.len() > self.room {
            written.steps.truncate(before);
            written.cut = true;
        }
        !written.cut
    }

    fn at(&self) -> u32 {
        self.services.now().saturating_sub(self.began).try_into().unwrap_or(u32::MAX)
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        // Nothing panics while it is held.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let ended = self.at();
        let written = self.written.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(end) = written.end.take() else { return };
        let head = Head {
            plugin: self.version.name().to_owned(),
            version: self.version.manifest().plugin.version.clone(),
            number: self.version.number(),
            snapshot: self.version.snapshot().0.to_owned(),
            began: self.began,
            call: self.call.clone(),
            leg: self.leg,
            instance: self.instance.0,
            ended,
            end,
            asked: written.asked,
            cut: written.cut,
        };
        let record = Record::new(head, std::mem::take(&mut written.steps));
        self.journal.keep(Kept { record, version: self.version.clone() });
    }
}
