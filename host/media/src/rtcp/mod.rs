//! RTCP of one leg (RFC 3550 6): our reports to the peer, and the peer's to us.
//!
//! Each leg has a conversation of its own: what one peer reports is never passed on to another. Nothing is
//! sent before RTP has latched, and nothing to anybody but the host that it latched to.

mod packet;
mod reception;
mod sent;

use std::{net::SocketAddr, time::Duration};

use crate::{RemoteStats, Rtcp, Time};
pub(crate) use packet::is_rtcp;
pub(crate) use reception::Reception;
pub(crate) use sent::Sent;

/// Mean time between two reports (RFC 3550 6.2, for two participants).
const INTERVAL: f64 = 5.0;
/// Makes up for the way of drawing the interval (RFC 3550 6.3.1: e - 3/2).
const COMPENSATION: f64 = 1.218_28;
/// A round trip that is longer is a peer's clock gone astray.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(60);

/// What a leg knows and says by RTCP.
#[derive(Debug)]
pub(crate) struct Control {
    /// Canonical name, random and the same for the life of the leg (RFC 7022 4.2).
    cname: String,
    /// Where the peer's RTP came from when `source` was learnt.
    latched: Option<SocketAddr>,
    /// Where the peer's RTCP comes from.
    source: Option<SocketAddr>,
    /// The middle of the time in the peer's last sender report, and when it came.
    last_report: Option<(u32, Time)>,
    round_trip: Option<Duration>,
    remote: Option<RemoteStats>,
    /// We reported, so our end is worth a BYE.
    reported: bool,
}

impl Control {
    pub(crate) fn new(random: u64) -> Self {
        Self {
            cname: format!("{random:016x}"),
            latched: None,
            source: None,
            last_report: None,
            round_trip: None,
            remote: None,
            reported: false,
        }
    }

    /// Whether RTCP from `from` belongs to the peer whose RTP comes from `latched`: with the RTP when both
    /// share a port; else from the same host, and always from the port that was the first.
    pub(crate) fn admit(&mut self, latched: Option<SocketAddr>, way: Rtcp, from: SocketAddr) -> bool {
        let Some(rtp) = latched else { return false };
        if way == Rtcp::Mux {
            return rtp == from;
        }
        if self.latched != latched {
            (self.latched, self.source) = (latched, None);
        }
        rtp.ip() == from.ip() && *self.source.get_or_insert(from) == from
    }

    /// Where our reports go. A peer behind a NAT is answered where its own reports come from.
    pub(crate) fn destination(
        &self,
        latched: Option<SocketAddr>,
        announced: Option<SocketAddr>,
        way: Rtcp,
    ) -> Option<SocketAddr> {
        let rtp = latched?;
        let Rtcp::Apart(wished) = way else { return Some(rtp) };
        if self.latched == latched && self.source.is_some() {
            return self.source;
        }
        let next = || rtp.port().checked_add(1).map(|port| SocketAddr::new(rtp.ip(), port));
        let told = wished.or_else(next).filter(|told| told.ip() == rtp.ip());
        told.filter(|_| announced == latched)
    }

    /// Reads what an admitted peer reports; false when it is no RTCP. `clock` is that of our stream, in Hz.
    pub(crate) fn hear(&mut self, now: Time, bytes: &[u8], our_ssrc: u32, clock: u32) -> bool {
        let Some(heard) = packet::read(bytes, our_ssrc) else { return false };
        if let Some(time) = heard.sent_at {
            self.last_report = Some((time, now));
        }
        if let Some(block) = heard.about_us {
            let jitter = Duration::from_secs_f64(f64::from(block.jitter) / f64::from(clock.max(1)));
            self.remote = Some(RemoteStats { lost: block.lost.into(), jitter, mos: 0 });
            if block.last_report != 0 {
                let trip = packet::short_time(now).wrapping_sub(block.last_report).wrapping_sub(block.delay);
                let trip = Duration::from_secs_f64(f64::from(trip) / 65_536.0);
                self.round_trip = Some(trip).filter(|trip| *trip < MAX_ROUND_TRIP).or(self.round_trip);
            }
        }
        true
    }

    /// A report that is due: of what we send, when we send, and of what we receive.
    pub(crate) fn report(&mut self, now: Time, sent: &Sent, reception: &mut Reception) -> Option<Vec<u8>> {
        self.reported = true;
        let ours = packet::Ours { now, sent, block: self.block(now, reception), cname: &self.cname };
        packet::report(&ours, false)
    }

    /// The last report, with the end of our stream.
    pub(crate) fn bye(&self, now: Time, sent: &Sent, reception: &mut Reception) -> Option<Vec<u8>> {
        let ours = packet::Ours { now, sent, block: self.block(now, reception), cname: &self.cname };
        self.reported.then(|| packet::report(&ours, true)).flatten()
    }

    fn block(&self, now: Time, reception: &mut Reception) -> Option<packet::Block> {
        let heard = reception.report()?;
        let (last_report, delay) = match self.last_report {
            Some((time, came)) => (time, packet::short_time(now.saturating_sub(came))),
            None => (0, 0),
        };
        Some(packet::Block { heard, last_report, delay })
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    pub(crate) fn remote(&self) -> Option<RemoteStats> {
        self.remote
    }
}

/// Time until the next report, drawn between half and three halves of the mean (RFC 3550 6.3.1); the first
/// one comes in half of it.
pub(crate) fn interval(random: u64, first: bool) -> Duration {
    let drawn = 0.5 + (random >> 11) as f64 / (1_u64 << 53) as f64;
    let mean = if first { INTERVAL / 2.0 } else { INTERVAL };
    Duration::from_secs_f64(mean * drawn / COMPENSATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(host: u8, port: u16) -> SocketAddr {
        ([192, 0, 2, host], port).into()
    }

    const APART: Rtcp = Rtcp::Apart(None);

    #[test]
    fn only_the_latched_host_is_heard_and_told() {
        let mut control = Control::new(1);
        assert!(!control.admit(None, APART, addr(1, 4001)), "before RTP has latched");
        let rtp = Some(addr(1, 4000));
        assert!(!control.admit(rtp, APART, addr(2, 4001)));
        assert!(control.admit(rtp, APART, addr(1, 4009)));
        assert!(!control.admit(rtp, APART, addr(1, 4001)), "the first port stays");
        assert_eq!(control.destination(rtp, None, APART), Some(addr(1, 4009)));
        // The peer moves.
        let moved = Some(addr(3, 5000));
        assert_eq!(control.destination(moved, None, APART), None);
        assert!(!control.admit(moved, APART, addr(1, 4009)));
        assert!(control.admit(moved, APART, addr(3, 5001)));
    }

    #[test]
    fn a_peer_that_is_where_it_said_is_told_where_it_said() {
        let control = Control::new(1);
        let rtp = Some(addr(1, 4000));
        assert_eq!(control.destination(None, rtp, APART), None, "before RTP has latched");
        assert_eq!(control.destination(rtp, rtp, APART), Some(addr(1, 4001)));
        assert_eq!(control.destination(rtp, rtp, Rtcp::Apart(Some(addr(1, 7)))), Some(addr(1, 7)));
        let third = Rtcp::Apart(Some(addr(9, 7)));
        assert_eq!(control.destination(rtp, rtp, third), None, "never a third party");
        assert_eq!(control.destination(rtp, Some(addr(10, 4000)), APART), None, "behind a NAT");
        assert_eq!(control.destination(rtp, Some(addr(10, 4000)), Rtcp::Mux), rtp);
    }

    #[test]
    fn intervals_are_drawn_around_the_mean() {
        assert_eq!(interval(0, false).as_millis(), 2052);
        assert_eq!(interval(u64::MAX, false).as_millis(), 6156);
        assert_eq!(interval(0, true).as_millis(), 1026);
    }
}
