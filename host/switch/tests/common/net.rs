//! What phones do unasked: log in when challenged, acknowledge, answer BYE and CANCEL, and say again
//! what they said before. Every message is built and read with rsip.

use std::{collections::VecDeque, net::SocketAddr};

use bytes::Bytes;
use jackfield_sip::{Flow, Transport};
use jackfield_switch::Input;
use rsip::{
    Header, Method, Request, Response, SipMessage, StatusCode, Version,
    headers::{self, CSeq, CallId, From, MaxForwards, To, Via, auth::AuthQop},
    prelude::*,
    services::DigestGenerator,
    typed,
};

use super::{World, phone::End, sdp::Sdp, voice::Voice, wild::is_readable};

pub(super) type Phones = Vec<Handset>;
pub(super) type Lines = Vec<LineState>;

/// A phone.
pub(super) struct Handset {
    pub(super) user: String,
    pub(super) password: Option<String>,
    /// As the exchange sees it.
    pub(super) flow: Flow,
    /// Hears nothing, and so says nothing.
    pub(super) is_deaf: bool,
    /// Of its registrations.
    pub(super) call_id: String,
    pub(super) cseq: u32,
    /// When the exchange asked whether it is there.
    pub(super) asked_alive: Vec<jackfield_switch::Time>,
    /// Its last request outside of calls, and what was answered.
    pub(super) asked: Option<Request>,
    pub(super) answers: Vec<Response>,
    /// Calls that came and were not looked at.
    pub(super) ringing: Vec<usize>,
}

/// One call of a phone.
pub(super) struct LineState {
    pub(super) phone: usize,
    pub(super) is_caller: bool,
    /// The last INVITE that began it.
    pub(super) invite: Request,
    /// The value of our From.
    pub(super) local: String,
    pub(super) remote: String,
    /// As `remote`, of the last provisional response: CANCEL has no tag.
    pub(super) early: String,
    pub(super) target: String,
    pub(super) cseq: u32,
    pub(super) statuses: Vec<u16>,
    /// The last final response, as it came or went.
    pub(super) response: Option<Response>,
    /// ACKs of 2xx that came.
    pub(super) acks: usize,
    /// Acknowledges 2xx by itself, with this answer if one is due.
    pub(super) acknowledges: bool,
    pub(super) answer: Option<Sdp>,
    /// Re-INVITEs and UPDATEs that came.
    pub(super) asked: Vec<Request>,
    /// What they are answered with; 200 when it is empty.
    pub(super) reoffer_statuses: VecDeque<u16>,
    /// The NOTIFYs that came.
    pub(super) notified: Vec<Request>,
    /// INFO requests that came.
    pub(super) informed: Vec<Request>,
    /// Answers to requests within the call: method and status.
    pub(super) within: Vec<(String, u16)>,
    pub(super) sdp: Option<Sdp>,
    pub(super) theirs: Option<Sdp>,
    pub(super) voice: Voice,
    pub(super) end: Option<End>,
    said: Option<Bytes>,
    logged_in: bool,
}

impl LineState {
    pub(super) fn is_up(&self) -> bool {
        self.end.is_none() && self.statuses.last().is_some_and(|status| (200..300).contains(status))
    }

    /// How the caller's or the callee's side of the dialog writes a request.
    pub(super) fn request(&self, phone: &Handset, method: Method, cseq: u32) -> Request {
        request(&phone.flow, method, &self.target, [&self.local, &self.remote], self.call_id(), cseq)
    }

    pub(super) fn call_id(&self) -> &str {
        self.invite.call_id_header().unwrap().value()
    }
}

/// A request with the headers that every one has; `from` and `to` are header values.
pub(super) fn request(
    flow: &Flow,
    method: Method,
    uri: &str,
    [from, to]: [&str; 2],
    call_id: &str,
    cseq: u32,
) -> Request {
    // One transaction has one branch: method and CSeq tell those of one call apart.
    let branch = format!("z9hG4bK-{call_id}-{cseq}-{method}");
    let via = format!("SIP/2.0/{} {};rport;branch={branch}", flow.transport, flow.remote);
    let headers: Vec<Header> = vec![
        Via::new(via).into(),
        MaxForwards::default().into(),
        From::new(from).into(),
        To::new(to).into(),
        CallId::new(call_id).into(),
        CSeq::new(format!("{cseq} {method}")).into(),
        headers::Contact::new(format!("<{}>", contact(flow))).into(),
    ];
    let uri = uri.try_into().unwrap_or_else(|error| panic!("rsip reads {uri}: {error}"));
    Request { method, uri, version: Version::V2, headers: headers.into(), body: Vec::new() }
}

pub(super) fn contact(flow: &Flow) -> String {
    match flow.transport {
        Transport::Udp => format!("sip:phone@{}", flow.remote),
        transport => {
            format!("sip:phone@{};transport={}", flow.remote, transport.as_str().to_ascii_lowercase())
        }
    }
}

/// A response with the headers that it takes from the request.
pub(super) fn response(request: &Request, status: u16, tag: &str) -> Response {
    let copied = request.headers.iter().filter_map(|header| match header {
        Header::To(to) if !to.value().contains(";tag=") && status > 100 => {
            Some(To::new(format!("{};tag={tag}", to.value())).into())
        }
        Header::Via(_) | Header::From(_) | Header::To(_) | Header::CallId(_) | Header::CSeq(_) => {
            Some(header.clone())
        }
        _ => None,
    });
    Response {
        status_code: StatusCode::from(status),
        version: Version::V2,
        headers: copied.collect::<Vec<_>>().into(),
        body: Vec::new(),
    }
}

pub(super) fn set_session(headers: &mut rsip::Headers, body: &mut Vec<u8>, sdp: &Sdp) {
    headers.push(headers::ContentType::new("application/sdp").into());
    *body = sdp.write().into_bytes();
}

/// The value of a header of which there is at most one.
pub(super) fn value(headers: &rsip::Headers, name: &str) -> Option<String> {
    let prefix = format!("{}:", name.to_ascii_lowercase());
    let found = headers.iter().map(Header::to_string);
    let mut found = found.filter(|line| line.to_ascii_lowercase().starts_with(&prefix));
    found.next().map(|line| line[prefix.len()..].trim().to_owned())
}

fn contact_of(headers: &rsip::Headers) -> Option<String> {
    let contact = value(headers, "Contact")?;
    Some(contact.split_once('<')?.1.split_once('>')?.0.to_owned())
}

fn cseq_of(message: &impl HeadersExt) -> (u32, Method) {
    let cseq = message.cseq_header().unwrap().typed().unwrap();
    (cseq.seq, cseq.method)
}

/// The Authorization header for a challenge.
pub(super) fn login(phone: &Handset, challenge: &str, method: Method, uri: &rsip::Uri) -> Option<Header> {
    let password = phone.password.as_deref()?;
    Some(headers::Authorization::new(credentials(&phone.user, password, challenge, method, uri)).into())
}

/// The value of the Authorization header for a challenge.
pub(crate) fn credentials(
    user: &str,
    password: &str,
    challenge: &str,
    method: Method,
    uri: &rsip::Uri,
) -> String {
    let challenge = headers::WwwAuthenticate::new(challenge);
    let challenge = typed::WwwAuthenticate::try_from(challenge).expect("rsip reads our challenge");
    let qop = AuthQop::Auth { cnonce: "0a4f113b".to_owned(), nc: 1 };
    let response = DigestGenerator {
        username: user,
        password,
        nonce: &challenge.nonce,
        uri,
        realm: &challenge.realm,
        method: &method,
        qop: Some(&qop),
        algorithm: challenge.algorithm.unwrap(),
    };
    let response = response.compute();
    let authorization = typed::Authorization {
        scheme: headers::auth::Scheme::Digest,
        username: user.to_owned(),
        realm: challenge.realm,
        nonce: challenge.nonce,
        uri: uri.clone(),
        response,
        algorithm: challenge.algorithm,
        opaque: None,
        qop: Some(qop),
    };
    authorization.to_string()
}

impl World {
    /// A phone says something; the exchange hears it in its turn.
    pub(super) fn say(&mut self, phone: usize, message: impl Into<SipMessage>) -> Bytes {
        let mut message = message.into();
        let length = message.body().len() as u32;
        message.headers_mut().unique_push(headers::ContentLength::from(length).into());
        let bytes = Bytes::from(message.to_string());
        self.say_bytes(phone, bytes.clone());
        bytes
    }

    pub(super) fn say_bytes(&mut self, phone: usize, bytes: Bytes) {
        let flow = self.phones[phone].flow;
        self.said.push((phone, bytes.clone()));
        self.inputs.push_back(Input::Sip { flow, bytes });
    }

    /// The exchange has said something to somebody.
    pub(super) fn delivered(&mut self, flow: Flow, bytes: &Bytes) {
        let ours = jackfield_sip::Message::parse(bytes.clone()).expect("what we write can be read");
        let is_valid = ours.validate(flow.transport).is_ok();
        // What a peer wrote (its headers in a response, its Contact in a request) comes back to it.
        assert!(is_valid || self.is_wild, "what we write is valid: {bytes:?}");
        let message = SipMessage::try_from(bytes.to_vec());
        let message = match message {
            Ok(message) if !self.is_wild || is_readable(&message) => message,
            _ if self.is_wild => return,
            other => panic!("rsip reads what we write: {other:?}"),
        };
        let reaches = |phone: &Handset| phone.flow == flow;
        let Some(phone) = self.phones.iter().position(reaches) else { return };
        if self.phones[phone].is_deaf {
            return;
        }
        let call_id = message.call_id_header().unwrap().value().to_owned();
        let mine = |line: &LineState| line.phone == phone && line.call_id() == call_id;
        let line = self.lines.iter().position(mine);
        match (message, line) {
            (SipMessage::Request(request), None) if request.method == Method::Invite => {
                self.call_comes(phone, request);
            }
            (SipMessage::Request(request), Some(line)) => self.asked_in_call(line, request),
            (SipMessage::Response(response), Some(line)) => self.answered_in_call(line, response),
            (SipMessage::Response(response), None) => self.answered_outside(phone, response),
            (SipMessage::Request(request), None) if request.method == Method::Options => {
                self.phones[phone].asked_alive.push(self.now);
                self.say(phone, response(&request, 200, "alive"));
            }
            (SipMessage::Request(_), None) if self.is_wild => {}
            (SipMessage::Request(request), None) => panic!("{} out of nowhere", request.method),
        }
    }

    // ---- requests of the exchange

    fn call_comes(&mut self, phone: usize, invite: Request) {
        let tag = format!("callee{}", self.lines.len());
        let theirs = Sdp::read(&invite.body);
        let line = LineState {
            phone,
            is_caller: false,
            local: format!("{};tag={tag}", invite.to_header().unwrap().value()),
            remote: invite.from_header().unwrap().value().to_owned(),
            target: contact_of(&invite.headers).expect("an INVITE has a Contact"),
            theirs,
            ..self.new_line(phone, invite)
        };
        self.lines.push(line);
        self.phones[phone].ringing.push(self.lines.len() - 1);
    }

    /// Before anything has happened on it.
    pub(super) fn new_line(&self, phone: usize, invite: Request) -> LineState {
        let number = self.lines.len();
        let rtp = SocketAddr::new(self.phones[phone].flow.remote.ip(), 30_000 + 2 * number as u16);
        LineState {
            phone,
            is_caller: true,
            invite,
            local: String::new(),
            remote: String::new(),
            early: String::new(),
            target: String::new(),
            cseq: 1,
            statuses: Vec::new(),
            response: None,
            acks: 0,
            acknowledges: true,
            answer: None,
            asked: Vec::new(),
            reoffer_statuses: VecDeque::new(),
            notified: Vec::new(),
            informed: Vec::new(),
            within: Vec::new(),
            sdp: None,
            theirs: None,
            voice: Voice::new(number, rtp),
            end: None,
            said: None,
            logged_in: false,
        }
    }

    fn asked_in_call(&mut self, index: usize, request: Request) {
        let line = &mut self.lines[index];
        let phone = line.phone;
        match request.method {
            Method::Invite if cseq_of(&request) == cseq_of(&line.invite) && !line.is_caller => {
                let again = line.said.clone();
                again.into_iter().for_each(|bytes| self.say_bytes(phone, bytes));
            }
            Method::Invite | Method::Update => self.reoffered(index, request),
            Method::Ack => {
                let is_of_2xx = line.statuses.last().is_some_and(|status| *status < 300);
                line.acks += usize::from(is_of_2xx);
            }
            Method::Cancel => {
                let is_early = line.statuses.last().is_none_or(|status| *status < 200);
                if is_early && line.end.is_none() {
                    line.end = Some(End::Cancelled(value(&request.headers, "Reason")));
                }
                self.say(phone, response(&request, 200, "cancel"));
                if is_early {
                    self.respond(index, 487, None);
                }
            }
            Method::Bye => {
                line.end.get_or_insert(End::Bye(value(&request.headers, "Reason")));
                self.say(phone, response(&request, 200, ""));
            }
            Method::Notify => {
                self.say(phone, response(&request, 200, ""));
                self.lines[index].notified.push(request);
            }
            Method::Info => {
                self.say(phone, response(&request, 200, ""));
                self.lines[index].informed.push(request);
            }
            _ => {
                self.say(phone, response(&request, 405, ""));
            }
        }
    }

    /// A re-INVITE or UPDATE: accepted with what the phone described before, unless the story says otherwise.
    fn reoffered(&mut self, index: usize, request: Request) {
        let line = &mut self.lines[index];
        let offer = Sdp::read(&request.body);
        let fits = |own: &Sdp, offer: &Sdp| offer.codecs().iter().any(|codec| own.payloads.contains(codec));
        // A wild phone may be called by someone whom it has never told what it speaks.
        let is_lost =
            self.is_wild && offer.is_some_and(|offer| line.sdp.as_ref().is_none_or(|own| !fits(own, &offer)));
        let usual = if is_lost { 488 } else { 200 };
        let status = line.reoffer_statuses.pop_front().unwrap_or(usual);
        let mut response = response(&request, status, "");
        if status < 300 {
            let contact = format!("<{}>", contact(&self.phones[line.phone].flow));
            response.headers.push(headers::Contact::new(contact).into());
        }
        if let Some(offer) = Sdp::read(&request.body).filter(|_| status < 300) {
            let own = line.sdp.clone().expect("a description");
            let codec = offer.codecs().into_iter().find(|codec| own.payloads.contains(codec));
            let answer = own.payloads(&[codec.expect("a common codec"), 101]);
            line.voice.agree(&answer, Some(&offer));
            set_session(&mut response.headers, &mut response.body, &answer);
            (line.theirs, line.sdp) = (Some(offer), Some(answer));
        }
        line.asked.push(request);
        let phone = line.phone;
        self.say(phone, response);
    }

    /// The callee answers its INVITE.
    pub(super) fn respond(&mut self, index: usize, status: u16, sdp: Option<Sdp>) {
        self.respond_with(index, status, sdp, &[]);
    }

    /// With further headers.
    pub(super) fn respond_with(
        &mut self,
        index: usize,
        status: u16,
        sdp: Option<Sdp>,
        headers: &[(&str, &str)],
    ) {
        let line = &mut self.lines[index];
        let tag = line.local.rsplit_once(";tag=").unwrap().1;
        let mut response = response(&line.invite, status, tag);
        let flow = self.phones[line.phone].flow;
        if (101..300).contains(&status) {
            response.headers.push(headers::Contact::new(format!("<{}>", contact(&flow))).into());
        }
        for (name, value) in headers {
            response.headers.push(Header::Other((*name).to_owned(), (*value).to_owned()));
        }
        if let Some(sdp) = sdp {
            set_session(&mut response.headers, &mut response.body, &sdp);
            line.voice.agree(&sdp, line.theirs.as_ref());
            line.sdp = Some(sdp);
        }
        line.statuses.push(status);
        line.response = Some(response.clone());
        let phone = line.phone;
        let bytes = self.say(phone, response);
        self.lines[index].said = Some(bytes);
    }

    // ---- responses of the exchange

    fn answered_in_call(&mut self, index: usize, response: Response) {
        let (cseq, method) = cseq_of(&response);
        let status = response.status_code.code();
        let line = &mut self.lines[index];
        match method {
            Method::Invite if cseq == cseq_of(&line.invite).0 => self.invite_answered(index, response),
            Method::Invite => {
                let line = &mut self.lines[index];
                if status >= 200 {
                    line.within.push((method.to_string(), status));
                    self.take_session(index, &response);
                    self.acknowledge(index, &response);
                }
            }
            Method::Cancel => {}
            Method::Bye => line.end = Some(End::Local),
            method => {
                line.within.push((method.to_string(), status));
                self.take_session(index, &response);
            }
        }
    }

    fn invite_answered(&mut self, index: usize, response: Response) {
        let status = response.status_code.code();
        let line = &mut self.lines[index];
        let again = status >= 200 && line.response.is_some();
        if !again {
            line.statuses.push(status);
            self.take_session(index, &response);
        }
        let line = &mut self.lines[index];
        line.early = response.to_header().unwrap().value().to_owned();
        if status >= 200 {
            line.remote = response.to_header().unwrap().value().to_owned();
            if let Some(target) = contact_of(&response.headers).filter(|_| status < 300) {
                line.target = target;
            }
            self.acknowledge(index, &response);
        }
        if status < 200 || again {
            return;
        }
        if status == 401 && self.log_in(index, &response) {
            return;
        }
        let line = &mut self.lines[index];
        if status >= 300 {
            line.end.get_or_insert(End::Refused(status));
        }
        line.response = Some(response);
    }

    fn take_session(&mut self, index: usize, response: &Response) {
        let line = &mut self.lines[index];
        let Some(theirs) = Sdp::read(&response.body) else { return };
        if let Some(sdp) = line.sdp.as_ref().filter(|_| line.answer.is_none()) {
            line.voice.agree(&theirs, Some(&theirs));
            assert!(self.is_wild || theirs.codecs().len() == 1, "an answer to {sdp:?} names one codec");
        }
        line.theirs = Some(theirs);
    }

    /// ACK of a final response, with the answer if the offer was in it.
    pub(super) fn acknowledge(&mut self, index: usize, response: &Response) {
        let line = &self.lines[index];
        let phone = &self.phones[line.phone];
        let (cseq, _) = cseq_of(response);
        let is_failure = response.status_code.code() >= 300;
        let mut ack = line.request(phone, Method::Ack, cseq);
        if is_failure {
            // It belongs to the transaction of its INVITE (RFC 3261 17.1.1.3).
            ack.uri = line.invite.uri.clone();
            ack.headers.unique_push(response.via_header().unwrap().clone().into());
            ack.headers.unique_push(response.to_header().unwrap().clone().into());
        } else if !line.acknowledges {
            return;
        }
        if let Some(sdp) = line.answer.clone().filter(|_| !is_failure) {
            set_session(&mut ack.headers, &mut ack.body, &sdp);
            let line = &mut self.lines[index];
            line.voice.agree(&sdp, line.theirs.as_ref());
            line.sdp = Some(sdp);
        }
        self.say(self.lines[index].phone, ack);
    }

    /// Sends the INVITE again, with credentials; false if it had some, or has none.
    fn log_in(&mut self, index: usize, challenge: &Response) -> bool {
        let line = &mut self.lines[index];
        let phone = &self.phones[line.phone];
        let challenge = value(&challenge.headers, "WWW-Authenticate").expect("a challenge in 401");
        let login = login(phone, &challenge, Method::Invite, &line.invite.uri);
        let Some(login) = login.filter(|_| !std::mem::replace(&mut line.logged_in, true)) else {
            return false;
        };
        line.statuses.clear();
        line.cseq += 1;
        line.remote = format!("<{}>", line.invite.uri);
        let mut invite = line.request(phone, Method::Invite, line.cseq);
        invite.body = line.invite.body.clone();
        let kind = value(&line.invite.headers, "Content-Type");
        invite.headers.extend(kind.map(|kind| headers::ContentType::new(kind).into()).into_iter().collect());
        let replaces = value(&line.invite.headers, "Replaces");
        invite
            .headers
            .extend(replaces.map(|value| Header::Other("Replaces".to_owned(), value)).into_iter().collect());
        invite.headers.push(login);
        line.invite = invite.clone();
        let phone = line.phone;
        self.say(phone, invite);
        true
    }

    fn answered_outside(&mut self, index: usize, response: Response) {
        let phone = &mut self.phones[index];
        let Some(asked) = phone.asked.take() else { return };
        let challenge = value(&response.headers, "WWW-Authenticate");
        let is_first = value(&asked.headers, "Authorization").is_none();
        let login = challenge
            .filter(|_| is_first && response.status_code.code() == 401)
            .and_then(|challenge| login(phone, &challenge, asked.method, &asked.uri));
        let Some(login) = login else {
            phone.answers.push(response);
            return;
        };
        phone.cseq += 1;
        let mut again = asked;
        let method = again.method;
        let via = format!(
            "SIP/2.0/{} {};rport;branch=z9hG4bK-{}-{}",
            phone.flow.transport, phone.flow.remote, phone.call_id, phone.cseq
        );
        again.headers.unique_push(Via::new(via).into());
        again.headers.unique_push(CSeq::new(format!("{} {method}", phone.cseq)).into());
        again.headers.push(login);
        phone.asked = Some(again.clone());
        self.say(index, again);
    }
}
