//! What is to be done with a contact that is due: a function of what the host knows of it.

use jackfield_sdk::{HangupCause, HangupInfo, contacts::Contact};

use crate::settings::Campaign;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Call,
    /// Not before then (Unix milliseconds).
    Wait(u64),
    /// Never again, with this outcome.
    Done(&'static str),
}

pub const ANSWERED: &str = "answered";

/// The number cannot be called at all.
pub const UNREACHABLE: &str = "unreachable";

/// `now` in Unix milliseconds.
pub fn judge(contact: &Contact, campaign: &Campaign, now: u64) -> Verdict {
    let Some(start) = contact.last_start.filter(|_| contact.attempts > 0) else { return Verdict::Call };
    // A conversation whose end this plugin did not live to see.
    if matches!(&contact.last, Some(end) if end.cause == HangupCause::Normal) {
        return Verdict::Done(ANSWERED);
    }
    if contact.attempts > campaign.retries {
        return Verdict::Done(contact.last.as_ref().map_or("failed", outcome));
    }
    let next = start.saturating_add(u64::try_from(campaign.retry_time.as_millis()).unwrap_or(u64::MAX));
    if next > now { Verdict::Wait(next) } else { Verdict::Call }
}

/// How the last attempt is told in the export.
fn outcome(last: &HangupInfo) -> &'static str {
    match last.cause {
        HangupCause::Normal => ANSWERED,
        HangupCause::Busy => "busy",
        HangupCause::NoAnswer | HangupCause::Cancelled => "no-answer",
        HangupCause::Rejected => "rejected",
        HangupCause::NotFound | HangupCause::Unavailable | HangupCause::Network => UNREACHABLE,
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign() -> Campaign {
        jackfield_sdk::settings::parse(r#"{"app": "message", "retries": 2, "retry-time": "60s"}"#).unwrap()
    }

    fn contact(attempts: u32, cause: HangupCause) -> Contact {
        let last = (attempts > 0).then_some(HangupInfo { cause, code: 0, by_peer: true });
        let last_start = (attempts > 0).then_some(100_000);
        Contact { id: 1, number: "101".into(), fields: Vec::new(), attempts, last_start, last, due: 0 }
    }

    #[test]
    fn who_was_never_called_is_called() {
        assert_eq!(judge(&contact(0, HangupCause::Other), &campaign(), 0), Verdict::Call);
    }

    #[test]
    fn the_next_attempt_counts_from_the_start_of_the_last() {
        let tried = contact(1, HangupCause::NoAnswer);
        assert_eq!(judge(&tried, &campaign(), 130_000), Verdict::Wait(160_000));
        assert_eq!(judge(&tried, &campaign(), 160_000), Verdict::Call);
    }

    #[test]
    fn two_retries_are_three_attempts() {
        assert_eq!(judge(&contact(2, HangupCause::Busy), &campaign(), 200_000), Verdict::Call);
        for (cause, outcome) in [
            (HangupCause::Busy, "busy"),
            (HangupCause::NoAnswer, "no-answer"),
            (HangupCause::Rejected, "rejected"),
            (HangupCause::NotFound, "unreachable"),
            (HangupCause::Other, "failed"),
        ] {
            assert_eq!(judge(&contact(3, cause), &campaign(), 200_000), Verdict::Done(outcome));
        }
    }

    #[test]
    fn who_answered_before_a_crash_is_not_called_again() {
        assert_eq!(judge(&contact(1, HangupCause::Normal), &campaign(), 200_000), Verdict::Done(ANSWERED));
    }

    #[test]
    fn an_attempt_that_a_crash_interrupted_counts() {
        assert_eq!(judge(&contact(1, HangupCause::Other), &campaign(), 110_000), Verdict::Wait(160_000));
    }
}
