//! Campaigns against an exchange that keeps its own time.

#![allow(clippy::unwrap_used, reason = "only tests are here")]

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use campaign::{
    service::{Exchange, serve},
    settings::{Campaign, Settings},
};
use jackfield_sdk::{
    Error, HangupCause, HangupInfo, Result,
    contacts::Contact,
    events::{Event, LaunchEnd, Message, StopReason},
};

/// A call takes so long, whoever answers or does not.
const CALL: u64 = 30_000;

#[derive(Default)]
struct World {
    now: u64,
    /// By number: how each attempt ends.
    fates: BTreeMap<String, VecDeque<HangupCause>>,
    contacts: Vec<Contact>,
    outcomes: BTreeMap<u64, String>,
    /// Calls under way: when they end, which contact, how.
    calls: Vec<(u64, u64, HangupCause)>,
    at_once: usize,
    /// (second, number) of each launch.
    launches: Vec<(u64, String)>,
    was_full: bool,
    launch_fault: Option<Error>,
    replies: Vec<String>,
    /// Events from outside, by time.
    letters: VecDeque<(u64, Event)>,
    stop_at: u64,
}

impl World {
    fn new(fates: &[(&str, &[HangupCause])]) -> Self {
        let contact = |(id, (number, _)): (usize, &(&str, &[HangupCause]))| Contact {
            id: id as u64,
            number: number.to_string(),
            fields: Vec::new(),
            attempts: 0,
            last_start: None,
            last: None,
            due: 0,
        };
        World {
            contacts: fates.iter().enumerate().map(contact).collect(),
            fates: fates
                .iter()
                .map(|(number, ends)| (number.to_string(), ends.iter().copied().collect()))
                .collect(),
            at_once: 100,
            stop_at: 1_000_000,
            ..World::default()
        }
    }

    fn run(&mut self, saved: Option<&[u8]>) -> String {
        String::from_utf8(serve(self, &settings(), saved)).unwrap()
    }

    fn contact(&mut self, id: u64) -> &mut Contact {
        self.contacts.iter_mut().find(|contact| contact.id == id).unwrap()
    }

    fn is_free(&self, contact: &Contact) -> bool {
        !self.outcomes.contains_key(&contact.id) && !self.calls.iter().any(|(_, id, _)| *id == contact.id)
    }

    /// The call that ends first, if it does before `until`.
    fn end_a_call(&mut self, until: u64) -> Option<Event> {
        let first = self.calls.iter().enumerate().min_by_key(|(_, (end, ..))| *end)?.0;
        if self.calls[first].0 > until {
            return None;
        }
        let (end, id, cause) = self.calls.remove(first);
        self.now = end;
        let info = HangupInfo { cause, code: 0, by_peer: true };
        self.contact(id).last = Some(info);
        let answered_at = (cause == HangupCause::Normal).then_some(end - 10_000);
        Some(Event::LaunchEnded(LaunchEnd {
            launch: 1,
            contact: Some(id),
            answered_at,
            info,
            results: Vec::new(),
        }))
    }

    fn seconds(&self, number: &str) -> Vec<u64> {
        self.launches.iter().filter(|(_, called)| called == number).map(|(second, _)| *second).collect()
    }
}

impl Exchange for World {
    fn now(&self) -> u64 {
        self.now
    }

    fn due(&mut self, campaign: &str, now: u64, limit: u32) -> Result<Vec<Contact>> {
        assert_eq!(campaign, "prospection");
        let due = self.contacts.iter().filter(|contact| contact.due <= now && self.is_free(contact));
        Ok(due.take(limit as usize).cloned().collect())
    }

    fn next_due(&mut self, _: &str) -> Result<Option<u64>> {
        Ok(self.contacts.iter().filter(|contact| self.is_free(contact)).map(|contact| contact.due).min())
    }

    fn postpone(&mut self, contact: u64, until: u64) -> Result<()> {
        self.contact(contact).due = until;
        Ok(())
    }

    fn finish(&mut self, contact: u64, outcome: &str) -> Result<()> {
        assert!(self.outcomes.insert(contact, outcome.into()).is_none(), "finished twice");
        Ok(())
    }

    fn launch(&mut self, campaign: &Campaign, contact: &Contact) -> Result<u64> {
        assert_eq!((campaign.app.as_str(), *campaign.wait_time), ("message", Duration::from_secs(30)));
        if let Some(fault) = self.launch_fault.take() {
            return Err(fault);
        }
        if self.calls.len() >= self.at_once {
            self.was_full = true;
            return Err(Error::Limit("at once".into()));
        }
        let now = self.now;
        let cause =
            self.fates.get_mut(&contact.number).and_then(VecDeque::pop_front).expect("one attempt too many");
        let kept = self.contact(contact.id);
        kept.attempts += 1;
        kept.last_start = Some(now);
        self.calls.push((now + CALL, contact.id, cause));
        self.launches.push((now / 1000, contact.number.clone()));
        Ok(self.launches.len() as u64)
    }

    fn event(&mut self, within: Duration) -> Option<Event> {
        assert!(!within.is_zero(), "a service that never waits");
        let until = self.now + within.as_millis() as u64;
        if let Some((at, event)) = self.letters.pop_front_if(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            return Some(event);
        }
        if std::mem::take(&mut self.was_full) && self.calls.len() < self.at_once {
            return Some(Event::LaunchReady);
        }
        if let Some(event) = self.end_a_call(until) {
            return Some(event);
        }
        self.now = until;
        (self.now >= self.stop_at).then_some(Event::Stop(StopReason::Reload))
    }

    fn reply(&mut self, _: u64, answer: &[u8]) -> Result<()> {
        self.replies.push(String::from_utf8_lossy(answer).into_owned());
        Ok(())
    }
}

fn settings() -> Settings {
    let manifest = include_str!("../../../examples/la-plateforme/plugins/campaign/plugin.toml");
    let manifest: toml::Table = manifest.parse().unwrap();
    jackfield_sdk::settings::parse(&serde_json::to_string(&manifest["config"]).unwrap()).unwrap()
}

use HangupCause::{Busy, NoAnswer, Normal, NotFound, Rejected};

#[test]
fn the_settings_of_la_plateforme_are_the_seeds() {
    let settings = settings();
    assert!(settings.check().is_empty());
    let campaign = &settings.campaigns["prospection"];
    assert_eq!(campaign.caller_name.as_deref(), Some("Prospection Automatique"));
    assert_eq!(campaign.caller.as_deref(), Some("9000"));
    assert_eq!((campaign.retries, campaign.retry_time.as_secs(), campaign.wait_time.as_secs()), (2, 60, 30));
}

#[test]
fn three_attempts_start_to_start_and_then_no_more() {
    let mut world = World::new(&[("101", &[NoAnswer, NoAnswer, NoAnswer])]);
    world.run(None);
    assert_eq!(world.seconds("101"), [0, 60, 120]);
    assert_eq!(world.outcomes[&0], "no-answer");
}

#[test]
fn who_answers_is_called_no_more() {
    let mut world =
        World::new(&[("101", &[Normal]), ("102", &[Busy, Normal]), ("103", &[NotFound, Rejected, Busy])]);
    let tally = world.run(None);
    let outcomes: Vec<&str> = world.outcomes.values().map(String::as_str).collect();
    assert_eq!(outcomes, ["answered", "answered", "busy"]);
    assert_eq!((world.seconds("102"), world.seconds("103")), (vec![0, 60], vec![0, 60, 120]));
    assert_eq!(tally, r#"{"version":1,"launched":6,"answered":2,"finished":3}"#);
}

#[test]
fn more_than_a_batch_keeps_within_the_limit() {
    let numbers: Vec<String> = (0..120).map(|number| number.to_string()).collect();
    let fates: Vec<(&str, &[HangupCause])> =
        numbers.iter().map(|number| (number.as_str(), &[Normal][..])).collect();
    let mut world = World { at_once: 8, ..World::new(&fates) };
    world.run(None);
    assert_eq!(world.outcomes.len(), 120);
    let in_first_half_minute = world.launches.iter().filter(|(second, _)| *second < 30).count();
    assert_eq!(in_first_half_minute, 8);
}

#[test]
fn a_reload_hands_the_tally_on_and_forgets_nobody() {
    let mut world = World { stop_at: 40_000, ..World::new(&[("101", &[Busy, Normal])]) };
    let saved = world.run(None);
    assert_eq!(saved, r#"{"version":1,"launched":1,"answered":0,"finished":0}"#);
    world.stop_at = 1_000_000;
    let saved = world.run(Some(saved.as_bytes()));
    assert_eq!(saved, r#"{"version":1,"launched":2,"answered":1,"finished":1}"#);
    assert_eq!(world.seconds("101"), [0, 60]);
    assert!(world.run(Some(b"no state of ours")).starts_with(r#"{"version":1,"launched":0"#));
}

#[test]
fn a_number_that_cannot_be_called_is_finished_and_a_fault_is_tried_again() {
    let fault = Error::Invalid("no number".into());
    let mut world = World { launch_fault: Some(fault), ..World::new(&[("x", &[])]) };
    world.run(None);
    assert_eq!(world.outcomes[&0], "unreachable");

    let fault = Error::Unavailable("disk".into());
    let mut world = World { launch_fault: Some(fault), ..World::new(&[("101", &[Normal])]) };
    world.run(None);
    assert_eq!(world.seconds("101"), [10]);
}

#[test]
fn a_missing_right_finishes_nobody() {
    let fault = Error::Denied("launch.to".into());
    let mut world = World { launch_fault: Some(fault), ..World::new(&[("101", &[Normal])]) };
    world.run(None);
    assert_eq!(world.seconds("101"), [5]);
    assert_eq!(world.outcomes[&0], "answered");
}

#[test]
fn a_message_wakes_the_service_and_is_answered() {
    let mut world = World::new(&[]);
    let contact = World::new(&[("101", &[Normal])]);
    let message =
        Message { sender: "operator".into(), topic: "campaign".into(), body: Vec::new(), reply: Some(7) };
    world.letters = [(12_000, Event::Message(message))].into();
    world.fates = contact.fates;
    world.contacts = contact.contacts;
    world.contacts[0].due = 12_000;
    world.run(None);
    assert_eq!(world.replies.len(), 1);
    assert_eq!(world.seconds("101"), [12]);
}
