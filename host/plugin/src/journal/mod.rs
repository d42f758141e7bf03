//! Time travel: what a guest asked and what it was told is written down, and can be run again.
//!
//! A guest is a function of what its host calls return. A [`Record`] holds these of one call, in order, with their
//! times: what the guest [`Asked`], which is what it decided, and what it [`Got`]. [`Record::replay`] runs a version
//! with these answers in place of the world, and says where it asks for something else. What the version was is a
//! [`Snapshot`]: its settings, rights, limits and the lengths of its prompts, beside the file of its code.
//!
//! The values of settings that the manifest marks as secret are never written: stars stand in their place.

mod mask;
mod patience;
mod player;
mod record;
mod recorder;
mod replay;
mod services;
mod snapshot;
mod step;
mod words;

use std::sync::Arc;

pub use record::{Damaged, Ended, Head, Record};
pub use recorder::{Journal, Kept};
pub use replay::{Difference, Outcome, Replayed, Said, Way};
pub use snapshot::Snapshot;
pub use step::{Asked, Got, Step};

pub(crate) use mask::Secrets;
pub(crate) use player::Player;
pub(crate) use recorder::Recorder;
pub(crate) use services::Taped;

/// What becomes of the host calls of one instance.
#[derive(Clone, Default)]
pub(crate) enum Tape {
    /// They are made, and forgotten.
    #[default]
    Off,
    /// They are made, and written down.
    Recording(Arc<Recorder>),
    /// They are answered as they were once.
    Playing(Arc<Player>),
}

impl Tape {
    /// The instance ended; none: it never began.
    pub(crate) fn ended(&self, end: Option<Ended>) {
        match self {
            Tape::Off => {}
            Tape::Recording(recorder) => recorder.ended(end),
            Tape::Playing(player) => player.ended(end),
        }
    }

    /// Whether somebody wants to know what is said.
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self, Tape::Off)
    }
}
