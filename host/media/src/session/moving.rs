//! A leg that goes from one session to another.

use std::cmp::Reverse;

use super::{MAX_CATCH_UP, MAX_HEARD, MAX_PORTS, Session};
use crate::{LegId, PortId, Time, leg::Leg};

/// A leg on its way: its stream with SSRC, sequence, timestamps and keys, the latch, all counters, and whatever it
/// plays or records.
#[derive(Debug)]
pub struct Moved {
    leg: Box<Leg>,
    /// When it reports by RTCP.
    report: Option<Time>,
    /// The last tick at which it did what it has to do.
    tick: u64,
}

impl Moved {
    /// Its port, which goes with it.
    pub fn port(&self) -> PortId {
        self.leg.port
    }
}

impl Session {
    /// Takes a leg out, for [`adopt`](Self::adopt) of another worker's session that has the same [`Time`]. It is
    /// parted from the leg that it is bridged to, and leaves its mix; all else goes on. Nothing that concerns it
    /// comes out of `poll_*` after those that wait now. `None` when it is not open.
    pub fn take(&mut self, id: LegId) -> Option<Moved> {
        let mut report = None;
        self.reports.retain(|Reverse((at, leg))| {
            let is_its = *leg == id;
            report = report.or(is_its.then_some(*at));
            !is_its
        });
        let leg = self.remove(id)?;
        Some(Moved { leg: Box::new(leg), report, tick: self.tick })
    }

    /// Goes on with a leg that was taken out of another session. The limit of legs is for new ones; the number of
    /// ports limits these. One whose port is open already is closed.
    pub fn adopt(&mut self, now: Time, moved: Moved) {
        let Moved { mut leg, report, tick } = moved;
        if leg.port.0 as usize >= MAX_PORTS || !self.is_new(leg.id, leg.port) {
            return leg.close(now, &mut self.output);
        }
        // No leg here is behind the time any more: this one catches up alone, and does nothing twice.
        self.handle_timeout(now);
        if leg.walked {
            let first = (tick + 1).max((self.tick + 1).saturating_sub(MAX_CATCH_UP));
            for tick in (tick + 1).max(first.saturating_sub(MAX_HEARD))..=self.tick {
                leg.listen(tick, &mut self.output);
                if tick >= first {
                    leg.tick(tick, &mut self.output);
                }
            }
        }
        self.reports.extend(report.map(|at| Reverse((at, leg.id))));
        let deadline = leg.deadline(self.settings.media_timeout);
        self.watch = self.watch.into_iter().chain(deadline).min();
        let walked = leg.walked;
        let key = self.insert(*leg);
        self.walked.extend(walked.then_some(key));
    }
}
