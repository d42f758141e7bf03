//! Calls as sentences, in the order in which things happen.

use std::collections::BTreeMap;

use jackfield_switch::{
    CallEvent, CallInfo, Cause, Direction, Error, Event, GatherEnd, HangupInfo, Happened, InstanceEnd,
    InstanceId, PlayEnd, Value,
};

use crate::onlooker::Seen;

/// What is known of the calls that are up.
#[derive(Default)]
pub(super) struct Story {
    /// Who is at the other end of a leg, by the leg's name.
    parties: BTreeMap<String, String>,
    /// Who calls the plugin, by its instance.
    callers: BTreeMap<InstanceId, String>,
}

impl Story {
    /// The line of what was seen, where it has one.
    pub(super) fn tell(&mut self, seen: Seen) -> Option<String> {
        match seen {
            Seen::Ready => None,
            Seen::Event(event) => self.event(event),
            Seen::Record(record) => {
                let results = record.results.iter().map(|(key, value)| format!("{key} is {value}"));
                let results: Vec<_> = results.collect();
                (!results.is_empty()).then(|| format!("{}: record: {}", record.caller, results.join(", ")))
            }
            Seen::Started { instance, call, .. } => {
                self.callers.insert(instance, who(&call));
                None
            }
            Seen::Reply { instance, reply } => self.callers.get(&instance).and_then(|caller| match reply {
                Ok(value) => pressed(&value).map(|what| format!("{caller} {what}")),
                Err(Error::HungUp(_)) => None,
                Err(error) => Some(format!("{caller}: the plugin is told: {error}")),
            }),
            Seen::Ended { instance, end } => {
                let caller = self.callers.remove(&instance);
                let of = caller.map_or(String::new(), |caller| format!("{caller}: "));
                match end {
                    InstanceEnd::Returned => None,
                    InstanceEnd::Failed(why) => Some(format!("{of}the plugin returned an error: {why}")),
                    InstanceEnd::Trapped(why) => Some(format!("{of}the plugin was ended: {why}")),
                    InstanceEnd::NotStarted(why) => Some(format!("{of}the plugin did not start: {why}")),
                }
            }
            // Also when a flow is loaded.
            Seen::Said { plugin, text } => {
                (!self.callers.is_empty()).then(|| format!("{plugin} says \"{text}\""))
            }
        }
    }

    fn event(&mut self, event: CallEvent) -> Option<String> {
        let party = self.parties.get(&event.leg).cloned().unwrap_or_else(|| event.leg.clone());
        let line = match event.happened {
            Happened::Started { direction: Direction::Inbound, caller, callee } => {
                self.parties.insert(event.leg, caller.clone());
                format!("{caller} calls {callee}")
            }
            Happened::Started { direction: Direction::Outbound, callee, .. } => {
                self.parties.insert(event.leg, callee.clone());
                format!("{callee} is called")
            }
            Happened::Ringing => format!("it rings for {party}"),
            Happened::Answered => format!("{party}: answered"),
            Happened::Bridged { with } => {
                let with = self.parties.get(&with).cloned().unwrap_or(with);
                format!("{party} talks with {with}")
            }
            Happened::Held => format!("{party} puts the call on hold"),
            Happened::Resumed => format!("{party} resumes the call"),
            Happened::TransferAsked { to, .. } => format!("{party} asks for a transfer to {to}"),
            Happened::TransferSucceeded { to } => format!("{party} is transferred to {to}"),
            Happened::TransferFailed { to, .. } => format!("{party} is not transferred to {to}"),
            Happened::Ended { info } => {
                self.parties.remove(&event.leg);
                ended(&party, info)
            }
            // A key is told with what the plugin learns of it; the other leg of a pair parts too.
            Happened::Digit
            | Happened::EarlyMedia
            | Happened::Parted { .. }
            | Happened::RecordingStarted
            | Happened::RecordingEnded => return None,
        };
        Some(line)
    }
}

fn who(call: &CallInfo) -> String {
    match call.direction {
        Direction::Inbound => call.caller.clone(),
        Direction::Outbound => call.callee.clone(),
    }
}

/// What the other end did, as the plugin learns of it.
fn pressed(value: &Value) -> Option<String> {
    match value {
        Value::Gathered { digits, ended_by } if digits.is_empty() => {
            (*ended_by == GatherEnd::FirstTimeout).then(|| "pressed nothing".to_owned())
        }
        Value::Gathered { digits, .. } => Some(format!("pressed {digits}")),
        Value::Played(PlayEnd::Interrupted(digit)) | Value::Event(Some(Event::Digit { digit, .. })) => {
            Some(format!("pressed {digit}"))
        }
        Value::Recorded { name, length, .. } => {
            Some(format!("spoke for {:.1} s: {name}", length.as_secs_f64()))
        }
        _ => None,
    }
}

fn ended(party: &str, info: HangupInfo) -> String {
    let why = match (info.cause, info.by_peer) {
        (Cause::Normal, true) => "hung up".to_owned(),
        (Cause::Normal, false) => "was hung up on".to_owned(),
        (cause, _) => {
            let word = format!("{cause:?}");
            let code = if info.code == 0 { String::new() } else { format!(" ({})", info.code) };
            return format!("{party}: ended: {}{code}", words(&word));
        }
    };
    format!("{party} {why}")
}

/// `NoAnswer` -> `no answer`
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(leg: &str, happened: Happened) -> Seen {
        let (call, linked, leg) = ("c".to_owned(), "c".to_owned(), leg.to_owned());
        Seen::Event(CallEvent { sequence: 1, monotonic: 0, at: 0, call, linked, leg, happened })
    }

    fn info(cause: Cause, by_peer: bool) -> HangupInfo {
        HangupInfo { cause, code: if cause == Cause::Busy { 486 } else { 0 }, by_peer }
    }

    #[test]
    fn a_call_that_rings_somebody_is_told() {
        let mut story = Story::default();
        let instance = InstanceId(2);
        let call = CallInfo {
            id: "c".to_owned(),
            direction: Direction::Inbound,
            caller: "me".to_owned(),
            caller_name: String::new(),
            callee: "100".to_owned(),
            trunk: String::new(),
            started_at: 0,
            headers: Vec::new(),
            args: Vec::new(),
        };
        let started = |direction, caller: &str, callee: &str| Happened::Started {
            direction,
            caller: caller.to_owned(),
            callee: callee.to_owned(),
        };
        let gathered = Value::Gathered { digits: "1".to_owned(), ended_by: GatherEnd::MaxReached };
        let said = |text: &str| Seen::Said { plugin: "menu".to_owned(), text: text.to_owned() };
        let seen = [
            said("nobody listens yet"),
            event("a", started(Direction::Inbound, "me", "100")),
            Seen::Started { instance, plugin: "menu".to_owned(), call },
            event("a", Happened::Answered),
            said("Hello"),
            event("a", Happened::Digit),
            Seen::Reply { instance, reply: Ok(gathered) },
            event("b", started(Direction::Outbound, "me", "alice")),
            event("b", Happened::Ended { info: info(Cause::Busy, true) }),
            Seen::Reply { instance, reply: Err(Error::Denied("dial bob".to_owned())) },
            Seen::Ended { instance, end: InstanceEnd::Returned },
            event("a", Happened::Ended { info: info(Cause::Normal, false) }),
        ];
        let told: Vec<String> = seen.into_iter().filter_map(|seen| story.tell(seen)).collect();
        assert_eq!(
            told,
            [
                "me calls 100",
                "me: answered",
                "menu says \"Hello\"",
                "me pressed 1",
                "alice is called",
                "alice: ended: busy (486)",
                "me: the plugin is told: not granted: dial bob",
                "me was hung up on",
            ]
        );
        assert!(
            story.parties.is_empty() && story.callers.is_empty(),
            "nothing is kept of a call that is over"
        );
    }
}
