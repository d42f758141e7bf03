//! The plugin host as the daemon has it, for the guest `tests/guests/script` or another plugin.
//!
//! Services, store and queue are the daemon's own. Commands of the guests lie in the gate's queue until the
//! benchmark, in the place of the switch's thread, takes them out; guests are polled by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use jackfield::{
    journal::{Bounds, Journal, Settings},
    plugins::{Commands, DaemonServices, Helpers, HttpClient, Speaker, SpeechCache},
    shard::{Clock, Gate},
    store::Store,
};
use jackfield_media::LegId;
use jackfield_plugin::{
    Engine, EngineError, EngineOptions, Grant, Host, Limits, Manifest, NoCache, Plugins, Source, Version,
};
use jackfield_switch::{CallInfo, Direction, Input, InstanceEnd, InstanceId};
use rand::{SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use tokio::runtime::{self, Runtime};

use crate::paths;

const MANIFEST: &str = r#"
    [plugin]
    name = "script"
    version = "0.1.0"
    wit = "0.1.0"
    component = "script.wasm"
    kind = ["app"]

    [capabilities]
    dial = ["101"]
"#;

pub(crate) struct House {
    pub(crate) host: Host,
    pub(crate) gate: Gate,
    version: Arc<Version>,
    _runtime: Runtime,
    folder: TempDir,
}

/// A guest that serves a call.
pub(crate) type Guest = Pin<Box<dyn Future<Output = InstanceEnd> + Send>>;

impl House {
    /// With room for so many instances at once; the error says what the system needs for that.
    pub(crate) fn new(instances: u32) -> Result<House, EngineError> {
        House::of(script(instances), instances)
    }

    /// As [`House::new`], for another plugin. Compiles it.
    pub(crate) fn of(source: Source, instances: u32) -> Result<House, EngineError> {
        let max_map_count =
            fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok());
        let options = EngineOptions { max_instances: instances, max_map_count, ..EngineOptions::default() };
        let version = Engine::new(options)?.load(source, &NoCache).unwrap_or_else(|error| panic!("{error}"));

        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let store = runtime.block_on(Store::open(&folder.path().join("jackfield.db")));
        let gate = Gate::new().expect("a poll can be made");
        let plugins = Arc::new(Plugins::new());
        let speech = SpeechCache::open(folder.path()).expect("the folder is there");
        let services = DaemonServices::new(
            store.expect("an empty database can be made"),
            Arc::new(Helpers::new(Commands::new())),
            Arc::new(HttpClient::new(Arc::default())),
            Arc::new(Speaker::new(speech, plugins.clone(), Clock::start())),
            plugins,
            gate.inbox(),
            StdRng::seed_from_u64(1),
        );
        let host = services.host().expect("the services are alive");
        Ok(House { host, gate, version, _runtime: runtime, folder })
    }

    /// Calls are recorded from now on, as the daemon does it.
    pub(crate) fn record(&mut self) {
        let folder = self.folder.path().join("journal");
        let settings = Settings {
            record: true,
            call: 256 << 10,
            bounds: Bounds { keep: Duration::from_secs(3600), calls: 1_000_000, disk: 1 << 30 },
            except: BTreeSet::new(),
        };
        self.host.journal = Some(Arc::new(Journal::start(folder, settings).expect("the folder is there")));
    }

    /// A guest for this call; it begins when it is polled.
    pub(crate) fn guest(&self, instance: InstanceId, leg: LegId, call: CallInfo) -> Guest {
        Box::pin(self.version.handle(&self.host, instance, leg, call))
    }

    /// What a guest asked for, if any did.
    pub(crate) fn next_input(&self) -> Option<Input> {
        self.gate.next_input(Duration::ZERO)
    }
}

fn script(instances: u32) -> Source {
    let file = paths::guest("script.wasm");
    let wasm = fs::read(&file).unwrap_or_else(|error| {
        panic!("{}: {error}; build it with `scripts/build-plugins tests/guests`", file.display())
    });
    Source {
        name: "script".to_owned(),
        manifest: Manifest::parse(MANIFEST).expect("the manifest above is valid"),
        settings: serde_json::json!({}),
        wasm,
        script: None,
        prompts: BTreeMap::new(),
        grant: Grant { dial: vec!["101".to_owned()], ..Grant::default() },
        limits: Limits { calls: instances, ..Limits::default() },
        number: 1,
    }
}

pub(crate) fn poll(guest: &mut Guest) -> Poll<InstanceEnd> {
    guest.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// What the switch tells a guest of its call.
pub(crate) fn call_info() -> CallInfo {
    CallInfo {
        id: "j-0f3a9c41-17".to_owned(),
        direction: Direction::Inbound,
        caller: "101".to_owned(),
        caller_name: "Alice Martin".to_owned(),
        callee: "100".to_owned(),
        trunk: "alice".to_owned(),
        started_at: 1_795_000_000_000,
        headers: Vec::new(),
        args: Vec::new(),
    }
}
