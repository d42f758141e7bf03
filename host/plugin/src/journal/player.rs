//! Answers a guest from a record, and notices where it asks for something else.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::ready};
use jackfield_media::Clip;
use jackfield_switch::{Command, Error, InstanceId, Level, Token};
use jiff::tz::TimeZone;

use super::{
    mask::Secrets,
    record::{Damaged, Ended, Head, Record},
    replay::{Difference, Outcome, Replayed, Said, Way},
    services::request,
    step::{Answered, Asked, Blob, Got, Step},
};
use crate::services::{
    Answer, Contact, HttpRequest, HttpResponse, LocalTime, Origin, Services, Speech, Switchboard,
};

/// Log lines and other words that are kept of one replay.
const MOST_SAID: usize = 1000;
/// Speech that was not made in the record is taken to be as long as the simulator's: samples for each character.
const SAMPLES_PER_CHARACTER: u64 = 60 * 8;

pub(crate) struct Player {
    way: Way,
    head: Head,
    calls: Vec<HostCall>,
    playing: Mutex<Playing>,
}

/// A host call of the record.
struct HostCall {
    at: u32,
    asked: Asked<'static>,
    /// To be compared with.
    bytes: Vec<u8>,
    /// Not answered: the guest was dropped in it, or the record is cut.
    got: Option<(u32, Got)>,
}

#[derive(Default)]
struct Playing {
    /// The next call of the record.
    next: usize,
    /// Questions that were asked out of their order.
    taken: Vec<bool>,
    /// Milliseconds since the guest began.
    now: u32,
    /// Questions that the record has no answer to.
    invented: u64,
    decisions: u32,
    words: Vec<Difference>,
    log: Vec<Said>,
    /// How the record and the guest part.
    parted: Option<Outcome>,
    /// How the guest ended.
    end: Option<Ended>,
}

impl Player {
    pub(super) fn new(record: &Record, way: Way) -> Result<Player, Damaged> {
        let mut calls: Vec<HostCall> = Vec::new();
        for step in record.steps()? {
            match step {
                Step::Asked { at, asked } => {
                    let bytes = encoded(&asked);
                    calls.push(HostCall { at, asked, bytes, got: None });
                }
                Step::Got { at, of, got } => {
                    calls.get_mut(of as usize).ok_or(Damaged::Steps)?.got = Some((at, got));
                }
            }
        }
        let playing = Playing { taken: vec![false; calls.len()], ..Playing::default() };
        Ok(Player { way, head: record.head.clone(), calls, playing: Mutex::new(playing) })
    }

    /// The reply to a verb; it never comes where the record ends, or is another one.
    pub(crate) fn verb(&self, command: &Command, said: Vec<String>) -> Answer<jackfield_switch::Value> {
        let asked = Asked::Verb { command: std::borrow::Cow::Borrowed(command), said };
        match self.answer(asked) {
            Some(Got::Reply(reply)) => ready(reply).boxed(),
            _ => pending().boxed(),
        }
    }

    pub(crate) fn ended(&self, end: Option<Ended>) {
        self.playing().end = end;
    }

    /// The guest has ended, or waits for what will never come.
    pub(super) fn finish(&self) -> Replayed {
        let mut playing = self.playing();
        let outcome = match (playing.parted.take(), playing.end.take()) {
            (Some(parted), _) => parted,
            (None, Some(end)) => self.compare_ends(&mut playing, &end),
            // It waits for an answer that was not given.
            (None, None) => Outcome::AsFarAsRecorded,
        };
        Replayed {
            decisions: playing.decisions,
            words: std::mem::take(&mut playing.words),
            log: std::mem::take(&mut playing.log),
            outcome,
        }
    }

    fn compare_ends(&self, playing: &mut Playing, end: &Ended) -> Outcome {
        self.skip_questions(playing);
        if let Some(call) = self.calls.get(playing.next) {
            return self.otherwise(playing, call.at, &call.asked, end);
        }
        match &self.head.end {
            _ if self.is_open_ended() => Outcome::AsFarAsRecorded,
            was if was == end => Outcome::Same,
            was => self.otherwise(playing, self.head.ended, was, end),
        }
    }

    /// What came after the last step is not known.
    fn is_open_ended(&self) -> bool {
        self.head.cut || matches!(self.head.end, Ended::Dropped | Ended::Spent(_))
    }

    /// None: there is no answer to this, or none any more.
    fn answer(&self, asked: Asked<'_>) -> Option<Got> {
        let mut playing = self.playing();
        if playing.parted.is_some() {
            return None;
        }
        let bytes = encoded(&asked);
        if self.way == Way::Otherwise && asked.is_question() {
            return self.recall(&mut playing, &bytes).or_else(|| Some(self.invent(&mut playing, &asked)));
        }
        self.skip_questions(&mut playing);
        let number = playing.decisions + u32::from(!asked.is_question());
        let Some(call) = self.calls.get(playing.next) else {
            let end = (self.head.ended, &self.head.end);
            playing.parted = Some(match self.is_open_ended() {
                true => Outcome::AsFarAsRecorded,
                false => self.otherwise(&playing, end.0, end.1, &asked),
            });
            return None;
        };
        if call.bytes != bytes {
            if self.way == Way::Identical || !is_same_but_words(call, &asked) {
                playing.parted = Some(self.otherwise(&playing, call.at, &call.asked, &asked));
                return None;
            }
            // A limit that is not reached is no difference for who called.
            let limits = encoded(&asked.with_limits_of(&call.asked)) == call.bytes;
            if !limits && playing.words.len() < MOST_SAID {
                playing.words.push(difference(number, call.at, &call.asked, &asked));
            }
        }
        playing.decisions = number;
        playing.next += 1;
        let (at, got) = call.got.clone()?;
        playing.now = at;
        Some(got)
    }

    /// Past the questions that this guest did not ask.
    fn skip_questions(&self, playing: &mut Playing) {
        while self.way == Way::Otherwise
            && self.calls.get(playing.next).is_some_and(|call| call.asked.is_question())
        {
            playing.next += 1;
        }
    }

    /// The answer to a question, where it was asked before the next decision; that to speech, wherever.
    fn recall(&self, playing: &mut Playing, bytes: &[u8]) -> Option<Got> {
        let ahead = |call: &&HostCall| call.asked.is_question();
        let near = playing.next + self.calls[playing.next..].iter().take_while(ahead).count();
        let is_this = |index: &usize| {
            let call = &self.calls[*index];
            call.bytes == bytes && (*index < near || matches!(call.asked, Asked::Speech(_)))
        };
        let fresh = (playing.next..self.calls.len()).find(|index| !playing.taken[*index] && is_this(index));
        // Speech is as long as it was the last time.
        let index = fresh.or_else(|| {
            (0..self.calls.len())
                .find(|index| matches!(self.calls[*index].asked, Asked::Speech(_)) && is_this(index))
        })?;
        playing.taken[index] = true;
        self.calls[index].got.clone().map(|(_, got)| got)
    }

    /// An answer that is as true as any.
    fn invent(&self, playing: &mut Playing, asked: &Asked<'_>) -> Got {
        playing.invented += 1;
        match asked {
            Asked::UtcOffset => {
                let known = self.calls.iter().find_map(|call| match call.got {
                    Some((_, Got::Offset(offset))) => Some(offset),
                    _ => None,
                });
                Got::Offset(known.unwrap_or(0))
            }
            Asked::Local { at, zone } => {
                Got::Local(TimeZone::get(zone).ok().and_then(|zone| LocalTime::at(*at, &zone)))
            }
            // The golden ratio: numbers that do not repeat, and are those of the next run.
            Asked::Random => Got::Random(playing.invented.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            Asked::Speech(speech) => {
                Got::Clip(Ok(speech.text.chars().count() as u64 * SAMPLES_PER_CHARACTER))
            }
            _ => Got::Time(self.head.began + u64::from(playing.now)),
        }
    }

    fn otherwise(
        &self,
        playing: &Playing,
        at: u32,
        was: &dyn std::fmt::Display,
        would: &dyn std::fmt::Display,
    ) -> Outcome {
        Outcome::Otherwise(difference(playing.decisions + 1, at, was, would))
    }

    /// For what cannot wait: the recorded answer, or one that is as true.
    fn at_once(&self, asked: Asked<'_>) -> Got {
        let got = self.answer(asked.clone());
        got.unwrap_or_else(|| self.invent(&mut self.playing(), &asked))
    }

    fn later<T: Answered + Send + 'static>(&self, asked: Asked<'_>) -> Answer<T> {
        match self.answer(asked).and_then(T::of) {
            Some(answer) => ready(answer).boxed(),
            None => pending().boxed(),
        }
    }

    fn playing(&self) -> MutexGuard<'_, Playing> {
        // Nothing panics while it is held.
        self.playing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encoded(asked: &Asked<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // The settings are starred already, so there are no secrets to be looked for.
    Secrets::default().write(asked, &mut bytes);
    bytes
}

/// Only the words are others, or limits that this call did not reach.
fn is_same_but_words(was: &HostCall, would: &Asked<'_>) -> bool {
    let adapted = would.with_limits_of(&was.asked);
    if encoded(&was.asked.without_words()) != encoded(&adapted.without_words()) {
        return false;
    }
    let elapsed = was.got.as_ref().map_or(0, |(at, _)| at.saturating_sub(was.at));
    let got = was.got.as_ref().map(|(_, got)| got);
    would.is_in_time(&was.asked, Duration::from_millis(elapsed.into()), got)
}

fn difference(
    decision: u32,
    at: u32,
    was: &dyn std::fmt::Display,
    would: &dyn std::fmt::Display,
) -> Difference {
    let at = Duration::from_millis(at.into());
    Difference { decision, at, was: was.to_string(), would: would.to_string() }
}

/// Verbs go to [`Player::verb`].
impl Switchboard for Player {
    fn post(&self, _: InstanceId, _: Token, _: Command) -> Result<(), Error> {
        Err(Error::Unavailable("this call is only replayed".to_owned()))
    }

    fn abandon(&self, _: InstanceId, _: Token) {}
}

impl Services for Player {
    fn now(&self) -> u64 {
        match self.at_once(Asked::Now) {
            Got::Time(now) => now,
            _ => self.head.began,
        }
    }

    fn utc_offset(&self) -> i32 {
        match self.at_once(Asked::UtcOffset) {
            Got::Offset(offset) => offset,
            _ => 0,
        }
    }

    fn local(&self, at: u64, zone: &str) -> Option<LocalTime> {
        match self.at_once(Asked::Local { at, zone: zone.into() }) {
            Got::Local(local) => local,
            _ => None,
        }
    }

    fn random(&self) -> u64 {
        match self.at_once(Asked::Random) {
            Got::Random(random) => random,
            _ => 0,
        }
    }

    fn log(&self, _: &Origin<'_>, level: Level, message: &str, fields: &[(String, String)]) {
        let mut playing = self.playing();
        if playing.log.len() < MOST_SAID {
            let fields: String = fields.iter().map(|(key, value)| format!(" {key}={value:?}")).collect();
            let (at, decision) = (Duration::from_millis(playing.now.into()), playing.decisions);
            playing.log.push(Said { decision, at, level, text: format!("{message}{fields}") });
        }
    }

    fn kv_get(&self, _: &str, key: &str) -> Answer<Option<Vec<u8>>> {
        self.later(Asked::KvGet { key: key.into() })
    }

    fn kv_set(&self, _: &str, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<()> {
        self.later(Asked::KvSet { key: key.into(), value, ttl })
    }

    fn kv_delete(&self, _: &str, key: &str) -> Answer<bool> {
        self.later(Asked::KvDelete { key: key.into() })
    }

    fn kv_add(&self, _: &str, key: &str, delta: i64) -> Answer<i64> {
        self.later(Asked::KvAdd { key: key.into(), delta })
    }

    fn kv_swap(&self, _: &str, key: &str, old: Option<Vec<u8>>, new: Vec<u8>) -> Answer<bool> {
        self.later(Asked::KvSwap { key: key.into(), old: old.map(Blob), new: Blob(new) })
    }

    fn kv_keys(&self, _: &str, prefix: &str, after: &str, limit: u32) -> Answer<Vec<String>> {
        self.later(Asked::KvKeys { prefix: prefix.into(), after: after.into(), limit })
    }

    fn contacts_due(&self, _: &str, campaign: &str, now: u64, limit: u32) -> Answer<Vec<Contact>> {
        self.later(Asked::ContactsDue { campaign: campaign.into(), now, limit })
    }

    fn contacts_next_due(&self, _: &str, campaign: &str) -> Answer<Option<u64>> {
        self.later(Asked::ContactsNextDue { campaign: campaign.into() })
    }

    fn contacts_postpone(&self, _: &str, contact: u64, until: u64) -> Answer<()> {
        self.later(Asked::ContactsPostpone { contact, until })
    }

    fn contacts_finish(&self, _: &str, contact: u64, outcome: String) -> Answer<()> {
        self.later(Asked::ContactsFinish { contact, outcome: outcome.into() })
    }

    fn http(&self, _: &str, request: HttpRequest) -> Answer<HttpResponse> {
        self.later(Asked::Http(self::request(&request)))
    }

    fn helper(&self, name: &str, args: Vec<String>, input: Vec<u8>, timeout: Duration) -> Answer<Vec<u8>> {
        self.later(Asked::Helper { name: name.into(), args, input: Blob(input), timeout })
    }

    fn recording(&self, _: &str, name: &str) -> Answer<Arc<Clip>> {
        self.later(Asked::Recording { name: name.into() })
    }

    fn speech(&self, _: &str, speech: Speech) -> Answer<Arc<Clip>> {
        self.later(Asked::Speech(speech))
    }
}
