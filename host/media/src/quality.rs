//! The E-model with its default values: what loss and delay leave of a call. Each codec is judged by the scale of its
//! band, narrow-band speech by ITU-T G.107, wide-band speech by G.107.1: what somebody thinks who expects that band.

use std::time::Duration;

use crate::Codec;

/// A scale of the transmission rating.
struct Scale {
    /// Rating of a call without loss and delay, before the codec: R0 - Is with the defaults of the recommendation.
    clean: f64,
    /// Ratings for each one of the narrow-band scale.
    width: f64,
}

const NARROW: Scale = Scale { clean: 93.2, width: 1.0 };
/// G.107.1 7.1, and Annex A for the width.
const WIDE: Scale = Scale { clean: 129.0, width: 1.29 };

/// How sensitive a codec is.
struct Impairment {
    /// Equipment impairment factor without loss: Ie, and Ie,WB of wide-band codecs.
    equipment: f64,
    /// Robustness against loss, with concealment at the listener's: Bpl.
    robustness: f64,
}

/// What a line did to a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Share of packets lost, 0 to 1.
    pub loss: f64,
    /// Packets lost in one run, on average.
    pub burst: f64,
    /// From mouth to ear, one way.
    pub delay: Duration,
}

/// Mean opinion score in hundredths, 100 (bad) to 450 (excellent): MOS-CQEN of a narrow-band codec, MOS-CQEW of a
/// wide-band one (ITU-T P.800.1).
pub fn mos(codec: Codec, line: Line) -> u16 {
    let scale = if codec.is_wide() { WIDE } else { NARROW };
    let r = (rating(&scale, codec, line) / scale.width).clamp(0.0, 100.0);
    // G.107 Annex B.
    let score = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    (score.clamp(1.0, 4.5) * 100.0).round() as u16
}

/// The transmission rating R: G.107 (7-1), the delay impairment simplified as usual.
fn rating(scale: &Scale, codec: Codec, line: Line) -> f64 {
    let ms = line.delay.as_secs_f64() * 1000.0;
    let delay = 0.024 * ms + 0.11 * (ms - 177.3).max(0.0);
    let Impairment { equipment, robustness } = impairment(codec);
    let loss = line.loss.clamp(0.0, 1.0) * 100.0;
    // BurstR: the mean run against that of losses that are independent of each other; G.107 7.4.
    let burst_ratio = (line.burst * (1.0 - loss / 100.0)).max(1.0);
    let effective = equipment + (95.0 - equipment) * loss / (loss / burst_ratio + robustness);
    scale.clean - delay - effective
}

fn impairment(codec: Codec) -> Impairment {
    match codec {
        // G.113 Appendix I, with packet-loss concealment.
        Codec::Pcmu | Codec::Pcma => Impairment { equipment: 0.0, robustness: 25.1 },
        // G.113 Appendix IV at 64 kbit/s. No robustness that we know of is published: as G.711, which is concealed
        // the same way.
        Codec::G722 => Impairment { equipment: 13.0, robustness: 25.1 },
        // G.113 has none: wide-band at 15 kbit/s of M. Alahmadi, P. Pocta and H. Melvin (2021), the highest rate that
        // they measured. Phones send 24 kbit/s and more, which is better by a bit.
        Codec::Opus => Impairment { equipment: 18.1, robustness: 18.7 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(codec: Codec, loss: f64) -> u16 {
        mos(codec, Line { loss, burst: 1.0, delay: Duration::ZERO })
    }

    fn at(loss: f64, burst: f64, ms: u64) -> u16 {
        mos(Codec::Pcma, Line { loss, burst, delay: Duration::from_millis(ms) })
    }

    #[test]
    fn a_clean_call_is_as_good_as_its_codec() {
        assert_eq!(at(0.0, 0.0, 0), 441);
        assert_eq!(at(0.0, 0.0, 100), 436);
        // R 116 and 110.9 of 129.
        assert_eq!((of(Codec::G722, 0.0), of(Codec::Opus, 0.0)), (434, 423));
    }

    #[test]
    fn loss_bursts_and_delay_each_cost() {
        // G.711 with concealment: 5 % random loss is Ie,eff 15.8, R 77.4.
        assert!((388..=394).contains(&at(0.05, 1.0, 0)));
        assert!(at(0.05, 3.0, 0) < at(0.05, 1.0, 0));
        assert!(at(0.0, 0.0, 300) < at(0.0, 0.0, 150) - 20);
        assert_eq!(at(1.0, 1000.0, 5000), 100);
        for codec in [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus] {
            let scores = [0.0, 0.01, 0.02, 0.05, 0.1, 0.2].map(|loss| of(codec, loss));
            assert!(scores.is_sorted_by(|better, worse| better > worse), "{codec:?}: {scores:?}");
            println!("{codec:?}: {scores:?}");
        }
    }
}
