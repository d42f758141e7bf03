//! The recording of a whole call: from its answer to its end, whoever it is that talks then.

use jackfield_media::{self as media, LegId};

use super::{Call, CallKey, leg::Leg};
use crate::{
    command::Direction,
    io::{Level, TapeAction},
    switch::Switch,
};

/// How far the recording of a call is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tape {
    #[default]
    None,
    /// Begins when the call is answered.
    Wanted,
    Running {
        leg: LegId,
        paused: bool,
    },
    Stopped,
}

impl Call {
    /// The file of its recording, below the folder of recordings.
    pub(crate) fn recording(&self) -> Option<String> {
        matches!(self.tape, Tape::Running { .. } | Tape::Stopped).then(|| format!("calls/{}.wav", self.id))
    }

    /// For `jackfield calls`.
    pub(crate) fn tape_state(&self) -> Option<&'static str> {
        match self.tape {
            Tape::None => None,
            Tape::Wanted => Some("from the answer on"),
            Tape::Running { paused: false, .. } => Some("running"),
            Tape::Running { paused: true, .. } => Some("paused"),
            Tape::Stopped => Some("stopped"),
        }
    }
}

impl Switch {
    /// The call is to be recorded, from its answer on.
    pub(crate) fn want_tape(&mut self, key: CallKey) {
        if let Some(call) = self.calls.get_mut(&key).filter(|call| call.tape == Tape::None) {
            call.tape = Tape::Wanted;
        }
        self.begin_tape(key);
    }

    /// Somebody is connected, for whom a recording may be wanted.
    pub(crate) fn tape_if_wanted(&mut self, key: CallKey) {
        let Some(call) = self.calls.get(&key) else { return };
        let parties = [Some(&call.caller.trunk), call.connected.as_ref()];
        let users = parties.into_iter().flatten().filter_map(|name| self.settings.users.get(name));
        if users.into_iter().any(|user| user.record) {
            self.want_tape(key);
        } else {
            self.begin_tape(key);
        }
    }

    fn begin_tape(&mut self, key: CallKey) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let (Tape::Wanted, Some(leg), true) = (&call.tape, call.first, call.answered.is_some()) else {
            return;
        };
        call.tape = Tape::Running { leg, paused: false };
        let called = call.direction == Direction::Outbound;
        let Some(name) = call.recording() else { return };
        self.media(leg, media::Command::Tape { leg, name: name.into(), called });
        self.note_open_call(key);
    }

    /// What the operator asks for.
    pub(crate) fn operate_tape(&mut self, id: &str, action: TapeAction) {
        let found = self.calls.iter().find(|(_, call)| call.id == id).map(|(&key, _)| key);
        let Some((key, call)) = found.and_then(|key| Some(key).zip(self.calls.get_mut(&key))) else { return };
        let command = match (action, &mut call.tape) {
            (TapeAction::Start, Tape::None) => return self.want_tape(key),
            (TapeAction::Pause, Tape::Running { leg, paused }) => {
                *paused = true;
                media::Command::PauseTape { leg: *leg, paused: true }
            }
            (TapeAction::Resume, Tape::Running { leg, paused }) => {
                *paused = false;
                media::Command::PauseTape { leg: *leg, paused: false }
            }
            (TapeAction::Stop, Tape::Running { leg, .. }) => media::Command::StopTape { leg: *leg },
            (TapeAction::Stop, tape @ Tape::Wanted) => {
                *tape = Tape::None;
                return;
            }
            (_, tape) => {
                let text = format!("{action:?} of a recording came too late: it is {tape:?}");
                return self.notice(Level::Debug, text, Some(id.to_owned()));
            }
        };
        let Tape::Running { leg, .. } = call.tape else { return };
        if let media::Command::StopTape { .. } = command {
            call.tape = Tape::Stopped;
        }
        self.media(leg, command);
    }

    /// A leg has gone whose partner is being transferred by it: the call goes on with that one.
    pub(super) fn bequeath_tape(&mut self, id: LegId, leg: &Leg) {
        let Some(joined) = leg.joined.as_ref().filter(|joined| !joined.is_early()) else { return };
        let heir = joined.other();
        if self.legs.get(&heir).is_some_and(|heir| heir.call == leg.call && heir.transfer.is_some()) {
            self.move_tape(leg.call, id, heir);
        }
    }

    /// A leg leaves its call to another one, which was on its other side: the recording goes on there. Both are open,
    /// and neither is bridged to a third one.
    pub(super) fn move_tape(&mut self, key: CallKey, from: LegId, to: LegId) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        if let Tape::Running { leg, .. } = &mut call.tape
            && *leg == from
        {
            *leg = to;
            self.bring_together(from, to);
            self.media(to, media::Command::MoveTape { from, to });
        }
    }
}
