//! Type an hour, and you are called then; who does not answer is called again, twice.

use std::time::Duration;

use jackfield_sdk::{
    Call, Result, dialer,
    events::{self, Event},
    kv,
    settings::Finding,
    spoken::Language,
    time::{self, LocalTime},
    warn,
};
use serde::Deserialize;

const CALLS: u8 = 3;
const PAUSE: u32 = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// IANA's name: the hours that people type are of there.
    zone: String,
}

#[jackfield_sdk::app(validate = check)]
fn handle(call: Call, settings: Settings) -> Result<()> {
    if let Some(number) = call.info().arg("wake") {
        return wake(&call, number, &settings);
    }
    let number = call.info().caller;
    call.answer()?;
    loop {
        let ask = "À quelle heure ? Quatre chiffres. Pour annuler, étoile.";
        let typed = call.gather().say(ask).min(0).max(4).finish("*").run()?;
        match typed.digits.as_bytes() {
            [] if typed.ended_by == jackfield_sdk::GatherEnd::FinishDigit => {
                kv::delete(&number)?;
                return call.say("Votre réveil est annulé.");
            }
            [] => return call.say("Au revoir."),
            &[h1, h2, m1, m2] if is_hour([h1, h2, m1, m2]) => {
                kv::set(&number, format!("{} 0", typed.digits))?;
                let pair = |tens: u8, ones: u8| (tens - b'0') * 10 + ones - b'0';
                let at = words(pair(h1, h2), pair(m1, m2));
                return call.say(format!("Vous serez réveillé à {at}. Bonne nuit."));
            }
            _ => call.say("Cette heure n'existe pas.")?,
        }
    }
}

fn wake(call: &Call, number: &str, settings: &Settings) -> Result<()> {
    kv::delete(number)?;
    let now = time::local(time::now(), &settings.zone);
    let hour = now.map_or(String::new(), |now| format!("Il est {}. ", words(now.hour, now.minute)));
    call.gather().say(format!("Bonjour ! {hour}Pour arrêter, appuyez sur une touche.")).max(1).run()?;
    call.say("Bonne journée.")
}

/// Looks twice a minute. What is kept is an hour and how often was called, so that neither a restart nor the change
/// of the clock in spring wakes anybody at the wrong time.
#[jackfield_sdk::service(beside)]
fn run(_: Option<Vec<u8>>, settings: Settings) -> Result<Option<Vec<u8>>> {
    loop {
        if let Some(Event::Stop(_)) = events::next_within(Duration::from_secs(30)) {
            return Ok(None);
        }
        let Some(now) = time::local(time::now(), &settings.zone) else { continue };
        for number in kv::keys("", "", 1000)? {
            let order = kv::get(&number)?.unwrap_or_default();
            let order = String::from_utf8_lossy(&order);
            match order.split_once(' ') {
                Some((at, calls)) if at == clock(&now, 0) => {
                    ring(&number, calls.parse().unwrap_or(CALLS), &now)?
                }
                _ => {}
            }
        }
    }
}

fn ring(number: &str, calls: u8, now: &LocalTime) -> Result<()> {
    // First written, then done: whatever happens to us, nobody is called for ever.
    match calls + 1 < CALLS {
        true => kv::set(number, format!("{} {}", clock(now, PAUSE), calls + 1))?,
        false => drop(kv::delete(number)?),
    }
    let launch = dialer::launch(number, "wake-up").arg("wake", number).caller_name("Réveil");
    if let Err(error) = launch.ring(Duration::from_secs(40)).run() {
        warn!("{number} is not called: {error}");
    }
    Ok(())
}

fn is_hour(digits: [u8; 4]) -> bool {
    digits.iter().all(u8::is_ascii_digit) && digits[..2] < b"24"[..] && digits[2] < b'6'
}

/// "six heures trente"
fn words(hour: u8, minute: u8) -> String {
    Language::of("fr").and_then(|fr| fr.time(hour, minute)).unwrap_or_default()
}

/// `HHMM`, so many minutes from then.
fn clock(now: &LocalTime, minutes: u32) -> String {
    let minute = (u32::from(now.hour) * 60 + u32::from(now.minute) + minutes) % (24 * 60);
    format!("{:02}{:02}", minute / 60, minute % 60)
}

fn check(settings: &Settings) -> Vec<Finding> {
    match time::local(0, &settings.zone) {
        Some(_) => Vec::new(),
        None => {
            vec![Finding::at(["zone"], "there is no such time zone").help("write zone = \"Europe/Paris\"")]
        }
    }
}
