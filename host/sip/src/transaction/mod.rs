//! The four transactions of RFC 3261 17 with the Accepted states of RFC 6026, as tables.
//!
//! Each machine is one pure function: (state, event) -> (next state, actions). It knows neither messages
//! nor time; the endpoint carries the actions out, holds the bytes, and turns timers into deadlines.

pub(crate) mod client;
pub(crate) mod client_invite;
pub(crate) mod server;
pub(crate) mod server_invite;
pub(crate) mod timer;

use timer::Timer;

/// What can happen to a client transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientEvent {
    /// 1xx
    Provisional,
    /// 2xx
    Success,
    /// 3xx to 6xx
    Failure,
    /// Nobody waits for the answer any more: CANCEL was sent, or the dialog is over.
    Cancelled,
    Timer(Timer),
    /// The flow is gone.
    Closed,
}

impl ClientEvent {
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            ..200 => ClientEvent::Provisional,
            200..300 => ClientEvent::Success,
            300.. => ClientEvent::Failure,
        }
    }
}

/// What can happen to a server transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerEvent {
    /// The request came again.
    Request,
    /// ACK that matches the transaction.
    Ack,
    /// Our user sends 1xx.
    Provisional,
    /// Our user sends 2xx.
    Success,
    /// Our user sends 3xx to 6xx.
    Failure,
    Timer(Timer),
}

impl ServerEvent {
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            ..200 => ServerEvent::Provisional,
            200..300 => ServerEvent::Success,
            300.. => ServerEvent::Failure,
        }
    }
}

/// What a transaction wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the request, or the last response, (again).
    Transmit,
    /// Send ACK for a final response that is not 2xx.
    Acknowledge,
    /// Hand the message up.
    Deliver,
    /// Start a timer at its first interval; it replaces the one in the same slot.
    Start(Timer),
    /// Start the next round of a retransmission timer.
    Again(Timer),
    /// Start a retransmission timer at its longest interval, T2.
    Slowly(Timer),
    /// Stop whatever runs in the slot of this timer.
    Stop(Timer),
    /// Tell above: no answer came in time.
    TimedOut,
    /// Tell above: the transport failed.
    Failed,
    /// Forget the transaction.
    Terminate,
}

/// The actions of an event that changes nothing.
pub(crate) const NOTHING: &[Action] = &[];
