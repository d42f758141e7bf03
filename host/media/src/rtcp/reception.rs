//! How well a peer's stream arrives: loss (RFC 3550 A.3), jitter (A.8), and how the losses lie.

use std::time::Duration;

use crate::{Time, rtp::Stamp, stream::Order};

/// What a report says of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) ssrc: u32,
    /// Since the former report, in 1/256.
    pub(super) fraction_lost: u8,
    pub(super) lost: u64,
    /// Highest sequence number, with its cycles.
    pub(super) highest: u32,
    /// In units of the stream's clock.
    pub(super) jitter: u32,
}

/// Counts what arrives and what should have.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    stream: Option<Stream>,
    /// Of streams that the peer has ended.
    former: Counts,
    /// Runs of lost packets.
    bursts: u64,
    /// Sum of the jitter after each packet, in seconds.
    jitter_sum: f64,
    jitter_count: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    expected: u64,
    received: u64,
}

impl Counts {
    fn lost(self) -> u64 {
        self.expected.saturating_sub(self.received)
    }
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    highest: u32,
    counts: Counts,
    reported: Counts,
    transit: Option<u32>,
    /// Sixteen times the jitter, in units of the clock.
    jitter: u32,
}

impl Reception {
    /// A packet that was accepted. `clock` in Hz of its timestamps; `None` where they do not follow the time,
    /// as those of telephone events.
    pub(crate) fn receive(&mut self, now: Time, stamp: Stamp, order: Order, clock: Option<u32>) {
        let stream = match (&mut self.stream, order) {
            (Some(stream), Order::Ahead(steps)) => {
                stream.highest = stream.highest.wrapping_add(steps.into());
                stream.counts.expected += u64::from(steps);
                stream.counts.received += 1;
                self.bursts += u64::from(steps > 1);
                stream
            }
            // A copy is no packet more.
            (Some(_), Order::Behind(0)) => return,
            (Some(stream), Order::Behind(_)) => {
                stream.counts.received = (stream.counts.received + 1).min(stream.counts.expected);
                stream
            }
            (stream, _) => {
                self.former = counts(self.former, stream.as_ref());
                stream.insert(Stream::new(stamp))
            }
        };
        if let Some(clock) = clock {
            stream.measure(now, stamp.timestamp, clock);
            self.jitter_sum += f64::from(stream.jitter) / 16.0 / f64::from(clock.max(1));
            self.jitter_count += 1;
        }
    }

    /// What is reported now; `None` while nothing came.
    pub(super) fn report(&mut self) -> Option<Heard> {
        let stream = self.stream.as_mut()?;
        let Counts { expected, received } = stream.counts;
        let expected_since = expected - stream.reported.expected;
        let received_since = received.saturating_sub(stream.reported.received);
        stream.reported = stream.counts;
        let lost_since = expected_since.saturating_sub(received_since);
        let fraction = (lost_since << 8).checked_div(expected_since).unwrap_or(0);
        Some(Heard {
            ssrc: stream.ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: stream.counts.lost(),
            highest: stream.highest,
            jitter: stream.jitter >> 4,
        })
    }

    /// Packets that should have come, and those that did not, over all streams of the peer.
    pub(crate) fn expected_and_lost(&self) -> (u64, u64) {
        let all = counts(self.former, self.stream.as_ref());
        (all.expected, all.lost())
    }

    /// Mean interarrival jitter over all packets.
    pub(crate) fn jitter(&self) -> Duration {
        match self.jitter_count {
            0 => Duration::ZERO,
            count => Duration::from_secs_f64(self.jitter_sum / count as f64),
        }
    }

    /// Packets lost in one run, on average; 0 when none was lost.
    pub(crate) fn burst_length(&self) -> f64 {
        let (_, lost) = self.expected_and_lost();
        if self.bursts == 0 { 0.0 } else { lost as f64 / self.bursts as f64 }
    }
}

/// Over a stream and those before it.
fn counts(former: Counts, stream: Option<&Stream>) -> Counts {
    let now = stream.map(|stream| stream.counts).unwrap_or_default();
    Counts { expected: former.expected + now.expected, received: former.received + now.received }
}

impl Stream {
    fn new(stamp: Stamp) -> Stream {
        let counts = Counts { expected: 1, received: 1 };
        Stream {
            ssrc: stamp.ssrc,
            highest: stamp.sequence.into(),
            counts,
            reported: Counts::default(),
            transit: None,
            jitter: 0,
        }
    }

    /// RFC 3550 A.8, in integers as there.
    fn measure(&mut self, now: Time, timestamp: u32, clock: u32) {
        let arrival = now.as_micros().wrapping_mul(clock.into()) / 1_000_000;
        let transit = (arrival as u32).wrapping_sub(timestamp);
        let Some(former) = self.transit.replace(transit) else { return };
        let step = (transit.wrapping_sub(former) as i32).unsigned_abs();
        // A peer that jumps by a second has not had jitter, it has paused or skipped.
        if step < clock {
            self.jitter = (self.jitter + step).saturating_sub((self.jitter + 8) >> 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Incoming;

    struct Line {
        incoming: Incoming,
        reception: Reception,
    }

    impl Line {
        fn new() -> Line {
            Line { incoming: Incoming::default(), reception: Reception::default() }
        }

        fn packet(&mut self, at: u64, ssrc: u32, sequence: u16) {
            let timestamp = at as u32 / 20 * 160;
            let stamp = Stamp { ssrc, sequence, timestamp, marker: false };
            let now = Duration::from_millis(at);
            let order = self.incoming.receive(now, stamp, 8000);
            self.reception.receive(now, stamp, order, Some(8000));
        }
    }

    #[test]
    fn loss_is_what_should_have_come_and_did_not() {
        let mut line = Line::new();
        for sequence in (0..100).filter(|n| ![10, 20, 21, 22].contains(n)) {
            line.packet(u64::from(sequence) * 20, 1, sequence);
        }
        assert_eq!(line.reception.expected_and_lost(), (100, 4));
        assert_eq!(line.reception.burst_length(), 2.0);
        let heard = line.reception.report().unwrap();
        assert_eq!((heard.lost, heard.highest, heard.fraction_lost), (4, 99, 10));
        // A late one and a copy of it.
        line.packet(2000, 1, 99);
        line.packet(2001, 1, 98);
        assert_eq!(line.reception.expected_and_lost(), (100, 3));
        assert_eq!(line.reception.report().unwrap().fraction_lost, 0);
    }

    #[test]
    fn a_new_stream_adds_to_the_former_one() {
        let mut line = Line::new();
        for sequence in [0, 1, 3] {
            line.packet(u64::from(sequence) * 20, 1, sequence);
        }
        line.packet(100, 2, 500);
        line.packet(140, 2, 502);
        assert_eq!(line.reception.expected_and_lost(), (7, 2));
        let heard = line.reception.report().unwrap();
        assert_eq!((heard.ssrc, heard.lost, heard.highest), (2, 1, 502));
    }

    #[test]
    fn cycles_of_the_sequence_are_counted() {
        let mut line = Line::new();
        for n in 0..10_u16 {
            line.packet(u64::from(n) * 20, 1, 65_530_u16.wrapping_add(n));
        }
        assert_eq!(line.reception.report().unwrap().highest, 65_539);
    }

    #[test]
    fn jitter_is_the_smoothed_change_of_the_transit() {
        let mut line = Line::new();
        for n in 0..400_u16 {
            // Early and late in turn: 10 ms between, always.
            line.packet(u64::from(n) * 20 + u64::from(n % 2) * 10, 1, n);
        }
        let jitter = line.reception.report().unwrap().jitter;
        assert!((78..=80).contains(&jitter), "{jitter} of 80 samples");
        let mean = line.reception.jitter().as_micros();
        assert!((9000..10_000).contains(&mean), "{mean} us");
    }
}
