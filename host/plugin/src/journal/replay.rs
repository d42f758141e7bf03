//! Runs a version against a record.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use jackfield_switch::Level;

use super::{
    player::Player,
    record::{Damaged, Record},
};
use crate::version::Version;

/// How exactly a replay must be what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Host call by host call: for the version that was recorded.
    Identical,
    /// Decision by decision, for another version. What it only wants to know (the time, a random number, how long a
    /// sentence is) it may ask more or less often. Where it decides the same with other words, the call goes on as it
    /// was recorded.
    Otherwise,
}

/// What became of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Decisions that were equal, or differ in words only.
    pub decisions: u32,
    /// Those that differ in words, in order; the first thousand.
    pub words: Vec<Difference>,
    /// What the guest wrote to the log; the first thousand lines.
    pub log: Vec<Said>,
    /// How it went on.
    pub outcome: Outcome,
}

/// Whether a call would have gone otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It took all decisions of the record, and ended the same.
    Same,
    /// It took all decisions of the record, and the record has no end: the call was cut off, by the exchange, by a
    /// limit, or for want of room.
    AsFarAsRecorded,
    /// Here they part. What would have come next, nobody knows.
    Otherwise(Difference),
}

/// Where a guest decides otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// From 1.
    pub decision: u32,
    /// Since the guest began, in the record.
    pub at: Duration,
    /// What was decided.
    pub was: String,
    /// What is decided now.
    pub would: String,
}

/// A line of a guest's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// After so many decisions.
    pub decision: u32,
    /// Since the guest began, in the record.
    pub at: Duration,
    /// How bad it is.
    pub level: Level,
    /// The line with its fields.
    pub text: String,
}

impl Record {
    /// Runs the version from the beginning of this call. Nothing of it reaches the world, and it takes no longer than
    /// the guest computes. The version's engine must be [deterministic](crate::EngineOptions::deterministic): in any
    /// other, a guest that computes for ever is not ended.
    pub fn replay(&self, version: &Arc<Version>, way: Way) -> Result<Replayed, Damaged> {
        let player = Arc::new(Player::new(self, way)?);
        run(version.play(&player, self));
        Ok(player.finish())
    }
}

/// Polls as long as it is woken. After that it has ended, or waits for what will never come.
fn run<T>(guest: impl Future<Output = T>) {
    let woken = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut guest = pin!(guest);
    while woken.0.swap(false, Relaxed) {
        if guest.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            return;
        }
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}
