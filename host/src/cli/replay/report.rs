//! What became of the replays, in words.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use jackfield_plugin::journal::{Difference, Outcome, Record, Replayed, Said, Step, Way};
use jiff::Timestamp;

use crate::journal::Skipped;

/// Changes of words, and reasons, that are shown.
const SHOWN: usize = 10;

pub(super) struct Report {
    way: Way,
    verbose: bool,
    same: u64,
    /// As far as they were recorded; they are among the same.
    open: u64,
    words: u64,
    otherwise: u64,
    decisions: u64,
    /// Was and would, and in how many calls.
    wording: BTreeMap<(String, String), u64>,
    /// Why calls could not be replayed.
    refused: BTreeMap<String, u64>,
}

impl Report {
    pub(super) fn new(way: Way, verbose: bool) -> Report {
        Report {
            way,
            verbose,
            same: 0,
            open: 0,
            words: 0,
            otherwise: 0,
            decisions: 0,
            wording: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    pub(super) fn calls(&self) -> u64 {
        self.same + self.words + self.otherwise + self.refused.values().sum::<u64>()
    }

    /// What is to be told of this call at once.
    pub(super) fn add(&mut self, record: &Record, replayed: Result<Replayed, String>) -> String {
        let replayed = match replayed {
            Ok(replayed) => replayed,
            Err(reason) => {
                *self.refused.entry(reason).or_default() += 1;
                return String::new();
            }
        };
        self.decisions += u64::from(replayed.decisions);
        let differs = matches!(replayed.outcome, Outcome::Otherwise(_));
        match (&replayed.outcome, replayed.words.is_empty()) {
            (Outcome::Otherwise(_), _) => self.otherwise += 1,
            (_, false) => self.words += 1,
            (outcome, true) => {
                self.same += 1;
                self.open += u64::from(*outcome == Outcome::AsFarAsRecorded);
            }
        }
        let mut once: Vec<_> = replayed.words.iter().map(|words| (&words.was, &words.would)).collect();
        once.sort();
        once.dedup();
        for (was, would) in once {
            *self.wording.entry((was.clone(), would.clone())).or_default() += 1;
        }
        match self.verbose {
            true => format!("{}\n{}", line(record), story(record, &replayed)),
            false if differs => format!("{}\n{}", line(record), part(&replayed)),
            false => String::new(),
        }
    }

    /// The sums.
    pub(super) fn end(&self) -> String {
        let mut text = String::new();
        if !self.wording.is_empty() {
            text += "other words:\n";
            let mut wording: Vec<_> = self.wording.iter().collect();
            wording.sort_by_key(|(_, calls)| std::cmp::Reverse(**calls));
            for ((was, would), calls) in wording.iter().take(SHOWN) {
                let _ =
                    writeln!(text, "  in {}: was {was}\n{:15}would be {would}", number(**calls, "call"), "");
            }
            more(&mut text, wording.len());
        }
        let calls = self.calls() - self.refused.values().sum::<u64>();
        let _ = match self.way {
            Way::Identical => writeln!(
                text,
                "{} replayed: {} identical, {} not; {} compared",
                number(calls, "call"),
                self.same,
                self.otherwise,
                number(self.decisions, "decision")
            ),
            Way::Otherwise => writeln!(
                text,
                "{} replayed: {} the same, {} with other words, {} would have gone otherwise",
                number(calls, "call"),
                self.same,
                self.words,
                self.otherwise
            ),
        };
        if self.open > 0 {
            let _ = writeln!(text, "{} of them as far as they were recorded", self.open);
        }
        for (reason, calls) in self.refused.iter().take(SHOWN) {
            let _ = writeln!(text, "{} not replayed: {reason}", number(*calls, "call"));
        }
        more(&mut text, self.refused.len());
        text
    }

    /// Why this is a failure.
    pub(super) fn verdict(&self) -> Option<String> {
        let refused: u64 = self.refused.values().sum();
        match (self.way, self.otherwise, self.words, refused) {
            (_, 0, 0, 0) => None,
            (Way::Identical, 0, _, refused) => Some(format!("{} not replayed", number(refused, "call"))),
            (Way::Identical, differ, ..) => Some(format!("{} not decided the same", number(differ, "call"))),
            (Way::Otherwise, 0, 0, refused) => Some(format!("{} not replayed", number(refused, "call"))),
            (Way::Otherwise, 0, words, _) => {
                Some(format!("{} would have had other words", number(words, "call")))
            }
            (Way::Otherwise, differ, ..) => {
                Some(format!("{} would have gone otherwise", number(differ, "call")))
            }
        }
    }
}

/// A call in a line.
pub(super) fn line(record: &Record) -> String {
    let head = &record.head;
    let began = Timestamp::from_millisecond(head.began as i64).unwrap_or_default();
    let began = jiff::tz::TimeZone::system().to_datetime(began);
    let call = &head.call;
    format!(
        "{}  {}  {} -> {}  {} {} (v{}), {:.1} s",
        call.id,
        began.strftime("%Y-%m-%d %H:%M:%S"),
        call.caller,
        call.callee,
        head.plugin,
        head.version,
        head.number,
        Duration::from_millis(head.ended.into()).as_secs_f64(),
    )
}

/// Where they part.
fn part(replayed: &Replayed) -> String {
    let Outcome::Otherwise(Difference { decision, at, was, would }) = &replayed.outcome else {
        return String::new();
    };
    let place = format!("  decision {decision} at {:.1} s: ", at.as_secs_f64());
    format!("{place}was {was}\n{:>width$}would be {would}\n", "", width = place.chars().count())
}

/// Every decision with its answer, up to where they part.
fn story(record: &Record, replayed: &Replayed) -> String {
    let mut text = String::new();
    let Ok(steps) = record.steps() else { return text };
    let mut log = replayed.log.iter().peekable();
    let mut decision = 0;
    let mut told = Vec::new();
    for step in &steps {
        if let Step::Got { of, got, .. } = step {
            told.resize(told.len().max(*of as usize + 1), None);
            told[*of as usize] = Some(got);
        }
    }
    let asked = steps.iter().filter_map(|step| match step {
        Step::Asked { at, asked } => Some((at, asked)),
        Step::Got { .. } => None,
    });
    for (index, (at, asked)) in asked.enumerate() {
        while let Some(line) = log.next_if(|line| line.decision <= decision) {
            say(&mut text, line);
        }
        if !asked.is_question() {
            decision += 1;
        }
        if decision > replayed.decisions {
            break;
        }
        let got = told.get(index).copied().flatten();
        let got = got.map_or_else(|| "(no answer)".to_owned(), ToString::to_string);
        let _ = writeln!(text, "  {:9.3}  {asked}: {got}", f64::from(*at) / 1000.0);
        let words = replayed.words.iter().find(|words| words.decision == decision);
        if let Some(words) = words.filter(|_| !asked.is_question()) {
            let _ = writeln!(text, "  {:9}  in other words: {}", "", words.would);
        }
    }
    log.for_each(|line| say(&mut text, line));
    match &replayed.outcome {
        Outcome::Otherwise(_) => text += &part(replayed),
        _ => {
            let _ = writeln!(text, "  {:9.3}  {}", f64::from(record.head.ended) / 1000.0, record.head.end);
        }
    }
    if record.head.cut {
        text += "             (the rest had no room: `call` of [journal])\n";
    }
    text
}

fn say(text: &mut String, line: &Said) {
    let level = format!("{:?}", line.level).to_lowercase();
    let _ = writeln!(text, "  {:9.3}  {level}: {}", line.at.as_secs_f64(), line.text);
}

/// What could not be read, where there is such.
pub(super) fn skipped(skipped: &Skipped) -> String {
    let mut text = String::new();
    for (count, what) in [
        (skipped.damaged, "of the journal damaged or half written: left out"),
        (skipped.foreign, "of the journal of another version of this program: left out"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{} {what}", number(count, "place"));
        }
    }
    if skipped.lost > 0 {
        let _ = writeln!(text, "{} not recorded: the disk was too slow", number(skipped.lost, "call"));
    }
    text
}

fn more(text: &mut String, all: usize) {
    if all > SHOWN {
        let _ = writeln!(text, "  (and {} more)", all - SHOWN);
    }
}

/// "1 call", "2 calls".
fn number(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
