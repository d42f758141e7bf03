//! How many calls a plugin may launch at once and per second.

use std::{collections::VecDeque, time::Duration};

use crate::{Time, settings::LaunchLimits};

const WINDOW: Duration = Duration::from_secs(1);

/// Starts within a sliding window: never more than `limit` in any second.
#[derive(Debug, Default)]
struct Window {
    starts: VecDeque<Time>,
}

impl Window {
    /// The earliest time from `now` on at which one more may start; none with a limit of zero.
    fn next(&self, now: Time, limit: u32) -> Option<Time> {
        let limit = limit as usize;
        if limit == 0 {
            return None;
        }
        match self.starts.len().checked_sub(limit) {
            Some(nth_last) => Some(now.max(self.starts[nth_last] + WINDOW)),
            None => Some(now),
        }
    }

    /// Counts a start at `at`, which is `now` or later.
    fn start(&mut self, now: Time, at: Time) {
        while self.starts.front().is_some_and(|&start| start + WINDOW <= now) {
            self.starts.pop_front();
        }
        self.starts.push_back(at);
    }
}

/// The pace of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    under_way: u32,
    /// Launches that were granted, so that the guest learns the limit at once.
    granted: Window,
    /// INVITEs that left: storing an attempt takes its time, and must not bunch them.
    sent: Window,
}

impl Pace {
    /// How many more launches the limits allow now.
    pub(crate) fn room(&self, now: Time, limits: LaunchLimits) -> u32 {
        let in_window = self.granted.starts.iter().filter(|&&start| start + WINDOW > now).count();
        let per_second = limits.per_second.saturating_sub(in_window as u32);
        limits.at_once.saturating_sub(self.under_way).min(per_second)
    }

    /// When the next launch could be granted, if only time stands in its way.
    pub(crate) fn ready_at(&self, now: Time, limits: LaunchLimits) -> Option<Time> {
        if self.under_way >= limits.at_once {
            return None;
        }
        self.granted.next(now, limits.per_second)
    }

    /// Takes a place; the caller has seen [`room`](Pace::room).
    pub(crate) fn grant(&mut self, now: Time) {
        self.under_way += 1;
        self.granted.start(now, now);
    }

    /// When the INVITE of a granted launch may leave; its start counts from then.
    pub(crate) fn schedule(&mut self, now: Time, limits: LaunchLimits) -> Time {
        // A limit taken away after the grant still lets this one go.
        let at = self.sent.next(now, limits.per_second.max(1)).unwrap_or(now);
        self.sent.start(now, at);
        at
    }

    pub(crate) fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    pub(crate) fn under_way(&self) -> u32 {
        self.under_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: LaunchLimits = LaunchLimits { at_once: 3, per_second: 2 };

    fn ms(ms: u64) -> Time {
        Duration::from_millis(ms)
    }

    #[test]
    fn no_second_has_more_starts_than_the_limit() {
        let mut pace = Pace::default();
        assert_eq!(pace.room(ms(0), LIMITS), 2);
        pace.grant(ms(0));
        pace.grant(ms(600));
        assert_eq!(pace.room(ms(900), LIMITS), 0);
        assert_eq!(pace.ready_at(ms(900), LIMITS), Some(ms(1000)));
        assert_eq!(pace.room(ms(1000), LIMITS), 1);
        pace.grant(ms(1000));
        assert_eq!(pace.ready_at(ms(1700), LIMITS), None, "three are under way");
        pace.ended();
        assert_eq!(pace.ready_at(ms(1200), LIMITS), Some(ms(1600)));
    }

    #[test]
    fn attempts_stored_late_do_not_bunch() {
        let mut pace = Pace::default();
        let at: Vec<_> = (0..5).map(|_| pace.schedule(ms(100), LIMITS)).collect();
        assert_eq!(at, [ms(100), ms(100), ms(1100), ms(1100), ms(2100)]);
    }
}
