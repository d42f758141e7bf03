//! INVITE with Replaces: a phone takes the place of another one in a call (RFC 3891).

use jackfield_media::LegId;
use jackfield_sip::{Answer, Replaces};

use super::{bridge::Tie, dial::Purpose, leg::final_answer, transfer::TRANSFERRED};
use crate::{
    command::{Cause, HangupInfo},
    switch::Switch,
};

/// Whose place is taken, and who is on the other end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) old: LegId,
    pub(crate) partner: LegId,
}

impl Switch {
    /// The leg that a Replaces header means, or the response that its sender gets (RFC 3891 3).
    pub(crate) fn place(&self, replaces: &Replaces) -> Result<Place, Answer> {
        let unknown = || final_answer(481);
        let replaced = self.endpoint.replaced(replaces).ok_or_else(unknown)?;
        let &old = self.sessions.get(&replaced.session).ok_or_else(unknown)?;
        if replaced.is_early && !replaced.is_ours {
            return Err(unknown());
        }
        if replaces.early_only && !replaced.is_early {
            return Err(final_answer(486));
        }
        let leg = self.legs.get(&old).ok_or_else(unknown)?;
        let partner = match &leg.dial {
            Some(dial) => dial.from.filter(|_| dial.purpose == Purpose::Route),
            None => leg.joined.as_ref().filter(|joined| !joined.is_early()).map(|joined| joined.other()),
        };
        let partner = partner.ok_or_else(unknown)?;
        match self.legs.get(&partner).is_some_and(|partner| partner.transfer.is_some())
            || leg.transfer.is_some()
        {
            true => Err(final_answer(491)),
            false => Ok(Place { old, partner }),
        }
    }

    /// Puts a new caller into the place of another leg, whose party is hung up on.
    pub(crate) fn take_place(&mut self, new: LegId, place: Place) {
        let Place { old, partner } = place;
        let unfit = HangupInfo::new(Cause::Other, 488);
        if self.answer(new, Some(partner)).is_err() {
            self.refuse(new, 488, unfit);
            return;
        }
        let rings = self.legs.get_mut(&old).and_then(|leg| leg.dial.as_mut()).map(|dial| {
            // It must not end what it was called for.
            dial.from = None;
            dial.purpose = Purpose::Cancelled;
        });
        self.stop_ringback(partner);
        match rings {
            Some(()) => drop(self.part(partner)),
            None => {
                self.leave_partner(partner);
                self.leave_instance(partner);
            }
        }
        let calls = [partner, new, old].map(|leg| self.legs.get(&leg).map(|leg| leg.call));
        let [Some(call), Some(new_call), Some(old_call)] = calls else { return };
        self.succeed_first(old_call, old, partner);
        if self.answer(partner, Some(new)).is_err() {
            [old, new, partner].into_iter().for_each(|leg| self.hang_up(leg, unfit));
            return;
        }
        self.link(call, new_call);
        self.join(partner, new, Tie::Route);
        let labels = [new, partner].map(|leg| Some(self.party_label(leg)));
        let [of_new, of_partner] = labels;
        self.connected(call, of_new);
        self.connected(new_call, of_partner);
        self.tune_both(partner);
        let info = match rings {
            Some(()) => HangupInfo::new(Cause::AnsweredElsewhere, 487),
            None => TRANSFERRED,
        };
        self.hang_up(old, info);
    }
}
