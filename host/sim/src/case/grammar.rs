//! How each step and each given thing is written.

mod given;
mod phone;
mod then;

use std::time::Duration;

use jackfield_switch::Cause;

use super::{
    mistake::{Fault, did_you_mean},
    token::{Kind, Token},
};
pub(super) use given::{GIVEN, form_of, given};
pub(super) use phone::phone;
pub(super) use then::{operator, then};

/// Every way in which something is written, for who has written it otherwise.
type Forms = &'static [&'static str];

/// What a step is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Word(&'a str),
    Text(&'a str),
}

impl<'a> Piece<'a> {
    /// Where quotes make no difference.
    fn value(self) -> &'a str {
        match self {
            Piece::Word(value) | Piece::Text(value) => value,
        }
    }
}

fn pieces<'a>(tokens: &'a [Token<'_>]) -> Vec<Piece<'a>> {
    let piece = |token: &'a Token<'_>| match &token.kind {
        Kind::Word(word) => Some(Piece::Word(word)),
        Kind::Text(text) => Some(Piece::Text(text)),
        // Where a step ends.
        Kind::Comma | Kind::Semicolon => None,
    };
    tokens.iter().filter_map(piece).collect()
}

/// Takes `within 5 s` off the end of a step.
pub(super) fn within<'a, 't>(tokens: &'a [Token<'t>]) -> Result<(&'a [Token<'t>], Option<Duration>), Fault> {
    let is_within = |token: &Token<'_>| token.kind == Kind::Word("within");
    let Some(place) = tokens.iter().rposition(is_within).filter(|place| *place > 0) else {
        return Ok((tokens, None));
    };
    let limit = time(&pieces(&tokens[place + 1..]));
    let limit = limit
        .ok_or_else(|| Fault::new(tokens[place].column, "`within` needs a time", "write `within 5 s`"))?;
    Ok((&tokens[..place], Some(limit)))
}

/// `10 s`, `500 ms`, `1.5 min`, with or without the blank.
fn time(pieces: &[Piece<'_>]) -> Option<Duration> {
    let text: String = match pieces {
        [Piece::Word(one)] => (*one).to_owned(),
        [Piece::Word(number), Piece::Word(unit)] => format!("{number}{unit}"),
        _ => return None,
    };
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let seconds = match &text[unit..] {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let number: f64 = text[..unit].parse().ok()?;
    let time = Duration::try_from_secs_f64(number * seconds).ok()?;
    // Whole milliseconds, and no longer than anybody would wait.
    (time <= LONGEST).then(|| Duration::from_millis((number * seconds * 1000.0).round() as u64))
}

const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// The words for the causes of records.
const CAUSES: [(&str, Cause); 13] = [
    ("normal", Cause::Normal),
    ("busy", Cause::Busy),
    ("no-answer", Cause::NoAnswer),
    ("rejected", Cause::Rejected),
    ("cancelled", Cause::Cancelled),
    ("not-found", Cause::NotFound),
    ("unavailable", Cause::Unavailable),
    ("answered-elsewhere", Cause::AnsweredElsewhere),
    ("transferred", Cause::Transferred),
    ("media-timeout", Cause::MediaTimeout),
    ("network", Cause::Network),
    ("shutdown", Cause::Shutdown),
    ("other", Cause::Other),
];

pub(super) fn cause_word(cause: Cause) -> &'static str {
    CAUSES.iter().find(|(_, known)| *known == cause).map_or("interrupted", |(word, _)| word)
}

pub(super) fn is_number(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#'))
}

/// `alice and bob`
fn listed<'a>(pieces: &[Piece<'a>]) -> Option<Vec<&'a str>> {
    pieces
        .split(|piece| *piece == Piece::Word("and"))
        .map(|one| match one {
            [Piece::Word(name)] => Some(*name),
            _ => None,
        })
        .collect()
}

/// Nobody has this name.
fn nobody(tokens: &[Token<'_>], name: &str, names: &[&str]) -> Fault {
    let column = tokens.iter().find(|token| token.kind == Kind::Word(name)).map_or(1, |token| token.column);
    unknown_name(column, name, names)
}

pub(super) fn unknown_name(column: usize, name: &str, names: &[&str]) -> Fault {
    let help = did_you_mean(name, names.iter().copied()).unwrap_or_else(|| {
        let known = names.join(", ");
        format!(
            "there is {known}; a further one is made by `user: {name} 104` or `outside: {name} 0698765432`"
        )
    });
    Fault::new(column, format!("nobody is called \"{name}\""), help)
}

/// None of the forms fits: the nearest ones are the help.
fn unfit(who: &str, tokens: &[Token<'_>], forms: Forms) -> Fault {
    let Some(first) = tokens.first() else { return Fault::new(1, "a step is missing", "") };
    let Kind::Word(verb) = first.kind else {
        return Fault::new(
            first.column,
            format!("{who} does what with this text?"),
            format!("write `{}`", forms[0]),
        );
    };
    if verb.starts_with('#') {
        return Fault::new(first.column, "this is no step", "a comment has a line of its own");
    }
    let verb_of = |form: &'static str| form.split(' ').next().unwrap_or(form);
    let same: Vec<String> =
        forms.iter().filter(|form| verb_of(form) == verb).map(|form| format!("`{form}`")).collect();
    if !same.is_empty() {
        let message = format!("`{verb}` is not written like this");
        return Fault::new(first.column, message, format!("write {}", same.join(" or ")));
    }
    let help = did_you_mean(verb, forms.iter().map(|form| verb_of(form))).unwrap_or_else(|| {
        let mut verbs: Vec<&str> = forms.iter().map(|form| verb_of(form)).collect();
        verbs.dedup();
        format!("there is {}", verbs.join(", "))
    });
    Fault::new(first.column, format!("{who} cannot be followed by \"{verb}\""), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let time = |text: &str| {
            let words: Vec<_> = text.split(' ').map(Piece::Word).collect();
            super::time(&words)
        };
        assert_eq!(time("10 s"), Some(Duration::from_secs(10)));
        assert_eq!(time("1.5min"), Some(Duration::from_secs(90)));
        assert_eq!(time("20 ms"), Some(Duration::from_millis(20)));
        assert_eq!(time("2 h"), Some(Duration::from_secs(7200)));
        for wrong in ["10", "s", "1.2.3 s", "-1 s", "1e9 s", "10 sec", "10 s s", "99999999999999999999999 h"]
        {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_word_of_the_format_is_in_the_docs() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/testing.md"));
        let page = page.unwrap_or_else(|error| panic!("docs/testing.md: {error}"));
        let forms = [phone::FORMS, then::FORMS, then::OPERATOR].concat();
        let given = given::GIVEN.iter().map(|(_, form)| *form);
        let missing: Vec<_> =
            forms.into_iter().chain(given).filter(|form| !page.contains(&format!("`{form}`"))).collect();
        assert!(missing.is_empty(), "not in docs/testing.md: {missing:#?}");
        let causes: Vec<_> = CAUSES.iter().filter(|(word, _)| !page.contains(&format!("`{word}`"))).collect();
        assert!(causes.is_empty(), "not in docs/testing.md: {causes:?}");
    }
}
