//! A version of a plugin: loaded, checked, ready for instances.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use jackfield_media::{Clip, LegId};
use jackfield_switch::{CallInfo, Error, InstanceEnd, InstanceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasmtime::component::{Component, InstancePre};

use crate::{
    api::exports::{app, plugin_info, service, tts},
    bounds::{Bounded, Bounds},
    component::{self, CompiledCache},
    contract::Contract,
    engine::Engine,
    error::{LoadError, Refused},
    instance::{self, Role, State},
    journal::{Player, Record, Recorder, Secrets, Snapshot, Tape, Taped},
    limits::Limits,
    manifest::{Kind, Manifest},
    rights::{Grant, Rights},
    runtime::Script,
    services::{Host, Speech},
    units::Size,
    wasi,
};

/// A guest and the libraries of its language.
const MAX_MEMORIES: u32 = 4;

const PACKAGE: &str = "jackfield:plugin/";

/// One snapshot of a plugin's folder and of the operator's entry for it.
#[derive(Clone)]
pub struct Source {
    /// Its key in `jackfield.toml`; one folder may serve several names.
    pub name: String,
    /// Parsed `plugin.toml`.
    pub manifest: Manifest,
    /// See [`Manifest::settings`].
    pub settings: Value,
    /// Component or core module, as it is on disk; with a script, the runner of its runtime.
    pub wasm: Vec<u8>,
    /// What `main` names.
    pub script: Option<Script>,
    /// The audio files, by name below the prompts' folder.
    pub prompts: BTreeMap<String, Arc<Clip>>,
    /// The operator's.
    pub grant: Grant,
    /// See [`Limits::agree`].
    pub limits: Limits,
    /// Grows with each load of that name: "ivr v3".
    pub number: u64,
}

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "its own words")]
pub struct Info {
    pub name: String,
    pub version: String,
}

/// A fault in a plugin's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Keys from the root of the settings, array indices as numbers.
    pub path: Vec<String>,
    /// What is wrong there.
    pub text: String,
    /// What to write instead; may be empty.
    pub help: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.join("."), self.text)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, " ({})", self.help) }
    }
}

/// What a tts plugin made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeechAudio {
    /// Samples per second.
    pub rate: u32,
    /// Mono.
    pub samples: Vec<i16>,
}

/// A voice of a tts plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "`id` and `name` need no words")]
pub struct Voice {
    pub id: String,
    /// BCP 47.
    pub lang: String,
    pub name: String,
}

/// Loaded, checked, ready for instances. Immutable; who runs an instance holds an `Arc`.
pub struct Version {
    pub(crate) engine: Engine,
    pub(crate) pre: InstancePre<State>,
    pub(crate) exports: Exports,
    pub(crate) prompts: BTreeMap<String, Arc<Clip>>,
    /// As one JSON object.
    pub(crate) settings_text: String,
    /// What the journal must not tell.
    pub(crate) secrets: Secrets,
    /// Its id and its text.
    snapshot: (String, String),
    /// As it came.
    wasm: Vec<u8>,
    pub(crate) script: Option<Script>,
    name: String,
    number: u64,
    sha256: String,
    own_sha256: String,
    manifest: Manifest,
    settings: Value,
    grant: Grant,
    limits: Limits,
    kinds: Vec<Kind>,
    running: AtomicU32,
    announced: OnceLock<Vec<Speech>>,
}

/// Where the exported interfaces are, found once.
pub(crate) struct Exports {
    pub(crate) info: plugin_info::GuestIndices,
    pub(crate) app: Option<app::GuestIndices>,
    pub(crate) tts: Option<tts::GuestIndices>,
    pub(crate) service: Option<service::GuestIndices>,
}

impl Version {
    pub(crate) fn load(
        engine: &Engine,
        source: Source,
        cache: &dyn CompiledCache,
    ) -> Result<Arc<Version>, LoadError> {
        let mut source = source;
        source.limits.memory = source.limits.memory.min(engine.inner.max_memory);
        let sha256 = component::sha256(&source.wasm);
        let snapshot = Snapshot::of(&source, &sha256).text();
        let Source { name, manifest, settings, wasm, script, prompts, grant, limits, number } = source;
        if let Err(missing) = grant.covers(&manifest.capabilities) {
            return Err(LoadError::NotGranted { name, missing });
        }
        let findings = manifest.check_settings(&settings);
        if !findings.is_empty() {
            return Err(LoadError::Settings(findings));
        }
        let component = match &script {
            Some(_) => engine.runner(&wasm, &sha256, cache)?,
            None => {
                let file = manifest.plugin.file();
                component::compile(&engine.inner.wasmtime, file, &wasm, &sha256, cache)?
            }
        };
        let own_sha256 = match &script {
            Some(script) => component::sha256(script.text.as_bytes()),
            None => sha256.clone(),
        };
        check_contract(engine, &component, &manifest)?;
        check_size(&component, &limits)?;
        let wasi = wasi::link(&engine.inner.wasmtime, &engine.inner.linker, &component)?;
        let pre = wasi
            .as_ref()
            .unwrap_or(&engine.inner.linker)
            .instantiate_pre(&component)
            .map_err(|error| LoadError::Import(component::sentence(&error)))?;
        let (exports, kinds) = find_exports(&pre, &manifest)?;
        let settings_text = settings.to_string();
        Ok(Arc::new(Version {
            engine: engine.clone(),
            pre,
            exports,
            prompts,
            settings_text,
            secrets: Secrets::of(&manifest, &settings),
            snapshot: (Snapshot::id(&snapshot), snapshot),
            wasm,
            script,
            name,
            number,
            sha256,
            own_sha256,
            manifest,
            settings,
            grant,
            limits,
            kinds,
            running: AtomicU32::new(0),
            announced: OnceLock::new(),
        }))
    }

    /// Its key in `jackfield.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Of the load: "ivr v3".
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Of the component, in hexadecimal; with a script, of its runner.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Of what its author wrote: the component, or the script.
    pub fn own_sha256(&self) -> &str {
        &self.own_sha256
    }

    /// The id and the text of what it is apart from its code: see [`Snapshot`].
    pub fn snapshot(&self) -> (&str, &str) {
        (&self.snapshot.0, &self.snapshot.1)
    }

    /// The file: kept, so that a call can be replayed with the code that it ran when the file is another one.
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// Parsed `plugin.toml`.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The plugin's own, after the operator's.
    pub fn settings(&self) -> &Value {
        &self.settings
    }

    /// Those of its instances.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The operator's.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What it exports.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Running now; the check of the settings and speech count too.
    pub fn instances(&self) -> u32 {
        self.running.load(Relaxed)
    }

    /// What it wanted spoken while it checked its settings: sentences that calls will ask for.
    pub fn announced(&self) -> &[Speech] {
        self.announced.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn announce(&self, speech: Vec<Speech>) {
        // Whoever checks it once more finds the same.
        let _ = self.announced.set(speech);
    }

    /// Asks the plugin to check its settings, in an instance that is thrown away and has only its settings, its
    /// audio files, the log, the time and random numbers. What it says there is [announced](Version::announced).
    pub fn validate(
        self: &Arc<Self>,
        host: &Host,
    ) -> impl Future<Output = Result<Info, Refused>> + Send + 'static {
        instance::validate(self.start(host, Role::Check))
    }

    /// Runs an app for one call, and records it where the host has a journal for it.
    pub fn handle(
        self: &Arc<Self>,
        host: &Host,
        instance: InstanceId,
        leg: LegId,
        call: CallInfo,
    ) -> impl Future<Output = InstanceEnd> + Send + 'static {
        let mut start = self.start(host, Role::App { instance, leg });
        let about = (instance, leg, &call);
        let recorder =
            host.journal.as_ref().and_then(|journal| Recorder::start(journal, &host.services, self, about));
        if let Some(recorder) = recorder {
            let services = start.host.services.clone();
            start.host.services = Arc::new(Taped { services, recorder: recorder.clone() });
            start.tape = Tape::Recording(recorder);
        }
        instance::handle(start, call)
    }

    /// Runs an app for a call that was recorded.
    pub(crate) fn play(
        self: &Arc<Self>,
        player: &Arc<Player>,
        record: &Record,
    ) -> impl Future<Output = InstanceEnd> + Send + 'static {
        let host = Host {
            switch: player.clone(),
            services: player.clone(),
            replies: Arc::default(),
            usages: Arc::default(),
            journal: None,
        };
        let head = &record.head;
        let role = Role::App { instance: InstanceId(head.instance), leg: head.leg };
        let tape = Tape::Playing(player.clone());
        let start = instance::Start { tape, ..self.unbounded(&host, role) };
        instance::handle(start, head.call.clone())
    }

    /// Runs a service until it returns. `saved` is what the former version returned.
    pub fn serve(
        self: &Arc<Self>,
        host: &Host,
        instance: InstanceId,
        saved: Option<Vec<u8>>,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, InstanceEnd>> + Send + 'static {
        instance::serve(self.start(host, Role::Service { instance }), saved)
    }

    /// Makes speech.
    pub fn synthesize(
        self: &Arc<Self>,
        host: &Host,
        speech: Speech,
    ) -> impl Future<Output = Result<SpeechAudio, Error>> + Send + 'static {
        instance::synthesize(self.start(host, Role::Tts), speech)
    }

    /// Asks for the voices.
    pub fn voices(
        self: &Arc<Self>,
        host: &Host,
    ) -> impl Future<Output = Result<Vec<Voice>, Error>> + Send + 'static {
        instance::voices(self.start(host, Role::Tts))
    }

    /// Whether it may launch a call to that number, user or URI; otherwise [`Error::Denied`].
    pub fn may_launch(&self, target: &str) -> Result<(), Error> {
        self.rights().launch_to(target)
    }

    pub(crate) fn rights(&self) -> Rights<'_> {
        Rights { plugin: &self.name, asked: &self.manifest.capabilities, granted: &self.grant }
    }

    fn start(self: &Arc<Self>, host: &Host, role: Role) -> instance::Start {
        let mut start = self.unbounded(host, role);
        let bounds = Arc::new(Bounds {
            services: host.services.clone(),
            usage: host.usages.of(&self.name),
            limits: self.limits.clone(),
        });
        start.host.services = Arc::new(Bounded(bounds.clone()));
        start.bounds = Some(bounds);
        start
    }

    /// The instance counts from here on, not from its first poll.
    fn unbounded(self: &Arc<Self>, host: &Host, role: Role) -> instance::Start {
        self.running.fetch_add(1, Relaxed);
        let (version, host) = (Running(self.clone()), host.clone());
        instance::Start { version, host, role, tape: Tape::Off, bounds: None }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// "ivr 1.4.0 (v3)".
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (v{})", self.name, self.manifest.plugin.version, self.number)
    }
}

/// Counts as an instance while it stands.
pub(crate) struct Running(pub(crate) Arc<Version>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Relaxed);
    }
}

/// A contract that this host serves, and nothing from elsewhere.
fn check_contract(engine: &Engine, component: &Component, manifest: &Manifest) -> Result<(), LoadError> {
    let types = component.component_type();
    let imports: Vec<String> =
        types.imports(&engine.inner.wasmtime).map(|(name, _)| name.to_string()).collect();
    let exports: Vec<String> =
        types.exports(&engine.inner.wasmtime).map(|(name, _)| name.to_string()).collect();
    let has = engine.inner.contract;
    let names = imports.iter().chain(&exports);
    let mut built_for = None;
    for (_, needs) in names.filter_map(|name| name.strip_prefix(PACKAGE)?.split_once('@')) {
        match needs.parse::<Contract>() {
            Ok(version) if has.serves(version) => built_for = built_for.max(Some(version)),
            _ => return Err(LoadError::Contract { needs: needs.into(), has }),
        }
    }
    match (manifest.plugin.wit, built_for) {
        (manifest, Some(component)) if manifest.series() != component.series() => {
            Err(LoadError::SeriesDiffers { manifest, component })
        }
        (needs, _) if !has.serves(needs) => Err(LoadError::ManifestContract { needs, has }),
        _ => Ok(()),
    }
}

fn check_size(component: &Component, limits: &Limits) -> Result<(), LoadError> {
    let Some(needs) = component.resources_required() else {
        return Err(LoadError::TooBig("it takes modules or components from outside".into()));
    };
    if needs.num_memories > MAX_MEMORIES {
        return Err(LoadError::TooBig(format!(
            "{} memories; {MAX_MEMORIES} are possible",
            needs.num_memories
        )));
    }
    // In pages.
    match needs.max_initial_memory_size.map(|pages| pages.saturating_mul(64 << 10)) {
        Some(size) if size > limits.memory as u64 => Err(LoadError::TooMuchMemory {
            needs: Size(usize::try_from(size).unwrap_or(usize::MAX)).to_string(),
            limit: Size(limits.memory).to_string(),
        }),
        _ => Ok(()),
    }
}

fn find_exports(pre: &InstancePre<State>, manifest: &Manifest) -> Result<(Exports, Vec<Kind>), LoadError> {
    let exports = Exports {
        info: plugin_info::GuestIndices::new(pre).map_err(|_| LoadError::NoInfo)?,
        app: app::GuestIndices::new(pre).ok(),
        tts: tts::GuestIndices::new(pre).ok(),
        service: service::GuestIndices::new(pre).ok(),
    };
    let found = [
        exports.app.is_some().then_some(Kind::App),
        exports.tts.is_some().then_some(Kind::Tts),
        exports.service.is_some().then_some(Kind::Service),
    ];
    let kinds: Vec<Kind> = found.into_iter().flatten().collect();
    let mut wanted = manifest.plugin.kind.clone();
    wanted.sort_unstable();
    wanted.dedup();
    if kinds.is_empty() || kinds != wanted {
        return Err(LoadError::KindDiffers { manifest: wanted, exports: kinds });
    }
    Ok((exports, kinds))
}
