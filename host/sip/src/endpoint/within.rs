//! Requests inside of a session, both ways (RFC 3261 12.2, 14, 15; RFC 3311).

use bytes::Bytes;
use rand::Rng;

use super::Endpoint;
use super::clients::{Client, Purpose};
use super::matching::Arrival;
use super::sessions::State;
use super::types::{Answer, ClientId, Event, Failure, SessionEnd, SessionId};
use super::write::RETRY_AFTER;
use crate::Time;
use crate::message::{Message, Method, Name};

impl Endpoint {
    /// A request with a To tag.
    pub(super) fn request_within(&mut self, now: Time, arrival: &Arrival) {
        let Some((id, at)) = self.find_dialog(arrival) else {
            return self.refuse(arrival, &Answer::status(481));
        };
        self.heard_on(id, &arrival.flow);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let in_order = session.dialogs[at].is_in_order(arrival.cseq);
        match arrival.method {
            // In any order: a call that hangs on because of a number would be worse.
            Method::Bye => self.bye_arrived(now, id, arrival),
            _ if session.state == State::Closing => self.refuse_within(now, arrival, &Answer::status(481)),
            _ if !in_order => self.refuse_within(now, arrival, &Answer::status(500)),
            Method::Prack => self.prack_arrived(now, id, at, arrival),
            Method::Invite | Method::Update => match self.glare(id, at, arrival) {
                Some(refusal) => self.refuse_within(now, arrival, &refusal),
                None => self.reoffer_arrived(now, id, at, arrival),
            },
            _ if !self.is_patient(id) => {
                let refusal = Answer::status(503).header(Name::RetryAfter, RETRY_AFTER);
                self.refuse_within(now, arrival, &refusal);
            }
            _ => {
                let server = self.open_server(now, arrival, None, Some(id));
                self.add_pending(id, server);
                self.tell(Event::InDialog { session: id, server, request: arrival.request.clone() });
            }
        }
    }

    /// With a transaction: a copy that comes later might find the session in another state, and two
    /// copies must not be answered in two ways.
    pub(super) fn refuse_within(&mut self, now: Time, arrival: &Arrival, answer: &Answer) {
        let server = self.open_server(now, arrival, None, None);
        self.answer(now, server, answer);
    }

    fn bye_arrived(&mut self, now: Time, id: SessionId, arrival: &Arrival) {
        let server = self.open_server(now, arrival, None, None);
        self.answer(now, server, &Answer::status(200));
        self.finish(now, id, SessionEnd::Bye(arrival.request.clone()));
    }

    /// One offer at a time: 491 if ours is out, 500 if theirs waits (RFC 3261 14.2, RFC 3311 5.2). In an
    /// early dialog that of the INVITE is done with once its answer has come reliably.
    fn glare(&mut self, id: SessionId, at: usize, arrival: &Arrival) -> Option<Answer> {
        let session = self.sessions.get(&id)?;
        let is_invite = arrival.method == Method::Invite;
        if !is_invite && arrival.request.body().is_empty() {
            return None;
        }
        let first_is_done = !is_invite && session.dialogs[at].is_agreed;
        let ours_waits = !first_is_done && matches!(session.state, State::Outgoing(_));
        let ack_is_due = !is_invite && session.unacked.is_some() && session.ack_answers;
        if session.our_offer.is_some() || ours_waits || ack_is_due {
            return Some(Answer::status(491));
        }
        let theirs_waits = session.their_offer.is_some()
            || (!first_is_done && matches!(session.state, State::Incoming(_)))
            || (is_invite && session.unacked.is_some());
        theirs_waits.then(|| {
            let seconds = self.rng.next_u32() % 11;
            Answer::status(500).header(Name::RetryAfter, seconds.to_string())
        })
    }

    pub(super) fn reoffer_arrived(&mut self, now: Time, id: SessionId, at: usize, arrival: &Arrival) {
        let server = self.open_server(now, arrival, None, Some(id));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.dialogs[at].refresh_target(&arrival.request);
        // RFC 3311 5.1: without an offer it only refreshes.
        if arrival.method == Method::Update && arrival.request.body().is_empty() {
            return self.respond(now, server, Answer::status(200));
        }
        session.pending.push(server);
        let is_invite = arrival.method == Method::Invite;
        if is_invite || !arrival.request.body().is_empty() {
            session.their_offer = Some(server);
        }
        if is_invite {
            self.answer(now, server, &Answer::status(100));
        }
        self.tell(Event::Reoffer { session: id, server, request: arrival.request.clone() });
    }

    pub(super) fn send_within(
        &mut self,
        now: Time,
        id: SessionId,
        client: ClientId,
        method: Method,
        headers: &[(Name, String)],
        body: &Option<(String, Bytes)>,
    ) -> Option<ClientId> {
        let is_full = self.is_full();
        let session = self.sessions.get_mut(&id)?;
        let is_invite = method == Method::Invite;
        let is_offer = is_invite || (method == Method::Update && body.is_some());
        let is_free = session.our_offer.is_none() && session.their_offer.is_none();
        let is_settled = session.state == State::Confirmed && session.unacked.is_none();
        if is_full
            || session.ending.is_some()
            || session.state == State::Closing
            || matches!(method, Method::Ack | Method::Bye | Method::Cancel)
            || (is_offer && !is_free)
            || (is_invite && !is_settled)
        {
            return None;
        }
        let dialog = session.dialogs.last_mut()?;
        let cseq = dialog.next_cseq();
        let (flow, head, is_cut) = (session.flow, dialog.head(cseq, String::new()), session.is_cut);
        let is_refresh = matches!(method, Method::Invite | Method::Update);
        let refreshing = if is_refresh { self.refreshing_headers(Some(id)) } else { Vec::new() };
        let sent = self.sent_as(client, &flow, method, head, &[headers, &*refreshing].concat(), body);
        if is_cut {
            self.tell(Event::Response { client, result: Err(Failure::Transport) });
            self.finish(now, id, SessionEnd::Transport);
            return Some(client);
        }
        if let Some(session) = self.sessions.get_mut(&id).filter(|_| is_offer) {
            session.our_offer = Some(client);
        }
        self.open_client(now, &flow, sent, Purpose::Within(id));
        Some(client)
    }

    /// A final response to a request of ours in a session.
    pub(super) fn within_response(&mut self, now: Time, client: ClientId, id: SessionId, response: &Message) {
        let Some(method) = self.clients.get(&client).map(|client| client.method.clone()) else { return };
        if method == Method::Invite && self.repeat_ack(client, response) {
            return;
        }
        self.forget_offer(id, client);
        let is_refresh = matches!(method, Method::Invite | Method::Update);
        let is_success = response.status().is_some_and(|status| (200..300).contains(&status));
        if is_refresh && is_success {
            self.refreshed(client, id, &method, response);
            self.take_refresh(now, id, response);
        }
        if let Some(422) = response.status().filter(|_| is_refresh) {
            self.refresh_refused(now, id, 422, response);
        }
        self.tell(Event::Response { client, result: Ok(response.clone()) });
        self.next_in_turn(now, id, client);
        // RFC 3261 12.2.1.2: the peer does not know the dialog any more.
        if is_refresh && matches!(response.status(), Some(408 | 481)) {
            self.hang_up(now, id, SessionEnd::Rejected(response.clone()));
        }
    }

    pub(super) fn within_failed(&mut self, now: Time, client: ClientId, id: SessionId, failure: Failure) {
        let Some(method) = self.clients.get(&client).map(|client| client.method.clone()) else { return };
        self.forget_offer(id, client);
        self.tell(Event::Response { client, result: Err(failure) });
        match failure {
            Failure::Transport => self.finish(now, id, SessionEnd::Transport),
            Failure::Timeout if matches!(method, Method::Invite | Method::Update) => {
                self.hang_up(now, id, SessionEnd::Timeout);
            }
            Failure::Timeout | Failure::Ended => self.next_in_turn(now, id, client),
        }
    }

    /// 2xx to our re-INVITE or UPDATE.
    fn refreshed(&mut self, client: ClientId, id: SessionId, method: &Method, response: &Message) {
        let mut head = None;
        let Some(Client { invite, .. }) = self.clients.get(&client) else { return };
        let cseq = invite.as_ref().map(|invite| invite.head.cseq);
        if let Some(dialog) = self.sessions.get_mut(&id).and_then(|session| session.dialogs.last_mut()) {
            dialog.refresh_target(response);
            head = cseq.map(|cseq| dialog.head(cseq, String::new()));
        }
        // The session may be over; the ACK is due all the same.
        let head = head.or_else(|| invite.as_ref().map(|invite| invite.head.clone()));
        if let Some(head) = head.filter(|_| *method == Method::Invite) {
            self.acknowledge(client, response, head);
        }
    }

    fn forget_offer(&mut self, id: SessionId, client: ClientId) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.our_offer == Some(client))
        {
            session.our_offer = None;
        }
    }
}
