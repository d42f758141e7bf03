//! Deadlines of all transactions and sessions, in order; and what hangs on a connection.

use std::collections::{BTreeSet, HashMap};

use super::types::{ClientId, ServerId, SessionId};
use crate::Time;
use crate::flow::{Flow, FlowId};
use crate::transaction::Action;
use crate::transaction::timer::{Running, SLOWEST, Slot, Slots, Timer, Timers};

/// Who has timers and flows. The order is that of clean-up: requests before their sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Owner {
    Client(ClientId),
    Server(ServerId),
    Session(SessionId),
}

/// All running timers. Each owner keeps its own in [`Slots`], so that stopping one finds its entry.
#[derive(Debug)]
pub(super) struct Schedule {
    timers: Timers,
    queue: BTreeSet<(Time, Owner, Timer)>,
}

impl Schedule {
    pub(super) fn new(timers: Timers) -> Self {
        Schedule { timers, queue: BTreeSet::new() }
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.queue.first().map(|(at, ..)| *at)
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whose timers run.
    pub(super) fn owners(&self) -> impl Iterator<Item = Owner> {
        self.queue.iter().map(|(_, owner, _)| *owner)
    }

    /// Whose end is certain.
    pub(super) fn mortals(&self) -> impl Iterator<Item = Owner> {
        let bounds = self.queue.iter().filter(|(_, _, timer)| timer.slot() == Slot::Lifetime);
        bounds.map(|(_, owner, _)| *owner)
    }

    /// Takes a timer that is due; its owner empties the slot.
    pub(super) fn take_due(&mut self, now: Time) -> Option<(Owner, Timer)> {
        self.queue.first().filter(|(at, ..)| *at <= now)?;
        self.queue.pop_first().map(|(_, owner, timer)| (owner, timer))
    }

    /// Carries out the timer actions of a machine; `round` is that of the timer that has just fired.
    pub(super) fn apply(
        &mut self,
        now: Time,
        action: Action,
        owner: Owner,
        slots: &mut Slots,
        reliable: bool,
        round: u32,
    ) {
        let (timer, round) = match action {
            Action::Start(timer) => (timer, 0),
            Action::Again(timer) => (timer, round + 1),
            Action::Slowly(timer) => (timer, SLOWEST),
            Action::Stop(timer) => return self.stop(owner, slots, timer.slot()),
            _ => return,
        };
        self.stop(owner, slots, timer.slot());
        if let Some(delay) = self.timers.delay(timer, reliable, round) {
            let at = now + delay;
            self.queue.insert((at, owner, timer));
            *slots.slot(timer.slot()) = Some(Running { timer, at, round });
        }
    }

    /// Starts a timer that has no delay of its own in the table.
    pub(super) fn start_at(&mut self, at: Time, timer: Timer, owner: Owner, slots: &mut Slots) {
        self.stop(owner, slots, timer.slot());
        self.queue.insert((at, owner, timer));
        *slots.slot(timer.slot()) = Some(Running { timer, at, round: 0 });
    }

    pub(super) fn stop(&mut self, owner: Owner, slots: &mut Slots, slot: Slot) {
        if let Some(running) = slots.slot(slot).take() {
            self.queue.remove(&(running.at, owner, running.timer));
        }
    }

    pub(super) fn stop_all(&mut self, owner: Owner, slots: &mut Slots) {
        self.stop(owner, slots, Slot::Retransmit);
        self.stop(owner, slots, Slot::Lifetime);
    }
}

/// Who hangs on which connection. A UDP socket carries everybody and has no end of its own: it is not
/// listed, and what was under way on it runs into its timers.
#[derive(Debug, Default)]
pub(super) struct Flows {
    owners: HashMap<FlowId, BTreeSet<Owner>>,
}

impl Flows {
    pub(super) fn attach(&mut self, flow: &Flow, owner: Owner) {
        if flow.transport.is_reliable() {
            self.owners.entry(flow.id).or_default().insert(owner);
        }
    }

    pub(super) fn detach(&mut self, flow: &Flow, owner: Owner) {
        if let Some(owners) = self.owners.get_mut(&flow.id) {
            owners.remove(&owner);
            if owners.is_empty() {
                self.owners.remove(&flow.id);
            }
        }
    }

    pub(super) fn owners(&self) -> impl Iterator<Item = Owner> {
        self.owners.values().flatten().copied()
    }

    pub(super) fn close(&mut self, flow: FlowId) -> BTreeSet<Owner> {
        self.owners.remove(&flow).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }
}
