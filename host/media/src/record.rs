//! Records what a leg hears.

use std::{sync::Arc, time::Duration};

use crate::{Digits, Event, LegId, RecordEnd, RecordId, Time, tick};

/// Longest recording (58 MB of samples); a longer wish ends here, as `RecordEnd::Max`.
const MAX: Duration = Duration::from_secs(3600);
/// Mean amplitude of a packet, of 32768, above which somebody speaks (-42 dB).
const VOICE: u32 = 256;
/// Samples that timestamps and the time of arrival may part before the time of arrival is believed.
const MAX_SKEW: i64 = 8000;

#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) id: RecordId,
    pub(crate) finish: Digits,
    max: Duration,
    silence: Option<Duration>,
    /// `None` while the beep sounds.
    begun: Option<Time>,
    voice: Time,
    /// A timestamp of the peer and its place in the recording.
    anchor: Option<(u32, i64)>,
    samples: Vec<i16>,
}

impl Recorder {
    pub(crate) fn new(id: RecordId, max: Duration, silence: Option<Duration>, finish: Digits) -> Self {
        Self {
            id,
            finish,
            max: max.min(MAX),
            silence,
            begun: None,
            voice: Time::ZERO,
            anchor: None,
            samples: Vec::new(),
        }
    }

    /// The beep is over.
    pub(crate) fn begin(&mut self, now: Time) {
        self.begun = Some(now);
        self.voice = now;
    }

    /// Sound at 8 kHz: lies in the recording where its timestamp, of a clock of `clock` Hz, says; gaps are silence.
    pub(crate) fn hear(&mut self, now: Time, timestamp: u32, clock: u32, sound: &[i16]) {
        let Some(begun) = self.begun.filter(|begun| *begun <= now) else { return };
        let arrived = (tick::samples(now - begun) as i64).saturating_sub(sound.len() as i64).max(0);
        let step = |anchor: u32| i64::from(timestamp.wrapping_sub(anchor) as i32) / i64::from(clock / 8000);
        let said = self.anchor.map(|(anchor, place)| place + step(anchor));
        let place = match said {
            Some(said) if (said - arrived).abs() <= MAX_SKEW => said,
            _ => arrived.max(self.samples.len() as i64),
        };
        self.anchor = Some((timestamp, place));
        self.write(place, sound);

        let loudness: u32 = sound.iter().map(|sample| u32::from(sample.unsigned_abs())).sum();
        if loudness > VOICE * sound.len() as u32 {
            self.voice = now;
        }
    }

    fn write(&mut self, place: i64, sound: &[i16]) {
        let limit = tick::samples(self.max) as usize;
        let Ok(place) = usize::try_from(place) else { return };
        let end = limit.min(place + sound.len());
        if place >= end {
            return;
        }
        if end > self.samples.len() {
            self.samples.resize(end, 0);
        }
        self.samples[place..end].copy_from_slice(&sound[..end - place]);
    }

    /// Looks at the clock.
    pub(crate) fn tick(&self, now: Time) -> Option<RecordEnd> {
        let begun = self.begun?;
        if now.saturating_sub(begun) >= self.max {
            return Some(RecordEnd::Max);
        }
        let silence = self.silence?;
        (now.saturating_sub(self.voice) >= silence).then_some(RecordEnd::Silence)
    }

    pub(crate) fn end(self, leg: LegId, end: RecordEnd) -> Event {
        Event::RecordEnded { leg, record: self.id, end, samples: self.samples.into() }
    }
}

/// The end of a recording that never began.
pub(crate) fn nothing(leg: LegId, record: RecordId) -> Event {
    Event::RecordEnded { leg, record, end: RecordEnd::Stopped, samples: Arc::new([]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: i16 = 20_000;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn recorder(max: Duration) -> Recorder {
        let mut recorder = Recorder::new(RecordId(1), max, None, Digits::NONE);
        recorder.begin(ms(1000));
        recorder
    }

    fn loud(recorder: &mut Recorder, now: u64, timestamp: u32) {
        recorder.hear(ms(now), timestamp, 8000, &[LOUD; 160]);
    }

    #[test]
    fn gaps_are_silence_and_late_packets_find_their_place() {
        let mut r = recorder(ms(10_000));
        loud(&mut r, 1020, u32::MAX - 159);
        loud(&mut r, 1080, 320);
        let spoken = |r: &Recorder, at: usize| r.samples[at..at + 160].iter().all(|s| *s == LOUD);
        assert_eq!(r.samples.len(), 640);
        assert!(spoken(&r, 0) && spoken(&r, 480) && r.samples[160..480].iter().all(|s| *s == 0));
        loud(&mut r, 1081, 160);
        assert!(spoken(&r, 320) && r.samples[160..320].iter().all(|s| *s == 0));
    }

    #[test]
    fn a_peer_that_jumps_in_time_is_believed_by_arrival() {
        let mut r = recorder(ms(10_000));
        loud(&mut r, 1020, 0);
        loud(&mut r, 1040, 3_000_000_000);
        assert_eq!(r.samples.len(), 320);
        loud(&mut r, 1060, 3_000_000_160);
        assert_eq!(r.samples.len(), 480);
    }

    #[test]
    fn nothing_is_longer_than_it_may_be() {
        let mut r = recorder(ms(25));
        loud(&mut r, 1020, 0);
        loud(&mut r, 1040, 160);
        loud(&mut r, 1060, 320);
        assert_eq!(r.samples.len(), 200);
        assert_eq!((r.tick(ms(1024)), r.tick(ms(1025))), (None, Some(RecordEnd::Max)));
    }

    #[test]
    fn before_the_begin_nothing_is_heard_and_nothing_ends() {
        let mut r = Recorder::new(RecordId(1), ms(0), Some(ms(0)), Digits::NONE);
        loud(&mut r, 1000, 0);
        assert!(r.samples.is_empty() && r.tick(ms(5000)).is_none());
    }
}
