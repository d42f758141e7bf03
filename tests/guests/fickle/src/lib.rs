//! A service that counts its starts in the state that it hands on, and fails when its settings say so.

use std::time::Duration;

use jackfield_sdk::{
    Error, Result,
    events::{self, Event},
    info, time,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    /// Seconds until it fails; never, if not set.
    #[serde(default)]
    fails_after: Option<u64>,
    /// It does not listen when it is asked to stop.
    #[serde(default)]
    deaf: bool,
}

#[jackfield_sdk::service]
fn run(saved: Option<Vec<u8>>, settings: Settings) -> Result<Option<Vec<u8>>> {
    let starts = saved.as_deref().and_then(|saved| saved.first()).map_or(1, |starts| starts + 1);
    info!("start {starts}");
    if let Some(after) = settings.fails_after {
        time::sleep(Duration::from_secs(after));
        return Err(Error::Other("fickle fails, as it should".into()));
    }
    if settings.deaf {
        loop {
            time::sleep(Duration::from_secs(3600));
        }
    }
    while !matches!(events::next(), Event::Stop(_)) {}
    Ok(Some(vec![starts]))
}
