//! One call of a phone.

use std::time::Duration;

use jackfield_sip::{Session, SessionId};

use super::{ear::Ear, mouth::Mouth};

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Dialled; nothing was heard of it.
    Calling,
    /// At one of the two ends it rings.
    Ringing,
    /// Answered.
    Up,
    /// Ended.
    Over,
}

/// How a call ended, as its phone sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// This phone hung up.
    HungUp,
    /// The exchange hung up.
    PeerHungUp,
    /// Refused with a SIP status, by whom it was dialled.
    Refused(u16),
    /// It rang, and the exchange gave up.
    Cancelled,
    /// The exchange did not respond.
    Failed,
}

/// A call in the log of a phone. Times are since the world began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLog {
    /// It came; else this phone dialled.
    pub incoming: bool,
    /// Whom it dialled, or who calls: the user part of From.
    pub peer: String,
    /// The display name of who calls.
    pub peer_name: String,
    /// How far it has come.
    pub state: State,
    /// When the INVITE was sent or came.
    pub began: Duration,
    /// When it began to ring.
    pub rang: Option<Duration>,
    /// When it was answered.
    pub answered: Option<Duration>,
    /// When and how it ended.
    pub ended: Option<(Duration, CallEnd)>,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) session: Option<SessionId>,
    pub(crate) incoming: bool,
    pub(crate) peer: String,
    pub(crate) peer_name: String,
    pub(crate) state: State,
    pub(crate) began: Duration,
    pub(crate) rang: Option<Duration>,
    pub(crate) answered: Option<Duration>,
    pub(crate) ended: Option<(Duration, CallEnd)>,
    pub(crate) answer_at: Option<Duration>,
    pub(crate) hang_up_at: Option<Duration>,
    /// Of the exchange, until it is answered.
    pub(crate) offer: Option<Session>,
    /// Of its RTP.
    pub(crate) port: u16,
    pub(crate) ear: Ear,
    pub(crate) mouth: Option<Mouth>,
    /// Sounds that the script has asked for already.
    pub(crate) listened: usize,
}

impl Call {
    pub(crate) fn new(peer: String, port: u16, ear: Ear) -> Call {
        Call {
            session: None,
            incoming: false,
            peer,
            peer_name: String::new(),
            state: State::Calling,
            began: Duration::ZERO,
            rang: None,
            answered: None,
            ended: None,
            answer_at: None,
            hang_up_at: None,
            offer: None,
            port,
            ear,
            mouth: None,
            listened: 0,
        }
    }

    pub(crate) fn ring(&mut self, now: Duration) {
        if self.state == State::Calling {
            self.state = State::Ringing;
            self.rang = Some(now);
        }
    }

    pub(crate) fn answer(&mut self, now: Duration) {
        if self.state != State::Over {
            self.state = State::Up;
            self.answered = Some(now);
        }
    }

    /// Only the first end counts.
    pub(crate) fn end(&mut self, now: Duration, end: CallEnd) {
        self.state = State::Over;
        self.ended.get_or_insert((now, end));
        self.mouth = None;
        self.answer_at = None;
        self.hang_up_at = None;
    }

    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        let packet = self.mouth.as_ref().map(|mouth| mouth.next);
        [self.answer_at, self.hang_up_at, packet].into_iter().flatten().min()
    }

    pub(crate) fn log(&self) -> CallLog {
        CallLog {
            incoming: self.incoming,
            peer: self.peer.clone(),
            peer_name: self.peer_name.clone(),
            state: self.state,
            began: self.began,
            rang: self.rang,
            answered: self.answered,
            ended: self.ended,
        }
    }
}
