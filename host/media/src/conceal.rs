//! Makes up what was lost: the last pitch period goes on, ever softer (after ITU-T G.711 Appendix I).
//!
//! The lengths below are in samples of 8 kHz; at 16 kHz all are twice as long. What is heard is 3.75 ms late, so
//! that the end of what came can be bent into what is made up.

/// Shortest and longest pitch period looked for: 200 Hz and 66 Hz.
const PITCH: [usize; 2] = [40, 120];
/// Samples that are compared: 20 ms.
const COMPARED: usize = 160;
/// Longest overlap, a quarter of the longest pitch; the delay.
const OVERLAP: usize = 30;
/// What is remembered: enough for three periods and the overlap.
const HISTORY: usize = 3 * PITCH[1] + OVERLAP;
/// 10 ms.
const STEP: usize = 80;
/// Until nothing is left of it: 60 ms.
const FADED: usize = 480;
/// Samples of 16 kHz for each of 8 kHz.
const WIDE: usize = 2;

/// The sound of one stream, without its holes.
#[derive(Clone, Debug)]
pub(crate) struct Concealer {
    /// Samples for each of 8 kHz: 1 or 2.
    unit: usize,
    /// The newest sound at the end, of which the last of the overlap is not heard yet.
    history: Vec<i16>,
    /// The history as it was at the begin of the hole.
    wave: Vec<i16>,
    pitch: usize,
    /// Pitch periods that are repeated, 1 to 3.
    periods: usize,
    offset: usize,
    /// Samples made up in a row.
    erased: usize,
}

impl Concealer {
    /// For sound of 8 or of 16 kHz.
    pub(crate) fn new(is_wide: bool) -> Concealer {
        let unit = if is_wide { WIDE } else { 1 };
        let silence = vec![0; HISTORY * unit];
        Concealer {
            unit,
            history: silence.clone(),
            wave: silence,
            pitch: PITCH[0] * unit,
            periods: 1,
            offset: 0,
            erased: 0,
        }
    }

    /// 20 ms at most that came; becomes what is heard.
    pub(crate) fn hear(&mut self, part: &mut [i16]) {
        if self.erased > 0 {
            let tens = self.erased.div_ceil(STEP * self.unit);
            let length = (self.pitch / 4 + 32 * self.unit * (tens - 1)).min(STEP * self.unit).min(part.len());
            let mut ending = [0; STEP * WIDE];
            self.synthesise(&mut ending[..length]);
            blend(&ending[..length], &mut part[..length]);
            self.erased = 0;
        }
        self.append(part);
        self.delayed(part);
    }

    /// Fills 20 ms that did not come.
    pub(crate) fn make_up(&mut self, frame: &mut [i16]) {
        for part in frame.chunks_exact_mut(STEP * self.unit) {
            let done = match self.erased / (STEP * self.unit) {
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
        self.wave.copy_from_slice(&self.history);
        self.pitch = pitch(&self.history, self.unit);
        self.periods = 1;
        self.offset = 0;
        // The end of the wave is bent into its begin, one period before.
        let (quarter, length) = (self.pitch / 4, self.wave.len());
        let end = length - quarter;
        let mut bent = [0; OVERLAP * WIDE];
        bent[..quarter].copy_from_slice(&self.wave[end - self.pitch..length - self.pitch]);
        blend(&self.wave[end..], &mut bent[..quarter]);
        self.wave[end..].copy_from_slice(&bent[..quarter]);
        self.history[end..].copy_from_slice(&bent[..quarter]);
        0
    }

    /// Repeats one period more, so that it does not sound like a machine: the first quarter of a period goes over.
    fn widen(&mut self, periods: usize, part: &mut [i16]) -> usize {
        let quarter = self.pitch / 4;
        let (erased, offset) = (self.erased, self.offset % self.pitch);
        let mut former = [0; OVERLAP * WIDE];
        self.synthesise(&mut former[..quarter]);
        (self.erased, self.offset, self.periods) = (erased, offset, periods);
        self.synthesise(&mut part[..quarter]);
        blend(&former[..quarter], &mut part[..quarter]);
        quarter
    }

    fn synthesise(&mut self, part: &mut [i16]) {
        let length = self.periods * self.pitch;
        for sample in part {
            let raw = f32::from(self.wave[self.wave.len() - length + self.offset]);
            *sample = (raw * gain(self.erased / self.unit)) as i16;
            self.offset = (self.offset + 1) % length;
            self.erased += 1;
        }
    }

    fn append(&mut self, part: &[i16]) {
        self.history.copy_within(part.len().., 0);
        let begin = self.history.len() - part.len();
        self.history[begin..].copy_from_slice(part);
    }

    fn delayed(&self, part: &mut [i16]) {
        let end = self.history.len() - OVERLAP * self.unit;
        part.copy_from_slice(&self.history[end - part.len()..end]);
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
fn pitch(history: &[i16], unit: usize) -> usize {
    let compared = history.len() - COMPARED * unit;
    let newest = &history[compared..];
    let likeness = |lag: usize| {
        let before = &history[compared - lag..history.len() - lag];
        let (mut product, mut energy) = (0.0_f32, 1.0_f32);
        for (a, b) in newest.iter().zip(before) {
            product += f32::from(*a) * f32::from(*b);
            energy += f32::from(*b) * f32::from(*b);
        }
        product / energy.sqrt()
    };
    let [shortest, longest] = PITCH.map(|lag| lag * unit);
    let best = (shortest..=longest).map(|lag| (lag, likeness(lag))).max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(shortest, |(lag, _)| lag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tick::FRAME;

    fn tone(frame: usize, unit: usize) -> Vec<i16> {
        let sample = |n: usize| {
            let t = (frame * FRAME * unit + n) as f64;
            (8000.0 * (t * 125.0 * std::f64::consts::TAU / (8000.0 * unit as f64)).sin()) as i16
        };
        (0..FRAME * unit).map(sample).collect()
    }

    fn loudness(frame: &[i16]) -> i32 {
        frame.iter().map(|sample| i32::from(sample.abs())).max().unwrap_or(0)
    }

    #[test]
    fn what_came_is_heard_as_it_is_only_later() {
        let mut concealer = Concealer::new(false);
        let mut all = Vec::new();
        for n in 0..10 {
            let mut frame = tone(n, 1);
            concealer.hear(&mut frame);
            all.extend(frame);
        }
        let said: Vec<i16> = (0..10).flat_map(|n| tone(n, 1)).collect();
        assert_eq!(all[OVERLAP..], said[..said.len() - OVERLAP]);
    }

    #[test]
    fn a_tone_goes_on_through_a_hole_of_a_frame() {
        for unit in [1, WIDE] {
            let mut concealer = Concealer::new(unit == WIDE);
            let mut all = Vec::new();
            for n in 0..12 {
                let mut frame = tone(n, unit);
                if n == 6 {
                    concealer.make_up(&mut frame)
                } else {
                    concealer.hear(&mut frame)
                }
                all.extend(frame);
            }
            let said: Vec<i16> = (0..12).flat_map(|n| tone(n, unit)).collect();
            let late = &all[OVERLAP * unit..];
            let worst = late.iter().zip(&said).map(|(a, b)| i32::from((a - b).abs())).max().unwrap();
            assert!(worst < 2000, "{worst} of 8000 away from the tone");
            let jump = late.windows(2).map(|pair| i32::from((pair[1] - pair[0]).abs())).max().unwrap();
            assert!(jump < 1600, "a click of {jump}");
        }
    }

    #[test]
    fn a_long_hole_fades_to_silence() {
        let mut concealer = Concealer::new(false);
        (0..6).for_each(|n| concealer.hear(&mut tone(n, 1)));
        let mut holes = [[1; FRAME]; 5];
        holes.iter_mut().for_each(|hole| concealer.make_up(hole));
        assert!(loudness(&holes[0]) > 5000 && loudness(&holes[1]) > 2000);
        assert!(loudness(&holes[2]) < loudness(&holes[1]));
        assert_eq!(loudness(&holes[3][OVERLAP..]), 0);
        assert_eq!(loudness(&holes[4]), 0);
    }

    #[test]
    fn packets_of_any_length_end_a_hole() {
        for length in [8, 80, 160] {
            let mut concealer = Concealer::new(false);
            concealer.hear(&mut tone(0, 1));
            concealer.make_up(&mut [0; FRAME]);
            concealer.hear(&mut tone(2, 1)[..length]);
        }
    }
}
