//! Who waits, and which agent has whom.

use std::collections::{BTreeMap, VecDeque};

use jackfield_sdk::{
    bus::{self, Address},
    time,
};
use serde::{Deserialize, Serialize};

/// An agent who did not take a call is left alone for so long, in milliseconds.
const REST: u64 = 30_000;

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Ids of calls, the next one first.
    waiting: VecDeque<String>,
    /// Agents by the call that they have.
    serving: BTreeMap<String, String>,
    /// Agents who rest until then.
    resting: BTreeMap<String, u64>,
}

impl Order {
    pub(crate) fn join(&mut self, call: String) {
        self.waiting.push_back(call);
        self.announce(self.waiting.len() - 1);
    }

    pub(crate) fn leave(&mut self, call: &str) {
        self.serving.remove(call);
        if let Some(place) = self.waiting.iter().position(|waiting| waiting == call) {
            self.waiting.remove(place);
            self.announce(place);
        }
    }

    /// Nobody took it: it is the next one again, for another agent.
    pub(crate) fn missed(&mut self, call: String) {
        if let Some(agent) = self.serving.remove(&call) {
            self.resting.insert(agent, time::now() + REST);
            self.waiting.push_front(call);
        }
    }

    /// A call whose instance is gone without a word frees its place and its agent.
    pub(crate) fn look_after(&mut self) {
        self.serving.retain(|call, _| tell(call, "served", ""));
        self.resting.retain(|_, until| *until > time::now());
    }

    pub(crate) fn hand_out(&mut self, agents: &[String]) {
        let busy = |order: &Order, agent: &String| {
            order.resting.contains_key(agent) || order.serving.values().any(|serving| serving == agent)
        };
        while let Some(agent) = agents.iter().find(|agent| !busy(self, agent))
            && let Some(call) = self.waiting.pop_front()
        {
            if tell(&call, "agent", agent) {
                self.serving.insert(call, agent.clone());
            }
            self.announce(0);
        }
    }

    /// Everybody from that place on hears where he stands.
    fn announce(&self, from: usize) {
        for (place, call) in self.waiting.iter().enumerate().skip(from) {
            tell(call, "position", &(place + 1).to_string());
        }
    }
}

/// Whether the call is still there.
fn tell(call: &str, topic: &str, body: &str) -> bool {
    bus::send(&Address::Call(call.to_owned()), topic, body).is_ok()
}
