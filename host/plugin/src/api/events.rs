//! `events`: everything an instance can wait for, in one queue.

use jackfield_media::LegId;
use jackfield_switch::{self as switch, Command, Value};

use super::{
    bindings::jackfield::plugin::events::{Event, Host, LaunchEnd, Message, OperationEnd, StopReason},
    millis, unexpected,
};
use crate::instance::State;

impl Host for State {
    async fn next(&mut self, timeout: Option<u32>) -> wasmtime::Result<Option<Event>> {
        match self.ask(Command::Next { timeout: timeout.map(millis) }).await {
            Ok(Value::Event(event)) => Ok(event.map(|event| self.event(event))),
            Ok(other) => Err(unexpected(other).into_trap()),
            Err(failure) => Err(failure.into_trap()),
        }
    }
}

impl State {
    fn event(&self, event: switch::Event) -> Event {
        match event {
            switch::Event::Digit { leg, digit } => Event::Digit((self.call_id(leg), digit.into())),
            switch::Event::Done { leg, operation, end } => {
                Event::Done((self.call_id(leg), operation, end.into()))
            }
            switch::Event::Answered { leg } => Event::Answered(self.call_id(leg)),
            switch::Event::HungUp { leg, info } => Event::HungUp((self.call_id(leg), info.into())),
            switch::Event::Timer(timer) => Event::Timer(timer),
            switch::Event::Message { sender, topic, body, question } => {
                Event::Message(Message { sender, topic, body, reply: question })
            }
            switch::Event::LaunchEnded(end) => Event::LaunchEnded(LaunchEnd {
                launch: end.launch,
                contact: end.contact,
                answered_at: end.answered_at,
                info: end.info.into(),
                results: end.results,
            }),
            switch::Event::LaunchReady => Event::LaunchReady,
            switch::Event::Stop(reason) => Event::Stop(match reason {
                switch::StopReason::Reload => StopReason::Reload,
                switch::StopReason::Disabled => StopReason::Disabled,
                switch::StopReason::Shutdown => StopReason::Shutdown,
            }),
        }
    }

    /// Legs are known by their call-id even after the guest dropped its handle.
    fn call_id(&self, leg: LegId) -> String {
        let known = self.legs.iter().find(|(known, _)| *known == leg);
        known.map_or_else(|| format!("leg-{}", leg.0), |(_, id)| id.to_string())
    }
}

impl From<switch::OperationEnd> for OperationEnd {
    fn from(end: switch::OperationEnd) -> Self {
        match end {
            switch::OperationEnd::Finished => OperationEnd::Finished,
            switch::OperationEnd::Interrupted(digit) => OperationEnd::Interrupted(digit.into()),
            switch::OperationEnd::Stopped => OperationEnd::Stopped,
            switch::OperationEnd::Failed(error) => OperationEnd::Failed(error.into()),
        }
    }
}
