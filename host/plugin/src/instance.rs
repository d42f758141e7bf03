//! One instance: its state, its run, and how it ended.

use std::{borrow::Cow, future::Future, pin::pin, sync::Arc};

use jackfield_media::LegId;
use jackfield_switch::{CallInfo, Command, Error, Event, InstanceEnd, InstanceId, Level, Reply, Value};
use wasmtime::{
    PoolConcurrencyLimitError, Store, Trap, WasmBacktrace,
    component::{Instance, Resource, ResourceTable, ResourceTableError},
};

use crate::{
    api::{self, Call, Failure, Sink},
    bounds::Bounds,
    error::Refused,
    journal::{Asked, Ended, Got, Tape},
    meter::{Memory, Meter, OnFuel, Rate, Spent},
    rights::Rights,
    runtime::Script,
    services::{Answer, Host, Origin, Services, Speech, Verb},
    turn::{InTurn, Turn},
    usage::Place,
    version::{Finding, Info, Running, SpeechAudio, Version, Voice},
    wasi::Printed,
};

/// Handles that a guest may hold at once.
const MAX_HANDLES: usize = 64;
/// Legs that an instance has had, whose call-ids are known to it; of a service that dials for ever, the last ones.
const MAX_LEGS: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The settings are checked: no call, no service.
    Check,
    App {
        instance: InstanceId,
        /// Of the call that it handles.
        leg: LegId,
    },
    Service {
        instance: InstanceId,
    },
    Tts,
}

/// What the host keeps for one instance.
pub(crate) struct State {
    pub(crate) host: Host,
    pub(crate) role: Role,
    pub(crate) memory: Memory,
    pub(crate) table: ResourceTable,
    /// The call-ids of its legs; the first is of the call that it handles.
    pub(crate) legs: Vec<(LegId, Arc<str>)>,
    /// None in a replay.
    bounds: Option<Arc<Bounds>>,
    /// Legs that ring, as far as the guest has heard.
    ringing: Vec<(LegId, Place)>,
    pub(crate) tape: Tape,
    /// In words, what the next verb lets be heard; empty while the tape is off.
    pub(crate) said: Vec<String>,
    /// What is said while the settings are checked.
    pub(crate) announced: Vec<Speech>,
    /// Of a guest that has stdout and stderr.
    pub(crate) printed: Printed,
    host_calls: Rate,
    meter: Arc<Meter>,
    version: Running,
    /// The guest knows that its call has ended.
    hung_up: bool,
}

impl State {
    pub(crate) fn version(&self) -> &Version {
        &self.version.0
    }

    pub(crate) fn rights(&self) -> Rights<'_> {
        self.version().rights()
    }

    /// The key of the plugin in `jackfield.toml`, and the services.
    pub(crate) fn services(&self) -> (&str, &dyn Services) {
        (self.version().name(), &*self.host.services)
    }

    pub(crate) fn origin(&self) -> Origin<'_> {
        Origin {
            plugin: self.version().name(),
            version: &self.version().manifest().plugin.version,
            number: self.version().number(),
            instance: self.role.instance(),
            call: self.legs.first().map(|(_, id)| &**id),
        }
    }

    /// Counts a host call; too many in a second end the instance.
    pub(crate) fn count(&mut self) -> wasmtime::Result<()> {
        self.meter.check()?;
        let limit = self.version.0.limits().host_calls;
        if self.host_calls.take(1, limit as usize, 1000, || self.host.services.now()) {
            return Ok(());
        }
        Err(Spent::HostCalls(limit).into())
    }

    /// Posts a command and waits for its reply.
    pub(crate) async fn ask(&mut self, command: Command) -> Result<Value, Failure> {
        self.count()?;
        let Some(instance) = self.role.instance() else {
            return Err(Error::Denied(
                "calls, events and timers: not while settings are checked, nor for speech".into(),
            )
            .into());
        };
        let reply = self.reply(instance, command).await;
        match &reply {
            Ok(Value::Event(Some(Event::HungUp { leg, .. }))) => self.has_ended(*leg),
            Ok(Value::Event(Some(Event::Answered { leg }))) => self.rings_no_more(*leg),
            _ => {}
        }
        Ok(reply?)
    }

    async fn reply(&mut self, instance: InstanceId, command: Command) -> Reply {
        let bounded = self.bounds.as_ref().map_or(Ok(None), |bounds| bounds.verb(&command));
        let (ringing, refused) = match bounded {
            Ok(place) => (place, None),
            Err(error) => (None, Some(error)),
        };
        let reply = match &self.tape {
            Tape::Off => match self.begin(instance, command, refused) {
                Ok(verb) => self.meter.wait(verb).await,
                Err(error) => Err(error),
            },
            Tape::Recording(recorder) => {
                let said = std::mem::take(&mut self.said);
                let asked = recorder.asked(Asked::Verb { command: Cow::Borrowed(&command), said });
                let reply = match self.begin(instance, command, refused) {
                    Ok(verb) => self.meter.wait(verb).await,
                    Err(error) => Err(error),
                };
                let got = recorder.got(asked, Got::Reply(reply));
                let Got::Reply(reply) = got else { unreachable!("it is given back") };
                reply
            }
            Tape::Playing(player) => {
                let said = std::mem::take(&mut self.said);
                self.meter.wait(player.verb(&command, said)).await
            }
        };
        if let (Some(place), Ok(Value::Leg(leg, _))) = (ringing, &reply) {
            self.ringing.push((*leg, place));
        }
        reply
    }

    fn begin(&self, instance: InstanceId, command: Command, refused: Option<Error>) -> Result<Verb, Error> {
        match refused {
            None => self.host.ask(instance, command),
            Some(error) => Err(error),
        }
    }

    /// As `ask`, for a verb on a leg.
    pub(crate) async fn ask_leg(&mut self, leg: LegId, command: Command) -> Result<Value, Failure> {
        let reply = self.ask(command).await;
        if let Err(Failure::Error(Error::HungUp(_))) = &reply {
            self.has_ended(leg);
        }
        reply
    }

    /// Waits for a service.
    pub(crate) async fn wait<T>(&mut self, answer: Answer<T>) -> Result<T, Failure> {
        self.count()?;
        Ok(self.meter.wait(answer).await?)
    }

    /// For what reaches out of the house.
    pub(crate) fn not_in_check(&self, what: &str) -> Result<(), Error> {
        match self.role {
            Role::Check => Err(Error::Denied(format!("{what}: not while settings are checked"))),
            _ => Ok(()),
        }
    }

    /// A handle for a leg of this instance.
    pub(crate) fn leg(&mut self, leg: LegId, info: CallInfo) -> Result<Resource<Call>, ResourceTableError> {
        if !self.legs.iter().any(|(known, _)| *known == leg) {
            if self.legs.len() == MAX_LEGS {
                // The first is of the call that it handles.
                self.legs.remove(1);
            }
            self.legs.push((leg, info.id.as_str().into()));
        }
        self.table.push(Call { leg, info: Arc::new(info) })
    }

    /// Before something is begun whose outcome is a handle.
    pub(crate) fn has_room_for_handle(&mut self) -> Result<(), Failure> {
        let handle = self.table.push(())?;
        Ok(self.table.delete(handle).map(drop)?)
    }

    /// A leg was answered or has ended.
    pub(crate) fn rings_no_more(&mut self, leg: LegId) {
        self.ringing.retain(|(ringing, _)| *ringing != leg);
    }

    fn has_ended(&mut self, leg: LegId) {
        self.rings_no_more(leg);
        if matches!(self.role, Role::App { leg: own, .. } if own == leg) {
            self.hung_up = true;
        }
    }
}

impl Drop for State {
    /// However it ended, what it printed last is not lost, nor lines of its log without a word.
    fn drop(&mut self) {
        self.end_printed();
        if let Some(bounds) = &self.bounds {
            bounds.tell_dropped(&self.origin());
        }
    }
}

impl Role {
    fn instance(self) -> Option<InstanceId> {
        match self {
            Role::App { instance, .. } | Role::Service { instance } => Some(instance),
            Role::Check | Role::Tts => None,
        }
    }
}

/// An instance that has not begun.
pub(crate) struct Start {
    pub(crate) version: Running,
    pub(crate) host: Host,
    pub(crate) role: Role,
    pub(crate) tape: Tape,
    /// None in a replay.
    pub(crate) bounds: Option<Arc<Bounds>>,
}

impl Start {
    async fn instantiate(self) -> Result<Guest, InstanceEnd> {
        let version = self.version.0.clone();
        let limits = version.limits();
        let running = version.instances();
        if matches!(self.role, Role::App { .. }) && running > limits.calls {
            return Err(InstanceEnd::NotStarted(format!(
                "{version}: all {} of its instances are taken (limits.calls)",
                limits.calls
            )));
        }
        // A service runs for as long as the daemon: only its single steps are limited.
        let whole = !matches!(self.role, Role::Service { .. });
        let meter = Meter::new(version.engine.clock(), limits, whole);
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let state = State {
            host: self.host,
            role: self.role,
            memory: Memory::new(limits.memory),
            table,
            legs: Vec::new(),
            bounds: self.bounds,
            ringing: Vec::new(),
            tape: self.tape,
            said: Vec::new(),
            announced: Vec::new(),
            printed: Printed::default(),
            host_calls: Rate::default(),
            meter: meter.clone(),
            version: self.version,
            hung_up: false,
        };
        let not_started = |error| match is_pool_full(&error) {
            true => {
                InstanceEnd::NotStarted(format!("{version}: all plugin instances of the daemon are taken"))
            }
            false => InstanceEnd::Trapped(reason(&version, &error)),
        };
        let mut store = version.engine.store(state, &meter).map_err(not_started)?;
        let instance = metered(&version, &meter, version.pre.instantiate_async(&mut store))
            .await
            .map_err(not_started)?;
        Ok(Guest { store, instance, version, meter })
    }
}

/// Runs guest code within its limits.
async fn metered<T>(
    version: &Version,
    meter: &Arc<Meter>,
    guest: impl Future<Output = wasmtime::Result<T>>,
) -> wasmtime::Result<T> {
    if version.engine.is_deterministic() {
        OnFuel { guest: pin!(guest), meter: meter.clone() }.await
    } else {
        let turns = version.engine.inner.turns.clone();
        InTurn { guest: pin!(guest), meter: meter.clone(), turns, turn: Turn::NotNeeded }.await
    }
}

struct Guest {
    store: Store<State>,
    instance: Instance,
    version: Arc<Version>,
    meter: Arc<Meter>,
}

/// Calls an export: `call!(guest, app.call_handle(call))`.
macro_rules! call {
    ($guest:ident, $interface:ident.$function:ident($($argument:expr),*)) => {{
        let run = async {
            let Some(exports) = &$guest.version.exports.$interface else {
                return Err(wasmtime::Error::msg(concat!("it is no plugin of kind ", stringify!($interface))));
            };
            let exports = exports.load(&mut $guest.store, &$guest.instance)?;
            exports.$function(&mut $guest.store $(, $argument)*).await
        };
        metered(&$guest.version, &$guest.meter, run).await
    }};
}

pub(crate) async fn handle(start: Start, info: CallInfo) -> InstanceEnd {
    let (tape, version) = (start.tape.clone(), start.version.0.clone());
    let (end, in_time) = run_app(start, info).await;
    tape.ended(as_recorded(&version, &end, in_time));
    end
}

/// How it ended, and whether it did so within the limits that depend on time.
async fn run_app(start: Start, info: CallInfo) -> (InstanceEnd, bool) {
    let Role::App { leg, .. } = start.role else { unreachable!("started by Version::handle") };
    let mut guest = match start.instantiate().await {
        Ok(guest) => guest,
        Err(end) => return (end, true),
    };
    let call = match guest.store.data_mut().leg(leg, info) {
        Ok(call) => call,
        Err(error) => return (InstanceEnd::Trapped(format!("{}: {error}", guest.version)), true),
    };
    let result = call!(guest, app.call_handle(call));
    let spent = result.as_ref().err().and_then(|error| error.downcast_ref::<Spent>());
    let in_time = !spent.is_some_and(Spent::is_of_time);
    (guest.end(result).map_or_else(|end| end, |()| InstanceEnd::Returned), in_time)
}

/// Without the version's name, which is another one in a replay. None: it never began.
fn as_recorded(version: &Version, end: &InstanceEnd, in_time: bool) -> Option<Ended> {
    let name = format!("{version}: ");
    let bare = |text: &str| text.strip_prefix(&name).unwrap_or(text).to_owned();
    match end {
        InstanceEnd::Returned => Some(Ended::Returned),
        InstanceEnd::Failed(text) => Some(Ended::Failed(bare(text))),
        InstanceEnd::Trapped(text) if in_time => Some(Ended::Trapped(bare(text))),
        InstanceEnd::Trapped(text) => Some(Ended::Spent(bare(text))),
        InstanceEnd::NotStarted(_) => None,
    }
}

pub(crate) async fn serve(start: Start, saved: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, InstanceEnd> {
    let mut guest = start.instantiate().await?;
    let result = call!(guest, service.call_run(saved.as_deref()));
    guest.end(result)
}

pub(crate) async fn synthesize(start: Start, speech: Speech) -> Result<SpeechAudio, Error> {
    let mut guest = start.instantiate().await.map_err(as_error)?;
    let sink = Sink::default();
    let out =
        guest.store.data_mut().table.push(sink.clone()).map_err(|error| Error::Other(error.to_string()))?;
    let result = call!(guest, tts.call_synthesize(&speech.into(), out));
    guest.answer(result)?;
    sink.finish()
}

pub(crate) async fn voices(start: Start) -> Result<Vec<Voice>, Error> {
    let mut guest = start.instantiate().await.map_err(as_error)?;
    let result = call!(guest, tts.call_voices());
    let voices = guest.answer(result)?;
    Ok(voices.into_iter().map(|voice| Voice { id: voice.id, lang: voice.lang, name: voice.name }).collect())
}

pub(crate) async fn validate(start: Start) -> Result<Info, Refused> {
    let mut guest = start.instantiate().await.map_err(|end| Refused::Trap(text(end)))?;
    let result =
        guest.check_types().map(|()| guest.version.exports.info.load(&mut guest.store, &guest.instance));
    let run = async { result??.call_validate(&mut guest.store).await };
    match metered(&guest.version, &guest.meter, run).await {
        Ok(Ok(info)) => {
            guest.version.announce(std::mem::take(&mut guest.store.data_mut().announced));
            Ok(Info { name: info.name, version: info.version })
        }
        Ok(Err(findings)) => Err(refused(
            findings.into_iter().map(|f| Finding { path: f.path, text: f.text, help: f.help }).collect(),
        )),
        Err(error) => Err(Refused::Trap(guest.reason(&error))),
    }
}

/// A runner tells a mistake in its script as a finding too.
fn refused(mut findings: Vec<Finding>) -> Refused {
    match findings.iter().position(|finding| finding.path == [Script::TEXT]) {
        Some(place) => Refused::Script(findings.swap_remove(place).text),
        None => Refused::Findings(findings),
    }
}

impl Guest {
    /// The functions of all exported interfaces are what the contract says.
    fn check_types(&mut self) -> wasmtime::Result<()> {
        let exports = &self.version.exports;
        exports.app.as_ref().map(|app| app.load(&mut self.store, &self.instance)).transpose()?;
        exports.tts.as_ref().map(|tts| tts.load(&mut self.store, &self.instance)).transpose()?;
        exports.service.as_ref().map(|service| service.load(&mut self.store, &self.instance)).transpose()?;
        Ok(())
    }

    /// How an app or a service ended.
    fn end<T>(&mut self, result: wasmtime::Result<Result<T, api::types::Error>>) -> Result<T, InstanceEnd> {
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(api::types::Error::HungUp(_))) => Err(InstanceEnd::Returned),
            Ok(Err(error)) => Err(InstanceEnd::Failed(format!("{}: {}", self.version, Error::from(error)))),
            // Scripts that never thought of a hang-up end in all ways; nobody is there to be hurt.
            Err(error) if self.store.data().hung_up => {
                let state = self.store.data();
                let text = format!("ended after the hang-up by: {}", what(&error));
                state.host.services.log(&state.origin(), Level::Debug, &text, &[]);
                Err(InstanceEnd::Returned)
            }
            Err(error) => Err(InstanceEnd::Trapped(self.reason(&error))),
        }
    }

    /// The answer of a tts plugin.
    fn answer<T>(&mut self, result: wasmtime::Result<Result<T, api::types::Error>>) -> Result<T, Error> {
        match result {
            Ok(result) => Ok(result?),
            Err(error) => Err(Error::Unavailable(self.reason(&error))),
        }
    }

    /// A runtime that gives up says why on stderr, and traps.
    fn reason(&mut self, error: &wasmtime::Error) -> String {
        let reason = reason(&self.version, error);
        match self.store.data_mut().end_printed() {
            Some(words) => format!("{reason}; its last words: {words}"),
            None => reason,
        }
    }
}

fn as_error(end: InstanceEnd) -> Error {
    Error::Unavailable(text(end))
}

fn text(end: InstanceEnd) -> String {
    match end {
        InstanceEnd::Returned => String::new(),
        InstanceEnd::Failed(text) | InstanceEnd::Trapped(text) | InstanceEnd::NotStarted(text) => text,
    }
}

fn is_pool_full(error: &wasmtime::Error) -> bool {
    error.downcast_ref::<PoolConcurrencyLimitError>().is_some()
}

/// Who, what and where, for the log.
fn reason(version: &Version, error: &wasmtime::Error) -> String {
    format!("{version}: {}{}", what(error), place(error))
}

fn what(error: &wasmtime::Error) -> String {
    if let Some(spent) = error.downcast_ref::<Spent>() {
        return spent.to_string();
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        let text = trap.to_string();
        return format!("trap: {}", text.strip_prefix("wasm trap: ").unwrap_or(&text));
    }
    error.root_cause().to_string()
}

/// The innermost functions that are the guest's own.
fn place(error: &wasmtime::Error) -> String {
    const SHOWN: usize = 3;
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return String::new() };
    let names = backtrace.frames().iter().filter_map(|frame| frame.func_name());
    let names: Vec<_> = names.map(readable).filter(|name| !is_runtime(name)).take(SHOWN).collect();
    if names.is_empty() { String::new() } else { format!(" in {}", names.join(" < ")) }
}

/// Panicking and allocating, where the guest's language is Rust.
fn is_runtime(name: &str) -> bool {
    const RUNTIME: [&str; 6] = ["core::", "std::", "alloc::", "rust_", "__rust", "__rg"];
    // As in `<core::fmt::Arguments as ...>::fmt`.
    let name = name.trim_start_matches('<');
    RUNTIME.iter().any(|prefix| name.starts_with(prefix))
}

/// `menu::ring` for `_ZN4menu4ring17h0123456789abcdefE`, and for what newer compilers write.
fn readable(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mangled_names_become_readable() {
        assert_eq!(readable("_ZN4menu4ring17h0123456789abcdefE"), "menu::ring");
        assert_eq!(readable("spin"), "spin");
        assert_eq!(readable("_ZN999menuE"), "_ZN999menuE");
        assert_eq!(readable("_RNvCsfLfy6EI15iL_6misfit4spin"), "misfit::spin");
    }

    #[test]
    fn panicking_is_not_the_guests_own() {
        for name in [
            "_RNvCsfLfy6EI15iL_7___rustc10rust_panic",
            "_RNvNtCsebHcaeoSrxy_3std9panicking15panic_with_hook",
            "_RNCNvNtCsebHcaeoSrxy_3std9panicking13panic_handler0B5_",
        ] {
            assert!(is_runtime(&readable(name)), "{}", readable(name));
        }
        assert!(!is_runtime("misfit::spin"));
    }
}
