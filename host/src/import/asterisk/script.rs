//! Shell scripts that write call files from a list: the call file in them, and the list.

use std::collections::BTreeMap;

use super::{
    call_file::{self, CallFile},
    file::{Folder, shortened},
};
use crate::import::report::{Place, Report};

/// A script that writes call files.
#[derive(Clone, Debug)]
pub struct Script {
    /// What it writes, with its variables in it.
    pub template: CallFile,
    /// The CSV file that it reads, if one is there: its path in the folder.
    pub list: Option<String>,
}

/// Reads a script; None: it writes no call file.
pub fn read(folder: &Folder, file: &str, report: &mut Report) -> Option<Script> {
    let (name, text) = folder.read(file, report)?;
    let lines: Vec<&str> = text.lines().collect();
    let place = |index: usize| Place { file: name.clone(), line: index + 1 };
    let variables = assignments(&lines);
    let (start, end) = document(&lines)?;
    let known: Vec<String> = lines[start..end].iter().map(|line| substituted(line, &variables)).collect();
    let numbered = known.iter().enumerate().map(|(index, line)| (start + index + 1, line.as_str()));
    let template = call_file::parse(&place(start), numbered, report)?;

    let list = variables.values().find(|value| value.to_ascii_lowercase().ends_with(".csv")).cloned();
    let found = list.as_ref().filter(|list| folder.path(list).is_some_and(|path| path.is_file()));
    if let Some(missing) = list.as_ref().filter(|_| found.is_none()) {
        let text =
            format!("the list `{}` is not there: start the campaign with it later", shortened(missing));
        report.not_carried(&place(start), text);
    }
    dangers(&lines, &place, report);
    Some(Script { list: found.cloned(), template })
}

/// The first here-document with a channel in it: its first line, and the one after its last.
fn document(lines: &[&str]) -> Option<(usize, usize)> {
    let heads = lines.iter().enumerate().filter_map(|(index, line)| {
        let word = line.split_once("<<")?.1.trim_start_matches('-').trim_start();
        let word = word.split(|c: char| c.is_whitespace() || matches!(c, ';' | '>' | '|' | '&')).next()?;
        let word = word.trim_matches(['"', '\'', '\\']);
        (!word.is_empty()).then_some((index + 1, word))
    });
    heads.into_iter().find_map(|(start, word)| {
        let length = lines[start..].iter().position(|line| line.trim() == word)?;
        let is_channel = |line: &str| {
            line.split_once(':').is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case("channel"))
        };
        lines[start..start + length].iter().any(|line| is_channel(line)).then_some((start, start + length))
    })
}

/// `NAME="value"`, where the value is plain.
fn assignments(lines: &[&str]) -> BTreeMap<String, String> {
    let plain = lines.iter().filter_map(|line| {
        let (name, value) = line.trim().split_once('=')?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let value = value.trim().trim_matches(['"', '\'']);
        (is_name && !value.contains(['$', '`'])).then(|| (name.to_owned(), value.to_owned()))
    });
    plain.collect()
}

/// `$NAME` and `${NAME}` replaced where they are known.
fn substituted(line: &str, variables: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('$') {
        text += &rest[..at];
        let after = &rest[at + 1..];
        let (name, end) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match variables.get(name) {
            Some(value) => text += value,
            None => text += &rest[at..at + 1 + end],
        }
        rest = &after[end..];
    }
    text + rest
}

/// What such scripts do wrong.
fn dangers(lines: &[&str], place: &dyn Fn(usize) -> Place, report: &mut Report) {
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut defect = |text: &str| report.defect(&place(index), text);
        if words.first() == Some(&"chmod") && words.iter().any(|word| word.contains("777")) {
            defect("call files that everybody may write: everybody on this host can place calls");
        }
        if line.contains("IFS=,") && line.contains("read") {
            defect(
                "the list is cut at each comma: quotes, further columns and Windows' line ends go into the \
                 numbers, and a last line without an end is lost; here it is read as CSV",
            );
        }
        if line.starts_with("tail ") && line.contains("+2") {
            defect(
                "the first line is skipped whatever it is: a list without a header loses a contact; here it \
                    is refused",
            );
        }
        if line.contains("/tmp/") && line.contains('$') {
            defect(
                "a file's name is made of the list: a number that comes twice overwrites the first, and `../` \
                    leads elsewhere",
            );
        }
        if words.first() == Some(&"mv") {
            defect(
                "the whole list is called at once, whatever becomes of it, and success is told though nothing was \
                 written; here calls are paced, and each contact has its result",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn script(text: &str, list: bool) -> (Option<Script>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s.sh"), text).unwrap();
        if list {
            fs::write(folder.path().join("c.csv"), "NAME,NUMBER\n").unwrap();
        }
        let mut report = Report::default();
        let script = read(&Folder::new(folder.path()), "s.sh", &mut report);
        let root = format!("{}/", folder.path().display());
        (script, report.notes().map(|note| note.to_string().replace(&root, "")).collect())
    }

    #[test]
    fn the_call_file_is_in_a_here_document() {
        let text = "#!/bin/sh\nLIST='c.csv'\nID=9000\ncat <<X\nhello\nX\ncat <<-\"EOF\" > f\nChannel: PJSIP/$NUMBER@t\n\
                    CallerID: <${ID}>\nContext: c\nEOF\nmv f /spool\n";
        let (found, notes) = script(text, true);
        let found = found.unwrap();
        assert_eq!(
            (found.template.channel.0.as_str(), found.template.channel.1.line),
            ("PJSIP/$NUMBER@t", 8)
        );
        assert_eq!(found.template.policy.caller_id.as_deref(), Some("<9000>"));
        assert_eq!(found.list.as_deref(), Some("c.csv"));
        assert_eq!(notes.len(), 1, "{notes:?}");
        let (found, notes) = script(text, false);
        assert_eq!((found.unwrap().list, notes.len()), (None, 2), "{notes:?}");
    }

    #[test]
    fn other_scripts_are_left_alone() {
        for text in
            ["", "echo", "cat <<EOF\nChannel: x\n", "cat <<EOF\nhello\nEOF\n", "cat <<", "a=$((1<<2))\n"]
        {
            let (found, notes) = script(text, false);
            assert!(found.is_none() && notes.is_empty(), "{text}: {notes:?}");
        }
    }
}
