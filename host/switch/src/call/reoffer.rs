//! Offers within a session: theirs for hold, another address or a refresh; ours for a changed description.

use jackfield_media::LegId;
use jackfield_sip::{Answer, ClientId, Failure, Message, Method, Name, ServerId, SessionId};

use super::{
    audio::{SDP, session_in},
    leg::Phase,
    ringing::Fork,
};
use crate::{
    switch::{ALLOW, Switch},
    timer::{Deadline, TimerId},
};

/// An offer of ours within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reoffer {
    /// Something else is under way: as soon as it is over.
    Wanted,
    Sent(ClientId),
    /// After a 491.
    Waits(TimerId),
}

/// What a request within a session was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Reoffer(LegId),
}

impl Switch {
    /// A re-INVITE or UPDATE: answered here, the other leg does not learn of it.
    pub(crate) fn reoffered(&mut self, session: SessionId, server: ServerId, request: &Message) {
        let answer = self.answer_reoffer(session, request);
        self.endpoint.respond(self.now, server, answer);
    }

    fn answer_reoffer(&mut self, session: SessionId, request: &Message) -> Answer {
        let Some(&id) = self.sessions.get(&session) else { return Answer::status(481) };
        if self.is_unheard(id, session, request) {
            return Answer::status(500).header(Name::RetryAfter, "5");
        }
        let offer = match session_in(request) {
            Ok(offer) => offer,
            Err(status) => return Answer::status(status),
        };
        let body = match offer {
            // The codec in use first: a change in the middle of a call is work for everybody.
            Some(offer) => self.answer_offer(id, &offer, Some(id)).ok(),
            None => {
                let codecs = self.codecs_like(Some(id));
                let Some(leg) = self.legs.get_mut(&id) else { return Answer::status(481) };
                leg.audio.offered = true;
                let address = leg.audio.address;
                self.offer(id, address, &codecs)
            }
        };
        match body {
            Some(body) => Answer::status(200).body(SDP, body),
            None => Answer::status(488),
        }
    }

    /// It comes from a phone that has not answered and is not the one whose early media is heard.
    fn is_unheard(&self, id: LegId, session: SessionId, request: &Message) -> bool {
        let Some(dial) = self.legs.get(&id).and_then(|leg| leg.dial.as_ref()) else { return false };
        let tag = request.from().ok().and_then(|from| from.tag().map(str::to_owned));
        !request.body().is_empty() && !dial.early.is_heard(&Fork { session, tag: tag.unwrap_or_default() })
    }

    /// Sends a re-INVITE that describes our audio as it now is, at once or as soon as the session allows
    /// it; one that is refused changes nothing.
    pub(crate) fn reoffer(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.phase == Phase::Up) else { return };
        let Some(session) = leg.session else { return };
        match leg.reoffer {
            None | Some(Reoffer::Wanted) => {}
            // What is described then is newer than this wish.
            Some(Reoffer::Waits(_)) => return,
            Some(Reoffer::Sent(_)) => {
                leg.reoffer_again = true;
                return;
            }
        }
        leg.reoffer = Some(Reoffer::Wanted);
        let address = leg.audio.address;
        let codecs = self.codecs_like(Some(id));
        let Some(offer) = self.offer(id, address, &codecs) else { return };
        let body = Some((SDP.to_owned(), offer));
        let sent = self.endpoint.session_request(self.now, session, Method::Invite, Vec::new(), body);
        let Some(client) = sent else { return };
        self.asked.insert(client, Asked::Reoffer(id));
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.reoffer = Some(Reoffer::Sent(client));
        }
    }

    /// The session of a leg may be free for the offer that waited.
    pub(crate) fn reoffer_if_wanted(&mut self, id: LegId) {
        let wanted = |leg: &super::leg::Leg| leg.reoffer == Some(Reoffer::Wanted);
        if self.legs.get(&id).is_some_and(wanted) {
            self.reoffer(id);
        }
    }

    /// The wait after a 491 is over.
    pub(crate) fn reoffer_again(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.reoffer = None;
            self.reoffer(id);
        }
    }

    /// The end of a request of ours within a session.
    pub(crate) fn responded(&mut self, client: ClientId, result: Result<Message, Failure>) {
        match self.asked.remove(&client) {
            Some(Asked::Reoffer(leg)) => self.reoffer_answered(leg, client, result),
            None => {}
        }
    }

    fn reoffer_answered(&mut self, id: LegId, client: ClientId, result: Result<Message, Failure>) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.reoffer == Some(Reoffer::Sent(client)))
        else {
            return;
        };
        leg.reoffer = None;
        let Some(session) = leg.session else { return };
        match result.as_ref().ok().and_then(Message::status) {
            Some(491) => {
                let at = self.now.saturating_add(self.endpoint.glare_wait(session));
                leg.reoffer = Some(Reoffer::Waits(self.timers.set(at, Deadline::Reoffer(id))));
            }
            Some(200..300) => {
                // A 2xx whose answer fits nothing leaves the audio as it was.
                let _ = result.is_ok_and(|response| self.take_answer(id, &response).is_ok());
            }
            _ => {}
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if std::mem::take(&mut leg.reoffer_again) {
            self.reoffer(id);
        }
    }

    /// INFO, REFER and their kin in a session.
    pub(crate) fn asked_within(&mut self, session: SessionId, server: ServerId, request: &Message) {
        let answer = match request.method() {
            Some(Method::Refer) => return self.referred(session, server, request),
            Some(Method::Info) => {
                let leg = self.sessions.get(&session).copied();
                self.informed(leg, request)
            }
            Some(Method::Options) => self.capabilities(),
            _ => Answer::status(405).header(Name::Allow, ALLOW),
        };
        self.endpoint.respond(self.now, server, answer);
    }
}
