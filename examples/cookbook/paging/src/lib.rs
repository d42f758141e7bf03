//! Say it once, and all telephones say it at the same time.

use std::time::Duration;

use jackfield_sdk::{
    Call, Result,
    events::{self, Event},
    time, warn,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    phones: Vec<String>,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    call.answer()?;
    call.say("Votre annonce après le bip, puis dièse.")?;
    let name = format!("page-{}", time::now());
    let said = call.record().name(name).beep().max(Duration::from_secs(30)).finish("#").run()?;
    let legs: Vec<Call> = settings.phones.iter().filter_map(|phone| page(&call, phone)).collect();
    let heard = announce(&legs, &said.name)?;
    call.set_result("heard", &heard.to_string())?;
    call.say(format!("Entendu sur {heard} postes."))
}

/// None: there is no such telephone now.
fn page(call: &Call, phone: &str) -> Option<Call> {
    let dial = call.dial(phone).timeout(Duration::from_secs(10));
    // Two ways in which telephones are asked to answer by themselves; those that know neither ring.
    let dial = dial.header("Call-Info", "<sip:paging>;answer-after=0").header("Alert-Info", "<auto-answer>");
    dial.start().inspect_err(|error| warn!("{phone}: {error}")).ok()
}

/// Each one that answers hears it to the end. Returns how many did.
fn announce(legs: &[Call], recording: &str) -> Result<usize> {
    let (mut left, mut heard) = (legs.len(), 0);
    while left > 0 {
        match events::next() {
            Event::Answered { call } => {
                if let Some(leg) = legs.iter().find(|leg| leg.id() == call) {
                    leg.play().tone("beep").recording(recording).start()?;
                }
            }
            Event::Done { call, .. } => {
                if let Some(leg) = legs.iter().find(|leg| leg.id() == call) {
                    heard += 1;
                    leg.hangup("all was said")?;
                }
            }
            // Also of those whom we hung up on, and of those who never answered.
            Event::HungUp { call, .. } if legs.iter().any(|leg| leg.id() == call) => left -= 1,
            _ => {}
        }
    }
    Ok(heard)
}
