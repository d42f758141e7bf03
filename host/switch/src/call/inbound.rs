//! Calls that come in, and what their callers are told.

use jackfield_media::LegId;
use jackfield_sip::{self as sip, Answer, Flow, Message, Replaces, SessionId};

use super::{
    Call, CallKey,
    audio::{Audio, NoAgreement, SDP, session_in},
    leg::{Leg, Phase, VerbKind, final_answer},
    replace::Place,
};
use crate::{
    command::{Cause, Direction, HangupInfo, Value},
    io::Level,
    route::dialled,
    switch::Switch,
    trace::Happened,
    user::Caller,
};

/// What a new call brings along.
struct Origin {
    session: SessionId,
    flow: Flow,
    /// Max-Forwards of the INVITEs that follow from it.
    hops: Option<u8>,
    /// The call of ours that came back as this one.
    parent: Option<CallKey>,
}

impl Switch {
    /// A new call: who is it, is there room, and where does it want to go?
    pub(crate) fn invited(
        &mut self,
        session: SessionId,
        flow: &Flow,
        request: &Message,
        replaces: Option<&Replaces>,
    ) {
        if let Err(refusal) = self.admit(session, flow, request, replaces) {
            self.endpoint.reject(self.now, session, refusal);
        }
    }

    fn admit(
        &mut self,
        session: SessionId,
        flow: &Flow,
        request: &Message,
        replaces: Option<&Replaces>,
    ) -> Result<(), Answer> {
        if self.shutting_down {
            return Err(final_answer(503));
        }
        let caller = self.identify(flow, request)?;
        let uri = sip::Uri::parse(request.uri().unwrap_or_default()).map_err(|_| final_answer(400))?;
        if !uri.is_sip() {
            return Err(final_answer(416));
        }
        let number = uri.user().and_then(dialled).ok_or_else(|| final_answer(404))?;
        let offer = session_in(request).map_err(|status| match status {
            415 => final_answer(415).header(sip::Name::Accept, SDP),
            status => final_answer(status),
        })?;
        // RFC 3261 13.3.1.4: every answer to an INVITE has a body.
        if !request.accepts(SDP, SDP) {
            return Err(final_answer(406).header(sip::Name::Accept, SDP));
        }
        let parent = self.endpoint.own_session(request).and_then(|session| self.sessions.get(&session));
        let parent = parent.and_then(|leg| self.legs.get(leg)).map(|leg| leg.call);
        if self.runs_in_circles(parent, &number) {
            return Err(final_answer(482));
        }
        if self.room_for_calls() == 0 {
            return Err(final_answer(503));
        }
        let place = replaces.map(|replaces| self.place(replaces)).transpose()?;
        let leg = LegId(self.next_id());
        let partner = place.and_then(|place| self.legs.get(&place.partner));
        let worker = partner.map(|partner| partner.audio.lease.worker);
        let lease = self.leases.take(leg, worker).ok_or_else(|| final_answer(503))?;
        let mut audio = Audio::new(lease, self.endpoint.address(flow).ip(), leg.0);
        audio.offer = offer;
        audio.dtmf = self.settings.dtmf_of(&caller.trunk);
        audio.srtp = self.srtp_of_caller(&caller, flow);
        // One hop less than it had left; a caller who does not say has the usual number (RFC 3261 16.6 3).
        let hops = request.max_forwards().map(|hops| hops.saturating_sub(1));
        let origin = Origin { session, flow: *flow, hops, parent };
        self.receive_call(leg, origin, caller, number, audio, place);
        Ok(())
    }

    fn receive_call(
        &mut self,
        id: LegId,
        origin: Origin,
        caller: Caller,
        number: String,
        audio: Audio,
        place: Option<Place>,
    ) {
        let is_user = caller.is_user;
        let key = self.new_call(Direction::Inbound, caller, number.clone());
        if let Some(call) = self.calls.get_mut(&key) {
            (call.hops, call.parent) = (origin.hops, origin.parent);
        }
        let info = self.leg_info(key, Direction::Inbound, None);
        let mut leg = Leg::new(key, info, audio);
        leg.session = Some(origin.session);
        leg.flow = Some(origin.flow);
        self.add_leg(key, id, leg);
        self.sessions.insert(origin.session, id);
        self.open_audio(id);
        if self.fits_nothing(id) {
            self.explain_refusal(id);
            self.refuse(id, 488, HangupInfo::new(Cause::Other, 488));
            return;
        }
        match place {
            Some(place) => self.take_place(id, place),
            None => self.route_call(key, &number, is_user),
        }
    }

    /// The same number was dialled before on the way of this call through us (RFC 3261 16.3 4).
    fn runs_in_circles(&self, parent: Option<CallKey>, number: &str) -> bool {
        let up = |call: &&Call| call.parent.and_then(|parent| self.calls.get(&parent));
        let chain = std::iter::successors(parent.and_then(|parent| self.calls.get(&parent)), up);
        chain.into_iter().any(|call| call.callee == number)
    }

    /// The caller's offer has no codec of ours.
    fn fits_nothing(&self, id: LegId) -> bool {
        let Some(leg) = self.legs.get(&id) else { return false };
        let Some(offer) = &leg.audio.offer else { return false };
        leg.audio.refuses(offer, &self.settings.codecs)
    }

    /// A refusal that a setting of ours made is told to the operator.
    fn explain_refusal(&mut self, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        let Some(offer) = &leg.audio.offer else { return };
        if leg.audio.misses_srtp(offer, &self.settings.codecs) {
            let who = self.calls.get(&leg.call).map(|call| call.caller.trunk.clone()).unwrap_or_default();
            let text = format!("refused a call of {who} without SRTP: {who} has srtp = \"required\"");
            let name = leg.info.id.clone();
            self.notice(Level::Warn, text, Some(name));
        }
    }

    /// Sends 180 once, to a caller who hears nothing yet.
    pub(crate) fn ring(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(session) = leg.session else { return };
        if leg.is_inbound() && leg.phase == Phase::Ringing && !leg.rung {
            leg.rung = true;
            self.endpoint.provisional(self.now, session, Answer::status(180));
            self.trace(id, Happened::Ringing);
        }
    }

    /// Sends 183 with our answer, so that the caller hears before he pays. Whether he can hear now.
    pub(crate) fn early(&mut self, id: LegId, like: Option<LegId>) -> bool {
        let Some(leg) = self.legs.get_mut(&id) else { return false };
        if leg.phase != Phase::Ringing {
            return true;
        }
        // A caller who left the offer to us has no media before his ACK.
        let (true, Some(session), Some(offer)) = (leg.is_inbound(), leg.session, leg.audio.offer.take())
        else {
            return false;
        };
        let answer = self.answer_offer(id, &offer, like);
        let Some(leg) = self.legs.get_mut(&id) else { return false };
        let Ok(body) = answer else {
            leg.audio.offer = Some(offer);
            return false;
        };
        leg.phase = Phase::Early;
        self.trace(id, Happened::EarlyMedia);
        self.endpoint.provisional(self.now, session, Answer::status(183).body(SDP, body));
        true
    }

    /// Answers a caller with 200. Media flows at once, unless the offer is ours: then from the ACK on.
    pub(crate) fn answer(&mut self, id: LegId, like: Option<LegId>) -> Result<(), NoAgreement> {
        let leg = self.legs.get_mut(&id).ok_or(NoAgreement)?;
        if !leg.is_unanswered() {
            return Ok(());
        }
        let session = leg.session.ok_or(NoAgreement)?;
        let body = match (leg.phase, leg.audio.offer.take()) {
            // The 200 repeats the answer of the 183.
            (Phase::Early, _) => leg.audio.sent.clone().ok_or(NoAgreement)?,
            (_, Some(offer)) => self.answer_offer(id, &offer, like).inspect_err(|_| {
                // Still to be answered: the next try must not make an offer of its own.
                let audio = self.legs.get_mut(&id).map(|leg| &mut leg.audio);
                audio.into_iter().for_each(|audio| audio.offer = Some(offer.clone()));
            })?,
            (_, None) => {
                leg.audio.offered = true;
                let address = leg.audio.address;
                let codecs = self.codecs_like(like);
                self.offer(id, address, &codecs).ok_or(NoAgreement)?
            }
        };
        self.endpoint.accept(self.now, session, Answer::status(200).body(SDP, body));
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.answered = Some(self.now);
            let was_early = std::mem::replace(&mut leg.phase, Phase::Up) == Phase::Early;
            let (call, owner) = (leg.call, leg.owner);
            let plugin = owner.and_then(|owner| self.instances.get(&owner));
            let plugin = plugin.map(|instance| format!("plugin:{}", instance.plugin));
            self.connected(call, plugin);
            self.trace(id, Happened::Answered);
            if was_early {
                self.expect_audio(id);
            }
        }
        Ok(())
    }

    /// The ACK of a 2xx; where the offer was ours it brings the answer.
    pub(crate) fn acked(&mut self, session: SessionId, ack: &Message) {
        let Some(&id) = self.sessions.get(&session) else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if !std::mem::take(&mut leg.audio.offered) {
            return self.reoffer_if_wanted(id);
        }
        if self.take_answer(id, ack).is_err() {
            self.hang_up(id, HangupInfo::new(Cause::Other, 488));
            return;
        }
        if self.verb_is(id, |kind| matches!(kind, VerbKind::Answer)) {
            self.finish_verb(id, Ok(Value::Done));
        }
        self.reoffer_if_wanted(id);
    }

    /// Nothing came from the peer for too long. Before its answer a phone need not send, and
    /// one that holds us seldom does.
    pub(crate) fn media_timed_out(&mut self, id: LegId) {
        if self.legs.get(&id).is_some_and(|leg| leg.phase == Phase::Up && !leg.audio.is_held()) {
            self.hang_up(id, HangupInfo::new(Cause::MediaTimeout, 0));
        }
    }

    /// Stops all that sounds on a leg, so that someone else can take it over.
    pub(crate) fn silence(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let verb = leg.verb.take();
        let operations = std::mem::take(&mut leg.operations);
        for operation in operations.into_values() {
            self.stop_operation(id, operation);
        }
        if let Some(verb) = verb {
            self.stop_verb(id, verb);
        }
        // Last: a gather that is stopped gives back what it had.
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.forget_typed();
        }
    }
}
