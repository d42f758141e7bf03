//! The verbs of the contract: what each asks of the switch.

use std::time::Duration;

use jackfield_media::{self as media, Digits, LegId};
use jackfield_sip::Name;

use crate::{
    call::{
        CallKey,
        audio::NoAgreement,
        bridge::Tie,
        dial::{DialOrder, Purpose},
        leg::{Leg, NORMAL, Operation, Verb, VerbKind},
    },
    command::{
        CallState, Cause, Command, DialEnd, DialOptions, Direction, Error, HangupInfo, PlayEnd, Reply, Value,
    },
    instance::PluginTimer,
    io::{InstanceId, Token},
    switch::Switch,
    timer::Deadline,
    user::Caller,
};

/// Timers that one instance may run.
const MAX_TIMERS: usize = 64;
/// The shortest interval of a repeating timer; that of a second one is twice as long, and so on.
const MIN_REPEAT: Duration = Duration::from_millis(10);
/// Results of one call.
const MAX_RESULTS: usize = 64;
/// Characters of a key and of a value in a call record.
const MAX_RESULT: usize = 1024;
/// Operations that run on one leg.
const MAX_OPERATIONS: usize = 16;
/// Targets of one dial, and headers of its INVITE.
const MAX_LIST: usize = 32;
/// Digits sent by one verb.
const MAX_DIGITS: usize = 64;

/// A verb's value at once, or nothing yet: the reply follows.
type Outcome = Result<Option<Value>, Error>;

impl Switch {
    /// One verb of one instance.
    pub(crate) fn command(&mut self, instance: InstanceId, token: Token, command: Command) {
        let outcome = match self.instances.contains_key(&instance) {
            true => self.perform(instance, token, command),
            false => Err(Error::HungUp(HangupInfo::new(Cause::Other, 0))),
        };
        if let Some(reply) = outcome.transpose() {
            self.reply(instance, token, reply);
        }
    }

    fn perform(&mut self, instance: InstanceId, token: Token, command: Command) -> Outcome {
        let by = (instance, token);
        match command {
            Command::Answer { leg } => self.answer_verb(by, leg),
            Command::Ring { leg } => {
                self.owned(instance, leg)?;
                self.ring(leg);
                done()
            }
            Command::Reject { leg, code } => self.reject_verb(instance, leg, code),
            Command::Hangup { leg, reason: _ } => self.hangup_verb(instance, leg),
            Command::State { leg } => self.state_verb(instance, leg),
            Command::Play { leg, sources, options } => {
                self.free(instance, leg)?;
                self.audible(leg, options.early)?;
                if sources.is_empty() {
                    return Ok(Some(Value::Played(PlayEnd::Finished)));
                }
                let play = self.start_playing(leg, sources, options.repeat, options.interrupt);
                self.wait(by, leg, VerbKind::Play(play))
            }
            Command::StartPlay { leg, sources, options } => {
                self.owned(instance, leg)?;
                self.audible(leg, options.early)?;
                self.has_room(leg)?;
                let play = self.start_playing(leg, sources, options.repeat, options.interrupt);
                self.begin(instance, leg, Operation::Play(play))
            }
            Command::Gather { leg, sources, options } => {
                self.free(instance, leg)?;
                self.gather(leg, by, sources, options)
            }
            Command::Record { leg, options } => {
                self.free(instance, leg)?;
                self.audible(leg, false)?;
                let record = self.start_recording(leg, self.plugin_of(instance), options)?;
                self.wait(by, leg, VerbKind::Record(record))
            }
            Command::StartRecord { leg, options } => {
                self.owned(instance, leg)?;
                self.audible(leg, false)?;
                self.has_room(leg)?;
                let record = self.start_recording(leg, self.plugin_of(instance), options)?;
                self.begin(instance, leg, Operation::Record(record))
            }
            Command::Stop { leg, operation } => {
                let running = self.owned(instance, leg)?.operations.get(&operation).copied();
                let running = running.ok_or_else(|| Error::NotFound(format!("operation {operation}")))?;
                self.stop_operation(leg, running);
                done()
            }
            Command::SendDigits { leg, digits } => self.send_digits(by, leg, digits),
            Command::Dial { leg, options } => self.dial_verb(by, leg, options),
            Command::StartDial { leg, options } => self.start_dial(instance, leg, options),
            Command::Bridge { leg, other, options } => {
                self.free(instance, leg)?;
                self.owned_other(instance, other)?;
                self.bridge_by(leg, other, &options, Tie::Verb)?;
                self.wait(by, leg, VerbKind::Bridge)
            }
            Command::StartBridge { leg, other, options } => {
                self.owned(instance, leg)?;
                self.owned_other(instance, other)?;
                self.has_room(leg)?;
                let operation = self.next_operation(instance);
                self.bridge_by(leg, other, &options, Tie::Operation(operation))?;
                self.note(leg, operation, Operation::Bridge)
            }
            Command::SetResult { leg: _, key, value } => self.set_result(instance, key, value),
            Command::Next { timeout } => Ok(self.next_event(instance, token, timeout)),
            Command::Sleep { time } => self.sleep(by, time),
            Command::StartTimer { after, repeat } => self.start_timer(instance, after, repeat),
            Command::CancelTimer { timer } => {
                let running = self.instances.get_mut(&instance).and_then(|i| i.timers.remove(&timer));
                self.timers.cancel(running.map(|timer| timer.set));
                done()
            }
            Command::Launch(options) => self.launch(instance, token, options),
            Command::CancelLaunch { launch } => self.cancel_launch(instance, launch).map(Some),
            Command::Slots => self.slots(instance).map(Some),
            Command::Send { to, topic, body } => self.send(instance, &to, topic, body).map(Some),
            Command::Ask { to, topic, body, timeout } => self.ask(by, &to, topic, body, timeout),
            Command::Answered { question, answer } => {
                self.answer_question(instance, question, answer).map(Some)
            }
        }
    }

    // ---- the state of a leg

    fn answer_verb(&mut self, by: (InstanceId, Token), leg: LegId) -> Outcome {
        let is_called = self.free(by.0, leg)?.dial.is_some();
        if is_called {
            return Err(Error::Invalid("this leg is being called: it answers itself".to_owned()));
        }
        self.answer(leg, None).map_err(|NoAgreement| Error::Unavailable("no common codec".to_owned()))?;
        match self.legs.get(&leg).is_some_and(|leg| leg.audio.offered) {
            true => self.wait(by, leg, VerbKind::Answer),
            false => done(),
        }
    }

    fn reject_verb(&mut self, instance: InstanceId, leg: LegId, code: u16) -> Outcome {
        if !(300..=699).contains(&code) {
            return Err(Error::Invalid(format!("{code} is no final failure response: 300 to 699")));
        }
        if matches!(code, 401 | 407) {
            // RFC 3261 22.1: without a challenge they mean nothing, and challenges are the exchange's.
            return Err(Error::Invalid(format!("{code} asks for a login: use 403")));
        }
        if !self.owned(instance, leg)?.is_unanswered() {
            return Err(Error::Invalid("the call is answered: hang up instead".to_owned()));
        }
        let info = HangupInfo { by_peer: false, ..HangupInfo::from_status(code) };
        self.refuse(leg, code, info);
        done()
    }

    fn hangup_verb(&mut self, instance: InstanceId, leg: LegId) -> Outcome {
        match self.owned(instance, leg)?.is_unanswered() {
            true => self.refuse(leg, 603, HangupInfo::new(Cause::Rejected, 603)),
            false => self.hang_up(leg, NORMAL),
        }
        done()
    }

    fn state_verb(&mut self, instance: InstanceId, leg: LegId) -> Outcome {
        match self.owned(instance, leg) {
            Ok(leg) => Ok(Some(Value::State(leg.state()))),
            Err(Error::HungUp(_)) => Ok(Some(Value::State(CallState::Ended))),
            Err(error) => Err(error),
        }
    }

    /// Results may come after the hang-up, as long as the instance lives.
    fn set_result(&mut self, instance: InstanceId, key: String, value: String) -> Outcome {
        if key.len() > MAX_RESULT || value.len() > MAX_RESULT {
            return Err(Error::Limit(format!("a result has at most {MAX_RESULT} bytes")));
        }
        let call = self.instances.get(&instance).and_then(|instance| instance.call);
        let call = call.and_then(|key| self.calls.get_mut(&key));
        let results = &mut call.ok_or_else(|| Error::NotFound("the call".to_owned()))?.results;
        match results.iter().position(|(known, _)| *known == key) {
            Some(index) => results[index].1 = value,
            None if results.len() >= MAX_RESULTS => {
                return Err(Error::Limit(format!("a call has at most {MAX_RESULTS} results")));
            }
            None => results.push((key, value)),
        }
        done()
    }

    // ---- media

    fn send_digits(&mut self, by: (InstanceId, Token), leg: LegId, digits: std::sync::Arc<str>) -> Outcome {
        self.free(by.0, leg)?;
        self.audible(leg, false)?;
        let wrong = |digit| Error::Invalid(format!("{digit:?} is no digit"));
        Digits::parse(&digits).map_err(wrong)?;
        if digits.len() > MAX_DIGITS {
            return Err(Error::Limit(format!("at most {MAX_DIGITS} digits at once")));
        }
        if digits.is_empty() {
            return done();
        }
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.sending += 1;
        }
        self.media(leg, media::Command::SendDigits { leg, digits });
        self.wait(by, leg, VerbKind::SendDigits)
    }

    // ---- dialling

    fn dial_verb(&mut self, by: (InstanceId, Token), leg: Option<LegId>, options: DialOptions) -> Outcome {
        let (instance, token) = by;
        if let Some(leg) = leg {
            self.free(instance, leg)?;
        }
        let (key, order) = self.order(instance, leg, options, Purpose::Verb { instance, token, leg })?;
        match (self.dial(key, order), leg) {
            (Ok(dialled), Some(leg)) => self.wait(by, leg, VerbKind::Dial(dialled)),
            (Ok(_), None) => Ok(None),
            (Err(info), _) => {
                self.finish_call(key);
                Ok(Some(Value::Dialled(DialEnd::Failed(info))))
            }
        }
    }

    fn start_dial(&mut self, instance: InstanceId, leg: LegId, options: DialOptions) -> Outcome {
        self.owned(instance, leg)?;
        let (key, order) = self.order(instance, Some(leg), options, Purpose::Started(instance))?;
        let dialled =
            self.dial(key, order).map_err(|info| Error::Unavailable(format!("{:?}", info.cause)))?;
        let info = self.legs.get(&dialled).map(|leg| leg.info.clone());
        Ok(info.map(|info| Value::Leg(dialled, info)))
    }

    fn order(
        &mut self,
        instance: InstanceId,
        from: Option<LegId>,
        options: DialOptions,
        purpose: Purpose,
    ) -> Result<(CallKey, DialOrder), Error> {
        if options.targets.is_empty() || options.targets.len() > MAX_LIST {
            return Err(Error::Invalid(format!("a dial has 1 to {MAX_LIST} targets")));
        }
        if self.shutting_down {
            return Err(Error::Unavailable("the exchange shuts down".to_owned()));
        }
        let callees = self.callees(&options.targets)?;
        let headers = headers(options.headers)?;
        if self.instances.get(&instance).is_some_and(|instance| instance.legs.len() >= MAX_LIST) {
            return Err(Error::Limit(format!("an instance has at most {MAX_LIST} legs")));
        }
        // Last, for it may make a call: one that gets no leg would stay for ever.
        let key = self.call_to_dial_for(instance, from, &options.targets)?;
        let (number, name) = self.presented(key);
        let order = DialOrder {
            // A leg that nobody hears ring, as of `originate`, has no caller.
            from: from.filter(|from| self.legs.get(from).is_some_and(|leg| leg.dial.is_none())),
            callees,
            ring: options.timeout,
            caller: (options.caller.unwrap_or(number), options.caller_name.unwrap_or(name)),
            headers,
            ringback: options.ringback,
            purpose,
            owner: Some(instance),
        };
        Ok((key, order))
    }

    /// The instance's own call; a service has none, and makes one if there is room.
    fn call_to_dial_for(
        &mut self,
        instance: InstanceId,
        from: Option<LegId>,
        targets: &[String],
    ) -> Result<CallKey, Error> {
        let of_leg = from.and_then(|leg| self.legs.get(&leg)).map(|leg| leg.call);
        let of_instance = self.instances.get(&instance).and_then(|instance| instance.call);
        if let Some(key) = of_leg.or(of_instance) {
            return Ok(key);
        }
        if self.room_for_calls() == 0 {
            return Err(self.no_room_for_calls());
        }
        let plugin = self.plugin_of(instance);
        let caller =
            Caller { number: "anonymous".to_owned(), name: String::new(), trunk: plugin, is_user: false };
        Ok(self.new_call(Direction::Outbound, caller, targets.join(",")))
    }

    // ---- time

    fn sleep(&mut self, by: (InstanceId, Token), time: Duration) -> Outcome {
        let timer = self.timers.set(self.now.saturating_add(time), Deadline::Sleep(by.0, by.1));
        match self.instances.get_mut(&by.0) {
            Some(instance) => drop(instance.sleeps.insert(by.1, timer)),
            None => self.timers.cancel(timer),
        }
        Ok(None)
    }

    fn start_timer(&mut self, id: InstanceId, after: Duration, repeat: bool) -> Outcome {
        let number = self.next_id();
        let Some(instance) = self.instances.get_mut(&id) else { return Ok(None) };
        if instance.timers.len() >= MAX_TIMERS {
            return Err(Error::Limit(format!("an instance has at most {MAX_TIMERS} timers")));
        }
        let repeating = instance.timers.values().filter(|timer| timer.every.is_some()).count() as u32;
        let every = repeat.then(|| after.max(MIN_REPEAT * (repeating + 1)));
        let set =
            self.timers.set(self.now.saturating_add(every.unwrap_or(after)), Deadline::Plugin(id, number));
        instance.timers.insert(number, PluginTimer { set, every });
        Ok(Some(Value::Number(number)))
    }

    // ---- verbs that wait, operations that run

    /// The guest gave up waiting: what the verb began must stop, without a reply.
    pub(crate) fn abandoned(&mut self, id: InstanceId, token: Token) {
        let Some(instance) = self.instances.get_mut(&id) else { return };
        if let Some((_, timer)) = instance.next.take_if(|(waiting, _)| *waiting == token) {
            self.timers.cancel(timer);
            return;
        }
        if let Some(timer) = instance.sleeps.remove(&token) {
            self.timers.cancel(timer);
            return;
        }
        let legs: Vec<LegId> = instance.legs.iter().copied().collect();
        for leg in legs {
            let Some(state) = self.legs.get_mut(&leg) else { continue };
            if let Some(verb) = state.verb.take_if(|verb| verb.token == token) {
                self.stop_verb(leg, verb);
                return;
            }
            // A dial without a leg that waits for it.
            let purpose = Purpose::Verb { instance: id, token, leg: None };
            if let Some(dial) = state.dial.as_mut().filter(|dial| dial.purpose == purpose) {
                dial.purpose = Purpose::Cancelled;
                self.hang_up(leg, HangupInfo::new(Cause::Cancelled, 487));
                return;
            }
        }
        self.abandon_question(id, token);
        self.abandon_launch(id, token);
    }

    /// Stops what a verb began; it has been taken from its leg, and is answered by the caller.
    pub(crate) fn stop_verb(&mut self, id: LegId, verb: Verb) {
        match verb.kind {
            VerbKind::Answer | VerbKind::SendDigits => {}
            VerbKind::Play(play) => self.stop_playing(id, play),
            VerbKind::Gather { gather, play, timer } => {
                self.timers.cancel(timer);
                if let Some(play) = play {
                    self.stop_playing(id, play);
                }
                // What was typed so far is there for the next verb.
                if let Some(leg) = self.legs.get_mut(&id) {
                    gather.into_digits().chars().for_each(|digit| leg.type_ahead(digit));
                }
            }
            VerbKind::Record(record) => {
                self.media(id, media::Command::StopRecord { leg: id, record });
            }
            VerbKind::Dial(dialled) => {
                if let Some(dial) = self.legs.get_mut(&dialled).and_then(|leg| leg.dial.as_mut()) {
                    dial.purpose = Purpose::Cancelled;
                    self.hang_up(dialled, HangupInfo::new(Cause::Cancelled, 487));
                }
            }
            VerbKind::Bridge => drop(self.part(id)),
        }
    }

    /// Answers the verb that waits on a leg.
    pub(crate) fn finish_verb(&mut self, id: LegId, reply: Reply) {
        if let Some(verb) = self.legs.get_mut(&id).and_then(|leg| leg.verb.take()) {
            self.reply(verb.instance, verb.token, reply);
        }
    }

    pub(crate) fn verb_kind(&mut self, id: LegId) -> Option<&mut VerbKind> {
        Some(&mut self.legs.get_mut(&id)?.verb.as_mut()?.kind)
    }

    pub(crate) fn verb_is(&self, id: LegId, wanted: impl FnOnce(&VerbKind) -> bool) -> bool {
        let verb = self.legs.get(&id).and_then(|leg| leg.verb.as_ref());
        verb.is_some_and(|verb| wanted(&verb.kind))
    }

    fn wait(&mut self, by: (InstanceId, Token), leg: LegId, kind: VerbKind) -> Outcome {
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.verb = Some(Verb { instance: by.0, token: by.1, kind });
        }
        Ok(None)
    }

    fn begin(&mut self, instance: InstanceId, leg: LegId, operation: Operation) -> Outcome {
        let number = self.next_operation(instance);
        self.note(leg, number, operation)
    }

    fn note(&mut self, leg: LegId, number: u32, operation: Operation) -> Outcome {
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.operations.insert(number, operation);
        }
        Ok(Some(Value::Operation(number)))
    }

    fn next_operation(&mut self, instance: InstanceId) -> u32 {
        self.instances.get_mut(&instance).map_or(0, |instance| instance.next_operation())
    }

    // ---- what an instance may touch

    /// A leg of this instance, or why it is none (any more).
    fn owned(&self, instance: InstanceId, leg: LegId) -> Result<&Leg, Error> {
        if let Some(found) = self.legs.get(&leg).filter(|leg| leg.owner == Some(instance)) {
            return Ok(found);
        }
        let gone = self.instances.get(&instance).and_then(|instance| instance.gone.get(&leg));
        Err(gone.map_or_else(|| Error::NotFound("this leg".to_owned()), |info| Error::HungUp(*info)))
    }

    /// As [`owned`](Switch::owned), for the far side of a bridge: only the own leg ends as hung up.
    fn owned_other(&self, instance: InstanceId, leg: LegId) -> Result<(), Error> {
        match self.owned(instance, leg) {
            Err(Error::HungUp(_)) => Err(Error::NotFound("the other leg has ended".to_owned())),
            found => found.map(|_| ()),
        }
    }

    /// A leg of this instance on which no verb waits.
    fn free(&self, instance: InstanceId, leg: LegId) -> Result<&Leg, Error> {
        let found = self.owned(instance, leg)?;
        match found.verb {
            Some(_) => Err(Error::Busy("another verb waits on this leg".to_owned())),
            None => Ok(found),
        }
    }

    fn has_room(&self, leg: LegId) -> Result<(), Error> {
        match self.legs.get(&leg).is_some_and(|leg| leg.operations.len() >= MAX_OPERATIONS) {
            true => Err(Error::Limit(format!("a leg has at most {MAX_OPERATIONS} operations"))),
            false => Ok(()),
        }
    }
}

fn done() -> Outcome {
    Ok(Some(Value::Done))
}

/// Headers that a plugin adds to an INVITE: none that makes the call what it is.
fn headers(headers: Vec<(String, String)>) -> Result<Vec<(Name, String)>, Error> {
    if headers.len() > MAX_LIST {
        return Err(Error::Limit(format!("a dial has at most {MAX_LIST} headers")));
    }
    let checked = headers.into_iter().map(|(name, value)| {
        let token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(token) || value.len() > MAX_RESULT {
            return Err(Error::Invalid(format!("header {name:?}")));
        }
        match Name::from(name.as_str()) {
            name @ (Name::Other(_)
            | Name::AlertInfo
            | Name::CallInfo
            | Name::Diversion
            | Name::HistoryInfo
            | Name::PAssertedIdentity
            | Name::Priority
            | Name::Privacy
            | Name::Subject) => Ok((name, value)),
            name => Err(Error::Denied(format!("header {name}"))),
        }
    });
    checked.collect()
}
