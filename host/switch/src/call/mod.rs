//! A call: what one caller wants, with all the legs that it takes.

pub(crate) mod account;
pub(crate) mod audio;
pub(crate) mod bridge;
pub(crate) mod callee;
pub(crate) mod dial;
pub(crate) mod digits;
pub(crate) mod encryption;
pub(crate) mod gather;
pub(crate) mod hold;
pub(crate) mod inbound;
pub(crate) mod leg;
pub(crate) mod play;
pub(crate) mod redirect;
pub(crate) mod refer;
pub(crate) mod reoffer;
pub(crate) mod replace;
pub(crate) mod ringing;
pub(crate) mod routing;
pub(crate) mod tape;
pub(crate) mod transfer;

use std::collections::BTreeSet;

use jackfield_media::LegId;

use crate::{
    Time,
    command::{Cause, Direction, Error, HangupInfo},
    io::{CallSummary, InstanceId},
    record::LegRecord,
    switch::Switch,
    user::Caller,
};
use leg::Phase;
use routing::Onward;

/// Names a call inside of the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallKey(pub(crate) u64);

#[derive(Debug)]
pub(crate) struct Call {
    /// Unique; in logs, records and the names of the legs.
    pub(crate) id: String,
    /// The id of the oldest of the calls that transfers have joined with this one.
    pub(crate) linked: String,
    pub(crate) direction: Direction,
    pub(crate) caller: Caller,
    pub(crate) callee: String,
    pub(crate) connected: Option<String>,
    pub(crate) started: Time,
    pub(crate) answered: Option<Time>,
    /// The leg that the call began with: the caller's, or the callee's of a call that we place.
    pub(crate) first: Option<LegId>,
    pub(crate) legs: BTreeSet<LegId>,
    /// Legs that have ended, whose workers have still to say how their media was.
    pub(crate) closing: BTreeSet<LegId>,
    pub(crate) ended_legs: Vec<(LegId, LegRecord)>,
    /// Legs so far, for their names.
    pub(crate) leg_count: u32,
    /// The plugin that has the call.
    pub(crate) instance: Option<InstanceId>,
    pub(crate) onward: Onward,
    /// Max-Forwards of the INVITEs that it sends.
    pub(crate) hops: Option<u8>,
    /// The call whose INVITE came back to us as this one.
    pub(crate) parent: Option<CallKey>,
    pub(crate) launch: Option<u64>,
    /// How the first leg ended.
    pub(crate) end: Option<HangupInfo>,
    pub(crate) results: Vec<(String, String)>,
    /// The recording of the whole call.
    pub(crate) tape: tape::Tape,
}

impl Switch {
    pub(crate) fn new_call(&mut self, direction: Direction, caller: Caller, callee: String) -> CallKey {
        let number = self.next_id();
        let key = CallKey(number);
        let id = format!("{}-{number}", self.call_prefix);
        let call = Call {
            linked: id.clone(),
            id,
            direction,
            caller,
            callee,
            connected: None,
            started: self.now,
            answered: None,
            first: None,
            legs: BTreeSet::new(),
            closing: BTreeSet::new(),
            ended_legs: Vec::new(),
            leg_count: 0,
            instance: None,
            onward: Onward::default(),
            hops: None,
            parent: None,
            launch: None,
            end: None,
            results: Vec::new(),
            tape: tape::Tape::default(),
        };
        self.calls.insert(key, call);
        self.note_open_call(key);
        key
    }

    /// Calls that may begin now. Those that are promised to launches are not among them.
    pub(crate) fn room_for_calls(&self) -> u32 {
        let taken = self.calls.len() + self.launches.promised();
        self.settings.max_calls.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
    }

    /// The error of a plugin that asks for one call more than the exchange has room for.
    pub(crate) fn no_room_for_calls(&self) -> Error {
        Error::Limit(format!("the exchange has {} calls: [exchange] calls", self.settings.max_calls))
    }

    /// The first leg has been answered, or a further one: who is connected now.
    pub(crate) fn connected(&mut self, key: CallKey, to: Option<String>) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let is_first = call.answered.is_none();
        call.answered.get_or_insert(self.now);
        if to.is_some() {
            call.connected = to;
        }
        if is_first {
            self.note_open_call(key);
        }
        self.tape_if_wanted(key);
    }

    /// Ends all legs of a call, the first one first: the others follow from it.
    pub(crate) fn hang_up_call(&mut self, key: CallKey, info: HangupInfo) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        call.onward = Onward::default();
        let legs: Vec<LegId> = call.first.into_iter().chain(call.legs.iter().copied()).collect();
        for leg in legs {
            self.hang_up(leg, info);
        }
    }

    /// Ends the call of that id, for the operator.
    pub(crate) fn hang_up_by_id(&mut self, id: &str) {
        let found = self.calls.iter().find(|(_, call)| call.id == id).map(|(&key, _)| key);
        if let Some(key) = found {
            self.hang_up_call(key, HangupInfo::new(Cause::Normal, 0));
        }
    }

    /// The calls that are up or ringing now.
    pub fn calls(&self) -> Vec<CallSummary> {
        self.calls
            .values()
            .map(|call| CallSummary {
                id: call.id.clone(),
                caller: call.caller.number.clone(),
                callee: call.callee.clone(),
                state: self.state_of(call).to_owned(),
                plugin: call
                    .instance
                    .and_then(|instance| self.instances.get(&instance))
                    .map(|instance| instance.plugin.clone()),
                legs: call.legs.len() as u32,
                recording: call.tape_state().map(str::to_owned),
                started_at: self.unix_at(call.started),
                answered_at: call.answered.map(|at| self.unix_at(at)),
            })
            .collect()
    }

    fn state_of(&self, call: &Call) -> &'static str {
        let Some(leg) = call.first.and_then(|leg| self.legs.get(&leg)) else { return "ending" };
        match leg.phase {
            Phase::Ringing => "ringing",
            Phase::Early => "early",
            Phase::Up if leg.is_bridged() => "bridged",
            Phase::Up => "up",
        }
    }
}
