//! What a peer asks for within its session: hold, another address, a refreshed session.

use jackfield_sip::{Answer, Message, Method, Name, ServerId, SessionId};

use super::audio::{SDP, session_in};
use crate::switch::{ALLOW, Switch};

impl Switch {
    /// A re-INVITE or UPDATE: answered here, the other leg does not learn of it.
    pub(crate) fn reoffered(&mut self, session: SessionId, server: ServerId, request: &Message) {
        let answer = self.answer_reoffer(session, request);
        self.endpoint.respond(self.now, server, answer);
    }

    fn answer_reoffer(&mut self, session: SessionId, request: &Message) -> Answer {
        let Some(&id) = self.sessions.get(&session) else { return Answer::status(481) };
        let offer = match session_in(request) {
            Ok(offer) => offer,
            Err(status) => return Answer::status(status),
        };
        let body = match offer {
            // The codec in use first: a change in the middle of a call is work for everybody.
            Some(offer) => self.answer_offer(id, &offer, Some(id)).ok(),
            // RFC 3311 5.1: an UPDATE without offer only refreshes.
            None if request.method() == Some(Method::Update) => return Answer::status(200),
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

    /// INFO, REFER and their kin in a session: none of them is served yet.
    pub(crate) fn asked_within(&mut self, server: ServerId, request: &Message) {
        let answer = match request.method() {
            // RFC 6086 4.2.2 would refuse; an empty INFO is a phone asking whether we are there.
            Some(Method::Info) if request.body().is_empty() => Answer::status(200),
            Some(Method::Info) => Answer::status(415),
            Some(Method::Options) => self.capabilities(),
            _ => Answer::status(405).header(Name::Allow, ALLOW),
        };
        self.endpoint.respond(self.now, server, answer);
    }
}
