//! What a caller hears while a dial goes on: early media, or a tone.

use jackfield_media::{LegId, Source};
use jackfield_sip::{Message, SessionId};

use super::{
    audio::session_in,
    bridge::Tie,
    dial::Purpose,
    leg::{Leg, Phase, VerbKind},
};
use crate::{switch::Switch, trace::Happened};

/// Descriptions of early dialogs that one dial keeps.
const MAX_EARLY: usize = 64;

/// One early dialog: a phone, or one fork of it that a proxy called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fork {
    pub(crate) session: SessionId,
    /// The tag of its To.
    pub(crate) tag: String,
}

impl Fork {
    pub(crate) fn of(session: SessionId, response: &Message) -> Fork {
        let tag = response.to().ok().and_then(|to| to.tag().map(str::to_owned));
        Fork { session, tag: tag.unwrap_or_default() }
    }
}

/// What the phones of a dial sent before any of them answered. They all speak to one port, so only one of
/// them is heard: the first, until it fails or another one answers.
#[derive(Debug, Default)]
pub(crate) struct EarlyMedia {
    heard: Option<Fork>,
    /// In the order in which they came.
    descriptions: Vec<(Fork, Message)>,
}

impl EarlyMedia {
    /// Keeps what a fork described; its first description is its answer to our offer.
    fn keep(&mut self, fork: &Fork, response: &Message) {
        let is_known = self.descriptions.iter().any(|(known, _)| known == fork);
        if !is_known && self.descriptions.len() < MAX_EARLY {
            self.descriptions.push((fork.clone(), response.clone()));
        }
    }

    pub(crate) fn is_heard(&self, fork: &Fork) -> bool {
        self.heard.as_ref() == Some(fork)
    }

    /// What a fork that answers without a description has described before.
    pub(crate) fn description(&self, fork: &Fork) -> Option<&Message> {
        self.descriptions.iter().find(|(known, _)| known == fork).map(|(_, response)| response)
    }

    /// A phone has failed; true if it was the one that was heard.
    fn forget(&mut self, session: SessionId) -> bool {
        self.descriptions.retain(|(fork, _)| fork.session != session);
        self.heard.take_if(|fork| fork.session == session).is_some()
    }
}

impl Switch {
    /// 101 to 199 from a phone.
    pub(crate) fn progressed(&mut self, session: SessionId, response: &Message) {
        let Some(&id) = self.sessions.get(&session) else { return };
        let Some(dial) = self.legs.get_mut(&id).and_then(|leg| leg.dial.as_mut()) else { return };
        let fork = Fork::of(session, response);
        if matches!(session_in(response), Ok(Some(_))) {
            dial.early.keep(&fork, response);
        }
        let is_ringing = response.status() == Some(180);
        let purpose = dial.purpose;
        if is_ringing && !std::mem::replace(&mut dial.is_ringing, true) {
            self.trace(id, Happened::Ringing);
        }
        // His bridge with the transferor stays until the answer: he hears no early media.
        if let Purpose::Transfer(transferee) = purpose {
            self.transfer_progressed(transferee, response);
            return;
        }
        if !self.hear_early(id) && is_ringing {
            self.ring_at_caller(id);
        }
    }

    /// The caller of a dial hears the early media of the phone that began it first; false if there is none,
    /// or nobody who could hear it.
    fn hear_early(&mut self, id: LegId) -> bool {
        let Some(dial) = self.legs.get_mut(&id).and_then(|leg| leg.dial.as_mut()) else { return false };
        if dial.early.heard.is_none() {
            let Some((fork, response)) = dial.early.descriptions.first().cloned() else { return false };
            self.speak_to(id, fork.session);
            if self.take_answer(id, &response).is_err() {
                return false;
            }
            let Some(leg) = self.legs.get_mut(&id) else { return false };
            leg.phase = Phase::Early;
            if let Some(dial) = leg.dial.as_mut() {
                dial.early.heard = Some(fork);
            }
            self.trace(id, Happened::EarlyMedia);
        }
        let Some(from) = self.listener(id) else { return false };
        let is_joined = |leg: &Leg| leg.joined.as_ref().is_some_and(|joined| joined.other() == id);
        if self.legs.get(&from).is_some_and(is_joined) {
            return true;
        }
        let can_hear = self.early(from, Some(id));
        if can_hear {
            self.join(from, id, Tie::Early);
        }
        can_hear
    }

    /// A phone of a dial has failed. If it was heard, the caller hears the next one, or that it rings.
    pub(crate) fn forget_early(&mut self, id: LegId, session: SessionId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(dial) = leg.dial.as_mut() else { return };
        if !dial.early.forget(session) {
            return;
        }
        let is_ringing = dial.is_ringing;
        leg.phase = Phase::Ringing;
        leg.audio.params = None;
        self.part(id);
        if !self.hear_early(id) && is_ringing {
            self.ring_at_caller(id);
        }
    }

    /// The leg that hears what a dial has to tell.
    fn listener(&self, id: LegId) -> Option<LegId> {
        let dial = self.legs.get(&id)?.dial.as_ref()?;
        dial.from.filter(|from| !dial.own_ringback && self.listens(*from, id))
    }

    fn ring_at_caller(&mut self, id: LegId) {
        if let Some(from) = self.listener(id) {
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
