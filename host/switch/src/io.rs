//! What goes into the switch and what comes out: the whole contract with its driver.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use jackfield_media::{self as media, LegId, WorkerId};
use jackfield_sip::{Binding, Flow, FlowId, Transport};

use crate::{
    command::{CallInfo, Command, HangupInfo, Reply, StopReason},
    record::CallRecord,
    settings::Settings,
    trace::CallEvent,
};

/// Pairs a question with its answer, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// A running plugin instance. The switch numbers those that serve calls (even
/// numbers), the driver those of services (odd numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u64);

#[derive(Debug)]
pub enum Input {
    /// One datagram, or one message of a stream.
    Sip {
        flow: Flow,
        bytes: Bytes,
    },
    FlowClosed {
        flow: FlowId,
    },
    /// The answer to [`Output::Open`].
    Opened {
        token: Token,
        result: Result<Flow, String>,
    },
    Media {
        worker: WorkerId,
        event: media::Event,
    },
    /// Sockets that workers lend.
    Leases(Vec<media::Lease>),
    /// A verb of an instance; answered by [`Output::PluginReply`].
    Command {
        instance: InstanceId,
        token: Token,
        command: Command,
    },
    /// The guest gave up waiting (its future was dropped): stop what the verb began.
    Abandoned {
        instance: InstanceId,
        token: Token,
    },
    /// A long-lived instance runs; from now on it has an event queue.
    ServiceStarted {
        instance: InstanceId,
        plugin: String,
        /// Events that may wait for it.
        max_events: usize,
    },
    /// A service must end: puts `Stop` into its queue.
    StopService {
        instance: InstanceId,
        reason: StopReason,
    },
    /// An instance that serves a call runs, with these limits of its version.
    InstanceStarted {
        instance: InstanceId,
        /// Then its call ends.
        call_time: Duration,
        /// Time to finish once every leg is gone.
        after_hangup: Duration,
        /// Events that may wait for it.
        max_events: usize,
    },
    /// An instance returned, failed, or could not start.
    InstanceEnded {
        instance: InstanceId,
        end: InstanceEnd,
    },
    /// The answer to an [`Output::Store`] that had a token.
    Stored {
        token: Token,
        result: Result<(), String>,
    },
    /// A message for a service from outside ("operator"), into its event queue.
    Message {
        plugin: String,
        sender: String,
        topic: String,
        body: Vec<u8>,
    },
    /// A new configuration, whole. Running calls keep what they have.
    Settings(Arc<Settings>),
    /// Bindings from the store, at start.
    Restored(Vec<(String, Binding)>),
    /// Starts, pauses or ends the recording of a call, by its id.
    Tape {
        call: String,
        action: TapeAction,
    },
    /// Ends one call by its id.
    HangUp {
        call: String,
    },
    /// No new calls from now on; running calls end with cause `shutdown`.
    Shutdown,
}

/// What an operator wants of the recording of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TapeAction {
    /// From now on, or from the answer on.
    Start,
    /// Silence from now on.
    Pause,
    Resume,
    /// For good.
    Stop,
}

#[derive(Clone, Debug, PartialEq)]
pub enum InstanceEnd {
    /// `handle` returned ok, or `hung-up` after a hang-up.
    Returned,
    /// `handle` returned another error.
    Failed(String),
    /// A trap, a spent limit: the reason, for the log.
    Trapped(String),
    /// It never began: not loaded, too many instances, failing. The call takes the fallback.
    NotStarted(String),
}

#[derive(Debug)]
pub enum Output {
    Transmit {
        flow: Flow,
        bytes: Bytes,
    },
    /// Resolve the host, open a connection if the transport has them, and answer with [`Input::Opened`].
    Open {
        token: Token,
        target: Target,
    },
    Media {
        worker: WorkerId,
        command: media::Command,
    },
    /// Hand a leg over to another worker, with its sockets: after all that `from` was told of it, and before all
    /// that `to` is told from now on.
    Move {
        leg: LegId,
        from: WorkerId,
        to: WorkerId,
    },
    /// Start an instance of the app plugin for this call.
    StartPlugin {
        instance: InstanceId,
        plugin: String,
        leg: LegId,
        call: CallInfo,
    },
    PluginReply {
        instance: InstanceId,
        token: Token,
        reply: Reply,
    },
    /// Drop the instance: its grace after the hang-up is over.
    DropInstance {
        instance: InstanceId,
    },
    /// Write this; with a token, answer when it is committed.
    Store {
        token: Option<Token>,
        write: Write,
    },
    /// A call has begun, or has been answered, and is not over: kept until its record comes.
    Underway(CallRecord),
    Record(CallRecord),
    /// The state of a call has changed.
    Trace(CallEvent),
    /// Calls of the one linked id, over or not, have the other one from now on.
    Linked {
        from: String,
        to: String,
    },
    /// A sentence for the operator's log.
    Notice {
        level: Level,
        text: String,
        call: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Where an outbound request goes before it has a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub transport: Transport,
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Debug)]
pub enum Write {
    /// All bindings of a user, as they now stand.
    Bindings { user: String, bindings: Vec<Binding>, now: Duration },
    /// Before the INVITE of a launch leaves.
    AttemptStarted { launch: u64, plugin: String, contact: Option<u64>, target: String, at: u64 },
    AttemptEnded {
        launch: u64,
        contact: Option<u64>,
        answered_at: Option<u64>,
        ended_at: u64,
        info: HangupInfo,
        results: Vec<(String, String)>,
    },
    /// 8 kHz mono.
    Recording { plugin: String, name: String, samples: Arc<[i16]> },
}

/// One line of `jackfield calls`.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct CallSummary {
    pub id: String,
    pub caller: String,
    pub callee: String,
    pub state: String,
    pub plugin: Option<String>,
    pub legs: u32,
    /// Of the whole call; none when there is none.
    #[serde(default)]
    pub recording: Option<String>,
    /// Unix milliseconds.
    pub started_at: u64,
    pub answered_at: Option<u64>,
}

/// One line of the registrations.
#[derive(Clone, Debug)]
pub struct Registration {
    pub user: String,
    pub contact: String,
    pub transport: Transport,
    pub remote: SocketAddr,
    pub expires_in: Duration,
}
