//! `bus`: messages between instances.

use jackfield_switch::{self as switch, Command, Error, Value};

use super::{
    Failure, MAX_BODY, MAX_NAME, MAX_TEXT, at_most,
    bindings::jackfield::plugin::bus::{Address, Host},
    millis, unexpected,
};
use crate::instance::State;

impl Host for State {
    async fn send(&mut self, to: Address, topic: String, body: Vec<u8>) -> Result<(), Failure> {
        let to = self.address(to, &topic, &body)?;
        match self.ask(Command::Send { to, topic, body }).await? {
            Value::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    async fn ask(
        &mut self,
        to: Address,
        topic: String,
        body: Vec<u8>,
        timeout: u32,
    ) -> Result<Vec<u8>, Failure> {
        let to = self.address(to, &topic, &body)?;
        match State::ask(self, Command::Ask { to, topic, body, timeout: millis(timeout) }).await? {
            Value::Answer(answer) => Ok(answer),
            other => Err(unexpected(other)),
        }
    }

    async fn reply(&mut self, to: u64, answer: Result<Vec<u8>, String>) -> Result<(), Failure> {
        match &answer {
            Ok(body) => at_most("body", body.len(), MAX_BODY)?,
            Err(text) => at_most("error", text.len(), MAX_TEXT)?,
        }
        match State::ask(self, Command::Answered { question: to, answer }).await? {
            Value::Done => Ok(()),
            other => Err(unexpected(other)),
        }
    }
}

impl State {
    fn address(&self, to: Address, topic: &str, body: &[u8]) -> Result<switch::Address, Error> {
        at_most("topic", topic.len(), MAX_NAME)?;
        at_most("body", body.len(), MAX_BODY)?;
        match to {
            Address::Plugin(name) => {
                at_most("plugin", name.len(), MAX_NAME)?;
                self.rights().bus(&name)?;
                Ok(switch::Address::Plugin(name))
            }
            // Whoever was told a call's id may write to it: ids cannot be guessed.
            Address::Call(id) => {
                at_most("call", id.len(), MAX_NAME)?;
                Ok(switch::Address::Call(id))
            }
        }
    }
}
