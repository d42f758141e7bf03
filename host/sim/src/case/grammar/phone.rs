//! What a phone does and what is expected of it.

use super::{CAUSES, Forms, Piece, Piece::Text, Piece::Word, is_number, nobody, pieces, time, unfit};
use crate::case::{
    mistake::{Fault, did_you_mean},
    script::{Does, Hears, What},
    token::Token,
};

pub(super) const FORMS: Forms = &[
    "calls",
    "calls 101",
    "is answered",
    "is refused",
    "is refused with 486",
    "is hung up on",
    "is hung up on with normal",
    "is busy",
    "is unreachable",
    "rings",
    "stops ringing",
    "answers",
    "answers after 2 s",
    "declines",
    "does not answer",
    "hears \"Bonjour\"",
    "hears exactly \"Bonjour !\"",
    "hears next \"Bonjour\"",
    "hears next exactly \"Bonjour !\"",
    "hears welcome.wav",
    "hears a tone",
    "hears a tone of 440 Hz",
    "hears a tone of 350 and 440 Hz",
    "hears keys 12#",
    "hears nothing for 5 s",
    "hears nothing else",
    "has not heard \"Bonjour\"",
    "talks with alice",
    "presses 1",
    "says \"Bonjour\"",
    "waits 5 s",
    "hangs up",
    "hangs up after 5 s",
];

const KEYS: &str = "0123456789*#ABCD";
const BUSY: u16 = 486;
const DECLINED: u16 = 603;

/// A step of that phone. `names` are those of all phones.
pub(in crate::case) fn phone(who: &str, tokens: &[Token<'_>], names: &[&str]) -> Result<Does, Fault> {
    let pieces = pieces(tokens);
    let does = match &pieces[..] {
        [Word("calls")] => Does::Call(None),
        [Word("calls"), Word(number)] if is_number(number) || names.contains(number) => {
            Does::Call(Some((*number).to_owned()))
        }
        [Word("calls"), Word(name)] => return Err(nobody(tokens, name, names)),
        [Word("answers")] => Does::Answer(None),
        [Word("answers"), Word("after"), rest @ ..] => Does::Answer(Some(timed(who, tokens, rest)?)),
        [Word("is"), Word("busy")] => Does::Reject(BUSY),
        [Word("declines")] => Does::Reject(DECLINED),
        [Word("does"), Word("not"), Word("answer")] => Does::LetRing,
        [Word("is"), Word("unreachable")] => Does::Unregister,
        [Word("presses"), Word(keys)] => Does::Press(keyed(tokens, keys)?),
        [Word("says"), Text(text)] => Does::Say((*text).to_owned()),
        [Word("hangs"), Word("up")] => Does::HangUp(None),
        [Word("hangs"), Word("up"), Word("after"), rest @ ..] => {
            Does::HangUp(Some(timed(who, tokens, rest)?))
        }
        [Word("waits"), rest @ ..] => Does::Wait(timed(who, tokens, rest)?),
        [Word("rings")] => Does::Rings,
        [Word("stops"), Word("ringing")] => Does::StopsRinging,
        [Word("is"), Word("answered")] => Does::IsAnswered,
        [Word("is"), Word("refused")] => Does::IsRefused(None),
        [Word("is"), Word("refused"), Word("with"), Word(status)] => {
            Does::IsRefused(Some(refusal(tokens, status)?))
        }
        [Word("is"), Word("hung"), Word("up"), Word("on")] => Does::IsHungUpOn(None),
        [Word("is"), Word("hung"), Word("up"), Word("on"), Word("with"), Word(cause)] => {
            let known = CAUSES.iter().find(|(word, _)| word == cause);
            let (_, cause) = known.ok_or_else(|| no_cause(tokens, cause))?;
            Does::IsHungUpOn(Some(*cause))
        }
        [Word("has"), Word("not"), Word("heard"), Text(text)] => Does::HasNotHeard((*text).to_owned()),
        [Word("talks"), Word("with"), Word(name)] if names.contains(name) && *name != who => {
            Does::TalksWith((*name).to_owned())
        }
        [Word("talks"), Word("with"), Word(name)] => return Err(nobody(tokens, name, names)),
        [Word("hears"), Word("nothing"), Word("else")] => Does::HearsNothingElse,
        [Word("hears"), Word("nothing"), Word("for"), rest @ ..] => {
            Does::HearsNothing(timed(who, tokens, rest)?)
        }
        [Word("hears"), rest @ ..] => Does::Hears(hears(who, tokens, rest)?),
        _ => return Err(unfit(who, tokens, FORMS)),
    };
    Ok(does)
}

fn hears(who: &str, tokens: &[Token<'_>], mut rest: &[Piece<'_>]) -> Result<Hears, Fault> {
    let mut flag = |name| {
        let found = rest.first() == Some(&Word(name));
        rest = &rest[usize::from(found)..];
        found
    };
    let (next, exactly) = (flag("next"), flag("exactly"));
    let what = match rest {
        [Text(text)] if !text.trim().is_empty() => What::Words((*text).to_owned()),
        [Word(name)] if name.ends_with(".wav") => What::File((*name).to_owned()),
        [Word("a"), Word("tone")] if !exactly => What::Tone(Vec::new()),
        [Word("a"), Word("tone"), Word("of"), hz @ .., Word("Hz")] if !exactly => {
            let tones = super::listed(hz).and_then(|all| all.iter().map(|hz| hz.parse().ok()).collect());
            What::Tone(tones.ok_or_else(|| unfit(who, tokens, FORMS))?)
        }
        [Word("key" | "keys"), Word(keys)] if !exactly => What::Keys(keyed(tokens, keys)?),
        [Word(word)] => {
            let help = format!("write `hears \"{word}\"`");
            return Err(Fault::new(
                tokens[tokens.len() - 1].column,
                "words that are heard stand in quotes",
                help,
            ));
        }
        _ => return Err(unfit(who, tokens, FORMS)),
    };
    Ok(Hears { what, exactly, next })
}

fn timed(who: &str, tokens: &[Token<'_>], rest: &[Piece<'_>]) -> Result<std::time::Duration, Fault> {
    if rest.is_empty() {
        return Err(unfit(who, tokens, FORMS));
    }
    let column = tokens[tokens.len() - rest.len()].column;
    time(rest)
        .ok_or_else(|| Fault::new(column, "this is no time", "write `5 s`, `500 ms`, `1.5 min` or `2 h`"))
}

fn keyed(tokens: &[Token<'_>], keys: &str) -> Result<String, Fault> {
    match keys.chars().find(|key| !KEYS.contains(*key)) {
        None => Ok(keys.to_owned()),
        Some(other) => {
            let column = tokens[tokens.len() - 1].column;
            let message = format!("a telephone has no key \"{other}\"");
            Err(Fault::new(column, message, "its keys are 0 to 9, * and #, and on some A to D"))
        }
    }
}

fn refusal(tokens: &[Token<'_>], status: &str) -> Result<u16, Fault> {
    let status = status.parse().ok().filter(|status| (300..700).contains(status));
    let column = tokens[tokens.len() - 1].column;
    status.ok_or_else(|| {
        Fault::new(column, "this is no status of a refusal", "write a SIP status of 300 to 699, such as 486")
    })
}

fn no_cause(tokens: &[Token<'_>], cause: &str) -> Fault {
    let words = CAUSES.map(|(word, _)| word);
    let help = did_you_mean(cause, words).unwrap_or_else(|| format!("there is {}", words.join(", ")));
    Fault::new(tokens[tokens.len() - 1].column, format!("\"{cause}\" is no cause of an end"), help)
}
