//! `jackfield import`: the files of another exchange become a folder of this one.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::users;
use crate::{
    config,
    daemon::Failure,
    import::{
        asterisk,
        plan::Plan,
        report::Report,
        write::{self, CONFIG},
    },
    store::Store,
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// pjsip.conf, extensions.conf, *.call, and scripts that write call files.
    Asterisk {
        /// The folder with them, such as /etc/asterisk.
        folder: PathBuf,
        /// The new folder; it must not be there yet.
        #[arg(long, default_value = "imported")]
        to: PathBuf,
        /// Where ivr/ivr.wasm, tts/tts.wasm and campaign/campaign.wasm are copied from.
        #[arg(long, default_value = "plugins")]
        plugins: PathBuf,
    },
}

/// Reads, writes and tells. What is wrong in the files is no failure; that nothing can be used is.
pub async fn run(command: Command) -> Result<(), Failure> {
    let Command::Asterisk { folder, to, plugins } = command;
    if !folder.is_dir() {
        return Err(format!("{}: there is no such folder", folder.display()).into());
    }
    if to.symlink_metadata().is_ok() {
        let help = "name another with --to FOLDER";
        return Err(format!("{} is there already, and nothing is overwritten; {help}", to.display()).into());
    }
    let mut report = Report::default();
    let plan = asterisk::read(&folder, &mut report);
    if plan.is_empty() {
        print!("{report}");
        let help = "it needs an extensions.conf, a pjsip.conf or call files";
        return Err(format!("{}: nothing in it can be imported; {help}", folder.display()).into());
    }
    let place = |error: std::io::Error| format!("{}: {error}", to.display());
    write::write(&plan, &to, &plugins, &mut report).map_err(place)?;
    let passwords = keep_passwords(&plan, &to.join(CONFIG)).await?;
    let text = format!("{report}\n{}\n", report.summary());
    std::fs::write(to.join("report.txt"), &text).map_err(place)?;
    print!("{text}");
    next_steps(&plan, &to, passwords);
    Ok(())
}

/// Passwords go where `user import` puts them; how many did.
async fn keep_passwords(plan: &Plan, file: &Path) -> Result<usize, Failure> {
    let config = config::load(file)?;
    let with_password =
        plan.users.iter().filter_map(|(name, user)| Some((name.as_str(), user.password.as_deref()?)));
    let passwords: Vec<_> = with_password.collect();
    if !passwords.is_empty() {
        let store = Store::open(&config.database()).await?;
        store.fix_realm(&config.exchange.realm).await?;
        users::keep(&config, &store, &passwords).await?;
    }
    Ok(passwords.len())
}

fn next_steps(plan: &Plan, to: &Path, passwords: usize) {
    let file = to.join(CONFIG);
    let without = plan.users.len() - passwords;
    println!("\nwrote {} and {}", file.display(), to.join("report.txt").display());
    if passwords > 0 {
        println!("{passwords} passwords are kept as digests: phones log in as before");
    }
    if without > 0 {
        println!("{without} users have no password: the first start makes one and shows it once");
    }
    println!("next: jackfield check {0}, then jackfield run {0}", file.display());
    for name in plan.campaigns.keys() {
        let list = to.join("campaigns").join(format!("{name}.csv"));
        println!("      jackfield --config {} campaign start {name} {}", file.display(), list.display());
    }
}
