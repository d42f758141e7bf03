//! What happened in a case, in the order of time.

use std::{fmt, time::Duration};

use super::{grammar::cause_word, listen::name, perform::ended, stage::Stage};
use crate::{Heard, State, caller::Call};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Since the case began.
    pub at: Duration,
    /// A sentence.
    pub text: String,
}

/// `   2.470  caller presses 1`
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8.3}  {}", self.at.as_secs_f64(), self.text)
    }
}

impl Stage<'_> {
    /// All of it, so far.
    pub(super) fn story(&self) -> Vec<Event> {
        let probes = self.probes();
        let mut events: Vec<(Duration, String)> = self.notes.clone();
        for (who, actor) in &self.actors {
            let house = self.world.0.borrow();
            for call in &house.phones[actor.phone.index].calls {
                events.extend(course(who, call));
                let heard = call
                    .ear
                    .heard()
                    .into_iter()
                    .filter(|heard| !probes.iter().any(|probe| heard.text() == probe));
                events.extend(heard.map(|heard| (heard.from, hears(who, &heard, self.began))));
            }
        }
        let log = self.world.log().into_iter().map(|line| {
            let fields: String = line.fields.iter().map(|(key, value)| format!(" {key}={value:?}")).collect();
            let level = format!("{:?}", line.level).to_lowercase();
            (line.at, format!("{} logs ({level}): {}{fields}", line.plugin, line.message))
        });
        let notices = self.world.notices().into_iter().map(|notice| {
            let level = format!("{:?}", notice.level).to_lowercase();
            (notice.at, format!("the exchange reports ({level}): {}", notice.text))
        });
        let records = self.world.records().into_iter().map(|record| {
            let results: String =
                record.results.iter().map(|(key, value)| format!(", {key} is \"{value}\"")).collect();
            let text = format!("record of {}: {}{results}", record.caller, cause_word(record.end.cause));
            (self.world.since_begin(record.ended_at), text)
        });
        events.extend(log.chain(notices).chain(records));
        events.sort_by_key(|(at, _)| *at);
        let event = |(at, text): (Duration, String)| Event { at: at.saturating_sub(self.began), text };
        events.into_iter().map(event).collect()
    }
}

/// The steps of a call, without what was heard.
fn course(who: &str, call: &Call) -> Vec<(Duration, String)> {
    let peer = &call.peer;
    let mut events = Vec::new();
    if !call.incoming {
        events.push((call.began, format!("{who} calls {peer}")));
    }
    if let Some(rang) = call.rang {
        let text =
            if call.incoming { format!("{who} rings: {peer} calls") } else { format!("it rings for {who}") };
        events.push((rang, text));
    }
    if let Some(answered) = call.answered {
        let verb = if call.incoming { "answers" } else { "is answered" };
        events.push((answered, format!("{who} {verb}")));
    }
    if let Some((at, end)) = call.ended.filter(|_| call.state == State::Over) {
        events.push((at, ended(who, call.incoming, end)));
    }
    events
}

fn hears(who: &str, heard: &Heard, began: Duration) -> String {
    let sound = match (heard.whole, name(&heard.sound)) {
        (true, sound) => sound,
        (false, sound) => match sound.strip_suffix('"') {
            Some(open) => format!("{open}…\""),
            None => format!("{sound}…"),
        },
    };
    match heard.length().is_zero() {
        true => format!("{who} hears {sound}"),
        false => {
            format!("{who} hears {sound} (until {:.3})", heard.until.saturating_sub(began).as_secs_f64())
        }
    }
}
