//! What a plugin instance asks of the switch, and what it gets back.
//!
//! Every command that an instance posts carries a [`Token`](crate::Token) and is
//! answered exactly once with that token, unless the instance is gone. The shapes
//! follow `wit/`.
//!
//! All but the audio can be written down, so that what an instance decided can be compared with what it decides
//! another time.

use std::{sync::Arc, time::Duration};

use jackfield_media::{Digits, LegId, Source};
use serde::{Deserialize, Serialize};

use crate::written;

/// A verb of the contract.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// 200 OK; [`Reply::Done`] when media may flow.
    Answer {
        leg: LegId,
    },
    /// 180 without media.
    Ring {
        leg: LegId,
    },
    /// A final failure response, 300 to 699.
    Reject {
        leg: LegId,
        code: u16,
    },
    Hangup {
        leg: LegId,
        reason: String,
    },
    State {
        leg: LegId,
    },
    /// [`Reply::Played`].
    Play {
        leg: LegId,
        #[serde(skip)]
        sources: Vec<Source>,
        options: PlayOptions,
    },
    /// [`Reply::Operation`] at once, [`Event::Done`] at the end.
    StartPlay {
        leg: LegId,
        #[serde(skip)]
        sources: Vec<Source>,
        options: PlayOptions,
    },
    /// [`Reply::Gathered`].
    Gather {
        leg: LegId,
        #[serde(skip)]
        sources: Vec<Source>,
        options: GatherOptions,
    },
    /// [`Reply::Recorded`].
    Record {
        leg: LegId,
        options: RecordOptions,
    },
    StartRecord {
        leg: LegId,
        options: RecordOptions,
    },
    Stop {
        leg: LegId,
        operation: u32,
    },
    SendDigits {
        leg: LegId,
        #[serde(with = "written::text")]
        digits: Arc<str>,
    },
    /// [`Reply::Dialled`] when one target answers or all have failed.
    Dial {
        leg: Option<LegId>,
        options: DialOptions,
    },
    /// [`Reply::Leg`] at once; `Answered` or `HungUp` events follow.
    StartDial {
        leg: LegId,
        options: DialOptions,
    },
    /// [`Reply::Bridged`].
    Bridge {
        leg: LegId,
        other: LegId,
        options: BridgeOptions,
    },
    StartBridge {
        leg: LegId,
        other: LegId,
        options: BridgeOptions,
    },
    /// Kept in the call record.
    SetResult {
        leg: LegId,
        key: String,
        value: String,
    },
    /// [`Reply::Event`].
    Next {
        timeout: Option<Duration>,
    },
    /// [`Reply::Done`] after that time.
    Sleep {
        time: Duration,
    },
    /// [`Reply::Number`]: the timer.
    StartTimer {
        after: Duration,
        repeat: bool,
    },
    CancelTimer {
        timer: u64,
    },
    /// [`Reply::Number`]: the launch, once its attempt is stored.
    Launch(LaunchOptions),
    CancelLaunch {
        launch: u64,
    },
    /// [`Reply::Slots`].
    Slots,
    Send {
        to: Address,
        topic: String,
        #[serde(with = "written::bytes")]
        body: Vec<u8>,
    },
    /// [`Reply::Answer`].
    Ask {
        to: Address,
        topic: String,
        #[serde(with = "written::bytes")]
        body: Vec<u8>,
        timeout: Duration,
    },
    Answered {
        question: u64,
        #[serde(with = "written::answer")]
        answer: Result<Vec<u8>, String>,
    },
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PlayOptions {
    pub interrupt: Digits,
    /// Times; 0 until stopped.
    pub repeat: u32,
    /// Media before the answer (183).
    pub early: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GatherOptions {
    pub barge_in: bool,
    pub min: u32,
    pub max: u32,
    pub finish: Digits,
    /// From the prompts' end to the first digit.
    pub first_timeout: Duration,
    pub inter_timeout: Duration,
    /// Forget the digits typed before this verb.
    pub flush: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordOptions {
    /// Below the plugin's recordings; empty: the host chooses.
    pub name: String,
    pub max: Duration,
    pub silence: Option<Duration>,
    pub finish: Digits,
    pub beep: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DialOptions {
    /// `sip:` URIs, user names or numbers; several ring together.
    pub targets: Vec<String>,
    pub timeout: Duration,
    pub caller: Option<String>,
    pub caller_name: Option<String>,
    pub headers: Vec<(String, String)>,
    /// What the calling leg hears while it rings; none: the far end's own.
    #[serde(skip)]
    pub ringback: Option<Vec<Source>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct BridgeOptions {
    pub max: Option<Duration>,
    /// A digit on the first leg that ends the bridge and keeps both legs.
    pub break_digit: Digits,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaunchOptions {
    pub target: String,
    /// The plugin that gets the call once answered.
    pub app: String,
    pub args: Vec<(String, String)>,
    pub caller: Option<String>,
    pub caller_name: Option<String>,
    pub ring_timeout: Duration,
    /// The contact of a campaign that this attempt is for.
    pub contact: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// The service of that plugin, or all its instances.
    Plugin(String),
    /// The instance that serves that call.
    Call(String),
}

/// The answer to a [`Command`].
pub type Reply = Result<Value, Error>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Done,
    State(CallState),
    Played(PlayEnd),
    Operation(u32),
    Gathered {
        digits: String,
        ended_by: GatherEnd,
    },
    Recorded {
        name: String,
        length: Duration,
        digit: Option<char>,
    },
    Dialled(DialEnd),
    Leg(LegId, CallInfo),
    Bridged(BridgeEnd),
    Event(Option<Event>),
    Number(u64),
    /// Launches under way, and how many more the limits allow now.
    Slots(u32, u32),
    Answer(#[serde(with = "written::bytes")] Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallState {
    Ringing,
    Early,
    Up,
    Held,
    Bridged,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlayEnd {
    Finished,
    Interrupted(char),
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatherEnd {
    MaxReached,
    FinishDigit,
    FirstTimeout,
    InterTimeout,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DialEnd {
    Answered(LegId, CallInfo),
    Failed(HangupInfo),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BridgeEnd {
    OtherHungUp(HangupInfo),
    Digit(char),
    Timeout,
    Unbridged,
}

/// Why a leg or a dial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    Normal,
    Busy,
    NoAnswer,
    Rejected,
    Cancelled,
    NotFound,
    /// Known, but no phone of theirs is registered or reachable.
    Unavailable,
    AnsweredElsewhere,
    Transferred,
    MediaTimeout,
    Network,
    Shutdown,
    /// The exchange itself ended in the middle of it, without a word.
    Interrupted,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HangupInfo {
    pub cause: Cause,
    /// SIP status or Q.850 code where there was one, else 0.
    pub code: u16,
    /// The far end hung up.
    pub by_peer: bool,
}

/// The one error of every verb.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Error {
    #[error("the call has ended ({:?})", .0.cause)]
    HungUp(HangupInfo),
    #[error("not granted: {0}")]
    Denied(String),
    #[error("invalid: {0}")]
    Invalid(String),
    #[error("not found: {0}")]
    NotFound(String),
    #[error("busy: {0}")]
    Busy(String),
    #[error("limit reached: {0}")]
    Limit(String),
    #[error("timed out")]
    Timeout,
    #[error("unavailable: {0}")]
    Unavailable(String),
    #[error("{0}")]
    Other(String),
}

/// What an instance can wait for with [`Command::Next`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    Digit {
        leg: LegId,
        digit: char,
    },
    Done {
        leg: LegId,
        operation: u32,
        end: OperationEnd,
    },
    Answered {
        leg: LegId,
    },
    HungUp {
        leg: LegId,
        info: HangupInfo,
    },
    Timer(u64),
    Message {
        sender: String,
        topic: String,
        #[serde(with = "written::bytes")]
        body: Vec<u8>,
        question: Option<u64>,
    },
    LaunchEnded(LaunchEnd),
    /// The limits allow a launch again after [`Error::Limit`].
    LaunchReady,
    Stop(StopReason),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OperationEnd {
    Finished,
    Interrupted(char),
    Stopped,
    Failed(Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    Reload,
    Disabled,
    Shutdown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchEnd {
    pub launch: u64,
    pub contact: Option<u64>,
    /// Unix milliseconds.
    pub answered_at: Option<u64>,
    pub info: HangupInfo,
    /// Set by the application with `set-result`.
    pub results: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// What a plugin knows of its call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallInfo {
    /// Host-wide unique; in logs and call records.
    pub id: String,
    pub direction: Direction,
    /// User part or full URI, and display name.
    pub caller: String,
    pub caller_name: String,
    pub callee: String,
    /// Peer, trunk or user from the configuration.
    pub trunk: String,
    /// Unix milliseconds.
    pub started_at: u64,
    pub headers: Vec<(String, String)>,
    pub args: Vec<(String, String)>,
}
