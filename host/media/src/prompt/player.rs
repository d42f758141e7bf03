//! Walks a prompt frame by frame.

use std::ops::Range;

use crate::{Digits, PlayId, Source, codec::Law, dtmf, tick, tone};

/// A prompt that is playing.
#[derive(Debug)]
pub(crate) struct Player {
    /// `None` for the beep before a recording, which nobody waits for by name.
    pub(crate) id: Option<PlayId>,
    pub(crate) interrupt: Digits,
    /// First tick that it sends at.
    pub(crate) from: u64,
    sources: Vec<Source>,
    /// Rounds left after this one; `None` for ever.
    rounds: Option<u32>,
    source: usize,
    /// Samples of the current source that are played.
    position: u64,
}

impl Player {
    /// Plays `sources` one after another, `repeat` times, 0 until it is stopped.
    pub(crate) fn new(
        id: Option<PlayId>,
        sources: Vec<Source>,
        repeat: u32,
        interrupt: Digits,
        from: u64,
    ) -> Self {
        // Nothing, repeated for ever, would never come to an end.
        let silent = sources.iter().all(|source| length(source) == 0);
        let rounds = if silent { Some(0) } else { repeat.checked_sub(1) };
        let mut player = Self { id, interrupt, from, sources, rounds, source: 0, position: 0 };
        player.settle();
        player
    }

    /// Fills the next 20 ms without a gap between sources, the last one with silence to its end.
    pub(crate) fn fill(&mut self, law: Law, frame: &mut [u8; tick::FRAME]) {
        let filled = self.walk(|source, position, at| copy(source, position, law, &mut frame[at]));
        frame[filled..].fill(law.silence());
    }

    /// The same as sound at 16 kHz.
    pub(crate) fn fill_wide(&mut self, frame: &mut [i16; tick::WIDE_FRAME]) {
        let filled = self.walk(|source, position, at| {
            copy_wide(source, 2 * position, &mut frame[2 * at.start..2 * at.end]);
        });
        frame[2 * filled..].fill(0);
    }

    /// Goes on by one frame. `copy` gets a source, a position in it, and where in the frame that sounds; gives how
    /// much of the frame was filled.
    fn walk(&mut self, mut copy: impl FnMut(&Source, u64, Range<usize>)) -> usize {
        let mut filled = 0;
        while filled < tick::FRAME {
            let Some(source) = self.sources.get(self.source) else { break };
            let left = length(source).saturating_sub(self.position);
            let count = left.min((tick::FRAME - filled) as u64) as usize;
            copy(source, self.position, filled..filled + count);
            self.position += count as u64;
            filled += count;
            self.settle();
        }
        filled
    }

    /// Everything is played.
    pub(crate) fn is_finished(&self) -> bool {
        self.source >= self.sources.len()
    }

    /// Moves on to where there is something to play, or behind the last source.
    fn settle(&mut self) {
        while self.sources.get(self.source).is_some_and(|source| self.position >= length(source)) {
            self.position = 0;
            self.source += 1;
            let again = self.rounds != Some(0);
            if self.is_finished() && again {
                self.source = 0;
                self.rounds = self.rounds.map(|rounds| rounds - 1);
            }
        }
    }
}

/// Length in samples.
fn length(source: &Source) -> u64 {
    match source {
        Source::Clip(clip) => clip.samples().len() as u64,
        Source::Tone(steps) => {
            steps.iter().map(|step| tick::samples(step.length)).fold(0, u64::saturating_add)
        }
        Source::Silence(length) => tick::samples(*length),
        Source::Dtmf(digits) => digits.len() as u64 * 2 * tone::DTMF_ON,
    }
}

/// Copies the codes from `position` on; `codes` does not reach beyond the end of the source.
fn copy(source: &Source, position: u64, law: Law, codes: &mut [u8]) {
    match source {
        Source::Clip(clip) => {
            let from = position as usize;
            codes.copy_from_slice(&clip.encoded(law)[from..from + codes.len()]);
        }
        Source::Silence(_) => codes.fill(law.silence()),
        Source::Tone(_) | Source::Dtmf(_) => {
            for (code, n) in codes.iter_mut().zip(position..) {
                *code = law.encode(generated(source, n, tone::sample, 1));
            }
        }
    }
}

/// Copies the sound at 16 kHz, of which `position` counts the samples.
fn copy_wide(source: &Source, position: u64, sound: &mut [i16]) {
    match source {
        Source::Clip(clip) => {
            let from = position as usize;
            sound.copy_from_slice(&clip.wide()[from..from + sound.len()]);
        }
        Source::Silence(_) => sound.fill(0),
        Source::Tone(_) | Source::Dtmf(_) => {
            for (sample, n) in sound.iter_mut().zip(position..) {
                *sample = generated(source, n, tone::wide_sample, 2);
            }
        }
    }
}

/// Sample `n` of a tone or of digits, at `times` 8 kHz.
fn generated(source: &Source, mut n: u64, sample: fn([u16; 2], u64) -> i16, times: u64) -> i16 {
    match source {
        Source::Tone(steps) => {
            for step in steps.iter() {
                let length = tick::samples(step.length).saturating_mul(times);
                if n < length {
                    return sample(step.hz, n);
                }
                n -= length;
            }
            0
        }
        Source::Dtmf(digits) => {
            let on = times * tone::DTMF_ON;
            let (digit, n) = (n / (2 * on), n % (2 * on));
            let digit = digits.as_bytes().get(digit as usize);
            match digit.and_then(|digit| dtmf::event_of(char::from(*digit))) {
                Some(event) if n < on => sample(tone::dtmf(event), n),
                _ => 0,
            }
        }
        Source::Clip(_) | Source::Silence(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::Clip;

    fn clip(value: i16, count: usize) -> Source {
        Source::Clip(Arc::new(Clip::from_samples(8000, &vec![value; count])))
    }

    fn player(sources: Vec<Source>, repeat: u32) -> Player {
        Player::new(None, sources, repeat, Digits::NONE, 0)
    }

    fn play(mut player: Player, limit: usize) -> Vec<i16> {
        let mut samples = Vec::new();
        while !player.is_finished() && samples.len() < limit * tick::FRAME {
            let mut frame = [0; tick::FRAME];
            player.fill(Law::A, &mut frame);
            samples.extend(frame.map(|code| Law::A.decode(code)));
        }
        samples
    }

    #[test]
    fn sources_follow_without_a_gap_and_only_the_end_is_padded() {
        let loud = Law::A.decode(Law::A.encode(10_000));
        let sources = vec![clip(10_000, 100), Source::Silence(Duration::from_millis(5)), clip(10_000, 300)];
        let samples = play(player(sources, 1), 100);
        assert_eq!(samples.len(), 480);
        let sounds = |range: std::ops::Range<usize>| samples[range].iter().all(|s| *s == loud);
        assert!(sounds(0..100) && !sounds(100..140) && sounds(140..440));
        assert!(samples[100..140].iter().chain(&samples[440..]).all(|s| *s == 8));
    }

    #[test]
    fn rounds_are_counted_and_zero_is_for_ever() {
        assert_eq!(play(player(vec![clip(1000, 160)], 3), 100).len(), 3 * 160);
        assert_eq!(play(player(vec![clip(1000, 100)], 8), 100).len(), 5 * 160);
        assert_eq!(play(player(vec![clip(1000, 1)], 0), 50).len(), 50 * 160);
    }

    #[test]
    fn nothing_to_play_is_finished_at_once() {
        let empty: Source = Source::Tone(Arc::new([]));
        for repeat in [0, 1, 5] {
            assert!(player(vec![], repeat).is_finished());
            assert!(player(vec![empty.clone(), clip(0, 0), Source::Dtmf("".into())], repeat).is_finished());
        }
    }

    #[test]
    fn a_cadence_and_digits_sound_when_they_should() {
        let loud = |samples: &[i16]| samples.iter().map(|s| i32::from(s.abs())).max() > Some(1000);
        let busy = play(player(vec![Source::Tone(tone::named("busy").unwrap())], 2), 1000);
        assert_eq!(busy.len(), 16_000);
        assert!(loud(&busy[..4000]) && !loud(&busy[4000..8000]) && loud(&busy[8000..12_000]));
        let digits = play(player(vec![Source::Dtmf("1x".into())], 1), 1000);
        assert_eq!(digits.len(), 3200);
        assert!(loud(&digits[..800]) && !loud(&digits[800..]));
    }

    #[test]
    fn wide_band_sound_is_the_same_at_twice_the_rate() {
        let sources = || {
            vec![
                clip(10_000, 500),
                Source::Dtmf("1".into()),
                Source::Silence(Duration::from_millis(5)),
                Source::Tone(tone::named("440/100,0/50").unwrap()),
            ]
        };
        let narrow = play(player(sources(), 2), 1000);
        let mut player = player(sources(), 2);
        let mut wide = Vec::new();
        while !player.is_finished() {
            let mut frame = [0; tick::WIDE_FRAME];
            player.fill_wide(&mut frame);
            wide.extend(frame);
        }
        assert_eq!(wide.len(), 2 * narrow.len());
        let is_loud = |samples: &[i16]| samples.iter().any(|sample| sample.abs() > 1000);
        for n in (0..narrow.len() - 40).step_by(40) {
            let sounds = is_loud(&narrow[n..n + 40]);
            assert_eq!(is_loud(&wide[2 * n..2 * n + 80]), sounds, "at sample {n}");
        }
    }

    #[test]
    fn lengths_without_measure_do_not_overflow() {
        let forever = Source::Silence(Duration::MAX);
        let step = crate::ToneStep { hz: [440, u16::MAX], length: Duration::MAX };
        let sources = vec![forever, Source::Tone(Arc::new([step, step]))];
        assert_eq!(play(player(sources.clone(), 1), 3).len(), 480);
        assert_eq!(play(player(sources[1..].to_vec(), 1), 3).len(), 480);
    }
}
