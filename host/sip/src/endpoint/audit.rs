//! What must hold between any two calls of an endpoint's methods; simulations ask after each step.

use std::collections::BTreeSet;

use super::Endpoint;
use super::clients::Purpose;
use super::sessions::State;
use super::timers::Owner;

impl Endpoint {
    /// The rules that are broken now, one sentence each: a defect of ours, never a peer's. Walks all
    /// tables.
    pub fn audit(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mortals = self.schedule.mortals().collect();
        self.audit_timers(&mut broken);
        self.audit_transactions(&mortals, &mut broken);
        self.audit_sessions(&mortals, &mut broken);
        broken
    }

    fn is_alive(&self, owner: Owner) -> bool {
        match owner {
            Owner::Client(id) => self.clients.contains_key(&id),
            Owner::Server(id) => self.servers.contains_key(&id),
            Owner::Session(id) => self.sessions.contains_key(&id),
        }
    }

    fn audit_timers(&self, broken: &mut Vec<String>) {
        let owners = self.schedule.owners().chain(self.flows.owners());
        let orphans = owners.filter(|owner| !self.is_alive(*owner));
        broken.extend(
            orphans.map(|owner| format!("{owner:?} is gone, its timer or its place on a flow is not")),
        );
    }

    /// A transaction ends by itself, unless it waits for its user, or for a peer that has said 1xx.
    fn audit_transactions(&self, mortals: &BTreeSet<Owner>, broken: &mut Vec<String>) {
        for (id, client) in &self.clients {
            let waits_for_peer = client.is_proceeding()
                && match client.purpose {
                    Purpose::Call(session) | Purpose::Within(session) => self.sessions.contains_key(&session),
                    _ => false,
                };
            if !waits_for_peer && !mortals.contains(&Owner::Client(*id)) {
                broken.push(format!("{id:?} ({}) never ends", client.method));
            }
        }
        for (id, server) in &self.servers {
            let waits_for_user = server.request.is_some();
            if !waits_for_user && !mortals.contains(&Owner::Server(*id)) {
                broken.push(format!("{id:?} is answered and never ends"));
            }
            if server.session.is_some_and(|session| waits_for_user && !self.sessions.contains_key(&session)) {
                broken.push(format!("{id:?} waits for a session that is gone"));
            }
        }
        if self.server_keys.len() != self.servers.len() {
            broken.push(format!("{} keys of {} servers", self.server_keys.len(), self.servers.len()));
        }
        if self.merges.values().any(|server| !self.servers.contains_key(server)) {
            broken.push("a merge leads to no server".to_owned());
        }
    }

    fn audit_sessions(&self, mortals: &BTreeSet<Owner>, broken: &mut Vec<String>) {
        if self.tags.len() != self.sessions.len() {
            broken.push(format!("{} tags of {} sessions", self.tags.len(), self.sessions.len()));
        }
        for (id, session) in &self.sessions {
            let mut clients = session.our_offer.into_iter().collect::<Vec<_>>();
            let mut servers = session.pending.clone();
            servers.extend(session.their_offer);
            match session.state {
                State::Incoming(server) => servers.push(server),
                State::Outgoing(client) => clients.push(client),
                State::Confirmed | State::Closing => {}
            }
            clients.extend(session.in_turn.awaited());
            if session.in_turn.is_stuck() {
                broken.push(format!("{id:?} has requests whose turn never comes"));
            }
            if clients.iter().any(|client| !self.clients.contains_key(client)) {
                broken.push(format!("{id:?} ({:?}) waits for a request that is gone", session.state));
            }
            if servers.iter().any(|server| !self.servers.contains_key(server)) {
                broken.push(format!("{id:?} ({:?}) waits to answer a request that is gone", session.state));
            }
            if session.unacked.is_some() && !mortals.contains(&Owner::Session(*id)) {
                broken.push(format!("{id:?} waits for an ACK for ever"));
            }
        }
    }
}
