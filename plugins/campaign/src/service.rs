//! The service: handles who is due, then waits for what happens next.

use std::time::Duration;

use jackfield_sdk::{
    Error, Result,
    contacts::Contact,
    error,
    events::{Event, LaunchEnd, Message},
    info, warn,
};
use serde::{Deserialize, Serialize};

use crate::{
    policy::{self, Verdict},
    settings::{Campaign, Settings},
};

/// What the service needs of the exchange.
pub trait Exchange {
    /// Unix milliseconds.
    fn now(&self) -> u64;
    fn due(&mut self, campaign: &str, now: u64, limit: u32) -> Result<Vec<Contact>>;
    fn next_due(&mut self, campaign: &str) -> Result<Option<u64>>;
    fn postpone(&mut self, contact: u64, until: u64) -> Result<()>;
    fn finish(&mut self, contact: u64, outcome: &str) -> Result<()>;
    fn launch(&mut self, campaign: &Campaign, contact: &Contact) -> Result<u64>;
    /// None: the time is over.
    fn event(&mut self, within: Duration) -> Option<Event>;
    fn reply(&mut self, question: u64, answer: &[u8]) -> Result<()>;
}

/// Contacts that are looked at in one go.
const BATCH: u32 = 50;

/// The longest wait, and that after a fault.
const IDLE: Duration = Duration::from_secs(5);

/// For a contact whose attempt the host could not begin: it is none, so `retry-time` is not for it.
const FAULT_PAUSE: Duration = Duration::from_secs(10);

/// What the next version is handed, and the operator is told. Nothing depends on it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    version: u32,
    pub launched: u64,
    pub answered: u64,
    pub finished: u64,
}

impl Tally {
    const VERSION: u32 = 1;

    /// From what a former version returned; a strange one is forgotten.
    fn restore(saved: Option<&[u8]>) -> Self {
        let saved = saved.and_then(|bytes| serde_json::from_slice::<Tally>(bytes).ok());
        let known = saved.filter(|tally| tally.version == Self::VERSION);
        known.unwrap_or(Tally { version: Self::VERSION, ..Tally::default() })
    }

    fn save(&self) -> Vec<u8> {
        // Numbers only: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Runs until the host says stop; returns what the next version shall get.
pub fn serve(exchange: &mut impl Exchange, settings: &Settings, saved: Option<&[u8]>) -> Vec<u8> {
    let mut tally = Tally::restore(saved);
    loop {
        let wait = round(exchange, settings, &mut tally);
        match exchange.event(wait) {
            Some(Event::Stop(reason)) => {
                info!("stops: {reason}"; launched = tally.launched, answered = tally.answered);
                return tally.save();
            }
            Some(Event::LaunchEnded(end)) => ended(exchange, &end, &mut tally),
            Some(Event::Message(message)) => answer(exchange, &message, &tally),
            _ => {}
        }
    }
}

/// Handles everybody who is due; returns how long there is nothing to do.
fn round(exchange: &mut impl Exchange, settings: &Settings, tally: &mut Tally) -> Duration {
    let mut wait = IDLE;
    for (name, campaign) in &settings.campaigns {
        match turn(exchange, name, campaign, tally) {
            Ok(Some(next)) => wait = wait.min(next),
            Ok(None) => {}
            // `launch-ready` follows.
            Err(Error::Limit(_)) => return IDLE,
            Err(error) => error!("cannot go on: {error}"; campaign = name),
        }
    }
    wait
}

/// One campaign; returns the time to its next contact, if there is one.
fn turn(
    exchange: &mut impl Exchange,
    name: &str,
    campaign: &Campaign,
    tally: &mut Tally,
) -> Result<Option<Duration>> {
    let mut now = exchange.now();
    loop {
        let due = exchange.due(name, now, BATCH)?;
        let all = due.len() < BATCH as usize;
        for contact in due {
            handle(exchange, name, campaign, &contact, tally)?;
        }
        if all {
            break;
        }
        now = exchange.now();
    }
    let now = exchange.now();
    // Who is due and was not in the list is somewhere between two states.
    let until = |next: u64| if next <= now { IDLE } else { Duration::from_millis(next - now) };
    Ok(exchange.next_due(name)?.map(until))
}

fn handle(
    exchange: &mut impl Exchange,
    name: &str,
    campaign: &Campaign,
    contact: &Contact,
    tally: &mut Tally,
) -> Result<()> {
    let number = &contact.number;
    let now = exchange.now();
    match policy::judge(contact, campaign, now) {
        Verdict::Wait(until) => exchange.postpone(contact.id, until),
        Verdict::Done(outcome) => finish(exchange, contact.id, outcome, tally),
        Verdict::Call => match exchange.launch(campaign, contact) {
            Ok(launch) => {
                tally.launched += 1;
                info!("calls {number}"; campaign = name, launch = launch, attempt = contact.attempts + 1);
                Ok(())
            }
            Err(error @ (Error::Limit(_) | Error::Denied(_))) => Err(error),
            Err(error @ (Error::Invalid(_) | Error::NotFound(_))) => {
                warn!("cannot call {number}: {error}"; campaign = name);
                finish(exchange, contact.id, policy::UNREACHABLE, tally)
            }
            Err(error) => {
                warn!("could not call {number}, tries again: {error}"; campaign = name);
                exchange.postpone(contact.id, now.saturating_add(FAULT_PAUSE.as_millis() as u64))
            }
        },
    }
}

fn finish(exchange: &mut impl Exchange, contact: u64, outcome: &str, tally: &mut Tally) -> Result<()> {
    exchange.finish(contact, outcome)?;
    tally.finished += 1;
    Ok(())
}

/// Who answered is done; who did not is due again and judged in the next round.
fn ended(exchange: &mut impl Exchange, end: &LaunchEnd, tally: &mut Tally) {
    let (Some(contact), Some(_)) = (end.contact, end.answered_at) else { return };
    tally.answered += 1;
    if let Err(error) = finish(exchange, contact, policy::ANSWERED, tally) {
        error!("cannot finish contact {contact}: {error}");
    }
}

/// Any message wakes the service; a question is answered with what was done so far.
fn answer(exchange: &mut impl Exchange, message: &Message, tally: &Tally) {
    let Some(question) = message.reply else { return };
    if let Err(error) = exchange.reply(question, &tally.save()) {
        warn!("cannot answer {}: {error}", message.sender);
    }
}
