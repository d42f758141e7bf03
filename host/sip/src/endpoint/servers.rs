//! Server transactions: requests of peers that are under way.

use std::sync::Arc;

use bytes::Bytes;

use super::types::{Answer, ServerId, SessionId};
use super::{Endpoint, matching::Arrival, release, timers::Owner};
use crate::Time;
use crate::flow::Flow;
use crate::message::{Message, Method};
use crate::transaction::timer::{Slots, Timer};
use crate::transaction::{Action, ServerEvent, server, server_invite};

#[derive(Clone, Copy, Debug)]
enum Machine {
    Invite(server_invite::State),
    Other(server::State),
}

impl Machine {
    fn step(&mut self, event: ServerEvent) -> &'static [Action] {
        match self {
            Machine::Invite(state) => {
                let (next, actions) = server_invite::step(*state, event);
                *state = next;
                actions
            }
            Machine::Other(state) => {
                let (next, actions) = server::step(*state, event);
                *state = next;
                actions
            }
        }
    }
}

/// Lives 32 s over UDP, so it keeps little: after the final response only that, and the keys.
#[derive(Debug)]
pub(super) struct Server {
    machine: Machine,
    key: Arc<str>,
    merge: Option<u64>,
    /// Where the responses go.
    flow: Flow,
    /// The To tag of our responses, if the request had none.
    pub(super) tag: Option<Arc<str>>,
    /// Until the final response.
    pub(super) request: Option<Message>,
    /// The last response.
    bytes: Bytes,
    slots: Slots,
    pub(super) session: Option<SessionId>,
}

impl Endpoint {
    /// Begins the transaction of a new request.
    pub(super) fn open_server(
        &mut self,
        now: Time,
        arrival: &Arrival,
        tag: Option<Arc<str>>,
        session: Option<SessionId>,
    ) -> ServerId {
        self.last_server += 1;
        let id = ServerId(self.last_server);
        let (machine, actions) = match arrival.method {
            Method::Invite => (Machine::Invite(server_invite::State::Proceeding), [].as_slice()),
            _ => (Machine::Other(server::State::Trying), server::START),
        };
        let server = Server {
            machine,
            key: Arc::clone(&arrival.key),
            merge: arrival.merge,
            flow: arrival.reply_flow,
            tag,
            request: Some(arrival.request.clone()),
            bytes: Bytes::new(),
            slots: Slots::default(),
            session,
        };
        self.servers.insert(id, server);
        self.server_keys.insert(Arc::clone(&arrival.key), id);
        if let Some(merge) = arrival.merge {
            self.merges.insert(merge, id);
        }
        self.flows.attach(&arrival.reply_flow, Owner::Server(id));
        self.run_server(now, id, actions, 0);
        id
    }

    /// Writes and sends a response; nothing if the final one was sent already.
    pub(super) fn answer(&mut self, now: Time, id: ServerId, answer: &Answer) {
        let Some(server) = self.servers.get(&id) else { return };
        let Some(request) = &server.request else { return };
        let bytes = self.response(request, &server.flow, answer, server.tag.as_deref());
        let Some(server) = self.servers.get_mut(&id) else { return };
        if answer.status >= 200 {
            server.request = None;
        }
        // The copy is as small as can be; the builder's buffer is not.
        server.bytes = Bytes::copy_from_slice(&bytes);
        self.server_event(now, id, ServerEvent::of_status(answer.status), 0);
    }

    /// True if the event was an ACK for the user.
    pub(super) fn server_event(&mut self, now: Time, id: ServerId, event: ServerEvent, round: u32) -> bool {
        let Some(server) = self.servers.get_mut(&id) else { return false };
        let actions = server.machine.step(event);
        self.run_server(now, id, actions, round);
        actions.contains(&Action::Deliver)
    }

    pub(super) fn server_timer(&mut self, now: Time, id: ServerId, timer: Timer) {
        let Some(server) = self.servers.get_mut(&id) else { return };
        let round = server.slots.slot(timer.slot()).take().map_or(0, |running| running.round);
        self.server_event(now, id, ServerEvent::Timer(timer), round);
    }

    fn run_server(&mut self, now: Time, id: ServerId, actions: &[Action], round: u32) {
        for &action in actions {
            let Some(server) = self.servers.get_mut(&id) else { return };
            match action {
                Action::Transmit if server.bytes.is_empty() => {}
                Action::Transmit => {
                    let (flow, bytes) = (server.flow, server.bytes.clone());
                    self.transmit(flow, bytes);
                }
                Action::Terminate => self.drop_server(id),
                action => {
                    let reliable = server.flow.transport.is_reliable();
                    self.schedule.apply(now, action, Owner::Server(id), &mut server.slots, reliable, round);
                }
            }
        }
    }

    pub(super) fn drop_server(&mut self, id: ServerId) {
        let Some(mut server) = self.servers.remove(&id) else { return };
        self.server_keys.remove(&server.key);
        release(&mut self.servers);
        release(&mut self.server_keys);
        if let Some(merge) = server.merge.filter(|merge| self.merges.get(merge) == Some(&id)) {
            self.merges.remove(&merge);
        }
        self.schedule.stop_all(Owner::Server(id), &mut server.slots);
        self.flows.detach(&server.flow, Owner::Server(id));
        if let Some(session) = server.session {
            self.forget_pending(session, id);
        }
    }
}
