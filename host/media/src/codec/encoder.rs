//! From sound to packets.

use super::{Law, MAX_PAYLOAD, g722, opus};
use crate::{Codec, OpusFormat};

/// Makes the packets of one stream, 20 ms each.
#[derive(Debug)]
pub struct Encoder {
    codec: Codec,
    state: State,
}

#[derive(Debug)]
enum State {
    Law(Law),
    G722(Box<g722::Encoder>),
    Opus(OpusFormat, opus::Encoder),
}

impl Encoder {
    /// For a stream that begins; `format` matters to Opus.
    pub fn new(codec: Codec, format: OpusFormat) -> Encoder {
        let state = match codec {
            Codec::Pcmu => State::Law(Law::Mu),
            Codec::Pcma => State::Law(Law::A),
            Codec::G722 => State::G722(Box::new(g722::Encoder::new())),
            Codec::Opus => State::Opus(format, opus::Encoder::new(format)),
        };
        Encoder { codec, state }
    }

    /// Whether it makes what [`Encoder::new`] with the same arguments would.
    pub fn is_for(&self, codec: Codec, format: OpusFormat) -> bool {
        self.codec == codec && !matches!(self.state, State::Opus(own, _) if own != format)
    }

    /// Encodes 20 ms of sound at [`Codec::rate`]; the bytes written.
    pub fn encode(&mut self, samples: &[i16], payload: &mut [u8; MAX_PAYLOAD]) -> usize {
        match &mut self.state {
            State::Law(law) => {
                for (code, sample) in payload.iter_mut().zip(samples) {
                    *code = law.encode(*sample);
                }
                payload.len().min(samples.len())
            }
            State::G722(encoder) => {
                for (code, pair) in payload.iter_mut().zip(samples.chunks_exact(2)) {
                    *code = encoder.encode(pair[0], pair[1]);
                }
                payload.len().min(samples.len() / 2)
            }
            State::Opus(_, encoder) => encoder.encode(samples, payload),
        }
    }
}
