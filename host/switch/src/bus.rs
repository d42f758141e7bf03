//! Messages between instances, and from the operator to services.

use std::time::Duration;

use crate::{
    command::{Address, Error, Event, Value},
    io::{InstanceId, Token},
    switch::Switch,
    timer::{Deadline, TimerId},
};

/// Bytes of a topic and its body.
const MAX_MESSAGE: usize = 64 * 1024;

/// An `ask` that waits for its answer.
#[derive(Debug)]
pub(crate) struct Question {
    asker: InstanceId,
    token: Token,
    asked: InstanceId,
    timer: TimerId,
}

impl Switch {
    pub(crate) fn send(
        &mut self,
        from: InstanceId,
        to: &Address,
        topic: String,
        body: Vec<u8>,
    ) -> Result<Value, Error> {
        check_size(&topic, &body)?;
        let sender = self.plugin_of(from);
        let receivers = self.receivers(to)?;
        let mut taken = false;
        for receiver in receivers {
            let message = Event::Message {
                sender: sender.clone(),
                topic: topic.clone(),
                body: body.clone(),
                question: None,
            };
            taken |= self.deliver(receiver, message).is_ok();
        }
        if taken { Ok(Value::Done) } else { Err(Error::Limit("events of the receiver".to_owned())) }
    }

    pub(crate) fn ask(
        &mut self,
        from: (InstanceId, Token),
        to: &Address,
        topic: String,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<Option<Value>, Error> {
        check_size(&topic, &body)?;
        let receivers = self.receivers(to)?;
        let asked = receivers.into_iter().find(|receiver| *receiver != from.0);
        let asked = asked.ok_or_else(|| Error::NotFound("nobody else to ask".to_owned()))?;
        let question = self.next_id();
        let sender = self.plugin_of(from.0);
        self.deliver(asked, Event::Message { sender, topic, body, question: Some(question) })?;
        let timer = self.timers.set(self.now.saturating_add(timeout), Deadline::Question(question));
        self.questions.insert(question, Question { asker: from.0, token: from.1, asked, timer });
        Ok(None)
    }

    pub(crate) fn answer_question(
        &mut self,
        by: InstanceId,
        number: u64,
        answer: Result<Vec<u8>, String>,
    ) -> Result<Value, Error> {
        let is_asked = self.questions.get(&number).is_some_and(|question| question.asked == by);
        if !is_asked {
            return Err(Error::NotFound("nobody waits for this answer".to_owned()));
        }
        self.end_question(number, answer.map(Value::Answer).map_err(Error::Other));
        Ok(Value::Done)
    }

    pub(crate) fn question_timed_out(&mut self, number: u64) {
        self.end_question(number, Err(Error::Timeout));
    }

    fn end_question(&mut self, number: u64, reply: Result<Value, Error>) {
        if let Some(question) = self.questions.remove(&number) {
            self.timers.cancel(question.timer);
            self.reply(question.asker, question.token, reply);
        }
    }

    /// The asker does not wait any more.
    pub(crate) fn abandon_question(&mut self, asker: InstanceId, token: Token) {
        let timers = &mut self.timers;
        self.questions.retain(|_, question| {
            let abandoned = question.asker == asker && question.token == token;
            if abandoned {
                timers.cancel(question.timer);
            }
            !abandoned
        });
    }

    /// An instance is gone: what it asked, and what it was asked.
    pub(crate) fn forget_questions(&mut self, instance: InstanceId) {
        let open = self.questions.iter();
        let open = open.filter(|(_, question)| question.asker == instance || question.asked == instance);
        let open: Vec<u64> = open.map(|(&number, _)| number).collect();
        for number in open {
            self.end_question(number, Err(Error::Unavailable("the one who was asked has ended".to_owned())));
        }
    }

    /// A message from outside, for the service of a plugin.
    pub(crate) fn operator_message(&mut self, plugin: String, sender: String, topic: String, body: Vec<u8>) {
        let message = Event::Message { sender, topic, body, question: None };
        let delivered = match self.services.get(&plugin).copied() {
            Some(service) => self.deliver(service, message),
            None => Err(Error::NotFound("no such service runs".to_owned())),
        };
        if let Err(error) = delivered {
            let text = format!("the message to {plugin} is lost: {error}");
            self.notice(crate::io::Level::Warn, text, None);
        }
    }

    fn deliver(&mut self, to: InstanceId, message: Event) -> Result<(), Error> {
        let has_room = |instance: &crate::instance::Instance| instance.inbox.has_room_for(&message);
        if !self.instances.get(&to).is_some_and(has_room) {
            return Err(Error::Limit("events of the receiver".to_owned()));
        }
        self.post(to, message);
        Ok(())
    }

    fn receivers(&self, to: &Address) -> Result<Vec<InstanceId>, Error> {
        let found: Vec<InstanceId> = match to {
            Address::Plugin(name) => match self.services.get(name) {
                Some(&service) => vec![service],
                None => self.instances.iter().filter(|(_, i)| i.plugin == *name).map(|(&id, _)| id).collect(),
            },
            Address::Call(id) => {
                let call = self.calls.values().find(|call| call.id == *id);
                let leg = self.legs.values().find(|leg| leg.info.id == *id);
                let owner = call.and_then(|call| call.instance).or(leg.and_then(|leg| leg.owner));
                owner.into_iter().collect()
            }
        };
        if found.is_empty() { Err(Error::NotFound(format!("{to:?}"))) } else { Ok(found) }
    }

    pub(crate) fn plugin_of(&self, instance: InstanceId) -> String {
        self.instances.get(&instance).map(|instance| instance.plugin.clone()).unwrap_or_default()
    }
}

fn check_size(topic: &str, body: &[u8]) -> Result<(), Error> {
    match topic.len() + body.len() {
        0..=MAX_MESSAGE => Ok(()),
        _ => Err(Error::Limit(format!("a message has at most {MAX_MESSAGE} bytes"))),
    }
}
