//! Whether a sentence was heard: its rendering by the same engine, found in the sound by the
//! course of its band energies, and nearer than other sentences.

use std::{process::Command, time::Duration};

use crate::{
    audio::RATE,
    process::{Said, run},
};

/// Samples between two frames: 10 ms.
const HOP: usize = 80;
const WINDOW: usize = 256;
const BANDS: usize = 14;
/// The same sentence scores so much less where it lies worse against the frames.
const AS_GOOD: f32 = 0.05;
/// Log energy of a window below which all is silence.
const FLOOR: f32 = 1e5;

/// Words per minute of the voice that comes with Jackfield.
const WORDS_PER_MINUTE: &str = "150";

/// The sentence as the default engine speaks it, at 8 kHz.
pub fn render(text: &str, language: &str) -> Vec<i16> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wav = folder.path().join("speech.wav");
    let mut espeak = Command::new("espeak-ng");
    espeak.args(["-v", language, "-s", WORDS_PER_MINUTE, "--stdin", "-w"]).arg(&wav);
    run(&mut espeak, text.as_bytes()).expect_good();
    let mut sox = Command::new("sox");
    sox.arg(&wav).args(["-t", "raw", "-r", "8000", "-c", "1", "-b", "16", "-e", "signed", "-"]);
    let output = sox.output().expect("sox");
    let samples = output.stdout.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    Said::from(output).expect_good();
    samples
}

/// Log band energies of each 10 ms.
pub struct Course(Vec<[f32; BANDS]>);

/// Where a sentence was found.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// From the beginning of the sound.
    pub at: Duration,
    /// Correlation: 1.0 is the very same.
    pub score: f32,
}

impl Course {
    /// Of a sound at 8 kHz.
    pub fn of(samples: &[i16]) -> Course {
        Course(samples.windows(WINDOW).step_by(HOP).map(bands).collect())
    }

    /// How long it is.
    pub fn length(&self) -> Duration {
        Duration::from_millis(self.0.len() as u64 * 10)
    }

    /// Where `sentence` fits best after `from`; of several times that it was said, the first.
    pub fn find(&self, sentence: &Course, from: Duration) -> Option<Found> {
        let first = index(from);
        let last = self.0.len().checked_sub(sentence.0.len())?;
        let score = |at: usize| correlation(&self.0[at..at + sentence.0.len()], &sentence.0);
        let scores: Vec<f32> = (first..=last).map(score).collect();
        let best = scores.iter().copied().max_by(f32::total_cmp)?;
        let mut place = scores.iter().position(|score| *score >= best - AS_GOOD)?;
        while scores.get(place + 1).is_some_and(|next| *next > scores[place]) {
            place += 1;
        }
        Some(Found { at: Duration::from_millis((first + place) as u64 * 10), score: scores[place] })
    }
}

/// Asserts that the sentences are heard in this order, each one nearer than every decoy;
/// returns where each begins.
#[track_caller]
pub fn assert_spoken(samples: &[i16], sentences: &[&str], language: &str) -> Vec<Duration> {
    let heard = Course::of(samples);
    let mut from = Duration::ZERO;
    let mut places = Vec::new();
    for sentence in sentences {
        let course = Course::of(&render(sentence, language));
        let found = heard.find(&course, from);
        let found = found.unwrap_or_else(|| {
            let length = samples.len() as f32 / RATE as f32;
            panic!("{length:.1} s of sound are too short for `{sentence}` from {from:?}, found so far: {places:?}")
        });
        assert!(
            found.score > 0.8,
            "`{sentence}` was not heard after {from:?}: best {found:?}; before it: {places:?}"
        );
        for decoy in decoys(sentence) {
            let other = heard.0[index(found.at)..].len().min(course.0.len());
            let part = Course(heard.0[index(found.at)..index(found.at) + other].to_vec());
            let decoyed = best_of_either(&part, &Course::of(&render(&decoy, language)));
            assert!(
                decoyed + 0.1 < found.score,
                "`{sentence}` ({:.2}) is hardly nearer than `{decoy}` ({decoyed:.2})",
                found.score
            );
        }
        places.push(found.at);
        from = found.at + course.length();
    }
    places
}

/// How well the shorter one fits into the longer one, wherever that is.
fn best_of_either(one: &Course, two: &Course) -> f32 {
    let (long, short) = if one.0.len() >= two.0.len() { (one, two) } else { (two, one) };
    long.find(short, Duration::ZERO).map_or(0.0, |found| found.score)
}

/// The sentence with another word in the middle, and another sentence.
fn decoys(sentence: &str) -> Vec<String> {
    let mut words: Vec<&str> = sentence.split_whitespace().collect();
    let middle = words.len() / 2;
    words[middle] = "chocolat";
    vec![words.join(" "), "Le numéro que vous avez composé n'est plus en service actuellement.".to_owned()]
}

fn index(at: Duration) -> usize {
    (at.as_millis() / 10) as usize
}

/// Pearson's, over all bands of all frames, each band about its own mean.
fn correlation(one: &[[f32; BANDS]], two: &[[f32; BANDS]]) -> f32 {
    let (mut product, mut square_one, mut square_two) = (0f32, 0f32, 0f32);
    let mean = |frames: &[[f32; BANDS]], band: usize| {
        frames.iter().map(|frame| frame[band]).sum::<f32>() / frames.len() as f32
    };
    for band in 0..BANDS {
        let (mean_one, mean_two) = (mean(one, band), mean(two, band));
        for (frame_one, frame_two) in one.iter().zip(two) {
            let (a, b) = (frame_one[band] - mean_one, frame_two[band] - mean_two);
            product += a * b;
            square_one += a * a;
            square_two += b * b;
        }
    }
    product / (square_one * square_two).sqrt().max(f32::MIN_POSITIVE)
}

fn bands(window: &[i16]) -> [f32; BANDS] {
    let mut real: Vec<f32> = (0..WINDOW)
        .map(|n| {
            let phase = std::f32::consts::TAU * n as f32 / WINDOW as f32;
            f32::from(window[n]) * (0.5 - 0.5 * phase.cos())
        })
        .collect();
    let mut imaginary = vec![0f32; WINDOW];
    transform(&mut real, &mut imaginary);
    // From 200 to 3500 Hz, each band 1.23 times as high as the one before.
    let edge = |band: usize| (200.0 * 1.227f32.powi(band as i32) * WINDOW as f32 / RATE as f32) as usize;
    std::array::from_fn(|band| {
        let bins = edge(band)..edge(band + 1).max(edge(band) + 1);
        let energy: f32 = bins.map(|bin| real[bin].powi(2) + imaginary[bin].powi(2)).sum();
        (energy + FLOOR).ln()
    })
}

/// Fourier transform in place; the length is a power of two.
fn transform(real: &mut [f32], imaginary: &mut [f32]) {
    let length = real.len();
    let bits = length.trailing_zeros();
    for index in 0..length {
        let other = (index as u32).reverse_bits() as usize >> (32 - bits);
        if other > index {
            real.swap(index, other);
            imaginary.swap(index, other);
        }
    }
    let mut half = 1;
    while half < length {
        for start in (0..length).step_by(2 * half) {
            for k in 0..half {
                let (sin, cos) = (-std::f32::consts::PI * k as f32 / half as f32).sin_cos();
                let (low, high) = (start + k, start + k + half);
                let re = real[high] * cos - imaginary[high] * sin;
                let im = real[high] * sin + imaginary[high] * cos;
                (real[high], imaginary[high]) = (real[low] - re, imaginary[low] - im);
                (real[low], imaginary[low]) = (real[low] + re, imaginary[low] + im);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::Law;

    fn on_the_line(sentences: &[&str]) -> Vec<i16> {
        let pause = vec![0; RATE / 2];
        let spoken = sentences.iter().flat_map(|text| [pause.clone(), render(text, "fr")].concat());
        spoken.map(|sample| Law::A.decode(Law::A.encode(sample))).collect()
    }

    #[test]
    fn sentences_are_found_in_their_order() {
        let sentences = ["Pour joindre Alice, taper 1.", "Pour joindre Bob, taper 2.", "Entrée invalide"];
        let places = assert_spoken(&on_the_line(&sentences), &sentences, "fr");
        let expected = Duration::from_millis(500);
        assert!(places[0].abs_diff(expected) < Duration::from_millis(50), "{places:?}");
    }

    #[test]
    #[should_panic(expected = "was not heard")]
    fn another_sentence_is_not_taken_for_it() {
        let sound = on_the_line(&["Pour joindre Alice, taper 1.", "Il fait beau aujourd'hui."]);
        assert_spoken(&sound, &["Bonjour et bienvenue chez nous !"], "fr");
    }
}
