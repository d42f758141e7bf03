//! Who looks on while the exchange runs: `jackfield dev`. For everybody else there is none, and it costs nothing.

use jackfield_switch::{CallEvent, CallInfo, CallRecord, InstanceEnd, InstanceId, Reply};
use tokio::sync::mpsc;

/// What may wait to be looked at; past that it is not seen.
const QUEUE: usize = 4096;

/// The exchange's end.
#[derive(Clone, Debug, Default)]
pub struct Onlooker(Option<mpsc::Sender<Seen>>);

/// Something that happened.
#[derive(Debug)]
pub enum Seen {
    /// The exchange has started.
    Ready,
    /// The state of a call has changed.
    Event(CallEvent),
    /// A call is over.
    Record(CallRecord),
    /// A plugin got a call.
    Started { instance: InstanceId, plugin: String, call: CallInfo },
    /// What became of a verb.
    Reply { instance: InstanceId, reply: Reply },
    /// A plugin is done with its call.
    Ended { instance: InstanceId, end: InstanceEnd },
    /// A plugin asked for a sentence.
    Said { plugin: String, text: String },
}

impl Onlooker {
    /// One that looks, and what it sees.
    pub fn new() -> (Onlooker, mpsc::Receiver<Seen>) {
        let (sender, seen) = mpsc::channel(QUEUE);
        (Onlooker(Some(sender)), seen)
    }

    /// Whether somebody looks.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Made only where somebody looks.
    pub fn show(&self, seen: impl FnOnce() -> Seen) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(seen());
        }
    }
}
