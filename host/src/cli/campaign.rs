//! `jackfield campaign`: lists of contacts, for the running exchange.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::Subcommand;
use jiff::{Timestamp, tz::TimeZone};

use super::output;
use crate::{
    campaign::{Fault, MAX_FILE, Refused},
    config,
    control::{
        self, Answer, Request,
        campaigns::{Campaign, Start, Started},
    },
    daemon::Failure,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Call the contacts of a CSV file with the columns NAME and NUMBER; rows that cannot be called are named.
    Start {
        /// As in [config.campaigns.NAME] of a plugin.
        name: String,
        /// The CSV file.
        file: PathBuf,
        /// Add the contacts to a campaign that has some already.
        #[arg(long)]
        add: bool,
        /// The plugin that runs it, where several have a campaign of that name.
        #[arg(long)]
        plugin: Option<String>,
    },
    /// How far the campaigns are.
    Status {
        /// Only this one.
        name: Option<String>,
    },
    /// Call nobody until `resume`; calls in progress go on.
    Pause {
        /// The campaign.
        name: String,
    },
    /// Go on.
    Resume {
        /// The campaign.
        name: String,
    },
    /// The results as CSV: one row for each contact.
    Export {
        /// The campaign.
        name: String,
        /// Where to; `-` or nothing: standard output.
        file: Option<PathBuf>,
    },
}

/// Does what the command says at the running exchange.
pub async fn run(command: Command, config: &Path) -> Result<(), Failure> {
    let socket = config::control_socket(config)?;
    match command {
        Command::Start { name, file, add, plugin } => {
            let content = read(&file)?;
            let file = file.display().to_string();
            let start = Start { campaign: name.clone(), plugin, file: file.clone(), add };
            let request = Request::StartCampaign { start, bytes: content.len() as u64 };
            if let Answer::Started(started) = control::send(&socket, &request, &content).await? {
                report(&name, &file, &started);
            }
        }
        Command::Status { name } => {
            if let Answer::Campaigns(campaigns) = control::ask(&socket, &Request::Campaigns { name }).await? {
                table(&campaigns);
            }
        }
        Command::Pause { name } => {
            let campaign = pause(&socket, name, true).await?;
            let calling = campaign.status.calling;
            println!("{}: paused; {} in progress go on", campaign.status.name, count(calling, "call"));
        }
        Command::Resume { name } => {
            let campaign = pause(&socket, name, false).await?;
            let waiting = count(campaign.status.waiting, "contact");
            println!("{}: goes on; {waiting} to call{}", campaign.status.name, unserved(&campaign));
        }
        Command::Export { name, file } => {
            output::fetch(&socket, &Request::ExportCampaign { name }, file.as_deref()).await?;
        }
    }
    Ok(())
}

async fn pause(socket: &Path, name: String, paused: bool) -> Result<Campaign, Failure> {
    match control::ask(socket, &Request::PauseCampaign { name, paused }).await? {
        Answer::Campaigns(mut campaigns) if campaigns.len() == 1 => Ok(campaigns.remove(0)),
        other => Err(format!("the daemon answered with something else: {other:?}").into()),
    }
}

/// The file, if it is of a size that will be taken.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let place = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("{}: the file does not exist", file.display()),
        io::ErrorKind::IsADirectory => format!("{}: this is a folder; name a CSV file in it", file.display()),
        _ => format!("{}: it cannot be read: {error}", file.display()),
    };
    let mut content = Vec::new();
    File::open(file).and_then(|open| open.take(MAX_FILE + 1).read_to_end(&mut content)).map_err(place)?;
    if content.len() as u64 > MAX_FILE {
        return Err(Refused { file: file.display().to_string(), fault: Fault::Size }.into());
    }
    Ok(content)
}

/// Every row that will not be called, then what was stored.
fn report(name: &str, file: &str, started: &Started) {
    for row in &started.skipped {
        println!("{file}:{}: skipped: {}", row.line, row.why);
    }
    for (line, number, former) in &started.imported.duplicates {
        let former = match former {
            0 => "the campaign has it already".to_owned(),
            line => format!("line {line} has it already"),
        };
        println!("{file}:{line}: duplicate, not called again: {number}; {former}");
    }
    let added = count(started.imported.added, "contact");
    let duplicates = count(started.imported.duplicates.len() as u64, "duplicate");
    let skipped = count(started.skipped.len() as u64, "row");
    println!("{name}: {added} to call by the plugin {}; {duplicates}, {skipped} skipped", started.plugin);
    if started.paused {
        println!("{name} is paused: `jackfield campaign resume {name}`");
    }
}

fn table(campaigns: &[Campaign]) {
    println!(
        "{:<20} {:<12} {:<10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}  next call",
        "campaign", "plugin", "state", "contacts", "waiting", "calling", "finished", "attempts", "answered"
    );
    for campaign in campaigns {
        let status = &campaign.status;
        let finished: u64 = status.outcomes.values().sum();
        println!(
            "{:<20} {:<12} {:<10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}  {}",
            status.name,
            status.plugin,
            state(campaign),
            status.contacts,
            status.waiting,
            status.calling,
            finished,
            status.attempts,
            status.answered,
            status.next_due.map_or("-".to_owned(), local),
        );
        let outcomes: Vec<String> =
            status.outcomes.iter().map(|(outcome, number)| format!("{outcome} {number}")).collect();
        if !outcomes.is_empty() {
            println!("    {}", outcomes.join(", "));
        }
        if !campaign.served && status.waiting > 0 {
            println!("    nobody calls{}", unserved(campaign));
        }
    }
}

fn state(campaign: &Campaign) -> &'static str {
    let status = &campaign.status;
    match status {
        _ if status.waiting + status.calling == 0 => "done",
        _ if status.paused => "paused",
        _ if !campaign.served => "no plugin",
        _ => "running",
    }
}

/// Why nobody is called, though the campaign is not paused.
fn unserved(campaign: &Campaign) -> String {
    let (name, plugin) = (&campaign.status.name, &campaign.status.plugin);
    match campaign.served {
        true => String::new(),
        false => {
            format!(": the plugin {plugin} is not live, or has no campaign {name} in its settings any more")
        }
    }
}

/// `2026-11-23 07:18:00`
fn local(millis: u64) -> String {
    let timestamp = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let time = timestamp.map(|timestamp| timestamp.to_zoned_datetime(TimeZone::system()));
    time.map_or("-".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

/// `1 contact`, `2 contacts`
fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
