//! Non-INVITE client transaction, RFC 3261 17.1.2.

use super::{Action, Action::*, ClientEvent as Event, NOTHING, timer::Timer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}

/// What the start of the transaction does; it is then Trying.
pub(crate) const START: &[Action] = &[Transmit, Start(Timer::E), Start(Timer::F)];

pub(crate) fn step(state: State, event: Event) -> (State, &'static [Action]) {
    use State::*;
    match (state, event) {
        (Trying, Event::Timer(Timer::E)) => (Trying, &[Transmit, Again(Timer::E)]),
        (Proceeding, Event::Timer(Timer::E)) => (Proceeding, &[Transmit, Slowly(Timer::E)]),
        (Trying | Proceeding, Event::Provisional) => (Proceeding, &[Deliver]),
        (Trying | Proceeding, Event::Success | Event::Failure) => {
            (Completed, &[Stop(Timer::E), Start(Timer::K), Deliver])
        }
        (Trying | Proceeding, Event::Timer(Timer::F)) => (Terminated, &[TimedOut, Terminate]),
        (Completed, Event::Timer(Timer::K)) => (Terminated, &[Terminate]),
        (Trying | Proceeding, Event::Closed) => (Terminated, &[Failed, Terminate]),
        (Completed, Event::Closed) => (Terminated, &[Terminate]),
        _ => (state, NOTHING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_final_response_is_absorbed() {
        let (state, actions) = step(State::Trying, Event::Success);
        assert!(actions.contains(&Deliver));
        assert_eq!(step(state, Event::Success), (State::Completed, NOTHING));
    }

    #[test]
    fn it_goes_on_retransmitting_slowly_after_a_provisional_response() {
        let (state, _) = step(State::Trying, Event::Provisional);
        assert_eq!(
            step(state, Event::Timer(Timer::E)),
            (State::Proceeding, &[Transmit, Slowly(Timer::E)][..])
        );
        assert_eq!(step(state, Event::Timer(Timer::F)), (State::Terminated, &[TimedOut, Terminate][..]));
    }
}
