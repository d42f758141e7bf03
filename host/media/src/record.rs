//! Records what a leg hears.

use std::{sync::Arc, time::Duration};

use crate::{Digits, Event, LegId, RecordEnd, RecordId, Time, tick};

/// Longest recording (58 MB of samples); a longer wish ends here, as `RecordEnd::Max`.
const MAX: Duration = Duration::from_secs(3600);
/// Mean amplitude of 20 ms, of 32768, above which somebody speaks (-42 dB).
const VOICE: u32 = 256;

#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) id: RecordId,
    pub(crate) finish: Digits,
    max: Duration,
    silence: Option<Duration>,
    /// `None` while the beep sounds.
    begun: Option<Time>,
    voice: Time,
    samples: Vec<i16>,
}

impl Recorder {
    pub(crate) fn new(id: RecordId, max: Duration, silence: Option<Duration>, finish: Digits) -> Self {
        Self { id, finish, max: max.min(MAX), silence, begun: None, voice: Time::ZERO, samples: Vec::new() }
    }

    /// The beep is over.
    pub(crate) fn begin(&mut self, now: Time) {
        self.begun = Some(now);
        self.voice = now;
    }

    /// What the peer said in the 20 ms before `tick`. When it says nothing there is nothing to hear: it is silence if
    /// something comes after it.
    pub(crate) fn hear(&mut self, tick: u64, sound: &[i16; tick::FRAME]) {
        let Some(first) = self.begun.map(|begun| tick::at(begun) + 1) else { return };
        let Some(frames) = tick.checked_sub(first) else { return };
        let limit = tick::samples(self.max) as usize;
        let place = (frames as usize).saturating_mul(tick::FRAME);
        let end = limit.min(place.saturating_add(tick::FRAME));
        if place >= end {
            return;
        }
        self.samples.resize(place, 0);
        self.samples.extend(&sound[..end - place]);

        let loudness: u32 = sound.iter().map(|sample| u32::from(sample.unsigned_abs())).sum();
        if loudness > VOICE * tick::FRAME as u32 {
            self.voice = tick::time(tick);
        }
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

    /// Something loud until `now`.
    fn loud(recorder: &mut Recorder, now: u64) {
        recorder.hear(tick::at(ms(now)), &[LOUD; tick::FRAME]);
    }

    #[test]
    fn gaps_are_silence() {
        let mut r = recorder(ms(10_000));
        loud(&mut r, 1020);
        loud(&mut r, 1080);
        let spoken = |at: usize| r.samples[at..at + 160].iter().all(|s| *s == LOUD);
        assert_eq!(r.samples.len(), 640);
        assert!(spoken(0) && spoken(480) && r.samples[160..480].iter().all(|s| *s == 0));
    }

    #[test]
    fn nothing_is_longer_than_it_may_be() {
        let mut r = recorder(ms(25));
        loud(&mut r, 1020);
        loud(&mut r, 1040);
        loud(&mut r, 1060);
        assert_eq!(r.samples.len(), 200);
        assert_eq!((r.tick(ms(1024)), r.tick(ms(1025))), (None, Some(RecordEnd::Max)));
    }

    #[test]
    fn before_the_begin_nothing_is_heard_and_nothing_ends() {
        let mut r = Recorder::new(RecordId(1), ms(0), Some(ms(0)), Digits::NONE);
        loud(&mut r, 1000);
        assert!(r.samples.is_empty() && r.tick(ms(5000)).is_none());
    }
}
