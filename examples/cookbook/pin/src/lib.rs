//! A number that opens with a code only. Who has typed three wrong ones waits, on whichever line he tries next.

use std::time::Duration;

use jackfield_sdk::{
    Call, DialEnd, GatherEnd, Result, kv,
    settings::{Finding, Time},
};
use serde::Deserialize;

const TRIES: u8 = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    /// Digits.
    code: String,
    /// Who is rung when it was right.
    target: String,
    locked_for: Time,
}

#[jackfield_sdk::app(validate = check)]
fn handle(call: Call, settings: Settings) -> Result<()> {
    call.answer()?;
    // Kept outside of the call: to hang up and call again does not help.
    let key = format!("wrong/{}", call.info().caller);
    let mut wrong = kv::get(&key)?.and_then(|count| count.first().copied()).unwrap_or_default();
    while wrong < TRIES {
        let typed = call.gather().say("Votre code, puis dièse.").max(16).finish("#").run()?;
        if typed.ended_by == GatherEnd::FirstTimeout {
            return call.say("Au revoir.");
        }
        if typed.digits == settings.code {
            kv::delete(&key)?;
            return put_through(&call, &settings);
        }
        wrong += 1;
        kv::set_for(*settings.locked_for, &key, [wrong])?;
        call.say("Code incorrect.")?;
    }
    call.set_result("pin", "locked")?;
    call.say("Trop d'essais. Rappelez plus tard.")
}

fn put_through(call: &Call, settings: &Settings) -> Result<()> {
    call.set_result("pin", "right")?;
    match call.dial(&settings.target).timeout(Duration::from_secs(20)).run()? {
        DialEnd::Answered(other) => call.bridge(&other).run().map(drop),
        DialEnd::Failed(_) => call.say("Personne ne répond."),
    }
}

fn check(settings: &Settings) -> Vec<Finding> {
    let is_code = |code: &str| !code.is_empty() && code.bytes().all(|digit| digit.is_ascii_digit());
    match is_code(&settings.code) {
        true => Vec::new(),
        false => vec![Finding::at(["code"], "is typed on a telephone").help("write digits: code = \"4711\"")],
    }
}
