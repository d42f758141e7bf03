//! A plugin as it lies on disk, with what its operator grants.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jackfield_media::Clip;
use jackfield_plugin::{Grant, LaunchGrant, Limits, LimitsWish, Manifest, Script, Source};

use crate::error::SimError;

/// A plugin's folder, read whole, and its entry in `jackfield.toml`.
///
/// It is granted what its manifest asks for, unless said otherwise.
#[derive(Clone, Debug)]
pub struct Plugin {
    manifest: Manifest,
    wasm: Vec<u8>,
    script: Option<Script>,
    prompts: BTreeMap<String, Arc<Clip>>,
    grant: Grant,
    limits: LimitsWish,
    config: String,
}

impl Plugin {
    /// The folder as the daemon would load it: `plugin.toml`, the component that it names, its prompts.
    pub fn folder(folder: impl AsRef<Path>) -> Result<Plugin, SimError> {
        let folder = folder.as_ref();
        let manifest = manifest(&folder.join("plugin.toml"))?;
        if let (Some(runtime), Some(kind)) = (manifest.plugin.runtime, manifest.plugin.kind.first()) {
            let path = folder.join(&manifest.plugin.main);
            let text = fs::read_to_string(&path).map_err(|error| SimError::read(&path, error))?;
            let wasm = runtime.runner(*kind).map_err(|reason| SimError::NoRunner { path, reason })?;
            let script = Some(Script { name: manifest.plugin.main.clone(), text });
            let prompts = prompts(folder, &manifest)?;
            return Ok(Plugin { script, ..Plugin::of(manifest, wasm, prompts) });
        }
        let wasm = folder.join(&manifest.plugin.component);
        Plugin::read(folder, manifest, &wasm, "build the plugin, and copy the file beside its plugin.toml")
    }

    /// As [`folder`](Plugin::folder), with a component that lies elsewhere: see [`built`].
    pub fn folder_with(folder: impl AsRef<Path>, wasm: impl AsRef<Path>) -> Result<Plugin, SimError> {
        let manifest = manifest(&folder.as_ref().join("plugin.toml"))?;
        Plugin::read(folder.as_ref(), manifest, wasm.as_ref(), "build the plugins first: `make plugins`")
    }

    /// Without a folder: the text of `plugin.toml`, and the component or core module.
    pub fn new(manifest: &str, wasm: impl Into<Vec<u8>>) -> Result<Plugin, SimError> {
        let path = || PathBuf::from("plugin.toml");
        let manifest =
            Manifest::parse(manifest).map_err(|error| SimError::Manifest { path: path(), error })?;
        Ok(Plugin::of(manifest, wasm.into(), BTreeMap::new()))
    }

    fn read(folder: &Path, manifest: Manifest, wasm: &Path, help: &'static str) -> Result<Plugin, SimError> {
        let wasm = fs::read(wasm).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SimError::NoWasm { path: wasm.to_owned(), help },
            _ => SimError::read(wasm, error),
        })?;
        let prompts = prompts(folder, &manifest)?;
        Ok(Plugin::of(manifest, wasm, prompts))
    }

    fn of(manifest: Manifest, wasm: Vec<u8>, prompts: BTreeMap<String, Arc<Clip>>) -> Plugin {
        let grant = Grant::of_all(&manifest.capabilities);
        let script = None;
        Plugin {
            manifest,
            wasm,
            script,
            prompts,
            grant,
            limits: LimitsWish::default(),
            config: String::new(),
        }
    }

    /// Grants this instead of what the manifest asks for.
    pub fn grant(self, grant: Grant) -> Plugin {
        Plugin { grant, ..self }
    }

    /// How many calls it may launch at once and per second; one, unless said.
    pub fn pace(mut self, at_once: u32, per_second: u32) -> Plugin {
        if let Some(launch) = &mut self.grant.launch {
            (launch.at_once, launch.per_second) = (at_once, per_second);
        }
        self
    }

    /// The operator's caps.
    pub fn limits(self, limits: LimitsWish) -> Plugin {
        Plugin { limits, ..self }
    }

    /// `[plugins.NAME.config]` of the operator, over the manifest's `[config]`, as TOML.
    pub fn config(self, toml: impl Into<String>) -> Plugin {
        Plugin { config: toml.into(), ..self }
    }

    /// An audio file of the plugin, as if it lay in its prompts' folder.
    pub fn prompt(mut self, name: impl Into<String>, clip: Clip) -> Plugin {
        self.prompts.insert(name.into(), Arc::new(clip));
        self
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn prompts(&self) -> &BTreeMap<String, Arc<Clip>> {
        &self.prompts
    }

    pub(crate) fn launches(&self) -> Option<&LaunchGrant> {
        self.grant.launch.as_ref()
    }

    pub(crate) fn agreed_limits(&self) -> Limits {
        Limits::agree(&self.manifest.limits, &self.limits)
    }

    pub(crate) fn source(&self, name: &str, number: u64) -> Result<Source, SimError> {
        let config = toml::from_str(&self.config)
            .map_err(|error| SimError::Config { name: name.to_owned(), error })?;
        Ok(Source {
            name: name.to_owned(),
            manifest: self.manifest.clone(),
            settings: self.manifest.settings(&config),
            wasm: self.wasm.clone(),
            script: self.script.clone(),
            prompts: self.prompts.clone(),
            grant: self.grant.clone(),
            limits: self.agreed_limits(),
            number,
        })
    }
}

/// Where `cargo build --release --target wasm32-unknown-unknown` puts the plugin `name` of a workspace:
/// below `$CARGO_TARGET_DIR`, or below its folder `target`.
pub fn built(workspace: impl AsRef<Path>, name: &str) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map(|target| found(Path::new(&target)));
    let target = target.unwrap_or_else(|| workspace.as_ref().join("target"));
    target.join("wasm32-unknown-unknown/release").join(name).with_extension("wasm")
}

/// A relative folder is meant from where Cargo was called: here or further up.
fn found(target: &Path) -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    let all = here.ancestors().map(|folder| folder.join(target));
    all.into_iter().find(|folder| folder.is_dir()).unwrap_or_else(|| target.to_owned())
}

fn manifest(path: &Path) -> Result<Manifest, SimError> {
    let text = fs::read_to_string(path).map_err(|error| SimError::read(path, error))?;
    Manifest::parse(&text).map_err(|error| SimError::Manifest { path: path.to_owned(), error })
}

fn prompts(folder: &Path, manifest: &Manifest) -> Result<BTreeMap<String, Arc<Clip>>, SimError> {
    let prompts = folder.join(manifest.prompts());
    if prompts.is_dir() { clips(&prompts) } else { Ok(BTreeMap::new()) }
}

fn clips(folder: &Path) -> Result<BTreeMap<String, Arc<Clip>>, SimError> {
    let mut clips = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|error| SimError::read(folder, error))? {
        let path = entry.map_err(|error| SimError::read(folder, error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|name| name.ends_with(".wav") && !name.starts_with('.')) else {
            continue;
        };
        let bytes = fs::read(&path).map_err(|error| SimError::read(&path, error))?;
        let clip = Clip::from_wav(&bytes).map_err(|error| SimError::Prompt { path: path.clone(), error })?;
        clips.insert(name.to_owned(), Arc::new(clip));
    }
    Ok(clips)
}
