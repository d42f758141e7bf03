//! The versions that recorded calls are run by.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use jackfield_plugin::{
    Engine, EngineOptions, Grant, Limits, NoCache, Script, Source, Version,
    journal::{Head, Snapshot},
};

use crate::{
    config::{self, Config},
    daemon::Failure,
    journal,
    plugins::Files,
};

/// One call runs at a time.
const INSTANCES: u32 = 4;

/// What is run instead of the recorded version.
pub(super) enum With {
    /// Code, or a runner's script; the rest is as it was recorded.
    File { path: PathBuf, bytes: Vec<u8> },
    /// A whole plugin.
    Folder { path: PathBuf },
}

impl With {
    pub(super) fn open(path: &Path, config: &Config) -> Result<With, Failure> {
        if path.is_dir() {
            let with = With::Folder { path: path.to_owned() };
            // What is wrong with it is told once, and not for each call.
            with.source("", config)?;
            return Ok(with);
        }
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(With::File { path: path.to_owned(), bytes })
    }

    /// The plugin that it is a version of, as far as it can be known.
    pub(super) fn plugin(&self, config: &Config) -> Result<Option<String>, Failure> {
        let (With::Folder { path } | With::File { path, .. }) = self;
        let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
        let names = folder.map(|folder| names(config, folder)).unwrap_or_default();
        match (&names[..], self) {
            ([name], _) => Ok(Some((*name).clone())),
            ([], With::Folder { path }) => Ok(Some(Files::read(path)?.manifest().plugin.name.clone())),
            ([], With::File { .. }) if config.plugins.len() == 1 => Ok(None),
            ([], With::File { .. }) => {
                Err(format!("{}: of which plugin is it? Add `--plugin NAME`", path.display()).into())
            }
            (names, _) => {
                let names = names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
                let text = format!("{}: the plugins {names} are of this folder", path.display());
                Err(format!("{text}; say which: `--plugin NAME`").into())
            }
        }
    }

    /// The version of plugin `name` as the files and the configuration have it now; none for mere code.
    fn source(&self, name: &str, config: &Config) -> Result<Option<Source>, String> {
        let With::Folder { path } = self else { return Ok(None) };
        let folder = Files::read(path)?.open()?;
        let entry = config.plugins.get(name);
        let nothing = toml::Table::new();
        let settings = folder.manifest.settings(entry.map_or(&nothing, |entry| &entry.config));
        let caps = entry.map(|entry| entry.limits.clone()).unwrap_or_default();
        Ok(Some(Source {
            name: name.to_owned(),
            settings,
            // What is not installed yet has all that it asks for.
            grant: entry
                .map_or_else(|| Grant::of_all(&folder.manifest.capabilities), |entry| entry.grant.clone()),
            limits: Limits::agree(&folder.manifest.limits, &caps),
            manifest: folder.manifest,
            wasm: folder.wasm,
            script: folder.script,
            prompts: folder.prompts,
            number: 0,
        }))
    }
}

/// The names under which the configuration runs this folder.
fn names<'c>(config: &'c Config, folder: &Path) -> Vec<&'c String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(folder) = fs::canonicalize(folder) else { return Vec::new() };
    let is_this = |plugin: &config::Plugin| {
        fs::canonicalize(config.resolve(&plugin.path)).is_ok_and(|path| path == folder)
    };
    config.plugins.iter().filter(|(_, plugin)| is_this(plugin)).map(|(name, _)| name).collect()
}

/// Each is compiled once.
pub(super) struct Versions<'a> {
    folder: &'a Path,
    with: Option<With>,
    config: &'a Config,
    engine: Engine,
    /// By the id of the recorded one.
    loaded: BTreeMap<String, Result<Arc<Version>, String>>,
}

impl<'a> Versions<'a> {
    pub(super) fn new(
        folder: &'a Path,
        with: Option<With>,
        config: &'a Config,
    ) -> Result<Versions<'a>, Failure> {
        let options = EngineOptions { max_instances: INSTANCES, deterministic: true, ..Default::default() };
        Ok(Versions { folder, with, config, engine: Engine::new(options)?, loaded: BTreeMap::new() })
    }

    /// The version for a recorded call.
    pub(super) fn of(&mut self, head: &Head) -> Result<Arc<Version>, String> {
        if let Some(loaded) = self.loaded.get(&head.snapshot) {
            return loaded.clone();
        }
        let loaded = self.load(head);
        self.loaded.insert(head.snapshot.clone(), loaded.clone());
        loaded
    }

    fn load(&self, head: &Head) -> Result<Arc<Version>, String> {
        let recorded = journal::snapshot(self.folder, &head.snapshot)?;
        let source = match &self.with {
            None => recorded.source(journal::wasm(self.folder, &recorded)?),
            Some(with) => self.another(with, head, &recorded)?,
        };
        let place = match &self.with {
            None => format!("{} {} of the journal", head.plugin, head.version),
            Some(With::File { path, .. } | With::Folder { path }) => path.display().to_string(),
        };
        self.engine.load(source, &NoCache).map_err(|error| format!("{place}: {error}"))
    }

    fn with_file(&self, path: &Path, bytes: &[u8], recorded: &Snapshot) -> Result<Source, String> {
        let is_wasm = bytes.starts_with(b"\0asm");
        match (&recorded.script, is_wasm) {
            (None, _) => Ok(recorded.source(bytes.to_owned())),
            (Some(_), true) => Err(format!("{}: the plugin is a script, and this is none", path.display())),
            (Some(script), false) => {
                let text = String::from_utf8(bytes.to_owned())
                    .map_err(|_| format!("{}: it is no UTF-8 text", path.display()))?;
                let runner = journal::wasm(self.folder, recorded)?;
                let script = Script { name: script.name.clone(), text };
                Ok(Source { script: Some(script), ..recorded.source(runner) })
            }
        }
    }

    fn another(&self, with: &With, head: &Head, recorded: &Snapshot) -> Result<Source, String> {
        if let With::File { path, bytes } = with {
            return self.with_file(path, bytes, recorded);
        }
        let mut source = with.source(&head.plugin, self.config)?.ok_or("it is no folder")?;
        recorded.star(&mut source);
        Ok(source)
    }
}
