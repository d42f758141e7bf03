//! From packets to sound.

use super::{Law, MAX_SAMPLES, g722, opus};
use crate::Codec;

/// Makes sound of the packets of one stream, in their order.
#[derive(Debug)]
pub struct Decoder {
    codec: Codec,
    state: State,
}

#[derive(Debug)]
enum State {
    Law(Law),
    G722(Box<g722::Decoder>),
    Opus(opus::Decoder),
}

impl Decoder {
    /// For a stream that begins.
    pub fn new(codec: Codec) -> Decoder {
        let state = match codec {
            Codec::Pcmu => State::Law(Law::Mu),
            Codec::Pcma => State::Law(Law::A),
            Codec::G722 => State::G722(Box::new(g722::Decoder::new())),
            Codec::Opus => State::Opus(opus::Decoder::new()),
        };
        Decoder { codec, state }
    }

    /// What it decodes.
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The sound of a packet at [`Codec::rate`]: how many samples were written. What is longer than `samples` is cut
    /// off; a malformed packet has no sound.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16; MAX_SAMPLES]) -> usize {
        match &mut self.state {
            State::Law(law) => {
                let count = payload.len().min(samples.len());
                for (sample, code) in samples.iter_mut().zip(payload) {
                    *sample = law.decode(*code);
                }
                count
            }
            State::G722(decoder) => {
                let count = payload.len().min(samples.len() / 2);
                for (pair, code) in samples.chunks_exact_mut(2).zip(payload) {
                    pair.copy_from_slice(&decoder.decode(*code));
                }
                2 * count
            }
            State::Opus(decoder) => decoder.decode(payload, samples),
        }
    }

    /// The sound of what was lost before the packet `next` (empty while none has come), as long as `samples`, where
    /// the codec itself can make it up: Opus, from the redundancy in `next` or by extrapolation. 0 otherwise.
    pub fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> usize {
        match &mut self.state {
            State::Law(_) | State::G722(_) => 0,
            State::Opus(decoder) => decoder.recover(next, samples),
        }
    }
}
