//! Provisional responses that must arrive, and their PRACKs, both ways (RFC 3262).

use std::collections::VecDeque;

use super::Endpoint;
use super::clients::Purpose;
use super::matching::Arrival;
use super::sessions::State;
use super::types::{Answer, ClientId, ServerId, SessionEnd, SessionId};
use crate::Time;
use crate::message::{Message, Method, Name};
use crate::transaction::timer::Timer;
use crate::transaction::{Action, ServerEvent};

/// The option tag.
pub(super) const TAG: &str = "100rel";

/// Responses that wait for the PRACK of an earlier one; more provisional ones are left out.
const MAX_QUEUED: usize = 8;

/// Of a caller who supports, or requires, reliable provisional responses.
#[derive(Debug)]
pub(super) struct Reliable {
    is_required: bool,
    /// The first offer is to be ours: it must be in the first reliable response (RFC 3261 13.2.1).
    lacks_offer: bool,
    /// The CSeq of the INVITE.
    cseq: u32,
    last_rseq: u32,
    /// What we sent last has no PRACK yet; whether it has a body.
    unacked: Option<bool>,
    /// A 2xx is the last one.
    queue: VecDeque<Answer>,
}

/// What a caller's INVITE says about it.
pub(super) fn of_caller(invite: &Message, random: u32) -> Option<Box<Reliable>> {
    let says = |name| invite.values(&name).any(|value| value.eq_ignore_ascii_case(TAG));
    let is_required = says(Name::Require);
    let (cseq, _) = invite.cseq().ok()?;
    (is_required || says(Name::Supported)).then(|| {
        Box::new(Reliable {
            is_required,
            lacks_offer: invite.body().is_empty(),
            cseq,
            // Room for 2^30 responses below the limit of RFC 3262 3.
            last_rseq: random >> 2,
            unacked: None,
            queue: VecDeque::new(),
        })
    })
}

impl Reliable {
    /// How this response goes: reliably, plainly (false), or not at all.
    fn way(&self, answer: &Answer) -> Option<bool> {
        match self.lacks_offer && answer.body.is_none() {
            true if self.is_required => None,
            offerless => Some(!offerless),
        }
    }

    /// No 2xx before the PRACK of a description (RFC 3262 3).
    fn holds_back(&self) -> bool {
        self.unacked == Some(true) || self.queue.iter().any(|answer| answer.body.is_some())
    }

    fn has_accepted(&self) -> bool {
        self.queue.back().is_some_and(|answer| answer.status >= 200)
    }
}

impl Endpoint {
    // ---- as server

    /// Sends a provisional response, reliably if the caller knows how.
    pub(super) fn ring(&mut self, now: Time, id: SessionId, answer: &Answer) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Incoming(server) = session.state else { return };
        let reliable = session.reliable.as_mut();
        let is_reliable = match &reliable {
            Some(reliable) if reliable.has_accepted() => return,
            Some(reliable) => reliable.way(answer),
            None => Some(false),
        };
        match (is_reliable, reliable) {
            (Some(true), Some(reliable)) if reliable.unacked.is_some() => {
                if reliable.queue.len() < MAX_QUEUED {
                    reliable.queue.push_back(answer.clone());
                }
            }
            (Some(true), Some(_)) => self.ring_reliably(now, id, server, answer.clone()),
            (Some(_), reliable) => {
                let waits = reliable.is_some_and(|reliable| reliable.unacked.is_some());
                self.answer(now, server, answer);
                if !waits {
                    self.session_timers(now, id, &[Action::Start(Timer::Ringing)], 0);
                }
            }
            (None, _) => {}
        }
    }

    fn ring_reliably(&mut self, now: Time, id: SessionId, server: ServerId, answer: Answer) {
        let Some(reliable) = self.sessions.get_mut(&id).and_then(|session| session.reliable.as_mut()) else {
            return;
        };
        reliable.last_rseq += 1;
        reliable.unacked = Some(answer.body.is_some());
        let rseq = reliable.last_rseq.to_string();
        let answer = answer.header(Name::Require, TAG).header(Name::RSeq, rseq);
        self.answer(now, server, &answer);
        self.session_timers(now, id, &[Action::Start(Timer::Provisional), Action::Start(Timer::NoPrack)], 0);
    }

    /// True if the 2xx waits for a PRACK, and will be sent then.
    pub(super) fn accept_later(&mut self, id: SessionId, answer: &Answer) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let Some(reliable) = session.reliable.as_mut().filter(|reliable| reliable.holds_back()) else {
            return false;
        };
        if !reliable.has_accepted() {
            reliable.queue.push_back(answer.clone());
        }
        true
    }

    pub(super) fn prack_arrived(&mut self, now: Time, id: SessionId, at: usize, arrival: &Arrival) {
        let request = &arrival.request;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let reliable = session.reliable.as_mut().filter(|reliable| {
            let expected = (reliable.last_rseq, reliable.cseq, Method::Invite);
            reliable.unacked.is_some() && rack(request).is_some_and(|rack| rack == expected)
        });
        let Some(reliable) = reliable else {
            return self.refuse_within(now, arrival, &Answer::status(481));
        };
        if reliable.unacked.take() == Some(true) {
            reliable.lacks_offer = false;
            session.dialogs[at].is_agreed = true;
        }
        // A 2xx may have overtaken a response without body; it has timers of its own.
        if matches!(session.state, State::Incoming(_)) {
            self.session_timers(now, id, &[Action::Stop(Timer::NoPrack), Action::Start(Timer::Ringing)], 0);
        }
        if request.body().is_empty() {
            self.refuse_within(now, arrival, &Answer::status(200));
        } else {
            self.reoffer_arrived(now, id, at, arrival);
        }
        self.send_queued(now, id);
    }

    /// What waited for a PRACK, or for the user's answer to the offer in it.
    pub(super) fn send_queued(&mut self, now: Time, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Incoming(server) = session.state else { return };
        let Some(reliable) = session.reliable.as_mut() else { return };
        // An offer in the PRACK is answered first.
        let is_free = reliable.unacked.is_none() && session.their_offer.is_none();
        let Some(answer) = is_free.then(|| reliable.queue.pop_front()).flatten() else { return };
        match answer.status {
            200.. => self.accept_call(now, id, &answer),
            _ => self.ring_reliably(now, id, server, answer),
        }
    }

    /// No PRACK in 64*T1: the caller is not heard any more, and is told so (RFC 3262 3).
    pub(super) fn no_prack(&mut self, now: Time, id: SessionId, server: ServerId) {
        self.answer(now, server, &Answer::status(504));
        self.finish(now, id, SessionEnd::Timeout);
    }

    /// It rings for a minute: the same again, as a new response where it was a reliable one.
    pub(super) fn ring_on(&mut self, now: Time, id: SessionId, server: ServerId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let is_reliable = session.reliable.as_ref().is_some_and(|reliable| !reliable.lacks_offer);
        if is_reliable {
            return self.ring_reliably(now, id, server, Answer::status(183));
        }
        self.server_event(now, server, ServerEvent::Provisional, 0);
        self.session_timers(now, id, &[Action::Start(Timer::Ringing)], 0);
    }

    // ---- as client

    /// Acknowledges a reliable response to our INVITE; false if it came before, or one before it is missing
    /// (RFC 3262 4).
    pub(super) fn acknowledge_progress(
        &mut self,
        now: Time,
        client: ClientId,
        id: SessionId,
        response: &Message,
    ) -> bool {
        let is_reliable = response.values(&Name::Require).any(|value| value.eq_ignore_ascii_case(TAG));
        let rseq = response.text(&Name::RSeq).and_then(|text| text.trim().parse::<u32>().ok());
        let Some(rseq) = rseq.filter(|_| is_reliable) else { return true };
        let Some(cseq) = self.clients.get(&client).and_then(|client| client.invite.as_ref()) else {
            return false;
        };
        let cseq = cseq.head.cseq;
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let tag = response.to().ok().and_then(|to| to.tag().map(str::to_owned));
        let Some(dialog) = session.dialogs.iter_mut().find(|early| early.remote_tag == tag) else {
            return false;
        };
        if dialog.last_rseq.is_some_and(|last| last.checked_add(1) != Some(rseq)) {
            return false;
        }
        dialog.last_rseq = Some(rseq);
        dialog.is_agreed |= !response.body().is_empty();
        let number = dialog.next_cseq();
        let (flow, head) = (session.flow, dialog.head(number, String::new()));
        let rack = (Name::RAck, format!("{rseq} {cseq} INVITE"));
        let sent = self.sent(&flow, Method::Prack, head, &[rack], &None);
        self.open_client(now, &flow, sent, Purpose::Courtesy);
        true
    }
}

/// RSeq, CSeq number and method of a RAck header.
fn rack(prack: &Message) -> Option<(u32, u32, Method)> {
    let text = prack.text(&Name::RAck)?;
    let mut parts = text.split_ascii_whitespace();
    let rack = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, Method::from(parts.next()?));
    parts.next().is_none().then_some(rack)
}
