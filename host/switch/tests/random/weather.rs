//! The network between the phones and the exchange.

use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use bytes::Bytes;
use jackfield_sip::{Flow, FlowId};
use jackfield_switch::Time;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// The same bytes are lost so often at most: then every transaction can end in its time.
const MAX_LOSSES: u8 = 2;

/// What the network does to datagrams; a connection only has latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weather {
    pub(crate) latency: Duration,
    /// Up to this much more, which reorders.
    pub(crate) jitter: Duration,
    /// Of 100.
    pub(crate) loss: u32,
    /// Of 100.
    pub(crate) duplication: u32,
}

const fn weather(jitter: u64, loss: u32, duplication: u32) -> Weather {
    let (latency, jitter) = (Duration::from_millis(10), Duration::from_millis(jitter));
    Weather { latency, jitter, loss, duplication }
}

pub(crate) const FAIR: Weather = weather(0, 0, 0);
pub(crate) const RAIN: Weather = weather(60, 5, 5);
pub(crate) const STORM: Weather = weather(700, 25, 15);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum To {
    Exchange,
    Phone,
}

#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) to: To,
    pub(crate) flow: Flow,
    pub(crate) bytes: Bytes,
    call: u64,
}

pub(crate) struct Network {
    rng: StdRng,
    pub(crate) weather: Weather,
    flying: BTreeMap<(Time, u64), Packet>,
    count: u64,
    /// By what was lost.
    losses: HashMap<u64, u8>,
    /// Packets that fly, by the hash of their Call-ID.
    calls: HashMap<u64, u32>,
    /// The last arrival on each connection: nothing overtakes there.
    connections: BTreeMap<(FlowId, To), Time>,
}

impl Network {
    pub(crate) fn new(seed: u64, weather: Weather) -> Network {
        Network {
            rng: StdRng::seed_from_u64(seed),
            weather,
            flying: BTreeMap::new(),
            count: 0,
            losses: HashMap::new(),
            calls: HashMap::new(),
            connections: BTreeMap::new(),
        }
    }

    pub(crate) fn send(&mut self, now: Time, to: To, flow: Flow, bytes: Bytes) {
        let call = hash(call_id(&bytes));
        if flow.transport.is_reliable() {
            let last = self.connections.entry((flow.id, to)).or_default();
            let at = (now + self.weather.latency).max(*last);
            *last = at;
            return self.fly(at, Packet { to, flow, bytes, call });
        }
        let copies = if self.rng.random_range(0..100) < self.weather.duplication { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = self.rng.random_range(0..=self.weather.jitter.as_millis() as u64);
            let at = now + self.weather.latency + Duration::from_millis(jitter);
            let is_unlucky = self.rng.random_range(0..100) < self.weather.loss;
            if !(is_unlucky && self.lose(to, &bytes)) {
                self.fly(at, Packet { to, flow, bytes: bytes.clone(), call });
            }
        }
    }

    fn lose(&mut self, to: To, bytes: &Bytes) -> bool {
        let losses = self.losses.entry(hash((to, bytes))).or_default();
        *losses += 1;
        *losses <= MAX_LOSSES
    }

    fn fly(&mut self, at: Time, packet: Packet) {
        self.count += 1;
        *self.calls.entry(packet.call).or_default() += 1;
        self.flying.insert((at, self.count), packet);
    }

    pub(crate) fn next_arrival(&self) -> Option<Time> {
        self.flying.keys().next().map(|(at, _)| *at)
    }

    /// The first packet that arrives by `now`.
    pub(crate) fn arrival(&mut self, now: Time) -> Option<Packet> {
        let entry = self.flying.first_entry().filter(|entry| entry.key().0 <= now)?;
        let packet = entry.remove();
        self.forget(&packet);
        Some(packet)
    }

    fn forget(&mut self, packet: &Packet) {
        if let Some(count) = self.calls.get_mut(&packet.call) {
            *count -= 1;
        }
    }

    /// What is on a connection that is closed is lost.
    pub(crate) fn close(&mut self, flow: FlowId) {
        let lost: Vec<_> =
            self.flying.iter().filter(|(_, packet)| packet.flow.id == flow).map(|(at, _)| *at).collect();
        for at in lost {
            if let Some(packet) = self.flying.remove(&at) {
                self.forget(&packet);
            }
        }
    }

    /// Whether a message of that call is under way.
    pub(crate) fn carries(&self, call_id: &str) -> bool {
        self.calls.get(&hash(call_id)).is_some_and(|count| *count > 0)
    }
}

fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn call_id(bytes: &[u8]) -> &str {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let value = text.split_once("Call-ID: ").and_then(|(_, rest)| rest.split_once("\r\n"));
    value.map_or("", |(value, _)| value)
}
