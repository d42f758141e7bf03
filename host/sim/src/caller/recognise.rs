//! Tells sentences, prompt files and tones apart in a stream of samples.

use std::{collections::VecDeque, sync::Arc};

use jackfield_media::{Clip, codec::Law};

use super::pitch;
use crate::voice::{self, CELL, CODE, Code};

/// Place in a stream, in samples since its beginning.
pub(crate) type Place = i64;

/// Every sentence that was spoken in samples which nobody heard, such as those of a recording.
pub(crate) fn sentences(samples: &[i16]) -> Vec<String> {
    let mut recogniser = Recogniser::new(Law::A, Arc::default());
    let codes: Vec<u8> = samples.iter().map(|sample| Law::A.encode(*sample)).collect();
    recogniser.hear(0, Law::A, &codes);
    let found = recogniser.found();
    found.iter().map(Found::text).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// Samples up to this peak are silence: what both laws make of zero.
const QUIET: i16 = 64;
/// So much silence ends a sound that is neither sentence nor file: more than two packets that were lost.
const PAUSE: Place = 3 * CODE as Place;
/// So many samples of a file must be equal before it is taken for that file.
const ALIKE: usize = 80;
/// Samples that are kept of a sound to tell its pitch.
const KEPT: usize = pitch::WINDOW;
/// Stands for a character whose packets were all lost.
pub(crate) const LOST: char = '\u{fffd}';
/// More lost characters in a row are the end of the sentence.
const MAX_LOST: Place = 20;

/// What a sound is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sound {
    /// Spoken by [`voice`](crate::voice).
    Speech(String),
    /// An audio file of a plugin, by its name below the prompts' folder.
    File(String),
    /// One or two frequencies in Hz.
    Tone(Vec<u16>),
    /// A key, sent as RFC 4733 telephone event.
    Key(char),
    /// Anything else that is not silence.
    Noise,
}

/// A sound and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    sound: Understood,
    pub(crate) from: Place,
    pub(crate) until: Place,
    /// Heard to its end.
    pub(crate) whole: bool,
}

/// The pitch of a sound is only looked for when somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Understood {
    Is(Sound),
    Other(Arc<[i16]>),
}

impl Found {
    pub(crate) fn sound(&self) -> Sound {
        match &self.sound {
            Understood::Is(sound) => sound.clone(),
            Understood::Other(samples) => pitch::name(samples),
        }
    }

    /// The words, where it is a sentence.
    pub(crate) fn text(&self) -> &str {
        match &self.sound {
            Understood::Is(Sound::Speech(text)) => text,
            _ => "",
        }
    }
}

/// Files that can be recognised.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files(Vec<(String, Arc<Clip>)>);

impl Files {
    pub(crate) fn add(&mut self, name: &str, clip: &Arc<Clip>) {
        if !self.0.iter().any(|(known, other)| known == name && other.samples() == clip.samples()) {
            self.0.push((name.to_owned(), clip.clone()));
        }
    }
}

/// Sees samples once, in order, and remembers what they were.
#[derive(Clone, Debug)]
pub(crate) struct Recogniser {
    law: Law,
    files: Arc<Files>,
    found: Vec<Found>,
    /// Codes that are not understood yet; the first one is at `base`.
    codes: VecDeque<u8>,
    base: Place,
    now: Now,
}

/// What sounds at the moment.
#[derive(Clone, Debug)]
enum Now {
    Silence,
    Speech {
        begin: Place,
        /// Its first character was heard.
        headed: bool,
        text: Vec<char>,
        until: Place,
        whole: bool,
    },
    File {
        index: usize,
        begin: Place,
        at: usize,
    },
    Other(Other),
}

#[derive(Clone, Debug)]
struct Other {
    from: Place,
    until: Place,
    /// The last samples without a gap, and where they begin.
    samples: Vec<i16>,
    begin: Place,
    /// The most samples without a gap before.
    best: Vec<i16>,
}

impl Other {
    fn new(place: Place, sample: i16) -> Other {
        let samples = vec![sample];
        Other { from: place, until: place + 1, samples, begin: place, best: Vec::new() }
    }

    fn push(&mut self, place: Place, sample: i16) {
        if sample.unsigned_abs() > QUIET.unsigned_abs() {
            self.until = place + 1;
        }
        let gap = place != self.begin + self.samples.len() as Place;
        if self.samples.len() < KEPT && !gap {
            self.samples.push(sample);
        } else if gap && self.best.len() < KEPT && self.samples.len() < KEPT {
            self.keep();
            (self.begin, self.samples) = (place, vec![sample]);
        }
    }

    /// Keeps the longer piece, without the silence at its end.
    fn keep(&mut self) {
        let mut samples = std::mem::take(&mut self.samples);
        samples.truncate(usize::try_from(self.until - self.begin).unwrap_or(0));
        if samples.len() > self.best.len() {
            self.best = samples;
        }
    }
}

impl Recogniser {
    pub(crate) fn new(law: Law, files: Arc<Files>) -> Recogniser {
        Recogniser { law, files, found: Vec::new(), codes: VecDeque::new(), base: 0, now: Now::Silence }
    }

    /// The codes at `place`; what lies between two calls is silence or lost.
    pub(crate) fn hear(&mut self, place: Place, law: Law, codes: &[u8]) {
        let end = self.base + self.codes.len() as Place;
        if law != self.law || place > end {
            self.understand(true);
            self.law = law;
            self.base = place;
        }
        // What was heard already is not heard again.
        let again = (self.base + self.codes.len() as Place - place).clamp(0, codes.len() as Place);
        self.codes.extend(&codes[again as usize..]);
        self.understand(false);
    }

    /// A key was sent at `place`.
    pub(crate) fn key(&mut self, place: Place, digit: char) {
        let sound = Understood::Is(Sound::Key(digit));
        self.found.push(Found { sound, from: place, until: place, whole: true });
    }

    /// Everything so far, with what still sounds.
    pub(crate) fn found(&self) -> Vec<Found> {
        let mut all = self.clone();
        all.understand(true);
        all.end();
        all.found
    }

    /// The first that fits, from the place in that list on.
    pub(crate) fn find(&self, skip: usize, is: impl Fn(&Found) -> bool) -> Option<(usize, Found)> {
        let mut ended = self.found.iter().enumerate().skip(skip);
        if let Some((place, found)) = ended.find(|(_, found)| is(found)) {
            return Some((place, found.clone()));
        }
        let now = self.now.clone().ended(&self.files).filter(|_| self.found.len() >= skip);
        now.filter(is).map(|found| (self.found.len(), found))
    }

    /// Goes through what was received; at the `end` of a piece also through the last samples.
    fn understand(&mut self, end: bool) {
        let codes: Vec<u8> = self.codes.drain(..).collect();
        let samples: Vec<i16> = codes.iter().map(|code| self.law.decode(*code)).collect();
        let base = self.base;
        let mut at = 0;
        while at < samples.len() {
            let (place, rest) = (base + at as Place, &samples[at..]);
            // A mark or a file may go on in the next packet.
            if rest.len() < CODE && !end && !self.is_in_file(place) {
                break;
            }
            // The words of a file that speaks with our voice say more than its name.
            let step = match self.now {
                Now::File { .. } => self.follow_file(place, &codes[at..]).or_else(|| self.read(place, rest)),
                _ => self.read(place, rest).or_else(|| self.follow_file(place, &codes[at..])),
            };
            at += step.unwrap_or_else(|| {
                self.other(place, rest[0]);
                1
            });
        }
        self.base = base + at as Place;
        self.codes.extend(&codes[at..]);
    }

    // ---- sentences

    fn read(&mut self, place: Place, samples: &[i16]) -> Option<usize> {
        let code = voice::decode(samples)?;
        let cell = place - (code.copy * CODE) as Place;
        if !self.goes_on(cell, code) {
            self.end();
            let text = vec![code.character];
            self.now = Now::Speech { begin: cell, headed: code.first, text, until: place, whole: false };
        }
        if let Now::Speech { until, whole, .. } = &mut self.now {
            *whole = code.last;
            *until = if code.last { cell + CELL as Place } else { place + CODE as Place };
        }
        Some(CODE)
    }

    /// Whether a code belongs to the sentence that is being heard.
    fn goes_on(&mut self, cell: Place, code: Code) -> bool {
        let Now::Speech { begin, headed, text, .. } = &mut self.now else { return false };
        let (length, steps) = (text.len() as Place, (cell - *begin) / CELL as Place);
        let in_step = cell >= *begin && (cell - *begin) % CELL as Place == 0;
        let is_head = *headed && steps == 0;
        if !in_step || code.first != is_head || steps < length - 1 || steps > length + MAX_LOST {
            return false;
        }
        if steps >= length {
            text.resize(steps as usize, LOST);
            text.push(code.character);
        }
        true
    }

    // ---- files

    fn is_in_file(&self, place: Place) -> bool {
        match &self.now {
            Now::File { begin, at, .. } => *begin + *at as Place <= place,
            _ => false,
        }
    }

    /// How many of the codes are the next ones of a file.
    fn follow_file(&mut self, place: Place, codes: &[u8]) -> Option<usize> {
        if !matches!(self.now, Now::File { .. }) {
            self.now = self.find_file(place, codes)?;
        }
        let Now::File { index, begin, at } = &mut self.now else { return None };
        let (_, clip) = &self.files.0[*index];
        // Packets that were lost are passed over.
        *at = usize::try_from(place - *begin).unwrap_or(usize::MAX);
        let rest = clip.encoded(self.law).get(*at..).unwrap_or_default();
        let alike = rest.iter().zip(codes).take_while(|(file, heard)| file == heard).count();
        *at += alike;
        let is_over = alike < codes.len() || alike == rest.len();
        if is_over {
            self.end();
        }
        (alike > 0).then_some(alike)
    }

    fn find_file(&mut self, place: Place, codes: &[u8]) -> Option<Now> {
        let loud = |code: &u8| self.law.decode(*code).unsigned_abs() > QUIET.unsigned_abs();
        if !codes.first().is_some_and(loud) {
            return None;
        }
        let begins = |(_, clip): &(String, Arc<Clip>)| {
            let file = clip.encoded(self.law);
            let lead = file.iter().position(loud)?;
            let count = ALIKE.min(file.len() - lead);
            (codes.len() >= count && file[lead..lead + count] == codes[..count]).then_some(lead)
        };
        let files = self.files.clone();
        let (index, lead) =
            files.0.iter().enumerate().find_map(|(index, file)| Some((index, begins(file)?)))?;
        self.end();
        Some(Now::File { index, begin: place - lead as Place, at: lead })
    }

    // ---- all else

    fn other(&mut self, place: Place, sample: i16) {
        let loud = sample.unsigned_abs() > QUIET.unsigned_abs();
        match &mut self.now {
            Now::Other(other) if place - other.until < PAUSE => other.push(place, sample),
            _ if loud => {
                self.end();
                self.now = Now::Other(Other::new(place, sample));
            }
            Now::Other(_) | Now::File { .. } => self.end(),
            // A sentence may go on behind a gap.
            Now::Silence | Now::Speech { .. } => {}
        }
    }

    fn end(&mut self) {
        let now = std::mem::replace(&mut self.now, Now::Silence);
        self.found.extend(now.ended(&self.files));
    }
}

impl Now {
    /// What it was, if it ends here.
    fn ended(self, files: &Files) -> Option<Found> {
        let (sound, from, until, whole) = match self {
            Now::Silence => return None,
            Now::Speech { begin, headed, text, until, whole } => {
                (Understood::Is(Sound::Speech(text.into_iter().collect())), begin, until, headed && whole)
            }
            Now::File { index, begin, at } => {
                let (name, clip) = &files.0[index];
                let whole = at >= clip.samples().len();
                (Understood::Is(Sound::File(name.clone())), begin, begin + at as Place, whole)
            }
            Now::Other(mut other) => {
                other.keep();
                (Understood::Other(other.best.into()), other.from, other.until, true)
            }
        };
        Some(Found { sound, from, until, whole })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: Law = Law::A;

    fn speech(text: &str) -> Sound {
        Sound::Speech(text.to_owned())
    }

    fn codes(samples: &[i16]) -> Vec<u8> {
        samples.iter().map(|sample| LAW.encode(*sample)).collect()
    }

    fn tone(hz: f64, count: usize) -> Vec<i16> {
        let step = std::f64::consts::TAU * hz / 8000.0;
        (0..count).map(|n| ((step * n as f64).sin() * 8000.0) as i16).collect()
    }

    /// In packets of 20 ms, without those of `lost`.
    fn listen(files: Files, samples: &[i16], lost: &[usize]) -> Vec<Found> {
        let mut recogniser = Recogniser::new(LAW, Arc::new(files));
        for (n, packet) in codes(samples).chunks(CODE).enumerate().filter(|(n, _)| !lost.contains(n)) {
            recogniser.hear((n * CODE) as Place, LAW, packet);
        }
        recogniser.found()
    }

    fn found(sound: Sound, from: Place, until: Place, whole: bool) -> Found {
        Found { sound: Understood::Is(sound), from, until, whole }
    }

    #[test]
    fn sentences_follow_each_other_wherever_packets_begin() {
        let samples = [vec![0; 100], voice::speak("Oui."), voice::speak("Non !")].concat();
        let expected = [found(speech("Oui."), 100, 2020, true), found(speech("Non !"), 2020, 4420, true)];
        assert_eq!(listen(Files::default(), &samples, &[]), expected);
    }

    #[test]
    fn a_sentence_that_is_cut_off_is_heard_up_to_there() {
        let samples = [&voice::speak("Bonjour")[..CELL * 3], &[0; 800], &voice::speak("Bonjour")].concat();
        let expected = [found(speech("Bon"), 0, 1440, false), found(speech("Bonjour"), 2240, 5600, true)];
        assert_eq!(listen(Files::default(), &samples, &[]), expected);
    }

    #[test]
    fn lost_packets_cost_a_character_only_when_all_three_are_lost() {
        let samples = voice::speak("Bonjour");
        let whole = [found(speech("Bonjour"), 0, 3360, true)];
        assert_eq!(listen(Files::default(), &samples, &[0, 1, 5, 6, 19, 20]), whole);
        let holed = [found(speech("Bo\u{fffd}jour"), 0, 3360, true)];
        assert_eq!(listen(Files::default(), &samples, &[6, 7, 8]), holed);
    }

    #[test]
    fn tones_and_noise_are_told_by_their_pitch() {
        let noise = (0..1600_i64).map(|n| (n * n * 7919 % 16_001 - 8000) as i16).collect();
        let samples = [tone(440.0, 4000), vec![0; 4000], noise].concat();
        let heard = listen(Files::default(), &samples, &[]);
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert_eq!(heard[0].sound(), Sound::Tone(vec![440]));
        assert!(heard[0].from <= 2 && (3990..=4000).contains(&heard[0].until), "{heard:?}");
        assert_eq!(heard[1].sound(), Sound::Noise);
    }

    #[test]
    fn lost_packets_do_not_split_a_tone() {
        let heard = listen(Files::default(), &tone(440.0, 4000), &[2, 5, 6]);
        assert_eq!(heard.iter().map(Found::sound).collect::<Vec<_>>(), [Sound::Tone(vec![440])]);
    }

    #[test]
    fn a_sentence_without_its_beginning_is_one_and_not_whole() {
        let samples = voice::speak("Bonjour");
        let heard = listen(Files::default(), &samples, &[0, 1, 2, 3]);
        assert_eq!(heard, [found(speech("onjour"), 480, 3360, false)]);
    }

    #[test]
    fn a_file_is_known_by_its_samples_and_heard_to_its_end_or_not() {
        let pause = [tone(300.0, 1000), vec![0; 1000], tone(500.0, 1000)].concat();
        let clip = Arc::new(Clip::from_samples(8000, &[vec![0; 50], pause].concat()));
        let mut files = Files::default();
        files.add("jingle.wav", &clip);
        let samples = [vec![0; 170], clip.samples().to_vec(), clip.samples()[..2500].to_vec()].concat();
        let jingle = || Sound::File("jingle.wav".to_owned());
        let expected = [found(jingle(), 170, 3220, true), found(jingle(), 3220, 5720, false)];
        assert_eq!(listen(files, &samples, &[]), expected);
    }
}
