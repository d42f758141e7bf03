//! Audio codecs: packets of 20 ms on the wire, 16-bit linear samples inside.
//!
//! Narrow-band sound has 8,000 samples a second inside, wide-band sound 16,000. Opus is coded at 16 kHz too: between
//! two Opus phones nothing is decoded, and whoever else takes part has no more.

mod decoder;
mod ear;
mod encoder;
mod g711;
mod g722;
mod half;
mod mouth;
mod opus;

pub use decoder::Decoder;
pub use ear::Ear;
pub use encoder::Encoder;
pub use g711::{Law, convert};
pub use half::{Doubler, Halver};
pub(crate) use mouth::Mouth;

use crate::Codec;

/// Most samples of one packet: 120 ms at 16 kHz, the longest of Opus (RFC 6716 2.1.4).
pub const MAX_SAMPLES: usize = 1920;
/// Most bytes of a packet that we make: 20 ms at 64 kbit/s.
pub const MAX_PAYLOAD: usize = 160;

impl Codec {
    /// The law of G.711, for its two codecs.
    pub const fn law(self) -> Option<Law> {
        match self {
            Codec::Pcmu => Some(Law::Mu),
            Codec::Pcma => Some(Law::A),
            Codec::G722 | Codec::Opus => None,
        }
    }

    /// The RTP clock in Hz. G.722 counts as if it had 8,000 samples a second (RFC 3551 4.5.2), Opus always as if it
    /// had 48,000 (RFC 7587 4.1).
    pub const fn clock(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8000,
            Codec::Opus => 48_000,
        }
    }

    /// Samples a second of the sound that we decode and encode.
    pub const fn rate(self) -> u32 {
        match self {
            Codec::Pcmu | Codec::Pcma => 8000,
            Codec::G722 | Codec::Opus => 16_000,
        }
    }

    /// Whether the sound reaches beyond 4 kHz.
    pub const fn is_wide(self) -> bool {
        self.rate() > 8000
    }

    /// Whether what was lost before a packet can be had from it, see [`Decoder::recover`].
    pub fn repeats_former(self, payload: &[u8]) -> bool {
        self == Codec::Opus && opus::repeats_former(payload)
    }

    /// How long the sound of a packet is, in ticks of the RTP clock; 0 for what is no packet of this codec.
    pub fn span(self, payload: &[u8]) -> u32 {
        match self {
            // One byte for each tick, be it one sample or two.
            Codec::Pcmu | Codec::Pcma | Codec::G722 => payload.len() as u32,
            Codec::Opus => opus::span(payload),
        }
    }
}
