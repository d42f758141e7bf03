//! The events that wait for a plugin instance.

use std::collections::VecDeque;

use crate::command::Event;

/// Events until its driver has said how many.
const DEFAULT_LIMIT: usize = 256;
/// Of all messages that wait.
const MAX_BYTES: usize = 1 << 20;

/// A bounded queue: when it is full, the oldest event goes that the instance can do without.
#[derive(Debug)]
pub(crate) struct Inbox {
    events: VecDeque<Event>,
    limit: usize,
    /// Of the messages among them.
    bytes: usize,
    overflowed: bool,
}

impl Inbox {
    /// What waits already stays; there is room for one event at least.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.max(1);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= self.limit
    }

    pub(crate) fn has_room_for(&self, message: &Event) -> bool {
        !self.is_full() && self.bytes + bytes(message) <= MAX_BYTES
    }

    /// That timer has fired already, and the instance does not know yet.
    pub(crate) fn has_timer(&self, number: u64) -> bool {
        self.events.contains(&Event::Timer(number))
    }

    /// Queues an event; true when that cost an older one for the first time.
    pub(crate) fn push(&mut self, event: Event) -> bool {
        let full = self.is_full();
        if full {
            let victim = self.events.iter().position(|event| !is_critical(event)).unwrap_or(0);
            self.bytes -= self.events.remove(victim).as_ref().map_or(0, bytes);
        }
        self.bytes += bytes(&event);
        self.events.push_back(event);
        full && !std::mem::replace(&mut self.overflowed, true)
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.bytes -= bytes(&event);
        Some(event)
    }
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox { events: VecDeque::new(), limit: DEFAULT_LIMIT, bytes: 0, overflowed: false }
    }
}

/// What a message brings along; all else is small.
fn bytes(event: &Event) -> usize {
    match event {
        Event::Message { topic, body, .. } => topic.len() + body.len(),
        _ => 0,
    }
}

/// Without these an instance waits for ever, or loses a result.
fn is_critical(event: &Event) -> bool {
    match event {
        Event::Digit { .. } | Event::Timer(_) => false,
        Event::Message { question, .. } => question.is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::StopReason;

    #[test]
    fn a_full_inbox_loses_its_oldest_dispensable_event_and_says_so_once() {
        let mut inbox = Inbox::default();
        inbox.set_limit(2);
        assert!(!inbox.push(Event::Stop(StopReason::Reload)));
        assert!(!inbox.push(Event::Timer(1)));
        assert!(inbox.push(Event::Timer(2)));
        assert!(!inbox.push(Event::Timer(3)));
        assert_eq!(inbox.pop(), Some(Event::Stop(StopReason::Reload)));
        assert_eq!(inbox.pop(), Some(Event::Timer(3)));
        assert_eq!(inbox.pop(), None);
    }

    #[test]
    fn messages_that_wait_take_a_bounded_number_of_bytes() {
        let message = || Event::Message {
            sender: "ivr".to_owned(),
            topic: String::new(),
            body: vec![0; 60 << 10],
            question: None,
        };
        let mut inbox = Inbox::default();
        let taken =
            std::iter::from_fn(|| inbox.has_room_for(&message()).then(|| inbox.push(message()))).count();
        assert_eq!(taken, MAX_BYTES / (60 << 10));
        inbox.pop();
        assert!(inbox.has_room_for(&message()));
    }
}
