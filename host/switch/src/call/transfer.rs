//! Transfer: a party leaves a call, and the one that it leaves goes elsewhere (RFC 5589).
//!
//! The exchange carries it out itself. The transferee stays on its leg and its bridge until the target
//! answers, with music or ringing on top; so a transfer that fails has changed nothing.

use std::time::Duration;

use jackfield_media::{LegId, tone};
use jackfield_sip::{Message, Name};

use super::{
    CallKey,
    bridge::Tie,
    callee::Callee,
    dial::{DialOrder, Purpose},
    leg::Leg,
    refer::{Destination, Report, Wish},
    routing::Whereto,
};
use crate::{
    command::{BridgeEnd, Cause, Error, Event, HangupInfo, OperationEnd},
    switch::Switch,
    timer::Deadline,
    trace::Happened,
    user::name_addr,
};

/// A transferor that knows of its success hangs up itself; after so long we do.
const PATIENCE: Duration = Duration::from_secs(5);
/// Fallbacks of fallbacks.
const MAX_HOPS: u32 = 8;

/// The end of a leg whose party has been transferred, or has transferred the other one.
pub(crate) const TRANSFERRED: HangupInfo = HangupInfo { cause: Cause::Transferred, code: 0, by_peer: false };

/// What a leg waits for that is being transferred.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// The transferor; none once it has hung up.
    by: Option<LegId>,
    report: Option<Report>,
    /// Whom to ring when the target does not answer and the transferor has hung up.
    back: Option<Callee>,
    is_back: bool,
    to: String,
    /// Of the route to the target.
    fallback: Option<String>,
    hops: u32,
    referred_by: String,
}

impl Switch {
    /// Begins what was asked for and may be.
    pub(crate) fn transfer(&mut self, wish: Wish) {
        let Wish { by, transferee, to, report } = wish;
        let told = match &to {
            Destination::Number { number, .. } => number.clone(),
            Destination::Partner(leg) => self.party(*leg).0,
        };
        let attended = matches!(to, Destination::Partner(_));
        self.trace(by, Happened::TransferAsked { to: told.clone(), attended });
        self.report(report.as_ref(), 100);
        let back = self.legs.get(&by).and_then(|leg| self.callee_of(leg));
        let address = self.legs.get(&by).map(|leg| leg.audio.address);
        let (number, name) = self.party(by);
        let referred_by = address.map(|address| name_addr(&name, &number, address)).unwrap_or_default();
        let Some(leg) = self.legs.get_mut(&transferee) else { return };
        leg.transfer = Some(Transfer {
            by: Some(by),
            report,
            back,
            is_back: false,
            to: told,
            fallback: None,
            hops: 0,
            referred_by,
        });
        let begun = match to {
            Destination::Number { number, users } => self.send_to(transferee, &number, users),
            Destination::Partner(second) => self.send_to_partner(transferee, by, second),
        };
        match begun {
            Ok(()) => self.tune(transferee),
            Err(info) => self.transfer_failed(transferee, info),
        }
    }

    /// Calls a number for a transferee, or gives him to the plugin that has it.
    fn send_to(&mut self, id: LegId, number: &str, users: bool) -> Result<(), HangupInfo> {
        let destination =
            self.settings.resolve(number, users).ok_or(HangupInfo::new(Cause::NotFound, 404))?;
        let Some(transfer) = self.legs.get_mut(&id).and_then(|leg| leg.transfer.as_mut()) else {
            return Ok(());
        };
        transfer.hops += 1;
        transfer.fallback = destination.fallback.filter(|_| transfer.hops <= MAX_HOPS);
        match destination.to {
            Whereto::Plugin(plugin) => {
                self.give_to_plugin(id, plugin);
                Ok(())
            }
            Whereto::Callees(callees) => {
                self.call_for(id, callees, destination.ring.unwrap_or(self.settings.ring))
            }
        }
    }

    fn call_for(&mut self, id: LegId, callees: Vec<Callee>, ring: Duration) -> Result<(), HangupInfo> {
        let Some(leg) = self.legs.get(&id) else { return Ok(()) };
        let (key, referred_by) = (leg.call, leg.transfer.as_ref().map(|t| t.referred_by.clone()));
        let headers = referred_by.into_iter().map(|value| (Name::ReferredBy, value)).collect();
        let order = DialOrder {
            from: Some(id),
            callees,
            ring,
            caller: self.party(id),
            headers,
            ringback: None,
            purpose: Purpose::Transfer(id),
            owner: None,
        };
        self.dial(key, order).map(|_| ())
    }

    /// An attended transfer: the transferor's other leg has the target on its other end.
    fn send_to_partner(&mut self, id: LegId, by: LegId, second: LegId) -> Result<(), HangupInfo> {
        let gone = HangupInfo::new(Cause::NotFound, 481);
        let Some(leg) = self.legs.get(&second).filter(|_| second != by && second != id) else {
            return Err(gone);
        };
        let second_call = leg.call;
        let partner = leg.joined.as_ref().filter(|joined| !joined.is_early()).map(|joined| joined.other());
        let ringing = self.dialled_for(second);
        let target = partner.or(ringing).filter(|target| *target != id).ok_or(gone)?;
        if self.legs.get(&target).is_none_or(|target| target.transfer.is_some()) {
            return Err(HangupInfo::new(Cause::Other, 491));
        }
        if let Some(key) = self.legs.get(&id).map(|leg| leg.call) {
            self.link(key, second_call);
        }
        match partner {
            Some(_) => {
                self.leave_partner(target);
                self.leave_instance(target);
                self.succeed_first(second_call, second, target);
                self.complete_transfer(id, target);
                let label = self.party_label(id);
                self.connected(second_call, Some(label));
            }
            None => self.take_over_dial(id, second, target),
        }
        self.hang_up(second, TRANSFERRED);
        Ok(())
    }

    /// The transferee waits for the phone that rings, in the place of the transferor.
    fn take_over_dial(&mut self, id: LegId, second: LegId, target: LegId) {
        self.stop_ringback(second);
        self.part(second);
        let key = self.legs.get(&target).map(|leg| leg.call);
        if let Some(dial) = self.legs.get_mut(&target).and_then(|leg| leg.dial.as_mut()) {
            dial.from = Some(id);
            dial.purpose = Purpose::Transfer(id);
        }
        if let Some(key) = key {
            self.succeed_first(key, second, target);
        }
        self.play_tone_of_ringing(id);
    }

    /// A phone that is called for a transferee says 101 to 199.
    pub(crate) fn transfer_progressed(&mut self, id: LegId, response: &Message) {
        let Some(transfer) = self.legs.get(&id).and_then(|leg| leg.transfer.as_ref()) else { return };
        let report = transfer.report.clone();
        if let Some(status) = response.status() {
            self.report(report.as_ref(), status);
        }
        if response.status() == Some(180) {
            self.play_tone_of_ringing(id);
        }
    }

    fn play_tone_of_ringing(&mut self, id: LegId) {
        let (Some(leg), Ok(tone)) = (self.legs.get(&id), tone::named("ringback")) else { return };
        if leg.ringback.is_some() {
            return;
        }
        // It replaces the music.
        self.play_ringback(id, vec![jackfield_media::Source::Tone(tone)]);
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.music = None;
        }
    }

    /// The target has answered.
    pub(crate) fn transfer_answered(&mut self, id: LegId, target: LegId) {
        match self.legs.get(&id).is_some_and(|leg| leg.transfer.is_some()) {
            true => self.complete_transfer(id, target),
            false => self.hang_up(target, HangupInfo::new(Cause::Cancelled, 0)),
        }
    }

    fn complete_transfer(&mut self, id: LegId, target: LegId) {
        let Some(transfer) = self.leave_transferor(id) else { return };
        self.join(id, target, Tie::Route);
        let (name, key) = (self.party_label(target), self.legs.get(&id).map(|leg| leg.call));
        if let Some(key) = key {
            self.connected(key, Some(name));
        }
        self.tune_both(id);
        self.transfer_done(id, transfer);
    }

    fn give_to_plugin(&mut self, id: LegId, plugin: String) {
        let Some(transfer) = self.leave_transferor(id) else { return };
        let Some(key) = self.legs.get(&id).map(|leg| leg.call) else { return };
        self.tune(id);
        self.start_plugin(key, id, plugin, Vec::new());
        self.transfer_done(id, transfer);
    }

    /// Takes the transferee out of all that it was in.
    fn leave_transferor(&mut self, id: LegId) -> Option<Transfer> {
        let transfer = self.legs.get_mut(&id)?.transfer.take()?;
        self.stop_ringback(id);
        self.leave_partner(id);
        self.leave_instance(id);
        if let (Some(by), Some(key)) = (transfer.by, self.legs.get(&id).map(|leg| leg.call)) {
            self.succeed_first(key, by, id);
        }
        Some(transfer)
    }

    fn transfer_done(&mut self, id: LegId, transfer: Transfer) {
        self.trace(id, Happened::TransferSucceeded { to: transfer.to });
        self.report(transfer.report.as_ref(), 200);
        let Some(by) = transfer.by.filter(|by| self.legs.contains_key(by)) else { return };
        let timer = self.timers.set(self.now.saturating_add(PATIENCE), Deadline::Release(by));
        if let Some(leg) = self.legs.get_mut(&by) {
            leg.release = Some(timer);
        }
    }

    /// It has had time to hang up.
    pub(crate) fn release(&mut self, id: LegId) {
        self.hang_up(id, TRANSFERRED);
    }

    /// The target does not take the call: on to its fallback, else the transferee goes back.
    pub(crate) fn transfer_failed(&mut self, id: LegId, info: HangupInfo) {
        let Some(transfer) = self.legs.get_mut(&id).and_then(|leg| leg.transfer.as_mut()) else { return };
        if let Some(fallback) = transfer.fallback.take() {
            match self.send_to(id, &fallback, true) {
                Ok(()) => self.tune(id),
                Err(info) => self.transfer_failed(id, info),
            }
            return;
        }
        let (to, report) = (transfer.to.clone(), transfer.report.take());
        let (by, is_back) = (transfer.by, std::mem::replace(&mut transfer.is_back, true));
        let back = transfer.back.take();
        self.report_failure(report.as_ref(), info);
        if !is_back {
            self.trace(id, Happened::TransferFailed { to, info });
        }
        match (by.filter(|by| self.legs.contains_key(by)), back) {
            (Some(_), _) => self.keep_transferee(id),
            // He has hung up already: he is called.
            (None, Some(back)) if !is_back => {
                let called = self.call_for(id, vec![back], self.settings.ring);
                if called.is_err() {
                    self.give_up(id, info);
                } else {
                    self.tune(id);
                }
            }
            (None, _) => self.give_up(id, info),
        }
    }

    /// The transferor has him again.
    fn keep_transferee(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.transfer = None;
        }
        self.tune_both(id);
    }

    fn give_up(&mut self, id: LegId, info: HangupInfo) {
        self.keep_transferee(id);
        self.hang_up(id, info.passed_on());
    }

    /// The transferor has hung up before his transfer had an end. Whether it goes on without him.
    pub(crate) fn transferor_gone(&mut self, id: LegId) -> bool {
        let Some(transfer) = self.legs.get_mut(&id).and_then(|leg| leg.transfer.as_mut()) else {
            return false;
        };
        if let (Some(by), Some(key)) = (transfer.by.take(), self.legs.get(&id).map(|leg| leg.call)) {
            self.succeed_first(key, by, id);
        }
        self.leave_instance(id);
        self.tune(id);
        true
    }

    /// The transferee has hung up; its dial is cancelled with it.
    pub(crate) fn transferee_gone(
        &mut self,
        key: CallKey,
        leg: String,
        transfer: Transfer,
        info: HangupInfo,
    ) {
        self.report_failure(transfer.report.as_ref(), HangupInfo::new(Cause::Cancelled, 487));
        self.trace_of(key, leg, Happened::TransferFailed { to: transfer.to, info });
    }

    // ---- who leaves whom

    /// Takes a leg out of its bridge; a plugin that made the bridge on the other leg learns of it.
    pub(crate) fn leave_partner(&mut self, id: LegId) {
        if let Some((first, tie)) = self.part(id)
            && first != id
        {
            self.bridge_ended(first, tie, BridgeEnd::OtherHungUp(TRANSFERRED));
        }
    }

    /// Takes a leg from the plugin that drives it. For the plugin it has gone.
    pub(crate) fn leave_instance(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(owner) = leg.owner.take() else { return };
        let verb = leg.verb.take();
        let operations: Vec<u32> = leg.operations.keys().copied().collect();
        if let Some(verb) = verb {
            self.reply(verb.instance, verb.token, Err(Error::HungUp(TRANSFERRED)));
            self.stop_verb(id, verb);
        }
        self.silence(id);
        for operation in operations {
            let end = OperationEnd::Failed(Error::HungUp(TRANSFERRED));
            self.post(owner, Event::Done { leg: id, operation, end });
        }
        self.leg_left_instance(owner, id, TRANSFERRED, false);
    }

    /// The record of a call is about its first leg; when that one leaves by a transfer, about who stays.
    pub(crate) fn succeed_first(&mut self, key: CallKey, first: LegId, successor: LegId) {
        let of_call = self.legs.get(&successor).is_some_and(|leg| leg.call == key);
        if let Some(call) = self.calls.get_mut(&key).filter(|call| of_call && call.first == Some(first)) {
            call.first = Some(successor);
            self.move_tape(key, first, successor);
        }
    }

    // ---- who is who

    /// Number and name of the party of a leg, as another party is to see it.
    pub(crate) fn party(&self, id: LegId) -> (String, String) {
        let Some(leg) = self.legs.get(&id) else { return Default::default() };
        if leg.is_inbound() {
            return (leg.info.caller.clone(), leg.info.caller_name.clone());
        }
        match self.settings.users.get(&leg.info.callee) {
            Some(user) => {
                let number = user.number.clone().unwrap_or_else(|| leg.info.callee.clone());
                (number, user.display_name.clone())
            }
            None => {
                let uri = jackfield_sip::Uri::parse(&leg.info.callee).ok();
                let number = uri.and_then(|uri| uri.user().and_then(crate::route::dialled));
                (number.unwrap_or_else(|| "anonymous".to_owned()), String::new())
            }
        }
    }

    /// For records: who is on a leg.
    pub(crate) fn party_label(&self, id: LegId) -> String {
        let Some(leg) = self.legs.get(&id) else { return String::new() };
        let caller = self.calls.get(&leg.call).map(|call| &call.caller);
        match (leg.is_inbound(), caller) {
            (true, Some(caller)) if caller.is_user => caller.trunk.clone(),
            (true, _) => leg.info.caller.clone(),
            (false, _) => leg.info.callee.clone(),
        }
    }

    /// How to call the party of a leg again.
    fn callee_of(&self, leg: &Leg) -> Option<Callee> {
        if leg.is_inbound() {
            let caller = &self.calls.get(&leg.call)?.caller;
            return caller.is_user.then(|| Callee::User(caller.trunk.clone()));
        }
        match self.settings.users.contains(&leg.info.callee) {
            true => Some(Callee::User(leg.info.callee.clone())),
            false => Some(Callee::Sip(leg.info.callee.clone())),
        }
    }
}
