//! The vocabulary of the contract.

use std::{fmt, time::Duration};

use crate::bindings::jackfield::plugin::{call_control, types};

/// Why a leg or a dial ended.
///
/// ```
/// # use jackfield_sdk::HangupCause;
/// assert_eq!(HangupCause::NoAnswer.to_string(), "no-answer");
/// ```
pub use types::HangupCause;

/// The end of a leg: cause, SIP code (0: none) and who hung up.
///
/// ```
/// # use jackfield_sdk::{HangupCause, HangupInfo};
/// fn is_worth_another_try(end: &HangupInfo) -> bool {
///     end.cause == HangupCause::Busy || end.code == 480
/// }
/// ```
pub use types::HangupInfo;

/// Who calls whom.
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) {
/// let info = call.info();
/// jackfield_sdk::info!("{} dialled {}", info.caller, info.callee);
/// # }
/// ```
pub use types::CallInfo;

/// Where a leg stands.
///
/// ```no_run
/// # use jackfield_sdk::{Call, CallState};
/// fn may_still_reject(call: &Call) -> bool {
///     matches!(call.state(), CallState::Ringing | CallState::Early)
/// }
/// ```
pub use types::CallState;

/// Who placed the call: somebody outside, or this exchange.
///
/// ```
/// # use jackfield_sdk::{CallInfo, Direction};
/// fn is_ours(info: &CallInfo) -> bool {
///     info.direction == Direction::Outbound
/// }
/// ```
pub use types::Direction;

/// A SIP or HTTP header.
///
/// ```
/// # use jackfield_sdk::Header;
/// let header = Header { name: "X-Campaign".into(), value: "spring".into() };
/// ```
pub use types::Header;

/// Why collecting digits ended.
///
/// ```no_run
/// # use jackfield_sdk::{Call, GatherEnd, Result};
/// # fn f(call: &Call) -> Result<()> {
/// let got = call.gather().say("Votre code, puis dièse.").max(8).finish("#").run()?;
/// if got.ended_by == GatherEnd::FirstTimeout {
///     call.say("Je n'ai rien entendu.")?;
/// }
/// # Ok(()) }
/// ```
pub use call_control::GatherEnd;

/// The digits that a caller typed.
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// let got = call.gather().say("Tapez 1 ou 2.").run()?;
/// match got.digit() {
///     Some('1') => call.say("Un.")?,
///     Some('2') => call.say("Deux.")?,
///     _ => call.say("Entrée invalide")?,
/// }
/// # Ok(()) }
/// ```
pub use call_control::Gathered;

/// Every digit: stops a prompt whatever the caller types.
///
/// ```no_run
/// # fn f(call: &jackfield_sdk::Call) -> jackfield_sdk::Result<()> {
/// call.play().file("news.wav").interrupt(jackfield_sdk::ANY_DIGIT).run()?;
/// # Ok(()) }
/// ```
pub const ANY_DIGIT: &str = "0123456789*#ABCD";

impl fmt::Display for HangupCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HangupCause::Normal => "normal",
            HangupCause::Busy => "busy",
            HangupCause::NoAnswer => "no-answer",
            HangupCause::Rejected => "rejected",
            HangupCause::Cancelled => "cancelled",
            HangupCause::NotFound => "not-found",
            HangupCause::Unavailable => "unavailable",
            HangupCause::AnsweredElsewhere => "answered-elsewhere",
            HangupCause::Transferred => "transferred",
            HangupCause::MediaTimeout => "media-timeout",
            HangupCause::Network => "network",
            HangupCause::Shutdown => "shutdown",
            HangupCause::Other => "other",
        })
    }
}

impl PartialEq for HangupInfo {
    fn eq(&self, other: &Self) -> bool {
        (self.cause, self.code, self.by_peer) == (other.cause, other.code, other.by_peer)
    }
}

impl Eq for HangupInfo {}

impl CallInfo {
    /// An argument that the route or the campaign passed.
    ///
    /// ```no_run
    /// # fn f(call: &jackfield_sdk::Call) {
    /// let name = call.info().arg("NAME").unwrap_or("cher client").to_string();
    /// # }
    /// ```
    pub fn arg(&self, name: &str) -> Option<&str> {
        self.args.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Gathered {
    /// The first digit, if there is one.
    ///
    /// ```
    /// # use jackfield_sdk::{GatherEnd, Gathered};
    /// let got = Gathered { digits: "42".into(), ended_by: GatherEnd::MaxReached };
    /// assert_eq!(got.digit(), Some('4'));
    /// ```
    pub fn digit(&self) -> Option<char> {
        self.digits.chars().next()
    }
}

/// The contract counts in milliseconds; what does not fit is as long as can be.
pub(crate) fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// The contract writes a digit as a string.
pub(crate) fn digit(digits: &str) -> char {
    digits.chars().next().unwrap_or('?')
}
