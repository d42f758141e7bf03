//! A call that stays in one verb, named in the settings, until the caller hangs up.

use std::time::Duration;

use jackfield_sdk::{Call, DialEnd, Error, Result, bus, events, http, info, kv, time};
use serde::Deserialize;

const LONG: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    verb: Verb,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Verb {
    Play,
    StartPlay,
    Gather,
    Record,
    StartRecord,
    SendDigits,
    Dial,
    StartDial,
    Bridge,
    StartBridge,
    Sleep,
    Events,
    Ask,
    Tell,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    call.answer()?;
    call.say("Le verbe.")?;
    let end = stay(&call, settings.verb);
    info!("it ended: {end:?}");
    // Values can be written after the end of a call.
    kv::add("ended", 1)?;
    // Whatever is asked of a call that is over says so.
    match call.say("Trop tard.") {
        Err(Error::HungUp(_)) => end,
        other => panic!("the call has ended, and yet: {other:?}"),
    }
}

fn stay(call: &Call, verb: Verb) -> Result<()> {
    match verb {
        Verb::Play => call.play().tone("dial").repeat(0).run().map(drop),
        Verb::StartPlay => {
            let _music = call.play().tone("dial").repeat(0).start()?;
            until_hung_up()
        }
        Verb::Gather => call.gather().max(9).first_timeout(LONG).run().map(drop),
        Verb::Record => call.record().name("verb").max(LONG).run().map(drop),
        Verb::StartRecord => {
            let _recording = call.record().name("verb").max(LONG).start()?;
            until_hung_up()
        }
        Verb::SendDigits => call.send_digits("0123456789ABCD*#0123456789ABCD*#"),
        Verb::Dial => call.dial("alice").timeout(LONG).run().map(drop),
        Verb::StartDial => {
            let _other = call.dial("alice").timeout(LONG).start()?;
            until_hung_up()
        }
        Verb::Bridge => call.bridge(&other(call)?).run().map(drop),
        Verb::StartBridge => {
            let other = other(call)?;
            let _bridge = call.bridge(&other).start()?;
            until_hung_up()
        }
        Verb::Sleep => {
            time::sleep(LONG);
            Ok(())
        }
        Verb::Events => until_hung_up(),
        Verb::Tell => {
            tell(call)?;
            until_hung_up()
        }
        Verb::Ask => bus::ask(&bus::Address::Plugin("fickle".into()), "silence", b"", LONG).map(drop),
    }
}

/// The hour in Paris, and what the weather says.
fn tell(call: &Call) -> Result<()> {
    let hour = time::local(time::now(), "Europe/Paris").map_or(99, |paris| paris.hour);
    let weather = match http::Request::get("https://weather.example/paris").send() {
        Ok(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
        Err(error) => error.to_string(),
    };
    call.say(format!("Il est {hour} heures. {weather}"))
}

fn until_hung_up() -> Result<()> {
    while !matches!(events::next(), events::Event::HungUp { .. }) {}
    Ok(())
}

fn other(call: &Call) -> Result<Call> {
    match call.dial("alice").run()? {
        DialEnd::Answered(other) => Ok(other),
        DialEnd::Failed(end) => Err(Error::Other(format!("{end:?}"))),
    }
}
