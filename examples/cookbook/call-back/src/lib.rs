//! Who reaches nobody presses 1, hangs up, and is called back when the agent has time.

use std::time::Duration;

use jackfield_sdk::{
    Call, DialEnd, Result, dialer,
    events::{self, Event},
    kv, warn,
};
use serde::Deserialize;

const TRIES: i64 = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    agent: String,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    let info = call.info();
    if let Some(customer) = info.arg("customer") {
        return call_back(&call, customer);
    }
    call.ring()?;
    if let DialEnd::Answered(agent) = call.dial(settings.agent).timeout(Duration::from_secs(15)).run()? {
        call.answer()?;
        return call.bridge(&agent).run().map(drop);
    }
    call.answer()?;
    let chosen = call.gather().say("Personne n'est disponible. Pour être rappelé, tapez un.").max(1).run()?;
    if chosen.digits == "1" {
        kv::set(&info.caller, "0")?;
        call.set_result("call-back", "wanted")?;
        call.say("Nous vous rappelons dès que possible.")?;
    }
    call.say("Au revoir.")
}

/// The agent has taken the call.
fn call_back(call: &Call, customer: &str) -> Result<()> {
    let ask = format!("Rappel du {customer}. Pour appeler maintenant, tapez un. Pour renoncer, tapez trois.");
    match call.gather().say(ask).max(1).run()?.digits.as_str() {
        "1" => {
            kv::delete(customer)?;
            match call.dial(customer).timeout(Duration::from_secs(30)).run()? {
                DialEnd::Answered(other) => call.bridge(&other).run().map(drop),
                DialEnd::Failed(_) => call.say("Le client ne répond pas."),
            }
        }
        "3" => kv::delete(customer).map(drop),
        _ => call.say("Plus tard, donc."),
    }
}

/// Each minute the agent is offered the next one, until all are called back.
#[jackfield_sdk::service(beside)]
fn run(_: Option<Vec<u8>>, settings: Settings) -> Result<Option<Vec<u8>>> {
    let mut under_way = None;
    loop {
        match events::next_within(Duration::from_secs(60)) {
            Some(Event::Stop(_)) => return Ok(None),
            Some(Event::LaunchEnded(end)) if Some(end.launch) == under_way => under_way = None,
            None if under_way.is_none() => under_way = offer_next(&settings.agent)?,
            _ => {}
        }
    }
}

fn offer_next(agent: &str) -> Result<Option<u64>> {
    let Some(customer) = kv::keys("", "", 1)?.pop() else { return Ok(None) };
    if kv::add(&customer, 1)? > TRIES {
        warn!("{customer} was never called back: {agent} did not take it");
        kv::delete(&customer)?;
        return Ok(None);
    }
    let launch = dialer::launch(agent, "call-back").arg("customer", &customer).caller(&customer);
    match launch.caller_name("Rappel").ring(Duration::from_secs(20)).run() {
        Ok(number) => Ok(Some(number)),
        Err(error) => {
            warn!("{customer} is not called back now: {error}");
            Ok(None)
        }
    }
}
