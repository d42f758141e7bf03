//! Calls of ours to peers: from our INVITE to the ACK of their answers.

use super::Endpoint;
use super::clients::{Client, Purpose};
use super::sessions::{Session, State};
use super::types::{Busy, ClientId, Event, Failure, Invite, SessionEnd, SessionId};
use crate::Time;
use crate::dialog::{Dialog, HOPS, Head, routed};
use crate::flow::Flow;
use crate::message::{Message, Method, Name};
use crate::session_timer;

/// Early dialogs, and answers, of one forked INVITE.
const MAX_FORKS: usize = 16;

impl Endpoint {
    pub(super) fn call(&mut self, now: Time, flow: &Flow, invite: &Invite) -> Result<SessionId, Busy> {
        if self.is_full() || self.sessions.len() >= self.config.max_sessions {
            return Err(Busy);
        }
        let tag = self.new_tag();
        let mut head = self.first_head(&invite.uri, &invite.routes, &invite.from, &invite.to, &tag);
        head.hops = invite.hops.unwrap_or(HOPS);
        let headers = [&*invite.headers, &*self.refreshing_headers(None)].concat();
        let sent = self.sent(flow, Method::Invite, head, &headers, &invite.body);
        let mut session = Session::new(State::Outgoing(sent.id), flow, tag);
        session.invite = Some(Box::new(invite.clone()));
        let id = self.add_session(session);
        self.open_client(now, flow, sent, Purpose::Call(id));
        Ok(id)
    }

    /// The start of a request outside of dialogs.
    pub(super) fn first_head(
        &mut self,
        uri: &str,
        routes: &[String],
        from: &str,
        to: &str,
        tag: &str,
    ) -> Head {
        let (uri, routes) = routed(uri, routes);
        Head {
            uri,
            via: String::new(),
            routes,
            from: format!("{from};tag={tag}"),
            to: to.to_owned(),
            call_id: self.new_call_id(),
            cseq: 1,
            hops: HOPS,
        }
    }

    pub(super) fn call_response(&mut self, now: Time, client: ClientId, id: SessionId, response: &Message) {
        match response.status() {
            Some(..200) => self.progress(now, client, id, response),
            Some(200..300) => self.answered(now, client, id, response),
            Some(422) if self.call_longer(now, client, id, response) => {}
            _ => self.finish(now, id, SessionEnd::Rejected(response.clone())),
        }
    }

    /// The session would be too brief for the peer (RFC 4028 7.3): calls again, once, with its interval.
    fn call_longer(&mut self, now: Time, client: ClientId, id: SessionId, response: &Message) -> bool {
        let Some(head) = self.clients.get(&client).and_then(|client| client.invite.as_ref()) else {
            return false;
        };
        let mut head = head.head.clone();
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.ending.is_none()) else {
            return false;
        };
        let Some(invite) = session.invite.take() else { return false };
        let flow = session.flow;
        head.cseq += 1;
        let min_se = session_timer::min_se(response);
        let interval = min_se.max(self.config.session_expires);
        let mut headers = invite.headers;
        headers.push((Name::SessionExpires, interval.to_string()));
        headers.push((Name::MinSe, min_se.to_string()));
        let sent = self.sent(&flow, Method::Invite, head, &headers, &invite.body);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.state = State::Outgoing(sent.id);
            session.dialogs.clear();
        }
        self.open_client(now, &flow, sent, Purpose::Call(id));
        true
    }

    pub(super) fn call_failed(&mut self, now: Time, id: SessionId, failure: Failure) {
        let end = match failure {
            Failure::Timeout => SessionEnd::Timeout,
            Failure::Transport | Failure::Ended => SessionEnd::Transport,
        };
        self.finish(now, id, end);
    }

    fn progress(&mut self, now: Time, client: ClientId, id: SessionId, response: &Message) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some(reason) = session.ending.clone() {
            return self.cancel_client(now, client, reason.as_deref());
        }
        if response.status() == Some(100) {
            return;
        }
        let invite = self.clients.get(&client).and_then(|client| client.invite.as_ref());
        let dialog = invite.and_then(|invite| Dialog::as_client(&invite.head, response).ok());
        if let Some(dialog) = dialog.filter(|dialog| dialog.remote_tag.is_some()) {
            let known = session.dialogs.iter().any(|early| early.remote_tag == dialog.remote_tag);
            if !known && session.dialogs.len() < MAX_FORKS {
                session.dialogs.push(dialog);
            }
        }
        if !self.acknowledge_progress(now, client, id, response) {
            return;
        }
        self.tell(Event::Progress { session: id, response: response.clone() });
    }

    /// 2xx: ours if it is the first; of another fork, it is acknowledged and released (RFC 3261 13.2.2.4).
    fn answered(&mut self, now: Time, client: ClientId, id: SessionId, response: &Message) {
        if self.repeat_ack(client, response) {
            return;
        }
        let Some(Client { flow, invite: Some(invite), .. }) = self.clients.get(&client) else { return };
        let Ok(mut dialog) = Dialog::as_client(&invite.head, response) else { return };
        let (flow, cseq) = (*flow, invite.head.cseq);
        if !self.acknowledge(client, response, dialog.head(cseq, String::new())) {
            return;
        }
        match self.sessions.get_mut(&id) {
            Some(session) if session.state == State::Outgoing(client) => {
                if let Some(early) =
                    session.dialogs.iter().find(|early| early.remote_tag == dialog.remote_tag)
                {
                    dialog.inherit(early);
                }
                session.dialogs = vec![dialog];
                session.state = State::Confirmed;
                session.invite = None;
                if session.ending.is_some() {
                    return self.close(now, id);
                }
                self.take_refresh(now, id, response);
                self.tell(Event::Answered { session: id, response: response.clone() });
            }
            _ => self.bye(now, &flow, &mut dialog, None, Purpose::Courtesy),
        }
    }

    /// Whether this 2xx has had its ACK; then it gets it again.
    pub(super) fn repeat_ack(&mut self, client: ClientId, response: &Message) -> bool {
        let Some(Client { flow, invite: Some(invite), .. }) = self.clients.get(&client) else { return false };
        let tag = remote_tag(response);
        let Some((_, ack)) = invite.acks.iter().find(|(acked, _)| *acked == tag) else { return false };
        let (flow, ack) = (*flow, ack.clone());
        self.transmit(flow, ack);
        true
    }

    /// Sends the ACK of a 2xx and keeps it; false if there have been too many forks.
    pub(super) fn acknowledge(&mut self, client: ClientId, response: &Message, head: Head) -> bool {
        let Some(flow) = self.clients.get(&client).map(|client| client.flow) else { return false };
        let ack = self.ack(&flow, head);
        let Some(Client { invite: Some(invite), .. }) = self.clients.get_mut(&client) else { return false };
        if invite.acks.len() == MAX_FORKS {
            return false;
        }
        invite.acks.push((remote_tag(response), ack.clone()));
        self.transmit(flow, ack);
        true
    }
}

fn remote_tag(response: &Message) -> Option<String> {
    response.to().ok()?.tag().map(str::to_owned)
}
