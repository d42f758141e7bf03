//! The trail of a call: every change of its state, in order.

use jackfield_media::LegId;

use crate::{
    call::CallKey,
    command::{Direction, HangupInfo},
    io::Output,
    switch::Switch,
};

/// One change of the state of a call.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct CallEvent {
    /// Grows by one from event to event of all calls, from 1 on.
    pub sequence: u64,
    /// Monotonic time since the exchange started, in microseconds.
    pub monotonic: u64,
    /// Unix milliseconds.
    pub at: u64,
    pub call: String,
    /// The same for all calls that transfers have joined.
    pub linked: String,
    /// As in the record of the call.
    pub leg: String,
    #[serde(flatten)]
    pub happened: Happened,
}

/// What happened to a leg.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Happened {
    Started {
        direction: Direction,
        caller: String,
        callee: String,
    },
    /// We, or the phone, say 180.
    Ringing,
    /// Media before the answer.
    EarlyMedia,
    Answered,
    Bridged {
        /// The other leg.
        with: String,
    },
    /// Not bridged any more; both legs stay.
    Parted {
        with: String,
    },
    /// By the party of this leg.
    Held,
    Resumed,
    /// By the party of this leg.
    TransferAsked {
        to: String,
        attended: bool,
    },
    /// This leg has been transferred.
    TransferSucceeded {
        to: String,
    },
    TransferFailed {
        to: String,
        info: HangupInfo,
    },
    /// A key was pressed; which one is nobody's business.
    Digit,
    RecordingStarted,
    RecordingEnded,
    Ended {
        info: HangupInfo,
    },
}

impl Switch {
    /// Notes what happened to a leg.
    pub(crate) fn trace(&mut self, id: LegId, happened: Happened) {
        if let Some(leg) = self.legs.get(&id) {
            let (call, name) = (leg.call, leg.info.id.clone());
            self.trace_of(call, name, happened);
        }
    }

    /// As [`trace`](Switch::trace), for a leg that is not in its table.
    pub(crate) fn trace_of(&mut self, call: CallKey, leg: String, happened: Happened) {
        let Some(call) = self.calls.get(&call) else { return };
        self.last_event += 1;
        self.outputs.push_back(Output::Trace(CallEvent {
            sequence: self.last_event,
            monotonic: self.now.as_micros() as u64,
            at: self.unix_at(self.now),
            call: call.id.clone(),
            linked: call.linked.clone(),
            leg,
            happened,
        }));
    }

    /// Two calls have become one for whoever reads their records: they have the linked id of the older one.
    pub(crate) fn link(&mut self, one: CallKey, other: CallKey) {
        let (older, younger) = (one.min(other), one.max(other));
        let linked = |key| self.calls.get(key).map(|call| call.linked.clone());
        let (Some(to), Some(from)) = (linked(&older), linked(&younger)) else { return };
        if to == from {
            return;
        }
        for call in self.calls.values_mut().filter(|call| call.linked == from) {
            call.linked.clone_from(&to);
        }
        self.outputs.push_back(Output::Linked { from, to });
    }

    pub(crate) fn leg_name(&self, id: LegId) -> String {
        self.legs.get(&id).map(|leg| leg.info.id.clone()).unwrap_or_default()
    }
}
