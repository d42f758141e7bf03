//! `jackfield events`: what happened to the calls.

use std::path::{Path, PathBuf};

use super::output;
use crate::{config, control::Request, daemon::Failure};

/// Which events, and where to.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A call, by its id or by its linked id; nothing: all calls.
    call: Option<String>,
    /// Only the newest so many.
    #[arg(long, default_value_t = 100_000)]
    limit: u32,
    /// Where to; `-` or nothing: standard output.
    #[arg(long)]
    output: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, config: &Path) -> Result<(), Failure> {
    let Arguments { call, limit, output } = arguments;
    let request = Request::Events { of: call, limit };
    output::fetch(&config::control_socket(config)?, &request, output.as_deref()).await
}
