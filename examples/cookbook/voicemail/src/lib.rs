//! Rings its owner, records who does not reach her, and lets her hear who it was.

use std::time::Duration;

use jackfield_sdk::{Call, DialEnd, Error, Result, kv, random, spoken::Language, time};
use serde::Deserialize;

/// Shorter ones, in milliseconds, are the sigh of somebody who thinks better of it.
const SHORTEST: u32 = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Who is rung.
    owner: String,
    /// Who calls from it hears her messages.
    number: String,
    greeting: String,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    if call.info().caller == settings.number {
        return listen(&call);
    }
    call.ring()?;
    if let DialEnd::Answered(owner) = call.dial(&settings.owner).timeout(Duration::from_secs(20)).run()? {
        call.answer()?;
        return call.bridge(&owner).run().map(drop);
    }
    call.answer()?;
    call.say(settings.greeting)?;
    take(&call)
}

/// Messages in the order in which they came: the recording's name, and who it is from.
fn take(call: &Call) -> Result<()> {
    let name = format!("{:015}-{:04x}", time::now(), random::below(1 << 16));
    let recorded = call.record().name(&name).beep().max(Duration::from_secs(120)).finish("#").run();
    match &recorded {
        // Nearly everybody ends a message like this; the store is still there.
        Err(Error::HungUp(_)) => kv::set(&name, call.info().caller)?,
        Ok(message) if message.length > SHORTEST => {
            kv::set(&name, call.info().caller)?;
            call.say("Merci, votre message est enregistré.")?;
        }
        _ => {}
    }
    recorded.map(drop)
}

fn listen(call: &Call) -> Result<()> {
    call.answer()?;
    let messages = kv::keys("", "", 100)?;
    call.say(match messages.len() {
        0 => "Vous n'avez pas de message.".to_owned(),
        1 => "Vous avez un message.".to_owned(),
        count => format!("Vous avez {count} messages."),
    })?;
    for name in messages {
        let from = kv::get(&name)?.unwrap_or_default();
        call.say(format!("Message de {}.", spelled(&String::from_utf8_lossy(&from))))?;
        loop {
            let help = "Pour réécouter, un. Pour effacer, trois. Message suivant, dièse.";
            let chosen = call.gather().recording(&name).say(help).max(1).finish("").run()?;
            match chosen.digits.as_str() {
                "1" => continue,
                "3" => {
                    kv::delete(&name)?;
                    call.say("Effacé.")?;
                }
                _ => {}
            }
            break;
        }
    }
    call.say("Fin des messages. Au revoir.")
}

/// In pairs, as one reads out a number.
fn spelled(number: &str) -> String {
    let words = Language::of("fr").map(|fr| fr.phone(number)).filter(|words| !words.is_empty());
    words.unwrap_or("un numéro masqué".into())
}
