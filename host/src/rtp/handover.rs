//! A leg on its way from one worker to another: its state and its sockets.
//!
//! Each move has a channel of its own for one leg. The worker that is to have the leg leaves its further orders in
//! their queue until the leg has come, so that nothing is done for it too early; packets of others go on meanwhile.

use std::sync::{
    Arc,
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use jackfield_media::{Command, LegId, Moved};
use mio::Waker;

use super::port::Port;

/// What a worker is to do, in its order.
pub(super) enum Order {
    Command(Command),
    /// Hand this leg over.
    Give(LegId, Giver),
    /// Take the leg that comes this way.
    Take(Taker),
}

/// A leg with its sockets.
pub(super) struct Handover {
    pub(super) leg: LegId,
    pub(super) moved: Moved,
    pub(super) port: Box<Port>,
}

pub(super) type Taker = Receiver<Box<Handover>>;

/// Where a leg is put. Dropped without one, when there is no such leg, it lets the other worker go on.
pub(super) struct Giver {
    /// Closed before the last wake-up: fields are dropped in their order.
    sender: SyncSender<Box<Handover>>,
    _waker: WakeAtEnd,
}

impl Giver {
    /// The way to the worker that `waker` wakes.
    pub(super) fn new(waker: WakeAtEnd) -> (Giver, Taker) {
        let (sender, taker) = sync_channel(1);
        (Giver { sender, _waker: waker }, taker)
    }

    /// The leg comes back when nobody takes it.
    pub(super) fn give(self, leg: Box<Handover>) -> Result<(), Box<Handover>> {
        self.sender.try_send(leg).map_err(|(TrySendError::Full(leg) | TrySendError::Disconnected(leg))| leg)
    }
}

/// Wakes a worker, and once more at its own end: the worker sees what was closed.
#[derive(Clone)]
pub(super) struct WakeAtEnd(Arc<Waker>);

impl WakeAtEnd {
    pub(super) fn new(waker: Arc<Waker>) -> WakeAtEnd {
        WakeAtEnd(waker)
    }

    pub(super) fn wake(&self) {
        let _ = self.0.wake();
    }
}

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        self.wake();
    }
}
