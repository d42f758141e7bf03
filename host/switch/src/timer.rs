//! What the switch waits for, in one table.

use std::collections::BTreeMap;

use jackfield_media::LegId;

use crate::{InstanceId, Time, Token};

/// What happens when a time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// A dial has rung long enough.
    Ring(LegId),
    /// The caller typed no (further) digit.
    Gather(LegId),
    /// The wait after an offer of ours that collided with theirs.
    Reoffer(LegId),
    /// A bridge has lasted its time; the leg whose verb made it.
    Bridge(LegId),
    /// A transferor has had time to hang up.
    Release(LegId),
    /// `next` of an instance.
    Next(InstanceId),
    Sleep(InstanceId, Token),
    /// A timer that a plugin started.
    Plugin(InstanceId, u64),
    /// The last leg of an instance has been gone for `after_hangup`.
    Grace(InstanceId),
    /// An instance has had its call for as long as it may.
    CallTime(InstanceId),
    /// Nobody answered a question on the bus.
    Question(u64),
    /// The pace of its plugin lets this launch go out.
    Launch(u64),
    /// A launch of this plugin may be allowed again.
    Pace(String),
}

/// A deadline that was set; needed to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerId {
    at: Time,
    number: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeMap<TimerId, Deadline>,
    next: u64,
}

impl Timers {
    pub(crate) fn set(&mut self, at: Time, deadline: Deadline) -> TimerId {
        self.next += 1;
        let id = TimerId { at, number: self.next };
        self.queue.insert(id, deadline);
        id
    }

    /// Forgets a deadline; one that has passed is no matter.
    pub(crate) fn cancel(&mut self, timer: impl Into<Option<TimerId>>) {
        if let Some(timer) = timer.into() {
            self.queue.remove(&timer);
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (TimerId, &Deadline)> {
        self.queue.iter().map(|(&id, deadline)| (id, deadline))
    }

    pub(crate) fn first(&self) -> Option<Time> {
        self.queue.keys().next().map(|id| id.at)
    }

    /// The next deadline that has come by `now`.
    pub(crate) fn pop(&mut self, now: Time) -> Option<Deadline> {
        let entry = self.queue.first_entry()?;
        (entry.key().at <= now).then(|| entry.remove())
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn deadlines_come_in_order_unless_cancelled() {
        let at = Duration::from_secs;
        let mut timers = Timers::default();
        let late = timers.set(at(3), Deadline::Question(3));
        timers.set(at(1), Deadline::Question(1));
        timers.set(at(1), Deadline::Question(2));
        timers.cancel(late);
        assert_eq!(timers.first(), Some(at(1)));
        assert_eq!(timers.pop(Duration::ZERO), None);
        assert_eq!(timers.pop(at(1)), Some(Deadline::Question(1)));
        assert_eq!(timers.pop(at(1)), Some(Deadline::Question(2)));
        assert_eq!((timers.pop(at(9)), timers.len()), (None, 0));
    }
}
