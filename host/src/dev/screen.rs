//! Lines for whoever watches: with the time and what they are about; coloured on a terminal only.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use jiff::{Timestamp, tz::TimeZone};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Build,
    Live,
    Cases,
    Call,
    Log,
    /// Something is wrong.
    Fault,
}

impl Tag {
    /// The word, and its colour.
    fn word(self) -> (&'static str, &'static str) {
        match self {
            Tag::Build => ("build", "36"),
            Tag::Live => ("live", "1;32"),
            Tag::Cases => ("cases", "35"),
            Tag::Call => ("call", "34"),
            Tag::Log => ("log", "2"),
            Tag::Fault => ("fault", "1;31"),
        }
    }
}

/// Standard output. Who reads it may be gone: then nobody minds.
pub(super) struct Screen {
    pub(super) colour: bool,
}

impl Screen {
    pub(super) fn new() -> Screen {
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Screen { colour: wanted && io::stdout().is_terminal() }
    }

    /// Each line of the text after the first is set in below it.
    pub(super) fn say(&self, tag: Tag, text: &str) {
        let (word, colour) = tag.word();
        let time = Timestamp::now().to_zoned_datetime(TimeZone::system()).strftime("%H:%M:%S").to_string();
        let (time, word) = (self.paint("2", &time), self.paint(colour, &format!("{word:<5}")));
        let text = text.trim_end().replace('\n', "\n                ");
        self.raw(&format!("{time}  {word} {text}"));
    }

    /// As it is, such as what a compiler prints.
    pub(super) fn raw(&self, text: &str) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
