//! What phones and the operator do, and what is expected of phones.

use std::time::Duration;

use super::{
    grammar::cause_word,
    parse::CALLER,
    script::{Act, Does, Operator, Step},
    stage::Stage,
};
use crate::{CallEnd, Cause, State, World, caller::Call, voice};

/// How long something may take that is not said to happen `within` a time.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Each key takes so long, with the pause behind it.
const KEY: Duration = Duration::from_millis(200);
/// Two who are connected hear each other by then, or speak again.
const PROBE: Duration = Duration::from_secs(3);
/// A record is written when the last leg has gone.
const RECORD: Duration = Duration::from_secs(40);

impl Stage<'_> {
    /// What is wrong, when something else happened.
    pub(super) fn perform(&mut self, step: &Step) -> Result<(), String> {
        let limit = step.within.unwrap_or(PATIENCE);
        match &step.act {
            Act::Phone(who, does) => self.phone(who, does, limit),
            Act::Then(then) => self.then(then, limit),
            Act::Operator(operator) => self.operator(operator),
        }
    }

    fn phone(&mut self, who: &str, does: &Does, limit: Duration) -> Result<(), String> {
        if does.is_in_call() && who == CALLER && self.call(who, |_| ()).is_none() {
            self.dial(who, None)?;
        }
        match does {
            Does::Call(number) => return self.dial(who, number.as_deref()),
            Does::Answer(after) => self.answer(who, *after),
            Does::Reject(status) => self.reject(who, *status),
            Does::LetRing => self.let_ring(who),
            Does::Unregister => self.unregister(who),
            Does::Wait(time) => self.world.run_for(*time),
            Does::Press(keys) => return self.press(who, keys, limit),
            Does::Say(text) => return self.say(who, text, limit),
            Does::HangUp(after) => return self.hang_up(who, *after),
            Does::Rings => return self.rings(who, limit),
            Does::StopsRinging => return self.stops_ringing(who, limit),
            Does::IsAnswered => return self.in_call(who, limit),
            Does::IsRefused(status) => return self.is_refused(who, *status, limit),
            Does::IsHungUpOn(cause) => return self.is_hung_up_on(who, *cause, limit),
            Does::Hears(hears) => return self.hears(who, hears, limit),
            Does::HearsNothing(time) => return self.hears_nothing(who, *time),
            Does::HearsNothingElse => return self.hears_nothing_else(who, limit),
            Does::HasNotHeard(text) => return self.has_not_heard(who, text),
            Does::TalksWith(other) => return self.talk(who, other, limit),
        }
        Ok(())
    }

    // ---- what a phone does

    fn dial(&mut self, who: &str, number: Option<&str>) -> Result<(), String> {
        let number = match number {
            Some(name) => self.actors.get(name).map_or(name, |actor| &actor.number).to_owned(),
            None => self.number.clone().ok_or_else(|| {
                let name = &self.tested.name;
                format!("no number leads to {name}; write `route: 100 plugin {name}`, or `calls 100`")
            })?,
        };
        if self.call(who, |call| call.state != State::Over).unwrap_or(false) {
            return Err(format!("{who} is in a call already"));
        }
        self.telephone(who, |phone, now| phone.dial(now, &number));
        Ok(())
    }

    /// The call that rings, or else those that will.
    fn answer(&mut self, who: &str, after: Option<Duration>) {
        let phone = self.actor(who).phone.clone();
        match (self.is_ringing(who), after) {
            (true, None) => {
                phone.answer();
            }
            (rings, after) => {
                let after = after.unwrap_or_default();
                phone.answers_after(after);
                if rings {
                    let now = self.world.now();
                    self.call(who, |call| {
                        call.answer_at = Some(now.max(call.rang.unwrap_or(now) + after));
                    });
                }
            }
        }
        self.asked_for_ring(who);
    }

    fn reject(&mut self, who: &str, status: u16) {
        let phone = self.actor(who).phone.clone();
        phone.rejects(status);
        if self.is_ringing(who) {
            phone.reject(status);
        }
        self.asked_for_ring(who);
    }

    fn let_ring(&mut self, who: &str) {
        self.actor(who).phone.rings();
        self.call(who, |call| call.answer_at = None);
    }

    fn unregister(&mut self, who: &str) {
        self.actor(who).phone.unregister();
    }

    fn press(&mut self, who: &str, keys: &str, limit: Duration) -> Result<(), String> {
        self.in_call(who, limit)?;
        self.note(format!("{who} presses {keys}"));
        let pressed = self.call(who, |call| call.mouth.as_mut().is_some_and(|mouth| mouth.press(keys)));
        if pressed != Some(true) {
            return Err(format!("nobody listens to the keys of {who}"));
        }
        self.world.run_for(KEY * keys.chars().count() as u32);
        Ok(())
    }

    /// Now, or where a phone waits to be called: after each answer.
    fn say(&mut self, who: &str, text: &str, limit: Duration) -> Result<(), String> {
        let dialled =
            self.call(who, |call| call.state == State::Up || !call.incoming && call.state != State::Over);
        if dialled != Some(true) && who != CALLER {
            self.actor(who).phone.greets_with(text);
            return Ok(());
        }
        self.in_call(who, limit)?;
        self.note(format!("{who} says \"{text}\""));
        self.speak(who, text)?;
        self.world.run_for(voice::length(text));
        Ok(())
    }

    fn speak(&self, who: &str, text: &str) -> Result<(), String> {
        let said = self.call(who, |call| call.mouth.as_mut().map(|mouth| mouth.say(&voice::speak(text))));
        said.flatten().ok_or_else(|| format!("nobody listens to {who}"))
    }

    fn hang_up(&mut self, who: &str, after: Option<Duration>) -> Result<(), String> {
        let phone = self.actor(who).phone.clone();
        let live = self.call(who, |call| call.state != State::Over).unwrap_or(false);
        match after {
            Some(after) => {
                phone.hangs_up_after(after);
                let now = self.world.now();
                self.call(who, |call| call.hang_up_at = (call.state == State::Up).then_some(now + after));
            }
            None if live => {
                phone.hang_up();
            }
            None => return Err(format!("{who} has no call to hang up: {}", self.state_of(who))),
        }
        Ok(())
    }

    // ---- what is expected of a phone

    fn is_ringing(&self, who: &str) -> bool {
        self.call(who, |call| call.incoming && call.state == State::Ringing).unwrap_or(false)
    }

    /// Calls that came to a phone.
    pub(super) fn incoming(&self, who: &str) -> usize {
        let index = self.index(who);
        self.world.0.borrow().phones[index].calls.iter().filter(|call| call.incoming).count()
    }

    pub(super) fn asked_for_ring(&mut self, who: &str) {
        self.actor(who).rung = self.incoming(who);
    }

    pub(super) fn rings(&mut self, who: &str, limit: Duration) -> Result<(), String> {
        let (index, rung) = (self.index(who), self.actor(who).rung);
        let rings = self.until(limit, |house| {
            house.phones[index].calls.iter().filter(|call| call.incoming).count() > rung
        });
        if !rings {
            return Err(format!("{who} did not ring within {}", seconds(limit)));
        }
        self.actor(who).rung += 1;
        Ok(())
    }

    fn stops_ringing(&mut self, who: &str, limit: Duration) -> Result<(), String> {
        if self.incoming(who) == 0 {
            return Err(format!("{who} has not rung"));
        }
        self.asked_for_ring(who);
        let stopped = self.until_call(who, limit, |call| call.state != State::Ringing);
        match self.call(who, |call| (call.state, call.ended)).unwrap_or((State::Ringing, None)) {
            _ if !stopped => Err(format!("{who} still rings after {}", seconds(limit))),
            (_, Some((_, CallEnd::Cancelled))) => Ok(()),
            _ => Err(self.state_of(who)),
        }
    }

    /// Waits for the answer.
    pub(super) fn in_call(&mut self, who: &str, limit: Duration) -> Result<(), String> {
        self.until_call(who, limit, |call| matches!(call.state, State::Up | State::Over));
        match self.call(who, |call| call.state) {
            Some(State::Up) => {
                self.asked_for_ring(who);
                Ok(())
            }
            _ => Err(self.state_of(who)),
        }
    }

    fn is_refused(&mut self, who: &str, status: Option<u16>, limit: Duration) -> Result<(), String> {
        self.until_call(who, limit, |call| matches!(call.state, State::Up | State::Over));
        match self.call(who, |call| call.ended).flatten() {
            Some((_, CallEnd::Refused(real))) if status.is_none_or(|status| status == real) => Ok(()),
            _ => Err(self.state_of(who)),
        }
    }

    fn is_hung_up_on(&mut self, who: &str, cause: Option<Cause>, limit: Duration) -> Result<(), String> {
        let over = self.until_call(who, limit, |call| call.state == State::Over);
        match self.call(who, |call| call.ended).flatten() {
            Some((_, CallEnd::PeerHungUp)) => cause.map_or(Ok(()), |cause| self.ended_with(who, cause)),
            _ if !over => Err(format!("{} for {} more", self.state_of(who), seconds(limit))),
            _ => Err(self.state_of(who)),
        }
    }

    /// Compares the record of the latest call that this phone made.
    fn ended_with(&mut self, who: &str, cause: Cause) -> Result<(), String> {
        let index = self.index(who);
        let (caller, made) = {
            let house = self.world.0.borrow();
            let phone = &house.phones[index];
            (phone.name().to_owned(), phone.calls.iter().filter(|call| !call.incoming).count())
        };
        if made == 0 {
            return Err(format!("{who} has called nobody, so that no record tells the cause"));
        }
        let record = |world: &World| {
            let mut own: Vec<_> =
                world.records().into_iter().filter(|record| record.caller == caller).collect();
            own.sort_by_key(|record| record.started_at);
            own.into_iter().nth(made - 1)
        };
        self.world.run_until(RECORD, |world| record(world).is_some());
        match record(&self.world).map(|record| record.end.cause) {
            Some(found) if found == cause => Ok(()),
            Some(found) => Err(format!("the cause in the record is {}", cause_word(found))),
            None => Err("there is no record of this call".to_owned()),
        }
    }

    /// A sentence about the latest call of a phone.
    pub(super) fn state_of(&self, who: &str) -> String {
        self.call(who, |call| state(who, call)).unwrap_or_else(|| format!("{who} has had no call"))
    }

    /// Each says something that the other hears.
    fn talk(&mut self, who: &str, other: &str, limit: Duration) -> Result<(), String> {
        self.in_call(who, limit)?;
        self.in_call(other, limit)?;
        let attempts = 1 + limit.min(PATIENCE / 2).as_secs() / PROBE.as_secs();
        let mut deaf = String::new();
        for _ in 0..attempts {
            for one in [who, other] {
                self.speak(one, &probe(one))?;
            }
            let here = self.until_call(who, PROBE, |call| hears_probe(call, other));
            let there = here && self.until_call(other, PROBE, |call| hears_probe(call, who));
            if there {
                self.note(format!("{who} and {other} hear each other"));
                return Ok(());
            }
            let (deaf_one, speaker) = if here { (other, who) } else { (who, other) };
            deaf = format!("{deaf_one} does not hear {speaker}");
        }
        Err(deaf)
    }

    fn operator(&mut self, operator: &Operator) -> Result<(), String> {
        if let Operator::Wait(time) = operator {
            self.world.run_for(*time);
            return Ok(());
        }
        let none =
            || "no plugin of this case is a service, and nobody else listens to the operator".to_owned();
        let service = self.service.clone().ok_or_else(none)?;
        match operator {
            Operator::Starts { campaign, contacts } => {
                let contacts = contacts.iter().map(|(number, name)| (name.as_str(), number.as_str()));
                self.world.start_campaign(&service, campaign, contacts);
            }
            Operator::Pauses(campaign) => self.world.pause_campaign(&service, campaign, true),
            Operator::Resumes(campaign) => self.world.pause_campaign(&service, campaign, false),
            Operator::Sends { topic, body } => {
                self.note(format!("operator sends {topic} \"{body}\""));
                self.world.message(&service, topic, body.as_bytes());
            }
            Operator::Wait(_) => {}
        }
        Ok(())
    }
}

impl Does {
    /// Only who has called can do so.
    fn is_in_call(&self) -> bool {
        !matches!(
            self,
            Does::Call(_)
                | Does::Answer(_)
                | Does::Reject(_)
                | Does::LetRing
                | Does::Unregister
                | Does::Wait(_)
                | Does::Rings
                | Does::StopsRinging
        )
    }
}

fn hears_probe(call: &Call, from: &str) -> bool {
    call.ear.sentence(0, &probe(from)).is_some()
}

/// What a phone says to show that it is heard.
pub(super) fn probe(who: &str) -> String {
    format!("({who})")
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

fn state(who: &str, call: &Call) -> String {
    match (call.state, call.ended) {
        (_, Some((_, end))) => format!("the call is over: {}", ended(who, call.incoming, end)),
        (State::Calling, _) => format!("{who} is neither answered nor refused"),
        (State::Ringing, _) if call.incoming => format!("{who} rings and has not answered"),
        (State::Ringing, _) => format!("it rings for {who}, and nobody answers"),
        (State::Up | State::Over, _) => format!("{who} is in the call"),
    }
}

/// How a call ended, in the words of the format.
pub(super) fn ended(who: &str, incoming: bool, end: CallEnd) -> String {
    match end {
        CallEnd::HungUp => format!("{who} hangs up"),
        CallEnd::PeerHungUp => format!("{who} is hung up on"),
        CallEnd::Refused(status) if incoming => format!("{who} refuses with {status}"),
        CallEnd::Refused(status) => format!("{who} is refused with {status}"),
        CallEnd::Cancelled => format!("{who} stops ringing"),
        CallEnd::Failed => format!("the exchange does not respond to {who}"),
    }
}
