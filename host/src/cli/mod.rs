//! The command line.

mod bindings;
mod bundle;
pub mod campaign;
mod dev;
mod events;
pub mod import;
mod new;
mod output;
mod plugin;
mod records;
mod replay;
mod send;
mod speech;
pub(crate) mod test;
pub mod users;
mod versions;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use jackfield_switch::TapeAction;
use tokio::runtime::Runtime;

use crate::{
    config,
    control::{self, Answer, Request},
    daemon::{self, Failure},
};

/// A telephone exchange that is programmed with WebAssembly.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// The operator's file.
    #[arg(long, global = true, default_value = "jackfield.toml")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the exchange.
    Run {
        /// Instead of --config.
        file: Option<PathBuf>,
    },
    /// Say everything that a start would refuse, without starting.
    Check {
        /// Instead of --config.
        file: Option<PathBuf>,
    },
    /// Bring live what the files say now: the configuration and every plugin. Needed where
    /// `reload = "apply"`; otherwise it happens by itself.
    Apply,
    /// Begin a plugin: a folder that builds, with a case that it passes.
    New(new::Arguments),
    /// Start an exchange for a plugin that is being written: builds, reloads, runs its cases and tells its calls.
    Dev(dev::Arguments),
    /// Write the contract down for a language that has it generated.
    #[command(subcommand)]
    Bindings(bindings::Command),
    /// Run the cases of plugins: scripted callers in virtual time, without a phone and without a socket.
    Test(test::Arguments),
    /// Run recorded calls again: the same version must decide the same, and another one shows which calls would have
    /// gone otherwise. Needs no running exchange.
    Replay(replay::Arguments),
    /// Add, import, list and remove users.
    #[command(subcommand)]
    User(users::Command),
    /// Call the contacts of a list, and see what became of it.
    #[command(subcommand)]
    Campaign(campaign::Command),
    /// Make a folder for this exchange of the files of another one.
    #[command(subcommand)]
    Import(import::Command),
    /// The calls of the running exchange.
    Calls,
    /// The records of calls as CSV, the oldest of them first.
    Records(records::Arguments),
    /// What happened to calls, one JSON object a line, the oldest first.
    Events(events::Arguments),
    /// The plugins of the running exchange: versions live and draining, with their calls, and why newer files
    /// were refused.
    Plugins,
    /// Send a message to the service of a plugin: its `events` get it from "operator".
    Send(send::Arguments),
    /// Look at one plugin, make a signed bundle of it, or go back to a version of it that was live before.
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// The voices that can speak, and who is down.
    Voices,
    /// Speak a sentence as calls hear it.
    Say(speech::Arguments),
    /// Record a call of the running exchange, or leave a part of it out.
    Record {
        /// Its id, as `calls` shows it.
        call: String,
        action: RecordAction,
    },
    /// End a call of the running exchange.
    Hangup {
        /// Its id, as `calls` shows it.
        call: String,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum RecordAction {
    /// From now on, or from the answer on.
    Start,
    /// Silence from now on: the length stays that of the call.
    Pause,
    /// What is said, again.
    Resume,
    /// For good.
    Stop,
}

impl From<RecordAction> for TapeAction {
    fn from(action: RecordAction) -> TapeAction {
        match action {
            RecordAction::Start => TapeAction::Start,
            RecordAction::Pause => TapeAction::Pause,
            RecordAction::Resume => TapeAction::Resume,
            RecordAction::Stop => TapeAction::Stop,
        }
    }
}

impl Arguments {
    /// The command shows what is logged among its own lines.
    pub fn shows_log(&self) -> bool {
        matches!(self.command, Command::Dev(_))
    }
}

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    match &arguments.command {
        // No runtime for it: that would open a pair of sockets.
        Command::Test(arguments) => return test::run(arguments),
        Command::New(arguments) => return new::run(arguments),
        Command::Replay(wanted) => return replay::run(wanted, &arguments.config),
        Command::Bindings(command) => return bindings::run(command),
        _ => {}
    }
    let at_once = matches!(arguments.command, Command::Dev(_));
    let runtime = Runtime::new()?;
    let done = runtime.block_on(run_command(arguments));
    // Cases that run, and a component that is compiled, are of no use any more.
    if at_once {
        runtime.shutdown_background();
    }
    done
}

async fn run_command(arguments: Arguments) -> Result<(), Failure> {
    let config = &arguments.config;
    match arguments.command {
        Command::Run { file } => daemon::run(file.as_ref().unwrap_or(config)).await,
        Command::Check { file } => {
            let file = file.as_ref().unwrap_or(config);
            daemon::check(file).await?;
            println!("{}: good", file.display());
            Ok(())
        }
        Command::Test(arguments) => test::run(&arguments),
        Command::New(arguments) => new::run(&arguments),
        Command::Dev(arguments) => dev::run(arguments).await,
        Command::Replay(arguments) => replay::run(&arguments, config),
        Command::Bindings(command) => bindings::run(&command),
        Command::User(command) => users::run(command, config).await,
        Command::Campaign(command) => campaign::run(command, config).await,
        Command::Import(command) => import::run(command).await,
        Command::Calls => calls(config).await,
        Command::Records(arguments) => records::run(arguments, config).await,
        Command::Events(arguments) => events::run(arguments, config).await,
        Command::Plugins => versions::live(config).await,
        Command::Voices => speech::voices(config).await,
        Command::Say(arguments) => speech::say(arguments, config).await,
        Command::Send(arguments) => send::run(arguments, config).await,
        Command::Plugin(command) => plugin::run(command, config).await,
        Command::Hangup { call } => ask(config, &Request::HangUp { call }).await.map(drop),
        Command::Record { call, action } => {
            ask(config, &Request::Record { call, action: action.into() }).await.map(drop)
        }
        Command::Apply => apply(config).await,
    }
}

async fn apply(file: &Path) -> Result<(), Failure> {
    ask(file, &Request::Apply).await?;
    println!("live");
    Ok(())
}

async fn ask(file: &Path, request: &Request) -> Result<Answer, Failure> {
    Ok(control::ask(&config::control_socket(file)?, request).await?)
}

async fn calls(file: &Path) -> Result<(), Failure> {
    let Answer::Calls(calls) = ask(file, &Request::Calls).await? else { return Ok(()) };
    println!("{:<24} {:<16} {:<16} {:<10} {:<12} legs", "call", "caller", "callee", "state", "plugin");
    for call in calls {
        let plugin = call.plugin.as_deref().unwrap_or("-");
        println!(
            "{:<24} {:<16} {:<16} {:<10} {plugin:<12} {}",
            call.id, call.caller, call.callee, call.state, call.legs
        );
    }
    Ok(())
}
