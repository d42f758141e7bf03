//! Which address a leg listens to.
//!
//! The address in the SDP of a phone behind a NAT is not the one that its packets come from, so the first
//! valid packet decides ("latching"). Once decided it stays: otherwise anybody who guesses the port could
//! take the call over. Only a new address in the signalling opens the latch again.

use std::{net::SocketAddr, time::Duration};

use crate::Time;

/// How long packets from the former source cannot latch again after the latch was opened: they are still
/// on their way while the peer moves to the address that it announced.
const MOVING: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Latch {
    source: Option<SocketAddr>,
    former: Option<(SocketAddr, Time)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    /// Accepted, and from now on only this source is.
    Latched,
    Refused,
}

impl Latch {
    /// Judges the source of a packet that is valid otherwise.
    pub(crate) fn admit(&mut self, now: Time, source: SocketAddr) -> Verdict {
        match (self.source, self.former) {
            (Some(latched), _) if latched == source => Verdict::Accepted,
            (Some(_), _) => Verdict::Refused,
            (None, Some((former, until))) if former == source && now < until => Verdict::Accepted,
            (None, _) => {
                self.source = Some(source);
                self.former = None;
                Verdict::Latched
            }
        }
    }

    /// The peer has announced another address.
    pub(crate) fn open(&mut self, now: Time) {
        if let Some(source) = self.source.take() {
            self.former = Some((source, now.saturating_add(MOVING)));
        }
    }

    pub(crate) fn source(&self) -> Option<SocketAddr> {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    #[test]
    fn the_first_source_stays_until_the_peer_announces_another() {
        let mut latch = Latch::default();
        assert_eq!(latch.admit(Time::ZERO, addr(1)), Verdict::Latched);
        assert_eq!(latch.admit(Time::ZERO, addr(2)), Verdict::Refused);
        assert_eq!(latch.admit(Time::ZERO, addr(1)), Verdict::Accepted);

        latch.open(Time::ZERO);
        assert_eq!(latch.admit(Time::ZERO, addr(1)), Verdict::Accepted, "still on its way");
        assert_eq!(latch.source(), None, "but it does not latch");
        assert_eq!(latch.admit(Time::ZERO, addr(2)), Verdict::Latched);
        assert_eq!(latch.admit(Time::ZERO, addr(1)), Verdict::Refused);
    }

    #[test]
    fn a_peer_that_did_not_move_latches_again() {
        let mut latch = Latch::default();
        latch.admit(Time::ZERO, addr(1));
        latch.open(Time::ZERO);
        assert_eq!(latch.admit(MOVING, addr(1)), Verdict::Latched);
    }
}
