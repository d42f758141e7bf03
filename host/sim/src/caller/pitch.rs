//! The frequencies of a sound.

use std::f64::consts::TAU;

use super::recognise::Sound;

/// Highest frequency that is looked for, in Hz.
const HIGHEST: u16 = 3800;
const LOWEST: u16 = 40;
/// Samples that are looked at: two frequencies 20 Hz apart can be told apart.
pub(super) const WINDOW: usize = 1600;
/// Anything shorter is a click.
const SHORTEST: usize = 80;
/// Coarse step of the search: finer than the window resolves.
const COARSE: u16 = 4;
/// A second frequency has at least this part of the power of the first.
const SECOND: f64 = 0.1;
/// Of the power of a tone, this much is in its frequencies.
const PURE: f64 = 0.8;

/// A tone, where one or two frequencies make up nearly all of it; else noise.
pub(crate) fn name(samples: &[i16]) -> Sound {
    if samples.len() < SHORTEST {
        return Sound::Noise;
    }
    let mut rest: Vec<f64> = samples.iter().take(WINDOW).map(|sample| f64::from(*sample)).collect();
    let power = |samples: &[f64]| samples.iter().map(|sample| sample * sample).sum::<f64>();
    let whole = power(&rest);
    let mut tones = Vec::new();
    let mut first = 0.0;
    while tones.len() < 2 {
        let hz = strongest(&rest);
        let before = power(&rest);
        remove(&mut rest, hz);
        let taken = before - power(&rest);
        if taken < first * SECOND || taken < whole * SECOND / 2.0 {
            break;
        }
        first = if tones.is_empty() { taken } else { first };
        tones.push(hz);
    }
    if power(&rest) > whole * (1.0 - PURE) {
        return Sound::Noise;
    }
    tones.sort_unstable();
    Sound::Tone(tones)
}

fn strongest(samples: &[f64]) -> u16 {
    let best = |all: &mut dyn Iterator<Item = u16>| {
        let powers = all.map(|hz| (correlation(samples, hz), hz));
        powers.max_by(|(a, _), (b, _)| a.total_cmp(b)).map_or(0, |(_, hz)| hz)
    };
    let near = best(&mut (LOWEST..=HIGHEST).step_by(usize::from(COARSE)));
    best(&mut (near - COARSE..=near + COARSE))
}

/// Power of the part that is in step with a sine or cosine of that frequency.
fn correlation(samples: &[f64], hz: u16) -> f64 {
    // Goertzel.
    let factor = 2.0 * (TAU * f64::from(hz) / 8000.0).cos();
    let (last, before) =
        samples.iter().fold((0.0, 0.0), |(last, before), sample| (sample + factor * last - before, last));
    last * last + before * before - factor * last * before
}

/// Takes the frequency out, with the phase and strength that it has.
fn remove(samples: &mut [f64], hz: u16) {
    let angle = |n: usize| TAU * f64::from(hz) * n as f64 / 8000.0;
    let half = samples.len() as f64 / 2.0;
    let project = |wave: fn(f64) -> f64| {
        samples.iter().enumerate().map(|(n, sample)| sample * wave(angle(n))).sum::<f64>() / half
    };
    let (sine, cosine) = (project(f64::sin), project(f64::cos));
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample -= sine * angle(n).sin() + cosine * angle(n).cos();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tones(hz: &[f64], count: usize) -> Vec<i16> {
        let sample =
            |n: usize| hz.iter().map(|hz| (TAU * hz * n as f64 / 8000.0).sin() * 8000.0).sum::<f64>();
        (0..count).map(|n| sample(n) as i16).collect()
    }

    #[test]
    fn one_or_two_frequencies_are_found() {
        assert_eq!(name(&tones(&[440.0], 1600)), Sound::Tone(vec![440]));
        assert_eq!(name(&tones(&[1000.0], 800)), Sound::Tone(vec![1000]));
        assert_eq!(name(&tones(&[350.0, 440.0], 4000)), Sound::Tone(vec![350, 440]));
        assert_eq!(name(&tones(&[1336.0, 941.0], 1600)), Sound::Tone(vec![941, 1336]));
    }

    #[test]
    fn what_has_no_pitch_is_noise() {
        assert_eq!(name(&[8000; 20]), Sound::Noise);
        assert_eq!(name(&[]), Sound::Noise);
    }
}
