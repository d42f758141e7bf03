//! Where a call goes: routes, users, and the fallbacks when nobody takes it.

use std::time::Duration;

use super::{
    CallKey,
    callee::Callee,
    dial::{DialOrder, Purpose},
};
use crate::{
    command::{CallInfo, Cause, Direction, HangupInfo},
    io::Level,
    route::{find, is_number},
    settings::{RouteTo, Settings},
    switch::Switch,
};

/// Fallbacks of fallbacks; they may name each other in a circle.
const MAX_HOPS: u32 = 8;

/// What a call tries when the present attempt fails.
#[derive(Debug, Default)]
pub(crate) struct Onward {
    fallback: Option<String>,
    hops: u32,
}

/// Where a number leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    pub(crate) to: Whereto,
    pub(crate) ring: Option<Duration>,
    pub(crate) fallback: Option<String>,
    record: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whereto {
    Callees(Vec<Callee>),
    Plugin(String),
}

impl Onward {
    /// Whoever is tried next, it is this number.
    pub(crate) fn send_to(&mut self, number: String) {
        if self.hops <= MAX_HOPS {
            self.fallback = Some(number);
        }
    }
}

impl Settings {
    /// Routes come first. Without one, users can be dialled by name and number where `users` allows it.
    pub(crate) fn resolve(&self, number: &str, users: bool) -> Option<Destination> {
        if !is_number(number) {
            return None;
        }
        let direct = |name: &str| Destination {
            to: Whereto::Callees(vec![Callee::User(name.to_owned())]),
            ring: None,
            fallback: None,
            record: false,
        };
        let Some((route, rest)) = find(&self.routes, number) else {
            let (name, _) = self.users.find(number).filter(|_| users)?;
            return Some(direct(name));
        };
        let to = match &route.to {
            RouteTo::AnyUser => {
                let names = self.users.with_number(number).map(str::to_owned);
                Whereto::Callees(names.map(Callee::User).collect())
            }
            RouteTo::Users(names) => Whereto::Callees(names.iter().cloned().map(Callee::User).collect()),
            RouteTo::Sip(template) => {
                Whereto::Callees(vec![Callee::Sip(RouteTo::expand(template, number, rest))])
            }
            RouteTo::Plugin(name) => Whereto::Plugin(name.clone()),
        };
        Some(Destination { to, ring: route.ring, fallback: route.fallback.clone(), record: route.record })
    }
}

impl Switch {
    /// Sends a call to a number, for the first time or as a fallback.
    pub(crate) fn route_call(&mut self, key: CallKey, number: &str, users: bool) {
        let destination = self.settings.resolve(number, users);
        let Some(call) = self.calls.get_mut(&key) else { return };
        let Some(destination) = destination else {
            call.onward.fallback = None;
            self.route_failed(key, HangupInfo::new(Cause::NotFound, 404));
            return;
        };
        let Some(caller) = call.first else { return };
        call.onward.hops += 1;
        call.onward.fallback = destination.fallback.filter(|_| call.onward.hops <= MAX_HOPS);
        if destination.record {
            self.want_tape(key);
        }
        match destination.to {
            Whereto::Plugin(plugin) => self.start_plugin(key, caller, plugin, Vec::new()),
            Whereto::Callees(callees) => {
                let order = DialOrder {
                    from: Some(caller),
                    callees,
                    ring: destination.ring.unwrap_or(self.settings.ring),
                    caller: self.presented(key),
                    headers: Vec::new(),
                    ringback: None,
                    purpose: Purpose::Route,
                    owner: None,
                };
                if let Err(info) = self.dial(key, order) {
                    self.route_failed(key, info);
                }
            }
        }
    }

    /// Nobody took the call: on to the fallback, or tell the caller.
    pub(crate) fn route_failed(&mut self, key: CallKey, info: HangupInfo) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        let Some(caller) = call.first.filter(|leg| self.legs.contains_key(leg)) else { return };
        match call.onward.fallback.take() {
            Some(fallback) => {
                let id = call.id.clone();
                self.notice(Level::Debug, format!("the call goes to its fallback {fallback}"), Some(id));
                self.route_call(key, &fallback, true);
            }
            None => self.hang_up(caller, info.passed_on()),
        }
    }

    /// Number and name that callees are shown.
    pub(crate) fn presented(&self, key: CallKey) -> (String, String) {
        let caller = self.calls.get(&key).map(|call| &call.caller);
        caller.map(|caller| (caller.number.clone(), caller.name.clone())).unwrap_or_default()
    }

    /// What plugins know of a leg of this call.
    pub(crate) fn leg_info(
        &mut self,
        key: CallKey,
        direction: Direction,
        callee: Option<String>,
    ) -> CallInfo {
        let now = self.unix_at(self.now);
        let Some(call) = self.calls.get_mut(&key) else { return empty_info(direction) };
        call.leg_count += 1;
        // The first leg has the name of its call.
        let id = match call.leg_count {
            1 => call.id.clone(),
            n => format!("{}.{n}", call.id),
        };
        CallInfo {
            id,
            direction,
            caller: call.caller.number.clone(),
            caller_name: call.caller.name.clone(),
            callee: callee.unwrap_or_else(|| call.callee.clone()),
            trunk: call.caller.trunk.clone(),
            started_at: now,
            headers: Vec::new(),
            args: Vec::new(),
        }
    }
}

fn empty_info(direction: Direction) -> CallInfo {
    CallInfo {
        id: String::new(),
        direction,
        caller: String::new(),
        caller_name: String::new(),
        callee: String::new(),
        trunk: String::new(),
        started_at: 0,
        headers: Vec::new(),
        args: Vec::new(),
    }
}
