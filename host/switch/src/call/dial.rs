//! Calling out: one leg whose INVITE forks to all phones of all callees; the first answer wins.

mod branch;

use std::time::Duration;

use jackfield_media::{Lease, LegId, Source};
use jackfield_sip::{Flow, Invite, Message, Name, SessionId};

pub(crate) use branch::Dial;
use branch::{Asking, Branch, BranchState, more_telling};

use super::{
    CallKey,
    audio::{Audio, NoAgreement, SDP},
    bridge::Tie,
    callee::{Callee, target_of},
    leg::{Leg, Phase},
    ringing::{EarlyMedia, Fork},
};
use crate::{
    cause::COMPLETED_ELSEWHERE,
    command::{Cause, DialEnd, Direction, Event, HangupInfo, Value},
    io::{InstanceId, Level, Output, Token},
    settings::Dtmf,
    switch::Switch,
    timer::Deadline,
    trace::Happened,
    user::name_addr,
};

/// Phones that one dial may ring.
const MAX_BRANCHES: usize = 64;

/// Everything that a dial needs to begin.
pub(crate) struct DialOrder {
    /// The leg that waits, and hears the ringing.
    pub(crate) from: Option<LegId>,
    pub(crate) callees: Vec<Callee>,
    pub(crate) ring: Duration,
    /// Number and name.
    pub(crate) caller: (String, String),
    pub(crate) headers: Vec<(Name, String)>,
    pub(crate) ringback: Option<Vec<Source>>,
    pub(crate) purpose: Purpose,
    pub(crate) owner: Option<InstanceId>,
}

/// Who waits for the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A route: answer the caller and bridge.
    Route,
    Verb {
        instance: InstanceId,
        token: Token,
        /// The leg on which the verb waits, if it is one: not always the one that hears the ringing.
        leg: Option<LegId>,
    },
    /// `start-dial`: events tell.
    Started(InstanceId),
    Launch(u64),
    /// The leg that is being transferred.
    Transfer(LegId),
    /// Nobody any more.
    Cancelled,
}

impl Switch {
    /// Calls all phones of all callees. An error when there is nobody to call; everything
    /// later goes to the purpose.
    pub(crate) fn dial(&mut self, key: CallKey, order: DialOrder) -> Result<LegId, HangupInfo> {
        let branches = self.branches(&order.callees)?;
        let id = LegId(self.next_id());
        let caller_leg = order.from.and_then(|leg| self.legs.get(&leg));
        let unspecified = std::net::Ipv4Addr::UNSPECIFIED.into();
        let address = caller_leg.map_or(unspecified, |leg| leg.audio.address);
        let lease = self.lease_beside(id, &order).ok_or(HangupInfo::new(Cause::Unavailable, 503))?;

        let label = order.callees.iter().map(Callee::label).collect::<Vec<_>>().join(",");
        let mut info = self.leg_info(key, Direction::Outbound, Some(label));
        (info.caller, info.caller_name) = order.caller.clone();
        let mut audio = Audio::new(lease, address, id.0);
        audio.dtmf = self.dtmf_of_callees(&order.callees);
        let mut leg = Leg::new(key, info, audio);
        leg.owner = order.owner;
        leg.dial = Some(Dial {
            from: order.from,
            purpose: order.purpose,
            branches,
            caller: order.caller,
            headers: order.headers,
            failure: None,
            timer: self.timers.set(self.now.saturating_add(order.ring), Deadline::Ring(id)),
            own_ringback: order.ringback.is_some(),
            spoken_to: None,
            early: EarlyMedia::default(),
            is_ringing: false,
            redirections: 0,
        });
        self.add_leg(key, id, leg);
        self.open_audio(id);
        if let (Some(from), Some(sources)) = (order.from, order.ringback) {
            self.play_ringback(from, sources);
        }
        self.start_branches(id, 0);
        Ok(id)
    }

    /// Calls these instead of the phone of that session; false if there is nobody new among them.
    pub(super) fn add_branches(&mut self, id: LegId, instead_of: SessionId, callees: &[Callee]) -> bool {
        let Ok(mut branches) = self.branches(callees) else { return false };
        let Some(dial) = self.legs.get_mut(&id).and_then(|leg| leg.dial.as_mut()) else { return false };
        branches.retain(|new| dial.branches.iter().all(|known| known.uri != new.uri));
        branches.truncate(MAX_BRANCHES.saturating_sub(dial.branches.len()));
        let Some(former) = dial.find(BranchState::Calling(instead_of)).filter(|_| !branches.is_empty())
        else {
            return false;
        };
        let first = dial.branches.len();
        dial.branches.append(&mut branches);
        dial.branches[former].state = BranchState::Over;
        self.forget_early(id, instead_of);
        self.start_branches(id, first);
        true
    }

    /// How digits go to whoever of them answers: as all of them have it. A `sip:` URI is a peer by its host.
    fn dtmf_of_callees(&self, callees: &[Callee]) -> Dtmf {
        let settings = &self.settings;
        let dtmf = |callee: &Callee| match callee {
            Callee::User(name) => settings.dtmf_of(name),
            Callee::Sip(uri) => {
                let host = target_of(uri).and_then(|target| target.host.parse().ok());
                host.and_then(|host| settings.peer_at(host)).map(|peer| peer.dtmf).unwrap_or_default()
            }
        };
        let mut all = callees.iter().map(dtmf);
        let first = all.next().unwrap_or_default();
        if all.all(|other| other == first) { first } else { Dtmf::Auto }
    }

    /// A socket of the worker that has the caller, or what else the instance has, if it has one free: legs that
    /// are bridged need not move then.
    fn lease_beside(&mut self, id: LegId, order: &DialOrder) -> Option<Lease> {
        let others = order.owner.and_then(|owner| self.instances.get(&owner)).map(|owner| &owner.legs);
        let beside = order.from.or_else(|| others.and_then(|legs| legs.first().copied()));
        let worker = beside.and_then(|leg| self.legs.get(&leg)).map(|leg| leg.audio.lease.worker);
        self.leases.take(id, worker)
    }

    /// The phones to call, or the most telling reason why there are none.
    fn branches(&mut self, callees: &[Callee]) -> Result<Vec<Branch>, HangupInfo> {
        let mut branches = Vec::new();
        let mut failure = None;
        for callee in callees {
            // Named twice, as by name and by number, he still rings once.
            if branches.iter().any(|branch: &Branch| branch.callee == *callee) {
                continue;
            }
            let before = branches.len();
            match callee {
                Callee::User(name) => {
                    let bindings = self.registry.phones(name, self.now);
                    branches.extend(bindings.map(|binding| Branch {
                        callee: callee.clone(),
                        uri: binding.contact.clone(),
                        routes: binding.path.clone(),
                        state: BranchState::Ready(binding.flow),
                        asked: None,
                    }));
                }
                // Its way is asked for when the dial has all else that it needs.
                Callee::Sip(uri) => branches.extend(target_of(uri).map(|_| Branch {
                    callee: callee.clone(),
                    uri: uri.clone(),
                    routes: Vec::new(),
                    state: BranchState::Opening(self.next_token()),
                    asked: None,
                })),
            }
            if branches.len() == before {
                let missing = match callee {
                    Callee::User(name) if self.settings.users.contains(name) => (Cause::Unavailable, 480),
                    _ => (Cause::NotFound, 404),
                };
                failure = Some(more_telling(failure, HangupInfo::new(missing.0, missing.1)));
            }
        }
        branches.truncate(MAX_BRANCHES);
        match branches.is_empty() {
            true => Err(failure.unwrap_or(HangupInfo::new(Cause::NotFound, 404))),
            false => Ok(branches),
        }
    }

    /// Calls the phones from `first` on.
    fn start_branches(&mut self, id: LegId, first: usize) {
        let Some(dial) = self.legs.get(&id).and_then(|leg| leg.dial.as_ref()) else { return };
        let mut opening = Vec::new();
        let mut ready = Vec::new();
        for (index, branch) in dial.branches.iter().enumerate().skip(first) {
            match branch.state {
                BranchState::Ready(flow) => ready.push((index, flow)),
                BranchState::Opening(token) => opening.extend(Some(token).zip(target_of(&branch.uri))),
                _ => {}
            }
        }
        for (token, target) in opening {
            self.opening.insert(token, id);
            self.outputs.push_back(Output::Open { token, target });
        }
        for (index, flow) in ready {
            self.invite_branch(id, index, &flow);
        }
    }

    /// The driver has found a way to a callee, or none.
    pub(crate) fn opened(&mut self, token: Token, result: Result<Flow, String>) {
        let Some(id) = self.opening.remove(&token) else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(dial) = leg.dial.as_mut() else { return };
        let Some(index) = dial.find(BranchState::Opening(token)) else { return };
        match result {
            Ok(flow) => self.invite_branch(id, index, &flow),
            Err(reason) => {
                let name = leg.info.id.clone();
                let uri = dial.branches[index].uri.clone();
                dial.fail(index, HangupInfo::new(Cause::Network, 503));
                self.notice(Level::Warn, format!("no way to {uri}: {reason}"), Some(name));
                self.check_dial(id);
            }
        }
    }

    fn invite_branch(&mut self, id: LegId, index: usize, flow: &Flow) {
        let Some(dial) = self.legs.get(&id).and_then(|leg| leg.dial.as_ref()) else { return };
        let (from, policy) = (dial.from, self.srtp_policy(&dial.branches[index].callee, flow));
        let known = dial.branches[index].asked.as_ref().map(|asked| asked.next.clone());
        let mut next = known.unwrap_or_else(|| self.attempts(policy, flow));
        let srtp = self.new_srtp(policy, next.next().unwrap_or_default());
        let codecs = self.codecs_like(from);
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.audio.srtp = srtp.clone();
            let sent = leg.audio.sent.take();
            let dial = leg.dial.as_mut();
            if let Some(asked) = dial.and_then(|dial| dial.asked_of(dial.spoken_to?)) {
                asked.sent = sent;
            }
        }
        let call = self.legs.get(&id).and_then(|leg| self.calls.get(&leg.call));
        let hops = call.and_then(|call| call.hops);
        let address = self.endpoint.address(flow).ip();
        let Some(offer) = self.offer(id, address, &codecs) else { return };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(dial) = leg.dial.as_mut() else { return };
        let branch = &dial.branches[index];
        let to = match &branch.callee {
            Callee::User(name) => name_addr("", name, address),
            Callee::Sip(uri) => format!("<{uri}>"),
        };
        let invite = Invite {
            uri: branch.uri.clone(),
            to,
            from: name_addr(&dial.caller.1, &dial.caller.0, address),
            routes: branch.routes.clone(),
            headers: dial.headers.clone(),
            body: Some((SDP.to_owned(), offer)),
            hops,
        };
        match self.endpoint.invite(self.now, flow, invite) {
            Ok(session) => {
                dial.branches[index].state = BranchState::Calling(session);
                let sent = leg.audio.sent.clone();
                dial.branches[index].asked = Some(Asking { flow: *flow, srtp, next, sent });
                dial.spoken_to = Some(session);
                // A leg has one address, as a call has one worker: that of its last branch, until one answers.
                leg.audio.address = address;
                leg.flow = Some(*flow);
                self.sessions.insert(session, id);
            }
            Err(_busy) => {
                dial.fail(index, HangupInfo::new(Cause::Unavailable, 503));
                // Whoever began the dial is told later, as for every other failure.
                if dial.is_over() {
                    self.timers.cancel(dial.timer);
                    dial.timer = self.timers.set(self.now, Deadline::Ring(id));
                }
            }
        }
    }

    /// 2xx: this phone has the call, the others stop ringing.
    pub(crate) fn callee_answered(&mut self, session: SessionId, response: &Message) {
        let Some(&id) = self.sessions.get(&session) else { return };
        self.speak_to(id, session);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(mut dial) = leg.dial.take() else { return };
        let Some(winner) = dial.find(BranchState::Calling(session)) else {
            leg.dial = Some(dial);
            return;
        };
        dial.branches[winner].state = BranchState::Over;
        for loser in dial.take_sessions() {
            self.endpoint.end(self.now, loser, 487, Some(COMPLETED_ELSEWHERE));
        }
        self.opening.retain(|_, opened_for| *opened_for != id);
        leg.session = Some(session);
        // Until now it was that of the last phone that was called.
        if let Some(flow) = self.endpoint.remote_flow(session) {
            leg.audio.address = self.endpoint.address(flow).ip();
            leg.flow = Some(*flow);
        }
        let fork = Fork::of(session, response);
        let is_heard = dial.early.is_heard(&fork);
        // Its answer may have come in an earlier response; that counts, even if it was not heard yet.
        let described =
            if response.body().is_empty() { dial.early.description(&fork) } else { Some(response) };
        let agreed = match described {
            Some(_) if is_heard && response.body().is_empty() => Ok(()),
            Some(described) => self.take_answer(id, described),
            None => Err(NoAgreement),
        };
        if agreed.is_err() {
            // Answered, but with nothing that we could speak: for the caller it is a failure.
            if let Some(leg) = self.legs.get_mut(&id) {
                leg.phase = Phase::Up;
                leg.dial = Some(dial);
            }
            self.hang_up(id, HangupInfo::new(Cause::Other, 488));
            return;
        }
        self.timers.cancel(dial.timer);
        if is_heard && response.body().is_empty() {
            self.expect_audio(id);
        }
        self.pick_up(id, &dial, winner);
    }

    /// Tells whoever waited for it that the leg is up.
    fn pick_up(&mut self, id: LegId, dial: &Dial, winner: usize) {
        let label = dial.branches[winner].callee.label().to_owned();
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.phase = Phase::Up;
        leg.answered = Some(self.now);
        leg.info.callee.clone_from(&label);
        let (info, key) = (leg.info.clone(), leg.call);
        self.trace(id, Happened::Answered);
        if let Some(from) = dial.from {
            self.stop_ringback(from);
        }
        match dial.purpose {
            Purpose::Route => {
                let Some(from) = dial.from else { return };
                if self.answer(from, Some(id)).is_err() {
                    // Nothing is joined yet: the end of the caller would not end the callee.
                    let info = HangupInfo::new(Cause::Other, 488);
                    self.hang_up(id, info);
                    self.hang_up(from, info);
                    return;
                }
                self.join(from, id, Tie::Route);
                self.connected(key, Some(label));
            }
            Purpose::Verb { instance, token, leg } => {
                self.part(id);
                self.end_dial_verb(leg, token);
                self.connected_if_first(key, id, label);
                self.reply(instance, token, Ok(Value::Dialled(DialEnd::Answered(id, info))));
            }
            Purpose::Started(instance) => {
                self.part(id);
                self.connected_if_first(key, id, label);
                self.post(instance, Event::Answered { leg: id });
            }
            Purpose::Launch(launch) => {
                self.connected(key, Some(label));
                self.launch_answered(launch, key, id);
            }
            Purpose::Transfer(transferee) => self.transfer_answered(transferee, id),
            Purpose::Cancelled => self.hang_up(id, HangupInfo::new(Cause::Cancelled, 0)),
        }
    }

    /// Who answered, or was bridged to, the leg that a call began with is who the call is connected to.
    pub(crate) fn connected_if_first(&mut self, key: CallKey, id: LegId, label: String) {
        if self.calls.get(&key).is_some_and(|call| call.first == Some(id)) {
            self.connected(key, Some(label));
        }
    }

    /// One phone does not take the call.
    pub(crate) fn branch_failed(&mut self, id: LegId, session: SessionId, info: HangupInfo) {
        let now = self.now;
        let Some(dial) = self.legs.get_mut(&id).and_then(|leg| leg.dial.as_mut()) else { return };
        let Some(index) = dial.find(BranchState::Calling(session)) else { return };
        // Perhaps it wants the other m= line; that it wants none of the two is its last word.
        if matches!(info.code, 488 | 606)
            && let Some(asked) = dial.branches[index].asked.as_ref().filter(|asked| !asked.next.is_empty())
        {
            let flow = asked.flow;
            return self.invite_branch(id, index, &flow);
        }
        dial.fail(index, info);
        self.forget_early(id, session);
        let Some(dial) = self.legs.get_mut(&id).and_then(|leg| leg.dial.as_mut()) else { return };
        // RFC 3261 16.7: 6xx speaks for the callee, whatever his other phones say.
        if (600..700).contains(&info.code) {
            let callee = dial.branches[index].callee.clone();
            for branch in dial.branches.iter_mut().filter(|branch| branch.callee == callee) {
                if let BranchState::Calling(session) = std::mem::replace(&mut branch.state, BranchState::Over)
                {
                    self.endpoint.end(now, session, 487, Some(&info.reason()));
                }
            }
        }
        self.check_dial(id);
    }

    /// Ends a dial when its last phone has failed.
    fn check_dial(&mut self, id: LegId) {
        let Some(dial) = self.legs.get(&id).and_then(|leg| leg.dial.as_ref()) else { return };
        if dial.is_over() {
            let failure = dial.failure.unwrap_or(HangupInfo::new(Cause::Unavailable, 480));
            self.hang_up(id, failure);
        }
    }

    /// It rang long enough.
    pub(crate) fn ring_timed_out(&mut self, id: LegId) {
        let Some(dial) = self.legs.get(&id).and_then(|leg| leg.dial.as_ref()) else { return };
        match dial.is_over() {
            true => self.check_dial(id),
            false => self.hang_up(id, HangupInfo::new(Cause::NoAnswer, 480)),
        }
    }

    /// The caller does not wait any more.
    pub(crate) fn cancel_dials_of(&mut self, from: LegId, info: HangupInfo) {
        let waiting: Vec<LegId> = self.dials_of(from);
        for id in waiting {
            let Some(dial) = self.legs.get_mut(&id).and_then(|leg| leg.dial.as_mut()) else { continue };
            dial.from = None;
            // A started leg stands on its own.
            if !matches!(dial.purpose, Purpose::Started(_)) {
                dial.purpose = Purpose::Cancelled;
                let cause = if info.cause == Cause::Shutdown { Cause::Shutdown } else { Cause::Cancelled };
                self.hang_up(id, HangupInfo::new(cause, 487));
            }
        }
    }

    /// The leg that rings for a caller, and would be bridged with him.
    pub(crate) fn dialled_for(&self, from: LegId) -> Option<LegId> {
        let is_route = |leg: &&LegId| {
            let dial = self.legs.get(leg).and_then(|leg| leg.dial.as_ref());
            dial.is_some_and(|dial| dial.purpose == Purpose::Route)
        };
        self.dials_of(from).into_iter().find(|leg| is_route(&leg))
    }

    fn dials_of(&self, from: LegId) -> Vec<LegId> {
        let waits = |leg: &Leg| leg.dial.as_ref().is_some_and(|dial| dial.from == Some(from));
        self.legs.iter().filter(|(_, leg)| waits(leg)).map(|(&id, _)| id).collect()
    }

    /// The leg of a dial is gone without an answer.
    pub(crate) fn dial_failed(&mut self, id: LegId, key: CallKey, dial: Dial, info: HangupInfo) {
        self.timers.cancel(dial.timer);
        self.opening.retain(|_, leg| *leg != id);
        if let Some(from) = dial.from {
            self.stop_ringback(from);
        }
        match dial.purpose {
            Purpose::Route => self.route_failed(key, info),
            Purpose::Transfer(transferee) => self.transfer_failed(transferee, info),
            Purpose::Verb { instance, token, leg } => {
                self.end_dial_verb(leg, token);
                self.reply(instance, token, Ok(Value::Dialled(DialEnd::Failed(info))));
            }
            // The end of a started leg is an event of its instance; of a launch, of its call.
            Purpose::Started(_) | Purpose::Launch(_) | Purpose::Cancelled => {}
        }
    }

    /// The leg that dialled is free for the next verb.
    fn end_dial_verb(&mut self, leg: Option<LegId>, token: Token) {
        let Some(leg) = leg.and_then(|leg| self.legs.get_mut(&leg)) else { return };
        leg.verb.take_if(|verb| verb.token == token);
    }
}
