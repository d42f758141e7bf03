//! What phones hear.

use std::time::Duration;

use super::{
    perform::{PATIENCE, probe, seconds},
    script::{Hears, What},
    stage::{Asked, Stage},
};
use crate::{
    Sound, State,
    caller::{Call, Found, Place},
};

/// A tone is known when it was heard for so long, in samples.
const TONE: Place = 800;
/// What ended less than two packets ago may still be on its way.
const UNDER_WAY: Place = 320;
/// What has not gone on for so long was cut off.
const CUT_OFF: Place = 1600;
/// A sentence is understood after so long.
const TELLING: Duration = Duration::from_secs(1);
/// Tones are told to so many Hz.
const NEAR: u16 = 5;

impl Stage<'_> {
    /// From the sound on that was asked for last.
    fn asked(&mut self, who: &str) -> Asked {
        let index = self.index(who);
        let calls = self.world.0.borrow().phones[index].calls.len();
        let actor = self.actor(who);
        if actor.heard.call != calls {
            actor.heard = Asked::nothing(calls);
        }
        actor.heard
    }

    /// Waits until the call was answered, here or there; it may be over since.
    fn connected(&mut self, who: &str, limit: Duration) -> Result<(), String> {
        self.until_call(who, limit, |call| call.state == State::Over || call.mouth.is_some());
        match self.call(who, |call| call.mouth.is_some() || call.answered.is_some()) {
            Some(true) => Ok(()),
            _ => Err(self.state_of(who)),
        }
    }

    pub(super) fn hears(&mut self, who: &str, hears: &Hears, limit: Duration) -> Result<(), String> {
        if let What::Keys(keys) = &hears.what {
            return keys
                .chars()
                .try_for_each(|key| self.hears_one(who, hears, &What::Keys(key.to_string()), limit));
        }
        self.hears_one(who, hears, &hears.what, limit)
    }

    fn hears_one(&mut self, who: &str, hears: &Hears, what: &What, limit: Duration) -> Result<(), String> {
        self.connected(who, limit)?;
        let asked = self.asked(who);
        let mut packets = usize::MAX;
        let mut found = None;
        self.until_call(who, limit, |call| {
            let over = call.state == State::Over;
            if std::mem::replace(&mut packets, call.ear.packets) == call.ear.packets && !over {
                return false;
            }
            found = call.ear.find(0, |found| match_of(found, asked, what, hears.exactly).is_some());
            found.is_some() || over
        });
        let Some((_, found)) = found else { return Err(self.not_heard(who, what, limit)) };
        if hears.next
            && let Some(other) = self.passed_over(who, asked, &found)
        {
            return Err(format!("{who} hears {other} first"));
        }
        let characters = match_of(&found, asked, what, hears.exactly).flatten();
        let actor = self.actor(who);
        actor.heard = Asked { call: asked.call, from: found.from, characters };
        self.asked_for_ring(who);
        Ok(())
    }

    /// The first sound that was not asked for, before that one.
    fn passed_over(&self, who: &str, asked: Asked, found: &Found) -> Option<String> {
        let probes = self.probes();
        self.call(who, |call| {
            let sounds = call.ear.found();
            let other = sounds.iter().find(|sound| {
                is_after(sound, asked)
                    && sound.from < found.from
                    && sound.from != asked.from
                    && !is_probe(sound, &probes)
            });
            other.map(|sound| name(&sound.sound()))
        })?
    }

    fn not_heard(&mut self, who: &str, what: &What, limit: Duration) -> String {
        let over = self.call(who, |call| call.state == State::Over).unwrap_or(false);
        let reason = match over {
            true => self.state_of(who),
            false => format!("{} passed without it", seconds(limit)),
        };
        let asked = self.asked(who);
        let (What::Words(words), Some(texts)) = (what, self.call(who, texts)) else { return reason };
        let heard = texts.iter().filter(|(from, _)| *from > asked.from).map(|(_, text)| text);
        let nearest = heard.max_by_key(|text| (nearness(words, text) * 1000.0) as u32);
        match nearest {
            Some(text) => format!("{reason}; the nearest that {who} heard is \"{text}\""),
            None => match texts.iter().find(|(_, text)| text.contains(words)) {
                Some((_, text)) => {
                    format!("{reason}; it was heard before what was asked for last: \"{text}\"")
                }
                None => format!("{reason}; {who} heard no further sentence"),
            },
        }
    }

    /// What was asked for last may end; then it is silent.
    pub(super) fn hears_nothing(&mut self, who: &str, time: Duration) -> Result<(), String> {
        self.connected(who, PATIENCE)?;
        let (asked, index, probes) = (self.asked(who), self.index(who), self.probes());
        self.until(PATIENCE, |house| {
            let call = house.phones[index].calls.last();
            call.is_none_or(|call| call.state == State::Over || !still_sounds(call, asked, house.now()))
        });
        let began = self.world.now();
        let sound = |call: &Call| {
            let since = call.ear.place_at(began)? + UNDER_WAY;
            let new = |sound: &Found| sound.until > since && !is_probe(sound, &probes);
            call.ear.find(0, new).map(|(_, sound)| name(&sound.sound()))
        };
        let stirs = self.until_call(who, time, |call| call.state == State::Over || sound(call).is_some());
        if stirs {
            // So that more than its first letter is told.
            self.world.run_for(TELLING);
        }
        match self.call(who, |call| (sound(call), call.state)) {
            Some((Some(sound), _)) => Err(format!("{who} hears {sound}")),
            Some((None, State::Up)) => Ok(()),
            _ => Err(self.state_of(who)),
        }
    }

    /// Until the call ends.
    pub(super) fn hears_nothing_else(&mut self, who: &str, limit: Duration) -> Result<(), String> {
        self.connected(who, limit)?;
        let asked = self.asked(who);
        let probes = self.probes();
        let over = self.until_call(who, limit, |call| call.state == State::Over);
        let more = self.call(who, |call| {
            let sounds = call.ear.found();
            let new = sounds.into_iter().find(|sound| sound.from > asked.from && !is_probe(sound, &probes));
            new.map(|sound| name(&sound.sound()))
        });
        match more.flatten() {
            Some(sound) => Err(format!("{who} hears {sound}")),
            None if over => Ok(()),
            None => {
                Err(format!("the call did not end within {}; write `hears nothing for 5 s`", seconds(limit)))
            }
        }
    }

    pub(super) fn has_not_heard(&mut self, who: &str, words: &str) -> Result<(), String> {
        let texts = self.call(who, texts).unwrap_or_default();
        let heard = texts.into_iter().find(|(_, text)| text.contains(words));
        heard.map_or(Ok(()), |(_, text)| Err(format!("{who} has heard \"{text}\"")))
    }

    /// What phones say only to show that they are heard.
    pub(super) fn probes(&self) -> Vec<String> {
        self.actors.keys().map(|who| probe(who)).collect()
    }
}

/// Whether the sentence or file that was asked for last goes on.
fn still_sounds(call: &Call, asked: Asked, now: Duration) -> bool {
    let last = call.ear.find(0, |found| found.from == asked.from);
    let now = call.ear.place_at(now).unwrap_or_default();
    // The last character is known before it has ended.
    last.is_some_and(|(_, found)| if found.whole { found.until > now } else { now - found.until < CUT_OFF })
}

fn texts(call: &mut Call) -> Vec<(Place, String)> {
    let found = call.ear.found();
    found
        .iter()
        .filter(|found| !found.text().is_empty())
        .map(|found| (found.from, found.text().to_owned()))
        .collect()
}

fn is_probe(found: &Found, probes: &[String]) -> bool {
    probes
        .iter()
        .any(|probe| found.text() == probe || !found.text().is_empty() && probe.starts_with(found.text()))
}

fn is_after(found: &Found, asked: Asked) -> bool {
    found.from > asked.from || found.from == asked.from && asked.characters.is_some()
}

/// Whether it is what was asked for, and up to which of its characters.
fn match_of(found: &Found, asked: Asked, what: &What, exactly: bool) -> Option<Option<usize>> {
    if !is_after(found, asked) {
        return None;
    }
    match what {
        What::Words(words) if exactly => (found.whole && found.text() == words).then_some(None),
        What::Words(words) => {
            let skip = if found.from == asked.from { asked.characters.unwrap_or_default() } else { 0 };
            let text = found.text();
            let begin = text.char_indices().nth(skip).map_or(text.len(), |(begin, _)| begin);
            let place = text[begin..].find(words.as_str())?;
            Some(Some(skip + text[begin..begin + place].chars().count() + words.chars().count()))
        }
        What::File(name) => match found.sound() {
            Sound::File(heard) => (heard == *name && (found.whole || !exactly)).then_some(None),
            _ => None,
        },
        What::Tone(hz) if found.until - found.from >= TONE => match found.sound() {
            Sound::Tone(heard) => (hz.is_empty() || is_near(hz, &heard)).then_some(None),
            _ => None,
        },
        What::Tone(_) => None,
        What::Keys(key) => match found.sound() {
            Sound::Key(heard) => key.starts_with(heard).then_some(None),
            _ => None,
        },
    }
}

fn is_near(wanted: &[u16], heard: &[u16]) -> bool {
    wanted.len() == heard.len()
        && wanted.iter().all(|hz| heard.iter().any(|other| hz.abs_diff(*other) <= NEAR))
}

/// How alike the words are to the part of the sentence that is most like them; 1: equal.
fn nearness(words: &str, text: &str) -> f64 {
    let count = words.chars().count().max(1);
    let characters: Vec<char> = text.chars().collect();
    let windows = characters.windows(count.min(characters.len()).max(1));
    windows
        .map(|part| strsim::normalized_levenshtein(words, &part.iter().collect::<String>()))
        .fold(0.0, f64::max)
}

/// A sound in the words of the format.
pub(super) fn name(sound: &Sound) -> String {
    match sound {
        Sound::Speech(text) => format!("\"{text}\""),
        Sound::File(name) => name.clone(),
        Sound::Tone(hz) => {
            let hz: Vec<String> = hz.iter().map(u16::to_string).collect();
            format!("a tone of {} Hz", hz.join(" and "))
        }
        Sound::Key(key) => format!("key {key}"),
        Sound::Noise => "noise".to_owned(),
    }
}
