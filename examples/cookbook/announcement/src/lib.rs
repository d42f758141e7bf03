//! Says the day, the hour and what a customer's account holds, in words that a voice cannot get wrong.

use jackfield_sdk::{
    Call, Error, Result,
    events::{self, Event},
    kv,
    settings::Finding,
    spoken::{Currency, Decimal, Language},
    time, warn,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    zone: String,
    /// `fr-FR`, `fr-BE`, `fr-CH`.
    language: String,
}

#[jackfield_sdk::app(validate = check)]
fn handle(call: Call, settings: Settings) -> Result<()> {
    let words = Language::of(&settings.language).ok_or(Error::Invalid("language".into()))?;
    call.answer()?;
    if let Some(now) = time::local(time::now(), &settings.zone) {
        let day = words.day(now.year, now.month, now.day).unwrap_or_default();
        let hour = words.time(now.hour, now.minute).unwrap_or_default();
        call.say(format!("Nous sommes le {day}, il est {hour}."))?;
    }
    let balance = kv::get(&call.info().caller)?.unwrap_or_default();
    match String::from_utf8_lossy(&balance).parse::<Decimal>() {
        Ok(balance) => call.say(format!("Votre solde est de {}.", words.amount(balance, Currency::Euro)))?,
        Err(_) => call.say("Nous ne connaissons pas votre numéro.")?,
    }
    call.say("Au revoir.")
}

/// The accounts come from outside: `jackfield send announcement balance "0612345678 21,50"`.
#[jackfield_sdk::service(beside)]
fn run(_: Option<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    loop {
        match events::next() {
            Event::Message(message) if message.topic == "balance" => {
                let body = String::from_utf8_lossy(&message.body);
                match body.split_once(' ') {
                    Some((number, balance)) if balance.parse::<Decimal>().is_ok() => {
                        kv::set(number, balance)?
                    }
                    _ => warn!("\"{body}\" is no balance: write `0612345678 21,50`"),
                }
            }
            Event::Stop(_) => return Ok(None),
            _ => {}
        }
    }
}

fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if Language::of(&settings.language).is_none() {
        findings
            .push(Finding::at(["language"], "its numbers are not known").help("write language = \"fr-FR\""));
    }
    if time::local(0, &settings.zone).is_none() {
        findings
            .push(Finding::at(["zone"], "there is no such time zone").help("write zone = \"Europe/Paris\""));
    }
    findings
}
