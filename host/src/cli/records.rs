//! `jackfield records`: what became of the calls.

use std::path::{Path, PathBuf};

use super::output;
use crate::{config, control::Request, daemon::Failure};

/// Which records, and where to.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only the newest so many.
    #[arg(long, default_value_t = 100_000)]
    limit: u32,
    /// Only calls that began at that time or later (RFC 3339: `2026-11-23T07:18:00+01:00`).
    #[arg(long)]
    since: Option<jiff::Timestamp>,
    /// Where to; `-` or nothing: standard output.
    file: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, config: &Path) -> Result<(), Failure> {
    let Arguments { limit, since, file } = arguments;
    let since = since.map_or(0, |since| since.as_millisecond().max(0) as u64);
    let socket = config::control_socket(config)?;
    output::fetch(&socket, &Request::Records { since, limit }, file.as_deref()).await
}
