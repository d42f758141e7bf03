//! Guests that compute for long take turns, so that those who only react are not kept waiting.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use futures_util::lock::{Mutex, OwnedMutexGuard, OwnedMutexLockFuture};

use crate::meter::Meter;

/// So many guests compute at once for longer than a tick; all others wait for their turn.
pub(crate) struct Turns {
    lanes: Vec<Arc<Mutex<()>>>,
    next: AtomicUsize,
}

impl Turns {
    pub(crate) fn new(at_once: usize) -> Turns {
        Turns { lanes: (0..at_once.max(1)).map(|_| Arc::default()).collect(), next: AtomicUsize::new(0) }
    }

    fn wait(&self) -> OwnedMutexLockFuture<()> {
        let lane = self.next.fetch_add(1, Relaxed) % self.lanes.len();
        self.lanes[lane].clone().lock_owned()
    }
}

/// Runs a guest that yields at every tick. It is polled at once when it comes from a host call; when it was found
/// running at two ticks it goes on only in its turn, which it keeps until it waits in a host call. One tick says
/// nothing: it comes to who has just begun as well.
pub(crate) struct InTurn<F> {
    pub(crate) guest: F,
    pub(crate) meter: Arc<Meter>,
    pub(crate) turns: Arc<Turns>,
    pub(crate) turn: Turn,
}

pub(crate) enum Turn {
    NotNeeded,
    /// One tick has passed.
    Near,
    Awaited(OwnedMutexLockFuture<()>),
    Taken(#[expect(dead_code, reason = "who holds it has the turn")] OwnedMutexGuard<()>),
}

impl<T, F: Future<Output = T> + Unpin> Future for InTurn<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = &mut *self;
        if let Turn::Awaited(turn) = &mut this.turn {
            this.turn = Turn::Taken(ready!(Pin::new(turn).poll(cx)));
        }
        let polled = Pin::new(&mut this.guest).poll(cx);
        let computes = polled.is_pending() && !this.meter.is_waiting();
        match (&this.turn, computes) {
            (Turn::NotNeeded, true) => this.turn = Turn::Near,
            // It has woken itself: it is polled again, and then waits for its turn.
            (Turn::Near, true) => this.turn = Turn::Awaited(this.turns.wait()),
            (Turn::Near | Turn::Taken(_), false) => this.turn = Turn::NotNeeded,
            _ => {}
        }
        polled
    }
}
