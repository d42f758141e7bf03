//! Two legs that hear each other.

use std::time::Duration;

use jackfield_media::{self as media, Digits, LegId};

use crate::{
    command::{BridgeEnd, BridgeOptions, Error, Event, HangupInfo, OperationEnd, Value},
    io::Output,
    switch::Switch,
    timer::{Deadline, TimerId},
    trace::Happened,
};

/// The other leg, and what holds the two together.
#[derive(Debug)]
pub(crate) struct Joined {
    other: LegId,
    tie: Tie,
    /// This leg's verb or operation made the bridge.
    first: bool,
    break_digit: Digits,
    timer: Option<TimerId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    /// What the far end sends before it answers.
    Early,
    /// A route: the end of one leg is the end of the other.
    Route,
    Verb,
    /// `start-bridge`.
    Operation(u32),
}

impl Joined {
    pub(crate) fn is_early(&self) -> bool {
        self.tie == Tie::Early
    }

    pub(crate) fn other(&self) -> LegId {
        self.other
    }
}

impl Switch {
    /// Joins the media of two legs. A tie that they had with each other, or by early media, is replaced.
    pub(crate) fn join(&mut self, first: LegId, other: LegId, tie: Tie) {
        self.join_with(first, other, tie, &BridgeOptions::default());
    }

    fn join_with(&mut self, first: LegId, other: LegId, tie: Tie, options: &BridgeOptions) {
        for (leg, with, is_first) in [(first, other, true), (other, first, false)] {
            let timer = options.max.filter(|max| is_first && *max > Duration::ZERO);
            let timer =
                timer.map(|max| self.timers.set(self.now.saturating_add(max), Deadline::Bridge(first)));
            let break_digit = if is_first { options.break_digit } else { Digits::NONE };
            let joined = Joined { other: with, tie, first: is_first, break_digit, timer };
            let former = self.legs.get_mut(&leg).and_then(|leg| leg.joined.replace(joined));
            self.timers.cancel(former.and_then(|former| former.timer));
        }
        self.bring_together(first, other);
        self.media(first, media::Command::Bridge { a: first, b: other });
        for leg in [first, other] {
            // A bridge ends what plays.
            self.legs.get_mut(&leg).into_iter().for_each(|leg| leg.music = None);
            self.tune(leg);
        }
        if tie != Tie::Early {
            let with = self.leg_name(other);
            self.trace(first, Happened::Bridged { with });
        }
    }

    /// Takes two legs apart; both stay. What held them together, and the leg that made it.
    pub(crate) fn part(&mut self, leg: LegId) -> Option<(LegId, Tie)> {
        let joined = self.legs.get_mut(&leg)?.joined.take()?;
        let partner = self.legs.get_mut(&joined.other).and_then(|leg| leg.joined.take());
        self.timers.cancel(joined.timer);
        self.timers.cancel(partner.and_then(|partner| partner.timer));
        self.media(leg, media::Command::Unbridge { leg });
        if joined.tie != Tie::Early {
            let with = self.leg_name(joined.other);
            self.trace(leg, Happened::Parted { with });
        }
        self.tune(leg);
        self.tune(joined.other);
        Some((if joined.first { leg } else { joined.other }, joined.tie))
    }

    /// A bridged leg is gone: what becomes of the other one?
    pub(crate) fn partner_gone(&mut self, gone: Joined, info: HangupInfo) {
        self.timers.cancel(gone.timer);
        let other = gone.other;
        let Some(leg) = self.legs.get_mut(&other) else { return };
        let joined = leg.joined.take();
        self.timers.cancel(joined.and_then(|joined| joined.timer));
        self.media(other, media::Command::Unbridge { leg: other });
        if !gone.is_early() && self.transferor_gone(other) {
            return;
        }
        self.tune(other);
        match gone.tie {
            Tie::Route => self.hang_up(other, info.passed_on()),
            // The end of the leg that made the bridge has ended its verb already.
            tie if !gone.first => self.bridge_ended(other, tie, BridgeEnd::OtherHungUp(info)),
            _ => {}
        }
    }

    /// Ends a bridge and keeps both legs.
    pub(crate) fn unbridge(&mut self, leg: LegId, end: BridgeEnd) {
        if let Some((first, tie)) = self.part(leg) {
            self.bridge_ended(first, tie, end);
        }
    }

    /// Tells the instance whose verb or operation it was.
    pub(crate) fn bridge_ended(&mut self, first: LegId, tie: Tie, end: BridgeEnd) {
        match tie {
            Tie::Verb => self.finish_verb(first, Ok(Value::Bridged(end))),
            Tie::Operation(operation) => {
                let Some(leg) = self.legs.get_mut(&first) else { return };
                leg.operations.remove(&operation);
                let Some(owner) = leg.owner else { return };
                let end = match end {
                    BridgeEnd::OtherHungUp(_) | BridgeEnd::Timeout => OperationEnd::Finished,
                    BridgeEnd::Digit(digit) => OperationEnd::Interrupted(digit),
                    BridgeEnd::Unbridged => OperationEnd::Stopped,
                };
                self.post(owner, Event::Done { leg: first, operation, end });
            }
            Tie::Early | Tie::Route => {}
        }
    }

    /// The digit ends the bridge of this leg.
    pub(crate) fn breaks_bridge(&self, leg: LegId, digit: char) -> bool {
        let joined = self.legs.get(&leg).and_then(|leg| leg.joined.as_ref());
        joined.is_some_and(|joined| joined.first && joined.break_digit.contains(digit))
    }

    /// For `bridge` and `start-bridge`; an unanswered leg is answered.
    pub(crate) fn bridge_by(
        &mut self,
        first: LegId,
        other: LegId,
        options: &BridgeOptions,
        tie: Tie,
    ) -> Result<(), Error> {
        if first == other {
            return Err(Error::Invalid("a leg cannot be bridged with itself".to_owned()));
        }
        let (Some(a), Some(b)) = (self.legs.get(&first), self.legs.get(&other)) else {
            return Err(Error::NotFound("the other leg".to_owned()));
        };
        if a.dial.is_some() || b.dial.is_some() {
            return Err(Error::Invalid("the other leg has not answered yet".to_owned()));
        }
        if a.is_bridged() || b.is_bridged() {
            return Err(Error::Busy("a leg is bridged already".to_owned()));
        }
        let failed = |_| Error::Unavailable("a leg has no codec of ours".to_owned());
        self.answer(other, Some(first)).map_err(failed)?;
        self.answer(first, Some(other)).map_err(failed)?;
        self.unbridge(first, BridgeEnd::Unbridged);
        self.unbridge(other, BridgeEnd::Unbridged);
        self.join_with(first, other, tie, options);
        self.note_connected(first, other);
        self.note_connected(other, first);
        Ok(())
    }

    /// Legs of two media workers: one of them moves, as it is and with its sockets, so that its party notices
    /// nothing.
    pub(super) fn bring_together(&mut self, first: LegId, other: LegId) {
        let worker = |leg| self.legs.get(&leg).map(|leg| leg.audio.lease.worker);
        let (Some(of_first), Some(of_other)) = (worker(first), worker(other)) else { return };
        if of_first == of_other {
            return;
        }
        let to = self.leases.meeting_place(of_first, of_other);
        let (leg, from) = if to == of_first { (other, of_other) } else { (first, of_first) };
        self.leases.hand_over(leg, to);
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.audio.lease.worker = to;
        }
        self.outputs.push_back(Output::Move { leg, from, to });
    }

    /// For the record of the call that a leg began.
    fn note_connected(&mut self, leg: LegId, other: LegId) {
        let (Some(leg_state), Some(other)) = (self.legs.get(&leg), self.legs.get(&other)) else { return };
        let (key, label) = (leg_state.call, other.info.callee.clone());
        self.connected_if_first(key, leg, label);
    }

    pub(crate) fn bridge_timed_out(&mut self, first: LegId) {
        self.unbridge(first, BridgeEnd::Timeout);
    }
}
