//! Why a whole file is refused; nothing of it is imported then.

use super::{MAX_COLUMNS, MAX_FILE, MAX_ROWS};

/// A file that is no list of contacts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {fault}", place(file, fault))]
pub struct Refused {
    /// As the operator named it.
    pub file: String,
    /// The broken rule.
    pub fault: Fault,
}

/// The broken rule. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something that has rows of its own.
    #[error("this is no CSV: it is {0}; save the list as CSV (UTF-8) and import that file")]
    Binary(&'static str),
    /// Not a byte more.
    #[error("this is no CSV: it is empty; write the header NAME,NUMBER and a line for each contact")]
    Empty,
    /// A byte order mark of UTF-16.
    #[error(
        "this is no CSV that can be read here: it is UTF-16 text; save it as \"CSV UTF-8\", or convert it with \
         `iconv -f UTF-16 -t UTF-8 FILE > NEW.csv`"
    )]
    Utf16,
    /// Bytes that are no text.
    #[error(
        "this line is not UTF-8 text; save the file as \"CSV UTF-8\", or convert it with `iconv -f WINDOWS-1252 -t \
         UTF-8 FILE > NEW.csv`"
    )]
    NotUtf8 { line: u64 },
    /// The rest of the file would be one value.
    #[error(
        "a quote is opened here and closed nowhere; close it, or double it (\"\") where it belongs to the value"
    )]
    OpenQuote { line: u64 },
    /// RFC 4180 2.5.
    #[error("text follows a closing quote; put the whole value in quotes, and double (\"\") those within it")]
    AfterQuote { line: u64 },
    /// More than a launch can carry.
    #[error("more than {MAX_COLUMNS} columns")]
    Columns { line: u64 },
    /// The header is a contact.
    #[error("the first line is the header, but this one has the number {number}; write NAME,NUMBER above it")]
    NoHeader { line: u64, number: String },
    /// Nobody knows where the numbers are.
    #[error("no column holds the numbers ({columns}); name one of them NUMBER")]
    NoNumber { line: u64, columns: String },
    /// The numbers could be here or there.
    #[error("`{0}` and `{1}` could both hold the numbers; name the right one NUMBER", names.0, names.1)]
    TwoNumbers { line: u64, names: (String, String) },
    /// A plugin could not tell them apart.
    #[error("there are two columns `{name}`; rename one of them")]
    SameName { line: u64, name: String },
    /// More than fit.
    #[error("it has more than {MAX_ROWS} rows; divide it, and import the parts with --add")]
    Rows,
    /// More than fit.
    #[error("it is larger than {} MiB; divide it, and import the parts with --add", MAX_FILE >> 20)]
    Size,
    /// Every row was skipped.
    #[error("no row can be called{}", first.as_ref().map_or(String::new(), |why| format!("; the first: {why}")))]
    Nobody { first: Option<String> },
}

impl Fault {
    /// None: the file as a whole.
    fn line(&self) -> Option<u64> {
        match self {
            Fault::NotUtf8 { line }
            | Fault::OpenQuote { line }
            | Fault::AfterQuote { line }
            | Fault::Columns { line }
            | Fault::NoHeader { line, .. }
            | Fault::NoNumber { line, .. }
            | Fault::TwoNumbers { line, .. }
            | Fault::SameName { line, .. } => Some(*line),
            _ => None,
        }
    }
}

/// `contacts.csv:5`
fn place(file: &str, fault: &Fault) -> String {
    match fault.line() {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    }
}
