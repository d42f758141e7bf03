//! `jackfield plugin`: what one plugin is, before and after it is installed.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use jackfield_plugin::{Grant, Interfaces, Limits, LimitsWish, Manifest, Size};

use super::{bundle, versions};
use crate::{
    config::{self, Config},
    daemon::Failure,
    plugins::Files,
};

const OURS: &str = "jackfield:plugin/";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// What a plugin asks for, wishes for and uses, and what the configuration grants it.
    Show {
        /// Its folder, with `plugin.toml`, or its bundle.
        path: PathBuf,
    },
    /// Make a bundle of a plugin's folder: one file with all that runs, and its cases.
    Pack {
        /// Its folder, with `plugin.toml`.
        folder: PathBuf,
        /// NAME-VERSION.jfp, unless named.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Sign a bundle with a secret key of `minisign -G`; the signature lies beside it, as FILE.minisig.
    Sign {
        /// The bundle.
        file: PathBuf,
        /// The secret key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Read the key's password from standard input, one line.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Say who has signed a bundle, and fail when it is none of those who are trusted.
    Verify {
        /// The bundle.
        file: PathBuf,
        /// A public key, or the file with it; those of [signatures] in the configuration, unless named.
        #[arg(long, value_name = "KEY")]
        key: Vec<String>,
    },
    /// The versions of a plugin of the running exchange that can be gone back to.
    Versions {
        /// As in [plugins.NAME] of the configuration.
        name: String,
    },
    /// Go back, at once, to a version that was live before. It runs until the files of the plugin's folder change.
    Rollback {
        /// As in [plugins.NAME] of the configuration.
        name: String,
        /// Its number, as `versions` shows it: v3. The version before, if not given.
        version: Option<String>,
    },
}

pub(super) async fn run(command: Command, file: &Path) -> Result<(), Failure> {
    match command {
        Command::Versions { name } => versions::kept(file, name).await,
        Command::Rollback { name, version } => versions::roll_back(file, name, version.as_deref()).await,
        Command::Show { path } => show(&path, file),
        Command::Pack { folder, out } => bundle::pack(&folder, out),
        Command::Sign { file, key, password_stdin } => bundle::sign(&file, &key, password_stdin),
        Command::Verify { file: bundle, key } => bundle::verify(&bundle, &key, file),
    }
}

/// Whoever has signed it: it is only looked at.
fn show(path: &Path, file: &Path) -> Result<(), Failure> {
    let files = Files::read(path)?;
    let interfaces = Interfaces::of(files.manifest().plugin.file(), &files.wasm()?)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    // Before it is installed there may be no configuration yet.
    let config = if file.exists() { Some(config::load(file)?) } else { None };
    print!("{}", describe(&files, &interfaces));
    if path.is_file() {
        let trust = config.as_ref().map(|config| config.signatures.trust()).unwrap_or_default();
        println!("It is         {}", bundle::signed(path, &trust)?);
    }
    match config.as_ref().map(|config| (config, entries(config, path))) {
        Some((config, names)) if !names.is_empty() => {
            for name in names {
                print!("{}", verdict(config, file, name, files.manifest()));
            }
        }
        _ => print!("{}", proposal(path, files.manifest())),
    }
    Ok(())
}

/// The names under which the configuration runs this folder.
fn entries<'c>(config: &'c Config, folder: &Path) -> Vec<&'c str> {
    let Ok(folder) = fs::canonicalize(folder) else { return Vec::new() };
    let is_this = |path: &Path| fs::canonicalize(config.resolve(path)).is_ok_and(|path| path == folder);
    let entries = config.plugins.iter().filter(|(_, plugin)| is_this(&plugin.path));
    entries.map(|(name, _)| name.as_str()).collect()
}

fn describe(files: &Files, interfaces: &Interfaces) -> String {
    let manifest = files.manifest();
    let header = &manifest.plugin;
    let kinds = header.kind.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut text =
        format!("{} {}: {kinds}, for jackfield:plugin {}\n", header.name, header.version, header.wit);
    let kib = files.own_code().len().div_ceil(1 << 10);
    let _ = writeln!(text, "{}: {}, sha256 {}", header.file(), Size(kib << 10), files.sha256());
    let rights = manifest.capabilities.rights();
    text += "\nIt asks for\n";
    if rights.is_empty() {
        text += "  nothing\n";
    }
    for (right, wishes) in rights {
        let named = |wish: String| if wish == "*" { "whatever is granted".to_owned() } else { wish };
        let wishes = wishes.into_iter().map(named).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "{}", format!("  {right:<14} {wishes}").trim_end());
    }
    let wished = manifest.limits.entries();
    if !wished.is_empty() {
        text += "\nIt wishes for\n";
        for (limit, value) in wished {
            let _ = writeln!(text, "  {limit:<14} {}", value.trim_matches('"'));
        }
    }
    let _ = writeln!(text, "\nIt uses       {}", list(&interfaces.imports));
    let _ = writeln!(text, "It offers     {}", list(&interfaces.exports));
    text
}

/// Short names of ours, full names of others'.
fn list(names: &[String]) -> String {
    let short = |name: &String| match name.strip_prefix(OURS).and_then(|name| name.split_once('@')) {
        Some((name, _)) => name.to_owned(),
        None => name.clone(),
    };
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.iter().map(short).collect::<Vec<_>>().join(", "),
    }
}

/// What an entry of the configuration makes of the wishes.
fn verdict(config: &Config, file: &Path, name: &str, manifest: &Manifest) -> String {
    let plugin = &config.plugins[name];
    let mut text = format!("\n[plugins.{name}] of {}\n", file.display());
    match plugin.grant.covers(&manifest.capabilities) {
        Ok(()) => text += "  grants all that it asks for\n",
        Err(missing) => {
            text += "  does not grant, and so refuses it:\n";
            missing.iter().for_each(|right| text += &format!("    {right}\n"));
        }
    }
    text += "  gives it\n";
    for (limit, value) in Limits::agree(&manifest.limits, &plugin.limits).entries() {
        text += &format!("    {limit:<14} {value}\n");
    }
    text
}

/// What to write to install it.
fn proposal(folder: &Path, manifest: &Manifest) -> String {
    let name = &manifest.plugin.name;
    let mut text = format!("\nTo install it, write in jackfield.toml\n  [plugins.{name}]\n  path = ");
    let _ = writeln!(text, "{}", toml::Value::from(folder.display().to_string()));
    if let Err(rights) = Grant::default().covers(&manifest.capabilities) {
        let _ = writeln!(text, "  grant = {{ {} }}", rights.join(", "));
    }
    if manifest.limits != LimitsWish::default() {
        let caps = manifest.limits.entries().into_iter();
        let caps = caps.filter(|(limit, _)| exceeds(manifest, limit));
        let caps: Vec<_> = caps.map(|(limit, value)| format!("{limit} = {value}")).collect();
        if !caps.is_empty() {
            let _ = writeln!(text, "  limits = {{ {} }}", caps.join(", "));
        }
    }
    text
}

/// The wish is beyond what is given where the operator says nothing.
fn exceeds(manifest: &Manifest, limit: &str) -> bool {
    let of = |limits: Limits| limits.entries().into_iter().find(|(name, _)| *name == limit);
    of(Limits::agree(&manifest.limits, &LimitsWish::default()))
        != of(Limits::agree(&manifest.limits, &manifest.limits))
}
