//! Call files of `/var/spool/asterisk/outgoing`: one call each.

use std::{collections::BTreeMap, time::Duration};

use super::file::shortened;
use crate::import::report::{Place, Report};

/// A whole call file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFile {
    /// Its first line.
    pub place: Place,
    /// Whom it calls, as for Dial, with the line.
    pub channel: (String, Place),
    /// Who is called gets this.
    pub policy: Policy,
    /// `Set: NAME=VALUE`
    pub variables: BTreeMap<String, String>,
}

/// What call files that belong together have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Policy {
    /// `"Name" <number>`
    pub caller_id: Option<String>,
    /// After the first attempt.
    pub retries: u32,
    /// From start to start.
    pub retry_time: Duration,
    /// How long it rings.
    pub wait_time: Duration,
    /// What an answered call does.
    pub then: Then,
}

/// What an answered call does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Then {
    /// Comes into the dialplan.
    Dialplan {
        /// The context.
        context: String,
        /// `s` unless said.
        exten: String,
        /// A number or a label.
        priority: String,
    },
    /// One application alone.
    Application {
        /// Its name.
        name: String,
        /// Its arguments.
        data: String,
    },
}

/// Reads lines, each with its number. None: it calls nobody, or nothing follows the answer.
pub fn parse<'a>(
    file: &Place,
    lines: impl IntoIterator<Item = (usize, &'a str)>,
    report: &mut Report,
) -> Option<CallFile> {
    let mut reader = Reader { report, values: BTreeMap::new(), variables: BTreeMap::new() };
    let mut first = None;
    for (line, text) in lines {
        let place = Place { file: file.file.clone(), line };
        first.get_or_insert_with(|| place.clone());
        reader.line(&place, uncommented(text).trim());
    }
    reader.finish(&first.unwrap_or_else(|| file.clone()))
}

struct Reader<'a> {
    report: &'a mut Report,
    /// By name in small letters.
    values: BTreeMap<String, (String, Place)>,
    variables: BTreeMap<String, String>,
}

impl Reader<'_> {
    fn line(&mut self, place: &Place, line: &str) {
        if line.is_empty() {
            return;
        }
        let Some((name, value)) = line.split_once(':') else {
            let text = format!("`{}` is nothing that a call file has: write NAME: VALUE", shortened(line));
            self.report.defect(place, text);
            return;
        };
        let (name, value) = (name.trim(), value.trim().to_owned());
        match name.to_ascii_lowercase().as_str() {
            known @ ("channel" | "callerid" | "maxretries" | "retrytime" | "waittime" | "context"
            | "extension" | "priority" | "application" | "data") => {
                if self.values.insert(known.to_owned(), (value, place.clone())).is_some() {
                    self.report.defect(place, format!("{name} stands here twice: the last one counts"));
                }
            }
            "set" | "setvar" => match value.split_once('=') {
                Some((name, value)) => {
                    let name = name.trim().trim_start_matches('_').to_owned();
                    self.variables.insert(name, value.trim().to_owned());
                }
                None => self.report.defect(place, format!("{name} gives no value: write NAME=VALUE")),
            },
            "archive" | "alwaysdelete" | "startretry" | "endretry" | "delayedretry" => {}
            "account" | "codecs" | "early_media" => {
                self.report.not_carried(place, format!("{name}: {}", shortened(&value)));
            }
            _ => self.report.defect(place, format!("a call file has no `{}`", shortened(name))),
        }
    }

    fn finish(mut self, place: &Place) -> Option<CallFile> {
        let retries = self.number("maxretries", 0);
        let retry_time = Duration::from_secs(self.number("retrytime", 300).into());
        let wait_time = Duration::from_secs(self.number("waittime", 45).max(1).into());
        let Some(channel) = self.values.remove("channel").filter(|(channel, _)| !channel.is_empty()) else {
            self.report.defect(place, "the call file has no Channel: it calls nobody");
            return None;
        };
        let caller_id = self.text("callerid");
        let then = match (self.text("application"), self.text("context")) {
            (Some(name), _) => Then::Application { name, data: self.text("data").unwrap_or_default() },
            (None, Some(context)) => {
                let exten = self.text("extension").unwrap_or_else(|| "s".to_owned());
                let priority = self.text("priority").unwrap_or_else(|| "1".to_owned());
                Then::Dialplan { context, exten, priority }
            }
            (None, None) => {
                let text = "the call file has neither Context nor Application: who answers hears nothing";
                self.report.defect(place, text);
                return None;
            }
        };
        let policy = Policy { caller_id, retries, retry_time, wait_time, then };
        Some(CallFile { place: place.clone(), channel, policy, variables: self.variables })
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.values.remove(name).map(|(value, _)| value).filter(|value| !value.is_empty())
    }

    fn number(&mut self, name: &str, usual: u32) -> u32 {
        let Some((value, place)) = self.values.remove(name) else { return usual };
        value.parse().unwrap_or_else(|_| {
            let text = format!("`{}` is no number: {usual} is taken", shortened(&value));
            self.report.defect(&place, text);
            usual
        })
    }
}

/// `#` and `;` begin a comment at the beginning of a line and after space; `\;` is a semicolon.
fn uncommented(line: &str) -> String {
    let mut text = String::new();
    let mut last = ' ';
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&';') => text.extend(chars.next()),
            ';' => break,
            '#' if last.is_whitespace() => break,
            _ => text.push(c),
        }
        last = c;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<CallFile>, Vec<String>) {
        let mut report = Report::default();
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let file = parse(&Place::file("c"), lines, &mut report);
        (file, report.notes().map(ToString::to_string).collect())
    }

    #[test]
    fn a_call_file_is_read_with_what_it_does_not_say() {
        let (file, notes) = read(
            "# a comment\nChannel: PJSIP/101 ; alice\nCallerID: \"A\\; B\" <9000>\nMaxRetries: 2\nRetryTime: 60\n\
             WaitTime: 30\nContext: auto_calls\nset: A=b=c\nSetVar: __D = e#1\nArchive: yes\n",
        );
        let file = file.unwrap();
        assert_eq!((file.channel.0.as_str(), file.channel.1.line, file.place.line), ("PJSIP/101", 2, 1));
        assert_eq!(file.policy.caller_id.as_deref(), Some("\"A; B\" <9000>"));
        let seconds = Duration::from_secs;
        let Policy { retries, retry_time, wait_time, then, .. } = file.policy;
        assert_eq!((retries, retry_time, wait_time), (2, seconds(60), seconds(30)));
        let (exten, priority) = ("s".to_owned(), "1".to_owned());
        assert_eq!(then, Then::Dialplan { context: "auto_calls".to_owned(), exten, priority });
        let variables: Vec<_> =
            file.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(variables, ["A=b=c", "D=e#1"]);
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn asterisks_own_times_are_those_that_are_not_said() {
        let (file, _) = read("Channel: PJSIP/101\nApplication: Playback\nData: hello\n");
        let policy = file.unwrap().policy;
        assert_eq!((policy.retries, policy.retry_time.as_secs(), policy.wait_time.as_secs()), (0, 300, 45));
    }

    #[test]
    fn what_is_wrong_has_its_line() {
        let (file, notes) = read("Chanel: x\nnothing\nWaitTime: soon\nAccount: me\nSet: A\nContext: c\n");
        assert_eq!(file, None);
        assert_eq!(
            notes,
            [
                "c:4: not carried: Account: me",
                "c:1: defect: a call file has no `Chanel`",
                "c:1: defect: the call file has no Channel: it calls nobody",
                "c:2: defect: `nothing` is nothing that a call file has: write NAME: VALUE",
                "c:3: defect: `soon` is no number: 45 is taken",
                "c:5: defect: Set gives no value: write NAME=VALUE",
            ]
        );
        let (file, notes) = read("Channel: PJSIP/1\n");
        assert_eq!((file, notes.len()), (None, 1), "{notes:?}");
    }
}
