//! A TOML text that knows where each of its values stands.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems};

/// A place in a text; line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// A parsed file.
pub(crate) struct Source<'a> {
    file: PathBuf,
    text: &'a str,
    table: DeTable<'a>,
}

impl<'a> Source<'a> {
    /// The only errors are those of the TOML syntax.
    pub(crate) fn parse(file: &Path, text: &'a str) -> Result<Source<'a>, Problems> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let source = Source { file: file.to_owned(), text, table: table.into_inner() };
        if errors.is_empty() {
            return Ok(source);
        }
        let problems = errors
            .into_iter()
            .map(|error| source.problem(error.span().unwrap_or(0..0), error.message(), "this is not TOML"))
            .collect();
        Err(Problems(problems))
    }

    pub(crate) fn table(&self) -> &DeTable<'a> {
        &self.table
    }

    pub(crate) fn problem(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        let Position { line, column } = position(self.text, span.start);
        Problem { file: self.file.clone(), line, column, message: message.into(), help: help.into() }
    }

    /// A problem with the value at that path of keys, or with the nearest table that exists.
    pub(crate) fn problem_at(
        &self,
        path: &[&str],
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Problem {
        self.problem(find(&self.table, path).span, message, help)
    }

    /// The names below `[section]`.
    pub(crate) fn names(&self, section: &str) -> Vec<&str> {
        match self.table.get(section).map(|value| value.get_ref()) {
            Some(DeValue::Table(table)) => table.keys().map(|key| key.get_ref().as_ref()).collect(),
            _ => Vec::new(),
        }
    }
}

/// Where the value at `path` (keys, array indices as numbers) stands in a TOML text.
/// When it does not exist: where its nearest parent stands. None: not TOML.
pub fn locate(text: &str, path: &[&str]) -> Option<Position> {
    let table = DeTable::parse(text).ok()?;
    Some(position(text, find(table.get_ref(), path).span.start))
}

/// Where the operator or the author gave a plugin's setting.
///
/// `path` starts at the root of the settings. What `[plugins.NAME.config]` of the
/// `operator`'s file says overrides `[config]` of the plugin's own `manifest`; the
/// file that reaches deeper into the path is the one that gave the value.
pub fn locate_setting<'p>(
    operator: (&'p Path, &str),
    manifest: (&'p Path, &str),
    plugin: &str,
    path: &[&str],
) -> Option<(&'p Path, Position)> {
    let in_operator = [&["plugins", plugin, "config"], path].concat();
    let in_manifest = [&["config"], path].concat();
    let operator_table = DeTable::parse(operator.1).ok();
    let manifest_table = DeTable::parse(manifest.1).ok();
    let mine = operator_table.as_ref().map(|table| find(table.get_ref(), &in_operator));
    let theirs = manifest_table.as_ref().map(|table| find(table.get_ref(), &in_manifest));
    let mine = mine.filter(|found| found.depth > 3);
    let theirs_depth = theirs.as_ref().map_or(0, |found| found.depth + 2);
    match (mine, theirs) {
        (Some(found), _) if found.depth >= theirs_depth => {
            Some((operator.0, position(operator.1, found.span.start)))
        }
        (_, Some(found)) => Some((manifest.0, position(manifest.1, found.span.start))),
        _ => None,
    }
}

/// How far a path could be followed.
struct Found {
    span: Range<usize>,
    /// Keys that exist.
    depth: usize,
}

fn find(table: &DeTable<'_>, path: &[&str]) -> Found {
    let mut found = Found { span: 0..0, depth: 0 };
    let Some((first, rest)) = path.split_first() else { return found };
    let Some((key, value)) = table.get_key_value(*first) else { return found };
    let (mut key, mut value) = (Some(key.span()), value);
    let mut rest = rest.iter();
    loop {
        found.depth += 1;
        // The span of a `[table]` is its whole header; the key says it better.
        found.span = match (value.get_ref(), key) {
            (DeValue::Table(_), Some(key)) => key,
            _ => value.span(),
        };
        let Some(next) = rest.next() else { return found };
        (key, value) = match value.get_ref() {
            DeValue::Table(table) => match table.get_key_value(*next) {
                Some((key, value)) => (Some(key.span()), value),
                None => return found,
            },
            DeValue::Array(array) => match next.parse().ok().and_then(|index: usize| array.get(index)) {
                Some(value) => (None, value),
                None => return found,
            },
            _ => return found,
        };
    }
}

fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}
