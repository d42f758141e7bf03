//! `jackfield voices` and `jackfield say`: of the running exchange, or of the file alone.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use jackfield_plugin::Speech;

use super::{ask, output};
use crate::{
    config,
    control::{self, Answer, Request, speech::Provider},
    daemon::{self, Failure},
};

/// What is said, and where to.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    text: String,
    /// BCP 47; the provider's own language unless said.
    #[arg(long, default_value = "")]
    lang: String,
    /// By the name that `jackfield voices` shows; that of the language unless said.
    #[arg(long, default_value = "")]
    voice: String,
    /// The text is SSML.
    #[arg(long)]
    ssml: bool,
    /// A WAV file; `-` or nothing: standard output.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) async fn say(arguments: Arguments, file: &Path) -> Result<(), Failure> {
    let Arguments { text, lang, voice, ssml, out } = arguments;
    let socket = config::control_socket(file)?;
    if control::is_served(&socket) {
        let request = Request::Say { text, lang, voice, ssml };
        return output::fetch(&socket, &request, out.as_deref()).await;
    }
    let desk = daemon::speech_desk(file).await?;
    let wav = desk.say(Speech { text, lang, voice, ssml }).await?;
    match out.filter(|out| out != Path::new("-")) {
        Some(out) => {
            fs::write(&out, wav).map_err(|error| format!("{}: {error}", out.display()))?;
        }
        None => io::stdout().write_all(&wav)?,
    }
    Ok(())
}

pub(super) async fn voices(file: &Path) -> Result<(), Failure> {
    let providers = if control::is_served(&config::control_socket(file)?) {
        let Answer::Voices(providers) = ask(file, &Request::Voices).await? else { return Ok(()) };
        providers
    } else {
        daemon::speech_desk(file).await?.voices().await
    };
    if providers.is_empty() {
        return Err("nobody speaks: name a provider in [speech] of jackfield.toml".into());
    }
    println!("{:<16} {:<8} voice", "provider", "lang");
    providers.iter().for_each(print);
    Ok(())
}

fn print(provider: &Provider) {
    let name = &provider.name;
    match &provider.voices {
        Ok(voices) if voices.is_empty() => println!("{name:<16} {:<8} -", "-"),
        Ok(voices) => {
            for voice in voices {
                let known_as = if voice.name == voice.id { "" } else { &voice.name };
                println!(
                    "{}",
                    format!("{name:<16} {:<8} {:<24} {known_as}", voice.lang, voice.id).trim_end()
                );
            }
        }
        Err(why) => println!("{name:<16} {:<8} -\n    it does not say: {why}", "-"),
    }
    if let Some(fault) = &provider.fault {
        println!("    it is down: {fault}");
    }
}
