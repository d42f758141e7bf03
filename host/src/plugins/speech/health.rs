//! Whether a provider speaks. One that failed rests, longer each time, and is then tried beside the
//! call: no caller waits for it.

use std::time::Duration;

const FIRST_REST: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_secs(5 * 60);

/// Times are the daemon's.
#[derive(Debug, Default)]
pub struct Health(Option<Down>);

#[derive(Debug)]
struct Down {
    rest: Duration,
    until: Duration,
    tried: bool,
    why: String,
}

/// What to do with the next sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It speaks.
    Speak,
    /// It is down. Whoever is told so tries it once; until that has an end, nobody else is.
    Try,
    /// It is down, and another one speaks.
    Rest,
}

impl Health {
    pub fn turn(&mut self, now: Duration) -> Turn {
        match &mut self.0 {
            None => Turn::Speak,
            Some(down) if !down.tried && now >= down.until => {
                down.tried = true;
                Turn::Try
            }
            Some(_) => Turn::Rest,
        }
    }

    /// True when it spoke until now. Of sentences that fail together, one counts.
    pub fn failed(&mut self, now: Duration, why: &str) -> bool {
        let Some(down) = &mut self.0 else {
            let (rest, until) = (FIRST_REST, now + FIRST_REST);
            self.0 = Some(Down { rest, until, tried: false, why: why.to_owned() });
            return true;
        };
        if std::mem::take(&mut down.tried) {
            down.rest = (down.rest * 2).min(LONGEST_REST);
            down.until = now + down.rest;
            down.why = why.to_owned();
        }
        false
    }

    /// True when it was down until now.
    pub fn spoke(&mut self) -> bool {
        self.0.take().is_some()
    }

    /// What was wrong may be mended: it is tried with the next sentence.
    pub fn wake(&mut self) {
        if let Some(down) = &mut self.0 {
            down.until = Duration::ZERO;
        }
    }

    /// Why it is down, if it is.
    pub fn fault(&self) -> Option<&str> {
        self.0.as_ref().map(|down| down.why.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_that_failed_rests_and_is_tried_by_one_sentence_at_a_time() {
        let mut health = Health::default();
        assert_eq!(health.turn(at(0)), Turn::Speak);
        assert!(health.failed(at(0), "refused"));
        assert!(!health.failed(at(0), "refused"), "a sentence that was under way at the same time");
        assert_eq!(health.turn(at(1)), Turn::Rest);
        assert_eq!(health.turn(at(2)), Turn::Try);
        assert_eq!(health.turn(at(2)), Turn::Rest, "that one is still trying");
        assert!(!health.failed(at(3), "time-out"));
        assert_eq!(health.fault(), Some("time-out"));
        assert_eq!((health.turn(at(6)), health.turn(at(7))), (Turn::Rest, Turn::Try), "4 s later");
        assert!(health.spoke());
        assert!(!health.spoke());
        assert_eq!((health.turn(at(7)), health.fault()), (Turn::Speak, None));
    }

    #[test]
    fn no_rest_is_longer_than_five_minutes() {
        let mut health = Health::default();
        health.failed(at(0), "gone");
        let mut now = at(0);
        for _ in 0..20 {
            now += LONGEST_REST;
            assert_eq!(health.turn(now), Turn::Try);
            health.failed(now, "gone");
        }
    }
}
