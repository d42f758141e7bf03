//! Guests written by hand, a switch that answers by rule, services in memory, and an executor.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use jackfield_media::{Clip, LegId};
use jackfield_plugin::{
    Answer, Contact, Engine, EngineOptions, Grant, Host, HttpRequest, HttpResponse, Limits, LoadError,
    LocalTime, Manifest, NoCache, Origin, Replies, Services, Source, Speech, Switchboard, Version,
};
use jackfield_switch::{
    CallInfo, Cause, Command, Direction, Error, HangupInfo, InstanceId, Level, Reply, Token, Value,
};

pub(crate) const LEG: LegId = LegId(7);
pub(crate) const INSTANCE: InstanceId = InstanceId(2);

// Guests

/// A core module with its WIT section, as a compiler for wasm32-unknown-unknown makes it.
///
/// `code` has the functions `$handle` (or those of the other worlds) and may use the imports of [`IMPORTS`].
/// Memory: 0..1024 for results, from 1024 on for the guest's data.
pub(crate) fn guest(world: &str, code: &str) -> Vec<u8> {
    guest_of("0.1.0", world, code)
}

pub(crate) fn guest_of(version: &str, world: &str, code: &str) -> Vec<u8> {
    guest_with(&contract("wit", version), version, world, code)
}

/// As [`guest`], built for that version of another text of the contract.
pub(crate) fn guest_with(contract: &str, version: &str, world: &str, code: &str) -> Vec<u8> {
    let imports: String = IMPORTS
        .iter()
        .filter(|(_, _, function)| code.contains(function.split([' ', ')']).nth(1).unwrap_or("$")))
        .map(|(interface, name, function)| match *interface {
            WASI => format!("(import \"{WASI}\" \"{name}\" {function})\n"),
            _ => format!("(import \"jackfield:plugin/{interface}@{version}\" \"{name}\" {function})\n"),
        })
        .collect();
    // The adapter keeps a state of 64 KiB there, which it allocates.
    let pages = if imports.contains(WASI) { 4 } else { 1 };
    let exports = match world {
        "call-app" => "(export \"jackfield:plugin/app@SERIES#handle\" (func $handle))",
        "tts-provider" => {
            "(export \"jackfield:plugin/tts@SERIES#voices\" (func $voices))
             (export \"jackfield:plugin/tts@SERIES#synthesize\" (func $synthesize))"
        }
        _ => "(export \"jackfield:plugin/service@SERIES#run\" (func $run))",
    };
    let validate = match code.contains("(func $validate") {
        true => "",
        false => {
            "(func $validate (result i32)
               (i32.store8 (i32.const 960) (i32.const 0))
               (i32.store (i32.const 964) (i32.const 1000)) (i32.store (i32.const 968) (i32.const 4))
               (i32.store (i32.const 972) (i32.const 1004)) (i32.store (i32.const 976) (i32.const 3))
               (i32.const 960))"
        }
    };
    let text = format!(
        "(module
           {imports}
           (memory (export \"memory\") {pages})
           (data (i32.const 1000) \"wat 1.0\")
           (global $free (mut i32) (i32.const 32768))
           (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
             (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
             (global.get $free)
             (global.set $free (i32.add (global.get $free) (local.get 3))))
           {exports}
           (export \"jackfield:plugin/plugin-info@SERIES#validate\" (func $validate))
           {validate}
           {code})"
    )
    .replace("SERIES", version);
    let mut wasm = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve.push_str("all.wit", contract).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let utf8 = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut wasm, &resolve, world, utf8, false).unwrap();
    wasm
}

/// The contract in a folder of the repository as one text, of another version if need be.
pub(crate) fn contract(folder: &str, version: &str) -> String {
    let folder = format!("{}/../../{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut text = format!("package jackfield:plugin@{version};\n");
    for path in paths {
        if path.extension().is_some_and(|extension| extension == "wit") {
            let file = std::fs::read_to_string(path).unwrap();
            text.extend(
                file.lines().filter(|line| !line.starts_with("package ")).flat_map(|line| [line, "\n"]),
            );
        }
    }
    text
}

/// The first preview of WASI, as compilers for wasm32-wasip1 import it.
const WASI: &str = "wasi_snapshot_preview1";

/// Interface, name, and the signature after lowering.
const IMPORTS: [(&str, &str, &str); 25] = [
    ("call-control", "[method]call.answer", "(func $answer (param i32 i32))"),
    ("call-control", "[method]call.play", "(func $play (param i32 i32 i32 i32 i32 i32 i32 i32))"),
    (
        "call-control",
        "[method]call.dial",
        "(func $dial (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32))",
    ),
    ("call-control", "[method]call.hold", "(func $hold (param i32 i32 i32 i32))"),
    ("call-control", "[method]call.info", "(func $info (param i32 i32))"),
    ("call-control", "[method]call.record", "(func $record (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32))"),
    ("call-control", "[static]clip.say", "(func $say (param i32 i32 i32 i32 i32 i32 i32 i32))"),
    ("call-control", "[resource-drop]call", "(func $drop_call (param i32))"),
    ("events", "next", "(func $next (param i32 i32 i32))"),
    ("timers", "sleep", "(func $sleep (param i32))"),
    ("log", "log", "(func $log (param i32 i32 i32 i32 i32))"),
    ("config", "get", "(func $config (param i32 i32 i32))"),
    ("kv", "add", "(func $kv_add (param i32 i32 i64 i32))"),
    ("helper", "run", "(func $helper (param i32 i32 i32 i32 i32 i32 i32 i32))"),
    ("audio-out", "[method]sink.format", "(func $format (param i32 i32 i32))"),
    ("audio-out", "[method]sink.write", "(func $write (param i32 i32 i32 i32))"),
    (WASI, "fd_write", "(func $fd_write (param i32 i32 i32 i32) (result i32))"),
    (WASI, "fd_read", "(func $fd_read (param i32 i32 i32 i32) (result i32))"),
    (WASI, "environ_sizes_get", "(func $environ (param i32 i32) (result i32))"),
    (WASI, "path_open", "(func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32))"),
    (WASI, "clock_time_get", "(func $clock (param i32 i64 i32) (result i32))"),
    (WASI, "random_get", "(func $random (param i32 i32) (result i32))"),
    (WASI, "poll_oneoff", "(func $poll (param i32 i32 i32 i32) (result i32))"),
    (WASI, "proc_exit", "(func $exit (param i32))"),
    ("fax", "next", "(func $fax (param i32) (result i32))"),
];

/// `Ok(())` as the result of `handle`.
pub(crate) const OK: &str = "(i32.store8 (i32.const 0) (i32.const 0)) (i32.const 0)";

/// An app whose `handle` is this.
pub(crate) fn app(handle: &str) -> Vec<u8> {
    guest("call-app", &format!("(func $handle (param $call i32) (result i32) {handle})"))
}

// Versions

pub(crate) fn manifest(kind: &str, rest: &str) -> Manifest {
    let text = format!(
        "[plugin]\nname = \"menu\"\nversion = \"1.4.0\"\nwit = \"0.1.0\"\ncomponent = \"menu.wasm\"\n\
         kind = [\"{kind}\"]\n{rest}"
    );
    Manifest::parse(&text).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn source(kind: &str, wasm: Vec<u8>) -> Source {
    Source {
        name: "ivr".into(),
        manifest: manifest(kind, ""),
        settings: serde_json::json!({}),
        wasm,
        script: None,
        prompts: BTreeMap::new(),
        grant: Grant::default(),
        limits: Limits::default(),
        number: 1,
    }
}

pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(EngineOptions { max_instances: 100, ..Default::default() }).unwrap())
}

/// Counts fuel, not ticks.
pub(crate) fn deterministic() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let options = EngineOptions { max_instances: 100, deterministic: true, ..Default::default() };
    ENGINE.get_or_init(|| Engine::new(options).unwrap())
}

pub(crate) fn load(source: Source) -> Result<Arc<Version>, LoadError> {
    engine().load(source, &NoCache)
}

pub(crate) fn loaded(source: Source) -> Arc<Version> {
    load(source).unwrap_or_else(|error| panic!("{error}"))
}

// The world around

type Rule = dyn Fn(&Command) -> Option<Reply> + Send + Sync;

/// Answers each command by a rule, at once; where the rule has no answer, nobody ever answers.
pub(crate) struct World {
    pub(crate) host: Host,
    pub(crate) seen: Arc<Mutex<Vec<Command>>>,
    pub(crate) abandoned: Arc<Mutex<Vec<Token>>>,
    pub(crate) services: Arc<Memory>,
}

struct FakeSwitch {
    rule: Box<Rule>,
    replies: Arc<Replies>,
    seen: Arc<Mutex<Vec<Command>>>,
    abandoned: Arc<Mutex<Vec<Token>>>,
}

impl Switchboard for FakeSwitch {
    fn post(&self, instance: InstanceId, token: Token, command: Command) -> Result<(), Error> {
        if let Some(reply) = (self.rule)(&command) {
            self.replies.deliver(instance, token, reply);
        }
        self.seen.lock().unwrap().push(command);
        Ok(())
    }

    fn abandon(&self, _: InstanceId, token: Token) {
        self.abandoned.lock().unwrap().push(token);
    }
}

impl World {
    pub(crate) fn new(rule: impl Fn(&Command) -> Option<Reply> + Send + Sync + 'static) -> World {
        let (replies, services) = (Arc::new(Replies::new()), Arc::new(Memory::default()));
        let (seen, abandoned) = (Arc::default(), Arc::default());
        let switch = FakeSwitch {
            rule: Box::new(rule),
            replies: replies.clone(),
            seen: Arc::clone(&seen),
            abandoned: Arc::clone(&abandoned),
        };
        let (services_, usages) = (services.clone(), Arc::default());
        let host = Host { switch: Arc::new(switch), services: services_, replies, usages, journal: None };
        World { host, seen, abandoned, services }
    }

    /// Every verb succeeds.
    pub(crate) fn willing() -> World {
        World::new(|_| Some(Ok(Value::Done)))
    }

    /// No verb ever ends.
    pub(crate) fn silent() -> World {
        World::new(|_| None)
    }

    /// The far end has hung up.
    pub(crate) fn hung_up() -> World {
        World::new(|_| Some(Err(Error::HungUp(normal()))))
    }

    /// Runs the app to its end.
    pub(crate) fn call(&self, version: &Arc<Version>) -> jackfield_switch::InstanceEnd {
        finish(version.handle(&self.host, INSTANCE, LEG, call_info()))
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.services.log.lock().unwrap().clone()
    }
}

pub(crate) fn normal() -> HangupInfo {
    HangupInfo { cause: Cause::Normal, code: 0, by_peer: true }
}

pub(crate) fn call_info() -> CallInfo {
    CallInfo {
        id: "call-1".into(),
        direction: Direction::Inbound,
        caller: "101".into(),
        caller_name: "Alice".into(),
        callee: "100".into(),
        trunk: String::new(),
        started_at: 0,
        headers: Vec::new(),
        args: Vec::new(),
    }
}

/// Services that remember what they were asked.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) now: AtomicU64,
    pub(crate) log: Mutex<Vec<String>>,
    pub(crate) spoken: Mutex<Vec<Speech>>,
    pub(crate) helped: Mutex<Vec<String>>,
}

fn unavailable<T: Send + 'static>() -> Answer<T> {
    Box::pin(async { Err(Error::Unavailable("not in this test".into())) })
}

impl Services for Memory {
    fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }
    fn utc_offset(&self) -> i32 {
        0
    }
    fn local(&self, at: u64, _: &str) -> Option<LocalTime> {
        LocalTime::at(at, &jiff::tz::TimeZone::UTC)
    }
    fn random(&self) -> u64 {
        4
    }
    fn log(&self, origin: &Origin<'_>, level: Level, message: &str, _: &[(String, String)]) {
        let line = format!("{level:?} {} {} {:?}: {message}", origin.plugin, origin.version, origin.call);
        self.log.lock().unwrap().push(line);
    }
    fn kv_get(&self, _: &str, _: &str) -> Answer<Option<Vec<u8>>> {
        unavailable()
    }
    fn kv_set(&self, _: &str, _: &str, _: Vec<u8>, _: Option<Duration>) -> Answer<()> {
        unavailable()
    }
    fn kv_delete(&self, _: &str, _: &str) -> Answer<bool> {
        unavailable()
    }
    fn kv_add(&self, _: &str, _: &str, delta: i64) -> Answer<i64> {
        Box::pin(async move { Ok(delta) })
    }
    fn kv_swap(&self, _: &str, _: &str, _: Option<Vec<u8>>, _: Vec<u8>) -> Answer<bool> {
        unavailable()
    }
    fn kv_keys(&self, _: &str, _: &str, _: &str, _: u32) -> Answer<Vec<String>> {
        unavailable()
    }
    fn contacts_due(&self, _: &str, _: &str, _: u64, _: u32) -> Answer<Vec<Contact>> {
        unavailable()
    }
    fn contacts_next_due(&self, _: &str, _: &str) -> Answer<Option<u64>> {
        unavailable()
    }
    fn contacts_postpone(&self, _: &str, _: u64, _: u64) -> Answer<()> {
        unavailable()
    }
    fn contacts_finish(&self, _: &str, _: u64, _: String) -> Answer<()> {
        unavailable()
    }
    fn http(&self, _: &str, _: HttpRequest) -> Answer<HttpResponse> {
        unavailable()
    }
    fn helper(&self, name: &str, _: Vec<String>, input: Vec<u8>, _: Duration) -> Answer<Vec<u8>> {
        self.helped.lock().unwrap().push(name.into());
        Box::pin(async move { Ok(input) })
    }
    fn recording(&self, _: &str, _: &str) -> Answer<Arc<Clip>> {
        unavailable()
    }
    fn speech(&self, _: &str, speech: Speech) -> Answer<Arc<Clip>> {
        self.spoken.lock().unwrap().push(speech);
        Box::pin(async { Ok(Arc::new(Clip::from_samples(8000, &[1; 80]))) })
    }
}

// Running

/// Polls until it is done. A guest that waits for what nobody will answer fails the test.
pub(crate) fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..100_000 {
        if let Poll::Ready(output) = poll(&mut future) {
            return output;
        }
    }
    panic!("it does not end");
}

pub(crate) fn poll<F: Future>(future: &mut Pin<&mut F>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// While it lives, the engine's time goes by as fast as it can: for guests that never return by themselves.
pub(crate) struct Ticking(Arc<AtomicBool>);

impl Ticking {
    pub(crate) fn start() -> Ticking {
        let stop = Arc::new(AtomicBool::new(false));
        let ticking = Ticking(stop.clone());
        thread::spawn(move || {
            while !stop.load(Relaxed) {
                engine().tick();
                thread::yield_now();
            }
        });
        ticking
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
