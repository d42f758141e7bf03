//! What somebody hears who listens at 8 kHz.

use super::{Decoder, Halver, MAX_SAMPLES};
use crate::Codec;

/// Makes narrow-band sound of the packets of any codec.
#[derive(Debug)]
pub struct Ear {
    decoder: Decoder,
    halver: Halver,
}

impl Ear {
    /// For a stream that begins.
    pub fn new(codec: Codec) -> Ear {
        Ear { decoder: Decoder::new(codec), halver: Halver::default() }
    }

    /// What it hears.
    pub fn codec(&self) -> Codec {
        self.decoder.codec()
    }

    /// The sound of a packet at 8 kHz: how many samples were written.
    pub fn hear(&mut self, payload: &[u8], samples: &mut [i16; MAX_SAMPLES]) -> usize {
        if !self.decoder.codec().is_wide() {
            return self.decoder.decode(payload, samples);
        }
        let mut wide = [0; MAX_SAMPLES];
        let count = self.decoder.decode(payload, &mut wide);
        self.halver.halve(&wide[..count], samples)
    }
}
