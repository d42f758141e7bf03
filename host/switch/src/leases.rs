//! The sockets that media workers lend.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jackfield_media::{Lease, LegId, PortId, WorkerId};

/// Which sockets are free, and which leg has which of the others.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    /// The longest unused socket first: what still comes in from a former call dies out.
    free: BTreeMap<WorkerId, VecDeque<Lease>>,
    known: BTreeSet<PortId>,
    used: BTreeMap<LegId, Lease>,
    /// Sockets that workers have of others, less those that others have of them.
    gained: BTreeMap<WorkerId, i64>,
}

impl Leases {
    /// Sockets that were not lent before; the others are known.
    pub(crate) fn add(&mut self, leases: Vec<Lease>) {
        for lease in leases {
            if self.known.insert(lease.port) {
                self.free.entry(lease.worker).or_default().push_back(lease);
            }
        }
    }

    /// A socket of this worker, or else of the one that has most of them free.
    pub(crate) fn take(&mut self, leg: LegId, worker: Option<WorkerId>) -> Option<Lease> {
        let near = worker.and_then(|worker| self.free.get_mut(&worker)).filter(|free| !free.is_empty());
        let free = match near {
            Some(near) => near,
            None => self.free.values_mut().rev().max_by_key(|free| free.len())?,
        };
        let lease = free.pop_front()?;
        self.used.insert(leg, lease);
        Some(lease)
    }

    /// Which of two workers is to have the legs of both. Sockets go with the legs: it is the one that has gained
    /// less, so that none runs out of them.
    pub(crate) fn meeting_place(&self, a: WorkerId, b: WorkerId) -> WorkerId {
        let gained = |worker| self.gained.get(&worker).copied().unwrap_or_default();
        if gained(a) <= gained(b) { a } else { b }
    }

    /// The socket of a leg is on that worker from now on.
    pub(crate) fn hand_over(&mut self, leg: LegId, to: WorkerId) {
        let Some(lease) = self.used.get_mut(&leg).filter(|lease| lease.worker != to) else { return };
        *self.gained.entry(lease.worker).or_default() -= 1;
        *self.gained.entry(to).or_default() += 1;
        lease.worker = to;
    }

    /// The leg is closed: its socket is free again, on the worker that says so.
    pub(crate) fn give_back(&mut self, leg: LegId, worker: WorkerId) {
        self.hand_over(leg, worker);
        if let Some(lease) = self.used.remove(&leg) {
            self.free.entry(lease.worker).or_default().push_back(lease);
        }
    }

    /// The socket of a leg, until it is closed.
    pub(crate) fn of(&self, leg: LegId) -> Option<Lease> {
        self.used.get(&leg).copied()
    }

    pub(crate) fn used(&self) -> usize {
        self.used.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(worker: u16, port: u32) -> Lease {
        Lease { worker: WorkerId(worker), port: PortId(port), number: 20_000 + port as u16 }
    }

    fn leases(all: &[Lease]) -> Leases {
        let mut leases = Leases::default();
        leases.add(all.to_vec());
        leases
    }

    #[test]
    fn a_socket_is_lent_once_and_comes_back_last() {
        let mut leases = leases(&[lease(0, 1), lease(0, 2), lease(0, 1)]);
        assert_eq!(leases.take(LegId(1), None), Some(lease(0, 1)));
        leases.give_back(LegId(1), WorkerId(0));
        assert_eq!(leases.take(LegId(2), None), Some(lease(0, 2)));
        assert_eq!(leases.take(LegId(3), None), Some(lease(0, 1)));
        assert_eq!(leases.take(LegId(4), None), None);
        assert_eq!(leases.used(), 2);
    }

    #[test]
    fn a_call_goes_to_the_worker_with_most_room_and_its_legs_stay_together_while_there_is_room() {
        let mut leases = leases(&[lease(0, 1), lease(1, 11), lease(1, 12)]);
        assert_eq!(leases.take(LegId(1), None), Some(lease(1, 11)));
        assert_eq!(leases.take(LegId(2), Some(WorkerId(1))), Some(lease(1, 12)));
        assert_eq!(leases.take(LegId(3), Some(WorkerId(1))), Some(lease(0, 1)));
        assert_eq!(leases.take(LegId(4), Some(WorkerId(1))), None);
    }

    #[test]
    fn a_socket_that_moved_is_free_where_it_was_closed() {
        let mut leases = leases(&[lease(0, 1), lease(1, 2)]);
        leases.take(LegId(1), Some(WorkerId(0)));
        leases.take(LegId(2), Some(WorkerId(1)));
        leases.hand_over(LegId(1), WorkerId(1));
        leases.give_back(LegId(1), WorkerId(1));
        assert_eq!(leases.take(LegId(3), None), Some(lease(1, 1)));
        // Its worker closed it before it could move.
        leases.hand_over(LegId(2), WorkerId(0));
        leases.give_back(LegId(2), WorkerId(1));
        assert_eq!(leases.take(LegId(4), None), Some(lease(1, 2)));
        leases.add(vec![lease(0, 1)]);
        assert_eq!(leases.take(LegId(5), None), None, "a socket is lent once, wherever it is");
    }

    #[test]
    fn legs_meet_now_here_now_there() {
        let mut leases = leases(&[lease(0, 1), lease(0, 2), lease(1, 3)]);
        assert!((1..=3).all(|leg| leases.take(LegId(leg), None).is_some()));
        let [a, b] = [0, 1].map(WorkerId);
        assert_eq!((leases.meeting_place(a, b), leases.meeting_place(b, a)), (a, b));
        leases.hand_over(LegId(1), b);
        assert_eq!((leases.meeting_place(a, b), leases.meeting_place(b, a)), (a, a));
        leases.hand_over(LegId(1), a);
        assert_eq!(leases.meeting_place(b, a), b);
    }
}
