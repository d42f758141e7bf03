//! Prompts: clips of audio, and the player that sends them in frames of 20 ms.

mod player;
mod resample;
mod wav;

use std::{sync::OnceLock, time::Duration};

pub(crate) use player::Player;
pub use wav::{ClipError, to_wav};

use crate::{codec::Law, tick};

/// A piece of audio, mono: decoded once, encoded once per law of G.711, shared by `Arc`. Wide-band codecs go on from
/// the sound before, so each player encodes for itself; what it needs for that is made once.
#[derive(Debug)]
pub struct Clip {
    samples: Box<[i16]>,
    wide: OnceLock<Box<[i16]>>,
    ulaw: OnceLock<Box<[u8]>>,
    alaw: OnceLock<Box<[u8]>>,
}

impl Clip {
    /// Rates that can be loaded, in Hz.
    pub const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;

    /// Mono samples of `rate` Hz, brought to 8 kHz, and to 16 kHz where that is more; a rate outside of
    /// [`Clip::RATES`] is taken as the nearest one inside.
    pub fn from_samples(rate: u32, samples: &[i16]) -> Clip {
        let rate = rate.clamp(*Self::RATES.start(), *Self::RATES.end());
        let narrow: Box<[i16]> = resample::to_8_khz(rate, samples).into();
        let wide = match rate {
            8000 => OnceLock::new(),
            rate => resample::to_16_khz(rate, samples, 2 * narrow.len()).into_boxed_slice().into(),
        };
        Clip { samples: narrow, wide, ulaw: OnceLock::new(), alaw: OnceLock::new() }
    }

    /// A WAV file: PCM of 8, 16, 24 or 32 bits or 32-bit float, mono or stereo (mixed), [`Clip::RATES`]. A
    /// length in the header that is longer than the file is forgiven: who writes into a pipe cannot know it.
    pub fn from_wav(bytes: &[u8]) -> Result<Clip, ClipError> {
        let (rate, samples) = wav::read(bytes)?;
        Ok(Clip::from_samples(rate, &samples))
    }

    /// The samples, 16 bits at 8 kHz.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The samples at 16 kHz, twice as many; of a clip that was loaded at 8 kHz they are made at the first call.
    pub fn wide(&self) -> &[i16] {
        self.wide.get_or_init(|| resample::doubled(&self.samples).into())
    }

    /// How long it plays.
    pub fn length(&self) -> Duration {
        tick::length(self.samples.len())
    }

    /// The codes, one byte per sample; made at the first call for a law.
    pub fn encoded(&self, law: Law) -> &[u8] {
        let codes = match law {
            Law::Mu => &self.ulaw,
            Law::A => &self.alaw,
        };
        codes.get_or_init(|| self.samples.iter().map(|sample| law.encode(*sample)).collect())
    }
}
