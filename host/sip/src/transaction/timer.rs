//! The timers of RFC 3261 17 (table 4) and RFC 6026, and those of INVITE sessions.

use crate::Time;
use std::time::Duration;

/// The base intervals of RFC 3261 table 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Estimate of the round trip; 500 ms.
    pub t1: Duration,
    /// Longest interval between retransmissions of non-INVITE requests and INVITE responses; 4 s.
    pub t2: Duration,
    /// Longest time that a message stays in the network; 5 s.
    pub t4: Duration,
    /// A ringing callee repeats its last provisional response this often, so that no proxy's timer C
    /// fires (RFC 3261 13.3.1.1); 60 s.
    pub ringing: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Timers {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            ringing: Duration::from_secs(60),
        }
    }
}

/// Every timer of the crate. The letters are those of RFC 3261 and RFC 6026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Timer {
    /// INVITE request retransmission, UDP only.
    A,
    /// INVITE transaction time-out.
    B,
    /// Wait for retransmissions of a failure response to INVITE.
    D,
    /// Non-INVITE request retransmission, UDP only.
    E,
    /// Non-INVITE transaction time-out.
    F,
    /// INVITE failure response retransmission, UDP only.
    G,
    /// Wait for the ACK of an INVITE failure response.
    H,
    /// Wait for retransmissions of that ACK.
    I,
    /// Wait for retransmissions of a non-INVITE request.
    J,
    /// Wait for retransmissions of a non-INVITE response.
    K,
    /// Wait for retransmissions of an INVITE that was accepted (RFC 6026 7.1).
    L,
    /// Wait for retransmissions of 2xx and for those of other forks (RFC 6026 7.2).
    M,
    /// No final response to a cancelled INVITE (RFC 3261 9.1).
    Cancelled,
    /// Our user never answered a non-INVITE request; its client has given up by now (timer F).
    Unanswered,
    /// 2xx retransmission by the session, over any transport (RFC 3261 13.3.1.4).
    Accepted,
    /// No ACK for that 2xx.
    NoAck,
    /// Retransmission of a reliable provisional response, over any transport (RFC 3262 3).
    Provisional,
    /// No PRACK for it.
    NoPrack,
    /// The session wants a sign of life from us (RFC 4028); its time is the session's own.
    Refresh,
    /// The peer has given none in time.
    Expired,
    /// Provisional response refresh while ringing.
    Ringing,
}

/// Every owner runs at most one timer of each slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Retransmit,
    Lifetime,
}

impl Timer {
    pub(crate) fn slot(self) -> Slot {
        match self {
            Timer::A | Timer::E | Timer::G | Timer::Accepted | Timer::Provisional | Timer::Ringing => {
                Slot::Retransmit
            }
            _ => Slot::Lifetime,
        }
    }
}

/// The round of a retransmission timer whose interval has reached T2.
pub(crate) const SLOWEST: u32 = 31;

impl Timers {
    /// How long `timer` runs in its `round` (from 0). None: it does not run on this kind of transport.
    pub(crate) fn delay(&self, timer: Timer, reliable: bool, round: u32) -> Option<Duration> {
        let doubled = self.t1.saturating_mul(1 << round.min(SLOWEST));
        let on_udp = |delay| if reliable { Duration::ZERO } else { delay };
        match timer {
            Timer::A | Timer::E | Timer::G if reliable => None,
            Timer::A | Timer::Provisional => Some(doubled),
            Timer::E | Timer::G | Timer::Accepted => Some(doubled.min(self.t2)),
            Timer::D | Timer::J => Some(on_udp(64 * self.t1)),
            Timer::I | Timer::K => Some(on_udp(self.t4)),
            Timer::Refresh | Timer::Expired => None,
            Timer::Ringing => Some(self.ringing),
            Timer::B | Timer::F | Timer::H | Timer::L | Timer::M => Some(64 * self.t1),
            Timer::Cancelled | Timer::Unanswered | Timer::NoAck | Timer::NoPrack => Some(64 * self.t1),
        }
    }
}

/// A running timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) timer: Timer,
    pub(crate) at: Time,
    pub(crate) round: u32,
}

/// The running timers of one transaction or session.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    retransmit: Option<Running>,
    lifetime: Option<Running>,
}

impl Slots {
    pub(crate) fn slot(&mut self, slot: Slot) -> &mut Option<Running> {
        match slot {
            Slot::Retransmit => &mut self.retransmit,
            Slot::Lifetime => &mut self.lifetime,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retransmissions_double_from_t1_and_stop_at_t2() {
        let timers = Timers::default();
        let invite: Vec<_> = (0..5).map(|n| timers.delay(Timer::A, false, n).unwrap().as_millis()).collect();
        assert_eq!(invite, [500, 1000, 2000, 4000, 8000]);
        let other: Vec<_> = (0..5).map(|n| timers.delay(Timer::E, false, n).unwrap().as_millis()).collect();
        assert_eq!(other, [500, 1000, 2000, 4000, 4000]);
        assert_eq!(timers.delay(Timer::E, false, SLOWEST), Some(timers.t2));
    }

    #[test]
    fn a_reliable_transport_retransmits_only_2xx() {
        let timers = Timers::default();
        for timer in [Timer::A, Timer::E, Timer::G] {
            assert_eq!(timers.delay(timer, true, 0), None);
        }
        for timer in [Timer::D, Timer::I, Timer::J, Timer::K] {
            assert_eq!(timers.delay(timer, true, 0), Some(Duration::ZERO));
        }
        assert_eq!(timers.delay(Timer::Accepted, true, 0), Some(timers.t1));
    }
}
