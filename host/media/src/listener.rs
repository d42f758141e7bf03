//! Hears a stream as a person would: in order, evenly, without holes.

use crate::{
    Codec, Time,
    codec::{Ear, MAX_SAMPLES},
    conceal::Concealer,
    jitter::{Jitter, Pulled},
    rtp::Stamp,
    tick::FRAME,
};

/// Longest payload in bytes, 120 ms of G.711.
const MAX_PACKET: usize = 960;

/// From the packets of one stream to frames of 20 ms at 8 kHz.
#[derive(Debug)]
pub(crate) struct Listener {
    ear: Ear,
    jitter: Jitter,
    concealer: Concealer,
    /// Decoded, and not heard yet.
    waiting: Vec<i16>,
}

impl Listener {
    pub(crate) fn new(codec: Codec) -> Listener {
        Listener {
            ear: Ear::new(codec),
            jitter: Jitter::new(codec.clock()),
            concealer: Concealer::default(),
            waiting: Vec::with_capacity(MAX_PACKET + FRAME),
        }
    }

    /// A packet came at `now`.
    pub(crate) fn push(&mut self, now: Time, stamp: Stamp, codec: Codec, payload: &[u8]) {
        if self.ear.codec() != codec {
            *self = Listener::new(codec);
        }
        let payload = &payload[..payload.len().min(MAX_PACKET)];
        self.jitter.push(now, stamp, codec.span(payload), payload);
    }

    /// The next 20 ms; call it every 20 ms.
    pub(crate) fn frame(&mut self, now: Time) -> [i16; FRAME] {
        let mut frame = [0; FRAME];
        while self.waiting.len() < FRAME {
            let ahead = self.waiting.len() as u32 * (self.ear.codec().clock() / 8000);
            match self.jitter.pull(now, ahead) {
                Pulled::Audio(payload) => {
                    let mut sound = [0; MAX_SAMPLES];
                    let count = self.ear.hear(payload, &mut sound);
                    self.waiting.extend_from_slice(&sound[..count]);
                    // A broken packet has no sound: the hole is closed by what comes next.
                    if count == 0 {
                        break;
                    }
                }
                Pulled::Conceal => {
                    self.rest(&mut frame);
                    self.concealer.make_up(&mut frame);
                    return frame;
                }
                Pulled::Silence => break,
            }
        }
        self.rest(&mut frame);
        self.concealer.hear(&mut frame);
        frame
    }

    /// What was decoded, up to a frame.
    fn rest(&mut self, frame: &mut [i16; FRAME]) {
        let count = self.waiting.len().min(FRAME);
        frame[..count].copy_from_slice(&self.waiting[..count]);
        self.waiting.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::codec::Law;

    const STEP: u64 = 20;

    fn tone(n: u64) -> Vec<u8> {
        (0..160)
            .map(|sample| {
                let t = (n * 160 + sample) as f64;
                Law::A.encode((8000.0 * (t * 440.0 * std::f64::consts::TAU / 8000.0).sin()) as i16)
            })
            .collect()
    }

    /// Longest run of samples that are as good as silent, in milliseconds.
    fn longest_gap(samples: &[i16]) -> usize {
        let runs = samples.split(|sample| sample.unsigned_abs() > 300);
        runs.map(<[i16]>::len).max().unwrap_or(0) / 8
    }

    #[test]
    fn jitter_and_loss_leave_no_gap() {
        let mut listener = Listener::new(Codec::Pcma);
        let mut arrivals: Vec<(u64, u64)> = (0..3000)
            .filter(|n| n * 7919 % 50 != 7) // 2 % lost
            .map(|n| (n * STEP + n * n % 31, n)) // up to 30 ms late
            .collect();
        arrivals.sort();
        let mut arrivals = arrivals.into_iter().peekable();
        let mut heard = Vec::new();
        for now in (0..3000 * STEP).step_by(STEP as usize) {
            while let Some((at, n)) = arrivals.next_if(|(at, _)| *at <= now) {
                let stamp = Stamp { ssrc: 1, sequence: n as u16, timestamp: n as u32 * 160, marker: false };
                listener.push(Duration::from_millis(at), stamp, Codec::Pcma, &tone(n));
            }
            heard.extend(listener.frame(Duration::from_millis(now)));
        }
        assert_eq!(heard.len(), 3000 * 160);
        let gap = longest_gap(&heard[16_000..]);
        assert!(gap <= 40, "a gap of {gap} ms");
    }

    #[test]
    fn packets_of_any_length_are_heard_whole() {
        for length in [80_u32, 240, 320, 480] {
            let mut listener = Listener::new(Codec::Pcmu);
            let mut heard = Vec::new();
            let mut sent = 0;
            for now in (0..4000).step_by(20) {
                while u64::from(sent * length / 8) <= now {
                    let stamp =
                        Stamp { ssrc: 1, sequence: sent as u16, timestamp: sent * length, marker: false };
                    let at = Duration::from_millis(u64::from((sent + 1) * length / 8));
                    listener.push(at, stamp, Codec::Pcmu, &vec![0x80; length as usize]);
                    sent += 1;
                }
                heard.extend(listener.frame(Duration::from_millis(now)));
            }
            let loud = heard[8000..].iter().filter(|sample| **sample == 32_124).count();
            assert!(loud > 23_500, "{loud} of 24000 samples, packets of {length}");
        }
    }
}
