//! What of a plugin's settings its cases have used.

use std::{collections::BTreeSet, path::PathBuf};

use jackfield_plugin::Manifest;
use serde_json::Value;

use super::stage::Stage;
use crate::Sound;

/// What phones heard and plugins left in records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Sentences and files, to their ends.
    heard: BTreeSet<String>,
    results: BTreeSet<(String, String)>,
}

impl Seen {
    pub(super) fn of(stage: &Stage<'_>) -> Seen {
        let house = stage.world.0.borrow();
        let calls = house.phones.iter().flat_map(|phone| &phone.calls);
        let heard = calls.flat_map(|call| call.ear.heard()).filter(|heard| heard.whole);
        let heard = heard.filter_map(|heard| match heard.sound {
            Sound::Speech(text) | Sound::File(text) => Some(text),
            Sound::Tone(_) | Sound::Key(_) | Sound::Noise => None,
        });
        let results = house.exchange.records.iter().flat_map(|record| record.results.clone());
        Seen { heard: heard.collect(), results: results.collect() }
    }
}

/// The entries of a plugin's `[config]` that callers can tell apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// `plugin.toml`.
    pub manifest: PathBuf,
    /// Sentences in `prompts`, `greeting` and `say`, and names of audio files in `file`: used where a phone heard
    /// them to their ends.
    pub texts: Vec<Entry>,
    /// Entries K of a table `keys` in a table X: used where a record says that X is K.
    pub keys: Vec<Entry>,
}

/// An entry of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Keys and indices, from `[config]` on.
    pub path: Vec<String>,
    /// What stands there; of a key, nothing.
    pub text: String,
    /// Some case has used it.
    pub used: bool,
}

impl Coverage {
    pub(super) fn of(manifest: &Manifest, path: PathBuf, seen: &[&Seen]) -> Coverage {
        let mut coverage = Coverage { manifest: path, ..Coverage::default() };
        coverage.walk(&manifest.settings(&toml::Table::new()), &mut Vec::new(), seen);
        coverage
    }

    fn walk(&mut self, value: &Value, path: &mut Vec<String>, seen: &[&Seen]) {
        if let [.., name, keys, key] = &path[..]
            && keys == "keys"
        {
            let result = (name.clone(), key.clone());
            let used = seen.iter().any(|seen| seen.results.contains(&result));
            self.keys.push(Entry { path: path.clone(), text: String::new(), used });
        }
        let mut below = |key: String, value: &Value| {
            path.push(key);
            self.walk(value, path, seen);
            path.pop();
        };
        match value {
            Value::Object(table) => table.iter().for_each(|(key, value)| below(key.clone(), value)),
            Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| below(n.to_string(), value)),
            Value::String(text) if is_heard(path) => {
                let used = seen.iter().any(|seen| seen.heard.contains(text));
                self.texts.push(Entry { path: path.clone(), text: text.clone(), used });
            }
            _ => {}
        }
    }
}

/// Whether what stands there is spoken or played; in a list, the list's own key says so.
fn is_heard(path: &[String]) -> bool {
    let key = path.iter().rev().find(|key| key.parse::<usize>().is_err());
    key.is_some_and(|key| ["prompts", "greeting", "say", "file"].contains(&key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_files_and_keys_are_entries_and_other_words_are_not() {
        let manifest = "[plugin]\nname = \"m\"\nversion = \"1\"\nwit = \"0.1.0\"\ncomponent = \"m.wasm\"\nkind = [\"app\"]\n\
             [config.menus.a]\nprompts = [\"Un, deux ?\", { file = \"x.wav\" }]\ncaller-name = \"A B\"\non-timeout = \"repeat\"\n\
             keys.1 = { say = \"Au revoir.\" }\nkeys.2 = \"repeat\"\n";
        let manifest = Manifest::parse(manifest).unwrap();
        let heard = BTreeSet::from(["Un, deux ?".to_owned()]);
        let results = BTreeSet::from([("a".to_owned(), "2".to_owned())]);
        let seen = Seen { heard, results };
        let coverage = Coverage::of(&manifest, PathBuf::new(), &[&seen]);
        let told = |entries: &[Entry]| -> Vec<(String, bool)> {
            entries.iter().map(|entry| (entry.path.join("."), entry.used)).collect()
        };
        let texts =
            [("menus.a.keys.1.say", false), ("menus.a.prompts.0", true), ("menus.a.prompts.1.file", false)];
        assert_eq!(told(&coverage.texts), texts.map(|(path, used)| (path.to_owned(), used)));
        let keys = [("menus.a.keys.1", false), ("menus.a.keys.2", true)];
        assert_eq!(told(&coverage.keys), keys.map(|(path, used)| (path.to_owned(), used)));
    }
}
