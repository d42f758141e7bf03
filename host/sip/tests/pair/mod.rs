//! Two endpoints in virtual time over a seeded link with latency, loss, duplication and reordering.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jackfield_sip::{
    Answer, ClientId, Config, Endpoint, Event, Flow, FlowId, Invite, Load, Message, Method, Output, ServerId,
    SessionEnd, SessionId, Time, Transport,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub const MS: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);
/// 64*T1
pub const LONG: Duration = Duration::from_secs(32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Alice,
    Bob,
}
pub use Side::{Alice, Bob};

impl Side {
    pub fn other(self) -> Side {
        match self {
            Alice => Bob,
            Bob => Alice,
        }
    }
}

/// What the link does to datagrams; a connection only has latency.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub latency: Duration,
    /// Up to this much more, which reorders.
    pub jitter: Duration,
    /// Of 100.
    pub loss: u32,
    /// Of 100.
    pub duplication: u32,
}

pub const FAIR: Weather =
    Weather { latency: Duration::from_millis(10), jitter: Duration::ZERO, loss: 0, duplication: 0 };
pub const FOUL: Weather = Weather {
    latency: Duration::from_millis(10),
    jitter: Duration::from_millis(700),
    loss: 30,
    duplication: 20,
};

/// A message that went out, whether or not it arrived.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Time,
    pub from: Side,
    pub message: Message,
}

impl Sent {
    /// `INVITE`, or `200 INVITE`.
    pub fn label(&self) -> String {
        match self.message.method() {
            Some(method) => method.to_string(),
            None => format!("{} {}", self.message.status().unwrap(), self.message.cseq().unwrap().1),
        }
    }
}

type Rule = Box<dyn FnMut(&Sent) -> bool>;

pub struct Pair {
    pub now: Time,
    pub alice: Endpoint,
    pub bob: Endpoint,
    pub weather: Weather,
    pub events: Vec<(Side, Event)>,
    pub log: Vec<Sent>,
    transport: Transport,
    rng: StdRng,
    air: BTreeMap<(Time, u64), (Side, Flow, Bytes)>,
    sequence: u64,
    lose: Option<Rule>,
}

impl Pair {
    pub fn new(seed: u64, transport: Transport, weather: Weather) -> Pair {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut config =
            |node: &str| Config { seed: rng.random(), node: node.to_owned(), ..Config::default() };
        Pair {
            now: Time::ZERO,
            alice: Endpoint::new(config("a")),
            bob: Endpoint::new(config("b")),
            weather,
            events: Vec::new(),
            log: Vec::new(),
            transport,
            rng,
            air: BTreeMap::new(),
            sequence: 0,
            lose: None,
        }
    }

    pub fn udp() -> Pair {
        Pair::new(1, Transport::Udp, FAIR)
    }

    pub fn tcp() -> Pair {
        Pair::new(1, Transport::Tcp, FAIR)
    }

    /// From now on, whatever `rule` says yes to is lost.
    pub fn lose(&mut self, rule: impl FnMut(&Sent) -> bool + 'static) {
        self.lose = Some(Box::new(rule));
    }

    pub fn lose_nothing(&mut self) {
        self.lose = None;
    }

    pub fn endpoint(&mut self, side: Side) -> &mut Endpoint {
        match side {
            Alice => &mut self.alice,
            Bob => &mut self.bob,
        }
    }

    /// The way from `side` to the other one.
    pub fn flow(&self, side: Side) -> Flow {
        let (alice, bob) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
        let (local, remote) = if side == Alice { (alice, bob) } else { (bob, alice) };
        Flow { id: FlowId(1), transport: self.transport, local, remote }
    }

    // ---- wishes

    pub fn invite(&mut self) -> SessionId {
        let (now, flow) = (self.now, self.flow(Alice));
        let session = self.alice.invite(now, &flow, invite_of_alice()).unwrap();
        self.drain();
        session
    }

    pub fn act<T>(&mut self, side: Side, act: impl FnOnce(&mut Endpoint, Time) -> T) -> T {
        let now = self.now;
        let result = act(self.endpoint(side), now);
        self.drain();
        result
    }

    pub fn end(&mut self, side: Side, session: SessionId) {
        self.act(side, |endpoint, now| endpoint.end(now, session, 480, None));
    }

    pub fn respond(&mut self, side: Side, server: ServerId, status: u16) {
        self.act(side, |endpoint, now| endpoint.respond(now, server, Answer::status(status)));
    }

    pub fn session_request(&mut self, side: Side, session: SessionId, method: Method) -> Option<ClientId> {
        let body = Some(("application/sdp".to_owned(), Bytes::from_static(b"v=0\r\n")));
        self.act(side, |endpoint, now| endpoint.session_request(now, session, method, vec![], body))
    }

    pub fn close_connection(&mut self, side: Side) {
        self.act(side, |endpoint, now| endpoint.handle_flow_closed(now, FlowId(1)));
    }

    /// Alice calls, Bob accepts, the ACK arrives; their sessions.
    pub fn talk(&mut self) -> (SessionId, SessionId) {
        let alice = self.invite();
        self.run_for(SECOND);
        let bob = self.called();
        self.act(Bob, |bob_end, now| bob_end.accept(now, bob, Answer::status(200)));
        self.run_for(SECOND);
        assert!(self.take(Alice).iter().any(|event| matches!(event, Event::Answered { .. })));
        assert!(self.take(Bob).iter().any(|event| matches!(event, Event::Acked { .. })));
        (alice, bob)
    }

    // ---- time

    fn drain(&mut self) {
        for side in [Alice, Bob] {
            while let Some(output) = self.endpoint(side).poll_output() {
                match output {
                    Output::Event(event) => self.events.push((side, event)),
                    Output::Transmit { flow, bytes } => self.send(side, flow, bytes),
                }
            }
        }
    }

    fn send(&mut self, from: Side, flow: Flow, bytes: Bytes) {
        assert_eq!(flow, self.flow(from), "everything goes to the peer");
        let message = Message::parse(bytes.clone()).expect("our own messages can be read");
        message.validate(flow.transport).expect("our own messages are valid");
        let sent = Sent { at: self.now, from, message };
        let is_lost = self.lose.as_mut().is_some_and(|rule| rule(&sent));
        self.log.push(sent);
        if is_lost {
            return;
        }
        let Weather { latency, jitter, loss, duplication } = self.weather;
        let is_udp = flow.transport == Transport::Udp;
        let copies = if !is_udp { 1 } else { 1 + u32::from(self.chance(duplication)) };
        for _ in 0..copies {
            if is_udp && self.chance(loss) {
                continue;
            }
            let more = if jitter.is_zero() { Duration::ZERO } else { jitter.mul_f64(self.rng.random()) };
            self.sequence += 1;
            let to = from.other();
            let flow = Flow { local: flow.remote, remote: flow.local, ..flow };
            self.air.insert((self.now + latency + more, self.sequence), (to, flow, bytes.clone()));
        }
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    pub fn random(&mut self, below: u32) -> u32 {
        self.rng.random_range(0..below)
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Time> {
        let arrival = self.air.keys().next().map(|(at, _)| *at);
        [arrival, self.alice.next_timeout(), self.bob.next_timeout()].into_iter().flatten().min()
    }

    /// Lets the next thing happen, if it does until `end`.
    pub fn step(&mut self, end: Time) -> bool {
        let Some(at) = self.next().filter(|at| *at <= end) else {
            self.now = self.now.max(end);
            return false;
        };
        self.now = self.now.max(at);
        let now = self.now;
        match self.air.first_key_value() {
            Some((&(arrival, sequence), _)) if arrival <= now => {
                let (to, flow, bytes) = self.air.remove(&(arrival, sequence)).unwrap();
                self.endpoint(to).handle_bytes(now, &flow, bytes);
            }
            _ => {
                self.alice.handle_timeout(now);
                self.bob.handle_timeout(now);
            }
        }
        self.drain();
        true
    }

    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.step(end) {}
    }

    /// Until nothing is left that could happen.
    pub fn run_out(&mut self) {
        for _ in 0..100_000 {
            if self.next().is_none() {
                return;
            }
            self.step(Time::MAX);
        }
        panic!("it never ends");
    }

    // ---- what happened

    pub fn take(&mut self, side: Side) -> Vec<Event> {
        let (mine, rest) = std::mem::take(&mut self.events).into_iter().partition(|(of, _)| *of == side);
        self.events = rest;
        let mine: Vec<_> = mine;
        mine.into_iter().map(|(_, event)| event).collect()
    }

    /// The session of the call that has come to Bob.
    pub fn called(&mut self) -> SessionId {
        let calls: Vec<_> = self
            .take(Bob)
            .into_iter()
            .filter_map(|event| match event {
                Event::Invite { session, .. } => Some(session),
                _ => None,
            })
            .collect();
        assert_eq!(calls.len(), 1, "one call came");
        calls[0]
    }

    /// How the one session of `side` ended; it did so once.
    pub fn ended(&mut self, side: Side) -> SessionEnd {
        let mut ends = self.ends(side);
        assert_eq!(ends.len(), 1, "{side:?} has ended once: {ends:?}");
        ends.remove(0)
    }

    pub fn ends(&mut self, side: Side) -> Vec<SessionEnd> {
        self.take(side)
            .into_iter()
            .filter_map(|event| match event {
                Event::Ended { end, .. } => Some(end),
                _ => None,
            })
            .collect()
    }

    /// How many messages of this label `side` has sent.
    pub fn sent(&self, side: Side, label: &str) -> usize {
        self.log.iter().filter(|sent| sent.from == side && sent.label() == label).count()
    }

    /// When `side` sent its messages of this label, in milliseconds since `start`.
    pub fn times(&self, side: Side, label: &str, start: Time) -> Vec<u128> {
        let sent = self.log.iter().filter(|sent| sent.from == side && sent.label() == label);
        sent.map(|sent| (sent.at - start).as_millis()).collect()
    }

    pub fn assert_empty(&self) {
        for (name, endpoint) in [("alice", &self.alice), ("bob", &self.bob)] {
            assert_eq!(endpoint.load(), Load::default(), "{name}");
        }
    }
}

pub fn invite_of_alice() -> Invite {
    Invite {
        uri: "sip:bob@192.0.2.2".to_owned(),
        to: "<sip:bob@example.org>".to_owned(),
        from: "\"Alice\" <sip:alice@example.org>".to_owned(),
        body: Some(("application/sdp".to_owned(), Bytes::from_static(b"v=0\r\n"))),
        ..Invite::default()
    }
}
