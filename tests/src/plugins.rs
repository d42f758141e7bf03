//! What `jackfield plugins` says.

use std::time::Duration;

use crate::{Exchange, await_within};

const STATES: [&str; 4] = ["live", "draining", "failing", "failed"];
/// How the lines begin that are no refusal.
const NOTES: [&str; 3] = ["rolled back", "what was live before", "its newest files wait"];

/// One version of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its key in `jackfield.toml`.
    pub name: String,
    /// "1.0.0 v3": of the manifest, where there is one, and of the load.
    pub version: String,
    /// `live`, `draining`, `failing` or `failed`.
    pub state: String,
    /// The beginning of the file's hash.
    pub sha256: String,
    /// When it went live, in local time.
    pub since: String,
    /// Instances that run.
    pub calls: u32,
    /// Why the newest files were refused, or nothing.
    pub refused: String,
    /// What else is said of it.
    pub notes: String,
}

impl Line {
    /// About the state, since the version may be missing.
    fn parse(text: &str) -> Option<Line> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let place = words.iter().position(|word| STATES.contains(word))?;
        let ([name, version @ ..], [state, sha256, since @ .., calls]) = words.split_at(place) else {
            return None;
        };
        Some(Line {
            name: (*name).to_owned(),
            version: version.join(" "),
            state: (*state).to_owned(),
            sha256: (*sha256).to_owned(),
            since: since.join(" "),
            calls: calls.parse().ok()?,
            refused: String::new(),
            notes: String::new(),
        })
    }

    /// What is set in below it belongs to it.
    fn add(&mut self, text: &str) {
        let is_note = NOTES.iter().any(|note| text.trim_start().starts_with(note));
        let what = if is_note { &mut self.notes } else { &mut self.refused };
        what.push_str(text);
    }
}

impl Exchange {
    /// The versions of that plugin: the one that new calls get, then those that drain.
    #[track_caller]
    pub fn versions(&self, plugin: &str) -> Vec<Line> {
        let table = self.operator(&["plugins"]);
        let mut lines: Vec<Line> = Vec::new();
        for text in table.lines().skip(1) {
            match lines.last_mut() {
                Some(line) if text.starts_with(' ') => line.add(text),
                _ => lines
                    .push(Line::parse(text).unwrap_or_else(|| panic!("no version: {text:?} in\n{table}"))),
            }
        }
        lines.retain(|line| line.name == plugin);
        lines
    }

    /// What new calls of that plugin get.
    #[track_caller]
    pub fn plugin(&self, name: &str) -> Line {
        let first = self.versions(name).into_iter().next();
        first.unwrap_or_else(|| panic!("no plugin {name}"))
    }

    /// Waits until new calls of that plugin get another version than `former`.
    #[track_caller]
    pub fn await_version_after(&self, former: &Line) -> Line {
        // It is compiled, on a machine that may be busy.
        await_within(
            Duration::from_secs(60),
            &format!("a version of {} after {}", former.name, former.version),
            || {
                Some(self.plugin(&former.name))
                    .filter(|line| line.version != former.version && line.state == "live")
            },
        )
    }

    /// Waits until the newest files of that plugin are refused with these words, perhaps by its cases.
    #[track_caller]
    pub fn await_refusal(&self, plugin: &str, words: &[&str]) -> Line {
        await_within(Duration::from_secs(120), &format!("a refusal of {plugin} with {words:?}"), || {
            Some(self.plugin(plugin)).filter(|line| words.iter().all(|word| line.refused.contains(word)))
        })
    }
}
