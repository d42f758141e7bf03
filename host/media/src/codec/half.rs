//! Between 8 kHz and 16 kHz, as a stream: a half-band low-pass, whose every second tap is zero.
//!
//! Flat to 3.5 kHz, silent from 4.5 kHz on (G.722 needs no more: phones cut at 3.4 kHz). Either way takes 2.5 ms.

use std::{f64::consts::PI, sync::LazyLock};

use super::MAX_SAMPLES;

/// Taps on either side that are not zero.
const SIDE: usize = 20;
/// Samples of 8 kHz that a filter looks back.
const PAST: usize = 2 * SIDE - 1;
/// Most samples of 8 kHz at once.
const MOST: usize = MAX_SAMPLES / 2;

/// The taps at odd distances 1, 3, 5... from the middle, times two; a sinc under a Blackman window.
static TAPS: LazyLock<[f32; SIDE]> = LazyLock::new(|| {
    let tap = |n: usize| {
        let x = n as f64 + 0.5;
        let at = PI * x / SIDE as f64;
        (PI * x).sin() / (PI * x) * (0.42 + 0.5 * at.cos() + 0.08 * (2.0 * at).cos())
    };
    let taps: [f64; SIDE] = std::array::from_fn(tap);
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / (2.0 * sum)) as f32)
});

/// The value half a sample behind the middle of `window`.
fn between(taps: &[f32; SIDE], window: &[f32]) -> f32 {
    let (before, after) = window.split_at(SIDE);
    let pairs = before.iter().rev().zip(after);
    taps.iter().zip(pairs).map(|(tap, (before, after))| tap * (before + after)).sum()
}

/// Samples that passed, and the ones that come.
fn joined(past: &[f32; PAST], samples: impl Iterator<Item = i16>, work: &mut [f32; PAST + MOST]) -> usize {
    work[..PAST].copy_from_slice(past);
    let mut count = 0;
    for (place, sample) in work[PAST..].iter_mut().zip(samples) {
        *place = sample.into();
        count += 1;
    }
    count
}

fn rounded(value: f32) -> i16 {
    value.round() as i16
}

/// From 8 kHz to 16 kHz.
#[derive(Clone, Debug)]
pub struct Doubler {
    past: [f32; PAST],
}

impl Default for Doubler {
    fn default() -> Self {
        Doubler { past: [0.0; PAST] }
    }
}

impl Doubler {
    /// Fills `wide` with two samples for each of `narrow`, 960 at most; the count of what was written.
    pub fn double(&mut self, narrow: &[i16], wide: &mut [i16]) -> usize {
        let taps = &*TAPS;
        let mut work = [0.0; PAST + MOST];
        let count = joined(&self.past, narrow.iter().copied().take(wide.len() / 2), &mut work);
        for (n, pair) in wide.chunks_exact_mut(2).take(count).enumerate() {
            let window = &work[n..n + 2 * SIDE];
            pair[0] = rounded(window[SIDE - 1]);
            pair[1] = rounded(between(taps, window));
        }
        self.past.copy_from_slice(&work[count..count + PAST]);
        2 * count
    }
}

/// From 16 kHz to 8 kHz.
#[derive(Clone, Debug)]
pub struct Halver {
    even: [f32; PAST],
    odd: [f32; PAST],
}

impl Default for Halver {
    fn default() -> Self {
        Halver { even: [0.0; PAST], odd: [0.0; PAST] }
    }
}

impl Halver {
    /// Fills `narrow` with one sample for each pair of `wide`, 960 at most; the count of what was written.
    pub fn halve(&mut self, wide: &[i16], narrow: &mut [i16]) -> usize {
        let taps = &*TAPS;
        let (mut even, mut odd) = ([0.0; PAST + MOST], [0.0; PAST + MOST]);
        let pairs = || wide.chunks_exact(2).take(narrow.len());
        let count = joined(&self.even, pairs().map(|pair| pair[0]), &mut even);
        joined(&self.odd, pairs().map(|pair| pair[1]), &mut odd);
        for (n, sample) in narrow.iter_mut().take(count).enumerate() {
            let middle = even[n + SIDE];
            *sample = rounded(0.5 * (middle + between(taps, &odd[n..n + 2 * SIDE])));
        }
        self.even.copy_from_slice(&even[count..count + PAST]);
        self.odd.copy_from_slice(&odd[count..count + PAST]);
        count
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// Samples of 8 kHz that sound takes there and back.
    const LAG: usize = 2 * SIDE - 1;

    fn tone(rate: f64, hz: f64, count: usize) -> Vec<i16> {
        (0..count).map(|n| (10_000.0 * (TAU * hz * n as f64 / rate).sin()).round() as i16).collect()
    }

    fn double(narrow: &[i16]) -> Vec<i16> {
        let mut doubler = Doubler::default();
        let mut wide = vec![0; 2 * narrow.len()];
        // In uneven steps, as packets come.
        let (mut from, mut step) = (0, 80);
        while from < narrow.len() {
            let to = narrow.len().min(from + step);
            assert_eq!(doubler.double(&narrow[from..to], &mut wide[2 * from..2 * to]), 2 * (to - from));
            (from, step) = (to, 400 - step);
        }
        wide
    }

    fn halve(wide: &[i16]) -> Vec<i16> {
        let mut halver = Halver::default();
        let mut narrow = vec![0; wide.len() / 2];
        for (wide, narrow) in wide.chunks(320).zip(narrow.chunks_mut(160)) {
            halver.halve(wide, narrow);
        }
        narrow
    }

    /// Signal to noise in dB against the best fitting sine, after the filter has filled.
    fn cleanness(samples: &[i16], rate: f64, hz: f64) -> f64 {
        let (mut sine, mut cosine, mut power) = (0.0, 0.0, 0.0);
        let settled = &samples[400..samples.len() - samples.len() % 400];
        for (n, sample) in settled.iter().enumerate() {
            let (sample, angle) = (f64::from(*sample), TAU * hz * n as f64 / rate);
            sine += sample * angle.sin();
            cosine += sample * angle.cos();
            power += sample * sample;
        }
        let fitting = 2.0 * (sine * sine + cosine * cosine) / settled.len() as f64;
        10.0 * (fitting / (power - fitting).max(1e-9)).log10()
    }

    #[test]
    fn tones_of_the_telephone_band_come_through_clean() {
        for hz in [200.0, 1000.0, 2000.0, 3400.0] {
            let up = cleanness(&double(&tone(8000.0, hz, 8000)), 16_000.0, hz);
            let down = cleanness(&halve(&tone(16_000.0, hz, 16_000)), 8000.0, hz);
            assert!(up > 55.0 && down > 55.0, "{hz} Hz: up {up:.1} dB, down {down:.1} dB");
        }
    }

    #[test]
    fn what_would_alias_is_gone() {
        for hz in [4700.0, 5500.0, 7000.0] {
            let left = halve(&tone(16_000.0, hz, 16_000));
            let peak = left[100..].iter().map(|sample| sample.abs()).max();
            assert!(peak < Some(20), "{hz} Hz leaves {peak:?}");
        }
    }

    #[test]
    fn there_and_back_is_the_same_sound_5_ms_later() {
        let narrow = tone(8000.0, 700.0, 4000);
        let back = halve(&double(&narrow));
        let worst = (100..3960).map(|n| (back[n] - narrow[n - LAG]).abs()).max();
        assert!(worst < Some(12), "{worst:?}");
    }

    #[test]
    fn full_scale_does_not_wrap() {
        let square: Vec<i16> = (0..1600).map(|n| if n / 20 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let back = halve(&double(&square));
        for n in (60..1600).filter(|n| (5..15).contains(&((n - LAG) % 20))) {
            assert_eq!(back[n] > 0, square[n - LAG] > 0, "sample {n}: {}", back[n]);
        }
        assert_eq!(Doubler::default().double(&[1; 2000], &mut [0; 4000]), 2 * MOST);
    }
}
