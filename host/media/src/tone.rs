//! Tones: the cadences of an exchange, and in-band DTMF.

use std::{f64::consts::TAU, sync::Arc, sync::LazyLock, time::Duration};

use crate::{ToneStep, dtmf, tick};

/// Longest cadence, in steps.
const MAX_STEPS: usize = 32;
/// Longest step.
const MAX_STEP: Duration = Duration::from_secs(60);
/// Half the sampling rate: no tone at 8 kHz goes higher.
const MAX_HZ: u16 = 4000;

/// Peak of one frequency: 12 dB under full scale, about -9 dBm0, so that two add up without clipping.
const PEAK: f64 = 8192.0;

/// One second of a sine of 1 Hz at 16 kHz; every whole frequency is a stride through it.
static SINE: LazyLock<Vec<i16>> = LazyLock::new(|| {
    (0..16_000).map(|n| (f64::from(n) * TAU / 16_000.0).sin() * PEAK).map(|v| v.round() as i16).collect()
});

/// A tone's text that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToneError {
    /// Not of the form `hz/ms` or `hz+hz/ms` with frequencies below 4000 Hz and steps of up to 60 s.
    #[error("no known tone, and not steps like 440/500 or 350+440/1000: {0:?}")]
    Step(String),
    /// More than 32 steps.
    #[error("more than {MAX_STEPS} steps")]
    TooLong,
    /// No step lasts any time.
    #[error("lasts no time")]
    Empty,
}

/// A tone by its name, with the French cadences of ITU-T E.180 (`dial`, `ringback`, `busy`, `congestion`, `beep`),
/// or by its steps, `hz/ms` or `hz+hz/ms`, separated by commas: `425/400,0/200`.
pub fn named(name: &str) -> Result<Arc<[ToneStep]>, ToneError> {
    parse(match name.trim() {
        "dial" => "440/1000",
        "ringback" => "440/1500,0/3500",
        "busy" => "440/500,0/500",
        "congestion" => "440/250,0/250",
        "beep" => "1000/200",
        steps => steps,
    })
}

/// Music for somebody who waits: broken chords over a bass, a bar of two seconds each, fourteen seconds in all.
pub fn music() -> Arc<[ToneStep]> {
    /// Bass, and the four notes of the chord, in Hz (the first bars of a prelude by Bach).
    const BARS: [[u16; 5]; 7] = [
        [131, 262, 330, 392, 523],
        [131, 262, 294, 440, 587],
        [123, 247, 294, 392, 587],
        [131, 262, 330, 392, 523],
        [131, 262, 330, 440, 659],
        [131, 247, 294, 370, 587],
        [123, 247, 294, 392, 494],
    ];
    let note = Duration::from_millis(250);
    let bar = |[bass, a, b, c, d]: [u16; 5]| {
        [a, b, c, d, c, b, c, b].map(|note_hz| ToneStep { hz: [note_hz, bass], length: note })
    };
    BARS.into_iter().flat_map(bar).collect()
}

/// The short tone before a recording.
pub(crate) fn beep() -> Arc<[ToneStep]> {
    Arc::new([ToneStep { hz: [1000, 0], length: Duration::from_millis(200) }])
}

fn parse(text: &str) -> Result<Arc<[ToneStep]>, ToneError> {
    if text.split(',').count() > MAX_STEPS {
        return Err(ToneError::TooLong);
    }
    let step = |text: &str| parse_step(text.trim()).ok_or_else(|| ToneError::Step(text.into()));
    let steps: Arc<[ToneStep]> = text.split(',').map(step).collect::<Result<_, _>>()?;
    if steps.iter().all(|step| step.length.is_zero()) {
        return Err(ToneError::Empty);
    }
    Ok(steps)
}

fn parse_step(text: &str) -> Option<ToneStep> {
    let (hz, ms) = text.split_once('/')?;
    let (first, second) = hz.split_once('+').unwrap_or((hz, "0"));
    let hz = [first.trim().parse().ok()?, second.trim().parse().ok()?];
    let length = Duration::from_millis(ms.trim().parse().ok()?);
    (length <= MAX_STEP && hz.iter().all(|hz| *hz < MAX_HZ)).then_some(ToneStep { hz, length })
}

/// Sample number `n` of two frequencies in Hz sounding together, at 8 kHz; 0 Hz is silent.
pub(crate) fn sample(hz: [u16; 2], n: u64) -> i16 {
    wide_sample(hz, n.wrapping_mul(2))
}

/// The same at 16 kHz.
pub(crate) fn wide_sample(hz: [u16; 2], n: u64) -> i16 {
    let of = |hz: u16| SINE[(u64::from(hz) * (n % 16_000) % 16_000) as usize];
    of(hz[0]) + of(hz[1])
}

/// Samples of one digit of in-band DTMF, and of the pause after it.
pub(crate) const DTMF_ON: u64 = 5 * tick::FRAME as u64;

/// Frequencies of an event 0 to 15 (ITU-T Q.23); silence for others.
pub(crate) fn dtmf(event: u8) -> [u16; 2] {
    const LOW: [u16; 4] = [697, 770, 852, 941];
    const HIGH: [u16; 4] = [1209, 1336, 1477, 1633];
    const KEYS: &str = "123A456B789C*0#D";
    match dtmf::digit_of(event).and_then(|digit| KEYS.find(digit)) {
        Some(key) => [LOW[key / 4], HIGH[key % 4]],
        None => [0, 0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_steps_are_read() {
        let ms = Duration::from_millis;
        assert_eq!(
            *named("ringback").unwrap(),
            [ToneStep { hz: [440, 0], length: ms(1500) }, ToneStep { hz: [0, 0], length: ms(3500) }]
        );
        assert_eq!(named("440/500,0/500"), named("busy"));
        assert_eq!(*named("350+440/1000").unwrap(), [ToneStep { hz: [350, 440], length: ms(1000) }]);
        assert_eq!(named("beep").unwrap(), beep());
        for bad in ["", "ring", "440", "440/", "/100", "4000/100", "440/60001", "440/100,", "-1/1", "1+2+3/4"]
        {
            assert!(matches!(named(bad), Err(ToneError::Step(_))), "{bad}");
        }
        assert_eq!(named("440/0"), Err(ToneError::Empty));
        assert_eq!(named(&"1/1,".repeat(40)), Err(ToneError::TooLong));
    }

    #[test]
    fn music_is_never_silent() {
        let music = music();
        assert!(music.iter().all(|step| step.hz[0] > 0 && step.hz[0] < MAX_HZ && !step.length.is_zero()));
        assert_eq!(music.iter().map(|step| step.length).sum::<Duration>(), Duration::from_secs(14));
    }

    #[test]
    fn a_digit_has_its_two_frequencies() {
        for (digit, hz) in [('1', [697, 1209]), ('0', [941, 1336]), ('#', [941, 1477]), ('D', [941, 1633])] {
            assert_eq!(dtmf(dtmf::event_of(digit).unwrap()), hz);
        }
        assert_eq!(dtmf(16), [0, 0]);
    }

    #[test]
    fn two_full_frequencies_do_not_clip_and_a_tone_is_a_sine() {
        assert!((0..8000).all(|n| sample([2000, 2000], n).abs() <= 16384));
        for n in 0..8000 {
            let exact = (TAU * 440.0 * n as f64 / 8000.0).sin() * PEAK;
            assert!((f64::from(sample([440, 0], n)) - exact).abs() < 1.0);
        }
        assert_eq!(sample([0, 0], 5), 0);
    }
}
