//! What must hold between any two inputs; simulations ask after each step.

use jackfield_media::LegId;

use crate::{
    call::{
        CallKey,
        leg::{Leg, Phase, VerbKind},
        reoffer::Reoffer,
    },
    switch::Switch,
    timer::{Deadline, TimerId},
};

impl Switch {
    /// The rules that are broken now, one sentence each: a defect of ours, whatever others do. Walks all
    /// tables.
    pub fn audit(&self) -> Vec<String> {
        let mut broken = self.endpoint.audit();
        for (key, call) in &self.calls {
            if call.legs.is_empty() && call.instance.is_none() {
                broken.push(format!("{key:?} has neither a leg nor an instance"));
            }
            if call.legs.iter().any(|leg| !self.is_leg_of(*leg, *key)) {
                broken.push(format!("{key:?} has a leg that is not its own"));
            }
            let serves = |id| self.instances.get(id).is_some_and(|instance| instance.call == Some(*key));
            if call.instance.as_ref().is_some_and(|id| !serves(id)) {
                broken.push(format!("{key:?} has an instance that does not serve it"));
            }
        }
        for (&id, leg) in &self.legs {
            self.audit_leg(id, leg, &mut broken);
        }
        for (id, instance) in &self.instances {
            let owns = |leg| self.legs.get(leg).is_some_and(|leg| leg.owner == Some(*id));
            if !instance.legs.iter().all(owns) {
                broken.push(format!("{id:?} has a leg that is not its own"));
            }
        }
        for (session, leg) in &self.sessions {
            if self.endpoint.remote_flow(*session).is_none() {
                broken.push(format!("{session:?} of {leg:?} is over, and nobody knows"));
            }
        }
        for (token, leg) in &self.opening {
            if self.legs.get(leg).is_none_or(|leg| leg.dial.is_none()) {
                broken.push(format!("{token:?} looks for a way for {leg:?}, which is not dialled"));
            }
        }
        let idle = self.timers.all().filter(|(timer, deadline)| !self.is_awaited(*timer, deadline));
        broken.extend(idle.map(|(_, deadline)| format!("nobody waits for {deadline:?}")));
        broken
    }

    fn is_leg_of(&self, leg: LegId, call: CallKey) -> bool {
        self.legs.get(&leg).is_some_and(|leg| leg.call == call)
    }

    fn audit_leg(&self, id: LegId, leg: &Leg, broken: &mut Vec<String>) {
        if !self.calls.get(&leg.call).is_some_and(|call| call.legs.contains(&id)) {
            broken.push(format!("{id:?} has no call"));
        }
        if leg.session.is_some_and(|session| self.sessions.get(&session) != Some(&id)) {
            broken.push(format!("{id:?} has a session that is not its own"));
        }
        if leg.session.is_none() && leg.dial.is_none() {
            broken.push(format!("{id:?} has neither a session nor a dial"));
        }
        if leg.owner.is_some_and(|owner| !self.instances.contains_key(&owner)) {
            broken.push(format!("{id:?} has an owner that is gone"));
        }
        let partner = leg.joined.as_ref().map(|joined| self.legs.get(&joined.other()));
        let faithful = |other: Option<&Leg>| {
            let joined = other.and_then(|other| other.joined.as_ref());
            joined.is_some_and(|joined| joined.other() == id)
        };
        if partner.is_some_and(|partner| !faithful(partner)) {
            broken.push(format!("{id:?} is joined to a leg that is not joined to it"));
        }
        let lease = leg.audio.lease;
        if partner.flatten().is_some_and(|partner| partner.audio.lease.worker != lease.worker) {
            broken.push(format!("{id:?} is joined to a leg of another media worker"));
        }
        if self.leases.of(id).is_some_and(|known| known != lease) {
            broken.push(format!("{id:?} believes that it has another socket than it has"));
        }
        if !self.is_cared_for(id, leg) {
            broken.push(format!("{id:?} ({:?}) is nobody's", leg.phase));
        }
    }

    /// Something will end the leg, or go on with it: an instance, its dial, one that dials for it, a partner,
    /// its transfer, or the time after it has transferred the other one.
    fn is_cared_for(&self, id: LegId, leg: &Leg) -> bool {
        let dials_for = |other: &Leg| other.dial.as_ref().is_some_and(|dial| dial.from == Some(id));
        leg.owner.is_some()
            || leg.dial.is_some()
            || leg.joined.is_some()
            || leg.transfer.is_some()
            || leg.release.is_some()
            || self.legs.values().any(dials_for)
    }

    /// The one who set a deadline still waits for it.
    fn is_awaited(&self, timer: TimerId, deadline: &Deadline) -> bool {
        let instance = |id| self.instances.get(id);
        match deadline {
            Deadline::Ring(leg) => self.legs.get(leg).is_some_and(|leg| leg.dial.is_some()),
            Deadline::Gather(leg) => self.verb_is(*leg, |kind| matches!(kind, VerbKind::Gather { .. })),
            Deadline::Release(leg) => self.legs.get(leg).is_some_and(|leg| leg.release == Some(timer)),
            Deadline::Reoffer(leg) => {
                self.legs.get(leg).is_some_and(|leg| leg.reoffer == Some(Reoffer::Waits(timer)))
            }
            Deadline::Bridge(leg) => {
                let leg = self.legs.get(leg);
                leg.is_some_and(|leg| leg.joined.is_some() && leg.phase == Phase::Up)
            }
            Deadline::Next(id) => {
                instance(id).is_some_and(|i| i.next.as_ref().is_some_and(|(_, set)| *set == Some(timer)))
            }
            Deadline::Sleep(id, token) => instance(id).is_some_and(|i| i.sleeps.contains_key(token)),
            Deadline::Plugin(id, number) => instance(id).is_some_and(|i| i.timers.contains_key(number)),
            Deadline::Grace(id) => instance(id).is_some_and(|i| i.grace == Some(timer)),
            Deadline::CallTime(id) => instance(id).is_some_and(|i| i.call_time == Some(timer)),
            Deadline::Question(question) => self.questions.contains_key(question),
            Deadline::Launch(_) | Deadline::Pace(_) => true,
        }
    }
}
