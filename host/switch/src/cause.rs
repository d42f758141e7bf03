//! Why calls end: SIP statuses, Q.850 codes and the causes of the contract.

use jackfield_sip::{Message, Name, SessionEnd};

use crate::command::{Cause, HangupInfo};

impl HangupInfo {
    /// Ended by this side.
    pub(crate) fn new(cause: Cause, code: u16) -> HangupInfo {
        HangupInfo { cause, code, by_peer: false }
    }

    /// A final response, 300 to 699, of the far end.
    pub(crate) fn from_status(status: u16) -> HangupInfo {
        let cause = match status {
            404 | 410 | 484 | 604 => Cause::NotFound,
            408 => Cause::NoAnswer,
            480 | 503 => Cause::Unavailable,
            486 | 600 => Cause::Busy,
            487 => Cause::Cancelled,
            401 | 403 | 407 | 603 | 607 | 608 => Cause::Rejected,
            _ => Cause::Other,
        };
        HangupInfo { cause, code: status, by_peer: true }
    }

    /// How a session ended that this side did not end. `up`: it had been answered.
    pub(crate) fn from_session(end: &SessionEnd, up: bool) -> HangupInfo {
        match end {
            SessionEnd::Bye(bye) => {
                HangupInfo { cause: Cause::Normal, code: q850_of(bye).unwrap_or(0), by_peer: true }
            }
            SessionEnd::Cancelled(_) => HangupInfo { cause: Cause::Cancelled, code: 487, by_peer: true },
            SessionEnd::Rejected(response) => HangupInfo::from_status(response.status().unwrap_or(0)),
            SessionEnd::Timeout if up => HangupInfo::new(Cause::Network, 408),
            // Nothing at all came back: the phone is not reachable.
            SessionEnd::Timeout => HangupInfo::new(Cause::Unavailable, 408),
            SessionEnd::Transport => HangupInfo::new(Cause::Network, 503),
            SessionEnd::Local => HangupInfo::new(Cause::Normal, 0),
        }
    }

    /// The same end, as the other leg of the call knows it: this side hangs up on it.
    pub(crate) fn passed_on(self) -> HangupInfo {
        HangupInfo { by_peer: false, ..self }
    }

    /// How much a failed target says about the callee; the highest of a fork is passed on.
    pub(crate) fn weight(self) -> u8 {
        // RFC 3261 16.7 6: who speaks for all of his phones is passed on before everybody else.
        if (600..700).contains(&self.code) {
            return 7;
        }
        match self.cause {
            Cause::Rejected => 6,
            Cause::Busy => 5,
            Cause::NoAnswer => 4,
            Cause::Other => 3,
            Cause::Unavailable => 2,
            Cause::NotFound => 1,
            _ => 0,
        }
    }

    /// The final response for a caller whose call ended like this before its answer.
    pub(crate) fn status(self) -> u16 {
        match (self.cause, self.code) {
            (Cause::Busy, 600) => 600,
            (Cause::Busy, _) => 486,
            (Cause::Rejected, 403) => 403,
            (Cause::Rejected, _) => 603,
            (Cause::NotFound, 404 | 410 | 484 | 604) => self.code,
            (Cause::NotFound, _) => 404,
            (Cause::Cancelled | Cause::AnsweredElsewhere | Cause::Transferred, _) => 487,
            (Cause::Shutdown | Cause::Network, _) | (Cause::Unavailable, 503) => 503,
            // What the far end said of our INVITE and its caller can use: 488, 415, 500...
            (Cause::Other, 400 | 405 | 406 | 413..=416 | 420 | 421 | 482 | 483 | 485 | 488 | 500..=606) => {
                self.code
            }
            _ => 480,
        }
    }

    /// The value of a Reason header (RFC 3326).
    pub(crate) fn reason(self) -> String {
        let (code, text) = match self.cause {
            Cause::Normal | Cause::Transferred => (16, "Normal call clearing"),
            Cause::Busy => (17, "User busy"),
            Cause::NoAnswer => (19, "No answer from user"),
            Cause::Rejected => (21, "Call rejected"),
            Cause::Cancelled => (16, "Cancelled"),
            Cause::NotFound => (1, "Unallocated number"),
            Cause::Unavailable => (20, "Subscriber absent"),
            Cause::AnsweredElsewhere => return COMPLETED_ELSEWHERE.to_owned(),
            Cause::MediaTimeout => (41, "Media time-out"),
            Cause::Network => (38, "Network out of order"),
            Cause::Shutdown | Cause::Interrupted => (41, "Exchange shuts down"),
            Cause::Other => (31, "Normal, unspecified"),
        };
        format!("Q.850;cause={code};text=\"{text}\"")
    }
}

/// For the CANCEL to phones that rang when another one answered (RFC 3326 2).
pub(crate) const COMPLETED_ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// The Q.850 code of a Reason header.
fn q850_of(message: &Message) -> Option<u16> {
    message.values(&Name::Reason).find_map(|value| {
        let mut parts = value.split(';').map(str::trim);
        parts.next().filter(|protocol| protocol.eq_ignore_ascii_case("Q.850"))?;
        parts.find_map(|param| param.strip_prefix("cause=")?.trim().parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_hears_what_the_callee_said() {
        for status in [404, 480, 486, 488, 500, 600, 603] {
            assert_eq!(HangupInfo::from_status(status).status(), status);
        }
        // A challenge or a redirection is nothing for the caller.
        assert_eq!(HangupInfo::from_status(401).status(), 603);
        assert_eq!(HangupInfo::from_status(302).status(), 480);
        assert_eq!(HangupInfo::from_status(408).status(), 480);
    }

    #[test]
    fn the_most_telling_failure_is_a_refusal_then_busy_then_no_answer() {
        let weight = |status| HangupInfo::from_status(status).weight();
        assert!([600, 603, 604, 606].into_iter().all(|status| weight(status) > weight(403)));
        assert!(weight(603) > weight(486) && weight(486) > weight(408) && weight(408) > weight(480));
    }
}
