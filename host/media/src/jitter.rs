//! An adaptive jitter buffer, for media that ends here: packets come as the network brings them, and leave in
//! steps of 20 ms.
//!
//! The delay follows what the packets of the last seconds needed: it grows by a frame that is made up, and
//! shrinks by one that is left out. A bridge that only relays has no buffer: its listener's phone has one.

use std::{collections::VecDeque, time::Duration};

use crate::{Time, rtp::Stamp};

/// Packets that wait at most; the oldest makes room.
const MAX_WAITING: usize = 64;
/// Packets whose delay is remembered: about five seconds.
const WINDOW: usize = 256;
/// Of so many packets one may come too late.
const LATE: usize = 64;
/// Kept on top of the delay that was needed, in 1/1000 s.
const MARGIN: i64 = 5;
/// Longest delay, in 1/1000 s.
const MAX_DELAY: i64 = 300;
/// A peer of whom all comes too late for so long has stopped its clock: it begins anew.
const MAX_LATE: Duration = Duration::from_millis(200);
/// Frames made up in a row; then it is silence.
const MAX_CONCEALED: u32 = 3;
/// Pulls between two frames that are left out.
const BETWEEN_SKIPS: u32 = 10;

/// What is heard next.
#[derive(Debug, PartialEq, Eq)]
pub enum Pulled<'a> {
    /// A packet's payload.
    Audio(&'a [u8]),
    /// 20 ms to make up. Where they were lost: the payload of the packet right behind them, if it is here already.
    Conceal(Option<&'a [u8]>),
    /// 20 ms of nothing.
    Silence,
}

/// The packets of one stream, on their way to a listener.
#[derive(Debug)]
pub struct Jitter {
    /// RTP clock in Hz.
    clock: u32,
    waiting: VecDeque<Waiting>,
    spare: Vec<Vec<u8>>,
    current: Vec<u8>,
    newest: Option<Newest>,
    /// How late each packet was, in ticks, against an arbitrary zero.
    delays: VecDeque<i64>,
    /// What is added to a place to have the time that it is heard at, in ticks.
    base: i64,
    /// The place that is pulled next.
    next: Option<i64>,
    missing: u32,
    /// The peer said that it pauses: what is missing now is not lost.
    paused: bool,
    /// Added to the delay that is needed, in ticks.
    reserve: i64,
    /// How long before its time a packet can be called for, in ticks: where the packets do not fill the steps.
    early: i64,
    since_skip: u32,
    late: u64,
    /// Since then, everything has come too late.
    late_since: Option<Time>,
}

#[derive(Debug)]
struct Waiting {
    place: i64,
    span: u32,
    payload: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Newest {
    ssrc: u32,
    timestamp: u32,
    place: i64,
}

impl Jitter {
    /// For a stream with this RTP clock, in Hz.
    pub fn new(clock: u32) -> Jitter {
        Jitter {
            clock: clock.max(1000),
            waiting: VecDeque::new(),
            spare: Vec::new(),
            current: Vec::new(),
            newest: None,
            delays: VecDeque::with_capacity(WINDOW),
            base: 0,
            next: None,
            missing: 0,
            paused: false,
            reserve: 0,
            early: 0,
            since_skip: 0,
            late: 0,
            late_since: None,
        }
    }

    /// Packets that came when their time was over.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// From now on so many ticks more are waited for what is late.
    pub fn reserve(&mut self, ticks: u32) {
        self.reserve = ticks.into();
    }

    /// The peer sends no audio for now: it is a telephone event that sounds, say. Until it does, nothing is made up.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// Takes a packet that came at `now` and holds `span` ticks of audio.
    pub fn push(&mut self, now: Time, stamp: Stamp, span: u32, payload: &[u8]) {
        let mut place = self.place(now, stamp);
        if self.next.is_none_or(|next| place >= next) {
            self.late_since = None;
        } else if now.saturating_sub(*self.late_since.get_or_insert(now)) >= MAX_LATE {
            place = self.restart(now);
            self.newest = Some(Newest { ssrc: stamp.ssrc, timestamp: stamp.timestamp, place });
        }
        let frame = self.clock / 50;
        self.early = i64::from(frame - common_divisor(span, frame));
        self.learn(self.ticks(now) - place);
        self.paused = false;
        if self.next.is_some_and(|next| place < next) {
            self.late += 1;
            return;
        }
        let at = self.waiting.partition_point(|waiting| waiting.place < place);
        if span == 0 || self.waiting.get(at).is_some_and(|waiting| waiting.place == place) {
            return;
        }
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(payload);
        self.waiting.insert(at, Waiting { place, span, payload: kept });
        if self.waiting.len() > MAX_WAITING {
            self.take_first();
        }
    }

    /// The next packet, or what stands for the next 20 ms. `ahead` are the ticks that were pulled already and
    /// are still to be heard at `now`.
    pub fn pull(&mut self, now: Time, ahead: u32) -> Pulled<'_> {
        let frame = i64::from(self.clock / 50);
        let due = self.ticks(now) - self.base + i64::from(ahead);
        let Some(next) = self.next.or_else(|| self.begin(due)) else { return Pulled::Silence };
        let behind = due - next;
        self.since_skip = self.since_skip.saturating_add(1);
        if behind < 0 {
            // More delay is needed: what is here waits a frame longer.
            self.next = Some(next);
            return self.absent(false);
        }
        let next = match behind {
            _ if behind > 25 * frame => due,
            _ if behind > 2 * frame && self.since_skip > BETWEEN_SKIPS => next + frame,
            _ => next,
        };
        if next != self.next.unwrap_or(next) {
            self.since_skip = 0;
        }
        while self.waiting.front().is_some_and(|first| first.place + i64::from(first.span) <= next) {
            self.take_first();
        }
        match self.waiting.front() {
            Some(first) if first.place < next + frame => {
                let first = self.take_first();
                self.next = first.map(|(place, span)| place + i64::from(span));
                self.missing = 0;
                Pulled::Audio(&self.current)
            }
            _ => {
                self.next = Some(next + frame);
                self.absent(true)
            }
        }
    }

    fn absent(&mut self, lost: bool) -> Pulled<'_> {
        self.missing = if self.paused { u32::MAX } else { self.missing.saturating_add(1) };
        if self.missing > MAX_CONCEALED {
            return Pulled::Silence;
        }
        let behind = self.waiting.front().filter(|first| lost && Some(first.place) == self.next);
        Pulled::Conceal(behind.map(|first| &first.payload[..]))
    }

    /// The first packet is heard when it has waited for long enough.
    fn begin(&mut self, due: i64) -> Option<i64> {
        let first = self.waiting.front()?.place;
        if first > due {
            return None;
        }
        self.missing = MAX_CONCEALED;
        self.next = Some(first);
        self.next
    }

    /// Moves the first packet to `current`: its place and span.
    fn take_first(&mut self) -> Option<(i64, u32)> {
        let first = self.waiting.pop_front()?;
        self.spare.push(std::mem::replace(&mut self.current, first.payload));
        Some((first.place, first.span))
    }

    /// A timestamp on a line without wraps. A peer that jumps by more than a second, or is another one, begins anew.
    fn place(&mut self, now: Time, stamp: Stamp) -> i64 {
        let newest = self.newest.filter(|newest| newest.ssrc == stamp.ssrc);
        let place = newest
            .map(|newest| newest.place + i64::from(stamp.timestamp.wrapping_sub(newest.timestamp) as i32))
            .filter(|place| (self.ticks(now) - place - self.base).abs() < i64::from(self.clock));
        let place = place.unwrap_or_else(|| self.restart(now));
        if newest.is_none_or(|newest| newest.place <= place) {
            self.newest = Some(Newest { ssrc: stamp.ssrc, timestamp: stamp.timestamp, place });
        }
        place
    }

    fn restart(&mut self, now: Time) -> i64 {
        while self.take_first().is_some() {}
        self.delays.clear();
        self.next = None;
        self.newest = None;
        self.base = 0;
        self.late_since = None;
        self.ticks(now)
    }

    fn learn(&mut self, delay: i64) {
        if self.delays.len() == WINDOW {
            self.delays.pop_front();
        }
        self.delays.push_back(delay);
        let mut sorted = [0; WINDOW];
        let sorted = &mut sorted[..self.delays.len()];
        for (slot, delay) in sorted.iter_mut().zip(&self.delays) {
            *slot = *delay;
        }
        let least = sorted.iter().copied().min().unwrap_or(0);
        let place = sorted.len() - 1 - sorted.len() / LATE;
        let (_, needed, _) = sorted.select_nth_unstable(place);
        let per_ms = i64::from(self.clock / 1000);
        self.base = (*needed + MARGIN * per_ms + self.reserve + self.early).min(least + MAX_DELAY * per_ms);
    }

    fn ticks(&self, now: Time) -> i64 {
        (now.as_micros() as i64).saturating_mul(i64::from(self.clock)) / 1_000_000
    }
}

/// The greatest one; `b` where `a` is 0.
fn common_divisor(a: u32, b: u32) -> u32 {
    if a == 0 { b } else { common_divisor(b % a, a) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stamp(n: u16) -> Stamp {
        let timestamp = (u32::MAX - 1000).wrapping_add(u32::from(n) * 160);
        Stamp { ssrc: 1, sequence: n, timestamp, marker: false }
    }

    fn ms(n: u64) -> Time {
        Duration::from_millis(1_000_000 + n)
    }

    /// Packets that come at these times, pulled every 20 ms: what was heard, by number; -1 for made up, -2 for silence.
    fn play(arrivals: &[(u64, u16)], until: u64) -> Vec<i32> {
        let mut jitter = Jitter::new(8000);
        let mut arrivals = arrivals.to_vec();
        arrivals.sort();
        let mut arrivals = arrivals.into_iter().peekable();
        (0..until)
            .step_by(20)
            .map(|now| {
                while let Some((at, n)) = arrivals.next_if(|(at, _)| *at <= now) {
                    jitter.push(ms(at), stamp(n), 160, &n.to_be_bytes());
                }
                match jitter.pull(ms(now), 0) {
                    Pulled::Audio(payload) => i32::from(u16::from_be_bytes([payload[0], payload[1]])),
                    Pulled::Conceal(_) => -1,
                    Pulled::Silence => -2,
                }
            })
            .collect()
    }

    #[test]
    fn what_comes_evenly_leaves_evenly_and_soon() {
        let arrivals: Vec<_> = (0..200).map(|n| (u64::from(n) * 20 + 3, n)).collect();
        let heard = play(&arrivals, 4000);
        let first = heard.iter().position(|n| *n == 0).unwrap();
        assert!(first <= 2, "it waits {first} frames");
        assert!(heard[first..190].iter().zip(0..).all(|(heard, n)| *heard == n), "{heard:?}");
    }

    #[test]
    fn jitter_is_evened_out_after_the_first_second() {
        // 0 to 30 ms, by a fixed disorder.
        let arrivals: Vec<_> =
            (0..500_u16).map(|n| (u64::from(n) * 20 + u64::from(n) * 7919 % 31, n)).collect();
        let heard = play(&arrivals, 10_000);
        let steady = &heard[50..480];
        let lost = steady.iter().filter(|n| **n < 0).count();
        assert!(lost <= 8, "{lost} of 430 frames are made up");
        let order: Vec<_> = steady.iter().filter(|n| **n >= 0).collect();
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_lost_packet_is_made_up_and_a_long_pause_is_silence() {
        let arrivals: Vec<_> =
            (0..100).filter(|n| *n != 50 && !(70..80).contains(n)).map(|n| (u64::from(n) * 20, n)).collect();
        let heard = play(&arrivals, 2000);
        let at = heard.iter().position(|n| *n == 49).unwrap();
        assert_eq!(heard[at..at + 3], [49, -1, 51]);
        let at = heard.iter().position(|n| *n == 69).unwrap();
        assert_eq!(heard[at + 1..at + 5], [-1, -1, -1, -2]);
        assert_eq!(heard[at + 10..at + 12], [-2, 80]);
    }

    #[test]
    fn copies_and_reordering_do_no_harm() {
        let mut arrivals: Vec<_> = (0..200_u16).map(|n| (u64::from(n ^ 1) * 20, n)).collect();
        arrivals.extend((0..200_u16).map(|n| (u64::from(n) * 20 + 21, n)));
        let heard = play(&arrivals, 4000);
        let steady = &heard[60..190];
        assert!(steady.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{steady:?}");
    }

    #[test]
    fn a_reserve_has_the_packet_behind_the_hole_at_hand() {
        let mut jitter = Jitter::new(8000);
        jitter.reserve(160);
        let mut holes = Vec::new();
        for n in 0..50_u16 {
            if n % 10 != 5 {
                jitter.push(ms(u64::from(n) * 20), stamp(n), 160, &n.to_be_bytes());
            }
            if let Pulled::Conceal(behind) = jitter.pull(ms(u64::from(n) * 20), 0) {
                holes.push(behind.map(<[u8]>::to_vec));
            }
        }
        let behind = |n: u16| Some((n + 1).to_be_bytes().to_vec());
        assert_eq!(holes, [5, 15, 25, 35, 45].map(behind));
    }

    #[test]
    fn in_a_pause_that_was_said_nothing_is_made_up() {
        let mut jitter = Jitter::new(8000);
        for n in 0..10 {
            jitter.push(ms(u64::from(n) * 20), stamp(n), 160, b"a");
            jitter.pull(ms(u64::from(n) * 20), 0);
        }
        jitter.pause();
        assert_eq!(jitter.pull(ms(200), 0), Pulled::Audio(b"a"), "what was said before");
        assert_eq!(jitter.pull(ms(220), 0), Pulled::Silence);
        jitter.push(ms(240), stamp(12), 160, b"b");
        assert_eq!(jitter.pull(ms(240), 0), Pulled::Silence);
        assert_eq!(jitter.pull(ms(260), 0), Pulled::Audio(b"b"));
    }

    #[test]
    fn a_peer_that_jumps_begins_anew() {
        let mut jitter = Jitter::new(8000);
        jitter.push(ms(0), stamp(0), 160, b"a");
        jitter.push(ms(20), Stamp { timestamp: 3_000_000_000, ..stamp(1) }, 160, b"b");
        let heard: Vec<bool> =
            (20..200).step_by(20).map(|now| jitter.pull(ms(now), 0) == Pulled::Audio(b"b")).collect();
        assert_eq!(heard.iter().filter(|heard| **heard).count(), 1);
    }

    #[test]
    fn a_peer_whose_clock_stood_still_is_heard_again_soon() {
        for pause in [400, 700, 990] {
            let at = |n: u16| u64::from(n) * 20 + if n < 50 { 0 } else { pause };
            let arrivals: Vec<_> = (0..200).map(|n| (at(n), n)).collect();
            let heard = play(&arrivals, at(200));
            let again = *heard.iter().find(|n| **n > 49).unwrap();
            assert!(again <= 61, "{again} after {pause} ms");
            let begin = heard.iter().position(|n| *n == again).unwrap();
            let run = &heard[begin..begin + 100];
            assert!(run.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{run:?} after {pause} ms");
        }
    }

    #[test]
    fn what_waits_has_a_limit() {
        let mut jitter = Jitter::new(8000);
        for n in 0..u16::MAX {
            jitter.push(ms(0), Stamp { timestamp: u32::from(n % 5000), ..stamp(0) }, 160, &[0; 1400]);
        }
        assert!(jitter.waiting.len() <= MAX_WAITING && jitter.spare.len() <= MAX_WAITING + 2);
    }
}
