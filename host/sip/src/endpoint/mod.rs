//! The only door for traffic: transactions, dialogs and INVITE sessions behind one struct.

mod audit;
mod clients;
mod in_turn;
mod incoming;
mod matching;
mod outgoing;
mod refresh;
mod reliable;
mod servers;
mod sessions;
mod timers;
mod types;
mod within;
mod write;

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::Time;
use crate::flow::{Advertised, Flow, FlowId};
use crate::message::{Message, Method, Name, Replaces};
use crate::session_timer::MIN_SE;
use crate::transaction::ClientEvent;
use clients::{Client, Purpose};
use servers::Server;
use sessions::Session;
use timers::{Flows, Owner, Schedule};

pub use types::{
    Answer, Busy, ClientId, Config, Event, Failure, Invite, OutRequest, Output, Replaced, ServerId,
    SessionEnd, SessionId, Timers,
};

/// A SIP user agent core for many calls: bytes, time and wishes in; bytes, events and one deadline out.
///
/// Deterministic: no network, no clock; all randomness follows from [`Config::seed`]. Its methods are
/// - **in**: [`handle_bytes`](Self::handle_bytes), [`handle_flow_closed`](Self::handle_flow_closed),
///   [`handle_timeout`](Self::handle_timeout);
/// - **mutators**: [`respond`](Self::respond) and [`request`](Self::request) outside of sessions;
///   [`provisional`](Self::provisional), [`accept`](Self::accept) and [`reject`](Self::reject) for calls
///   that came; [`invite`](Self::invite) for calls that go; [`end`](Self::end) and
///   [`session_request`](Self::session_request) for both, with [`glare_wait`](Self::glare_wait);
/// - **out**: [`poll_output`](Self::poll_output), [`next_timeout`](Self::next_timeout), and
///   what [`replaced`](Self::replaced), [`replaces`](Self::replaces) and [`load`](Self::load) tell.
///
/// After each call of an in or mutator method, call `poll_output` until it is `None`, then ask
/// `next_timeout`; when that moment has come, call `handle_timeout`. `now` never goes back. Ids that are
/// unknown, or not in a state for what is asked, are ignored: the peer may always have been faster.
///
/// Retransmissions (RFC 3261 17, RFC 6026), ACK, CANCEL, the 2xx until its ACK, forks that lost, glare and
/// everything malformed are dealt with inside; no event comes twice. No input makes it panic, and
/// [`Config::max_transactions`] and [`Config::max_sessions`] bound what peers can make it keep.
#[derive(Debug)]
pub struct Endpoint {
    config: Config,
    advertised: Advertised,
    rng: StdRng,
    /// Keys the hashes of what peers send.
    secret: u64,
    outputs: VecDeque<Output>,
    schedule: Schedule,
    flows: Flows,
    clients: HashMap<ClientId, Client>,
    last_client: u64,
    servers: HashMap<ServerId, Server>,
    last_server: u64,
    server_keys: HashMap<Arc<str>, ServerId>,
    merges: HashMap<u64, ServerId>,
    sessions: HashMap<SessionId, Session>,
    last_session: u64,
    /// Sessions by our tag.
    tags: HashMap<Arc<str>, SessionId>,
}

/// How much an endpoint keeps at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Requests of ours.
    pub clients: usize,
    /// Requests of peers; over UDP, 32 s beyond their answer.
    pub servers: usize,
    /// INVITE sessions.
    pub sessions: usize,
    /// Running timers.
    pub timers: usize,
    /// Connections that something hangs on.
    pub connections: usize,
}

impl Endpoint {
    /// An endpoint without calls.
    pub fn new(config: Config) -> Self {
        let mut rng = StdRng::from_seed(config.seed);
        Endpoint {
            secret: rng.next_u64(),
            rng,
            outputs: VecDeque::new(),
            schedule: Schedule::new(config.timers),
            flows: Flows::default(),
            clients: HashMap::new(),
            last_client: 0,
            servers: HashMap::new(),
            last_server: 0,
            server_keys: HashMap::new(),
            merges: HashMap::new(),
            sessions: HashMap::new(),
            last_session: 0,
            tags: HashMap::new(),
            config,
            advertised: Advertised::default(),
        }
    }

    // ---- in

    /// One datagram, or one framed message of a stream.
    pub fn handle_bytes(&mut self, now: Time, flow: &Flow, bytes: Bytes) {
        self.receive(now, flow, bytes);
    }

    /// A TCP or TLS connection is gone. Requests that wait on it fail now; sessions live on until they
    /// need it, for the peer may come back on another one.
    pub fn handle_flow_closed(&mut self, now: Time, flow: FlowId) {
        for owner in self.flows.close(flow) {
            match owner {
                Owner::Client(id) => self.client_event(now, id, ClientEvent::Closed, None, 0),
                Owner::Server(id) => self.drop_server(id),
                Owner::Session(id) => self.cut(now, id),
            }
        }
    }

    /// Fires every timer that is due.
    pub fn handle_timeout(&mut self, now: Time) {
        while let Some((owner, timer)) = self.schedule.take_due(now) {
            match owner {
                Owner::Client(id) => self.client_timer(now, id, timer),
                Owner::Server(id) => self.server_timer(now, id, timer),
                Owner::Session(id) => self.session_timer(now, id, timer),
            }
        }
    }

    // ---- out

    /// The next thing to do for the driver; None when all is done.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front();
        if output.is_none() && self.outputs.capacity() > 4096 {
            self.outputs.shrink_to(0);
        }
        output
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn next_timeout(&self) -> Option<Time> {
        self.schedule.next()
    }

    /// What we call ourselves from now on, in Via, Contact and for who asks [`address`](Self::address).
    pub fn set_advertised(&mut self, advertised: Advertised) {
        self.advertised = advertised;
    }

    /// Our address as the peer of a flow reaches it.
    pub fn address(&self, flow: &Flow) -> SocketAddr {
        self.advertised.address(flow)
    }

    /// The way to the peer of a session, as it was last heard.
    pub fn remote_flow(&self, session: SessionId) -> Option<&Flow> {
        self.sessions.get(&session).map(|session| &session.flow)
    }

    /// The session that a Replaces header means, unless it ends already. Whether it may be replaced is the
    /// user's to judge (RFC 3891 3): nobody by `early_only` once it is confirmed, nor an early one whose
    /// INVITE came from the peer.
    pub fn replaced(&self, replaces: &Replaces) -> Option<Replaced> {
        self.find_replaced(replaces)
    }

    /// The session whose INVITE this one is: it has come back to us.
    pub fn own_session(&self, invite: &Message) -> Option<SessionId> {
        let from = invite.from().ok()?;
        let id = *self.tags.get(from.tag()?)?;
        let head = match self.sessions.get(&id)?.state {
            sessions::State::Outgoing(client) => &self.clients.get(&client)?.invite.as_ref()?.head,
            _ => return None,
        };
        (Some(&*head.call_id) == invite.call_id()).then_some(id)
    }

    /// What the Replaces header of an INVITE to the peer of this session says to replace our dialog with
    /// it; None before there is one.
    pub fn replaces(&self, session: SessionId) -> Option<Replaces> {
        let session = self.sessions.get(&session)?;
        let dialog = session.dialogs.last()?;
        Some(Replaces {
            call_id: dialog.call_id.clone(),
            to_tag: dialog.remote_tag.clone()?,
            from_tag: session.local_tag.to_string(),
            early_only: false,
        })
    }

    /// How much it keeps; all zero when nothing is under way.
    pub fn load(&self) -> Load {
        Load {
            clients: self.clients.len(),
            servers: self.servers.len(),
            sessions: self.sessions.len(),
            timers: self.schedule.len(),
            connections: self.flows.len(),
        }
    }

    fn is_full(&self) -> bool {
        self.clients.len() + self.servers.len() >= self.config.max_transactions
    }

    // ---- requests outside of INVITE sessions, and answers to those inside

    /// Answers [`Event::Request`], [`Event::Reoffer`] or [`Event::InDialog`]. A 2xx to a re-INVITE is
    /// repeated until its ACK.
    pub fn respond(&mut self, now: Time, to: ServerId, answer: Answer) {
        let answer = Answer { status: answer.status.clamp(100, 699), ..answer };
        let Some(server) = self.servers.get(&to) else { return };
        let Some(request) = &server.request else { return };
        let is_invite = request.method() == Some(Method::Invite);
        match server.session {
            Some(session) if is_invite && (200..300).contains(&answer.status) => {
                self.accept_invite(now, session, to, &answer);
                self.forget_pending(session, to);
            }
            Some(session) if answer.status >= 200 => {
                let is_success = answer.status < 300;
                let answer = if is_success { self.agree_refresh(now, session, to, answer) } else { answer };
                self.answer(now, to, &answer);
                self.forget_pending(session, to);
                self.send_queued(now, session);
            }
            _ => self.answer(now, to, &answer),
        }
    }

    /// Sends a request that belongs to no session; [`Event::Response`] follows.
    pub fn request(&mut self, now: Time, flow: &Flow, request: OutRequest) -> Result<ClientId, Busy> {
        if self.is_full() {
            return Err(Busy);
        }
        let OutRequest { method, uri, to, from, routes, headers, body } = request;
        let tag = self.new_tag();
        let head = self.first_head(&uri, &routes, &from, &to, &tag);
        let sent = self.sent(flow, method, head, &headers, &body);
        let id = sent.id;
        self.open_client(now, flow, sent, Purpose::Request);
        Ok(id)
    }

    /// Seconds after which a session without sign of life is over, for sessions that begin or are refreshed
    /// from now on; at least 90, or 0 for none. See [`Config::session_expires`].
    pub fn set_session_expires(&mut self, seconds: u32) {
        self.config.session_expires = if seconds == 0 { 0 } else { seconds.max(MIN_SE) };
    }

    // ---- INVITE sessions as server

    /// Sends 101 to 199 to an unanswered call, and repeats it every minute. Anything else is taken as 183.
    /// To a caller who supports that it goes reliably (RFC 3262): repeated until its PRACK, one after the
    /// other; without PRACK in 64*T1 the session is over. A caller who requires it and left the offer to us
    /// is sent nothing without a body.
    pub fn provisional(&mut self, now: Time, session: SessionId, answer: Answer) {
        self.ring(now, session, &in_class(answer, 101..=199, 183));
    }

    /// Answers a call with 2xx, as soon as the descriptions in provisional responses have their PRACK;
    /// repeated until its ACK also over TCP. Without ACK in 64*T1 the endpoint
    /// hangs up: [`SessionEnd::Timeout`].
    pub fn accept(&mut self, now: Time, session: SessionId, answer: Answer) {
        self.accept_call(now, session, &in_class(answer, 200..=299, 200));
    }

    /// Answers a call with 3xx to 6xx; the session is over.
    pub fn reject(&mut self, now: Time, session: SessionId, answer: Answer) {
        self.reject_call(now, session, &in_class(answer, 300..=699, 480));
    }

    // ---- INVITE sessions as client

    /// Calls a peer.
    pub fn invite(&mut self, now: Time, flow: &Flow, invite: Invite) -> Result<SessionId, Busy> {
        self.call(now, flow, &invite)
    }

    // ---- INVITE sessions both ways

    /// Ends a session by what its state asks for: a final response with `status`, CANCEL as soon as it is
    /// allowed, or BYE, which waits for the ACK of our 2xx (RFC 3261 9.1, 15). `reason` is the value of a
    /// Reason header. [`Event::Ended`] follows always, in 64*T1 after the last message at the latest; no
    /// other event of the session comes before it.
    pub fn end(&mut self, now: Time, session: SessionId, status: u16, reason: Option<&str>) {
        self.end_session(now, session, status, reason);
    }

    /// Sends a request in the dialog of a session: INFO, re-INVITE, UPDATE, REFER... [`Event::Response`]
    /// follows. None if the session is not in a state for it: unknown, ending, without dialog yet, or with
    /// another offer under way. INFO and NOTIFY wait for the answer to the one before.
    pub fn session_request(
        &mut self,
        now: Time,
        session: SessionId,
        method: Method,
        headers: Vec<(Name, String)>,
        body: Option<(String, Bytes)>,
    ) -> Option<ClientId> {
        self.send_in_turn(now, session, method, headers, body)
    }

    /// How long to wait after a 491 before the next offer: 2.1 to 4 s for the owner of the Call-ID, up to
    /// 2 s for the other, in steps of 10 ms (RFC 3261 14.1).
    pub fn glare_wait(&mut self, session: SessionId) -> Duration {
        let is_ours = self.sessions.get(&session).is_some_and(|session| session.is_ours);
        let (least, steps) = if is_ours { (210, 191) } else { (0, 201) };
        Duration::from_millis(10 * u64::from(least + self.rng.next_u32() % steps))
    }
}

/// Gives memory back after a rush: a table that is nearly empty shrinks.
fn release<K: Eq + Hash, V>(table: &mut HashMap<K, V>) {
    if table.capacity() > 4096 && table.len() < table.capacity() / 8 {
        table.shrink_to(2 * table.len());
    }
}

fn in_class(answer: Answer, class: std::ops::RangeInclusive<u16>, default: u16) -> Answer {
    let status = if class.contains(&answer.status) { answer.status } else { default };
    Answer { status, ..answer }
}
