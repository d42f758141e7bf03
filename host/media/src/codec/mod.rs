//! Audio codecs. 8-bit codes on the wire, 16-bit linear samples inside.

mod g711;

use crate::Codec;

const ALAW_OF_ULAW: [u8; 256] = conversion(Codec::Pcmu, Codec::Pcma);
const ULAW_OF_ALAW: [u8; 256] = conversion(Codec::Pcma, Codec::Pcmu);

impl Codec {
    /// The code for one linear 16-bit sample.
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Codec::Pcmu => g711::ulaw_code(sample),
            Codec::Pcma => g711::alaw_code(sample),
        }
    }

    /// The linear 16-bit sample of one code.
    pub const fn decode(self, code: u8) -> i16 {
        match self {
            Codec::Pcmu => g711::ULAW_SAMPLES[code as usize],
            Codec::Pcma => g711::ALAW_SAMPLES[code as usize],
        }
    }

    /// The code of a sample of zero.
    pub const fn silence(self) -> u8 {
        self.encode(0)
    }
}

/// Turns codes of one law into codes of the other, in place; sizes and rates are equal.
pub fn convert(from: Codec, to: Codec, codes: &mut [u8]) {
    let table = match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => &ALAW_OF_ULAW,
        (Codec::Pcma, Codec::Pcmu) => &ULAW_OF_ALAW,
        (Codec::Pcmu, Codec::Pcmu) | (Codec::Pcma, Codec::Pcma) => return,
    };
    for code in codes {
        *code = table[usize::from(*code)];
    }
}

const fn conversion(from: Codec, to: Codec) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = to.encode(from.decode(code as u8));
        code += 1;
    }
    table
}
