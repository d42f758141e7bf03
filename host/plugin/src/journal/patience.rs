//! Time limits that another version has: they matter in the calls in which they would have been reached.

use std::{borrow::Cow, time::Duration};

use jackfield_media::Source;
use jackfield_switch::{BridgeEnd, Cause, Command, DialEnd, Error, Event, GatherEnd, Reply, Value};

use super::step::{Asked, Got};

impl Asked<'_> {
    /// The same with the time limits of another verb of its kind.
    pub(super) fn with_limits_of(&self, other: &Asked<'_>) -> Asked<'_> {
        let (Asked::Verb { command, said }, Asked::Verb { command: other, .. }) = (self, other) else {
            return self.clone();
        };
        let mut command = command.clone();
        match (command.to_mut(), &**other) {
            (Command::Gather { options, .. }, Command::Gather { options: other, .. }) => {
                options.first_timeout = other.first_timeout;
                options.inter_timeout = other.inter_timeout;
            }
            (Command::Dial { options, .. }, Command::Dial { options: other, .. }) => {
                options.timeout = other.timeout;
            }
            (Command::Bridge { options, .. }, Command::Bridge { options: other, .. }) => {
                options.max = other.max;
            }
            (Command::Next { timeout }, Command::Next { timeout: other }) => *timeout = *other,
            _ => {}
        }
        Asked::Verb { command: Cow::Owned(command.into_owned()), said: said.clone() }
    }

    /// Whether the answer, which came after `elapsed`, would have come with these limits instead of those that the
    /// verb `was` asked with.
    pub(super) fn is_in_time(&self, was: &Asked<'_>, elapsed: Duration, got: Option<&Got>) -> bool {
        let (Asked::Verb { command, .. }, Asked::Verb { command: was, .. }) = (self, was) else {
            return true;
        };
        let reply = match got {
            Some(Got::Reply(reply)) => Some(reply),
            _ => None,
        };
        match (&**was, &**command) {
            (Command::Gather { options: was, .. }, Command::Gather { options, sources, .. }) => {
                let heard: Duration = sources.iter().map(length).sum();
                let first =
                    or_longer(was.first_timeout, options.first_timeout, elapsed.saturating_sub(heard));
                let inter = or_longer(was.inter_timeout, options.inter_timeout, elapsed);
                match reply {
                    Some(Ok(Value::Gathered { ended_by: GatherEnd::FirstTimeout, .. })) => {
                        was.first_timeout == options.first_timeout
                    }
                    Some(Ok(Value::Gathered { ended_by: GatherEnd::InterTimeout, .. })) => {
                        first && was.inter_timeout == options.inter_timeout
                    }
                    Some(Ok(Value::Gathered { digits, .. })) => first && (inter || digits.len() <= 1),
                    _ => first && inter,
                }
            }
            (Command::Dial { options: was, .. }, Command::Dial { options, .. }) => {
                !has_rung_out(reply) && or_longer(was.timeout, options.timeout, elapsed)
            }
            (Command::Bridge { options: was, .. }, Command::Bridge { options, .. }) => {
                let (was, is) = (was.max.unwrap_or(Duration::MAX), options.max.unwrap_or(Duration::MAX));
                let is_over = matches!(reply, Some(Ok(Value::Bridged(BridgeEnd::Timeout))));
                !is_over && or_longer(was, is, elapsed)
            }
            (Command::Next { timeout: was }, Command::Next { timeout }) => {
                let (was, is) = (was.unwrap_or(Duration::MAX), timeout.unwrap_or(Duration::MAX));
                !matches!(reply, Some(Ok(Value::Event(None::<Event>)))) && or_longer(was, is, elapsed)
            }
            _ => true,
        }
    }
}

/// It was not reached before, and is not now.
fn or_longer(was: Duration, is: Duration, elapsed: Duration) -> bool {
    is >= was || elapsed < is
}

fn has_rung_out(reply: Option<&Reply>) -> bool {
    match reply {
        Some(Ok(Value::Dialled(DialEnd::Failed(info)))) => info.cause == Cause::NoAnswer,
        Some(Err(Error::Timeout)) => true,
        _ => false,
    }
}

/// How long it plays, once.
fn length(source: &Source) -> Duration {
    match source {
        Source::Clip(clip) => clip.length(),
        Source::Tone(steps) => steps.iter().map(|step| step.length).sum(),
        Source::Silence(time) => *time,
        // 100 ms on and 100 ms off each.
        Source::Dtmf(digits) => Duration::from_millis(200) * digits.len() as u32,
    }
}
