//! The stream that comes from a peer, and the one stream that we send to it.

use crate::{Time, rtp::Stamp, tick};

/// A step of the sequence beyond these is not loss or reordering but a new start (RFC 3550 A.1).
const MAX_DROPOUT: i16 = 3000;
const MIN_MISORDER: i16 = -100;
/// How far timestamps and the time of arrival may part, in seconds: longer than the longest telephone
/// event, whose packets all carry the timestamp of its begin.
const MAX_SKEW: u32 = 10;

/// Where a packet stands in the stream that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// First packet of a stream, or the peer started its stream anew.
    Start,
    /// So many packets after the newest one: 1 when nothing was lost.
    Ahead(u16),
    /// So many packets before the newest one; 0 for the newest once more.
    Behind(u16),
}

/// Follows what a peer sends.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    newest: Option<(Stamp, Time)>,
}

impl Incoming {
    /// `clock` is the RTP clock of the stream in Hz.
    pub(crate) fn receive(&mut self, now: Time, stamp: Stamp, clock: u32) -> Order {
        let order = self.order(now, stamp, clock);
        if !matches!(order, Order::Behind(_)) {
            self.newest = Some((stamp, now));
        }
        order
    }

    fn order(&self, now: Time, stamp: Stamp, clock: u32) -> Order {
        let Some((newest, then)) = self.newest else { return Order::Start };
        let elapsed = tick::ticks(now.saturating_sub(then), clock) as u32;
        let skew = stamp.timestamp.wrapping_sub(newest.timestamp).wrapping_sub(elapsed) as i32;
        if stamp.ssrc != newest.ssrc || skew.unsigned_abs() > MAX_SKEW * clock {
            return Order::Start;
        }
        match stamp.sequence.wrapping_sub(newest.sequence) as i16 {
            step @ 1..=MAX_DROPOUT => Order::Ahead(step as u16),
            step @ MIN_MISORDER..=0 => Order::Behind(step.unsigned_abs()),
            _ => Order::Start,
        }
    }
}

/// The one stream that a leg sends for its life, whoever its packets come from.
///
/// The timestamp of what is sent at `now` is `now` in ticks of the clock plus `offset`. The offset grows when a relayed
/// sender's clock ran ahead of ours, so that what follows never goes back.
#[derive(Debug)]
pub(crate) struct Outgoing {
    ssrc: u32,
    /// The RTP clock in Hz.
    clock: u32,
    /// Newest sequence number sent.
    sequence: u16,
    offset: u32,
    /// Timestamp behind the newest audio.
    horizon: u32,
    /// The newest packet was audio of our own.
    ours: bool,
    relay: Option<Relay>,
    /// The newest event of a peer that was passed on: when it began for the peer, and for us.
    event: Option<(u32, u32)>,
}

/// How the numbers of a relayed stream become ours.
#[derive(Clone, Copy, Debug)]
struct Relay {
    sequence: u16,
    timestamp: u32,
    /// Packets behind us under these offsets; one that is later still would take a number used before.
    age: u16,
}

impl Outgoing {
    /// A stream that begins at `now` with these random first values (RFC 3550 5.1).
    pub(crate) fn new(now: Time, random: u64) -> Self {
        let timestamp = random as u32 ^ (random >> 16) as u32;
        Self {
            ssrc: (random >> 32) as u32,
            clock: 8000,
            // Far from its end: who missed the first packet of SRTP could not tell how often it went round
            // (RFC 3711 3.3.1).
            sequence: random as u16 & 0x7fff,
            offset: timestamp.wrapping_sub(tick::samples(now) as u32),
            horizon: timestamp,
            ours: false,
            relay: None,
            event: None,
        }
    }

    /// The SSRC of the stream.
    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Its RTP clock in Hz.
    pub(crate) fn clock(&self) -> u32 {
        self.clock
    }

    /// Another codec may bring another clock; timestamps go on from where they are.
    pub(crate) fn set_clock(&mut self, now: Time, clock: u32) {
        if clock != self.clock {
            let timestamp = self.timestamp(now);
            self.clock = clock;
            self.offset = timestamp.wrapping_sub(tick::ticks(now, clock) as u32);
            self.cut();
        }
    }

    /// Stamp for 20 ms of our own audio, due at `now`.
    pub(crate) fn audio(&mut self, now: Time) -> Stamp {
        let timestamp = self.timestamp(now);
        let marker = !self.ours || timestamp != self.horizon;
        self.horizon = timestamp.wrapping_add(tick::frame(self.clock));
        self.ours = true;
        self.next(timestamp, marker)
    }

    /// Stamp for a packet of our own telephone event, which began at `timestamp`.
    pub(crate) fn event(&mut self, timestamp: u32, first: bool) -> Stamp {
        self.ours = false;
        self.next(timestamp, first)
    }

    /// The timestamp for something that begins at `now`.
    pub(crate) fn timestamp(&mut self, now: Time) -> u32 {
        let due = self.offset.wrapping_add(tick::ticks(now, self.clock) as u32);
        let late = self.horizon.wrapping_sub(due) as i32;
        if late <= 0 {
            return due;
        }
        self.offset = self.offset.wrapping_add(late as u32);
        self.horizon
    }

    /// Stamp for a relayed packet, or `None` when it comes too late to have a number in our stream.
    /// `current` is the moment in the peer's timestamps that `now` is, `span` the packet's length in ticks.
    pub(crate) fn relay(
        &mut self,
        now: Time,
        stamp: Stamp,
        order: Order,
        current: u32,
        span: u32,
    ) -> Option<Stamp> {
        if order == Order::Start {
            self.relay = None;
        }
        let begins = self.relay.is_none();
        let mut relay = match self.relay {
            Some(relay) => relay,
            None => Relay {
                sequence: self.sequence.wrapping_add(1).wrapping_sub(stamp.sequence),
                timestamp: self.timestamp(now).wrapping_sub(current),
                age: 0,
            },
        };
        match order {
            Order::Behind(steps) if !begins && steps > relay.age => return None,
            Order::Ahead(steps) if !begins => relay.age = relay.age.saturating_add(steps),
            Order::Start | Order::Ahead(_) | Order::Behind(_) => {}
        }
        self.relay = Some(relay);
        self.ours = false;

        let sequence = stamp.sequence.wrapping_add(relay.sequence);
        let timestamp = stamp.timestamp.wrapping_add(relay.timestamp);
        if sequence.wrapping_sub(self.sequence) as i16 > 0 {
            self.sequence = sequence;
        }
        let end = timestamp.wrapping_add(span);
        if span > 0 && end.wrapping_sub(self.horizon) as i32 > 0 {
            self.horizon = end;
        }
        Some(Stamp { ssrc: self.ssrc, sequence, timestamp, marker: stamp.marker || begins })
    }

    /// Stamp for a packet of a telephone event of a peer whose audio is coded anew: it begins here when its first packet
    /// comes, beside the last audio of before, which takes longer. `begun` is when it began for the peer.
    pub(crate) fn passed_event(&mut self, now: Time, begun: u32) -> Stamp {
        let known = self.event.filter(|(peers, _)| *peers == begun);
        let due = self.offset.wrapping_add(tick::ticks(now, self.clock) as u32);
        let newest = self.horizon.wrapping_sub(tick::frame(self.clock));
        let begin = if due.wrapping_sub(newest) as i32 >= 0 { due } else { newest };
        let (_, timestamp) = known.unwrap_or((begun, begin));
        self.event = Some((begun, timestamp));
        self.event(timestamp, known.is_none())
    }

    /// A packet of the relayed stream is not sent on: it must not look like loss.
    pub(crate) fn skip(&mut self, order: Order) {
        match (order, &mut self.relay) {
            (Order::Start, relay) => *relay = None,
            (Order::Ahead(_), Some(relay)) => {
                relay.sequence = relay.sequence.wrapping_sub(1);
                relay.age = 0;
            }
            (Order::Ahead(_), None) | (Order::Behind(_), _) => {}
        }
    }

    /// Whatever is relayed next comes from another stream.
    pub(crate) fn cut(&mut self) {
        self.relay = None;
        self.event = None;
        self.ours = false;
    }

    /// Our own packets take their number after the newest; the offsets of a relay do not hold any more.
    fn next(&mut self, timestamp: u32, marker: bool) -> Stamp {
        self.relay = None;
        self.sequence = self.sequence.wrapping_add(1);
        Stamp { ssrc: self.ssrc, sequence: self.sequence, timestamp, marker }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn packet(sequence: u16, timestamp: u32) -> Stamp {
        Stamp { ssrc: 7, sequence, timestamp, marker: false }
    }

    fn ms(n: u64) -> Time {
        Duration::from_millis(n)
    }

    #[test]
    fn loss_reordering_and_a_new_start_are_told_apart() {
        let mut incoming = Incoming::default();
        assert_eq!(incoming.receive(ms(0), packet(65_534, 0), 8000), Order::Start);
        assert_eq!(incoming.receive(ms(20), packet(65_535, 160), 8000), Order::Ahead(1));
        assert_eq!(incoming.receive(ms(60), packet(1, 480), 8000), Order::Ahead(2));
        assert_eq!(incoming.receive(ms(61), packet(0, 320), 8000), Order::Behind(1));
        assert_eq!(incoming.receive(ms(62), packet(1, 480), 8000), Order::Behind(0));
        assert_eq!(incoming.receive(ms(80), packet(9_000, 640), 8000), Order::Start, "sequence jumped");
        assert_eq!(incoming.receive(ms(99), packet(9_001, 900_000), 8000), Order::Start, "timestamp jumped");
        let other = Stamp { ssrc: 8, ..packet(9_002, 900_160) };
        assert_eq!(incoming.receive(ms(119), other, 8000), Order::Start, "another source");
    }

    #[test]
    fn a_long_silence_is_no_new_start() {
        let mut incoming = Incoming::default();
        incoming.receive(ms(0), packet(1, u32::MAX - 100), 8000);
        assert_eq!(incoming.receive(ms(60_000), packet(2, 480_000 - 101), 8000), Order::Ahead(1));
    }

    #[test]
    fn the_first_packet_after_a_prompt_continues_the_numbers() {
        let mut out = Outgoing::new(ms(0), 0x1234_5678_9abc_ffff);
        let ours = out.audio(ms(20));
        let relayed = out.relay(ms(45), packet(500, 70_000), Order::Ahead(1), 70_000, 160).unwrap();
        assert_eq!(relayed.ssrc, ours.ssrc);
        assert_eq!(relayed.sequence, ours.sequence.wrapping_add(1));
        assert_eq!(relayed.timestamp, ours.timestamp.wrapping_add(200));
        assert!(relayed.marker);
        // The peer lost one packet, which arrives in the end.
        let next = out.relay(ms(80), packet(502, 70_320), Order::Ahead(2), 70_320, 160).unwrap();
        assert_eq!(next.sequence, relayed.sequence.wrapping_add(2));
        assert_eq!(next.timestamp, relayed.timestamp.wrapping_add(320));
        let late = out.relay(ms(80), packet(501, 70_160), Order::Behind(1), 70_160, 160).unwrap();
        assert_eq!(late.sequence, relayed.sequence.wrapping_add(1));
        // One from before the bridge has no number.
        assert_eq!(out.relay(ms(80), packet(499, 69_840), Order::Behind(3), 69_840, 160), None);
        // Our clock says that the next prompt begins before the peer's audio ends: it waits.
        let prompt = out.audio(ms(80));
        assert_eq!(prompt.sequence, next.sequence.wrapping_add(1));
        assert_eq!(prompt.timestamp, next.timestamp.wrapping_add(160));
        assert!(prompt.marker);
        let second = out.audio(ms(100));
        assert_eq!((second.timestamp, second.marker), (prompt.timestamp.wrapping_add(160), false));
    }

    #[test]
    fn a_packet_kept_back_leaves_no_hole() {
        let mut out = Outgoing::new(ms(0), 1);
        let first = out.relay(ms(0), packet(10, 0), Order::Start, 0, 160).unwrap();
        out.skip(Order::Ahead(1));
        let third = out.relay(ms(40), packet(12, 320), Order::Ahead(1), 320, 160).unwrap();
        assert_eq!(third.sequence, first.sequence.wrapping_add(1));
        assert_eq!(third.timestamp, first.timestamp.wrapping_add(320));
        assert_eq!(out.relay(ms(40), packet(9, 0), Order::Behind(3), 0, 160), None);
    }

    #[test]
    fn a_new_clock_goes_on_from_the_old_timestamps() {
        let mut out = Outgoing::new(ms(0), 1);
        let narrow = out.audio(ms(20));
        out.set_clock(ms(40), 48_000);
        let first = out.audio(ms(40));
        assert_eq!((first.timestamp.wrapping_sub(narrow.timestamp), first.marker), (160, true));
        let second = out.audio(ms(60));
        assert_eq!((second.timestamp.wrapping_sub(first.timestamp), second.marker), (960, false));
    }

    #[test]
    fn the_packets_of_an_event_that_is_passed_on_have_one_timestamp() {
        let mut out = Outgoing::new(ms(0), 1);
        let ours = out.audio(ms(20));
        let first = out.passed_event(ms(50), 7000);
        let next = out.passed_event(ms(70), 7000);
        assert_eq!((first.timestamp.wrapping_sub(ours.timestamp), first.marker), (240, true));
        assert_eq!((next.timestamp, next.marker), (first.timestamp, false));
        assert_eq!(next.sequence, ours.sequence.wrapping_add(2));
        let other = out.passed_event(ms(250), 8600);
        assert_eq!((other.timestamp.wrapping_sub(first.timestamp), other.marker), (1600, true));
    }
}
