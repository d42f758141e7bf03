//! Rings the desk while it is open, and says when it is while it is not.

use std::{collections::BTreeMap, time::Duration};

use jackfield_sdk::{
    Call, DialEnd, Result,
    settings::Finding,
    time::{self, LocalTime},
};
use serde::Deserialize;

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// IANA's name.
    zone: String,
    desk: String,
    /// What is said when it is closed.
    closed: String,
    /// `MM-DD`
    holidays: Vec<String>,
    /// `HH:MM-HH:MM` by the day's name; a day that is missing is closed.
    hours: BTreeMap<String, Vec<String>>,
}

#[jackfield_sdk::app(validate = check)]
fn handle(call: Call, settings: Settings) -> Result<()> {
    let now = time::local(time::now(), &settings.zone);
    if !now.is_some_and(|now| is_open(&settings, &now)) {
        call.set_result("desk", "closed")?;
        call.answer()?;
        return call.say(settings.closed);
    }
    call.set_result("desk", "open")?;
    call.ring()?;
    match call.dial(&settings.desk).timeout(Duration::from_secs(30)).run()? {
        DialEnd::Answered(desk) => {
            call.answer()?;
            call.bridge(&desk).run().map(drop)
        }
        DialEnd::Failed(_) => {
            call.answer()?;
            call.say("Toutes nos lignes sont occupées. Merci de rappeler dans quelques minutes.")
        }
    }
}

fn is_open(settings: &Settings, now: &LocalTime) -> bool {
    let date = format!("{:02}-{:02}", now.month, now.day);
    if settings.holidays.contains(&date) {
        return false;
    }
    let minute = u16::from(now.hour) * 60 + u16::from(now.minute);
    let day = DAYS.get(usize::from(now.weekday) - 1).and_then(|day| settings.hours.get(*day));
    day.into_iter().flatten().filter_map(|span| minutes(span)).any(|(from, to)| (from..to).contains(&minute))
}

/// `09:00-12:30` as minutes of the day.
fn minutes(span: &str) -> Option<(u16, u16)> {
    let minute = |clock: &str| {
        let (hour, minute) = clock.trim().split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
    };
    let (from, to) = span.split_once('-')?;
    Some((minute(from)?, minute(to)?)).filter(|(from, to)| from < to)
}

fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if time::local(0, &settings.zone).is_none() {
        findings
            .push(Finding::at(["zone"], "there is no such time zone").help("write zone = \"Europe/Paris\""));
    }
    for (day, spans) in &settings.hours {
        if !DAYS.contains(&day.as_str()) {
            findings.push(
                Finding::at(["hours", day.as_str()], "is no day")
                    .help(format!("days are {}", DAYS.join(", "))),
            );
        }
        for (at, _) in spans.iter().enumerate().filter(|(_, span)| minutes(span).is_none()) {
            let path = ["hours".to_owned(), day.clone(), at.to_string()];
            findings.push(Finding::at(path, "is no span of time").help("write \"09:00-12:30\""));
        }
    }
    findings
}
