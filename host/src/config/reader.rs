//! From TOML tables to sections: collects the errors of all of them instead of ending at the first.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

use super::{
    problem::{Problem, did_you_mean},
    source::Source,
};

pub(crate) struct Reader<'s, 'a> {
    source: &'s Source<'a>,
    problems: Vec<Problem>,
    /// Sections that are known, so that what is left over is not.
    asked: BTreeSet<&'static str>,
    /// Sections with an error inside: what they define is not known in full.
    broken: BTreeSet<&'static str>,
}

impl<'s, 'a> Reader<'s, 'a> {
    pub(crate) fn new(source: &'s Source<'a>) -> Self {
        Reader { source, problems: Vec::new(), asked: BTreeSet::new(), broken: BTreeSet::new() }
    }

    /// `[name]`, or its defaults.
    pub(crate) fn section<T: DeserializeOwned + Default>(&mut self, name: &'static str) -> T {
        self.asked.insert(name);
        let Some(value) = self.source.table().get(name) else { return T::default() };
        match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(section) => section,
            Err(error) => {
                self.add(name, &error);
                T::default()
            }
        }
    }

    /// `[name.*]`: each entry alone, so that each can have its error.
    pub(crate) fn entries<T: DeserializeOwned>(&mut self, name: &'static str) -> BTreeMap<String, T> {
        self.asked.insert(name);
        let Some(value) = self.source.table().get(name) else { return BTreeMap::new() };
        let DeValue::Table(table) = value.get_ref() else {
            let help = format!("write `[{name}.NAME]` above its keys");
            self.problems.push(self.source.problem(value.span(), format!("`{name}` is not a table"), help));
            return BTreeMap::new();
        };
        self.read_entries(name, table)
    }

    fn read_entries<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        table: &DeTable<'a>,
    ) -> BTreeMap<String, T> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            match T::deserialize(ValueDeserializer::from(value.clone())) {
                Ok(entry) => {
                    entries.insert(key.get_ref().to_string(), entry);
                }
                Err(error) => self.add(name, &error),
            }
        }
        entries
    }

    /// Whether a section could not be read in full.
    pub(crate) fn is_broken(&self, name: &str) -> bool {
        self.broken.contains(name)
    }

    /// Call it when every section has been asked for.
    pub(crate) fn into_problems(mut self) -> Vec<Problem> {
        for key in self.source.table().keys() {
            let name = key.get_ref().as_ref();
            if !self.asked.contains(name) {
                let what = format!("unknown section `{name}`");
                self.problems.push(self.source.problem(
                    key.span(),
                    what,
                    suggestion(name, self.asked.iter().copied()),
                ));
            }
        }
        self.problems
    }

    fn add(&mut self, section: &'static str, error: &Error) {
        self.broken.insert(section);
        let span = error.span().unwrap_or(0..0);
        let (message, help) = plain(error.message());
        self.problems.push(self.source.problem(span, message, help));
    }
}

/// Our own errors are `what; help`; serde's are put into the words of this file.
fn plain(message: &str) -> (String, String) {
    let words: Vec<&str> = message.split('`').collect();
    match words.as_slice() {
        ["unknown field ", key, _, rest @ ..] => {
            (format!("unknown key `{key}`"), suggestion(key, rest.iter().copied().step_by(2)))
        }
        ["unknown variant ", value, _, rest @ ..] => {
            (format!("`{value}` is not possible here"), suggestion(value, rest.iter().copied().step_by(2)))
        }
        ["invalid type: integer ", number, ", expected a string"] => {
            ("text is expected here, not a bare number".to_owned(), format!("write \"{number}\""))
        }
        ["missing field ", key, ..] => (format!("the key `{key}` is missing"), format!("add `{key} = ...`")),
        _ => match message.split_once("; ") {
            Some((what, help)) => (what.to_owned(), help.to_owned()),
            None => (message.to_owned(), String::new()),
        },
    }
}

fn suggestion<'w>(word: &str, candidates: impl Iterator<Item = &'w str> + Clone) -> String {
    let near = did_you_mean(word, candidates.clone());
    let all = || candidates.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if near.is_empty() { format!("expected one of {}", all()) } else { near }
}
