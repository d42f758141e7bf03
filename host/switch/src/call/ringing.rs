//! What a caller hears while a dial goes on: early media, or a tone.

use jackfield_media::{LegId, Source};
use jackfield_sip::{Message, SessionId};

use super::{
    bridge::Tie,
    leg::{Phase, VerbKind},
};
use crate::switch::Switch;

impl Switch {
    /// 101 to 199 from a phone.
    pub(crate) fn progressed(&mut self, session: SessionId, response: &Message) {
        let Some(&id) = self.sessions.get(&session) else { return };
        let Some(dial) = self.legs.get(&id).and_then(|leg| leg.dial.as_ref()) else { return };
        let (from, alone, own_ringback) = (dial.from, !dial.is_forked(), dial.own_ringback);
        let early = alone && !response.body().is_empty() && self.take_answer(id, response).is_ok();
        if early && let Some(leg) = self.legs.get_mut(&id) {
            leg.phase = Phase::Early;
        }
        let Some(from) = from.filter(|from| !own_ringback && self.listens(*from, id)) else { return };
        if early && self.early(from, Some(id)) {
            self.join(from, id, Tie::Early);
        } else if response.status() == Some(180) {
            self.ringing(from);
        }
    }

    /// Nothing but the dial has the ear of this leg: no other bridge, and no other verb.
    fn listens(&self, from: LegId, to: LegId) -> bool {
        let Some(leg) = self.legs.get(&from) else { return false };
        let is_waiting = leg.verb.as_ref().is_none_or(|verb| matches!(verb.kind, VerbKind::Dial(_)));
        is_waiting && leg.joined.as_ref().is_none_or(|joined| joined.is_early() && joined.other() == to)
    }

    /// A phone rings: the caller hears it from his own phone, or from us once he hears us.
    fn ringing(&mut self, from: LegId) {
        let Some(leg) = self.legs.get(&from) else { return };
        match leg.phase {
            Phase::Ringing => self.ring(from),
            _ if leg.ringback.is_none() && leg.joined.is_none() => {
                if let Ok(tone) = jackfield_media::tone::named("ringback") {
                    self.play_ringback(from, vec![Source::Tone(tone)]);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn play_ringback(&mut self, from: LegId, sources: Vec<Source>) {
        if !self.early(from, None) {
            self.ring(from);
            return;
        }
        let play = self.start_playing(from, sources, 0, jackfield_media::Digits::NONE);
        if let Some(leg) = self.legs.get_mut(&from) {
            leg.ringback = Some(play);
        }
    }

    pub(crate) fn stop_ringback(&mut self, from: LegId) {
        let Some(leg) = self.legs.get_mut(&from) else { return };
        if let Some(play) = leg.ringback.take() {
            self.stop_playing(from, play);
        }
    }
}
