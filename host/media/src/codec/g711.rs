//! ITU-T G.711: sign, 3 bits of segment, 4 bits of mantissa.

/// How G.711 turns samples into codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// Mu-law: North America and Japan.
    Mu,
    /// A-law: everybody else.
    A,
}

impl Law {
    /// The code for one linear 16-bit sample.
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => ulaw_code(sample),
            Law::A => alaw_code(sample),
        }
    }

    /// The linear 16-bit sample of one code.
    pub const fn decode(self, code: u8) -> i16 {
        match self {
            Law::Mu => ULAW_SAMPLES[code as usize],
            Law::A => ALAW_SAMPLES[code as usize],
        }
    }

    /// The code of a sample of zero.
    pub const fn silence(self) -> u8 {
        self.encode(0)
    }
}

/// Turns codes of one law into codes of the other, in place; sizes and rates are equal.
pub fn convert(from: Law, to: Law, codes: &mut [u8]) {
    let table = match (from, to) {
        (Law::Mu, Law::A) => &ALAW_OF_ULAW,
        (Law::A, Law::Mu) => &ULAW_OF_ALAW,
        (Law::Mu, Law::Mu) | (Law::A, Law::A) => return,
    };
    for code in codes {
        *code = table[usize::from(*code)];
    }
}

const ALAW_OF_ULAW: [u8; 256] = conversion(Law::Mu, Law::A);
const ULAW_OF_ALAW: [u8; 256] = conversion(Law::A, Law::Mu);

const fn conversion(from: Law, to: Law) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = to.encode(from.decode(code as u8));
        code += 1;
    }
    table
}

/// Linear 16-bit samples of the 256 mu-law codes.
const ULAW_SAMPLES: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = ulaw_sample(code as u8);
        code += 1;
    }
    table
};

/// Linear 16-bit samples of the 256 A-law codes.
const ALAW_SAMPLES: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = alaw_sample(code as u8);
        code += 1;
    }
    table
};

/// Mu-law works on 14 bits; the bias makes every segment begin at a power of two.
const BIAS: u32 = 33;
const ULAW_MAX: u32 = 0x1fff;

const fn ulaw_code(sample: i16) -> u8 {
    let (sign, magnitude) = split(sample);
    let biased = (magnitude >> 2) + BIAS;
    let biased = if biased > ULAW_MAX { ULAW_MAX } else { biased };
    let segment = biased.ilog2() - 5;
    let mantissa = biased >> (segment + 1) & 0xf;
    // All bits are inverted on the wire, and the sign is set for a negative sample.
    !((0x80 ^ sign) | (segment << 4 | mantissa) as u8)
}

const fn ulaw_sample(code: u8) -> i16 {
    let code = !code;
    let segment = code >> 4 & 7;
    let mantissa = (code & 0xf) as i16;
    let magnitude = (((2 * mantissa + BIAS as i16) << segment) - BIAS as i16) << 2;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

/// A-law inverts every second bit on the wire.
const EVEN_BITS: u8 = 0x55;

const fn alaw_code(sample: i16) -> u8 {
    let (sign, magnitude) = split(sample);
    let magnitude = magnitude >> 4;
    let code = if magnitude < 32 {
        magnitude
    } else {
        let segment = magnitude.ilog2() - 3;
        segment << 4 | (magnitude >> (segment - 1) & 0xf)
    };
    (sign | code as u8) ^ EVEN_BITS
}

const fn alaw_sample(code: u8) -> i16 {
    let code = code ^ EVEN_BITS;
    let segment = code >> 4 & 7;
    let mantissa = (code & 0xf) as i16;
    let magnitude = match segment {
        0 => mantissa << 4 | 8,
        _ => (mantissa << 4 | 0x108) << (segment - 1),
    };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

/// 0x80 for a positive sample, and the one's complement magnitude (ITU-T G.191).
const fn split(sample: i16) -> (u8, u32) {
    if sample < 0 { (0, !sample as u32) } else { (0x80, sample as u32) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes and values from ITU-T G.711 tables 1a to 2b (values scaled to 16 bits), as sox also gives them.
    #[test]
    fn known_codes() {
        let ulaw =
            [(0x80, 32124), (0x8f, 16764), (0x90, 15996), (0xff, 0), (0x7f, 0), (0x00, -32124), (0x7e, -8)];
        for (code, sample) in ulaw {
            assert_eq!(Law::Mu.decode(code), sample, "mu-law {code:02x}");
        }
        let alaw = [(0xaa, 32256), (0xd5, 8), (0x55, -8), (0x2a, -32256), (0xd4, 24), (0x80, 5504)];
        for (code, sample) in alaw {
            assert_eq!(Law::A.decode(code), sample, "A-law {code:02x}");
        }
        assert_eq!((Law::Mu.silence(), Law::A.silence()), (0xff, 0xd5));
    }

    /// 2 ms of a sine of 700 Hz, encoded by sox 14.4.2.
    #[test]
    fn a_sine_is_encoded_as_another_implementation_does() {
        let sine: [i16; 16] = [
            1011, 8370, 14770, 16258, 13387, 6196, -2494, -10725, -15578, -15987, -11624, -3784, 4972, 12674,
            15891, 15845,
        ];
        let ulaw = *b"\xce\x9f\x92\x8f\x95\xa7\x3b\x1a\x11\x10\x19\x31\xac\x96\x90\x90";
        let alaw = *b"\xfa\xb5\xb9\xba\xbf\x8d\x16\x31\x3b\x3a\x33\x18\x86\xbd\xba\xbb";
        assert_eq!(sine.map(|sample| Law::Mu.encode(sample)), ulaw);
        assert_eq!(sine.map(|sample| Law::A.encode(sample)), alaw);
    }

    /// The decoder values, written out once more from the text of the recommendation: segments double
    /// their step; mu-law steps begin at 2 (of 14 bits), A-law steps at 2 (of 13 bits).
    fn positive_values(law: Law) -> Vec<i32> {
        let mut values = Vec::new();
        let mut edge = 0;
        for segment in 0..8 {
            for _ in 0..16 {
                match law {
                    Law::Mu => {
                        values.push(edge * 4);
                        edge += 2 << segment;
                    }
                    Law::A => {
                        let step = if segment == 0 { 16 } else { 16 << (segment - 1) };
                        values.push(edge + step / 2);
                        edge += step;
                    }
                }
            }
            if law == Law::Mu {
                // Values sit in the middle of their interval: half a step of each segment at the border.
                edge += 1 << segment;
            }
        }
        values
    }

    #[test]
    fn every_code_decodes_to_the_value_of_the_recommendation() {
        for law in [Law::Mu, Law::A] {
            for (level, value) in positive_values(law).into_iter().enumerate() {
                let code = match law {
                    Law::Mu => 0xff - level as u8,
                    Law::A => (0x80 + level as u8) ^ 0x55,
                };
                assert_eq!(i32::from(law.decode(code)), value, "{law:?} {code:02x}");
                assert_eq!(i32::from(law.decode(code ^ 0x80)), -value, "{law:?} {:02x}", code ^ 0x80);
            }
        }
    }

    /// A value stands for half a step of its segment on either side.
    #[test]
    fn every_sample_lies_in_the_interval_of_its_code() {
        for sample in i16::MIN..=i16::MAX {
            for (law, clip) in [(Law::Mu, 32_635), (Law::A, 32_767)] {
                let code = law.encode(sample);
                let half_step = match law {
                    Law::Mu => 4 << (!code >> 4 & 7),
                    Law::A => 8 << (((code ^ 0x55) >> 4 & 7).max(1) - 1),
                };
                let clipped = i32::from(sample).clamp(-clip - 1, clip);
                let error = (i32::from(law.decode(code)) - clipped).abs();
                assert!(error <= half_step, "{law:?} {sample}: {code:02x}");
            }
        }
    }

    #[test]
    fn every_code_survives_its_own_law_and_sound_survives_both() {
        for code in 0..=255 {
            assert_eq!(Law::A.encode(Law::A.decode(code)), code);
            // Mu-law has two zeros.
            assert!(code == 0x7f || Law::Mu.encode(Law::Mu.decode(code)) == code);
            let mut codes = [code];
            convert(Law::Mu, Law::A, &mut codes);
            assert_eq!(codes[0], Law::A.encode(Law::Mu.decode(code)));
            convert(Law::A, Law::Mu, &mut codes);
            let (there, back) = (Law::Mu.decode(code), Law::Mu.decode(codes[0]));
            let error = (i32::from(there) - i32::from(back)).abs();
            assert!(error <= 16.max(i32::from(there).abs() / 16), "{code:02x}: {there} {back}");
        }
    }
}
