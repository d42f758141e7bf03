//! What a phone hears, judged by the RTP packets that reach it.

use std::{fmt, sync::Arc, time::Duration};

use jackfield_media::{codec::Law, dtmf, rtp};

use super::{
    recognise::{Files, Found, LOST, Place, Recogniser, Sound},
    reorder::{Frame, Reorder},
};

/// A sound that reached a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What it was.
    pub sound: Sound,
    /// When it began, since the world did.
    pub from: Duration,
    /// When it ended, or how far it was heard until now.
    pub until: Duration,
    /// It was heard to its end.
    pub whole: bool,
}

impl Heard {
    /// The words of a sentence, else nothing.
    pub fn text(&self) -> &str {
        match &self.sound {
            Sound::Speech(text) => text,
            _ => "",
        }
    }

    /// Whether this is all of that sentence; a character that the link lost counts as the right one.
    pub fn says(&self, text: &str) -> bool {
        self.whole && is_alike(self.text(), text)
    }

    /// How long it lasted.
    pub fn length(&self) -> Duration {
        self.until.saturating_sub(self.from)
    }
}

/// `1.230-3.690 "Bonjour"`, with an ellipsis where it is cut off.
impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (self.from.as_secs_f64(), self.until.as_secs_f64());
        let cut = if self.whole { "" } else { "…" };
        write!(f, "{from:.3}-{until:.3} ")?;
        match &self.sound {
            Sound::Speech(text) => write!(f, "\"{text}{cut}\""),
            Sound::File(name) => write!(f, "{name}{cut}"),
            Sound::Tone(hz) => write!(f, "tone {hz:?} Hz"),
            Sound::Key(key) => write!(f, "key {key}"),
            Sound::Noise => write!(f, "noise"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Ear {
    /// Payload type of telephone events, once agreed.
    pub(crate) dtmf: Option<u8>,
    /// Received so far.
    pub(crate) packets: usize,
    reorder: Reorder,
    recogniser: Recogniser,
    /// Timestamp of the newest frame, without wrapping, and as it was.
    newest: Option<(Place, u32)>,
    /// The moment of place 0, in samples: by the packet that came with the least delay.
    origin: Option<Place>,
    /// Timestamp of the last key.
    pressed: Option<u32>,
}

impl Ear {
    pub(crate) fn new(files: Arc<Files>) -> Ear {
        Ear {
            dtmf: None,
            packets: 0,
            reorder: Reorder::default(),
            recogniser: Recogniser::new(Law::A, files),
            newest: None,
            origin: None,
            pressed: None,
        }
    }

    /// Takes a packet; what is no RTP is noise on the wire, and not heard.
    pub(crate) fn receive(&mut self, now: Duration, bytes: &[u8]) {
        let Ok(packet) = rtp::Packet::parse(bytes) else { return };
        self.packets += 1;
        let stamp = packet.stamp();
        let frame = Frame {
            ssrc: stamp.ssrc,
            sequence: stamp.sequence,
            timestamp: stamp.timestamp,
            payload_type: packet.payload_type(),
            payload: packet.payload().to_vec(),
        };
        let place = self.place(frame.timestamp);
        if law_of(frame.payload_type).is_some() {
            let origin = now.as_micros() as Place / 125 - place;
            self.origin = Some(self.origin.map_or(origin, |known| known.min(origin)));
        }
        for frame in self.reorder.push(frame) {
            self.hear(&frame);
        }
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.found().iter().map(|found| self.heard_of(found)).collect()
    }

    /// The first sentence of that text among all but the first `skip` sounds, and its place.
    pub(crate) fn sentence(&self, skip: usize, text: &str) -> Option<(usize, Heard)> {
        let found = self.find(skip, |found| found.whole && is_alike(found.text(), text));
        found.map(|(place, found)| (place, self.heard_of(&found)))
    }

    /// The first that fits among all but the first `skip` sounds, with that which still sounds, and its place.
    pub(crate) fn find(&self, skip: usize, fits: impl Fn(&Found) -> bool) -> Option<(usize, Found)> {
        match self.reorder.is_waiting() {
            true => self.to_its_end().recogniser.find(skip, fits),
            false => self.recogniser.find(skip, fits),
        }
    }

    /// All sounds so far.
    pub(crate) fn found(&self) -> Vec<Found> {
        self.to_its_end().recogniser.found()
    }

    /// What is received at this moment; none: nothing was received yet.
    pub(crate) fn place_at(&self, now: Duration) -> Option<Place> {
        self.origin.map(|origin| now.as_micros() as Place / 125 - origin)
    }

    /// As if nothing more came that is waited for.
    fn to_its_end(&self) -> Ear {
        let mut all = Ear { reorder: self.reorder.clone(), recogniser: self.recogniser.clone(), ..*self };
        for frame in all.reorder.flush() {
            all.hear(&frame);
        }
        all
    }

    pub(crate) fn heard_of(&self, found: &Found) -> Heard {
        let origin = self.origin.unwrap_or_default();
        let time = |place: Place| Duration::from_micros(u64::try_from((origin + place) * 125).unwrap_or(0));
        Heard { sound: found.sound(), from: time(found.from), until: time(found.until), whole: found.whole }
    }

    fn hear(&mut self, frame: &Frame) {
        let place = self.place(frame.timestamp);
        self.newest = Some((place, frame.timestamp));
        if let Some(law) = law_of(frame.payload_type) {
            self.recogniser.hear(place, law, &frame.payload);
        } else if Some(frame.payload_type) == self.dtmf
            && let Some(payload) = dtmf::Payload::parse(&frame.payload)
            && self.pressed.replace(frame.timestamp) != Some(frame.timestamp)
            && let Some(digit) = dtmf::digit_of(payload.event)
        {
            self.recogniser.key(place, digit);
        }
    }

    /// Timestamps wrap; the place nearest to the newest is meant.
    fn place(&self, timestamp: u32) -> Place {
        let (place, newest) = self.newest.unwrap_or((0, timestamp));
        place + Place::from(timestamp.wrapping_sub(newest) as i32)
    }
}

/// Equal but for lost characters.
fn is_alike(heard: &str, text: &str) -> bool {
    let mut heard = heard.chars();
    text.chars().all(|expected| heard.next().is_some_and(|c| c == expected || c == LOST))
        && heard.next().is_none()
}

/// The static types of RFC 3551.
fn law_of(payload_type: u8) -> Option<Law> {
    match payload_type {
        0 => Some(Law::Mu),
        8 => Some(Law::A),
        _ => None,
    }
}
