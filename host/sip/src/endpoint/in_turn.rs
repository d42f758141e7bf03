//! Requests whose order matters to the peer: keys, and what becomes of a transfer. One is out at a time,
//! since over UDP a later one may arrive first and make the earlier one a 500 (RFC 3261 12.2.2).

use std::collections::VecDeque;

use bytes::Bytes;

use super::Endpoint;
use super::types::{ClientId, Event, Failure, SessionId};
use crate::Time;
use crate::message::{Method, Name};

/// A key every 100 ms, to a peer that takes its time to answer.
const MAX_WAITING: usize = 64;

/// Those of one session.
#[derive(Debug, Default)]
pub(super) struct InTurn {
    /// The peer has not answered it yet.
    out: Option<ClientId>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    client: ClientId,
    method: Method,
    headers: Vec<(Name, String)>,
    body: Option<(String, Bytes)>,
}

fn has_turn(method: &Method) -> bool {
    matches!(method, Method::Info | Method::Notify)
}

impl Endpoint {
    /// Sends a request, or lets it wait for the one before. None if it cannot be sent, or too many wait.
    pub(super) fn send_in_turn(
        &mut self,
        now: Time,
        id: SessionId,
        method: Method,
        headers: Vec<(Name, String)>,
        body: Option<(String, Bytes)>,
    ) -> Option<ClientId> {
        let client = self.next_client();
        if !has_turn(&method) {
            return self.send_within(now, id, client, method, &headers, &body);
        }
        let session = self.sessions.get_mut(&id)?;
        if session.in_turn.out.is_none() {
            session.in_turn.out = Some(client);
            let sent = self.send_within(now, id, client, method, &headers, &body);
            if sent.is_none() {
                self.has_had_turn(id, client);
            }
            return sent;
        }
        let has_room = session.in_turn.waiting.len() < MAX_WAITING;
        if session.ending.is_some() || !has_room {
            return None;
        }
        session.in_turn.waiting.push_back(Waiting { client, method, headers, body });
        Some(client)
    }

    /// A request has been answered, or never will: the next one.
    pub(super) fn next_in_turn(&mut self, now: Time, id: SessionId, answered: ClientId) {
        let mut answered = answered;
        while self.has_had_turn(id, answered) {
            let Some(session) = self.sessions.get_mut(&id) else { return };
            let Some(next) = session.in_turn.waiting.pop_front() else { return };
            answered = next.client;
            session.in_turn.out = Some(next.client);
            let sent = self.send_within(now, id, next.client, next.method, &next.headers, &next.body);
            if sent.is_some() {
                return;
            }
            self.tell(Event::Response { client: next.client, result: Err(Failure::Ended) });
        }
    }

    /// True if it was the one that is out.
    fn has_had_turn(&mut self, id: SessionId, client: ClientId) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let was_out = session.in_turn.out == Some(client);
        session.in_turn.out = session.in_turn.out.filter(|_| !was_out);
        was_out
    }

    /// The session is over: nothing more is sent in it.
    pub(super) fn forget_turns(&mut self, in_turn: InTurn) {
        for waiting in in_turn.waiting {
            self.tell(Event::Response { client: waiting.client, result: Err(Failure::Ended) });
        }
    }
}

impl InTurn {
    /// The request that the others wait for; none while some wait is a defect.
    pub(super) fn awaited(&self) -> Option<ClientId> {
        self.out
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.out.is_none() && !self.waiting.is_empty()
    }
}
