//! Opus (RFC 6716), by libopus.

use std::fmt;

use ::opus::{Application, Bitrate, Channels, packet};

use crate::OpusFormat;

/// Samples a second.
const RATE: u32 = 16_000;
/// Bits a second when the peer does not ask for less: more than speech needs, so that tones stay clean.
const BITRATE: u32 = 32_000;
/// Least that a peer can bring us down to (RFC 7587 6.1).
const LEAST_BITRATE: u32 = 6000;
/// Of 10: beyond it, CPU grows faster than quality.
const COMPLEXITY: i32 = 5;
/// Loss in percent against which a peer that can use it gets redundancy.
const LOSS: i32 = 5;

/// Length of a packet in ticks of 48 kHz; 0 when it is none.
pub(super) fn span(payload: &[u8]) -> u32 {
    // Longer than 120 ms is malformed (RFC 6716 3.4).
    packet::get_nb_samples(payload, 48_000).map_or(0, |samples| samples as u32).min(5760)
}

/// The packet holds the sound of the one before it once more (LBRR; RFC 6716 4.2.4). Of one frame of 20 ms at most,
/// which is what phones send.
pub(super) fn repeats_former(payload: &[u8]) -> bool {
    let [toc, first, ..] = *payload else { return false };
    // Configurations from 16 on are CELT, which cannot; of the rest the lower ones of each four are 10 and 20 ms,
    // but from 12 on, where all are. The first bits say of each frame of each channel whether it has speech, then
    // whether it has the other one.
    let (config, is_stereo, is_alone) = (toc >> 3, toc & 4 != 0, toc & 3 == 0);
    let is_short = config >= 12 || config % 4 < 2;
    let flags = if is_stereo { 0b0101_0000 } else { 0b0100_0000 };
    config < 16 && is_short && is_alone && first & flags != 0
}

pub(super) struct Encoder(::opus::Encoder);

impl Encoder {
    pub(super) fn new(format: OpusFormat) -> Encoder {
        let encoder = ::opus::Encoder::new(RATE, Channels::Mono, Application::Voip);
        #[expect(
            clippy::expect_used,
            reason = "16 kHz mono is a format of libopus: only memory can be missing"
        )]
        let mut encoder = encoder.expect("memory for an encoder");
        let bitrate = format.max_bitrate.unwrap_or(BITRATE).clamp(LEAST_BITRATE, BITRATE);
        // Values in the range of each setting: none of them is refused.
        let _ = encoder.set_bitrate(Bitrate::Bits(bitrate as i32));
        let _ = encoder.set_complexity(COMPLEXITY);
        let _ = encoder.set_vbr(!format.constant);
        let _ = encoder.set_inband_fec(format.fec);
        let _ = encoder.set_packet_loss_perc(if format.fec { LOSS } else { 0 });
        Encoder(encoder)
    }

    /// Bytes written; 0 when there is no packet.
    pub(super) fn encode(&mut self, samples: &[i16], payload: &mut [u8]) -> usize {
        self.0.encode(samples, payload).unwrap_or(0)
    }
}

pub(super) struct Decoder(::opus::Decoder);

impl Decoder {
    pub(super) fn new() -> Decoder {
        let decoder = ::opus::Decoder::new(RATE, Channels::Mono);
        #[expect(
            clippy::expect_used,
            reason = "16 kHz mono is a format of libopus: only memory can be missing"
        )]
        let decoder = decoder.expect("memory for a decoder");
        Decoder(decoder)
    }

    /// Samples written; 0 for a malformed packet.
    pub(super) fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> usize {
        if payload.is_empty() {
            return 0;
        }
        self.0.decode(payload, samples, false).unwrap_or(0)
    }

    /// The sound before `next`, which was lost: from the redundancy in `next`, else made up. `samples` is as long as
    /// what is missing, a multiple of 2.5 ms.
    pub(super) fn recover(&mut self, next: &[u8], samples: &mut [i16]) -> usize {
        self.0.decode(next, samples, !next.is_empty()).unwrap_or(0)
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("opus::Encoder")
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("opus::Decoder")
    }
}
