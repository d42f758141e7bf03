//! A call as one phone has it: its dialog (RFC 3261 12), and how its answers change it.

use std::time::Duration;

use bytes::Bytes;

use super::{Alarm, ClientKey, Phones, ServerKey, outgoing::Purpose, session::Audio};
use crate::{
    common::Sdp,
    message::{Draft, Message},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The INVITE has no final response.
    Calling,
    Up,
    /// Refused, cancelled or hung up by one of the two.
    Over,
}

#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) phone: usize,
    pub(crate) is_caller: bool,
    pub(crate) call_id: String,
    /// The values of our From and To.
    pub(super) local: String,
    pub(super) remote: String,
    pub(super) local_tag: String,
    pub(super) remote_tag: Option<String>,
    pub(super) target: String,
    pub(super) cseq: u32,
    pub(super) their_cseq: Option<u32>,
    pub(crate) stage: Stage,
    /// The caller's INVITE.
    pub(super) invite: Option<ClientKey>,
    pub(super) has_logged_in: bool,
    /// The callee's INVITE.
    pub(super) server: Option<ServerKey>,
    pub(super) wants_end: bool,
    /// How long its ACKs are kept back.
    pub(crate) ack_after: Duration,
    /// A 2xx of the exchange that has had no ACK.
    pub(super) unacked: Option<(ClientKey, Message)>,
    pub(super) retry: Option<&'static str>,
    pub(crate) audio: Audio,
    pub(crate) is_excused: bool,
}

impl Line {
    /// Nobody waits for an ACK or the answer to an offer.
    pub(crate) fn is_settled(&self) -> bool {
        self.unacked.is_none() && self.audio.offered.is_none()
    }
}

impl Phones {
    /// A request within the dialog of a line.
    pub(super) fn ask(
        &mut self,
        line: usize,
        method: &'static str,
        purpose: Purpose,
        sdp: Option<&Sdp>,
        headers: &[(&str, String)],
    ) -> ClientKey {
        self.lines[line].cseq += 1;
        let cseq = self.lines[line].cseq;
        let number = self.next_branch();
        let bytes = self.within(line, method, cseq, number, sdp, headers);
        let phone = self.lines[line].phone;
        self.open((phone, Some(line)), (number, method), purpose, bytes);
        (number, method)
    }

    pub(super) fn within(
        &self,
        line: usize,
        method: &str,
        cseq: u32,
        branch: u64,
        sdp: Option<&Sdp>,
        headers: &[(&str, String)],
    ) -> Bytes {
        let state = &self.lines[line];
        let mut draft = Draft::request(method, &state.target)
            .header("Via", self.via(state.phone, branch))
            .header("Max-Forwards", 70)
            .header("From", &state.local)
            .header("To", &state.remote)
            .header("Call-ID", &state.call_id)
            .header("CSeq", format_args!("{cseq} {method}"))
            .header("Contact", self.contact(state.phone));
        for (name, value) in headers {
            draft = draft.header(name, value);
        }
        draft.bytes(sdp.map(Sdp::write).as_deref())
    }

    /// What a message of the exchange describes, after the look at its version.
    pub(super) fn see(&mut self, line: usize, message: &Message) -> Option<Sdp> {
        match self.lines[line].audio.see(message) {
            Ok(sdp) => sdp,
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    // ---- the caller's INVITE

    pub(super) fn progress(&mut self, line: usize, message: &Message, status: u16) {
        if self.lines[line].wants_end {
            return self.cancel_now(line);
        }
        if status == 100 {
            return;
        }
        if message.tag("To").is_none() {
            return self.fault("101 to 199 have a To tag (RFC 3261 12.1.1)", message.start.clone());
        }
        if let Some(theirs) = self.see(line, message) {
            self.lines[line].audio.take_answer(theirs);
        }
    }

    pub(super) fn call_answered(&mut self, line: usize, status: u16, message: Option<&Message>) {
        match (status, message) {
            (200..300, Some(message)) => self.call_taken(line, message),
            (401, Some(message)) if !self.lines[line].has_logged_in && !self.lines[line].wants_end => {
                self.dial_again(line, message);
            }
            _ => {
                self.lines[line].stage = Stage::Over;
                self.lines[line].audio.offered = None;
            }
        }
    }

    fn dial_again(&mut self, line: usize, challenge: &Message) {
        let state = &mut self.lines[line];
        state.has_logged_in = true;
        let (phone, uri) = (state.phone, state.target.clone());
        let challenge = challenge.header("WWW-Authenticate").unwrap_or_default();
        let Some(login) = self.log_in(phone, challenge, rsip::Method::Invite, &uri) else {
            self.lines[line].stage = Stage::Over;
            return;
        };
        let offer = self.lines[line].audio.offered.clone();
        let headers = [("Authorization", login)];
        let key = self.ask(line, "INVITE", Purpose::Call, offer.as_ref(), &headers);
        self.lines[line].invite = Some(key);
    }

    fn call_taken(&mut self, line: usize, message: &Message) {
        let state = &mut self.lines[line];
        state.stage = Stage::Up;
        state.remote = message.header("To").unwrap_or_default().to_owned();
        state.remote_tag = message.tag("To").map(str::to_owned);
        match message.contact() {
            Some(contact) => state.target = contact.to_owned(),
            None => return self.fault("a 2xx to INVITE has a Contact", message.start.clone()),
        }
        let was_answered = self.lines[line].audio.agreed.is_some();
        let is_late = !was_answered && self.lines[line].audio.offered.is_none();
        match self.see(line, message) {
            Some(theirs) if !is_late && !was_answered => self.lines[line].audio.take_answer(theirs),
            None if !was_answered => {
                return self.fault("a 2xx to INVITE has a session description", message.start.clone());
            }
            _ => {}
        }
        let after = self.lines[line].ack_after;
        match after.is_zero() {
            true => self.acknowledge(line),
            false => self.set(after, Alarm::Acknowledge(line)),
        }
    }

    /// ACK of a 2xx, with the answer where the offer was in it.
    pub(super) fn acknowledge(&mut self, line: usize) {
        let Some((key, response)) = self.lines[line].unacked.take() else { return };
        let (cseq, _) = response.cseq();
        let is_ours = self.lines[line].audio.agreed.is_some() && !self.is_offer(key);
        let answer = match Sdp::read(response.body.as_bytes()) {
            Some(theirs) if !is_ours => self.lines[line].audio.answer(&theirs),
            _ => None,
        };
        let number = self.next_branch();
        let ack = self.within(line, "ACK", cseq, number, answer.as_ref(), &[]);
        if let Some(client) = self.clients.get_mut(&key) {
            client.ack = Some(ack.clone());
        }
        self.say(self.lines[line].phone, ack);
        if self.lines[line].wants_end {
            self.bye(line);
        }
    }

    /// The 2xx to this request has the exchange's offer: the request had none.
    fn is_offer(&self, key: ClientKey) -> bool {
        self.clients.get(&key).is_some_and(|client| client.purpose == Purpose::Reoffer(None))
    }

    // ---- offers in the call

    pub(super) fn reoffer_answered(
        &mut self,
        line: usize,
        offer: Option<&Sdp>,
        status: u16,
        message: Option<&Message>,
    ) {
        let method = message
            .map_or("INVITE", |message| if message.cseq().1 == "UPDATE" { "UPDATE" } else { "INVITE" });
        match (status, message) {
            (200..300, Some(message)) => {
                if let Some(contact) = message.contact() {
                    self.lines[line].target = contact.to_owned();
                }
                if let Some(theirs) = self.see(line, message).filter(|_| offer.is_some()) {
                    self.lines[line].audio.take_answer(theirs);
                } else if offer.is_some() {
                    self.fault("the answer to an offer has a session description", message.start.clone());
                }
                if method == "INVITE" {
                    self.acknowledge(line);
                }
            }
            _ => {
                self.lines[line].audio.offered = None;
                match status {
                    491 => self.meet(line, method),
                    408 => self.bye(line),
                    481 => self.lines[line].stage = Stage::Over,
                    _ => {}
                }
            }
        }
    }

    /// Both sides have made an offer: who made the Call-ID waits longer (RFC 3261 14.1).
    fn meet(&mut self, line: usize, method: &'static str) {
        let state = &mut self.lines[line];
        state.retry = Some(method);
        let spread = Duration::from_millis(u64::from(state.cseq * 370 % 1900));
        let after = if state.is_caller { Duration::from_millis(2100) + spread } else { spread };
        self.set(after, Alarm::Retry(line));
    }

    pub(super) fn retry(&mut self, line: usize) {
        if let Some(method) = self.lines[line].retry.take() {
            self.reoffer(line, method == "UPDATE");
        }
    }
}
