//! Requests of the exchange, and how phones answer them (RFC 3261 17.2).

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;

use super::{Alarm, LIFE, Line, Phones, ServerKey, Stage, T1, T2, session::Audio};
use crate::{
    common::Sdp,
    message::{Draft, Message},
};

pub(super) struct Server {
    pub(super) phone: usize,
    pub(super) line: Option<usize>,
    pub(super) request: Message,
    /// The last response; empty before it.
    response: Bytes,
    pub(super) status: u16,
    interval: Duration,
    /// The ACK came, or will not come any more.
    pub(super) is_acked: bool,
    pub(super) is_excused: bool,
}

impl Server {
    fn is_invite(&self) -> bool {
        self.request.method() == Some("INVITE")
    }

    /// It has no final response, or that one has had no ACK.
    pub(super) fn is_open(&self) -> bool {
        self.status < 200 || (self.is_invite() && !self.is_acked)
    }
}

impl Phones {
    pub(super) fn request(&mut self, phone: usize, message: Message) {
        let Some(method) = message.method().map(str::to_owned) else { return };
        if method == "ACK" {
            return self.ack(phone, &message);
        }
        let key = (phone, format!("{} {method}", message.branch()));
        if let Some(&known) = self.server_keys.get(&key) {
            let again = self.servers[known].response.clone();
            if !again.is_empty() && self.servers[known].is_open() || method != "INVITE" {
                self.say(phone, again);
            }
            return;
        }
        let line = message.tag("To").and_then(|_| self.find_line(phone, &message));
        let server = self.servers.len();
        self.servers.push(Server {
            phone,
            line,
            request: message.clone(),
            response: Bytes::new(),
            status: 0,
            interval: T1,
            is_acked: false,
            is_excused: self.now < self.all[phone].excused_until,
        });
        self.server_keys.insert(key, server);
        self.check_request(&message, &method);
        match (&*method, line) {
            ("CANCEL", _) => self.cancelled(phone, server, &message),
            ("INVITE", None) if message.tag("To").is_none() => self.called(phone, server, &message),
            ("OPTIONS", None) if message.tag("To").is_none() => self.respond(server, 200, None),
            (_, None) => self.respond(server, 481, None),
            (_, Some(line)) => self.asked(line, server, &method, &message),
        }
    }

    /// What every request must have (RFC 3261 8.1.1).
    fn check_request(&mut self, message: &Message, method: &str) {
        let has_contact = message.contact().is_some();
        let needs_contact = matches!(method, "INVITE" | "UPDATE" | "REFER" | "SUBSCRIBE");
        let is_whole = message.header("Max-Forwards").is_some()
            && message.branch().starts_with("z9hG4bK")
            && message.cseq().1 == method
            && message.tag("From").is_some()
            && (has_contact || !needs_contact);
        if !is_whole {
            self.fault("a request has all its headers (RFC 3261 8.1.1)", format!("{message:?}"));
        }
    }

    fn find_line(&self, phone: usize, message: &Message) -> Option<usize> {
        let (ours, theirs) = (message.tag("To")?, message.tag("From"));
        self.lines.iter().rposition(|line| {
            line.phone == phone
                && line.call_id == message.call_id()
                && line.local_tag == ours
                && (line.remote_tag.as_deref() == theirs || line.remote_tag.is_none())
        })
    }

    fn ack(&mut self, phone: usize, message: &Message) {
        let of_failure = self.server_keys.get(&(phone, format!("{} INVITE", message.branch()))).copied();
        let (cseq, _) = message.cseq();
        let of_success = || {
            self.servers.iter().rposition(|server| {
                server.phone == phone
                    && server.is_invite()
                    && (200..300).contains(&server.status)
                    && server.request.call_id() == message.call_id()
                    && server.request.cseq().0 == cseq
            })
        };
        let Some(server) = of_failure.or_else(of_success) else { return };
        if std::mem::replace(&mut self.servers[server].is_acked, true) {
            return;
        }
        let is_success = (200..300).contains(&self.servers[server].status);
        let Some(line) = self.servers[server].line.filter(|_| is_success) else { return };
        if let Some(theirs) = self.see(line, message) {
            self.lines[line].audio.take_answer(theirs);
        } else if self.lines[line].audio.offered.is_some() && self.servers[server].request.body.is_empty() {
            self.fault("the ACK answers the offer of a 2xx", format!("{message:?}"));
        }
        if self.lines[line].wants_end {
            self.bye(line);
        }
    }

    /// Says a response and, to an INVITE, repeats it until its ACK.
    pub(super) fn respond(&mut self, server: ServerKey, status: u16, sdp: Option<&Sdp>) {
        let state = &self.servers[server];
        if state.status >= 200 {
            return;
        }
        let (phone, is_invite) = (state.phone, state.is_invite());
        let tag = state.line.map_or("none", |line| &self.lines[line].local_tag).to_owned();
        let contact = (is_invite && (101..300).contains(&status)).then(|| self.contact(phone));
        let response = Draft::response(&state.request, status, &tag)
            .maybe("Contact", contact)
            .bytes(sdp.map(Sdp::write).as_deref());
        let is_excused = self.all[phone].is_unplugged;
        let state = &mut self.servers[server];
        (state.response, state.status) = (response.clone(), status);
        state.is_excused |= is_excused;
        self.say(phone, response);
        if is_invite && status >= 200 {
            if status < 300 || !self.all[phone].flow.transport.is_reliable() {
                self.set(T1, Alarm::Repeat(server));
            }
            self.set(LIFE, Alarm::NoAck(server));
        }
    }

    pub(super) fn repeat(&mut self, server: ServerKey) {
        let state = &mut self.servers[server];
        if state.is_acked {
            return;
        }
        state.interval = T2.min(state.interval * 2);
        let (phone, interval, response) = (state.phone, state.interval, state.response.clone());
        self.say(phone, response);
        self.set(interval, Alarm::Repeat(server));
    }

    pub(super) fn no_ack(&mut self, server: ServerKey) {
        let state = &mut self.servers[server];
        if std::mem::replace(&mut state.is_acked, true) {
            return;
        }
        let (line, is_excused, is_success) = (state.line, state.is_excused, state.status < 300);
        if !is_excused {
            let text = String::from_utf8_lossy(&self.servers[server].response).into_owned();
            self.fault("every final response to an INVITE has its ACK", text);
        }
        if let Some(line) = line.filter(|_| is_success) {
            self.bye(line);
        }
    }

    // ---- what comes

    fn called(&mut self, phone: usize, server: ServerKey, invite: &Message) {
        let number = self.lines.len();
        let local_tag = format!("callee{number}");
        let rtp = SocketAddr::new(self.all[phone].flow.remote.ip(), 30_000 + 2 * number as u16);
        let line = Line {
            phone,
            is_caller: false,
            call_id: invite.call_id().to_owned(),
            local: format!("{};tag={local_tag}", invite.header("To").unwrap_or_default()),
            local_tag,
            remote: invite.header("From").unwrap_or_default().to_owned(),
            remote_tag: invite.tag("From").map(str::to_owned),
            target: invite.contact().unwrap_or_default().to_owned(),
            cseq: 0,
            their_cseq: Some(invite.cseq().0),
            stage: Stage::Calling,
            invite: None,
            has_logged_in: false,
            server: Some(server),
            wants_end: false,
            ack_after: Duration::ZERO,
            unacked: None,
            retry: None,
            audio: Audio::new(rtp),
            is_excused: self.servers[server].is_excused,
        };
        self.lines.push(line);
        self.servers[server].line = Some(number);
        self.respond(server, 100, None);
    }

    fn cancelled(&mut self, phone: usize, server: ServerKey, cancel: &Message) {
        let invite = self.server_keys.get(&(phone, format!("{} INVITE", cancel.branch()))).copied();
        let Some(invite) = invite else {
            // The network may have been faster with it than with the INVITE.
            return self.respond(server, 481, None);
        };
        self.servers[server].line = self.servers[invite].line;
        self.respond(server, 200, None);
        if self.servers[invite].status < 200 {
            self.respond(invite, 487, None);
            if let Some(line) = self.servers[invite].line {
                self.lines[line].stage = Stage::Over;
            }
        }
    }

    fn asked(&mut self, line: usize, server: ServerKey, method: &str, message: &Message) {
        let (cseq, _) = message.cseq();
        let state = &mut self.lines[line];
        let in_order = state.their_cseq.is_none_or(|last| cseq > last);
        if in_order {
            state.their_cseq = Some(cseq);
        }
        match method {
            "BYE" if state.stage == Stage::Over => self.respond(server, 481, None),
            "BYE" => {
                state.stage = Stage::Over;
                state.audio.offered = None;
                let invite = state.server;
                self.respond(server, 200, None);
                // RFC 3261 15.1.2
                if let Some(invite) = invite {
                    self.respond(invite, 487, None);
                }
            }
            _ if state.stage == Stage::Over => self.respond(server, 481, None),
            _ if !in_order => self.respond(server, 500, None),
            "INVITE" | "UPDATE" => self.reoffered(line, server, method, message),
            _ => self.respond(server, 200, None),
        }
    }

    /// A re-INVITE or UPDATE of the exchange.
    fn reoffered(&mut self, line: usize, server: ServerKey, method: &str, message: &Message) {
        if let Some(contact) = message.contact() {
            self.lines[line].target = contact.to_owned();
        }
        let is_offer = method == "INVITE" || !message.body.is_empty();
        if is_offer && self.has_offer_out(line) {
            return self.respond(server, 491, None);
        }
        match self.see(line, message) {
            Some(theirs) => match self.lines[line].audio.answer(&theirs) {
                Some(answer) => self.respond(server, 200, Some(&answer)),
                None => self.respond(server, 488, None),
            },
            None if is_offer => {
                let offer = self.lines[line].audio.offer(&[8, 0, 101]);
                self.respond(server, 200, Some(&offer));
            }
            None => self.respond(server, 200, None),
        }
    }

    /// An offer of the line, or its INVITE, has no answer yet.
    pub(super) fn has_offer_out(&self, line: usize) -> bool {
        let open = self.clients.iter().any(|((_, method), client)| {
            client.line == Some(line) && client.status.is_none() && matches!(*method, "INVITE" | "UPDATE")
        });
        open || !self.lines[line].is_settled()
    }

    /// Whether nothing of the line waits for anything.
    pub(crate) fn is_at_rest(&self, line: usize) -> bool {
        let mine = |of: Option<usize>| of == Some(line);
        let asks = self.clients.values().any(|client| mine(client.line) && client.status.is_none());
        let answers = self.servers.iter().any(|server| mine(server.line) && server.is_open());
        !asks && !answers && self.lines[line].is_settled() && self.lines[line].retry.is_none()
    }
}
