//! The phones that a leg rings, and how far each has come.

use bytes::Bytes;
use jackfield_media::LegId;
use jackfield_sip::{Flow, Name, SessionId, Srtp};

use super::Purpose;
use crate::{
    call::{callee::Callee, encryption::Attempts, ringing::EarlyMedia},
    command::HangupInfo,
    io::Token,
    timer::TimerId,
};

/// A leg that is being called.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(crate) from: Option<LegId>,
    pub(crate) purpose: Purpose,
    pub(super) branches: Vec<Branch>,
    pub(super) caller: (String, String),
    pub(super) headers: Vec<(Name, String)>,
    /// The most telling failure so far.
    pub(super) failure: Option<HangupInfo>,
    pub(super) timer: TimerId,
    /// The caller hears what the plugin chose, not the far end.
    pub(in crate::call) own_ringback: bool,
    pub(in crate::call) early: EarlyMedia,
    /// Whose the description of the leg is that was sent last.
    pub(super) spoken_to: Option<SessionId>,
    /// Some phone has said so.
    pub(in crate::call) is_ringing: bool,
    /// How often a phone has sent it elsewhere.
    pub(in crate::call) redirections: u32,
}

/// One phone.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) callee: Callee,
    pub(super) uri: String,
    pub(super) routes: Vec<String>,
    pub(super) state: BranchState,
    /// From its first INVITE on.
    pub(super) asked: Option<Asking>,
}

/// How a phone is asked for SRTP.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) flow: Flow,
    pub(super) srtp: Srtp,
    pub(super) next: Attempts,
    /// Our description, whose versions count for this phone alone (RFC 3264 8).
    pub(super) sent: Option<Bytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BranchState {
    /// Its flow is known; the INVITE leaves in this turn.
    Ready(Flow),
    /// Waits for a flow.
    Opening(Token),
    Calling(SessionId),
    Over,
}

impl Dial {
    /// The sessions under way, which are the caller's to end; the branches are over.
    pub(crate) fn take_sessions(&mut self) -> Vec<SessionId> {
        let mut sessions = Vec::new();
        for branch in &mut self.branches {
            if let BranchState::Calling(session) = std::mem::replace(&mut branch.state, BranchState::Over) {
                sessions.push(session);
            }
        }
        sessions
    }

    /// The session under way, where there is one only.
    pub(in crate::call) fn only_session(&self) -> Option<SessionId> {
        let mut calling = self.branches.iter().filter_map(|branch| match branch.state {
            BranchState::Calling(session) => Some(session),
            _ => None,
        });
        calling.next().filter(|_| calling.next().is_none())
    }

    /// The description that the phone of a session has had last; `sent` is that of the one spoken to before.
    pub(in crate::call) fn speak_to(&mut self, session: SessionId, sent: Option<Bytes>) -> Option<Bytes> {
        let before = self.spoken_to.replace(session);
        if before == Some(session) {
            return sent;
        }
        if let Some(asked) = before.and_then(|before| self.asked_of(before)) {
            asked.sent = sent;
        }
        self.asked_of(session).and_then(|asked| asked.sent.clone())
    }

    pub(super) fn asked_of(&mut self, session: SessionId) -> Option<&mut Asking> {
        let branch = self.find(BranchState::Calling(session))?;
        self.branches[branch].asked.as_mut()
    }

    /// What the phone of a session was told of SRTP.
    pub(in crate::call) fn srtp_of(&self, session: SessionId) -> Option<Srtp> {
        let branch = &self.branches[self.find(BranchState::Calling(session))?];
        branch.asked.as_ref().map(|asked| asked.srtp.clone())
    }

    pub(super) fn fail(&mut self, index: usize, info: HangupInfo) {
        self.branches[index].state = BranchState::Over;
        self.failure = Some(more_telling(self.failure, info));
    }

    pub(super) fn is_over(&self) -> bool {
        self.branches.iter().all(|branch| branch.state == BranchState::Over)
    }

    pub(in crate::call) fn is_calling(&self, session: SessionId) -> bool {
        self.find(BranchState::Calling(session)).is_some()
    }

    /// One phone is left.
    pub(in crate::call) fn is_last(&self) -> bool {
        self.branches.iter().filter(|branch| branch.state != BranchState::Over).count() == 1
    }

    pub(super) fn find(&self, state: BranchState) -> Option<usize> {
        self.branches.iter().position(|branch| branch.state == state)
    }
}

/// Of two failures, the one that says more to who waits.
pub(super) fn more_telling(known: Option<HangupInfo>, new: HangupInfo) -> HangupInfo {
    match known {
        Some(known) if known.weight() >= new.weight() => known,
        _ => new,
    }
}
