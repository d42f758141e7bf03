use std::{fmt, result};

use crate::{HangupInfo, bindings::jackfield::plugin::types as raw};

/// What every verb and every plugin returns.
///
/// ```
/// use jackfield_sdk::{Call, Result};
///
/// fn greet(call: &Call) -> Result<()> {
///     call.answer()?;
///     call.say("Bonjour !")
/// }
/// ```
pub type Result<T, E = Error> = result::Result<T, E>;

/// Why a verb failed. A script lets it pass with `?`: [`Error::HungUp`] is the normal
/// end of a call, everything else is logged and kept in the call record.
///
/// ```no_run
/// # use jackfield_sdk::{Call, Error, Result, warn};
/// # fn f(call: &Call) -> Result<()> {
/// match call.say("Un instant.") {
///     Err(Error::Unavailable(why)) => warn!("no voice: {why}"),
///     other => other?,
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The leg that the verb was called on is gone. Never the callee of a dial.
    HungUp(HangupInfo),
    /// The right was not asked for or not granted; the text names it.
    Denied(String),
    /// What was asked makes no sense.
    Invalid(String),
    /// There is no such file, contact, call, ...
    NotFound(String),
    /// The verb conflicts with one in progress on the leg.
    Busy(String),
    /// A quota of this plugin is spent; the text names it.
    Limit(String),
    /// No answer in time.
    Timeout,
    /// Something behind the host failed: a voice, a trunk, a disk.
    Unavailable(String),
    /// What this series of the contract has no name for: "kind: text".
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::HungUp(info) => write!(f, "the call has ended ({})", info.cause),
            Error::Denied(text) => write!(f, "not granted: {text}"),
            Error::Invalid(text) => write!(f, "invalid: {text}"),
            Error::NotFound(text) => write!(f, "not found: {text}"),
            Error::Busy(text) => write!(f, "busy: {text}"),
            Error::Limit(text) => write!(f, "limit reached: {text}"),
            Error::Timeout => f.write_str("timed out"),
            Error::Unavailable(text) => write!(f, "unavailable: {text}"),
            Error::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

impl From<raw::Error> for Error {
    fn from(error: raw::Error) -> Self {
        match error {
            raw::Error::HungUp(info) => Error::HungUp(info),
            raw::Error::Denied(text) => Error::Denied(text),
            raw::Error::Invalid(text) => Error::Invalid(text),
            raw::Error::NotFound(text) => Error::NotFound(text),
            raw::Error::Busy(text) => Error::Busy(text),
            raw::Error::Limit(text) => Error::Limit(text),
            raw::Error::Timeout => Error::Timeout,
            raw::Error::Unavailable(text) => Error::Unavailable(text),
            raw::Error::Other(text) => Error::Other(text),
        }
    }
}

impl From<Error> for raw::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::HungUp(info) => raw::Error::HungUp(info),
            Error::Denied(text) => raw::Error::Denied(text),
            Error::Invalid(text) => raw::Error::Invalid(text),
            Error::NotFound(text) => raw::Error::NotFound(text),
            Error::Busy(text) => raw::Error::Busy(text),
            Error::Limit(text) => raw::Error::Limit(text),
            Error::Timeout => raw::Error::Timeout,
            Error::Unavailable(text) => raw::Error::Unavailable(text),
            Error::Other(text) => raw::Error::Other(text),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::Invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HangupCause;

    #[test]
    fn an_error_says_what_happened_and_survives_the_crossing() {
        let gone = HangupInfo { cause: HangupCause::Normal, code: 0, by_peer: true };
        for (error, text) in [
            (Error::HungUp(gone), "the call has ended (normal)"),
            (Error::Denied("dial: alice".into()), "not granted: dial: alice"),
            (Error::Timeout, "timed out"),
            (Error::Other("later: new".into()), "later: new"),
        ] {
            assert_eq!(error.to_string(), text);
            assert_eq!(Error::from(raw::Error::from(error.clone())), error);
        }
    }
}
