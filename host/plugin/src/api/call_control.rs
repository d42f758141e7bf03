//! `call-control`: verbs on legs. Each posts a command to the switch and waits for its reply.

use std::sync::Arc;

use jackfield_media::LegId;
use jackfield_switch::{self as switch, CallInfo, Command, Error, Value};
use wasmtime::component::Resource;

use super::{
    Failure, MAX_LIST, MAX_NAME, MAX_TEXT, at_most,
    bindings::jackfield::plugin::call_control::{
        BridgeEnd, BridgeOptions, DialEnd, DialOptions, GatherEnd, GatherOptions, Gathered, Host, HostCall,
        HostClip, PlayEnd, PlayOptions, Prompt, RecordOptions, Recording,
    },
    millis, name,
    prompt::{digits, in_words, recording_name},
    types, unexpected,
};
use crate::instance::State;

/// A leg in a guest's hands.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Call {
    pub(crate) leg: LegId,
    pub(crate) info: Arc<CallInfo>,
}

/// Audio in a guest's hands.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Clip {
    pub(super) audio: Arc<jackfield_media::Clip>,
    /// For the journal; empty where there is none.
    pub(super) words: String,
}

impl State {
    fn of(&self, call: &Resource<Call>) -> Result<LegId, Failure> {
        Ok(self.table.get(call)?.leg)
    }

    /// For commands that are answered with [`Value::Done`].
    async fn done(&mut self, leg: LegId, command: Command) -> Result<(), Failure> {
        match self.ask_leg(leg, command).await? {
            Value::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    async fn operation(&mut self, leg: LegId, command: Command) -> Result<u32, Failure> {
        match self.ask_leg(leg, command).await? {
            Value::Operation(number) => Ok(number),
            other => Err(unexpected(other)),
        }
    }

    fn dial_options(&mut self, options: DialOptions) -> Result<switch::DialOptions, Error> {
        at_most("targets", options.targets.len(), MAX_LIST)?;
        if options.targets.is_empty() {
            return Err(Error::Invalid("dial: no target".into()));
        }
        for target in &options.targets {
            at_most("target", target.len(), MAX_NAME)?;
            self.rights().dial(target)?;
        }
        let said = options.ringback.iter().filter(|_| self.tape.is_on()).cloned().collect();
        let ringback = options.ringback.as_deref().map(|name| self.ringback(name)).transpose()?;
        let options = switch::DialOptions {
            targets: options.targets,
            timeout: millis(options.timeout),
            caller: options.caller.map(|caller| name("caller", caller)).transpose()?,
            caller_name: options.caller_name.map(|caller| name("caller-name", caller)).transpose()?,
            headers: types::from_headers(options.headers)?,
            ringback: ringback.map(|source| vec![source]),
        };
        self.said = said;
        Ok(options)
    }

    fn record_options(&self, options: RecordOptions) -> Result<switch::RecordOptions, Error> {
        self.rights().record()?;
        if options.both {
            let text = "recording both directions comes with a later version of this daemon";
            return Err(Error::Unavailable(text.into()));
        }
        if !options.name.is_empty() {
            recording_name(&options.name)?;
        }
        Ok(switch::RecordOptions {
            name: options.name,
            max: millis(options.max),
            silence: Some(millis(options.silence)).filter(|time| !time.is_zero()),
            finish: digits("finish", &options.finish)?,
            beep: options.beep,
        })
    }

    /// A dial's outcome; an answered leg becomes a handle.
    fn dial_end(&mut self, value: Value) -> Result<DialEnd, Failure> {
        match value {
            Value::Dialled(switch::DialEnd::Answered(leg, info)) => {
                Ok(DialEnd::Answered(self.leg(leg, info)?))
            }
            Value::Dialled(switch::DialEnd::Failed(info)) => Ok(DialEnd::Failed(info.into())),
            other => Err(unexpected(other)),
        }
    }
}

impl Host for State {
    async fn originate(&mut self, options: DialOptions) -> Result<DialEnd, Failure> {
        let options = self.dial_options(options)?;
        self.has_room_for_handle()?;
        let value = self.ask(Command::Dial { leg: None, options }).await?;
        self.dial_end(value)
    }
}

impl HostCall for State {
    fn id(&mut self, call: Resource<Call>) -> wasmtime::Result<String> {
        Ok(self.table.get(&call)?.info.id.clone())
    }

    fn info(&mut self, call: Resource<Call>) -> wasmtime::Result<types::CallInfo> {
        Ok((&*self.table.get(&call)?.info).into())
    }

    async fn state(&mut self, call: Resource<Call>) -> wasmtime::Result<types::CallState> {
        let leg = self.table.get(&call)?.leg;
        match self.ask(Command::State { leg }).await {
            Ok(Value::State(state)) => {
                if !matches!(state, switch::CallState::Ringing | switch::CallState::Early) {
                    self.rings_no_more(leg);
                }
                Ok(state.into())
            }
            Ok(other) => Err(unexpected(other).into_trap()),
            Err(Failure::Error(Error::HungUp(_) | Error::NotFound(_))) => Ok(types::CallState::Ended),
            Err(failure) => Err(failure.into_trap()),
        }
    }

    async fn answer(&mut self, call: Resource<Call>) -> Result<(), Failure> {
        let leg = self.of(&call)?;
        self.done(leg, Command::Answer { leg }).await
    }

    async fn ring(&mut self, call: Resource<Call>) -> Result<(), Failure> {
        let leg = self.of(&call)?;
        self.done(leg, Command::Ring { leg }).await
    }

    async fn reject(&mut self, call: Resource<Call>, code: u16) -> Result<(), Failure> {
        let leg = self.of(&call)?;
        if !(300..700).contains(&code) {
            return Err(Error::Invalid(format!("reject: {code} is not from 300 to 699")).into());
        }
        self.done(leg, Command::Reject { leg, code }).await
    }

    async fn hangup(&mut self, call: Resource<Call>, reason: String) -> Result<(), Failure> {
        let leg = self.of(&call)?;
        let reason = name("reason", reason)?;
        self.done(leg, Command::Hangup { leg, reason }).await
    }

    async fn play(
        &mut self,
        call: Resource<Call>,
        prompts: Vec<Prompt>,
        options: PlayOptions,
    ) -> Result<PlayEnd, Failure> {
        let leg = self.of(&call)?;
        let options = play_options(options)?;
        let sources = self.sources(prompts).await?;
        match self.ask_leg(leg, Command::Play { leg, sources, options }).await? {
            Value::Played(switch::PlayEnd::Finished) => Ok(PlayEnd::Finished),
            Value::Played(switch::PlayEnd::Interrupted(digit)) => Ok(PlayEnd::Interrupted(digit.into())),
            Value::Played(switch::PlayEnd::Stopped) => Ok(PlayEnd::Stopped),
            other => Err(unexpected(other)),
        }
    }

    async fn gather(&mut self, call: Resource<Call>, options: GatherOptions) -> Result<Gathered, Failure> {
        let leg = self.of(&call)?;
        if options.max == 0 || options.min > options.max {
            let text = format!("gather: min {} and max {}", options.min, options.max);
            return Err(Error::Invalid(text).into());
        }
        at_most("max", options.max as usize, MAX_NAME)?;
        let finish = digits("finish", &options.finish)?;
        let sources = self.sources(options.prompts).await?;
        let options = switch::GatherOptions {
            barge_in: options.barge_in,
            min: options.min,
            max: options.max,
            finish,
            first_timeout: millis(options.first_timeout),
            inter_timeout: millis(options.inter_timeout),
            flush: options.flush,
        };
        match self.ask_leg(leg, Command::Gather { leg, sources, options }).await? {
            Value::Gathered { digits, ended_by } => Ok(Gathered { digits, ended_by: ended_by.into() }),
            other => Err(unexpected(other)),
        }
    }

    async fn record(&mut self, call: Resource<Call>, options: RecordOptions) -> Result<Recording, Failure> {
        let leg = self.of(&call)?;
        let options = self.record_options(options)?;
        match self.ask_leg(leg, Command::Record { leg, options }).await? {
            Value::Recorded { name, length, digit } => {
                let length = length.as_millis().try_into().unwrap_or(u32::MAX);
                Ok(Recording { name, length, digit: digit.map(String::from) })
            }
            other => Err(unexpected(other)),
        }
    }

    async fn send_digits(&mut self, call: Resource<Call>, text: String) -> Result<(), Failure> {
        let leg = self.of(&call)?;
        at_most("digits", text.len(), MAX_NAME)?;
        digits("send-digits", &text)?;
        self.done(leg, Command::SendDigits { leg, digits: text.into() }).await
    }

    async fn hold(&mut self, _: Resource<Call>, _: String) -> Result<(), Failure> {
        Err(later("hold"))
    }

    async fn unhold(&mut self, _: Resource<Call>) -> Result<(), Failure> {
        Err(later("unhold"))
    }

    async fn start_play(
        &mut self,
        call: Resource<Call>,
        prompts: Vec<Prompt>,
        options: PlayOptions,
    ) -> Result<u32, Failure> {
        let leg = self.of(&call)?;
        let options = play_options(options)?;
        let sources = self.sources(prompts).await?;
        self.operation(leg, Command::StartPlay { leg, sources, options }).await
    }

    async fn start_record(&mut self, call: Resource<Call>, options: RecordOptions) -> Result<u32, Failure> {
        let leg = self.of(&call)?;
        let options = self.record_options(options)?;
        self.operation(leg, Command::StartRecord { leg, options }).await
    }

    async fn stop(&mut self, call: Resource<Call>, operation: u32) -> Result<(), Failure> {
        let leg = self.of(&call)?;
        self.done(leg, Command::Stop { leg, operation }).await
    }

    async fn dial(&mut self, call: Resource<Call>, options: DialOptions) -> Result<DialEnd, Failure> {
        let leg = self.of(&call)?;
        let options = self.dial_options(options)?;
        self.has_room_for_handle()?;
        let value = self.ask_leg(leg, Command::Dial { leg: Some(leg), options }).await?;
        self.dial_end(value)
    }

    async fn start_dial(
        &mut self,
        call: Resource<Call>,
        options: DialOptions,
    ) -> Result<Resource<Call>, Failure> {
        let leg = self.of(&call)?;
        let options = self.dial_options(options)?;
        self.has_room_for_handle()?;
        match self.ask_leg(leg, Command::StartDial { leg, options }).await? {
            Value::Leg(leg, info) => Ok(self.leg(leg, info)?),
            other => Err(unexpected(other)),
        }
    }

    async fn bridge(
        &mut self,
        call: Resource<Call>,
        other: Resource<Call>,
        options: BridgeOptions,
    ) -> Result<BridgeEnd, Failure> {
        let (leg, other) = (self.of(&call)?, self.of(&other)?);
        let options = bridge_options(options)?;
        match self.ask_leg(leg, Command::Bridge { leg, other, options }).await? {
            Value::Bridged(switch::BridgeEnd::OtherHungUp(info)) => Ok(BridgeEnd::OtherHungUp(info.into())),
            Value::Bridged(switch::BridgeEnd::Digit(digit)) => Ok(BridgeEnd::Digit(digit.into())),
            Value::Bridged(switch::BridgeEnd::Timeout) => Ok(BridgeEnd::Timeout),
            Value::Bridged(switch::BridgeEnd::Unbridged) => Ok(BridgeEnd::Unbridged),
            other => Err(unexpected(other)),
        }
    }

    async fn start_bridge(
        &mut self,
        call: Resource<Call>,
        other: Resource<Call>,
        options: BridgeOptions,
    ) -> Result<u32, Failure> {
        let (leg, other) = (self.of(&call)?, self.of(&other)?);
        let options = bridge_options(options)?;
        self.operation(leg, Command::StartBridge { leg, other, options }).await
    }

    async fn transfer(&mut self, _: Resource<Call>, _: String) -> Result<(), Failure> {
        Err(later("transfer"))
    }

    async fn set_result(&mut self, call: Resource<Call>, key: String, value: String) -> Result<(), Failure> {
        let leg = self.of(&call)?;
        let key = name("key", key)?;
        at_most("value", value.len(), MAX_TEXT)?;
        self.done(leg, Command::SetResult { leg, key, value }).await
    }

    /// Not a hang-up: guests with garbage collection drop late.
    fn drop(&mut self, call: Resource<Call>) -> wasmtime::Result<()> {
        self.table.delete(call)?;
        Ok(())
    }
}

impl HostClip for State {
    async fn open(&mut self, name: String) -> Result<Resource<Clip>, Failure> {
        let audio = self.audio(&name).await?;
        let words = if self.tape.is_on() { name } else { String::new() };
        Ok(self.table.push(Clip { audio, words })?)
    }

    async fn say(&mut self, speech: types::Speech) -> Result<Resource<Clip>, Failure> {
        let words = if self.tape.is_on() { in_words(&speech) } else { String::new() };
        let answer = self.speech(speech)?;
        let audio = self.wait(answer).await?;
        Ok(self.table.push(Clip { audio, words })?)
    }

    fn length(&mut self, clip: Resource<Clip>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&clip)?.audio.length().as_millis().try_into().unwrap_or(u32::MAX))
    }

    fn drop(&mut self, clip: Resource<Clip>) -> wasmtime::Result<()> {
        self.table.delete(clip)?;
        Ok(())
    }
}

impl From<switch::GatherEnd> for GatherEnd {
    fn from(end: switch::GatherEnd) -> Self {
        match end {
            switch::GatherEnd::MaxReached => GatherEnd::MaxReached,
            switch::GatherEnd::FinishDigit => GatherEnd::FinishDigit,
            switch::GatherEnd::FirstTimeout => GatherEnd::FirstTimeout,
            switch::GatherEnd::InterTimeout => GatherEnd::InterTimeout,
        }
    }
}

fn play_options(options: PlayOptions) -> Result<switch::PlayOptions, Error> {
    let interrupt = digits("interrupt", &options.interrupt)?;
    Ok(switch::PlayOptions { interrupt, repeat: options.repeat, early: options.early })
}

fn bridge_options(options: BridgeOptions) -> Result<switch::BridgeOptions, Error> {
    Ok(switch::BridgeOptions {
        max: Some(millis(options.max)).filter(|time| !time.is_zero()),
        break_digit: digits("break-digit", &options.break_digit)?,
    })
}

fn later(verb: &str) -> Failure {
    Error::Unavailable(format!("`{verb}` comes with a later version of this daemon")).into()
}
