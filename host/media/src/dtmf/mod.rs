//! Digits: as RFC 4733 telephone events, heard once per press and sent with three end packets; and as tones.

mod inband;
mod tones;

use std::collections::VecDeque;

use crate::{rtp::Stamp, tick};
pub(crate) use inband::InBand;
pub(crate) use tones::ToneDetector;

/// Digits in the order of their events, RFC 4733 3.2.
const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/// The event of a digit, 0 to 15; `a` to `d` are taken as capitals.
pub fn event_of(c: char) -> Option<u8> {
    DIGITS.iter().position(|digit| *digit == c.to_ascii_uppercase()).map(|event| event as u8)
}

/// The digit of an event; `None` for the events that are no digits.
pub fn digit_of(event: u8) -> Option<char> {
    DIGITS.get(usize::from(event)).copied()
}

/// The payload of a telephone event (RFC 4733 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload {
    /// 0 to 15 are digits.
    pub event: u8,
    /// The key was released.
    pub end: bool,
    /// Power in -dBm0, 0 to 63.
    pub volume: u8,
    /// From the begin of the event until now, in ticks of the event's clock.
    pub duration: u16,
}

/// Bytes of a payload.
pub(crate) const PAYLOAD: usize = 4;

impl Payload {
    /// Reads a payload; `None` when it is shorter than four bytes.
    pub fn parse(bytes: &[u8]) -> Option<Payload> {
        let &[event, flags, high, low, ..] = bytes else { return None };
        Some(Payload {
            event,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The duration in ticks of another clock.
    pub(crate) fn ticks(self, clock: u32, other: u32) -> u32 {
        (u64::from(self.duration) * u64::from(other) / u64::from(clock.max(1))) as u32
    }

    /// The same, with its duration counted by another clock; the longest that there is for what is longer.
    pub(crate) fn counted(self, clock: u32, other: u32) -> Payload {
        Payload { duration: self.ticks(clock, other).min(u16::MAX.into()) as u16, ..self }
    }

    /// The payload as it is sent.
    pub fn bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.event, u8::from(self.end) << 7 | self.volume & 0x3f, high, low]
    }
}

/// A packet of an older press may come so much later, in samples (1 s); one that is older still comes from
/// a sender that began its timestamps anew.
const MAX_LATE: u32 = 8000;

/// Tells presses apart in a stream of telephone events.
#[derive(Debug, Default)]
pub(crate) struct Detector {
    press: Option<Press>,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    ssrc: u32,
    event: u8,
    /// Begin of the press; or of its newest segment.
    timestamp: u32,
    ended: bool,
}

impl Detector {
    /// Returns the digit at the first packet of a press that comes through, whichever it is; all packets of
    /// one press have the same timestamp.
    pub(crate) fn hear(&mut self, stamp: Stamp, payload: Payload) -> Option<char> {
        let digit = digit_of(payload.event)?;
        let heard =
            Press { ssrc: stamp.ssrc, event: payload.event, timestamp: stamp.timestamp, ended: payload.end };
        let new = self.press.is_none_or(|press| press.ssrc != heard.ssrc || is_new(press, heard));
        match &mut self.press {
            Some(press) if !new => {
                if heard.timestamp.wrapping_sub(press.timestamp) as i32 >= 0 {
                    press.timestamp = heard.timestamp;
                    press.ended |= heard.ended;
                }
            }
            press => *press = Some(heard),
        }
        new.then_some(digit)
    }
}

fn is_new(press: Press, heard: Press) -> bool {
    match heard.timestamp.wrapping_sub(press.timestamp) {
        0 => heard.event != press.event,
        // A press of more than 65535 samples goes on in a second segment (RFC 4733 2.5.1.3).
        0xffff => heard.event != press.event || press.ended,
        step => step.wrapping_neg() > MAX_LATE,
    }
}

/// Most digits that wait to be sent on one leg.
const MAX_WAITING: usize = 256;
/// Ticks for one digit: 100 ms of tone, of which two carry the second and third end packet, 100 ms of pause.
const BEATS: u64 = 10;
const TONE_BEATS: u64 = 5;
const END_PACKETS: u64 = 3;

/// Sends digits, one step per tick.
#[derive(Debug, Default)]
pub(crate) struct Keypad {
    waiting: VecDeque<Key>,
    beat: u64,
    /// First tick that it may send at.
    from: u64,
    /// Timestamp of the press that is being sent.
    pub(crate) timestamp: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Event(u8),
    /// All digits of one command are sent.
    Done,
}

/// One tick of a digit that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    pub(crate) event: u8,
    beat: u64,
}

impl Beat {
    pub(crate) fn is_first(self) -> bool {
        self.beat == 0
    }

    /// What an RFC 4733 stream carries at this beat: a growing duration, and the end three times, at the
    /// rate of the updates (RFC 4733 2.5.1.4).
    pub(crate) fn payload(self) -> Option<Payload> {
        let sounding = (self.beat + 1).min(TONE_BEATS);
        (self.beat < TONE_BEATS + END_PACKETS - 1).then_some(Payload {
            event: self.event,
            end: sounding == TONE_BEATS,
            volume: 10,
            duration: sounding as u16 * tick::FRAME as u16,
        })
    }

    /// The first sample of in-band tone at this beat, counted from the press.
    pub(crate) fn tone(self) -> Option<u64> {
        (self.beat < TONE_BEATS).then_some(self.beat * tick::FRAME as u64)
    }
}

impl Keypad {
    /// Adds digits behind those that wait; what is no digit, or one too many, is passed over.
    pub(crate) fn push(&mut self, digits: &str, from: u64) {
        if self.waiting.is_empty() {
            self.from = from;
        }
        let room = MAX_WAITING.saturating_sub(self.waiting.len());
        self.waiting.extend(digits.chars().filter_map(event_of).take(room).map(Key::Event));
        self.waiting.push_back(Key::Done);
    }

    /// No room for another command.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_WAITING
    }

    /// What is sent at `tick`.
    pub(crate) fn step(&mut self, tick: u64) -> Option<Beat> {
        let &Key::Event(event) = self.waiting.front()? else { return None };
        if tick < self.from {
            return None;
        }
        let beat = Beat { event, beat: self.beat };
        self.beat = (self.beat + 1) % BEATS;
        if self.beat == 0 {
            self.waiting.pop_front();
        }
        Some(beat)
    }

    /// True once for each command whose digits are all sent.
    pub(crate) fn take_done(&mut self) -> bool {
        self.waiting.pop_front_if(|key| *key == Key::Done).is_some()
    }

    /// Forgets what waits; returns how many commands it belonged to.
    pub(crate) fn clear(&mut self) -> usize {
        self.beat = 0;
        self.waiting.drain(..).filter(|key| *key == Key::Done).count()
    }

    pub(crate) fn is_busy(&self) -> bool {
        !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(detector: &mut Detector, timestamp: u32, digit: char, end: bool) -> Option<char> {
        let stamp = Stamp { ssrc: 1, sequence: 0, timestamp, marker: false };
        let event = event_of(digit).unwrap();
        detector.hear(stamp, Payload { event, end, volume: 10, duration: 160 })
    }

    #[test]
    fn events_and_digits_are_one_to_one() {
        for event in 0..16 {
            assert_eq!(digit_of(event).and_then(event_of), Some(event));
        }
        assert_eq!((event_of('d'), event_of('E'), event_of('é'), digit_of(16)), (Some(15), None, None, None));
    }

    #[test]
    fn a_payload_is_the_one_of_the_recommendation() {
        // RFC 4733 5, figure of the example: event 9, volume 7, duration 1600 at its end.
        let payload = Payload { event: 9, end: true, volume: 7, duration: 1600 };
        assert_eq!(payload.bytes(), [9, 0x87, 0x06, 0x40]);
        assert_eq!(Payload::parse(&payload.bytes()), Some(payload));
        assert_eq!(Payload::parse(&[9, 0, 0]), None);
    }

    #[test]
    fn a_press_is_heard_once_with_any_of_its_packets() {
        let mut detector = Detector::default();
        assert_eq!(hear(&mut detector, 1000, '5', false), Some('5'));
        for end in [false, false, true, true, true] {
            assert_eq!(hear(&mut detector, 1000, '5', end), None);
        }
        // Start packets lost: the end alone is a press.
        assert_eq!(hear(&mut detector, 3000, '5', true), Some('5'));
        assert_eq!(hear(&mut detector, 3000, '5', true), None);
    }

    #[test]
    fn a_late_packet_of_the_former_press_is_no_press() {
        let mut detector = Detector::default();
        hear(&mut detector, 1000, '1', false);
        assert_eq!(hear(&mut detector, 1900, '2', false), Some('2'));
        assert_eq!(hear(&mut detector, 1000, '1', true), None);
        assert_eq!(hear(&mut detector, 1900, '2', true), None);
        assert_eq!(hear(&mut detector, 2800, '1', false), Some('1'));
    }

    #[test]
    fn timestamps_may_wrap_and_start_anew() {
        let mut detector = Detector::default();
        hear(&mut detector, u32::MAX - 10, '1', true);
        assert_eq!(hear(&mut detector, 900, '1', true), Some('1'));
        assert_eq!(hear(&mut detector, 4_000_000_000, '1', true), Some('1'));
    }

    #[test]
    fn a_long_press_goes_on_in_segments() {
        let mut detector = Detector::default();
        hear(&mut detector, 1000, '#', false);
        assert_eq!(hear(&mut detector, 1000 + 0xffff, '#', false), None);
        assert_eq!(hear(&mut detector, 1000 + 2 * 0xffff, '#', true), None);
        assert_eq!(hear(&mut detector, 1000 + 3 * 0xffff, '#', true), Some('#'));
    }

    #[test]
    fn a_digit_takes_ten_ticks_with_three_end_packets() {
        let mut keypad = Keypad::default();
        keypad.push("4-2", 7);
        assert_eq!(keypad.step(6), None);
        let sent: Vec<_> = (7..27).map(|tick| keypad.step(tick).unwrap()).collect();
        let ends = |beats: &[Beat]| {
            beats.iter().filter_map(|b| b.payload()).map(|p| (p.end, p.duration)).collect::<Vec<_>>()
        };
        let digit =
            [(false, 160), (false, 320), (false, 480), (false, 640), (true, 800), (true, 800), (true, 800)];
        assert_eq!(ends(&sent[..10]), digit);
        assert_eq!(ends(&sent[10..]), digit);
        assert!(
            sent[..10].iter().all(|beat| beat.event == 4) && sent[10..].iter().all(|beat| beat.event == 2)
        );
        assert!(keypad.take_done() && !keypad.take_done() && !keypad.is_busy());
    }

    #[test]
    fn what_waits_has_a_limit() {
        let mut keypad = Keypad::default();
        keypad.push(&"1".repeat(10_000), 0);
        assert_eq!(keypad.waiting.len(), MAX_WAITING + 1);
        assert!(keypad.is_full());
        assert_eq!(keypad.clear(), 1);
    }
}
