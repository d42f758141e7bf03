//! INVITE client transaction, RFC 3261 17.1.1 and RFC 6026 7.2.

use super::{Action, Action::*, ClientEvent as Event, NOTHING, timer::Timer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Calling,
    Proceeding,
    /// 2xx came: more of them may follow, from this peer or from other forks.
    Accepted,
    /// A failure came and was acknowledged.
    Completed,
    Terminated,
}

/// What the start of the transaction does; it is then Calling.
pub(crate) const START: &[Action] = &[Transmit, Start(Timer::A), Start(Timer::B)];

pub(crate) fn step(state: State, event: Event) -> (State, &'static [Action]) {
    use State::*;
    match (state, event) {
        (Calling, Event::Timer(Timer::A)) => (Calling, &[Transmit, Again(Timer::A)]),
        (Calling, Event::Provisional) => (Proceeding, &[Stop(Timer::A), Stop(Timer::B), Deliver]),
        (Proceeding, Event::Provisional) => (Proceeding, &[Deliver]),
        (Proceeding, Event::Cancelled) => (Proceeding, &[Start(Timer::Cancelled)]),

        (Calling | Proceeding, Event::Success) => (Accepted, &[Stop(Timer::A), Start(Timer::M), Deliver]),
        (Accepted, Event::Success) => (Accepted, &[Deliver]),
        (Calling | Proceeding, Event::Failure) => {
            (Completed, &[Stop(Timer::A), Acknowledge, Start(Timer::D), Deliver])
        }
        (Completed, Event::Failure) => (Completed, &[Acknowledge]),

        (Calling, Event::Timer(Timer::B)) => (Terminated, &[TimedOut, Terminate]),
        (Proceeding, Event::Timer(Timer::Cancelled)) => (Terminated, &[TimedOut, Terminate]),
        (Completed, Event::Timer(Timer::D)) => (Terminated, &[Terminate]),
        (Accepted, Event::Timer(Timer::M)) => (Terminated, &[Terminate]),
        (Calling | Proceeding, Event::Closed) => (Terminated, &[Failed, Terminate]),
        (Completed | Accepted, Event::Closed) => (Terminated, &[Terminate]),
        _ => (state, NOTHING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_acknowledged_each_time_and_delivered_once() {
        let (state, actions) = step(State::Proceeding, Event::Failure);
        assert!(actions.contains(&Acknowledge) && actions.contains(&Deliver));
        assert_eq!(step(state, Event::Failure), (State::Completed, &[Acknowledge][..]));
        assert_eq!(step(state, Event::Success), (State::Completed, NOTHING));
    }

    #[test]
    fn every_2xx_goes_up_until_timer_m() {
        let (state, _) = step(State::Calling, Event::Success);
        assert_eq!(step(state, Event::Success), (State::Accepted, &[Deliver][..]));
        assert_eq!(step(state, Event::Provisional), (State::Accepted, NOTHING));
        assert_eq!(step(state, Event::Timer(Timer::M)), (State::Terminated, &[Terminate][..]));
    }

    #[test]
    fn a_provisional_response_ends_retransmission_and_timer_b() {
        let (state, actions) = step(State::Calling, Event::Provisional);
        assert_eq!(state, State::Proceeding);
        assert_eq!(actions, [Stop(Timer::A), Stop(Timer::B), Deliver]);
        assert_eq!(step(state, Event::Timer(Timer::B)), (State::Proceeding, NOTHING));
    }
}
