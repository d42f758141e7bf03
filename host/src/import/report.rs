//! What an import says: what came over, what changed on the way, what stayed behind, and what was
//! wrong before.

use std::{collections::BTreeSet, fmt, sync::Arc};

/// A line of a file that was read; line 0: the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// As the operator would name it.
    pub file: Arc<str>,
    /// From 1.
    pub line: usize,
}

impl Place {
    /// The file as a whole.
    pub fn file(file: impl Into<Arc<str>>) -> Place {
        Place { file: file.into(), line: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// What became of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It is there, and does what it did.
    Carried,
    /// It is there, and does something else.
    Changed,
    /// It is not there.
    NotCarried,
    /// It was wrong already.
    Defect,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Carried, Kind::Changed, Kind::NotCarried, Kind::Defect];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Carried => "carried",
            Kind::Changed => "changed",
            Kind::NotCarried => "not carried",
            Kind::Defect => "defect",
        })
    }
}

/// One sentence of a report. `extensions.conf:9: defect: ...`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// What became of it.
    pub kind: Kind,
    /// Where it stands.
    pub place: Place,
    /// The sentence.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.kind, self.text)
    }
}

/// All notes, each once, by kind and place.
#[derive(Clone, Debug, Default)]
pub struct Report {
    notes: BTreeSet<Note>,
}

impl Report {
    /// A thing came over as it was.
    pub fn carried(&mut self, place: &Place, text: impl Into<String>) {
        self.add(Kind::Carried, place, text.into());
    }

    /// A thing came over, and does something else.
    pub fn changed(&mut self, place: &Place, text: impl Into<String>) {
        self.add(Kind::Changed, place, text.into());
    }

    /// A thing stayed behind.
    pub fn not_carried(&mut self, place: &Place, text: impl Into<String>) {
        self.add(Kind::NotCarried, place, text.into());
    }

    /// A thing was wrong already.
    pub fn defect(&mut self, place: &Place, text: impl Into<String>) {
        self.add(Kind::Defect, place, text.into());
    }

    fn add(&mut self, kind: Kind, place: &Place, text: String) {
        self.notes.insert(Note { kind, place: place.clone(), text });
    }

    /// By kind and place.
    pub fn notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter()
    }

    /// `12 carried, 3 changed, 1 not carried, 4 defects`
    pub fn summary(&self) -> String {
        let count = |kind: Kind| {
            let number = self.notes.iter().filter(|note| note.kind == kind).count();
            let plural = if kind == Kind::Defect && number != 1 { "s" } else { "" };
            format!("{number} {kind}{plural}")
        };
        Kind::ALL.map(count).join(", ")
    }
}

/// One note a line, a blank line between kinds.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = None;
        for note in &self.notes {
            if last.is_some_and(|last| last != note.kind) {
                writeln!(f)?;
            }
            writeln!(f, "{note}")?;
            last = Some(note.kind);
        }
        Ok(())
    }
}
