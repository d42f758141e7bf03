//! From any rate to 8 and 16 kHz, when a prompt is loaded: a polyphase low-pass with a windowed sinc.

use std::f64::consts::{PI, TAU};

use crate::codec::Doubler;

/// Pass band edge plus half the transition, of half the lower rate: flat to 3.4 kHz and silent above 4 kHz, where
/// either side has 8 kHz.
const CUTOFF: f64 = 0.925;
/// Zero crossings of the sinc on either side; with a Blackman window the transition is 600 Hz wide.
const CROSSINGS: f64 = 32.0;

pub(super) fn to_8_khz(rate: u32, input: &[i16]) -> Vec<i16> {
    to(8000, rate, input)
}

/// Silence or a cut makes it `length` samples, which differ by rounding.
pub(super) fn to_16_khz(rate: u32, input: &[i16], length: usize) -> Vec<i16> {
    let mut output = to(16_000, rate, input);
    output.resize(length, 0);
    output
}

/// From 8 kHz to 16 kHz.
pub(super) fn doubled(input: &[i16]) -> Vec<i16> {
    let mut doubler = Doubler::default();
    let mut output = vec![0; 2 * input.len()];
    for (narrow, wide) in input.chunks(960).zip(output.chunks_mut(1920)) {
        doubler.double(narrow, wide);
    }
    output
}

fn to(target: u32, rate: u32, input: &[i16]) -> Vec<i16> {
    if rate == target {
        return input.to_vec();
    }
    // Output sample n lies at input position n * down / up.
    let divisor = gcd(rate, target);
    let (up, down) = ((target / divisor) as usize, (rate / divisor) as usize);
    let cutoff = CUTOFF * f64::from(target.min(rate)) / 2.0 / f64::from(rate);
    let half = (CROSSINGS / (2.0 * cutoff)).ceil() as usize;
    let length = input.len() * up / down;
    let phases: Vec<Vec<f32>> =
        (0..up.min(length)).map(|n| taps(cutoff, half, (n * down % up) as f64 / up as f64)).collect();

    (0..length)
        .map(|n| {
            let (first, taps) = (n * down / up, &phases[n % up]);
            // Tap k weighs input sample `first + k + 1 - half`; there is silence beyond both ends.
            let skip = (half - 1).saturating_sub(first);
            let sound = &input[(first + 1).saturating_sub(half)..];
            let sum: f32 = taps[skip..].iter().zip(sound).map(|(tap, sample)| tap * f32::from(*sample)).sum();
            sum.round() as i16
        })
        .collect()
}

/// A windowed sinc of `2 * half` taps around a point that lies `fraction` of a sample behind the middle; gain 1.
fn taps(cutoff: f64, half: usize, fraction: f64) -> Vec<f32> {
    let weights: Vec<f64> = (0..2 * half)
        .map(|k| {
            let x = k as f64 + 1.0 - half as f64 - fraction;
            let sinc = if x == 0.0 { 1.0 } else { (TAU * cutoff * x).sin() / (TAU * cutoff * x) };
            let at = PI * x / half as f64;
            sinc * (0.42 + 0.5 * at.cos() + 0.08 * (2.0 * at).cos())
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [u32; 7] = [11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

    fn tone(rate: u32, hz: f64, seconds: f64) -> Vec<i16> {
        let count = (f64::from(rate) * seconds) as usize;
        (0..count)
            .map(|n| (10_000.0 * (TAU * hz * n as f64 / f64::from(rate)).sin()).round() as i16)
            .collect()
    }

    fn power(samples: impl Iterator<Item = f64>) -> f64 {
        let (sum, count) = samples.fold((0.0, 0), |(sum, count), v| (sum + v * v, count + 1));
        sum / f64::from(count)
    }

    #[test]
    fn a_tone_in_the_telephone_band_comes_through_clean() {
        for rate in RATES {
            for hz in [300.0, 1000.0, 3300.0] {
                let (made, exact) = (to_8_khz(rate, &tone(rate, hz, 0.8)), tone(8000, hz, 0.8));
                assert_eq!(made.len(), 6400);
                let middle = 400..6000;
                let noise = power(middle.clone().map(|n| f64::from(made[n]) - f64::from(exact[n])));
                let snr = 10.0 * (power(middle.map(|n| f64::from(exact[n]))) / noise).log10();
                assert!(snr > 60.0, "{rate} Hz, tone {hz}: {snr:.1} dB");
            }
        }
    }

    #[test]
    fn what_would_alias_is_gone() {
        for rate in RATES {
            for hz in [4100.0, 5000.0, 7000.0, 10_000.0, 15_000.0] {
                if hz >= f64::from(rate) / 2.0 {
                    continue;
                }
                let made = to_8_khz(rate, &tone(rate, hz, 0.5));
                let left = 10.0 * (power(made[400..3600].iter().map(|v| f64::from(*v))) / 5e7).log10();
                assert!(left < -60.0, "{rate} Hz, tone {hz}: {left:.1} dB");
            }
        }
    }

    #[test]
    fn wide_band_sound_comes_through_clean() {
        for rate in RATES {
            for hz in [300.0, 3000.0, 6800.0] {
                if hz > 0.8 * f64::from(rate) / 2.0 {
                    continue;
                }
                let (made, exact) = (to_16_khz(rate, &tone(rate, hz, 0.8), 12_800), tone(16_000, hz, 0.8));
                let middle = 800..12_000;
                let noise = power(middle.clone().map(|n| f64::from(made[n]) - f64::from(exact[n])));
                let snr = 10.0 * (power(middle.map(|n| f64::from(exact[n]))) / noise).log10();
                assert!(snr > 60.0, "{rate} Hz, tone {hz}: {snr:.1} dB");
            }
        }
    }

    #[test]
    fn short_and_full_scale_inputs_are_no_trouble() {
        for rate in [8_001, 22_050, 47_999, 48_000] {
            for length in [0, 1, 2, 5, 6, 7, 400] {
                let made = to_8_khz(rate, &vec![i16::MIN; length]);
                assert_eq!(made.len(), length * 8000 / rate as usize);
            }
        }
    }
}
