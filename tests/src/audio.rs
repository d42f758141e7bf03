//! Sound at 8 kHz: G.711, tones and their level.

use std::f32::consts::TAU;

/// Samples a second, everywhere here.
pub const RATE: usize = 8000;

/// The two laws of G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// PCMA, payload type 8.
    A,
    /// PCMU, payload type 0.
    Mu,
}

impl Law {
    /// Of the static payload types of RFC 3551.
    pub fn of(payload_type: u8) -> Option<Law> {
        match payload_type {
            0 => Some(Law::Mu),
            8 => Some(Law::A),
            _ => None,
        }
    }

    /// One octet as 16-bit linear.
    pub fn decode(self, octet: u8) -> i16 {
        let (octet, mask) = match self {
            Law::A => (octet ^ 0x55, 0x80),
            Law::Mu => (!octet, 0),
        };
        let exponent = i32::from(octet >> 4 & 7);
        let mantissa = i32::from(octet & 15);
        let magnitude = match self {
            Law::A if exponent == 0 => (mantissa << 4) + 8,
            Law::A => ((mantissa << 4) + 0x108) << (exponent - 1),
            Law::Mu => (((mantissa << 3) + 0x84) << exponent) - 0x84,
        };
        // The sign bit says positive in A-law, negative (after the inversion) in mu-law.
        (if octet & 0x80 == mask { magnitude } else { -magnitude }) as i16
    }

    /// The octet that decodes to the nearest value.
    pub fn encode(self, sample: i16) -> u8 {
        // Slow and beyond doubt; a test sends few samples.
        (0..=255)
            .min_by_key(|octet| (i32::from(self.decode(*octet)) - i32::from(sample)).abs())
            .expect("256 octets")
    }
}

/// A sine of -10 dBFS; `at` is the index of the first sample.
pub fn sine(frequency: f32, at: usize, samples: usize) -> Vec<i16> {
    let step = TAU * frequency / RATE as f32;
    (at..at + samples).map(|n| ((n as f32 * step).sin() * 10_362.0) as i16).collect()
}

/// Mean power in dB below a full-scale sine.
pub fn level(samples: &[i16]) -> f32 {
    let power = samples.iter().map(|s| f32::from(*s).powi(2)).sum::<f32>() / samples.len().max(1) as f32;
    10.0 * (power * 2.0 / 32768f32.powi(2)).max(1e-12).log10()
}

/// How much of the power of `samples` lies at `frequency`: 1.0 for a pure tone (Goertzel).
pub fn share_at(samples: &[i16], frequency: f32) -> f32 {
    let coefficient = 2.0 * (TAU * frequency / RATE as f32).cos();
    let (mut one, mut two) = (0f32, 0f32);
    for sample in samples {
        (one, two) = (f32::from(*sample) + coefficient * one - two, one);
    }
    let power = one * one + two * two - coefficient * one * two;
    let energy: f32 = samples.iter().map(|s| f32::from(*s).powi(2)).sum();
    2.0 * power / (energy * samples.len() as f32).max(1.0)
}

/// How long `frequency` is heard, in seconds: 100 ms windows of at least -30 dBFS that hold little else.
pub fn seconds_of(samples: &[i16], frequency: f32) -> f32 {
    let heard = |window: &&[i16]| level(window) > -30.0 && share_at(window, frequency) > 0.9;
    samples.chunks_exact(RATE / 10).filter(heard).count() as f32 / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_heard_at_its_frequency_only() {
        for law in [Law::A, Law::Mu] {
            let coded: Vec<i16> = sine(1000.0, 0, RATE).iter().map(|s| law.decode(law.encode(*s))).collect();
            assert_eq!(seconds_of(&coded, 1000.0), 1.0);
            assert_eq!(seconds_of(&coded, 1400.0), 0.0);
            assert!((level(&coded) + 10.0).abs() < 0.2, "{}", level(&coded));
        }
    }

    #[test]
    fn the_laws_are_those_of_g_711() {
        assert_eq!((Law::Mu.decode(0xff), Law::Mu.decode(0x80), Law::Mu.decode(0)), (0, 32124, -32124));
        assert_eq!((Law::A.decode(0xd5), Law::A.decode(0x2a), Law::A.decode(0xaa)), (8, -32256, 32256));
    }
}
