//! `jackfield dev`: the loop of whoever writes a plugin.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use crate::{
    daemon::Failure,
    dev::{self, Options},
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The plugin's folder, with `plugin.toml`.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where phones reach the exchange, `ADDRESS` or `ADDRESS:PORT`; every address of this machine unless said, and
    /// the port of last time, or one that is free.
    #[arg(long, value_parser = address)]
    listen: Option<SocketAddr>,
    /// Do not run the cases after each change.
    #[arg(long)]
    no_cases: bool,
    /// The folder of another plugin that speaks.
    #[arg(long, value_name = "FOLDER")]
    voice: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { folder, listen, no_cases, voice } = arguments;
    dev::run(Options { folder, listen, cases: !no_cases, voice }).await
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let ip = || text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    text.parse()
        .or_else(|_| ip())
        .map_err(|_| "write an address, such as 127.0.0.1 or 127.0.0.1:5070".to_owned())
}
