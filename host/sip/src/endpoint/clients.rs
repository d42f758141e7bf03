//! Client transactions: requests of ours that are under way.

use std::mem;

use bytes::Bytes;

use super::types::{ClientId, Event, Failure, Output, SessionEnd, SessionId};
use super::{Endpoint, release, timers::Owner};
use crate::Time;
use crate::dialog::Head;
use crate::flow::Flow;
use crate::message::{Builder, Message, Method, Name};
use crate::transaction::timer::{Slots, Timer};
use crate::transaction::{Action, ClientEvent, client, client_invite};

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Our user, outside of sessions.
    Request,
    /// The session that this INVITE began.
    Call(SessionId),
    /// Our user, inside of a session.
    Within(SessionId),
    /// The session that this UPDATE keeps alive.
    Refresh(SessionId),
    /// The session that this BYE ends.
    Bye(SessionId),
    /// Nobody: CANCEL, and BYE of a session that is over.
    Courtesy,
}

#[derive(Clone, Copy, Debug)]
enum Machine {
    Invite(client_invite::State),
    Other(client::State),
}

impl Machine {
    fn step(&mut self, event: ClientEvent) -> &'static [Action] {
        match self {
            Machine::Invite(state) => {
                let (next, actions) = client_invite::step(*state, event);
                *state = next;
                actions
            }
            Machine::Other(state) => {
                let (next, actions) = client::step(*state, event);
                *state = next;
                actions
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Client {
    pub(super) method: Method,
    machine: Machine,
    branch: String,
    pub(super) flow: Flow,
    /// What is retransmitted; empty as soon as an answer is there.
    bytes: Bytes,
    slots: Slots,
    pub(super) purpose: Purpose,
    /// Of an INVITE.
    pub(super) invite: Option<Box<SentInvite>>,
}

impl Client {
    /// A provisional response came, and no final one (RFC 3261 9.1).
    pub(super) fn is_proceeding(&self) -> bool {
        matches!(self.machine, Machine::Invite(client_invite::State::Proceeding))
    }
}

/// What an INVITE leaves behind for its ACKs and its CANCEL.
#[derive(Debug)]
pub(super) struct SentInvite {
    pub(super) head: Head,
    is_cancelled: bool,
    /// To tag and ACK of each 2xx: another one with this tag is a retransmission, and gets the ACK again.
    pub(super) acks: Vec<(Option<String>, Bytes)>,
}

/// Whether a response is final.
pub(super) fn is_final(response: &Message) -> bool {
    response.status().is_some_and(|status| status >= 200)
}

impl Endpoint {
    /// Ids come in pairs: the odd one is that of the CANCEL of an INVITE, which shares its branch.
    pub(super) fn next_client(&mut self) -> ClientId {
        self.last_client += 2;
        ClientId(self.last_client)
    }

    /// Sends a request and waits for its answer.
    pub(super) fn open_client(&mut self, now: Time, flow: &Flow, sent: Sent, purpose: Purpose) {
        let Sent { id, method, branch, head, bytes } = sent;
        let (machine, actions) = match method {
            Method::Invite => (Machine::Invite(client_invite::State::Calling), client_invite::START),
            _ => (Machine::Other(client::State::Trying), client::START),
        };
        let invite = (method == Method::Invite)
            .then(|| Box::new(SentInvite { head, is_cancelled: false, acks: Vec::new() }));
        let slots = Slots::default();
        let client = Client { method, machine, branch, flow: *flow, bytes, slots, purpose, invite };
        self.clients.insert(id, client);
        self.flows.attach(flow, Owner::Client(id));
        self.run_client(now, id, actions, None, 0);
    }

    /// The transaction that a response answers. The branch carries the id, so that one look is enough;
    /// its random part proves that the peer has seen our request.
    pub(super) fn match_client(&self, response: &Message) -> Option<ClientId> {
        let via = response.via().ok()?;
        let branch = via.branch()?;
        let (_, method) = response.cseq().ok()?;
        let id = u64::from_str_radix(branch.rsplit_once('.')?.1, 16).ok()?;
        let id = ClientId(if method == Method::Cancel { id.checked_add(1)? } else { id });
        let client = self.clients.get(&id)?;
        (client.branch == branch && client.method == method).then_some(id)
    }

    pub(super) fn client_response(&mut self, now: Time, id: ClientId, response: &Message) {
        if let Some(status) = response.status() {
            self.client_event(now, id, ClientEvent::of_status(status), Some(response), 0);
        }
    }

    pub(super) fn client_event(
        &mut self,
        now: Time,
        id: ClientId,
        event: ClientEvent,
        response: Option<&Message>,
        round: u32,
    ) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let actions = client.machine.step(event);
        self.run_client(now, id, actions, response, round);
    }

    pub(super) fn client_timer(&mut self, now: Time, id: ClientId, timer: Timer) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let round = client.slots.slot(timer.slot()).take().map_or(0, |running| running.round);
        self.client_event(now, id, ClientEvent::Timer(timer), None, round);
    }

    /// Sends CANCEL if that is allowed, once, and gives up the INVITE after 64*T1.
    pub(super) fn cancel_client(&mut self, now: Time, id: ClientId, reason: Option<&str>) {
        let Some(client) = self.clients.get_mut(&id).filter(|client| client.is_proceeding()) else { return };
        let Some(invite) = &mut client.invite else { return };
        if mem::replace(&mut invite.is_cancelled, true) {
            return;
        }
        let (flow, branch, head) = (client.flow, client.branch.clone(), invite.head.clone());
        let builder = reasoned(head.builder(&Method::Cancel), reason);
        let sent = Sent {
            id: ClientId(id.0 + 1),
            method: Method::Cancel,
            branch,
            head,
            bytes: self.signed(builder).build(),
        };
        self.open_client(now, &flow, sent, Purpose::Courtesy);
        self.client_event(now, id, ClientEvent::Cancelled, None, 0);
    }

    fn run_client(
        &mut self,
        now: Time,
        id: ClientId,
        actions: &[Action],
        response: Option<&Message>,
        round: u32,
    ) {
        for &action in actions {
            let Some(client) = self.clients.get_mut(&id) else { return };
            match (action, response) {
                (Action::Transmit, _) => {
                    let (flow, bytes) = (client.flow, client.bytes.clone());
                    self.transmit(flow, bytes);
                }
                (Action::Acknowledge, Some(response)) => self.acknowledge_failure(id, response),
                (Action::Deliver, Some(response)) => {
                    if is_final(response) {
                        client.bytes = Bytes::new();
                    }
                    self.deliver(now, id, response);
                }
                (Action::TimedOut, _) => self.client_failed(now, id, Failure::Timeout),
                (Action::Failed, _) => self.client_failed(now, id, Failure::Transport),
                (Action::Terminate, _) => self.drop_client(id),
                (action, _) => {
                    let reliable = client.flow.transport.is_reliable();
                    self.schedule.apply(now, action, Owner::Client(id), &mut client.slots, reliable, round);
                }
            }
        }
    }

    /// ACK of 3xx to 6xx: the same branch, Request-URI and routes (RFC 3261 17.1.1.3).
    fn acknowledge_failure(&mut self, id: ClientId, response: &Message) {
        let Some(client) = self.clients.get(&id) else { return };
        let Some(invite) = &client.invite else { return };
        let mut head = invite.head.clone();
        if let Some(to) = response.text(&Name::To) {
            head.to = to.into_owned();
        }
        let bytes = head.builder(&Method::Ack).build();
        self.transmit(client.flow, bytes);
    }

    fn deliver(&mut self, now: Time, id: ClientId, response: &Message) {
        let Some(client) = self.clients.get(&id) else { return };
        match client.purpose {
            // Its session is over: without this, an INVITE would wait for ever.
            Purpose::Call(session) | Purpose::Within(session)
                if !is_final(response) && !self.sessions.contains_key(&session) =>
            {
                self.client_event(now, id, ClientEvent::Cancelled, None, 0);
            }
            Purpose::Call(session) => self.call_response(now, id, session, response),
            _ if !is_final(response) => {}
            Purpose::Within(session) => self.within_response(now, id, session, response),
            Purpose::Refresh(session) => self.refresh_answered(now, session, response),
            Purpose::Bye(session) => self.finish(now, session, SessionEnd::Local),
            Purpose::Request => self.tell(Event::Response { client: id, result: Ok(response.clone()) }),
            Purpose::Courtesy => {}
        }
    }

    fn client_failed(&mut self, now: Time, id: ClientId, failure: Failure) {
        let Some(client) = self.clients.get(&id) else { return };
        match client.purpose {
            Purpose::Call(session) => self.call_failed(now, session, failure),
            Purpose::Within(session) => self.within_failed(now, id, session, failure),
            Purpose::Refresh(session) if failure == Failure::Transport => {
                self.finish(now, session, SessionEnd::Transport);
            }
            Purpose::Refresh(session) => self.hang_up(now, session, SessionEnd::Timeout),
            Purpose::Bye(session) => self.finish(now, session, SessionEnd::Local),
            Purpose::Request => self.tell(Event::Response { client: id, result: Err(failure) }),
            Purpose::Courtesy => {}
        }
    }

    fn drop_client(&mut self, id: ClientId) {
        let Some(mut client) = self.clients.remove(&id) else { return };
        release(&mut self.clients);
        self.schedule.stop_all(Owner::Client(id), &mut client.slots);
        self.flows.detach(&client.flow, Owner::Client(id));
    }

    pub(super) fn transmit(&mut self, flow: Flow, bytes: Bytes) {
        self.outputs.push_back(Output::Transmit { flow, bytes });
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}

/// A request that is ready to go.
pub(super) struct Sent {
    pub(super) id: ClientId,
    pub(super) method: Method,
    pub(super) branch: String,
    pub(super) head: Head,
    pub(super) bytes: Bytes,
}

/// Adds a Reason header, if there is one (RFC 3326).
pub(super) fn reasoned(builder: Builder, reason: Option<&str>) -> Builder {
    match reason {
        Some(reason) => builder.header(Name::Reason, reason),
        None => builder,
    }
}
