//! `jackfield bindings`: the contract, for languages that have it generated.

use std::path::PathBuf;

use crate::{author::bindings, daemon::Failure};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Header, source and type section in C: sdk/c/build does this and the rest.
    C {
        /// Where to write them.
        folder: PathBuf,
        /// Of the contract: call-app, tts-provider or background-service.
        #[arg(long, default_value = "call-app")]
        world: String,
    },
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let Command::C { folder, world } = command;
    Ok(bindings::write_c(world, folder)?)
}
