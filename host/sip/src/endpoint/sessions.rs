//! INVITE sessions: what is common to both directions.

use std::mem;
use std::sync::Arc;

use super::clients::Purpose;
use super::in_turn::InTurn;
use super::matching::Arrival;
use super::refresh::Refresh;
use super::reliable::Reliable;
use super::types::{Answer, ClientId, Event, Invite, Replaced, ServerId, SessionEnd, SessionId};
use super::{Endpoint, release, timers::Owner};
use crate::Time;
use crate::dialog::Dialog;
use crate::flow::Flow;
use crate::message::{Method, Name, Replaces};
use crate::transaction::timer::{Slots, Timer};
use crate::transaction::{Action, ClientEvent, ServerEvent};

/// Requests of one peer that wait for our user, in one session.
const MAX_PENDING: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The peer's INVITE waits for our final response.
    Incoming(ServerId),
    /// Our INVITE waits for the peer's.
    Outgoing(ClientId),
    /// A 2xx went one way or the other.
    Confirmed,
    /// Our BYE is under way.
    Closing,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) state: State,
    /// We sent the first INVITE, and so chose the Call-ID.
    pub(super) is_ours: bool,
    /// The way to the peer: where it was last heard.
    pub(super) flow: Flow,
    /// The connection is closed. The peer may come back on another one until we have something to say.
    pub(super) is_cut: bool,
    pub(super) local_tag: Arc<str>,
    /// One; while Outgoing any number of early ones, the latest last.
    pub(super) dialogs: Vec<Dialog>,
    pub(super) slots: Slots,
    /// The timer of `refresh`.
    pub(super) expiry: Slots,
    pub(super) refresh: Option<Refresh>,
    /// While Outgoing, to send it again.
    pub(super) invite: Option<Box<Invite>>,
    /// While Incoming, of a caller who knows how to acknowledge provisional responses.
    pub(super) reliable: Option<Box<Reliable>>,
    /// Our 2xx that has no ACK yet: its transaction and CSeq.
    pub(super) unacked: Option<(ServerId, u32)>,
    /// Our offer is in it: the ACK brings the answer.
    pub(super) ack_answers: bool,
    /// Our re-INVITE or UPDATE that has no answer yet.
    pub(super) our_offer: Option<ClientId>,
    /// The peer's re-INVITE or UPDATE that our user has not answered yet.
    pub(super) their_offer: Option<ServerId>,
    /// Everything of the peer's that our user has not answered yet.
    pub(super) pending: Vec<ServerId>,
    /// Our user called `end`, with this Reason.
    pub(super) ending: Option<Option<String>>,
    /// Ours whose order matters.
    pub(super) in_turn: InTurn,
}

impl Session {
    pub(super) fn new(state: State, flow: &Flow, local_tag: Arc<str>) -> Self {
        Session {
            state,
            is_ours: matches!(state, State::Outgoing(_)),
            flow: *flow,
            is_cut: false,
            local_tag,
            dialogs: Vec::new(),
            slots: Slots::default(),
            expiry: Slots::default(),
            refresh: None,
            invite: None,
            reliable: None,
            unacked: None,
            ack_answers: false,
            our_offer: None,
            their_offer: None,
            pending: Vec::new(),
            in_turn: InTurn::default(),
            ending: None,
        }
    }
}

impl Endpoint {
    pub(super) fn add_session(&mut self, session: Session) -> SessionId {
        self.last_session += 1;
        let id = SessionId(self.last_session);
        self.tags.insert(Arc::clone(&session.local_tag), id);
        self.flows.attach(&session.flow, Owner::Session(id));
        self.sessions.insert(id, session);
        id
    }

    /// The session and the dialog in it that a request with a To tag belongs to. Our tags are unique, so
    /// the rest is only compared.
    pub(super) fn find_dialog(&self, arrival: &Arrival) -> Option<(SessionId, usize)> {
        let id = *self.tags.get(arrival.to_tag.as_deref()?)?;
        let at = self.sessions.get(&id)?.dialogs.iter().position(|dialog| {
            dialog.remote_tag == arrival.from_tag && Some(&*dialog.call_id) == arrival.request.call_id()
        })?;
        Some((id, at))
    }

    pub(super) fn find_replaced(&self, replaces: &Replaces) -> Option<Replaced> {
        let id = *self.tags.get(&*replaces.to_tag)?;
        let session = self.sessions.get(&id).filter(|session| session.state != State::Closing)?;
        let fits = |dialog: &Dialog| {
            dialog.call_id == replaces.call_id && dialog.remote_tag.as_deref() == Some(&replaces.from_tag)
        };
        let is_early = session.state != State::Confirmed;
        let replaced = Replaced { session: id, is_early, is_ours: session.is_ours };
        session.dialogs.iter().any(fits).then_some(replaced)
    }

    /// A request of the peer came on this flow: so do ours from now on.
    pub(super) fn heard_on(&mut self, id: SessionId, flow: &Flow) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.flow != *flow || session.is_cut {
            self.flows.detach(&session.flow, Owner::Session(id));
            self.flows.attach(flow, Owner::Session(id));
            session.flow = *flow;
            session.is_cut = false;
        }
    }

    pub(super) fn session_timer(&mut self, now: Time, id: SessionId, timer: Timer) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if matches!(timer, Timer::Refresh | Timer::Expired) {
            session.expiry.slot(timer.slot()).take();
            return match timer {
                Timer::Refresh => self.refresh(now, id),
                _ => self.hang_up(now, id, SessionEnd::Timeout),
            };
        }
        let round = session.slots.slot(timer.slot()).take().map_or(0, |running| running.round);
        match (timer, session.state, session.unacked) {
            (Timer::Accepted, _, Some((server, _))) => {
                self.server_event(now, server, ServerEvent::Success, 0);
                self.session_timers(now, id, &[Action::Again(timer)], round);
            }
            (Timer::NoAck, ..) => self.hang_up(now, id, SessionEnd::Timeout),
            (Timer::Ringing, State::Incoming(server), _) => self.ring_on(now, id, server),
            (Timer::Provisional, State::Incoming(server), _) => {
                self.server_event(now, server, ServerEvent::Provisional, 0);
                self.session_timers(now, id, &[Action::Again(timer)], round);
            }
            (Timer::NoPrack, State::Incoming(server), _) => self.no_prack(now, id, server),
            _ => {}
        }
    }

    pub(super) fn session_timers(&mut self, now: Time, id: SessionId, actions: &[Action], round: u32) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        for &action in actions {
            // None of them asks what the transport is.
            self.schedule.apply(now, action, Owner::Session(id), &mut session.slots, true, round);
        }
    }

    /// Ends a session at the wish of our user.
    pub(super) fn end_session(&mut self, now: Time, id: SessionId, status: u16, reason: Option<&str>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.ending.is_some() {
            return;
        }
        session.ending = Some(reason.map(str::to_owned));
        match session.state {
            State::Incoming(server) => {
                let mut answer = Answer::status(if (300..700).contains(&status) { status } else { 480 });
                answer.headers.extend(reason.map(|reason| (Name::Reason, reason.to_owned())));
                self.answer(now, server, &answer);
                self.finish(now, id, SessionEnd::Local);
            }
            State::Outgoing(client) => self.cancel_client(now, client, reason),
            // No BYE before the ACK (RFC 3261 15).
            State::Confirmed if session.unacked.is_some() && !session.is_cut => {}
            State::Confirmed => self.close(now, id),
            State::Closing => {}
        }
    }

    /// Sends our BYE; the session is over when it is answered.
    pub(super) fn close(&mut self, now: Time, id: SessionId) {
        if self.sessions.get(&id).is_some_and(|session| session.is_cut) {
            return self.finish(now, id, SessionEnd::Local);
        }
        self.send_bye(now, id, Purpose::Bye(id));
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.state = State::Closing;
        let pending = mem::take(&mut session.pending);
        self.refuse_pending(now, pending);
    }

    /// Ends a session that has failed, with BYE whose answer nobody waits for.
    pub(super) fn hang_up(&mut self, now: Time, id: SessionId, end: SessionEnd) {
        let Some(session) = self.sessions.get(&id) else { return };
        match session.state {
            State::Closing => return,
            State::Confirmed if !session.is_cut => self.send_bye(now, id, Purpose::Courtesy),
            _ => {}
        }
        self.finish(now, id, end);
    }

    fn send_bye(&mut self, now: Time, id: SessionId, purpose: Purpose) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(mut dialog) = session.dialogs.pop() else { return };
        let (flow, reason) = (session.flow, session.ending.clone().flatten());
        self.bye(now, &flow, &mut dialog, reason, purpose);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.dialogs.push(dialog);
        }
    }

    pub(super) fn bye(
        &mut self,
        now: Time,
        flow: &Flow,
        dialog: &mut Dialog,
        reason: Option<String>,
        purpose: Purpose,
    ) {
        let cseq = dialog.next_cseq();
        let head = dialog.head(cseq, String::new());
        let headers: Vec<_> = reason.map(|reason| (Name::Reason, reason)).into_iter().collect();
        let sent = self.sent(flow, Method::Bye, head, &headers, &None);
        self.open_client(now, flow, sent, purpose);
    }

    /// Forgets a session and tells why it ended. What our user has not answered in it is answered 487
    /// (RFC 3261 15.1.2), what the peer has not answered is cancelled or waits for 64*T1.
    pub(super) fn finish(&mut self, now: Time, id: SessionId, end: SessionEnd) {
        let Some(mut session) = self.sessions.remove(&id) else { return };
        self.tags.remove(&session.local_tag);
        release(&mut self.sessions);
        self.flows.detach(&session.flow, Owner::Session(id));
        self.schedule.stop_all(Owner::Session(id), &mut session.slots);
        self.schedule.stop_all(Owner::Session(id), &mut session.expiry);
        match session.state {
            State::Incoming(server) => session.pending.push(server),
            State::Outgoing(client) => self.cancel_client(now, client, None),
            State::Confirmed | State::Closing => {}
        }
        self.refuse_pending(now, session.pending);
        if let Some(client) = session.our_offer {
            self.client_event(now, client, ClientEvent::Cancelled, None, 0);
        }
        self.forget_turns(session.in_turn);
        let end = if session.ending.is_some() { SessionEnd::Local } else { end };
        self.tell(Event::Ended { session: id, end });
    }

    fn refuse_pending(&mut self, now: Time, pending: Vec<ServerId>) {
        for server in pending {
            self.answer(now, server, &Answer::status(487));
        }
    }

    /// A request of the peer waits for our user.
    pub(super) fn add_pending(&mut self, id: SessionId, server: ServerId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.pending.push(server);
        }
    }

    /// Whether one more may wait.
    pub(super) fn is_patient(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.pending.len() < MAX_PENDING)
    }

    /// The user has answered, or never will.
    pub(super) fn forget_pending(&mut self, id: SessionId, server: ServerId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.pending.retain(|pending| *pending != server);
        if session.their_offer == Some(server) {
            session.their_offer = None;
        }
    }

    /// What hung on a connection that is closed.
    pub(super) fn cut(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.is_cut = true;
        match session.state {
            State::Confirmed if session.unacked.is_none() => {}
            _ => self.finish(now, id, SessionEnd::Transport),
        }
    }
}
