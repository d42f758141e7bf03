//! Greets callers, and says which key they pressed.

use std::time::Duration;

use jackfield_sdk::{Call, Result, Speech, info};

/// `[config]` of plugin.toml.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    greeting: String,
    language: String,
}

/// One call, from its first ring to its end. It has an instance of its own, so it may take its time.
#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    let speech = |text: &str| Speech::new(text).lang(&settings.language);
    call.answer()?;
    call.say(speech(&settings.greeting))?;
    let pressed = call
        .gather()
        .say(speech("Please press a key."))
        .max(1)
        .first_timeout(Duration::from_secs(5))
        .run()?;
    if !pressed.digits.is_empty() {
        info!("a key was pressed"; key = pressed.digits);
        call.say(speech(&format!("You pressed {}.", pressed.digits)))?;
    }
    call.say(speech("Goodbye."))
}
