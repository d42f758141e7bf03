//! The voice of the simulator: speech that an [ear](crate::Heard) can read back letter by letter.
//!
//! A character takes [`CHARACTER`], whichever it is, so that the length of a sentence is known. Its sound
//! is a code of 20 ms, sent three times: a mark that no other audio has, the place of the character in its
//! sentence, and the character itself in levels far enough apart to survive G.711 and its conversions. A
//! sentence that is cut off is heard up to there, and two lost packets of three do not hurt.

use std::time::Duration;

/// How long each character sounds.
pub const CHARACTER: Duration = Duration::from_millis(COPIES as u64 * 20);

/// Samples of one copy of a character's code: 20 ms at 8 kHz.
pub(crate) const CODE: usize = 160;
pub(crate) const COPIES: usize = 3;
/// Samples of one character.
pub(crate) const CELL: usize = CODE * COPIES;

/// Samples of the mark, and of each of the symbols that follow it.
const SYMBOL: usize = 20;
/// The mark: full swings from sample to sample. Tones, speech and our symbols are all softer or slower.
const SWING: i16 = 28_000;
const LEAST_SWING: i16 = 22_000;
/// Level of symbol 0, and from one to the next.
const LOWEST: i32 = -15_000;
const STEP: i32 = 2000;

const FIRST: u8 = 8;
const LAST: u8 = 4;

/// One copy of one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// It begins its sentence.
    pub(crate) first: bool,
    /// It ends its sentence.
    pub(crate) last: bool,
    /// 0 to 2.
    pub(crate) copy: usize,
    pub(crate) character: char,
}

/// A sentence as samples, 16 bits at 8 kHz.
///
/// ```
/// use jackfield_sim::voice;
///
/// let samples = voice::speak("Bonjour !");
/// assert_eq!(samples.len(), 9 * 480);
/// ```
pub fn speak(text: &str) -> Vec<i16> {
    let count = text.chars().count();
    let mut samples = Vec::with_capacity(count * CELL);
    for (place, character) in text.chars().enumerate() {
        for copy in 0..COPIES {
            encode(Code { first: place == 0, last: place + 1 == count, copy, character }, &mut samples);
        }
    }
    samples
}

/// How long a sentence takes.
pub fn length(text: &str) -> Duration {
    CHARACTER * text.chars().count() as u32
}

/// A sentence as a WAV file, for a prompt that is to be recognised.
pub fn wav(text: &str) -> Vec<u8> {
    jackfield_media::to_wav(&speak(text))
}

fn encode(code: Code, samples: &mut Vec<i16>) {
    samples.extend((0..SYMBOL).map(|n| if n % 2 == 0 { SWING } else { -SWING }));
    let place = if code.first { FIRST } else { 0 } | if code.last { LAST } else { 0 } | code.copy as u8;
    let character = u32::from(code.character);
    let nibbles = (0..6).rev().map(|n| (character >> (4 * n) & 15) as u8);
    for symbol in std::iter::once(place).chain(nibbles) {
        let level = LOWEST + STEP * i32::from(symbol);
        samples.extend([level as i16; SYMBOL]);
    }
}

/// Whether a code may begin here; fewer samples than a mark has are none.
pub(crate) fn is_mark(samples: &[i16]) -> bool {
    let swings = |(n, &sample): (usize, &i16)| match n % 2 {
        0 => sample > LEAST_SWING,
        _ => sample < -LEAST_SWING,
    };
    samples.len() >= SYMBOL && samples[..SYMBOL].iter().enumerate().all(swings)
}

/// Reads the code that begins here; needs [`CODE`] samples.
pub(crate) fn decode(samples: &[i16]) -> Option<Code> {
    if samples.len() < CODE || !is_mark(samples) {
        return None;
    }
    let mut symbols = samples[SYMBOL..CODE].chunks_exact(SYMBOL).map(symbol);
    let place = symbols.next()??;
    let character = symbols.try_fold(0, |character, symbol| Some(character << 4 | u32::from(symbol?)))?;
    Some(Code {
        first: place & FIRST != 0,
        last: place & LAST != 0,
        copy: usize::from(place & 3),
        character: char::from_u32(character)?,
    })
}

fn symbol(samples: &[i16]) -> Option<u8> {
    let mean = samples.iter().map(|sample| i32::from(*sample)).sum::<i32>() / samples.len() as i32;
    let above = mean - LOWEST + STEP / 2;
    let even = samples.iter().all(|sample| (i32::from(*sample) - mean).abs() < STEP / 2);
    u8::try_from(above.div_euclid(STEP)).ok().filter(|symbol| even && *symbol < 16)
}

#[cfg(test)]
mod tests {
    use jackfield_media::codec::{Law, convert};

    use super::*;

    const TEXT: &str = "Où est l'école ? 😀 0xffffff \u{10ffff}";

    fn read(samples: &[i16]) -> String {
        samples.chunks_exact(CELL).filter_map(decode).map(|code| code.character).collect()
    }

    #[test]
    fn every_character_survives_both_laws_and_the_way_from_one_to_the_other() {
        let spoken = speak(TEXT);
        for (from, to) in [(Law::A, Law::A), (Law::Mu, Law::Mu), (Law::A, Law::Mu), (Law::Mu, Law::A)] {
            let mut codes: Vec<u8> = spoken.iter().map(|sample| from.encode(*sample)).collect();
            convert(from, to, &mut codes);
            let heard: Vec<i16> = codes.iter().map(|code| to.decode(*code)).collect();
            assert_eq!(read(&heard), TEXT, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn each_code_knows_its_place() {
        let spoken = speak("ab");
        let codes: Vec<_> = spoken.chunks_exact(CODE).map(|code| decode(code).unwrap()).collect();
        assert_eq!(codes.len(), 6);
        assert!(codes[..3].iter().all(|code| code.first && !code.last && code.character == 'a'));
        assert!(codes[3..].iter().all(|code| !code.first && code.last && code.character == 'b'));
        assert_eq!(codes.iter().map(|code| code.copy).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn other_audio_has_no_mark() {
        let loud: Vec<i16> = (0..8000).map(|n| if n / 2 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        assert!(loud.windows(SYMBOL).all(|samples| !is_mark(samples)));
        let spoken = speak(TEXT);
        let marks = spoken.windows(SYMBOL).filter(|samples| is_mark(samples)).count();
        assert_eq!(marks, 3 * TEXT.chars().count());
        assert_eq!(decode(&spoken[..CODE - 1]), None);
    }
}
