//! What is wrong in a case file, where, and how to mend it.

use std::{fmt, path::PathBuf};

/// A place in a text; line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One fault, at its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// As it was named.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to write instead; may be empty.
    pub help: String,
}

/// `menu.case:12:9: error: a phone cannot "heers"; did you mean "hears"?`
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: error: {}", self.file.display(), self.place, self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// A fault in a line that is being read: where in it, what is wrong, what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) column: usize,
    pub(super) message: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn new(column: usize, message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { column, message: message.into(), help: help.into() }
    }
}

/// `did you mean "alice"?`, or nothing when no candidate is near.
pub(super) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let allowed = (word.chars().count() / 3).max(1);
    let near = candidates.into_iter().map(|known| (strsim::damerau_levenshtein(word, known), known));
    let (_, nearest) = near.filter(|(distance, _)| *distance <= allowed).min()?;
    Some(format!("did you mean \"{nearest}\"?"))
}
