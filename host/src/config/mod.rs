//! `jackfield.toml`, the operator's one file: one module per section.
//!
//! [`load`] reads it and reports every fault at once, each with its line and how to mend
//! it; [`diff`] says what a new version changes; [`edit`] writes users
//! into it and keeps its comments; [`settings`] turns it into what the switch needs.

mod check;
mod diff;
pub mod edit;
mod exchange;
mod helpers;
mod http;
mod journal;
mod listen;
mod media;
mod peers;
mod plugins;
mod problem;
mod reader;
mod registrar;
mod routes;
pub mod settings;
mod signatures;
mod source;
mod speech;
mod store;
mod users;
mod value;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

pub(crate) use self::{
    check::{is_name, is_number},
    media::read_clip,
    problem::{did_you_mean, suggest},
};
pub use self::{
    diff::{Changes, diff},
    exchange::{Exchange, Reload, Watch},
    helpers::Helper,
    http::Http,
    journal::Journal,
    listen::Listen,
    media::{Codec, Media},
    peers::Peer,
    plugins::Plugin,
    problem::{Problem, Problems},
    registrar::Registrar,
    routes::{Route, To},
    signatures::Signatures,
    source::{Position, locate, locate_setting},
    speech::Speech,
    store::Store,
    users::{Digest, Dtmf, Record, Srtp, User},
    value::{Network, PortRange},
};
use self::{reader::Reader, source::Source};

/// The whole file, checked: every name in it leads somewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file itself.
    pub file: PathBuf,
    /// `[exchange]`
    pub exchange: Exchange,
    /// `[listen]`
    pub listen: Listen,
    /// `[media]`
    pub media: Media,
    /// `[registrar]`
    pub registrar: Registrar,
    /// `[store]`
    pub store: Store,
    /// `[users.NAME]`
    pub users: BTreeMap<String, User>,
    /// `[peers.NAME]`
    pub peers: BTreeMap<String, Peer>,
    /// `[routes]`, by pattern.
    pub routes: BTreeMap<String, Route>,
    /// `[speech]`
    pub speech: Speech,
    /// `[http]`
    pub http: Http,
    /// `[helpers.NAME]`
    pub helpers: BTreeMap<String, Helper>,
    /// `[journal]`
    pub journal: Journal,
    /// `[plugins.NAME]`
    pub plugins: BTreeMap<String, Plugin>,
    /// `[signatures]`
    pub signatures: Signatures,
}

/// Reads and checks the file.
pub fn load(file: &Path) -> Result<Config, Problems> {
    let whole = |message: String, help: &str| {
        Problems(vec![Problem { file: file.to_owned(), line: 0, column: 0, message, help: help.to_owned() }])
    };
    match fs::read(file) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => parse(file, &text),
            Err(_) => Err(whole("this is not UTF-8 text".to_owned(), "save it as UTF-8")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(whole("the file does not exist".to_owned(), "name another with `--config FILE`"))
        }
        Err(error) => Err(whole(format!("it cannot be read: {error}"), "")),
    }
}

/// Checks a text as if it were in that file.
pub fn parse(file: &Path, text: &str) -> Result<Config, Problems> {
    let source = Source::parse(file, text)?;
    let mut reader = Reader::new(&source);
    let mut config = Config {
        file: file.to_owned(),
        exchange: reader.section("exchange"),
        listen: reader.section("listen"),
        media: reader.section("media"),
        registrar: reader.section("registrar"),
        store: reader.section("store"),
        users: reader.entries("users"),
        peers: reader.entries("peers"),
        routes: reader.entries("routes"),
        speech: reader.section("speech"),
        http: reader.section("http"),
        helpers: reader.entries("helpers"),
        journal: reader.section("journal"),
        plugins: reader.entries("plugins"),
        signatures: reader.section("signatures"),
    };
    let numbers_known = !reader.is_broken("users") && !reader.is_broken("routes");
    let mut problems = reader.into_problems();
    problems.extend(check::all(&mut config, &source, numbers_known));
    if problems.is_empty() {
        return Ok(config);
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(Problems(problems))
}

impl Config {
    /// A path of the file, from the folder in which the file lies.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }

    /// The folder of everything that the daemon writes.
    pub fn var(&self) -> PathBuf {
        self.resolve(&self.store.folder)
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        // `check` lets no other scheme pass.
        let path = self.store.url.strip_prefix("sqlite:").unwrap_or(&self.store.url);
        self.var().join(path.strip_prefix("//").unwrap_or(path))
    }

    /// The control socket of the daemon that runs with this file.
    pub fn control_socket(&self) -> PathBuf {
        self.var().join("control.sock")
    }
}

/// The control socket of the daemon that runs with this file. It may have faults: the daemon runs
/// with what it was before, and its operator must still reach it.
pub fn control_socket(file: &Path) -> Result<PathBuf, Problems> {
    let problems = match load(file) {
        Ok(config) => return Ok(config.control_socket()),
        Err(problems) => problems,
    };
    let table: toml::Table = match fs::read_to_string(file).map(|text| text.parse()) {
        Ok(text) => text.unwrap_or_default(),
        Err(_) => return Err(problems),
    };
    let folder = table.get("store").and_then(|store| store.get("folder")).and_then(toml::Value::as_str);
    let folder = folder.map_or_else(|| Store::default().folder, PathBuf::from);
    Ok(file.parent().unwrap_or(Path::new("")).join(folder).join("control.sock"))
}

#[cfg(test)]
mod tests;
