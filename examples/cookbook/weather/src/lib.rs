//! The weather of a place by its postcode, from a service that answers in JSON.

use std::time::Duration;

use jackfield_sdk::{Call, Error, Result, http::Request, kv, settings::Time, warn};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// `{postcode}` is what was typed.
    url: String,
    /// How long an answer is good enough for the next caller.
    keep: Time,
}

/// What the service knows of a place.
#[derive(Deserialize)]
struct Weather {
    place: String,
    sky: String,
    degrees: f32,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    call.answer()?;
    loop {
        let typed = call.gather().say("Votre code postal, s'il vous plaît.").max(5).run()?;
        if typed.digits.is_empty() {
            return call.say("Au revoir.");
        }
        match weather(&settings, &typed.digits) {
            Ok(Some(Weather { place, sky, degrees })) => {
                call.set_result("place", &place)?;
                return call.say(format!("{place}: {sky}, {} degrés.", degrees.round()));
            }
            Ok(None) => call.say("Nous ne connaissons pas ce code.")?,
            Err(error) => {
                // For the operator; the caller hears that it is not his fault.
                warn!("no weather for {}: {error}", typed.digits);
                return call.say("La météo n'est pas disponible. Merci de rappeler plus tard.");
            }
        }
    }
}

/// None: there is no such place.
fn weather(settings: &Settings, postcode: &str) -> Result<Option<Weather>> {
    if let Some(kept) = kv::get(postcode)? {
        return Ok(Some(serde_json::from_slice(&kept)?));
    }
    let url = settings.url.replace("{postcode}", postcode);
    let answer =
        Request::get(url).header("Accept", "application/json").timeout(Duration::from_secs(3)).send()?;
    match answer.status {
        200 => {
            let weather = serde_json::from_slice(&answer.body)?;
            kv::set_for(*settings.keep, postcode, &answer.body)?;
            Ok(Some(weather))
        }
        404 => Ok(None),
        status => Err(Error::Unavailable(format!("the service answered {status}"))),
    }
}
