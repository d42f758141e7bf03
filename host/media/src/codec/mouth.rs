//! What we say to one leg, whoever the sound is from.

use super::{Encoder, MAX_PAYLOAD};
use crate::{Codec, OpusFormat};

/// One encoder for the life of a leg, made when it is first needed: a prompt and what is said after it are one stream
/// to the peer's decoder.
#[derive(Debug, Default)]
pub(crate) struct Mouth(Option<Encoder>);

impl Mouth {
    /// Encodes 20 ms of sound at [`Codec::rate`]; the bytes written.
    pub(crate) fn say(
        &mut self,
        codec: Codec,
        format: OpusFormat,
        sound: &[i16],
        payload: &mut [u8; MAX_PAYLOAD],
    ) -> usize {
        let fresh = || Encoder::new(codec, format);
        let encoder = self.0.take_if(|encoder| encoder.is_for(codec, format));
        self.0.insert(encoder.unwrap_or_else(fresh)).encode(sound, payload)
    }
}
