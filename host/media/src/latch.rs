//! Which address a leg listens to, and which it speaks to.
//!
//! The address in the SDP of a phone behind a NAT is not the one that its packets come from, so packets
//! decide ("latching"); but anybody who guesses the port can send some. So a source is judged by what the
//! signalling, which is authenticated, says of it:
//!
//! - **Proven**: it is the address that the peer announced, or its packet passed SRTP's authentication. It
//!   latches at once and for good.
//! - **Related**: another port of the host that was announced, or the host from which the signalling comes (a
//!   NAT gives both the same address). It latches when it is still heard [`RELATED`] after its first packet:
//!   what a former call still sends to a port that was lent again dies out before that.
//! - **Stranger**: anybody else, as a media gateway that is neither announced nor signals. It latches when it
//!   is still heard [`STRANGER`] after its first packet, and nobody better was.
//!
//! Until a source latches nothing of it is heard, and nothing is sent to it. A source that is not proven gives
//! way as soon as the proven one is heard, so who sprays a port before the peer speaks wins nothing that lasts;
//! to a stranger nothing is sent while there is an announced address that can be reached. Where the announced
//! address is private and the signalling comes over the public network, it will never be heard from: nothing
//! is sent to it (in our own network that address is somebody else), and a related source is latched for good.
//!
//! What is latched for good stays: only an announcement of another address, or signalling from another
//! host, opens the latch again. For [`MOVING`] after that the former source is still heard.
//!
//! RTCP has no latch of its own: it is heard from, and sent to, the host to which RTP is sent.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use crate::Time;

/// How long packets from the former source cannot latch again after the latch was opened: they are still
/// on their way while the peer moves to the address that it announced.
const MOVING: Duration = Duration::from_secs(1);
/// Two packets of 20 ms with one lost between them.
const RELATED: Duration = Duration::from_millis(40);
/// Longer than a phone takes from its answer to its first packet.
const STRANGER: Duration = Duration::from_secs(1);
/// A candidate that was silent for so long has to begin anew.
const LAPSE: Duration = Duration::from_millis(500);

/// What the signalling says of a peer's media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The address in its SDP.
    pub(crate) address: Option<SocketAddr>,
    /// The host that signals.
    pub(crate) peer: Option<IpAddr>,
}

#[derive(Debug, Default)]
pub(crate) struct Latch {
    announced: Announced,
    source: Option<(SocketAddr, Kin)>,
    related: Option<Candidate>,
    stranger: Option<Candidate>,
    former: Option<(SocketAddr, Time)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    /// Accepted, and from now on only this source is. `for_good`: whatever else comes.
    Latched {
        for_good: bool,
    },
    Refused,
}

/// How near a source is to what the signalling said; the best last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kin {
    Stranger,
    Related,
    Proven,
}

/// A source that may latch when it goes on.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    source: SocketAddr,
    first: Time,
    last: Time,
}

impl Latch {
    /// Judges the source of a packet that is valid otherwise; `authentic` if it could not be forged (SRTP).
    pub(crate) fn admit(&mut self, now: Time, source: SocketAddr, authentic: bool) -> Verdict {
        let kin = if authentic { Kin::Proven } else { self.kin(source) };
        match self.source {
            Some((latched, _)) if latched == source => return Verdict::Accepted,
            Some((_, Kin::Proven)) => return Verdict::Refused,
            Some(_) if kin != Kin::Proven => return Verdict::Refused,
            _ => {}
        }
        if let Some((former, until)) = self.former
            && former == source
            && now < until
            && kin != Kin::Proven
        {
            return Verdict::Accepted;
        }
        let latches = match kin {
            Kin::Proven => true,
            Kin::Related => persists(&mut self.related, now, source, RELATED),
            Kin::Stranger => persists(&mut self.stranger, now, source, STRANGER),
        };
        if latches { self.close(source, kin) } else { Verdict::Refused }
    }

    fn close(&mut self, source: SocketAddr, kin: Kin) -> Verdict {
        let for_good = kin == Kin::Proven || (kin == Kin::Related && self.is_hidden());
        let kin = if for_good { Kin::Proven } else { kin };
        *self = Latch { announced: self.announced, source: Some((source, kin)), ..Latch::default() };
        Verdict::Latched { for_good }
    }

    /// What the signalling says now. Another address or host opens the latch; whether it does.
    pub(crate) fn announce(&mut self, now: Time, announced: Announced) -> bool {
        if self.announced == announced {
            return false;
        }
        // Before, nothing was agreed, and nothing can have latched.
        let former = self.source.map(|(source, _)| (source, now.saturating_add(MOVING)));
        *self = Latch { announced, former, ..Latch::default() };
        true
    }

    /// Where the leg sends.
    pub(crate) fn target(&self) -> Option<SocketAddr> {
        let announced = self.announced.address.filter(|_| !self.is_hidden());
        match self.source {
            Some((source, Kin::Proven | Kin::Related)) => Some(source),
            Some((source, Kin::Stranger)) => announced.or(Some(source)),
            None => announced,
        }
    }

    /// The source that has latched, and to which we send: where the peer's RTCP comes from, too.
    pub(crate) fn source(&self) -> Option<SocketAddr> {
        self.source.filter(|(_, kin)| *kin > Kin::Stranger).map(|(source, _)| source)
    }

    fn kin(&self, source: SocketAddr) -> Kin {
        let Announced { address, peer } = self.announced;
        let is_host = |host: Option<IpAddr>| host == Some(source.ip());
        if address == Some(source) || self.announced == Announced::default() {
            Kin::Proven
        } else if is_host(peer) || is_host(address.map(|address| address.ip())) {
            Kin::Related
        } else {
            Kin::Stranger
        }
    }

    /// A NAT is between us and the announced address.
    fn is_hidden(&self) -> bool {
        let Announced { address: Some(address), peer: Some(peer) } = self.announced else { return false };
        is_private(address.ip()) && !is_private(peer)
    }
}

/// Whether a candidate has been heard for so long; it is the candidate unless another one is.
fn persists(place: &mut Option<Candidate>, now: Time, source: SocketAddr, wait: Duration) -> bool {
    let begins = Candidate { source, first: now, last: now };
    let lapsed = |candidate: &Candidate| now.saturating_sub(candidate.last) > LAPSE;
    let candidate = place.take_if(|candidate| !lapsed(candidate)).unwrap_or(begins);
    let is_same = candidate.source == source;
    *place = Some(if is_same { Candidate { last: now, ..candidate } } else { candidate });
    is_same && now.saturating_sub(candidate.first) >= wait
}

/// An address that means something in its own network only (RFC 1918, RFC 3927, RFC 4193, RFC 6598).
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATCHED: Verdict = Verdict::Latched { for_good: true };

    fn ms(n: u64) -> Time {
        Duration::from_millis(n)
    }

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// A latch whose peer announced `address` and signals from `peer`.
    fn latch(address: &str, peer: &str) -> Latch {
        let mut latch = Latch::default();
        latch.announce(ms(0), Announced { address: Some(addr(address)), peer: peer.parse().ok() });
        latch
    }

    /// A packet from there each 20 ms, and what becomes of them.
    fn spray(latch: &mut Latch, source: &str, from: u64, until: u64) -> Vec<Verdict> {
        (from..until).step_by(20).map(|at| latch.admit(ms(at), addr(source), false)).collect()
    }

    #[test]
    fn the_announced_source_latches_at_once_and_stays() {
        let mut latch = latch("192.0.2.1:4000", "192.0.2.1");
        assert_eq!(latch.target(), Some(addr("192.0.2.1:4000")));
        assert_eq!(latch.admit(ms(0), addr("192.0.2.1:4000"), false), LATCHED);
        assert_eq!(spray(&mut latch, "198.51.100.6:1", 0, 9000), [Verdict::Refused; 450]);
        assert_eq!(spray(&mut latch, "192.0.2.1:4002", 0, 9000), [Verdict::Refused; 450]);
        assert_eq!(latch.admit(ms(9000), addr("192.0.2.1:4000"), false), Verdict::Accepted);
    }

    #[test]
    fn who_sprays_before_the_peer_speaks_is_not_heard_and_gets_nothing() {
        let mut latch = latch("192.0.2.1:4000", "192.0.2.1");
        assert_eq!(spray(&mut latch, "198.51.100.6:1", 0, 1000), [Verdict::Refused; 50]);
        assert_eq!(latch.admit(ms(1000), addr("192.0.2.1:4000"), false), LATCHED);
        assert_eq!(latch.target(), Some(addr("192.0.2.1:4000")));
    }

    #[test]
    fn a_stranger_that_nobody_contradicts_is_heard_but_gets_nothing_and_gives_way() {
        let mut latch = latch("192.0.2.1:4000", "192.0.2.1");
        let verdicts = spray(&mut latch, "198.51.100.6:1", 0, 1040);
        assert_eq!(verdicts[50..], [Verdict::Latched { for_good: false }, Verdict::Accepted]);
        assert_eq!(latch.target(), Some(addr("192.0.2.1:4000")));
        assert_eq!(latch.admit(ms(5000), addr("192.0.2.1:4000"), false), LATCHED);
        assert_eq!(latch.admit(ms(5000), addr("198.51.100.6:1"), false), Verdict::Refused);
    }

    #[test]
    fn behind_a_nat_the_host_that_signals_latches_and_nothing_is_sent_before() {
        let mut latch = latch("192.168.1.7:4000", "203.0.113.1");
        assert_eq!(latch.target(), None);
        assert_eq!(spray(&mut latch, "198.51.100.6:1", 0, 100), [Verdict::Refused; 5]);
        let verdicts = spray(&mut latch, "203.0.113.1:61000", 100, 180);
        assert_eq!(verdicts, [Verdict::Refused, Verdict::Refused, LATCHED, Verdict::Accepted]);
        assert_eq!(latch.target(), Some(addr("203.0.113.1:61000")));
        assert_eq!(latch.admit(ms(200), addr("192.168.1.7:4000"), false), Verdict::Refused);
    }

    #[test]
    fn a_nat_that_gives_another_port_than_was_announced_is_followed() {
        let mut latch = latch("203.0.113.1:4000", "203.0.113.1");
        let verdicts = spray(&mut latch, "203.0.113.1:61000", 0, 60);
        assert_eq!(verdicts[2], Verdict::Latched { for_good: false });
        assert_eq!(latch.target(), Some(addr("203.0.113.1:61000")));
    }

    #[test]
    fn what_a_former_call_still_sends_does_not_latch() {
        let mut latch = latch("192.168.1.7:4000", "203.0.113.1");
        assert_eq!(spray(&mut latch, "203.0.113.1:50000", 0, 40), [Verdict::Refused; 2]);
        // Another phone of that network was the last one on this port.
        let verdicts = spray(&mut latch, "203.0.113.1:61000", 541, 600);
        assert_eq!(verdicts[2], LATCHED);
    }

    #[test]
    fn a_packet_that_nobody_can_forge_latches_from_wherever_it_comes() {
        let mut latch = latch("192.0.2.1:4000", "192.0.2.1");
        assert_eq!(latch.admit(ms(0), addr("198.51.100.6:1"), true), LATCHED);
        assert_eq!(latch.target(), Some(addr("198.51.100.6:1")));
    }

    #[test]
    fn only_the_signalling_opens_it_again() {
        let mut latch = latch("192.0.2.1:4000", "192.0.2.1");
        latch.admit(ms(0), addr("192.0.2.1:4000"), false);
        let same = latch.announced;
        assert!(!latch.announce(ms(0), same), "a refreshed session changes nothing");

        let moved = Announced { address: Some(addr("192.0.2.9:4000")), ..same };
        assert!(latch.announce(ms(0), moved));
        assert_eq!(latch.target(), Some(addr("192.0.2.9:4000")));
        assert_eq!(latch.admit(ms(0), addr("192.0.2.1:4000"), false), Verdict::Accepted, "still on its way");
        assert_eq!(latch.admit(ms(10), addr("192.0.2.9:4000"), false), LATCHED);
        assert_eq!(latch.admit(ms(20), addr("192.0.2.1:4000"), false), Verdict::Refused);
    }

    #[test]
    fn a_peer_that_did_not_move_latches_again() {
        let mut latch = latch("192.0.2.1:4000", "192.0.2.1");
        latch.admit(ms(0), addr("192.0.2.1:4000"), false);
        latch.announce(ms(0), Announced { address: Some(addr("192.0.2.1:4002")), ..latch.announced });
        let verdicts = spray(&mut latch, "192.0.2.1:4000", 0, 1100);
        assert_eq!(verdicts[..50], [Verdict::Accepted; 50]);
        assert_eq!(verdicts[52], Verdict::Latched { for_good: false });
    }

    #[test]
    fn private_networks_are_known() {
        for private in ["10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.1.1", "::ffff:192.168.1.1", "fd00::1"]
        {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in ["100.128.0.1", "203.0.113.1", "2001:db8::1", "::ffff:9.9.9.9"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}
