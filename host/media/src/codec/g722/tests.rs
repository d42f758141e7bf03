use std::f64::consts::TAU;

use super::*;

/// Noise of a linear congruential generator, the same as was given to the other implementation.
fn noise(count: usize, peak: i32, seed: u32) -> Vec<i16> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((((state >> 16) as i32 - 32_768) * peak) >> 15) as i16
    };
    (0..count).map(|_| next()).collect()
}

/// FNV-1a.
fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

fn encode(samples: &[i16]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    samples.chunks_exact(2).map(|pair| encoder.encode(pair[0], pair[1])).collect()
}

fn decode(codes: &[u8]) -> Vec<i16> {
    let mut decoder = Decoder::new();
    codes.iter().flat_map(|code| decoder.decode(*code)).collect()
}

/// What spandsp 0.0.6, which has passed the test sequences of the ITU, makes of two seconds of noise.
#[test]
fn noise_is_coded_bit_for_bit_as_another_implementation_does() {
    let known: [(i32, u64, u64); 3] = [
        (300, 0x42b1_715d_604d_d8ee, 0x65e0_50e5_1aa1_96dc),
        (8000, 0x18b3_de65_b5d4_e82a, 0x09cf_019a_30c8_391e),
        (16_000, 0x37ca_81bf_2350_03d8, 0x6c57_6dcf_2424_2f0d),
    ];
    for (peak, of_codes, of_samples) in known {
        let codes = encode(&noise(32_000, peak, 1));
        assert_eq!(hash(codes.iter().copied()), of_codes, "codes of noise of {peak}");
        let samples = decode(&codes);
        assert_eq!(hash(samples.iter().flat_map(|s| s.to_le_bytes())), of_samples, "noise of {peak}");
    }
}

/// A decoder must take what no encoder would send. (Codes of loud sound are left out: where it is beyond full scale,
/// spandsp wraps, and G.722 limits.)
#[test]
fn any_codes_are_decoded_as_another_implementation_does() {
    let codes: Vec<u8> = noise(16_000, 32_767, 7).into_iter().map(|code| code as u8 & 0xc7 | 0x38).collect();
    let samples = decode(&codes);
    assert_eq!(hash(samples.iter().flat_map(|s| s.to_le_bytes())), 0xdfd7_f7c3_2419_ce8d);
}

/// All that is louder than full scale is as loud as that.
#[test]
fn the_loudest_noise_does_not_wrap() {
    let codes = encode(&noise(32_000, 32_767, 1));
    assert_eq!(hash(codes.iter().copied()), 0xc348_cd2d_afd7_04c1);
    let steps = decode(&codes).windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 60_000).count();
    assert!(steps < 40, "{steps} jumps from end to end");
}

/// The first 2 ms of a tone of 1 kHz, encoded by spandsp.
#[test]
fn a_tone_begins_with_known_codes() {
    let tone = |n: u32| (10_000.0 * (TAU * f64::from(n) / 16.0).sin()).round() as i16;
    let samples: Vec<i16> = (0..64).map(tone).collect();
    let known = [0xfa, 0x92, 0x23, 0x8d, 0x23, 0x93, 0xa0, 0xa0, 0x20, 0xb0, 0xca, 0xc8];
    assert_eq!(encode(&samples)[..12], known);
}

/// Speech reaches 7 kHz (G.722 1.1), and comes back 22 samples later.
#[test]
fn tones_of_both_bands_come_through() {
    for (hz, least) in [(200.0, 40.0), (1000.0, 40.0), (3000.0, 30.0), (5000.0, 12.0), (6800.0, 12.0)] {
        let tone = |n: usize| 8000.0 * (TAU * hz * n as f64 / 16_000.0).sin();
        let samples: Vec<i16> = (0..16_000).map(|n| tone(n).round() as i16).collect();
        let heard = decode(&encode(&samples));
        let (mut sound, mut noise) = (0.0, 0.0);
        for (n, sample) in heard.iter().enumerate().skip(4000) {
            sound += tone(n - 22).powi(2);
            noise += (f64::from(*sample) - tone(n - 22)).powi(2);
        }
        let ratio = 10.0 * (sound / noise).log10();
        assert!(ratio > least, "{hz} Hz: {ratio:.1} dB");
    }
}
