//! Hears a stream as a person would: in order, evenly, without holes. What a leg's peer says goes through one of
//! these to all who listen to it; only a bridge of one codec passes on the packets as they come.

use crate::{
    Codec, Time,
    codec::{Decoder, Doubler, Halver, MAX_SAMPLES},
    conceal::Concealer,
    jitter::{Jitter, Pulled},
    rtp::Stamp,
    tick::{FRAME, WIDE_FRAME},
};

/// Longest payload in bytes: a frame of Opus (RFC 6716 3.2.1), more than 120 ms of G.711.
const MAX_PACKET: usize = 1275;
/// A longer step of the sequence is not loss but a new start.
const MAX_LOST: u16 = 50;

/// From the packets of one stream to frames of 20 ms.
#[derive(Debug)]
pub(crate) struct Listener {
    decoder: Decoder,
    jitter: Jitter,
    /// For a codec that cannot make up by itself what was lost.
    concealer: Option<Concealer>,
    /// Sequence number of the newest packet.
    newest: Option<u16>,
    /// At the codec's rate, and not heard yet.
    waiting: Vec<i16>,
    /// The decoder made up the newest sound.
    extrapolated: bool,
    /// What is heard now, at the codec's rate.
    heard: [i16; WIDE_FRAME],
    narrow: [i16; FRAME],
    halver: Halver,
    doubler: Doubler,
}

impl Listener {
    pub(crate) fn new(codec: Codec) -> Listener {
        Listener {
            decoder: Decoder::new(codec),
            jitter: Jitter::new(codec.clock()),
            concealer: (codec != Codec::Opus).then(|| Concealer::new(codec.is_wide())),
            newest: None,
            waiting: Vec::with_capacity(MAX_SAMPLES + WIDE_FRAME),
            extrapolated: false,
            heard: [0; WIDE_FRAME],
            narrow: [0; FRAME],
            halver: Halver::default(),
            doubler: Doubler::default(),
        }
    }

    /// A packet came at `now`.
    pub(crate) fn push(&mut self, now: Time, stamp: Stamp, codec: Codec, payload: &[u8]) {
        if self.decoder.codec() != codec {
            *self = Listener::new(codec);
        }
        let payload = &payload[..payload.len().min(MAX_PACKET)];
        let step = self.newest.map_or(1, |newest| stamp.sequence.wrapping_sub(newest));
        // What is lost can be had from the packet behind it: it is worth to wait for that one.
        if (2..=MAX_LOST).contains(&step) && codec.repeats_former(payload) {
            self.jitter.reserve(codec.clock() / 50);
        }
        if (step as i16) > 0 {
            self.newest = Some(stamp.sequence);
        }
        self.jitter.push(now, stamp, codec.span(payload), payload);
    }

    /// The peer pauses, and says so: what does not come is not lost.
    pub(crate) fn pause(&mut self) {
        // What says it has a number in the sequence too.
        self.newest = None;
        self.jitter.pause();
    }

    /// Hears the next 20 ms; call it every 20 ms. Whether there was something to hear.
    pub(crate) fn listen(&mut self, now: Time) -> bool {
        let codec = self.decoder.codec();
        let length = codec.rate() as usize / 50;
        let mut speaks = !self.waiting.is_empty();
        while self.waiting.len() < length {
            let ahead = self.waiting.len() as u32 * codec.clock() / codec.rate();
            let mut sound = [0; MAX_SAMPLES];
            let (came, behind) = match self.jitter.pull(now, ahead) {
                Pulled::Audio(payload) => (self.decoder.decode(payload, &mut sound), None),
                Pulled::Conceal(behind) => (0, behind),
                Pulled::Silence => break,
            };
            let count = match (came, &mut self.concealer) {
                (0, None) => self.decoder.recover(behind.unwrap_or_default(), &mut sound[..length]),
                (0, Some(concealer)) => {
                    concealer.make_up(&mut sound[..length]);
                    length
                }
                (_, None) => came,
                (_, Some(concealer)) => {
                    sound[..came].chunks_mut(length).for_each(|part| concealer.hear(part));
                    came
                }
            };
            if count == 0 {
                break;
            }
            self.extrapolated = came == 0;
            self.waiting.extend_from_slice(&sound[..count]);
            speaks = true;
        }
        self.fall_silent(length);
        self.heard[..length].copy_from_slice(&self.waiting[..length]);
        self.waiting.drain(..length);
        match codec.is_wide() {
            true => _ = self.halver.halve(&self.heard, &mut self.narrow),
            false => self.narrow.copy_from_slice(&self.heard[..length]),
        }
        speaks
    }

    /// Fills what is missing of a frame, without a click.
    fn fall_silent(&mut self, length: usize) {
        let begin = self.waiting.len();
        if begin >= length {
            return;
        }
        self.waiting.resize(length, 0);
        let rest = &mut self.waiting[begin..];
        match &mut self.concealer {
            Some(concealer) => concealer.hear(rest),
            None if self.extrapolated && begin == 0 => {
                self.decoder.recover(&[], rest);
                for (n, sample) in rest.iter_mut().enumerate() {
                    *sample = (i32::from(*sample) * (length - n) as i32 / length as i32) as i16;
                }
            }
            None => {}
        }
        self.extrapolated = false;
    }

    /// What is heard now, at 8 kHz.
    pub(crate) fn narrow(&self) -> &[i16; FRAME] {
        &self.narrow
    }

    /// What is heard now, at 8 or at 16 kHz as `sound` is long; call it once for a frame.
    pub(crate) fn sound(&mut self, sound: &mut [i16]) {
        match (sound.len() == WIDE_FRAME, self.decoder.codec().is_wide()) {
            (true, false) => _ = self.doubler.double(&self.narrow, sound),
            (true, true) => sound.copy_from_slice(&self.heard),
            (false, _) => sound.copy_from_slice(&self.narrow),
        }
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
        let mut heard: Vec<i16> = Vec::new();
        for now in (0..3000 * STEP).step_by(STEP as usize) {
            while let Some((at, n)) = arrivals.next_if(|(at, _)| *at <= now) {
                let stamp = Stamp { ssrc: 1, sequence: n as u16, timestamp: n as u32 * 160, marker: false };
                listener.push(Duration::from_millis(at), stamp, Codec::Pcma, &tone(n));
            }
            listener.listen(Duration::from_millis(now));
            heard.extend(listener.narrow());
        }
        assert_eq!(heard.len(), 3000 * 160);
        let gap = longest_gap(&heard[16_000..]);
        assert!(gap <= 40, "a gap of {gap} ms");
    }

    #[test]
    fn packets_of_any_length_are_heard_whole() {
        for length in [80_u32, 200, 240, 320, 480] {
            let mut listener = Listener::new(Codec::Pcmu);
            let mut heard: Vec<i16> = Vec::new();
            let mut sent = 0;
            for now in (0..4000).step_by(20) {
                // A packet comes when it is full.
                while u64::from((sent + 1) * length / 8) <= now {
                    let stamp =
                        Stamp { ssrc: 1, sequence: sent as u16, timestamp: sent * length, marker: false };
                    let at = Duration::from_millis(u64::from((sent + 1) * length / 8));
                    listener.push(at, stamp, Codec::Pcmu, &vec![0x80; length as usize]);
                    sent += 1;
                }
                listener.listen(Duration::from_millis(now));
                heard.extend(listener.narrow());
            }
            let loud = heard[8000..].iter().filter(|sample| **sample == 32_124).count();
            assert!(loud > 23_500, "{loud} of 24000 samples, packets of {length}");
        }
    }
}
