//! Requests of phones, and what they do about the answers (RFC 3261 17.1).

use std::time::Duration;

use bytes::Bytes;
use jackfield_switch::Time;

use super::{Alarm, ClientKey, EXCHANGE, LIFE, Phones, T1, T2};
use crate::{
    common::{Sdp, credentials, password},
    message::{Draft, Message},
};

pub(super) struct Client {
    pub(super) phone: usize,
    pub(super) line: Option<usize>,
    bytes: Bytes,
    interval: Duration,
    /// Of its last give-up timer: a former one may fire for a new request of the same key.
    ends: Time,
    is_proceeding: bool,
    /// Of the final response.
    pub(super) status: Option<u16>,
    /// Said again for each copy of the final response.
    pub(super) ack: Option<Bytes>,
    pub(super) is_excused: bool,
    pub(super) purpose: Purpose,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Register,
    /// The INVITE that begins a call.
    Call,
    /// A re-INVITE or UPDATE, with an offer or without.
    Reoffer(Option<Sdp>),
    /// Ends a call.
    Bye,
    /// For a call that has ended.
    SecondBye,
    Other,
}

impl Client {
    /// CANCEL may be sent (RFC 3261 9.1).
    pub(super) fn is_cancellable(&self) -> bool {
        self.is_proceeding && self.status.is_none()
    }
}

/// The methods that phones use.
fn known(method: &str) -> Option<&'static str> {
    let all = [
        "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "UPDATE", "REFER", "PRACK", "NOTIFY",
    ];
    all.into_iter().find(|known| *known == method)
}

impl Phones {
    pub(super) fn via(&self, phone: usize, number: u64) -> String {
        let flow = self.all[phone].flow;
        format!("SIP/2.0/{} {};rport;branch=z9hG4bK-sim-{number}", flow.transport, flow.remote)
    }

    pub(super) fn contact(&self, phone: usize) -> String {
        let flow = self.all[phone].flow;
        let reliable = if flow.transport.is_reliable() { ";transport=tcp" } else { "" };
        format!("<sip:phone@{}{reliable}>", flow.remote)
    }

    pub(super) fn next_branch(&mut self) -> u64 {
        self.last_client += 1;
        self.last_client
    }

    /// Sends a request and repeats it until it is answered.
    pub(super) fn open(
        &mut self,
        (phone, line): (usize, Option<usize>),
        key: ClientKey,
        purpose: Purpose,
        bytes: Bytes,
    ) {
        let is_excused = self.all[phone].is_unplugged;
        let client = Client {
            phone,
            line,
            bytes: bytes.clone(),
            interval: T1,
            ends: self.now + LIFE,
            is_proceeding: false,
            status: None,
            ack: None,
            is_excused,
            purpose,
        };
        self.clients.insert(key, client);
        self.say(phone, bytes);
        if !self.all[phone].flow.transport.is_reliable() {
            self.set(T1, Alarm::Resend(key));
        }
        self.set(LIFE, Alarm::GiveUp(key));
    }

    pub(super) fn resend(&mut self, key: ClientKey) {
        let Some(client) = self.clients.get_mut(&key).filter(|client| client.status.is_none()) else {
            return;
        };
        let is_invite = key.1 == "INVITE";
        if is_invite && client.is_proceeding {
            return;
        }
        client.interval = match (is_invite, client.is_proceeding) {
            (true, _) => client.interval * 2,
            (false, false) => T2.min(client.interval * 2),
            (false, true) => T2,
        };
        let (phone, interval, bytes) = (client.phone, client.interval, client.bytes.clone());
        self.say(phone, bytes);
        self.set(interval, Alarm::Resend(key));
    }

    /// Timer B or F has fired, or the time in which copies of the answer may come is over.
    pub(super) fn give_up(&mut self, key: ClientKey) {
        let Some(client) = self.clients.get(&key).filter(|client| client.ends <= self.now) else { return };
        if client.status.is_none() && key.1 == "INVITE" && client.is_proceeding {
            return;
        }
        let Some(client) = self.clients.remove(&key) else { return };
        if client.status.is_some() {
            return;
        }
        if !client.is_excused {
            let text = format!("no answer to {}", String::from_utf8_lossy(&client.bytes));
            self.fault("every request of a phone is answered", text);
        }
        self.final_response(client.phone, client.line, &client.purpose, 408, None);
    }

    pub(super) fn response(&mut self, message: &Message, status: u16) {
        let (cseq, method) = message.cseq();
        let number = message.branch().strip_prefix("z9hG4bK-sim-").and_then(|number| number.parse().ok());
        let Some(key) = number.zip(known(method)) else {
            return self.fault("a response answers a request", message.start.clone());
        };
        // It may be a late copy.
        let Some(client) = self.clients.get_mut(&key) else { return };
        let (phone, line, is_invite) = (client.phone, client.line, method == "INVITE");
        if let Some(known) = client.status {
            if status >= 200 && status != known {
                let text = format!("{known}, then {status} to {method} {cseq} of {}", message.call_id());
                return self.fault("a request has one final response", text);
            }
            if let Some(ack) = client.ack.clone().filter(|_| status >= 200) {
                self.say(phone, ack);
            }
            return;
        }
        if status < 200 {
            client.is_proceeding = true;
            if client.purpose == Purpose::Call
                && let Some(line) = line
            {
                self.progress(line, message, status);
            }
            return;
        }
        client.status = Some(status);
        client.ends = self.now + LIFE;
        let purpose = client.purpose.clone();
        self.set(LIFE, Alarm::GiveUp(key));
        if is_invite && status >= 300 {
            self.acknowledge_failure(key, message);
        }
        if is_invite
            && status < 300
            && let Some(line) = line
        {
            self.lines[line].unacked = Some((key, message.clone()));
        }
        self.final_response(phone, line, &purpose, status, Some(message));
    }

    /// ACK within the transaction of its INVITE (RFC 3261 17.1.1.3).
    fn acknowledge_failure(&mut self, key: ClientKey, response: &Message) {
        let Some(client) = self.clients.get_mut(&key) else { return };
        let Some(invite) = Message::read(&client.bytes) else { return };
        let uri = invite.start.split(' ').nth(1).unwrap_or_default();
        let ack = Draft::request("ACK", uri)
            .header("Via", invite.header("Via").unwrap_or_default())
            .header("Max-Forwards", 70)
            .header("From", invite.header("From").unwrap_or_default())
            .header("To", response.header("To").unwrap_or_default())
            .header("Call-ID", invite.call_id())
            .header("CSeq", format_args!("{} ACK", invite.cseq().0))
            .bytes(None);
        client.ack = Some(ack.clone());
        let phone = client.phone;
        self.say(phone, ack);
    }

    fn final_response(
        &mut self,
        phone: usize,
        line: Option<usize>,
        purpose: &Purpose,
        status: u16,
        message: Option<&Message>,
    ) {
        match (purpose, line) {
            (Purpose::Register, _) => self.registered(phone, status, message),
            (Purpose::Call, Some(line)) => self.call_answered(line, status, message),
            (Purpose::Reoffer(offer), Some(line)) => {
                self.reoffer_answered(line, offer.as_ref(), status, message)
            }
            (Purpose::SecondBye, _) if !matches!(status, 481 | 408) => {
                self.fault("a second BYE gets 481", format!("it got {status}"));
            }
            _ => {}
        }
    }

    // ---- registration

    /// For so many seconds; 0 forgets the phone.
    pub(crate) fn register(&mut self, phone: usize, seconds: u32) {
        // One at a time (RFC 3261 10.2).
        if self.all[phone].registering.is_none() {
            self.say_register(phone, seconds, None);
        }
    }

    fn say_register(&mut self, phone: usize, seconds: u32, authorization: Option<String>) {
        let number = self.next_branch();
        let (via, contact) = (self.via(phone, number), self.contact(phone));
        let state = &mut self.all[phone];
        if state.password.is_none() {
            return;
        }
        state.cseq += 1;
        state.registering = Some((seconds, authorization.is_some()));
        let address = format!("<sip:{}@{EXCHANGE}>", state.user);
        let bytes = Draft::request("REGISTER", &format!("sip:{EXCHANGE}"))
            .header("Via", via)
            .header("Max-Forwards", 70)
            .header("From", format_args!("{address};tag=r{phone}"))
            .header("To", address)
            .header("Call-ID", format_args!("registration{phone}"))
            .header("CSeq", format_args!("{} REGISTER", state.cseq))
            .header("Contact", contact)
            .header("Expires", seconds)
            .maybe("Authorization", authorization)
            .bytes(None);
        self.open((phone, None), (number, "REGISTER"), Purpose::Register, bytes);
    }

    fn registered(&mut self, phone: usize, status: u16, message: Option<&Message>) {
        let Some((seconds, has_login)) = self.all[phone].registering.take() else { return };
        let challenge = message.filter(|_| status == 401 && !has_login);
        if let Some(challenge) = challenge.and_then(|message| message.header("WWW-Authenticate")) {
            let login = self.log_in(phone, challenge, rsip::Method::Register, &format!("sip:{EXCHANGE}"));
            self.say_register(phone, seconds, login);
        }
    }

    /// The answer to a challenge.
    pub(super) fn log_in(
        &self,
        phone: usize,
        challenge: &str,
        method: rsip::Method,
        uri: &str,
    ) -> Option<String> {
        let state = &self.all[phone];
        state.password.as_ref()?;
        let uri = rsip::Uri::try_from(uri).ok()?;
        Some(credentials(&state.user, &password(&state.user), challenge, method, &uri))
    }
}
