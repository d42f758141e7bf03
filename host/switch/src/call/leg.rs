//! A leg: one party of a call, from its first INVITE to its end.

use std::collections::{BTreeMap, VecDeque};

use jackfield_media::{self as media, LegId, PlayId, RecordId};
use jackfield_sip::{Answer, Flow, Name, SessionEnd, SessionId};

use super::{
    CallKey,
    audio::Audio,
    bridge::Joined,
    dial::{Dial, Purpose},
    reoffer::Reoffer,
    transfer::Transfer,
};
use crate::{
    Time,
    command::{CallInfo, CallState, Cause, Direction, Error, Event, HangupInfo, OperationEnd},
    io::{InstanceId, Token},
    switch::Switch,
    timer::TimerId,
};

use super::gather::Gather;

/// Digits that wait for the next `gather`.
const MAX_TYPED_AHEAD: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Neither answered nor with media.
    Ringing,
    /// Media before the answer.
    Early,
    Up,
}

#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) call: CallKey,
    pub(crate) info: CallInfo,
    /// A leg that we call has one from its answer on.
    pub(crate) session: Option<SessionId>,
    /// Until the answer of a leg that we call.
    pub(crate) dial: Option<Dial>,
    pub(crate) phase: Phase,
    /// Where its SIP came from or went to last.
    pub(crate) flow: Option<Flow>,
    pub(crate) answered: Option<Time>,
    /// A 180 went to this caller, or came from this callee.
    pub(crate) rung: bool,
    pub(crate) audio: Audio,
    pub(crate) joined: Option<Joined>,
    pub(crate) reoffer: Option<Reoffer>,
    /// Something changed since our last offer, which is still under way.
    pub(crate) reoffer_again: bool,
    /// Its party took us off its ear in the middle of the call.
    pub(crate) holds: bool,
    /// What it hears while it is held, or waits for its transfer.
    pub(crate) music: Option<PlayId>,
    /// Where it is being transferred to.
    pub(crate) transfer: Option<Transfer>,
    /// REFERs so far.
    pub(crate) refers: u32,
    /// Its party has transferred the other one away, and is to hang up.
    pub(crate) release: Option<TimerId>,
    /// The tone that this leg hears while it dials.
    pub(crate) ringback: Option<PlayId>,
    /// The plugin instance that drives this leg.
    pub(crate) owner: Option<InstanceId>,
    pub(crate) verb: Option<Verb>,
    pub(crate) operations: BTreeMap<u32, Operation>,
    /// Wishes to send digits whose end is still to come, those of abandoned verbs too.
    pub(crate) sending: u32,
    typed: VecDeque<char>,
}

/// The verb that an instance waits for on a leg.
#[derive(Debug)]
pub(crate) struct Verb {
    pub(crate) instance: InstanceId,
    pub(crate) token: Token,
    pub(crate) kind: VerbKind,
}

#[derive(Debug)]
pub(crate) enum VerbKind {
    /// Until the ACK brings the answer to our offer.
    Answer,
    Play(PlayId),
    Gather {
        gather: Gather,
        play: Option<PlayId>,
        timer: Option<TimerId>,
    },
    Record(RecordId),
    SendDigits,
    /// The leg that is being called.
    Dial(LegId),
    Bridge,
}

/// What a `start-` verb began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Play(PlayId),
    Record(RecordId),
    Bridge,
}

impl Leg {
    pub(crate) fn new(call: CallKey, info: CallInfo, audio: Audio) -> Leg {
        Leg {
            call,
            info,
            session: None,
            dial: None,
            phase: Phase::Ringing,
            flow: None,
            answered: None,
            rung: false,
            audio,
            joined: None,
            reoffer: None,
            reoffer_again: false,
            holds: false,
            music: None,
            transfer: None,
            refers: 0,
            release: None,
            ringback: None,
            owner: None,
            verb: None,
            operations: BTreeMap::new(),
            sending: 0,
            typed: VecDeque::new(),
        }
    }

    pub(crate) fn is_inbound(&self) -> bool {
        self.info.direction == Direction::Inbound
    }

    /// Called us and has had no final response.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.is_inbound() && self.phase != Phase::Up
    }

    pub(crate) fn is_bridged(&self) -> bool {
        self.joined.as_ref().is_some_and(|joined| !joined.is_early())
    }

    pub(crate) fn state(&self) -> CallState {
        match self.phase {
            Phase::Ringing => CallState::Ringing,
            Phase::Early => CallState::Early,
            Phase::Up if self.audio.is_held() => CallState::Held,
            Phase::Up if self.is_bridged() => CallState::Bridged,
            Phase::Up => CallState::Up,
        }
    }

    /// Keeps a digit for the next `gather`.
    pub(crate) fn type_ahead(&mut self, digit: char) {
        if self.typed.len() < MAX_TYPED_AHEAD {
            self.typed.push_back(digit);
        }
    }

    pub(crate) fn next_typed(&mut self) -> Option<char> {
        self.typed.pop_front()
    }

    pub(crate) fn forget_typed(&mut self) {
        self.typed.clear();
    }
}

impl Switch {
    /// The session of a leg, or one fork of its INVITE, is over.
    pub(crate) fn session_ended(&mut self, session: SessionId, end: &SessionEnd) {
        let Some(id) = self.sessions.remove(&session) else { return };
        if let SessionEnd::Rejected(response) = end
            && response.status().is_some_and(|status| (300..400).contains(&status))
            && self.redirected(id, session, response)
        {
            return;
        }
        let Some(leg) = self.legs.get(&id) else { return };
        let info = HangupInfo::from_session(end, leg.phase == Phase::Up);
        match leg.session {
            Some(of_leg) if of_leg == session => self.leg_gone(id, info),
            // A phone that rang when another one answered.
            Some(_) => {}
            None => self.branch_failed(id, session, info),
        }
    }

    /// Ends a leg from our side by whatever its state asks for.
    pub(crate) fn hang_up(&mut self, id: LegId, info: HangupInfo) {
        self.end_sessions(id, info, info.status());
        self.leg_gone(id, info);
    }

    /// Refuses a caller with this final response.
    pub(crate) fn refuse(&mut self, id: LegId, status: u16, info: HangupInfo) {
        self.end_sessions(id, info, status);
        self.leg_gone(id, info);
    }

    fn end_sessions(&mut self, id: LegId, info: HangupInfo, status: u16) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let now = self.now;
        let reason = info.reason();
        let unanswered = leg.is_unanswered();
        for session in leg.dial.iter_mut().flat_map(Dial::take_sessions) {
            self.endpoint.end(now, session, status, Some(&reason));
        }
        let Some(session) = leg.session else { return };
        match unanswered {
            true => self.endpoint.reject(now, session, final_answer(status)),
            false => self.endpoint.end(now, session, status, Some(&reason)),
        }
    }

    /// Everything that follows from the end of a leg, whoever ended it.
    pub(crate) fn leg_gone(&mut self, id: LegId, info: HangupInfo) {
        let Some(mut leg) = self.legs.remove(&id) else { return };
        let info = match leg.release.take() {
            Some(timer) => {
                self.timers.cancel(timer);
                HangupInfo { cause: Cause::Transferred, ..info }
            }
            None => info,
        };
        self.bequeath_tape(id, &leg);
        let close = media::Command::Close { leg: id };
        self.outputs.push_back(crate::io::Output::Media { worker: leg.audio.lease.worker, command: close });

        if let Some(verb) = leg.verb.take() {
            self.reply(verb.instance, verb.token, Err(Error::HungUp(info)));
            self.stop_verb(id, verb);
        }
        if let Some(transfer) = leg.transfer.take() {
            self.transferee_gone(leg.call, leg.info.id.clone(), transfer, info);
        }
        if let Some(joined) = leg.joined.take() {
            self.partner_gone(joined, info);
        }
        if let Some(Reoffer::Waits(timer)) = leg.reoffer {
            self.timers.cancel(timer);
        }
        self.note_ended_leg(id, &leg, info);
        self.cancel_dials_of(id, info);
        let dial = leg.dial.take();
        // The instance does not know of a leg that never answered its blocking dial.
        let secret = dial.as_ref().is_some_and(|dial| !matches!(dial.purpose, Purpose::Started(_)));
        if let Some(owner) = leg.owner {
            for operation in leg.operations.into_keys() {
                let end = OperationEnd::Failed(Error::HungUp(info));
                self.post(owner, Event::Done { leg: id, operation, end });
            }
            self.leg_left_instance(owner, id, info, secret);
        }
        if let Some(call) = self.calls.get_mut(&leg.call) {
            call.legs.remove(&id);
            if call.first == Some(id) {
                call.end = Some(info);
            }
        }
        if let Some(dial) = dial {
            self.dial_failed(id, leg.call, dial, info);
        }
        self.finish_call(leg.call);
    }
}

/// A final response to a caller.
pub(crate) fn final_answer(status: u16) -> Answer {
    let answer = Answer::status(status);
    // RFC 3261 21.5.4: we are full, or about to stop; a caller may try again soon.
    if status == 503 { answer.header(Name::RetryAfter, "5") } else { answer }
}

/// The end of a leg because its call has come to its end.
pub(crate) const NORMAL: HangupInfo = HangupInfo { cause: Cause::Normal, code: 0, by_peer: false };
