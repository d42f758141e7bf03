//! One band: adaptive quantizer, and a predictor of two poles and six zeros (G.722 3.5 and 3.6).

use super::tables::{HIGH_STEPS, HIGH_VALUES, LOW_LEVELS, LOW_STEPS, LOW_VALUES_4, LOW_VALUES_6, POWERS};

/// Decision level of the high band (table 17).
const HIGH_LEVEL: i32 = 564;
/// Bounds of the logarithmic scales.
const LOW_SCALE_MAX: i32 = 18_432;
const HIGH_SCALE_MAX: i32 = 22_528;
/// Bounds of the sound of one band.
const SOUND: std::ops::RangeInclusive<i32> = -16_384..=16_383;

/// The state that encoder and decoder keep alike.
#[derive(Clone, Debug)]
pub(super) struct Band {
    /// What the predictor expects.
    expected: i32,
    /// Its part from the zeros.
    from_zeros: i32,
    /// The last two reconstructed samples, newest first.
    sound: [i32; 2],
    /// The last two sums of difference and zero part, newest first.
    partial: [i32; 2],
    poles: [i32; 2],
    zeros: [i32; 6],
    /// The last six quantized differences, newest first.
    differences: [i32; 6],
    /// Logarithm of the quantizer's step, and the step.
    scale: i32,
    step: i32,
}

impl Band {
    pub(super) fn low() -> Band {
        Band::with_step(32)
    }

    pub(super) fn high() -> Band {
        Band::with_step(8)
    }

    fn with_step(step: i32) -> Band {
        Band {
            expected: 0,
            from_zeros: 0,
            sound: [0; 2],
            partial: [0; 2],
            poles: [0; 2],
            zeros: [0; 6],
            differences: [0; 6],
            scale: 0,
            step,
        }
    }

    /// The 6-bit code of a sample of the low band.
    pub(super) fn encode_low(&mut self, sample: i32) -> u8 {
        let error = saturated(sample - self.expected);
        let size = if error >= 0 { error } else { -(error + 1) };
        let level = LOW_LEVELS.iter().position(|level| size < (level * self.step) >> 12);
        let level = level.unwrap_or(LOW_LEVELS.len()) as u8;
        // Codes count down from the largest level; the two smallest negative ones stand at the end.
        let code = match (error >= 0, level) {
            (true, level) => 61 - level,
            (false, level @ 0..=1) => 63 - level,
            (false, level) => 33 - level,
        };
        self.adapt_low(code);
        code
    }

    /// The 2-bit code of a sample of the high band.
    pub(super) fn encode_high(&mut self, sample: i32) -> u8 {
        let error = saturated(sample - self.expected);
        let size = if error >= 0 { error } else { -(error + 1) };
        let large = size >= (HIGH_LEVEL * self.step) >> 12;
        let code = if error >= 0 { 2 } else { 0 } | u8::from(!large);
        self.adapt_high(code);
        code
    }

    /// The sample of a 6-bit code of the low band.
    pub(super) fn decode_low(&mut self, code: u8) -> i32 {
        let difference = (self.step * LOW_VALUES_6[usize::from(code & 0x3f)]) >> 15;
        let sample = (self.expected + difference).clamp(*SOUND.start(), *SOUND.end());
        self.adapt_low(code);
        sample
    }

    /// The sample of a 2-bit code of the high band.
    pub(super) fn decode_high(&mut self, code: u8) -> i32 {
        let difference = (self.step * HIGH_VALUES[usize::from(code & 3)]) >> 15;
        let sample = (self.expected + difference).clamp(*SOUND.start(), *SOUND.end());
        self.adapt_high(code);
        sample
    }

    fn adapt_low(&mut self, code: u8) {
        let code = usize::from(code >> 2 & 15);
        let difference = (self.step * LOW_VALUES_4[code]) >> 15;
        self.scale = leaked(self.scale, LOW_STEPS[code]).clamp(0, LOW_SCALE_MAX);
        self.step = step(self.scale, 8);
        self.predict(difference);
    }

    fn adapt_high(&mut self, code: u8) {
        let code = usize::from(code & 3);
        let difference = (self.step * HIGH_VALUES[code]) >> 15;
        self.scale = leaked(self.scale, HIGH_STEPS[code]).clamp(0, HIGH_SCALE_MAX);
        self.step = step(self.scale, 10);
        self.predict(difference);
    }

    /// Block 4 of both bands: what is expected next (G.722 6.2.1.4).
    fn predict(&mut self, difference: i32) {
        let sound = saturated(self.expected + difference);
        let partial = saturated(self.from_zeros + difference);
        self.move_poles(partial);
        self.move_zeros(difference);
        self.differences.copy_within(..5, 1);
        self.differences[0] = difference;
        self.sound = [sound, self.sound[0]];
        self.partial = [partial, self.partial[0]];

        let product = |(weight, value): (&i32, &i32)| (weight * saturated(value * 2)) >> 15;
        let from_poles = saturated(self.poles.iter().zip(&self.sound).map(product).sum());
        self.from_zeros = saturated(self.zeros.iter().zip(&self.differences).map(product).sum());
        self.expected = saturated(from_poles + self.from_zeros);
    }

    fn move_poles(&mut self, partial: i32) {
        let same = |other: i32| (partial < 0) == (other < 0);
        let [first, second] = self.poles;
        let pull = saturated(first * 4);
        let pull = if same(self.partial[0]) { 32_767.min(-pull) } else { pull };
        let push = if same(self.partial[1]) { 128 } else { -128 };
        let second = ((pull >> 7) + push + ((second * 32_512) >> 15)).clamp(-12_288, 12_288);
        let push = if same(self.partial[0]) { 192 } else { -192 };
        // The filter stays stable.
        let bound = saturated(15_360 - second);
        let first = saturated(push + ((first * 32_640) >> 15)).clamp(-bound, bound);
        self.poles = [first, second];
    }

    fn move_zeros(&mut self, difference: i32) {
        let push = if difference == 0 { 0 } else { 128 };
        for (zero, past) in self.zeros.iter_mut().zip(&self.differences) {
            let push = if (difference < 0) == (*past < 0) { push } else { -push };
            *zero = saturated(push + ((*zero * 32_640) >> 15));
        }
    }
}

fn leaked(scale: i32, by: i32) -> i32 {
    ((scale * 127) >> 7) + by
}

/// From the logarithm: a power of two, of which the upper bits are the exponent below `top`.
fn step(scale: i32, top: i32) -> i32 {
    let (power, shift) = (POWERS[(scale >> 6 & 31) as usize], top - (scale >> 11));
    let step = if shift < 0 { power << -shift } else { power >> shift };
    step << 2
}

pub(super) fn saturated(value: i32) -> i32 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}
