//! Makes up what was lost: the last pitch period goes on, ever softer (after ITU-T G.711 Appendix I).
//!
//! Everything is 8 kHz. What is heard is 3.75 ms late, so that the end of what came can be bent into what is
//! made up.

use crate::tick::FRAME;

/// Shortest and longest pitch period looked for, in samples: 200 Hz and 66 Hz.
const PITCH: std::ops::RangeInclusive<usize> = 40..=120;
/// Samples that are compared: 20 ms.
const COMPARED: usize = 160;
/// Longest overlap, a quarter of the longest pitch; the delay.
const OVERLAP: usize = 30;
/// What is remembered: enough for three periods and the overlap.
const HISTORY: usize = 3 * 120 + OVERLAP;
/// 10 ms.
const STEP: usize = 80;
/// Samples until nothing is left of it: 60 ms.
const FADED: usize = 480;

/// The sound of one stream, without its holes.
#[derive(Clone, Debug)]
pub(crate) struct Concealer {
    /// The newest sound at the end, of which the last `OVERLAP` samples are not heard yet.
    history: [i16; HISTORY],
    /// The history as it was at the begin of the hole.
    wave: [i16; HISTORY],
    pitch: usize,
    /// Pitch periods that are repeated, 1 to 3.
    periods: usize,
    offset: usize,
    /// Samples made up in a row.
    erased: usize,
}

impl Default for Concealer {
    fn default() -> Self {
        let silence = [0; HISTORY];
        Concealer { history: silence, wave: silence, pitch: 40, periods: 1, offset: 0, erased: 0 }
    }
}

impl Concealer {
    /// A frame that came; becomes what is heard.
    pub(crate) fn hear(&mut self, frame: &mut [i16; FRAME]) {
        if self.erased > 0 {
            let tens = self.erased.div_ceil(STEP);
            let length = (self.pitch / 4 + 32 * (tens - 1)).min(STEP);
            let mut ending = [0; STEP];
            self.synthesise(&mut ending[..length]);
            blend(&ending[..length], &mut frame[..length]);
            self.erased = 0;
        }
        self.append(frame);
        self.delayed(frame);
    }

    /// Fills a frame that did not come.
    pub(crate) fn make_up(&mut self, frame: &mut [i16; FRAME]) {
        for part in frame.chunks_exact_mut(STEP) {
            let done = match self.erased / STEP {
                0 => self.begin(),
                tens @ 1..=2 => self.widen(tens + 1, part),
                _ => 0,
            };
            self.synthesise(&mut part[done..]);
            self.append(part);
        }
        self.delayed(frame);
    }

    /// Learns what to repeat.
    fn begin(&mut self) -> usize {
        self.wave = self.history;
        self.pitch = pitch(&self.history);
        self.periods = 1;
        self.offset = 0;
        // The end of the wave is bent into its begin, one period before.
        let quarter = self.pitch / 4;
        let end = HISTORY - quarter;
        let mut bent = [0; OVERLAP];
        bent[..quarter].copy_from_slice(&self.wave[end - self.pitch..HISTORY - self.pitch]);
        let tail: [i16; OVERLAP] = std::array::from_fn(|n| self.wave[HISTORY - OVERLAP + n]);
        blend(&tail[OVERLAP - quarter..], &mut bent[..quarter]);
        self.wave[end..].copy_from_slice(&bent[..quarter]);
        self.history[end..].copy_from_slice(&bent[..quarter]);
        0
    }

    /// Repeats one period more, so that it does not sound like a machine: the first quarter of a period goes over.
    fn widen(&mut self, periods: usize, part: &mut [i16]) -> usize {
        let quarter = self.pitch / 4;
        let (erased, offset) = (self.erased, self.offset % self.pitch);
        let mut former = [0; OVERLAP];
        self.synthesise(&mut former[..quarter]);
        (self.erased, self.offset, self.periods) = (erased, offset, periods);
        self.synthesise(&mut part[..quarter]);
        blend(&former[..quarter], &mut part[..quarter]);
        quarter
    }

    fn synthesise(&mut self, part: &mut [i16]) {
        let length = self.periods * self.pitch;
        for sample in part {
            let raw = f32::from(self.wave[HISTORY - length + self.offset]);
            *sample = (raw * gain(self.erased)) as i16;
            self.offset = (self.offset + 1) % length;
            self.erased += 1;
        }
    }

    fn append(&mut self, part: &[i16]) {
        self.history.copy_within(part.len().., 0);
        self.history[HISTORY - part.len()..].copy_from_slice(part);
    }

    fn delayed(&self, frame: &mut [i16; FRAME]) {
        let end = HISTORY - OVERLAP;
        frame.copy_from_slice(&self.history[end - FRAME..end]);
    }
}

/// Full for 10 ms, then a fifth less every 10 ms.
fn gain(erased: usize) -> f32 {
    let faded = erased.clamp(STEP, FADED) - STEP;
    1.0 - faded as f32 / (FADED - STEP) as f32
}

/// Goes over from `from` to what is in `to`.
fn blend(from: &[i16], to: &mut [i16]) {
    let count = to.len() as f32 + 1.0;
    for (n, (to, from)) in to.iter_mut().zip(from).enumerate() {
        let share = (n + 1) as f32 / count;
        *to = (f32::from(*from) * (1.0 - share) + f32::from(*to) * share) as i16;
    }
}

/// The lag at which the last 20 ms are most like what was before.
fn pitch(history: &[i16; HISTORY]) -> usize {
    let newest = &history[HISTORY - COMPARED..];
    let likeness = |lag: usize| {
        let before = &history[HISTORY - COMPARED - lag..HISTORY - lag];
        let (mut product, mut energy) = (0.0_f32, 1.0_f32);
        for (a, b) in newest.iter().zip(before) {
            product += f32::from(*a) * f32::from(*b);
            energy += f32::from(*b) * f32::from(*b);
        }
        product / energy.sqrt()
    };
    let best = PITCH.map(|lag| (lag, likeness(lag))).max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(*PITCH.start(), |(lag, _)| lag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frame: usize) -> [i16; FRAME] {
        std::array::from_fn(|n| {
            let t = (frame * FRAME + n) as f64;
            (8000.0 * (t * 125.0 * std::f64::consts::TAU / 8000.0).sin()) as i16
        })
    }

    fn loudness(frame: &[i16]) -> i32 {
        frame.iter().map(|sample| i32::from(sample.abs())).max().unwrap_or(0)
    }

    #[test]
    fn what_came_is_heard_as_it_is_only_later() {
        let mut concealer = Concealer::default();
        let mut all = Vec::new();
        for n in 0..10 {
            let mut frame = tone(n);
            concealer.hear(&mut frame);
            all.extend(frame);
        }
        let said: Vec<i16> = (0..10).flat_map(tone).collect();
        assert_eq!(all[OVERLAP..], said[..said.len() - OVERLAP]);
    }

    #[test]
    fn a_tone_goes_on_through_a_hole_of_a_frame() {
        let mut concealer = Concealer::default();
        let mut all = Vec::new();
        for n in 0..12 {
            let mut frame = tone(n);
            if n == 6 {
                concealer.make_up(&mut frame)
            } else {
                concealer.hear(&mut frame)
            }
            all.extend(frame);
        }
        let said: Vec<i16> = (0..12).flat_map(tone).collect();
        let worst = all[OVERLAP..].iter().zip(&said).map(|(a, b)| i32::from((a - b).abs())).max().unwrap();
        assert!(worst < 2000, "{worst} of 8000 away from the tone");
        let jump = all[OVERLAP..].windows(2).map(|pair| i32::from((pair[1] - pair[0]).abs())).max().unwrap();
        assert!(jump < 1600, "a click of {jump}");
    }

    #[test]
    fn a_long_hole_fades_to_silence() {
        let mut concealer = Concealer::default();
        (0..6).for_each(|n| concealer.hear(&mut tone(n)));
        let mut holes = [[1; FRAME]; 5];
        holes.iter_mut().for_each(|hole| concealer.make_up(hole));
        assert!(loudness(&holes[0]) > 5000 && loudness(&holes[1]) > 2000);
        assert!(loudness(&holes[2]) < loudness(&holes[1]));
        assert_eq!(loudness(&holes[3][OVERLAP..]), 0);
        assert_eq!(loudness(&holes[4]), 0);
    }
}
