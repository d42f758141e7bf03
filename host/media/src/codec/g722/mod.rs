//! ITU-T G.722 at 64 kbit/s: 16 kHz sound, split into two bands of 8 kHz that are coded with 6 and 2 bits.
//!
//! The RTP clock is 8000 Hz, though the sound has 16,000 samples a second: an error of RFC 1890 that
//! everybody keeps (RFC 3551 4.5.2). One byte stands for two samples, and for one tick of that clock.

mod band;
mod tables;

use band::Band;

/// Half of the 24 taps of the quadrature mirror filters, which are symmetric (G.722 table 11), scaled by 8192: those
/// of even index, and backwards those of odd index.
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// Samples that pass through a mirror filter: the newest pair last.
#[derive(Clone, Debug, Default)]
struct Line([i32; 24]);

impl Line {
    /// Takes the next pair of samples, and gives the sums of the even and of the odd taps.
    fn push(&mut self, first: i32, second: i32) -> (i32, i32) {
        self.0.copy_within(2.., 0);
        self.0[22..].copy_from_slice(&[first, second]);
        let (mut even, mut odd) = (0, 0);
        for (n, pair) in self.0.chunks_exact(2).enumerate() {
            even += pair[0] * QMF[n];
            odd += pair[1] * QMF[11 - n];
        }
        (even, odd)
    }
}

/// Makes codes of sound.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    line: Line,
    low: Band,
    high: Band,
}

impl Encoder {
    pub(super) fn new() -> Encoder {
        Encoder { line: Line::default(), low: Band::low(), high: Band::high() }
    }

    /// The code of two samples of 16 kHz.
    pub(super) fn encode(&mut self, first: i16, second: i16) -> u8 {
        let (even, odd) = self.line.push(first.into(), second.into());
        let (low, high) = ((odd + even) >> 14, (odd - even) >> 14);
        self.high.encode_high(high) << 6 | self.low.encode_low(low)
    }
}

/// Makes sound of codes.
#[derive(Clone, Debug)]
pub(super) struct Decoder {
    line: Line,
    low: Band,
    high: Band,
}

impl Decoder {
    pub(super) fn new() -> Decoder {
        Decoder { line: Line::default(), low: Band::low(), high: Band::high() }
    }

    /// The two samples of 16 kHz of one code.
    pub(super) fn decode(&mut self, code: u8) -> [i16; 2] {
        let (low, high) = (self.low.decode_low(code & 0x3f), self.high.decode_high(code >> 6));
        let (even, odd) = self.line.push(low + high, low - high);
        [odd, even].map(|sum| band::saturated(sum >> 11) as i16)
    }
}

#[cfg(test)]
mod tests;
