//! The results of a campaign as CSV: one row for each contact.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use crate::{
    records::local,
    store::campaign::{Attempt, History},
};

/// Behind the columns of the file.
const COLUMNS: [&str; 12] = [
    "dialled",
    "outcome",
    "attempts",
    "first_attempt",
    "last_attempt",
    "answered",
    "talk_seconds",
    "cause",
    "code",
    "results",
    "file",
    "line",
];

/// The columns of the imported files in their order, then ours. Times are RFC 3339 in `zone`.
pub fn export(histories: &[History], zone: &TimeZone) -> Result<Vec<u8>, csv::Error> {
    let columns = columns(histories);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let ours = COLUMNS.iter().map(|name| free_name(name, &columns));
    writer.write_record(columns.iter().map(|column| (*column).to_owned()).chain(ours))?;
    for history in histories {
        let given = columns.iter().map(|column| {
            let found = history.fields.iter().find(|(name, _)| name == column);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        });
        writer.write_record(given.chain(results(history, zone)))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Of all files, each once.
fn columns(histories: &[History]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let names = histories.iter().flat_map(|history| &history.fields).map(|(name, _)| name.as_str());
    names.filter(|name| seen.insert(*name)).collect()
}

/// An export that is imported again has our columns already.
fn free_name(name: &str, taken: &[&str]) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(&name.as_str())).unwrap_or_default()
}

/// In the order of [`COLUMNS`].
fn results(history: &History, zone: &TimeZone) -> [String; COLUMNS.len()] {
    let attempts = &history.attempts;
    let (first, last) = (attempts.first(), attempts.last());
    let answered = attempts.iter().find(|attempt| attempt.answered_at.is_some());
    let time = |at: Option<u64>| at.map(|at| local(at, zone)).unwrap_or_default();
    let ended = last.filter(|attempt| attempt.ended_at.is_some());
    let results = attempts.iter().flat_map(|attempt| &attempt.results);
    [
        history.number.clone(),
        outcome(history).to_owned(),
        attempts.len().to_string(),
        time(first.map(|attempt| attempt.started_at)),
        time(last.map(|attempt| attempt.started_at)),
        time(answered.and_then(|attempt| attempt.answered_at)),
        answered.and_then(talk_seconds).map(|seconds| seconds.to_string()).unwrap_or_default(),
        ended.map(|attempt| attempt.cause.clone()).unwrap_or_default(),
        ended.filter(|attempt| attempt.code > 0).map(|attempt| attempt.code.to_string()).unwrap_or_default(),
        results.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("; "),
        history.file.clone(),
        history.line.to_string(),
    ]
}

/// The plugin's word, or where an unfinished contact stands.
fn outcome(history: &History) -> &str {
    match &history.outcome {
        Some(outcome) => outcome,
        None if history.attempts.iter().any(|attempt| attempt.ended_at.is_none()) => "calling",
        None => "waiting",
    }
}

/// From the answer to the end, rounded.
fn talk_seconds(attempt: &Attempt) -> Option<u64> {
    Some((attempt.ended_at?.saturating_sub(attempt.answered_at?) + 500) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(started_at: u64, answered_at: Option<u64>, cause: &str, code: u16) -> Attempt {
        let ended_at = Some(started_at + 20_400);
        Attempt { started_at, answered_at, ended_at, cause: cause.to_owned(), code, results: Vec::new() }
    }

    fn history(
        number: &str,
        fields: &[(&str, &str)],
        outcome: Option<&str>,
        attempts: Vec<Attempt>,
    ) -> History {
        History {
            number: number.to_owned(),
            name: String::new(),
            file: "a.csv".to_owned(),
            line: 2,
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            outcome: outcome.map(str::to_owned),
            attempts,
        }
    }

    fn rows(histories: &[History]) -> Vec<Vec<String>> {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let text = String::from_utf8(export(histories, &zone).unwrap()).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    #[test]
    fn a_row_tells_the_whole_story() {
        let mut talked = attempt(1_764_000_060_000, Some(1_764_000_065_000), "normal", 0);
        talked.results = vec![("digit".to_owned(), "1".to_owned()), ("note".to_owned(), "a, b".to_owned())];
        let attempts = vec![attempt(1_764_000_000_250, None, "busy", 486), talked];
        let fields = [("NAME", "Dupont, \"Jean\""), ("NUMBER", "1 01")];
        let rows = rows(&[history("101", &fields, Some("answered"), attempts)]);
        assert_eq!(rows[0][..4], ["NAME", "NUMBER", "dialled", "outcome"]);
        assert_eq!(
            rows[1],
            [
                "Dupont, \"Jean\"",
                "1 01",
                "101",
                "answered",
                "2",
                "2025-11-24T17:00:00.250+01:00",
                "2025-11-24T17:01:00.000+01:00",
                "2025-11-24T17:01:05.000+01:00",
                "15",
                "normal",
                "",
                "digit=1; note=a, b",
                "a.csv",
                "2"
            ]
        );
    }

    #[test]
    fn who_is_not_finished_waits_or_is_being_called() {
        let open = Attempt { ended_at: None, cause: String::new(), ..attempt(1000, None, "", 0) };
        let rows = rows(&[
            history("101", &[("NUMBER", "101")], None, vec![]),
            history("102", &[("NUMBER", "102")], None, vec![attempt(1000, None, "no-answer", 480)]),
            history("103", &[("NUMBER", "103")], None, vec![attempt(1000, None, "busy", 486), open]),
        ]);
        let told: Vec<_> =
            rows[1..].iter().map(|row| (row[2].as_str(), row[3].as_str(), row[8].as_str())).collect();
        assert_eq!(told, [("waiting", "0", ""), ("waiting", "1", "no-answer"), ("calling", "2", "")]);
    }

    #[test]
    fn columns_of_several_files_stand_side_by_side() {
        let rows = rows(&[
            history("101", &[("NUMBER", "101"), ("outcome", "busy")], None, vec![]),
            history("102", &[("Numéro", "102")], None, vec![]),
        ]);
        assert_eq!(rows[0][..5], ["NUMBER", "outcome", "Numéro", "dialled", "outcome_2"]);
        assert_eq!(rows[1][..3], ["101", "busy", ""]);
        assert_eq!(rows[2][..3], ["", "", "102"]);
    }
}
