//! Non-INVITE server transaction, RFC 3261 17.2.2.

use super::{Action, Action::*, NOTHING, ServerEvent as Event, timer::Timer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

/// What the start of the transaction does; it is then Trying.
pub(crate) const START: &[Action] = &[Start(Timer::Unanswered)];

pub(crate) fn step(state: State, event: Event) -> (State, &'static [Action]) {
    use State::*;
    match (state, event) {
        (Trying | Proceeding, Event::Provisional) => (Proceeding, &[Transmit]),
        (Trying | Proceeding, Event::Success | Event::Failure) => (Completed, &[Transmit, Start(Timer::J)]),
        (Proceeding | Completed, Event::Request) => (state, &[Transmit]),
        (Trying | Proceeding, Event::Timer(Timer::Unanswered)) => (Terminated, &[Terminate]),
        (Completed, Event::Timer(Timer::J)) => (Terminated, &[Terminate]),
        _ => (state, NOTHING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_request_gets_the_last_response_again() {
        assert_eq!(step(State::Trying, Event::Request), (State::Trying, NOTHING));
        let (state, actions) = step(State::Trying, Event::Failure);
        assert_eq!(actions, [Transmit, Start(Timer::J)]);
        assert_eq!(step(state, Event::Request), (State::Completed, &[Transmit][..]));
        assert_eq!(step(state, Event::Success), (State::Completed, NOTHING));
    }
}
