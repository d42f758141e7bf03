//! Prompts, digits and recordings of a leg, for the plugin that drives it.

use jackfield_media::{self as media, Digits, LegId, PlayId, RecordEnd, RecordId, Source, WorkerId};

use super::{
    gather::{Gather, Step},
    leg::{Leg, Operation, Phase, Verb, VerbKind},
};
use crate::{
    command::{Error, Event, GatherEnd, GatherOptions, OperationEnd, PlayEnd, RecordOptions, Reply, Value},
    io::{InstanceId, Output, Token, Write},
    switch::{Storing, Switch},
    timer::Deadline,
    trace::Happened,
};

/// A recording outlives the leg that it was made on.
#[derive(Debug)]
pub(crate) struct Recording {
    leg: LegId,
    plugin: String,
    name: String,
}

impl Switch {
    // ---- prompts

    /// The leg can hear: it is up, or `early` media reached it.
    pub(crate) fn audible(&mut self, id: LegId, early: bool) -> Result<(), Error> {
        let leg = self.legs.get(&id).ok_or_else(|| Error::NotFound("the leg".to_owned()))?;
        match leg.phase {
            Phase::Up | Phase::Early if leg.dial.is_none() => Ok(()),
            Phase::Ringing if leg.is_inbound() && early => match self.early(id, None) {
                true => Ok(()),
                false => Err(Error::Invalid("this caller has no media before the answer".to_owned())),
            },
            _ => Err(Error::Invalid("answer the call first".to_owned())),
        }
    }

    pub(crate) fn start_playing(
        &mut self,
        leg: LegId,
        sources: Vec<Source>,
        repeat: u32,
        interrupt: Digits,
    ) -> PlayId {
        let play = PlayId(self.next_id());
        self.media(leg, media::Command::Play { leg, play, sources, repeat, interrupt });
        play
    }

    pub(crate) fn stop_playing(&mut self, leg: LegId, play: PlayId) {
        self.media(leg, media::Command::StopPlay { leg, play });
    }

    pub(crate) fn play_ended(&mut self, id: LegId, play: PlayId, end: media::PlayEnd) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.music.take_if(|music| *music == play);
        let end = match end {
            media::PlayEnd::Finished => PlayEnd::Finished,
            media::PlayEnd::Interrupted(digit) => PlayEnd::Interrupted(digit),
            media::PlayEnd::Stopped => PlayEnd::Stopped,
        };
        if let Some(operation) = take_operation(leg, Operation::Play(play)) {
            self.operation_done(id, operation, operation_end(end));
            return;
        }
        match leg.verb.as_mut().map(|verb| &mut verb.kind) {
            Some(VerbKind::Play(of_verb)) if *of_verb == play => {
                self.finish_verb(id, Ok(Value::Played(end)));
            }
            Some(VerbKind::Gather { gather, play: of_verb, .. }) if *of_verb == Some(play) => {
                *of_verb = None;
                let step = gather.prompts_ended();
                self.gather_step(id, step);
            }
            _ => {}
        }
    }

    // ---- digits

    pub(crate) fn gather(
        &mut self,
        id: LegId,
        by: (InstanceId, Token),
        sources: Vec<Source>,
        options: GatherOptions,
    ) -> Result<Option<Value>, Error> {
        if options.max == 0 || options.max > 255 || options.max < options.min {
            return Err(Error::Invalid("gather needs 1 <= max <= 255 and min <= max".to_owned()));
        }
        self.audible(id, false)?;
        let Some(leg) = self.legs.get_mut(&id) else { return Ok(None) };
        if options.flush {
            leg.forget_typed();
        }
        let barge_in = options.barge_in;
        let mut gather = Gather::new(options, !sources.is_empty());
        while gather.wants_more() {
            let Some(digit) = leg.next_typed() else { break };
            gather.digit(digit);
        }
        // Who has typed ahead knows the prompt already.
        let prompting = gather.is_prompting();
        let step = gather.start();
        let kind = VerbKind::Gather { gather, play: None, timer: None };
        leg.verb = Some(Verb { instance: by.0, token: by.1, kind });
        if prompting {
            let interrupt = if barge_in { Digits::ALL } else { Digits::NONE };
            let started = self.start_playing(id, sources, 1, interrupt);
            if let Some(VerbKind::Gather { play, .. }) = self.verb_kind(id) {
                *play = Some(started);
            }
        }
        self.gather_step(id, step);
        Ok(None)
    }

    pub(crate) fn gather_step(&mut self, id: LegId, step: Step) {
        let Some(VerbKind::Gather { timer, .. }) = self.verb_kind(id) else { return };
        let former = timer.take();
        self.timers.cancel(former);
        match step {
            Step::Wait => {}
            Step::WaitFor(time) => {
                let set = self.timers.set(self.now.saturating_add(time), Deadline::Gather(id));
                if let Some(VerbKind::Gather { timer, .. }) = self.verb_kind(id) {
                    *timer = Some(set);
                }
            }
            Step::End(end) => self.finish_gather(id, end),
        }
    }

    pub(crate) fn gather_timed_out(&mut self, id: LegId) {
        if let Some(VerbKind::Gather { gather, .. }) = self.verb_kind(id) {
            let end = gather.timed_out();
            self.finish_gather(id, end);
        }
    }

    fn finish_gather(&mut self, id: LegId, ended_by: GatherEnd) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(verb) = leg.verb.take() else { return };
        let VerbKind::Gather { gather, timer, .. } = verb.kind else {
            leg.verb = Some(verb);
            return;
        };
        self.timers.cancel(timer);
        let digits = gather.into_digits();
        self.reply(verb.instance, verb.token, Ok(Value::Gathered { digits, ended_by }));
    }

    pub(crate) fn digits_sent(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.sending = leg.sending.saturating_sub(1);
        let last = leg.sending == 0;
        if last && self.verb_is(id, |kind| matches!(kind, VerbKind::SendDigits)) {
            self.finish_verb(id, Ok(Value::Done));
        }
    }

    // ---- recordings

    pub(crate) fn start_recording(
        &mut self,
        leg: LegId,
        plugin: String,
        options: RecordOptions,
    ) -> Result<RecordId, Error> {
        let record = RecordId(self.next_id());
        let name = match options.name.as_str() {
            "" => {
                let of_leg = self.legs.get(&leg).map(|leg| leg.info.id.as_str()).unwrap_or_default();
                format!("{of_leg}-{}", record.0)
            }
            name => name.to_owned(),
        };
        if !is_file_name(&name) {
            return Err(Error::Invalid(format!("{name:?} is no name for a recording")));
        }
        self.recordings.insert(record, Recording { leg, plugin, name });
        self.trace(leg, Happened::RecordingStarted);
        let RecordOptions { max, silence, finish, beep, .. } = options;
        self.media(leg, media::Command::Record { leg, record, max, silence, finish, beep });
        Ok(record)
    }

    pub(crate) fn recorded(
        &mut self,
        id: LegId,
        record: RecordId,
        end: RecordEnd,
        samples: std::sync::Arc<[i16]>,
    ) {
        let Some(recording) = self.recordings.remove(&record) else { return };
        self.trace(id, Happened::RecordingEnded);
        let digit = match end {
            RecordEnd::Digit(digit) => Some(digit),
            _ => None,
        };
        let length = std::time::Duration::from_micros(samples.len() as u64 * 125);
        let value = Value::Recorded { name: recording.name.clone(), length, digit };
        let token = self.next_token();
        self.storing.insert(token, Storing::Recording { leg: id, record, end, value: Box::new(value) });
        let write = Write::Recording { plugin: recording.plugin, name: recording.name, samples };
        self.outputs.push_back(Output::Store { token: Some(token), write });
    }

    /// The recording is on disk, or could not be written.
    pub(crate) fn recording_stored(&mut self, id: LegId, record: RecordId, end: RecordEnd, outcome: Reply) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if let Some(operation) = take_operation(leg, Operation::Record(record)) {
            let end = match (outcome, end) {
                (Err(error), _) => OperationEnd::Failed(error),
                (_, RecordEnd::Digit(digit)) => OperationEnd::Interrupted(digit),
                (_, RecordEnd::Stopped) => OperationEnd::Stopped,
                _ => OperationEnd::Finished,
            };
            self.operation_done(id, operation, end);
        } else if self.verb_is(id, |kind| matches!(kind, VerbKind::Record(of_verb) if *of_verb == record)) {
            self.finish_verb(id, outcome);
        }
    }

    /// The worker has closed the leg: nothing more comes from it.
    pub(crate) fn audio_closed(&mut self, id: LegId, worker: WorkerId) {
        self.leases.give_back(id, worker);
        self.recordings.retain(|_, recording| recording.leg != id);
    }

    // ---- operations

    pub(crate) fn stop_operation(&mut self, leg: LegId, operation: Operation) {
        match operation {
            Operation::Play(play) => self.stop_playing(leg, play),
            Operation::Record(record) => {
                self.media(leg, media::Command::StopRecord { leg, record });
            }
            Operation::Bridge => self.unbridge(leg, crate::command::BridgeEnd::Unbridged),
        }
    }

    fn operation_done(&mut self, leg: LegId, operation: u32, end: OperationEnd) {
        if let Some(owner) = self.legs.get(&leg).and_then(|leg| leg.owner) {
            self.post(owner, Event::Done { leg, operation, end });
        }
    }
}

fn take_operation(leg: &mut Leg, wanted: Operation) -> Option<u32> {
    let number = leg.operations.iter().find(|(_, operation)| **operation == wanted).map(|(&n, _)| n)?;
    leg.operations.remove(&number);
    Some(number)
}

fn operation_end(end: PlayEnd) -> OperationEnd {
    match end {
        PlayEnd::Finished => OperationEnd::Finished,
        PlayEnd::Interrupted(digit) => OperationEnd::Interrupted(digit),
        PlayEnd::Stopped => OperationEnd::Stopped,
    }
}

/// Below one folder, whatever the store makes of it.
fn is_file_name(name: &str) -> bool {
    name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'))
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}
