//! The E-model of ITU-T G.107 with its default values: what loss and delay leave of a call.

use std::time::Duration;

use crate::Codec;

/// Rating of a call without loss and delay: R0 - Is with the defaults of G.107.
const CLEAN: f64 = 93.2;

/// How sensitive a codec is (ITU-T G.113 Appendix I).
struct Impairment {
    /// Equipment impairment factor without loss: Ie.
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

/// Mean opinion score in hundredths, 100 (bad) to 450 (excellent).
pub fn mos(codec: Codec, line: Line) -> u16 {
    let r = rating(codec, line).clamp(0.0, 100.0);
    // G.107 Annex B.
    let score = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    (score.clamp(1.0, 4.5) * 100.0).round() as u16
}

/// The transmission rating R: G.107 (7-1) with the delay impairment of G.107.2, simplified as usual.
fn rating(codec: Codec, line: Line) -> f64 {
    let ms = line.delay.as_secs_f64() * 1000.0;
    let delay = 0.024 * ms + 0.11 * (ms - 177.3).max(0.0);
    let Impairment { equipment, robustness } = impairment(codec);
    let loss = line.loss.clamp(0.0, 1.0) * 100.0;
    // BurstR: the mean run against that of losses that are independent of each other; G.107 7.4.
    let burst_ratio = (line.burst * (1.0 - loss / 100.0)).max(1.0);
    let effective = equipment + (95.0 - equipment) * loss / (loss / burst_ratio + robustness);
    CLEAN - delay - effective
}

fn impairment(codec: Codec) -> Impairment {
    match codec {
        // The model knows nothing better than narrow-band speech: wide-band codecs are at its top.
        Codec::Pcmu | Codec::Pcma | Codec::G722 | Codec::Opus => {
            Impairment { equipment: 0.0, robustness: 25.1 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(loss: f64, burst: f64, ms: u64) -> u16 {
        mos(Codec::Pcma, Line { loss, burst, delay: Duration::from_millis(ms) })
    }

    #[test]
    fn a_clean_call_is_as_good_as_g711_is() {
        assert_eq!(at(0.0, 0.0, 0), 441);
        assert_eq!(at(0.0, 0.0, 100), 436);
    }

    #[test]
    fn loss_bursts_and_delay_each_cost() {
        // G.113 table of G.711 with concealment: 5 % random loss is Ie,eff 15.8, R 77.4.
        assert!((388..=394).contains(&at(0.05, 1.0, 0)));
        assert!(at(0.05, 3.0, 0) < at(0.05, 1.0, 0));
        assert!(at(0.0, 0.0, 300) < at(0.0, 0.0, 150) - 20);
        assert_eq!(at(1.0, 1000.0, 5000), 100);
    }
}
