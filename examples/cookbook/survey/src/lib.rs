//! Asks questions that are answered from 1 to 5, and counts the answers.

use std::time::Duration;

use jackfield_sdk::{Call, Result, kv};
use serde::Deserialize;

const ATTEMPTS: usize = 3;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    welcome: String,
    questions: Vec<String>,
    thanks: String,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    call.answer()?;
    call.say(settings.welcome)?;
    for (number, question) in (1..).zip(&settings.questions) {
        let Some(answer) = ask(&call, question)? else { continue };
        // Each answer counts at once: who hangs up has still answered what came before.
        kv::add(&format!("q{number}/{answer}"), 1)?;
        call.set_result(&format!("q{number}"), &answer)?;
    }
    call.say(settings.thanks)
}

/// None: the caller does not want to answer.
fn ask(call: &Call, question: &str) -> Result<Option<String>> {
    for _ in 0..ATTEMPTS {
        let got = call.gather().say(question).max(1).first_timeout(Duration::from_secs(5)).run()?;
        if ("1"..="5").contains(&got.digits.as_str()) {
            return Ok(Some(got.digits));
        }
    }
    Ok(None)
}
