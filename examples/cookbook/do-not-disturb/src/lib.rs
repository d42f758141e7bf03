//! `*78` and nobody rings you any more, `*79` and they do. Stands before the numbers of its users.

use std::{collections::BTreeMap, time::Duration};

use jackfield_sdk::{BridgeEnd, Call, DialEnd, HangupCause, Result, kv};
use serde::Deserialize;

const ON: &str = "*78";
const OFF: &str = "*79";

const BUSY: u16 = 486;
const UNAVAILABLE: u16 = 480;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Names by numbers.
    users: BTreeMap<String, String>,
}

#[jackfield_sdk::app]
fn handle(call: Call, settings: Settings) -> Result<()> {
    let info = call.info();
    match info.callee.as_str() {
        ON | OFF if !settings.users.contains_key(&info.caller) => call.reject(UNAVAILABLE),
        ON => {
            kv::set(&info.caller, "on")?;
            call.answer()?;
            call.say("Ne pas déranger est activé.")
        }
        OFF => {
            kv::delete(&info.caller)?;
            call.answer()?;
            call.say("Ne pas déranger est désactivé.")
        }
        number => match settings.users.get(number) {
            Some(_) if kv::get(number)?.is_some() => {
                call.set_result("do-not-disturb", "on")?;
                call.reject(BUSY)
            }
            Some(user) => ring(&call, user),
            None => call.reject(404),
        },
    }
}

/// As the exchange would without us.
fn ring(call: &Call, user: &str) -> Result<()> {
    call.ring()?;
    match call.dial(user).timeout(Duration::from_secs(30)).run()? {
        DialEnd::Answered(other) => {
            call.answer()?;
            match call.bridge(&other).run()? {
                BridgeEnd::OtherHungUp(_) => call.hangup(""),
                _ => Ok(()),
            }
        }
        DialEnd::Failed(end) if end.cause == HangupCause::Busy => call.reject(BUSY),
        DialEnd::Failed(_) => call.reject(UNAVAILABLE),
    }
}
