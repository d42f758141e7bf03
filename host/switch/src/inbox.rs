//! The events that wait for a plugin instance.

use std::collections::VecDeque;

use crate::command::Event;

/// Events until its driver has said how many.
const DEFAULT_LIMIT: usize = 256;

/// A bounded queue: when it is full, the oldest event goes that the instance can do without.
#[derive(Debug)]
pub(crate) struct Inbox {
    events: VecDeque<Event>,
    limit: usize,
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

    /// Queues an event; true when that cost an older one for the first time.
    pub(crate) fn push(&mut self, event: Event) -> bool {
        let full = self.is_full();
        if full {
            let victim = self.events.iter().position(|event| !is_critical(event)).unwrap_or(0);
            self.events.remove(victim);
        }
        self.events.push_back(event);
        full && !std::mem::replace(&mut self.overflowed, true)
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

impl Default for Inbox {
    fn default() -> Inbox {
        Inbox { events: VecDeque::new(), limit: DEFAULT_LIMIT, overflowed: false }
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
}
