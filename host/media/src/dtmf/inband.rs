//! Digits as tones in what one peer says.

use super::ToneDetector;
use crate::{
    Codec,
    codec::{Ear, MAX_SAMPLES},
    tick,
};

/// Finds digits in what is heard, and tones in what is on its way.
#[derive(Debug, Default)]
pub(crate) struct InBand {
    heard: ToneDetector,
    /// A bridge of one codec passes packets on before they are heard.
    passing: ToneDetector,
    ear: Option<Ear>,
}

impl InBand {
    /// The digit that the next 20 ms of what is heard make certain.
    pub(crate) fn hear(&mut self, sound: &[i16; tick::FRAME]) -> Option<char> {
        self.heard.hear(sound)
    }

    /// A tone is heard.
    pub(crate) fn is_heard(&self) -> bool {
        self.heard.is_sounding()
    }

    /// A packet is to be passed on; whether it is part of a tone.
    pub(crate) fn is_passing(&mut self, codec: Codec, payload: &[u8]) -> bool {
        let mut sound = [0; MAX_SAMPLES];
        let ear = self.ear.get_or_insert_with(|| Ear::new(codec));
        let count = ear.hear(payload, &mut sound);
        self.passing.hear(&sound[..count]);
        self.passing.is_sounding()
    }
}
