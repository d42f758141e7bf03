//! DTMF tones in the sound of a peer (ITU-T Q.23, Q.24): the Goertzel algorithm over windows of 13 ms.
//!
//! Speech must not be taken for a digit: both frequencies have to stand out, to be about as loud as each
//! other, to have no overtones, to hold nearly all of the energy, and to last.

use super::digit_of;

/// Samples of a window: its frequency bins are 78 Hz wide, as the tones are apart.
const WINDOW: usize = 102;
/// How far two frequencies must be apart to be told, in Hz.
const BIN: f32 = 90.0;
/// A window begins every 6.4 ms.
const HOP: usize = WINDOW / 2;
/// Windows in a row that hear the digit: 40 ms of tone always hold four, 23 ms never do (Q.24).
const HEARD: u32 = 4;
/// From so many windows on it is taken for a digit that has begun.
const SUSPECTED: u32 = 2;
/// Windows in a row that do not hear it any more: 20 ms.
const OVER: u32 = 3;
/// Amplitude of either tone, of 32768 (-42 dB).
const LEAST: f32 = 260.0;
/// How much louder one tone may be, in power: 8 dB.
const TWIST: f32 = 6.3;
/// How much a tone stands out from the others of its group, in power: 8 dB.
const PEAK: f32 = 6.3;
/// Share of the energy that is in the two tones.
const PURITY: f32 = 0.7;
/// Power of an overtone against its tone: -12 dB.
const OVERTONE: f32 = 0.063;

const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
/// Events by row and column of the keypad (RFC 4733 3.2).
const KEYS: [[u8; 4]; 4] = [[1, 2, 3, 12], [4, 5, 6, 13], [7, 8, 9, 14], [10, 0, 11, 15]];

/// Listens to one peer, at 8 kHz.
#[derive(Debug)]
pub(crate) struct ToneDetector {
    window: [f32; WINDOW],
    filled: usize,
    /// The digit of the newest windows, and how many have it.
    run: (Option<u8>, u32),
    /// The digit that was reported and is not over.
    sounding: Option<u8>,
    missed: u32,
}

impl Default for ToneDetector {
    fn default() -> Self {
        ToneDetector { window: [0.0; WINDOW], filled: 0, run: (None, 0), sounding: None, missed: 0 }
    }
}

impl ToneDetector {
    /// The digit that these samples make certain; each press is reported once.
    pub(crate) fn hear(&mut self, samples: &[i16]) -> Option<char> {
        let mut found = None;
        for sample in samples {
            self.window[self.filled] = (*sample).into();
            self.filled += 1;
            if self.filled == WINDOW {
                found = self.judge(event(&self.window)).or(found);
                self.window.copy_within(HOP.., 0);
                self.filled = WINDOW - HOP;
            }
        }
        found.and_then(digit_of)
    }

    /// A digit sounds, or seems to begin.
    pub(crate) fn is_sounding(&self) -> bool {
        self.sounding.is_some() || (self.run.0.is_some() && self.run.1 >= SUSPECTED)
    }

    fn judge(&mut self, heard: Option<u8>) -> Option<u8> {
        self.run = if heard == self.run.0 { (heard, self.run.1.saturating_add(1)) } else { (heard, 1) };
        if self.sounding.is_some() {
            self.missed = if heard == self.sounding { 0 } else { self.missed + 1 };
            if self.missed < OVER {
                return None;
            }
            self.sounding = None;
        }
        if heard.is_none() || self.run.1 < HEARD {
            return None;
        }
        self.missed = 0;
        self.sounding = heard;
        heard
    }
}

/// The event whose tones a window holds.
fn event(window: &[f32; WINDOW]) -> Option<u8> {
    let (row, low) = loudest(window, &ROWS)?;
    let (column, high) = loudest(window, &COLUMNS)?;
    let energy: f32 = window.iter().map(|sample| sample * sample).sum();
    // A sine of amplitude A has the power (A n / 2)^2, and the energy A^2 n / 2.
    let n = WINDOW as f32;
    let pure = (low + high) * 2.0 / n >= PURITY * energy;
    let uneven = low > high * TWIST || high > low * TWIST;
    // Where the overtone of one tone is the other one, it cannot be told.
    let overtone = |hz: f32, of: f32, other: f32| {
        (2.0 * hz - other).abs() > BIN && power(window, 2.0 * hz) > OVERTONE * of
    };
    let rich = overtone(ROWS[row], low, COLUMNS[column]) || overtone(COLUMNS[column], high, ROWS[row]);
    if !pure || uneven || rich {
        return None;
    }
    Some(KEYS[row][column])
}

/// The tone of a group that stands out, and its power.
fn loudest(window: &[f32; WINDOW], group: &[f32; 4]) -> Option<(usize, f32)> {
    let powers = group.map(|hz| power(window, hz));
    let (best, &power) = powers.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let least = LEAST * WINDOW as f32 / 2.0;
    let others = powers.iter().enumerate().filter(|(at, _)| *at != best).map(|(_, power)| *power);
    let alone = others.fold(0.0, f32::max) * PEAK <= power;
    (power >= least * least && alone).then_some((best, power))
}

fn power(window: &[f32; WINDOW], hz: f32) -> f32 {
    let turn = 2.0 * (std::f32::consts::TAU * hz / 8000.0).cos();
    let (mut before, mut last) = (0.0_f32, 0.0_f32);
    for sample in window {
        (before, last) = (last, sample + turn * last - before);
    }
    before * before + last * last - turn * before * last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dtmf::event_of, tone};

    /// A press of so many samples, between silences.
    fn press(digit: char, samples: u64) -> Vec<i16> {
        let tones = tone::dtmf(event_of(digit).unwrap());
        let mut sound = vec![0; 400];
        sound.extend((0..samples).map(|n| tone::sample(tones, n)));
        sound.extend([0; 400]);
        sound
    }

    fn heard(sound: &[i16]) -> String {
        let mut detector = ToneDetector::default();
        sound.chunks(160).filter_map(|packet| detector.hear(packet)).collect()
    }

    fn sines(hz: &[(f64, f64)], samples: usize) -> Vec<i16> {
        let value = |n: usize| {
            let t = n as f64 / 8000.0;
            hz.iter().map(|(hz, level)| level * (t * hz * std::f64::consts::TAU).sin()).sum::<f64>() as i16
        };
        (0..samples).map(value).collect()
    }

    #[test]
    fn every_digit_is_heard_once_however_long_it_is() {
        for length in [400, 800, 8000] {
            let sound: Vec<i16> = "0123456789*#ABCD".chars().flat_map(|digit| press(digit, length)).collect();
            assert_eq!(heard(&sound), "0123456789*#ABCD", "{length} samples each");
        }
    }

    #[test]
    fn forty_milliseconds_are_enough_and_twenty_are_not() {
        for begin in 0..51 {
            let mut sound = vec![0; begin];
            sound.extend(press('5', 320));
            assert_eq!(heard(&sound), "5", "begins at {begin}");
            let mut sound = vec![0; begin];
            sound.extend(press('5', 160));
            assert_eq!(heard(&sound), "", "begins at {begin}");
        }
    }

    #[test]
    fn the_same_digit_again_is_a_press_of_its_own() {
        assert_eq!(heard(&[press('7', 400), press('7', 400), press('7', 400)].concat()), "777");
    }

    #[test]
    fn twist_has_its_limits() {
        assert_eq!(heard(&sines(&[(770.0, 4000.0), (1336.0, 8000.0)], 800)), "5");
        assert_eq!(heard(&sines(&[(770.0, 8000.0), (1336.0, 4000.0)], 800)), "5");
        assert_eq!(heard(&sines(&[(770.0, 2000.0), (1336.0, 8000.0)], 800)), "");
        assert_eq!(heard(&sines(&[(770.0, 8000.0), (1336.0, 2000.0)], 800)), "");
    }

    #[test]
    fn voices_and_music_are_no_digits() {
        // Vowels: the harmonics of a pitch, with formants where the tones are.
        for pitch in (90..260).step_by(3) {
            let harmonics: Vec<(f64, f64)> = (1..14)
                .map(|n| {
                    let hz = f64::from(pitch * n);
                    let near = |formant: f64| (-((hz - formant) / 150.0).powi(2)).exp();
                    (hz, 600.0 + 5000.0 * near(750.0) + 5000.0 * near(1350.0))
                })
                .collect();
            assert_eq!(heard(&sines(&harmonics, 8000)), "", "a voice of {pitch} Hz");
        }
        // Two sounds with overtones, as of a flute and a horn.
        let chord = [(697.0, 5000.0), (1394.0, 2500.0), (1209.0, 5000.0), (2418.0, 2500.0)];
        assert_eq!(heard(&sines(&chord, 8000)), "");
        assert_eq!(heard(&sines(&[(425.0, 8000.0)], 8000)), "");
    }

    #[test]
    fn a_digit_in_noise_is_heard() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i16) / 64
        };
        let sound: Vec<i16> =
            sines(&[(852.0, 4000.0), (1477.0, 4000.0)], 1600).iter().map(|s| s + noise()).collect();
        assert_eq!(heard(&sound), "9");
    }
}
