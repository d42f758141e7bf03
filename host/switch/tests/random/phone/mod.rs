//! Phones with transactions and timers of their own (RFC 3261 17, written once more), for a network that
//! loses and reorders. What a phone does by itself is in here; what its user does is in `user`.

mod dialog;
mod incoming;
mod outgoing;
mod session;
mod user;

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use bytes::Bytes;
use jackfield_sip::{Flow, FlowId, Transport};
use jackfield_switch::Time;

use super::{fault::Fault, message::Message};
pub(crate) use dialog::{Line, Stage};
use incoming::Server;
use outgoing::Client;
pub(crate) use session::Agreed;

pub(crate) const T1: Duration = Duration::from_millis(500);
pub(crate) const T2: Duration = Duration::from_secs(4);
pub(crate) const LIFE: Duration = Duration::from_secs(32);
/// The exchange, as phones see it.
pub(crate) const EXCHANGE: &str = "192.0.2.1";

pub(crate) struct Phone {
    pub(crate) user: String,
    password: Option<String>,
    pub(crate) flow: Flow,
    /// Neither hears nor says anything.
    pub(crate) is_unplugged: bool,
    /// What begins before may be older than its phone's return: the exchange may have given it up.
    excused_until: Time,
    cseq: u32,
    /// Its REGISTER that has no final response yet: for how long, and whether it has a login.
    registering: Option<(u32, bool)>,
}

/// A request of a phone, by the number in its branch, and its method: CANCEL shares a branch.
type ClientKey = (u64, &'static str);
/// The transaction of a request of the exchange.
type ServerKey = usize;

/// What a phone waits for.
#[derive(Clone, Copy, Debug)]
enum Alarm {
    Resend(ClientKey),
    GiveUp(ClientKey),
    Repeat(ServerKey),
    NoAck(ServerKey),
    /// The ACK that a line has kept back.
    Acknowledge(usize),
    /// An offer that met one of the exchange is made again.
    Retry(usize),
}

/// All phones.
pub(crate) struct Phones {
    pub(crate) now: Time,
    pub(crate) all: Vec<Phone>,
    pub(crate) lines: Vec<Line>,
    clients: BTreeMap<ClientKey, Client>,
    last_client: u64,
    servers: Vec<Server>,
    server_keys: BTreeMap<(usize, String), ServerKey>,
    alarms: BTreeMap<(Time, u64), Alarm>,
    last_alarm: u64,
    /// What is to be carried to the exchange, and by which flow.
    pub(crate) said: Vec<(Flow, Bytes)>,
    /// What the exchange, or a phone, has done wrong.
    pub(crate) faults: Vec<Fault>,
}

impl Phones {
    pub(crate) fn new(now: Time) -> Phones {
        Phones {
            now,
            all: Vec::new(),
            lines: Vec::new(),
            clients: BTreeMap::new(),
            last_client: 0,
            servers: Vec::new(),
            server_keys: BTreeMap::new(),
            alarms: BTreeMap::new(),
            last_alarm: 0,
            said: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// A new phone; without a password it is one of a peer's.
    pub(crate) fn add(&mut self, user: &str, password: Option<String>, transport: Transport) -> usize {
        let number = self.all.len();
        let network = if password.is_some() { [10, 0, 0] } else { [198, 51, 100] };
        let remote = SocketAddr::from(([network[0], network[1], network[2], 10 + number as u8], 5060));
        let local = format!("{EXCHANGE}:5060").parse().expect("an address");
        let id = if transport == Transport::Udp { FlowId(1) } else { FlowId(10 + number as u64) };
        let flow = Flow { id, transport, local, remote };
        let user = user.to_owned();
        self.all.push(Phone {
            user,
            password,
            flow,
            is_unplugged: false,
            excused_until: Time::ZERO,
            cseq: 0,
            registering: None,
        });
        number
    }

    fn fault(&mut self, rule: &'static str, text: String) {
        self.faults.push(Fault { rule, text });
    }

    // ---- time

    pub(crate) fn next_timeout(&self) -> Option<Time> {
        self.alarms.keys().next().map(|(at, _)| *at)
    }

    fn set(&mut self, after: Duration, alarm: Alarm) {
        self.last_alarm += 1;
        self.alarms.insert((self.now + after, self.last_alarm), alarm);
    }

    /// Does the first thing that is due.
    pub(crate) fn wake(&mut self, now: Time) {
        self.now = now;
        let Some(entry) = self.alarms.first_entry().filter(|entry| entry.key().0 <= now) else { return };
        match entry.remove() {
            Alarm::Resend(client) => self.resend(client),
            Alarm::GiveUp(client) => self.give_up(client),
            Alarm::Repeat(server) => self.repeat(server),
            Alarm::NoAck(server) => self.no_ack(server),
            Alarm::Acknowledge(line) => self.acknowledge(line),
            Alarm::Retry(line) => self.retry(line),
        }
    }

    // ---- the network

    fn say(&mut self, phone: usize, bytes: Bytes) {
        let phone = &self.all[phone];
        if !phone.is_unplugged {
            self.said.push((phone.flow, bytes));
        }
    }

    /// The exchange has said something on that flow, and the network has carried it.
    pub(crate) fn hear(&mut self, now: Time, flow: &Flow, bytes: &[u8]) {
        self.now = now;
        let Some(phone) = self.all.iter().position(|phone| phone.flow == *flow) else { return };
        if self.all[phone].is_unplugged {
            return;
        }
        let Some(message) = Message::read(bytes) else {
            let text = String::from_utf8_lossy(bytes).into_owned();
            return self.fault("a phone can read what the exchange writes", text);
        };
        match message.status() {
            Some(status) => self.response(&message, status),
            None => self.request(phone, message),
        }
    }

    /// What is under way on this phone may come to nothing now, and that is nobody's fault.
    pub(crate) fn excuse(&mut self, phone: usize) {
        self.clients
            .values_mut()
            .filter(|client| client.phone == phone)
            .for_each(|client| client.is_excused = true);
        self.servers
            .iter_mut()
            .filter(|server| server.phone == phone)
            .for_each(|server| server.is_excused = true);
        self.lines.iter_mut().filter(|line| line.phone == phone).for_each(|line| line.is_excused = true);
    }

    pub(crate) fn unplug(&mut self, phone: usize) {
        self.excuse(phone);
        self.all[phone].is_unplugged = true;
    }

    pub(crate) fn plug_in(&mut self, phone: usize) {
        if std::mem::take(&mut self.all[phone].is_unplugged) {
            self.all[phone].excused_until = self.now + LIFE;
        }
    }

    /// A connection is gone; the phone opens the next one. The flow that is closed.
    pub(crate) fn reconnect(&mut self, phone: usize) -> Option<FlowId> {
        let flow = &mut self.all[phone].flow;
        if !flow.transport.is_reliable() {
            return None;
        }
        let closed = flow.id;
        flow.id.0 += 100;
        let port = flow.remote.port() + 1;
        flow.remote.set_port(port);
        self.excuse(phone);
        Some(closed)
    }
}
