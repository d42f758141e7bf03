//! `jackfield replay`: past calls, run again by the version that they had or by another one.

mod report;
mod versions;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use jackfield_plugin::{
    Span,
    journal::{Record, Way},
};

use self::{
    report::Report,
    versions::{Versions, With},
};
use crate::{
    config,
    daemon::Failure,
    journal::{self, Wanted},
    plugins::unix_now,
};

/// Which calls, and by which version.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The call's id, as `records` and the log show it.
    call: Option<String>,
    /// Calls that began at most so long ago: `90m`, `12h`, `7d`.
    #[arg(long, value_parser = span)]
    since: Option<Span>,
    /// Only calls of this plugin, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    plugin: Option<String>,
    /// Run this version instead of the recorded one: a plugin's folder, with its settings and those of the
    /// configuration, or a file of code (or a script), with the settings that were recorded.
    #[arg(long, value_name = "FOLDER|FILE")]
    with: Option<PathBuf>,
    /// Only name the recorded calls.
    #[arg(long)]
    list: bool,
    /// Tell every decision of a call.
    #[arg(long)]
    verbose: bool,
}

fn span(text: &str) -> Result<Span, String> {
    text.parse()
}

/// Replays, and fails when something differs.
pub(super) fn run(arguments: &Arguments, file: &Path) -> Result<(), Failure> {
    if arguments.call.is_none() && arguments.since.is_none() && !arguments.list {
        return Err(
            "which calls? Name one (`jackfield replay --list` shows them), or say `--since 7d`".into()
        );
    }
    let config = config::load(file)?;
    let folder = journal::folder_of(&config);
    let with = arguments.with.as_deref().map(|path| With::open(path, &config)).transpose()?;
    let plugin = match (&arguments.plugin, &with) {
        (Some(name), _) => Some(name.clone()),
        (None, Some(with)) => with.plugin(&config)?,
        (None, None) => None,
    };
    let since = arguments.since.map_or(Duration::ZERO, |since| unix_now().saturating_sub(since.0));
    let wanted = Wanted { since: since.as_millis() as u64, call: arguments.call.clone(), plugin };
    let failed = |error: io::Error| format!("{}: {error}", folder.display());

    let mut out = io::stdout().lock();
    if arguments.list {
        let mut all = Ok(());
        let skipped = journal::read(&folder, &wanted, |record| {
            if all.is_ok() {
                all = writeln!(out, "{}", report::line(&record));
            }
        });
        all?;
        write!(out, "{}", report::skipped(&skipped.map_err(failed)?))?;
        return Ok(());
    }

    let way = if with.is_some() { Way::Otherwise } else { Way::Identical };
    let mut versions = Versions::new(&folder, with, &config)?;
    let mut report = Report::new(way, arguments.verbose);
    let mut all = Ok(());
    let skipped = journal::read(&folder, &wanted, |record| {
        if all.is_ok() {
            let replayed = replay(&mut versions, &record, way);
            all = write!(out, "{}", report.add(&record, replayed));
        }
    });
    all?;
    let skipped = skipped.map_err(failed)?;
    if report.calls() == 0 {
        return Err(nothing(&wanted, &folder, config.journal.record, &report::skipped(&skipped)).into());
    }
    write!(out, "{}{}", report.end(), report::skipped(&skipped))?;
    match report.verdict() {
        Some(verdict) => Err(verdict.into()),
        None => Ok(()),
    }
}

fn replay(
    versions: &mut Versions<'_>,
    record: &Record,
    way: Way,
) -> Result<jackfield_plugin::journal::Replayed, String> {
    let version = versions.of(&record.head)?;
    record.replay(&version, way).map_err(|damaged| damaged.to_string())
}

/// Why there is nothing to replay.
fn nothing(wanted: &Wanted, folder: &Path, records: bool, skipped: &str) -> String {
    let of = wanted.plugin.as_ref().map_or(String::new(), |plugin| format!(" of plugin {plugin}"));
    let what = match &wanted.call {
        Some(call) => format!("no recorded call{of} has the id {call}"),
        None => format!("there are no recorded calls{of} of that time"),
    };
    let help = match records {
        true => "`jackfield replay --list` shows those that there are",
        false => "calls are recorded where the configuration says `record = true` in [journal]",
    };
    format!("{what} in {}: {help}\n{skipped}", folder.display()).trim_end().to_owned()
}
