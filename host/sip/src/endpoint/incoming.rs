//! Calls of peers to us: from their INVITE to the ACK of our answer.

use rand::Rng;

use super::Endpoint;
use super::matching::Arrival;
use super::reliable;
use super::sessions::{Session, State};
use super::timers::Owner;
use super::types::{Answer, Event, ServerId, SessionEnd, SessionId};
use super::write::RETRY_AFTER;
use crate::Time;
use crate::dialog::Dialog;
use crate::message::{Message, Name};
use crate::transaction::Action;
use crate::transaction::timer::Timer;

impl Endpoint {
    pub(super) fn new_call(&mut self, now: Time, arrival: &Arrival) {
        if self.sessions.len() >= self.config.max_sessions {
            return self.refuse(arrival, &Answer::status(503).header(Name::RetryAfter, RETRY_AFTER));
        }
        let replaces = match arrival.request.replaces() {
            Ok(replaces) => replaces,
            Err(error) => {
                return self.refuse(arrival, &Answer { reason: error.to_string(), ..Answer::status(400) });
            }
        };
        let tag = self.new_tag();
        let dialog = match Dialog::as_server(&arrival.request, &tag) {
            Ok(dialog) => dialog,
            Err(error) => {
                return self.refuse(arrival, &Answer { reason: error.to_string(), ..Answer::status(400) });
            }
        };
        let server = self.open_server(now, arrival, Some(tag.clone()), None);
        let mut session = Session::new(State::Incoming(server), &arrival.flow, tag);
        session.dialogs.push(dialog);
        session.reliable = reliable::of_caller(&arrival.request, self.rng.next_u32());
        let id = self.add_session(session);
        if let Some(server) = self.servers.get_mut(&server) {
            server.session = Some(id);
        }
        self.answer(now, server, &Answer::status(100));
        let request = arrival.request.clone();
        self.tell(Event::Invite { session: id, flow: arrival.flow, request, replaces });
    }

    /// The transaction and CSeq of a call that waits for our final response.
    fn waiting_call(&self, id: SessionId) -> Option<ServerId> {
        match self.sessions.get(&id)?.state {
            State::Incoming(server) => Some(server),
            _ => None,
        }
    }

    pub(super) fn accept_call(&mut self, now: Time, id: SessionId, answer: &Answer) {
        let Some(server) = self.waiting_call(id) else { return };
        if self.accept_later(id, answer) {
            return;
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.state = State::Confirmed;
        }
        self.accept_invite(now, id, server, answer);
    }

    pub(super) fn reject_call(&mut self, now: Time, id: SessionId, answer: &Answer) {
        let Some(server) = self.waiting_call(id) else { return };
        self.answer(now, server, answer);
        self.finish(now, id, SessionEnd::Local);
    }

    /// Sends 2xx to an INVITE or re-INVITE, and repeats it until its ACK (RFC 3261 13.3.1.4).
    pub(super) fn accept_invite(&mut self, now: Time, id: SessionId, server: ServerId, answer: &Answer) {
        let request = self.servers.get(&server).and_then(|server| server.request.as_ref());
        let Some(cseq) = request.and_then(|request| request.cseq().ok()) else { return };
        let is_offer = request.is_some_and(|request| request.body().is_empty()) && answer.body.is_some();
        let answer = self.agree_refresh(now, id, server, answer.clone());
        self.answer(now, server, &answer);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.unacked = Some((server, cseq.0));
            session.ack_answers = is_offer;
            self.session_timers(now, id, &[Action::Start(Timer::Accepted), Action::Start(Timer::NoAck)], 0);
        }
    }

    /// ACK for a 2xx of ours. One that fits nothing is dropped: nobody may answer an ACK.
    pub(super) fn ack_arrived(&mut self, now: Time, arrival: &Arrival) {
        let Some((id, _)) = self.find_dialog(arrival) else { return };
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.unacked.is_none_or(|(_, cseq)| cseq != arrival.cseq) {
            return;
        }
        session.unacked = None;
        self.schedule.stop_all(Owner::Session(id), &mut session.slots);
        let is_ending = session.ending.is_some();
        self.heard_on(id, &arrival.flow);
        if is_ending {
            return self.close(now, id);
        }
        self.tell(Event::Acked { session: id, ack: arrival.request.clone() });
    }

    /// The peer has cancelled an INVITE, which has been answered 487.
    pub(super) fn invite_cancelled(&mut self, now: Time, id: SessionId, server: ServerId, cancel: Message) {
        match self.waiting_call(id) {
            Some(call) if call == server => self.finish(now, id, SessionEnd::Cancelled(Some(cancel))),
            _ => self.forget_pending(id, server),
        }
    }
}
