//! INVITE server transaction, RFC 3261 17.2.1 and RFC 6026 7.1.

use super::{Action, Action::*, NOTHING, ServerEvent as Event, timer::Timer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Proceeding,
    /// 2xx was sent. The session repeats it until its ACK; a repeated INVITE is absorbed.
    Accepted,
    /// A failure was sent and waits for its ACK.
    Completed,
    /// That ACK came; more of them are absorbed.
    Confirmed,
    Terminated,
}

pub(crate) fn step(state: State, event: Event) -> (State, &'static [Action]) {
    use State::*;
    match (state, event) {
        (Proceeding, Event::Request | Event::Provisional) => (Proceeding, &[Transmit]),
        (Proceeding, Event::Success) => (Accepted, &[Transmit, Start(Timer::L)]),
        (Proceeding, Event::Failure) => (Completed, &[Transmit, Start(Timer::G), Start(Timer::H)]),

        (Completed, Event::Request) => (Completed, &[Transmit]),
        (Completed, Event::Timer(Timer::G)) => (Completed, &[Transmit, Again(Timer::G)]),
        (Completed, Event::Ack) => (Confirmed, &[Stop(Timer::G), Start(Timer::I)]),
        (Accepted, Event::Success) => (Accepted, &[Transmit]),
        (Accepted, Event::Ack) => (Accepted, &[Deliver]),

        (Completed, Event::Timer(Timer::H)) => (Terminated, &[Terminate]),
        (Confirmed, Event::Timer(Timer::I)) => (Terminated, &[Terminate]),
        (Accepted, Event::Timer(Timer::L)) => (Terminated, &[Terminate]),
        _ => (state, NOTHING),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_repeated_until_its_ack() {
        let (state, actions) = step(State::Proceeding, Event::Failure);
        assert_eq!(actions, [Transmit, Start(Timer::G), Start(Timer::H)]);
        assert_eq!(step(state, Event::Request), (State::Completed, &[Transmit][..]));
        let (state, actions) = step(state, Event::Ack);
        assert_eq!(actions, [Stop(Timer::G), Start(Timer::I)]);
        assert_eq!(step(state, Event::Ack), (State::Confirmed, NOTHING));
        assert_eq!(step(state, Event::Request), (State::Confirmed, NOTHING));
    }

    #[test]
    fn an_accepted_transaction_absorbs_the_invite_and_passes_the_ack() {
        let (state, _) = step(State::Proceeding, Event::Success);
        assert_eq!(step(state, Event::Request), (State::Accepted, NOTHING));
        assert_eq!(step(state, Event::Ack), (State::Accepted, &[Deliver][..]));
        assert_eq!(step(state, Event::Failure), (State::Accepted, NOTHING));
        assert_eq!(step(state, Event::Timer(Timer::L)), (State::Terminated, &[Terminate][..]));
    }
}
