//! What a phone sends: a packet every 20 ms, with what it says, keys that are pressed, or silence.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use jackfield_media::{codec::Law, dtmf, rtp};

const TICK: Duration = Duration::from_millis(20);
/// Samples of a packet.
const FRAME: usize = 160;
/// Of a key: tone and its two repeated ends, then silence, in packets.
const TONE: u32 = 5;
const ENDS: u32 = 2;
const PAUSE: u32 = 3;

#[derive(Debug)]
pub(crate) struct Mouth {
    pub(crate) to: SocketAddr,
    law: Law,
    payload_type: u8,
    dtmf: Option<u8>,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// When the next packet is due.
    pub(crate) next: Duration,
    saying: VecDeque<i16>,
    keys: VecDeque<u8>,
    /// The key that is down, the packets that were sent of it, and its timestamp.
    down: Option<(u8, u32, u32)>,
}

/// What a packet is for.
enum Beat {
    /// A key, with its timestamp; whether this is its first packet.
    Event(dtmf::Payload, u32, bool),
    /// The silence behind a key.
    Pause,
    /// No key.
    Free,
}

/// What was agreed for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) to: SocketAddr,
    pub(crate) law: Law,
    pub(crate) payload_type: u8,
    pub(crate) dtmf: Option<u8>,
}

impl Mouth {
    /// Sends from `now` on. The random number makes the stream's first values.
    pub(crate) fn new(now: Duration, line: Line, random: u64) -> Mouth {
        Mouth {
            to: line.to,
            law: line.law,
            payload_type: line.payload_type,
            dtmf: line.dtmf,
            ssrc: (random >> 32) as u32,
            sequence: random as u16,
            timestamp: random as u32,
            next: now,
            saying: VecDeque::new(),
            keys: VecDeque::new(),
            down: None,
        }
    }

    /// A new agreement; what is being said goes on.
    pub(crate) fn agree(&mut self, line: Line) {
        Line { to: self.to, law: self.law, payload_type: self.payload_type, dtmf: self.dtmf } = line;
    }

    pub(crate) fn say(&mut self, samples: &[i16]) {
        self.saying.extend(samples);
    }

    /// What is no digit is passed over. False: the other side does not want telephone events.
    pub(crate) fn press(&mut self, keys: &str) -> bool {
        self.keys.extend(keys.chars().filter_map(dtmf::event_of));
        self.dtmf.is_some()
    }

    /// The packet that is due.
    pub(crate) fn packet(&mut self) -> Option<Vec<u8>> {
        self.next += TICK;
        let mut frame = [self.law.silence(); FRAME];
        let packet = match self.key() {
            Beat::Event(payload, pressed, first) => {
                let payload_type = self.dtmf?;
                self.build(payload_type, pressed, first, &payload.bytes())
            }
            Beat::Pause => self.build(self.payload_type, self.timestamp, false, &frame),
            Beat::Free => {
                let saying = self.saying.drain(..FRAME.min(self.saying.len()));
                frame.iter_mut().zip(saying).for_each(|(code, sample)| *code = self.law.encode(sample));
                self.build(self.payload_type, self.timestamp, false, &frame)
            }
        };
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        packet
    }

    /// What this packet is for (RFC 4733 2.5.1.4: the end of an event is sent three times).
    fn key(&mut self) -> Beat {
        let down = self.down.or_else(|| Some((self.keys.pop_front()?, 0, self.timestamp)));
        let Some((event, sent, pressed)) = down else { return Beat::Free };
        self.down = (sent + 1 < TONE + ENDS + PAUSE).then_some((event, sent + 1, pressed));
        if sent >= TONE + ENDS {
            return Beat::Pause;
        }
        let beats = (sent + 1).min(TONE);
        let duration = beats as u16 * FRAME as u16;
        let payload = dtmf::Payload { event, end: beats == TONE, volume: 10, duration };
        Beat::Event(payload, pressed, sent == 0)
    }

    fn build(&mut self, payload_type: u8, timestamp: u32, marker: bool, payload: &[u8]) -> Option<Vec<u8>> {
        self.sequence = self.sequence.wrapping_add(1);
        let stamp = rtp::Stamp { ssrc: self.ssrc, sequence: self.sequence, timestamp, marker };
        let mut packet = vec![0; rtp::HEADER + FRAME];
        let length = rtp::build(&mut packet, stamp, payload_type, payload)?;
        packet.truncate(length);
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mouth() -> Mouth {
        let to = ([192, 0, 2, 1], 20_000).into();
        let line = Line { to, law: Law::Mu, payload_type: 0, dtmf: Some(101) };
        Mouth::new(Duration::ZERO, line, 0x0000_0007_0000_0010)
    }

    fn packets(mouth: &mut Mouth, count: usize) -> Vec<(u8, rtp::Stamp, Vec<u8>)> {
        let read = |bytes: Vec<u8>| {
            let packet = rtp::Packet::parse(&bytes[..]).unwrap();
            (packet.payload_type(), packet.stamp(), packet.payload().to_vec())
        };
        (0..count).map(|_| read(mouth.packet().unwrap())).collect()
    }

    #[test]
    fn a_key_is_five_beats_of_tone_with_its_end_three_times_at_one_timestamp() {
        let mut mouth = mouth();
        assert!(mouth.press("5"));
        let sent = packets(&mut mouth, 11);
        let events: Vec<_> = sent[..7].iter().map(|p| dtmf::Payload::parse(&p.2).unwrap()).collect();
        let durations: Vec<_> = events.iter().map(|event| (event.duration, event.end)).collect();
        let ends = [(800, true); 3];
        assert_eq!(
            durations,
            [&[(160, false), (320, false), (480, false), (640, false)], &ends[..]].concat()
        );
        assert!(sent[..7].iter().all(|p| p.0 == 101 && p.1.timestamp == 0x10));
        assert!(sent[0].1.marker && sent[1..].iter().all(|p| !p.1.marker));
        assert!(sent[7..].iter().all(|p| p.0 == 0 && p.2 == [Law::Mu.silence(); FRAME]));
        assert_eq!(sent[7].1.timestamp, 0x10 + 7 * 160);
    }

    #[test]
    fn what_is_said_waits_for_the_keys() {
        let mut mouth = mouth();
        mouth.say(&[8000; 200]);
        mouth.press("1");
        let sent = packets(&mut mouth, 12);
        let loud = Law::Mu.encode(8000);
        assert!(sent[..10].iter().all(|p| p.2.first() != Some(&loud)));
        assert!(sent[10].2.iter().all(|code| *code == loud));
        assert_eq!(sent[11].2.iter().filter(|code| **code == loud).count(), 40);
        let steps = sent.windows(2).map(|pair| pair[1].1.sequence.wrapping_sub(pair[0].1.sequence));
        assert!(steps.into_iter().all(|step| step == 1));
    }
}
