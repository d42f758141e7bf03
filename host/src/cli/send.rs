//! `jackfield send`: a message of the operator to a plugin.

use std::{
    io::{self, Read},
    path::Path,
};

use crate::{control::Request, daemon::Failure};

/// Bytes of a body: with its escapes it fits into a request.
const MAX_BODY: usize = 16 << 10;

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Its key in the configuration.
    plugin: String,
    /// What the message is about; the plugin knows which there are.
    topic: String,
    /// The message; `-` reads it from the standard input. Empty, where it is missing.
    #[arg(default_value = "", hide_default_value = true)]
    body: String,
}

pub(super) async fn run(arguments: Arguments, file: &Path) -> Result<(), Failure> {
    let Arguments { plugin, topic, mut body } = arguments;
    if body == "-" {
        body.clear();
        io::stdin().take(MAX_BODY as u64 + 1).read_to_string(&mut body)?;
    }
    if topic.len() + body.len() > MAX_BODY {
        return Err(format!("a message has at most {} KiB", MAX_BODY >> 10).into());
    }
    super::ask(file, &Request::Send { plugin, topic, body }).await.map(drop)
}
