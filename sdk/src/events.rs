//! Everything that a plugin can wait for, in one queue.
//!
//! ```no_run
//! use std::time::Duration;
//! use jackfield_sdk::events::{self, Event};
//!
//! while let Some(event) = events::next_within(Duration::from_secs(60)) {
//!     match event {
//!         Event::Digit { digit, .. } => jackfield_sdk::info!("{digit} pressed"),
//!         Event::Stop(_) => break,
//!         _ => {}
//!     }
//! }
//! ```

use std::{fmt, time::Duration};

use crate::{
    Error, HangupInfo,
    bindings::jackfield::plugin::events as raw,
    types::{digit, millis},
};

/// Why this version must end.
///
/// ```
/// # use jackfield_sdk::events::{Event, StopReason};
/// fn has_a_successor(event: &Event) -> bool {
///     matches!(event, Event::Stop(StopReason::Reload))
/// }
/// ```
pub use raw::StopReason;

/// A message of another plugin, or of the operator.
///
/// ```no_run
/// # use jackfield_sdk::{bus, events::Message};
/// # fn f(message: Message) -> jackfield_sdk::Result<()> {
/// if let Some(question) = message.reply {
///     bus::reply(question, Ok(b"all is well"))?;
/// }
/// # Ok(()) }
/// ```
pub use raw::Message;

/// The end of a call that [`dialer::launch`](crate::dialer::launch) placed.
///
/// ```no_run
/// # use jackfield_sdk::events::{self, Event};
/// if let Event::LaunchEnded(end) = events::next() {
///     jackfield_sdk::info!("call {}: {}", end.launch, end.info.cause);
/// }
/// ```
pub use raw::LaunchEnd;

/// Something happened.
///
/// ```no_run
/// use jackfield_sdk::events::{self, Event};
///
/// if let Event::HungUp { call, info } = events::next() {
///     jackfield_sdk::info!("{call}: {}", info.cause);
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Event {
    /// A digit on a leg that no verb was collecting on.
    Digit {
        /// As [`Call::id`](crate::Call::id).
        call: String,
        /// `0` to `9`, `*`, `#`, `A` to `D`.
        digit: char,
    },
    /// An operation that `start()` began has ended.
    Done {
        /// As [`Call::id`](crate::Call::id).
        call: String,
        /// As [`Operation::number`](crate::verb::Operation::number).
        operation: u32,
        /// How.
        end: OperationEnd,
    },
    /// A leg that [`Dial::start`](crate::verb::Dial::start) rings was answered.
    Answered {
        /// As [`Call::id`](crate::Call::id).
        call: String,
    },
    /// A leg is gone.
    HungUp {
        /// As [`Call::id`](crate::Call::id).
        call: String,
        /// Why.
        info: HangupInfo,
    },
    /// A [`Timer`](crate::time::Timer), by its number.
    Timer(u64),
    /// Somebody sent something.
    Message(Message),
    /// A launched call has ended.
    LaunchEnded(LaunchEnd),
    /// After [`Error::Limit`]: a call may be launched again.
    LaunchReady,
    /// This version must end soon.
    Stop(StopReason),
    /// What this series of the contract has no name for.
    Other {
        /// Its name.
        kind: String,
        /// What it says.
        text: String,
    },
}

/// How a started operation ended.
///
/// ```
/// # use jackfield_sdk::events::OperationEnd;
/// fn was_heard(end: &OperationEnd) -> bool {
///     *end == OperationEnd::Finished
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationEnd {
    /// By itself.
    Finished,
    /// By this digit.
    Interrupted(char),
    /// By [`Operation::stop`](crate::verb::Operation::stop).
    Stopped,
    /// It could not go on.
    Failed(Error),
    /// What this series of the contract has no name for.
    Other(String),
}

/// Waits for the next event.
///
/// ```no_run
/// let event = jackfield_sdk::events::next();
/// ```
pub fn next() -> Event {
    loop {
        if let Some(event) = raw::next(None) {
            return event.into();
        }
    }
}

/// Waits for the next event, at most so long. Zero asks whether there is one.
///
/// ```no_run
/// let event = jackfield_sdk::events::next_within(std::time::Duration::from_secs(1));
/// ```
pub fn next_within(time: Duration) -> Option<Event> {
    raw::next(Some(millis(time))).map(Event::from)
}

impl From<raw::Event> for Event {
    fn from(event: raw::Event) -> Self {
        match event {
            raw::Event::Digit((call, digits)) => Event::Digit { call, digit: digit(&digits) },
            raw::Event::Done((call, operation, end)) => Event::Done { call, operation, end: end.into() },
            raw::Event::Answered(call) => Event::Answered { call },
            raw::Event::HungUp((call, info)) => Event::HungUp { call, info },
            raw::Event::Timer(timer) => Event::Timer(timer),
            raw::Event::Message(message) => Event::Message(message),
            raw::Event::LaunchEnded(end) => Event::LaunchEnded(end),
            raw::Event::LaunchReady => Event::LaunchReady,
            raw::Event::Stop(reason) => Event::Stop(reason),
            raw::Event::Other((kind, text)) => Event::Other { kind, text },
        }
    }
}

impl From<raw::OperationEnd> for OperationEnd {
    fn from(end: raw::OperationEnd) -> Self {
        match end {
            raw::OperationEnd::Finished => OperationEnd::Finished,
            raw::OperationEnd::Interrupted(digits) => OperationEnd::Interrupted(digit(&digits)),
            raw::OperationEnd::Stopped => OperationEnd::Stopped,
            raw::OperationEnd::Failed(error) => OperationEnd::Failed(error.into()),
            raw::OperationEnd::Other(text) => OperationEnd::Other(text),
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopReason::Reload => "reload",
            StopReason::Disabled => "disabled",
            StopReason::Shutdown => "shutdown",
            StopReason::Other => "other",
        })
    }
}
