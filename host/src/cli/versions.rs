//! Versions of plugins: which are live, which still drain, and which can be gone back to.

use std::path::Path;

use jackfield_plugin::PluginState;
use jiff::{Timestamp, tz::TimeZone};

use super::ask;
use crate::{
    control::{Answer, Request},
    daemon::Failure,
    plugins::{KeptVersion, Origin, Shown},
};

/// What new calls get, what older ones are on, and what was refused.
pub(super) async fn live(file: &Path) -> Result<(), Failure> {
    let Answer::Plugins(plugins) = ask(file, &Request::Plugins).await? else { return Ok(()) };
    println!(
        "{:<16} {:<10} {:>6} {:<10} {:<10} {:<19} calls",
        "plugin", "version", "load", "state", "sha256", "since"
    );
    for Shown { plugin, since, origin, waits } in plugins {
        let state = format!("{:?}", plugin.state).to_lowercase();
        println!(
            "{:<16} {:<10} {:>6} {state:<10} {:<10} {:<19} {}",
            plugin.name,
            plugin.version,
            format!("v{}", plugin.number),
            short(&plugin.sha256),
            since.map_or_else(|| "-".to_owned(), local),
            plugin.calls
        );
        let is_live = plugin.state != PluginState::Draining;
        match origin {
            Origin::Back(to) if is_live => {
                println!("    rolled back to v{to}; the next change of its folder goes live");
            }
            Origin::Kept if is_live => {
                println!("    what was live before the start: its folder was refused");
            }
            _ => {}
        }
        if let Some(waits) = waits {
            println!("    its newest files wait: {waits}");
        }
        if let Some(error) = plugin.error {
            println!("    the newest files were refused: {error}");
        }
    }
    Ok(())
}

pub(super) async fn kept(file: &Path, plugin: String) -> Result<(), Failure> {
    let Answer::Versions(versions) = ask(file, &Request::Versions { plugin }).await? else { return Ok(()) };
    println!("{:>6} {:<10} {:<10} {:<19}", "load", "version", "sha256", "since");
    for kept in versions.kept.iter().rev() {
        let KeptVersion { number, version, sha256, since, back_to, .. } = kept;
        let back = back_to.map_or(String::new(), |to| format!("  the files of v{to}"));
        let live = if versions.live == Some(*number) { "  live" } else { "" };
        let (number, since) = (format!("v{number}"), local(*since));
        println!("{number:>6} {version:<10} {:<10} {since:<19}{live}{back}", short(sha256));
    }
    Ok(())
}

pub(super) async fn roll_back(file: &Path, plugin: String, to: Option<&str>) -> Result<(), Failure> {
    let number = |text: &str| text.strip_prefix('v').unwrap_or(text).parse::<u64>();
    let to = to.map(|text| number(text).map_err(|_| format!("`{text}` is no version; write it as v3")));
    let request = Request::RollBack { plugin: plugin.clone(), to: to.transpose()? };
    let Answer::RolledBack(done) = ask(file, &request).await? else { return Ok(()) };
    let KeptVersion { version, sha256, .. } = &done.to;
    let stay = match done.former {
        Some((former, calls)) if calls > 0 => format!(", {calls} calls stay on v{former}"),
        _ => String::new(),
    };
    let (origin, number) = (done.to.origin(), done.number);
    println!("{plugin}: v{origin} ({version}, sha {}) is live again, as v{number}{stay}", short(sha256));
    match done.is_folder {
        true => println!("These are the files of its folder, which it follows again."),
        false => {
            println!("It stays, also after a restart, until a file of its folder changes: that goes live.")
        }
    }
    Ok(())
}

fn short(sha256: &str) -> &str {
    sha256.get(..8).unwrap_or("-")
}

/// In the operator's time zone.
fn local(unix_milliseconds: u64) -> String {
    let time = i64::try_from(unix_milliseconds).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
    let time = time.map(|time| time.to_zoned_datetime(TimeZone::system()));
    time.map_or_else(|| "-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
