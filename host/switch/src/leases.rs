//! The sockets that media workers lend.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jackfield_media::{Lease, LegId, PortId, WorkerId};

/// Of a call between two.
const LEGS_OF_A_CALL: usize = 2;

/// Which sockets are free, and which leg has which of the others.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    /// The longest unused socket first: what still comes in from a former call dies out.
    free: BTreeMap<WorkerId, VecDeque<Lease>>,
    known: BTreeSet<(WorkerId, PortId)>,
    used: BTreeMap<LegId, Lease>,
}

impl Leases {
    /// Sockets that were not lent before; the others are known.
    pub(crate) fn add(&mut self, leases: Vec<Lease>) {
        for lease in leases {
            if self.known.insert((lease.worker, lease.port)) {
                self.free.entry(lease.worker).or_default().push_back(lease);
            }
        }
    }

    /// A socket of this worker, or of the one that has most of them free.
    pub(crate) fn take(&mut self, leg: LegId, worker: Option<WorkerId>) -> Option<Lease> {
        let free = match worker {
            Some(worker) => self.free.get_mut(&worker)?,
            None => self.free.values_mut().rev().max_by_key(|free| free.len())?,
        };
        let lease = free.pop_front()?;
        self.used.insert(leg, lease);
        Some(lease)
    }

    /// A socket of this worker if a whole call has room there, else of any.
    pub(crate) fn take_near(&mut self, leg: LegId, worker: Option<WorkerId>) -> Option<Lease> {
        let has_room =
            |worker: &WorkerId| self.free.get(worker).is_some_and(|free| free.len() >= LEGS_OF_A_CALL);
        let worker = worker.filter(has_room);
        self.take(leg, worker)
    }

    /// The leg is closed: its socket is free again.
    pub(crate) fn give_back(&mut self, leg: LegId) {
        if let Some(lease) = self.used.remove(&leg) {
            self.free.entry(lease.worker).or_default().push_back(lease);
        }
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

    #[test]
    fn a_socket_is_lent_once_and_comes_back_last() {
        let mut leases = Leases::default();
        leases.add(vec![lease(0, 1), lease(0, 2), lease(0, 1)]);
        assert_eq!(leases.take(LegId(1), None), Some(lease(0, 1)));
        leases.give_back(LegId(1));
        assert_eq!(leases.take(LegId(2), None), Some(lease(0, 2)));
        assert_eq!(leases.take(LegId(3), None), Some(lease(0, 1)));
        assert_eq!(leases.take(LegId(4), None), None);
        assert_eq!(leases.used(), 2);
    }

    #[test]
    fn a_call_goes_to_the_worker_with_most_room_and_its_legs_stay_together() {
        let mut leases = Leases::default();
        leases.add(vec![lease(0, 1), lease(1, 1), lease(1, 2)]);
        assert_eq!(leases.take(LegId(1), None), Some(lease(1, 1)));
        assert_eq!(leases.take(LegId(2), Some(WorkerId(1))), Some(lease(1, 2)));
        assert_eq!(leases.take(LegId(3), Some(WorkerId(1))), None);
    }

    #[test]
    fn a_call_goes_near_another_one_where_both_its_legs_have_room() {
        let mut leases = Leases::default();
        leases.add(vec![lease(0, 1), lease(0, 2), lease(1, 1), lease(1, 2), lease(1, 3)]);
        assert_eq!(leases.take_near(LegId(1), Some(WorkerId(0))), Some(lease(0, 1)));
        assert_eq!(leases.take_near(LegId(2), Some(WorkerId(0))), Some(lease(1, 1)));
        assert_eq!(leases.take_near(LegId(3), Some(WorkerId(7))), Some(lease(1, 2)));
    }
}
