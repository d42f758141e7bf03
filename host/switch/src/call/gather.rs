//! Collecting digits: a state machine without audio, clock or call.

use std::time::Duration;

use crate::command::{GatherEnd, GatherOptions};

/// What the leg does next for its gather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing changes until the next digit, or the end of the prompts.
    Wait,
    /// Wait for a digit for this long, from now on.
    WaitFor(Duration),
    End(GatherEnd),
}

/// One `gather` from its first moment to its result.
#[derive(Debug)]
pub(crate) struct Gather {
    options: GatherOptions,
    digits: String,
    /// The digits collected so far end the input by this.
    complete: Option<GatherEnd>,
    prompting: bool,
}

impl Gather {
    /// `prompting`: prompts are to be played; [`prompts_ended`](Gather::prompts_ended) will come.
    pub(crate) fn new(options: GatherOptions, prompting: bool) -> Gather {
        Gather { options, digits: String::new(), complete: None, prompting }
    }

    /// The first step, once the digits typed ahead were fed.
    pub(crate) fn start(&self) -> Step {
        self.step()
    }

    pub(crate) fn digit(&mut self, digit: char) -> Step {
        if self.options.barge_in {
            self.prompting = false;
        }
        if self.wants_more() {
            self.take(digit);
        }
        self.step()
    }

    pub(crate) fn prompts_ended(&mut self) -> Step {
        self.prompting = false;
        self.step()
    }

    /// The time of the last [`Step::WaitFor`] is over.
    pub(crate) fn timed_out(&self) -> GatherEnd {
        match self.digits.is_empty() {
            true => GatherEnd::FirstTimeout,
            false => GatherEnd::InterTimeout,
        }
    }

    /// A further digit would be part of the input.
    pub(crate) fn wants_more(&self) -> bool {
        self.complete.is_none()
    }

    /// Prompts still to be heard; false once a digit has barged in.
    pub(crate) fn is_prompting(&self) -> bool {
        self.prompting
    }

    pub(crate) fn into_digits(self) -> String {
        self.digits
    }

    fn take(&mut self, digit: char) {
        let typed = self.digits.len() as u32;
        if self.options.finish.contains(digit) {
            // Before the least count the finishing digit is ignored.
            self.complete = (typed >= self.options.min).then_some(GatherEnd::FinishDigit);
            return;
        }
        self.digits.push(digit);
        self.complete = (typed + 1 >= self.options.max).then_some(GatherEnd::MaxReached);
    }

    fn step(&self) -> Step {
        // Prompts without barge-in are heard to their end, whatever is typed meanwhile.
        if self.prompting {
            return Step::Wait;
        }
        match self.complete {
            Some(end) => Step::End(end),
            None if self.digits.is_empty() => Step::WaitFor(self.options.first_timeout),
            None => Step::WaitFor(self.options.inter_timeout),
        }
    }
}

#[cfg(test)]
mod tests {
    use jackfield_media::Digits;

    use super::*;

    const FIRST: Duration = Duration::from_secs(10);
    const INTER: Duration = Duration::from_secs(3);

    fn gather(min: u32, max: u32, barge_in: bool, prompting: bool) -> Gather {
        let finish = Digits::parse("#").unwrap();
        let (first_timeout, inter_timeout) = (FIRST, INTER);
        let options =
            GatherOptions { barge_in, min, max, finish, first_timeout, inter_timeout, flush: false };
        Gather::new(options, prompting)
    }

    #[test]
    fn the_first_time_runs_from_the_end_of_the_prompts() {
        let mut gather = gather(1, 4, true, true);
        assert_eq!(gather.start(), Step::Wait);
        assert_eq!(gather.prompts_ended(), Step::WaitFor(FIRST));
        assert_eq!(gather.timed_out(), GatherEnd::FirstTimeout);
    }

    #[test]
    fn without_prompts_the_first_time_runs_at_once() {
        assert_eq!(gather(1, 1, true, false).start(), Step::WaitFor(FIRST));
    }

    #[test]
    fn a_digit_stops_the_prompts_and_counts() {
        let mut gather = gather(1, 2, true, true);
        assert_eq!(gather.digit('4'), Step::WaitFor(INTER));
        assert!(!gather.is_prompting());
        assert_eq!(gather.timed_out(), GatherEnd::InterTimeout);
        assert_eq!(gather.digit('2'), Step::End(GatherEnd::MaxReached));
        assert_eq!(gather.into_digits(), "42");
    }

    #[test]
    fn without_barge_in_digits_wait_for_the_end_of_the_prompts() {
        let mut gather = gather(1, 1, false, true);
        assert_eq!(gather.digit('4'), Step::Wait);
        assert!(!gather.wants_more());
        assert_eq!(gather.prompts_ended(), Step::End(GatherEnd::MaxReached));
    }

    #[test]
    fn the_finishing_digit_counts_from_the_least_number_of_digits_on() {
        let mut gather = gather(2, 9, true, false);
        assert_eq!(gather.digit('#'), Step::WaitFor(FIRST));
        assert_eq!(gather.digit('1'), Step::WaitFor(INTER));
        assert_eq!(gather.digit('#'), Step::WaitFor(INTER));
        assert_eq!(gather.digit('2'), Step::WaitFor(INTER));
        assert_eq!(gather.digit('#'), Step::End(GatherEnd::FinishDigit));
        assert_eq!(gather.into_digits(), "12");
    }
}
