//! What is so before a case begins.

use std::{path::PathBuf, time::Duration};

use jackfield_switch::Pattern;
use jiff::{civil::DateTime, tz::TimeZone};

use super::{Piece, Piece::Text, Piece::Word, is_number, listed, pieces, time};
use crate::case::{
    mistake::Fault,
    script::{Given, Route, Target, Web},
    token::Token,
};

/// Each with an example.
pub(in crate::case) const GIVEN: [(&str, &str); 8] = [
    ("user", "user: alice 101"),
    ("outside", "outside: zoe 0698765432"),
    ("route", "route: 300 plugin menu fallback alice"),
    ("settings", "settings: menus.accueil.response-timeout = \"3s\""),
    ("time", "time: 2026-07-14 18:05"),
    ("value", "value: visits is 3"),
    ("web", "web: \"https://crm.example/\" answers \"{}\""),
    ("plugin", "plugin: ../message"),
];

/// One of the things that stand behind that word.
pub(in crate::case) fn given(what: &str, tokens: &[Token<'_>], column: usize) -> Result<Given, Fault> {
    let read = match (what, &pieces(tokens)[..]) {
        ("user", [Word(name), Word(number)]) if is_name(name) && is_number(number) => {
            Some(Given::User { name: (*name).to_owned(), number: (*number).to_owned() })
        }
        ("outside", [Word(name), Word(number)]) if is_name(name) && is_number(number) => {
            Some(Given::Outside { name: (*name).to_owned(), number: (*number).to_owned() })
        }
        ("route", [Word(pattern), rest @ ..]) => {
            Pattern::parse(pattern)
                .map_err(|error| Fault::new(column, format!("\"{pattern}\": {error}"), ""))?;
            route(pattern, rest).map(Given::Route)
        }
        ("time", [Word(date), Word(clock)]) => moment(date, clock, "UTC").map(Given::Time),
        ("time", [Word(date), Word(clock), Word(zone)]) => moment(date, clock, zone).map(Given::Time),
        ("value", [key, Word("is"), value]) => {
            Some(Given::Value { key: key.value().to_owned(), value: value.value().to_owned() })
        }
        ("web", [Text(address), rest @ ..]) => {
            web(rest).map(|answer| Given::Web(Web { address: (*address).to_owned(), answer }))
        }
        ("plugin", [folder]) => Some(Given::Plugin(PathBuf::from(folder.value()))),
        _ => None,
    };
    read.ok_or_else(|| {
        Fault::new(
            column,
            format!("`{what}:` is not written like this"),
            format!("write `{}`", form_of(what)),
        )
    })
}

/// How that is written.
pub(in crate::case) fn form_of(what: &str) -> &'static str {
    GIVEN.iter().find(|(word, _)| *word == what).map_or("", |(_, form)| form)
}

fn is_name(word: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !["then", "operator"].contains(&word)
        && word.starts_with(char::is_alphabetic)
        && word.chars().all(allowed)
}

fn route(pattern: &str, pieces: &[Piece<'_>]) -> Option<Route> {
    let options = pieces.iter().position(|piece| matches!(piece, Word("ring" | "fallback")));
    let (to, mut options) = pieces.split_at(options.unwrap_or(pieces.len()));
    let to = match to {
        [Word("plugin"), Word(name)] => Target::Plugin((*name).to_owned()),
        [Word("user"), names @ ..] => Target::Users(listed(names)?.into_iter().map(str::to_owned).collect()),
        _ => return None,
    };
    let mut route = Route { pattern: pattern.to_owned(), to, ring: None, fallback: None };
    loop {
        options = match options {
            [] => return Some(route),
            [Word("fallback"), Word(name), rest @ ..] => {
                route.fallback = Some((*name).to_owned());
                rest
            }
            [Word("ring"), rest @ ..] => {
                let end = rest.iter().position(|piece| *piece == Word("fallback")).unwrap_or(rest.len());
                route.ring = Some(time(&rest[..end])?);
                &rest[end..]
            }
            _ => return None,
        };
    }
}

fn moment(date: &str, clock: &str, zone: &str) -> Option<Duration> {
    let local: DateTime = format!("{date}T{clock}").parse().ok()?;
    let moment = TimeZone::get(zone).ok()?.to_timestamp(local).ok()?;
    Duration::try_from(moment.as_duration()).ok()
}

fn web(pieces: &[Piece<'_>]) -> Option<Option<(u16, String)>> {
    let status = |word: &str| word.parse().ok().filter(|status| (100..600).contains(status));
    match pieces {
        [Word("does"), Word("not"), Word("answer")] => Some(None),
        [Word("answers"), Text(body)] => Some(Some((200, (*body).to_owned()))),
        [Word("answers"), Word(code)] => Some(Some((status(code)?, String::new()))),
        [Word("answers"), Word(code), Text(body)] => Some(Some((status(code)?, (*body).to_owned()))),
        _ => None,
    }
}
