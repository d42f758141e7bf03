//! What people do with their phones.

use std::net::SocketAddr;

use jackfield_sip::{Flow, FlowId, Transport};
use jackfield_switch::Input;
use rsip::{Method, Request, Response, headers, prelude::*};

use super::{
    World,
    net::{Handset, contact, login, request, set_session, value},
    password,
    sdp::Sdp,
};

/// The exchange, as phones see it.
const EXCHANGE: &str = "192.0.2.1";

/// A phone of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phone(pub(super) usize);

/// A call, as one phone has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line(pub(super) usize);

/// How a call ended for a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The exchange hung up, for this reason.
    Bye(Option<String>),
    Cancelled(Option<String>),
    Refused(u16),
    /// The phone's own BYE was answered.
    Local,
}

impl World {
    // ---- phones

    /// A registered phone over UDP.
    #[track_caller]
    pub(crate) fn phone(&mut self, user: &str) -> Phone {
        self.phone_over(user, Transport::Udp)
    }

    #[track_caller]
    pub(crate) fn phone_over(&mut self, user: &str, transport: Transport) -> Phone {
        let phone = self.new_phone(user, transport);
        assert_eq!(self.register(phone, 3600), 200, "REGISTER of {user}");
        phone
    }

    /// A phone that has said nothing yet.
    pub(crate) fn new_phone(&mut self, user: &str, transport: Transport) -> Phone {
        let number = self.phones.len() as u16;
        let address = SocketAddr::from(([10, 0, 0, 10 + number as u8], 5060));
        self.add_phone(user, Some(password(user)), transport, address)
    }

    /// Somebody without a password, at that address.
    pub(crate) fn stranger(&mut self, user: &str, address: &str) -> Phone {
        self.add_phone(user, None, Transport::Udp, address.parse().unwrap())
    }

    fn add_phone(
        &mut self,
        user: &str,
        password: Option<String>,
        transport: Transport,
        address: SocketAddr,
    ) -> Phone {
        let number = self.phones.len();
        // All datagrams come in at one socket; each connection is a flow of its own.
        let id = if transport == Transport::Udp { 1 } else { 10 + number as u64 };
        let local = format!("{EXCHANGE}:5060").parse().unwrap();
        self.phones.push(Handset {
            user: user.to_owned(),
            password,
            flow: Flow { id: FlowId(id), transport, local, remote: address },
            is_deaf: false,
            call_id: format!("registration{number}"),
            cseq: 0,
            asked: None,
            asked_alive: Vec::new(),
            answers: Vec::new(),
            ringing: Vec::new(),
        });
        Phone(number)
    }

    /// When the exchange asked whether the phone is there.
    pub(crate) fn asked_alive(&self, phone: Phone) -> &[jackfield_switch::Time] {
        &self.phones[phone.0].asked_alive
    }

    pub(crate) fn flow(&self, phone: Phone) -> Flow {
        self.phones[phone.0].flow
    }

    /// The phone reaches the exchange at that address.
    pub(crate) fn reaches(&mut self, phone: Phone, exchange: &str) {
        self.phones[phone.0].flow.local = exchange.parse().unwrap();
    }

    pub(crate) fn set_password(&mut self, phone: Phone, password: &str) {
        self.phones[phone.0].password = Some(password.to_owned());
    }

    /// From now on nothing reaches the phone (or again).
    pub(crate) fn deafen(&mut self, phone: Phone, is_deaf: bool) {
        self.phones[phone.0].is_deaf = is_deaf;
    }

    /// The phone's connection is gone.
    pub(crate) fn disconnect(&mut self, phone: Phone) {
        self.input(Input::FlowClosed { flow: self.phones[phone.0].flow.id });
    }

    // ---- registration

    /// Registers for so many seconds; the status.
    #[track_caller]
    pub(crate) fn register(&mut self, phone: Phone, seconds: u32) -> u16 {
        let contact = format!("<{}>", contact(&self.phones[phone.0].flow));
        self.register_as(phone, &contact, Some(seconds)).status_code.code()
    }

    /// Registers with that Contact and Expires.
    #[track_caller]
    pub(crate) fn register_as(&mut self, phone: Phone, contact: &str, expires: Option<u32>) -> Response {
        let mut request = self.outside(phone, Method::Register);
        request.headers.retain(|header| !matches!(header, rsip::Header::Contact(_)));
        if !contact.is_empty() {
            request.headers.push(headers::Contact::new(contact).into());
        }
        request.headers.extend(expires.map(|s| headers::Expires::from(s).into()).into_iter().collect());
        self.asks(phone, request)
    }

    /// A request outside of calls, and its final response.
    #[track_caller]
    pub(crate) fn asks(&mut self, phone: Phone, request: Request) -> Response {
        self.phones[phone.0].asked = Some(request.clone());
        self.say(phone.0, request);
        self.settle();
        self.phones[phone.0].answers.pop().expect("an answer")
    }

    pub(crate) fn outside(&mut self, phone: Phone, method: Method) -> Request {
        let phone = &mut self.phones[phone.0];
        phone.cseq += 1;
        let address = format!("<sip:{}@{EXCHANGE}>", phone.user);
        let from = format!("{address};tag=of-{}", phone.call_id);
        let uri = format!("sip:{EXCHANGE}");
        request(&phone.flow, method, &uri, [&from, &address], &phone.call_id, phone.cseq)
    }

    /// The request with credentials for the challenge in that answer.
    pub(crate) fn logged_in_with(&self, phone: Phone, mut request: Request, challenge: &Response) -> Request {
        let challenge = value(&challenge.headers, "WWW-Authenticate").expect("a challenge");
        let login = login(&self.phones[phone.0], &challenge, request.method, &request.uri);
        request.headers.push(login.expect("a password"));
        request
    }

    // ---- callers

    /// Dials, with an offer of A-law and mu-law.
    pub(crate) fn dial(&mut self, phone: Phone, number: &str) -> Line {
        self.dial_with(phone, number, Some)
    }

    /// Dials without an offer; the ACK will bring an answer.
    pub(crate) fn dial_without_offer(&mut self, phone: Phone, number: &str) -> Line {
        let line = self.dial_with(phone, number, |_| None);
        let answer = Sdp::new(self.lines[line.0].voice.rtp).payloads(&[0, 101]);
        self.lines[line.0].answer = Some(answer);
        line
    }

    /// Dials with the offer that is made of the usual one.
    pub(crate) fn dial_with(
        &mut self,
        phone: Phone,
        number: &str,
        offer: impl FnOnce(Sdp) -> Option<Sdp>,
    ) -> Line {
        self.dial_invite(phone, number, offer, |_| {})
    }

    pub(super) fn dial_invite(
        &mut self,
        phone: Phone,
        number: &str,
        offer: impl FnOnce(Sdp) -> Option<Sdp>,
        change: impl FnOnce(&mut Request),
    ) -> Line {
        let at = self.lines.len();
        let handset = &self.phones[phone.0];
        let uri = format!("sip:{}@{EXCHANGE}", number.replace('#', "%23"));
        let local = format!("\"{0}\" <sip:{0}@{EXCHANGE}>;tag=caller{at}", handset.user);
        let remote = format!("<{uri}>");
        let call_id = format!("call{at}");
        let mut invite = request(&handset.flow, Method::Invite, &uri, [&local, &remote], &call_id, 1);
        let mut line = self.new_line(phone.0, invite.clone());
        line.sdp = offer(Sdp::new(line.voice.rtp));
        if let Some(sdp) = &line.sdp {
            set_session(&mut invite.headers, &mut invite.body, sdp);
        }
        change(&mut invite);
        (line.invite, line.local, line.remote, line.target) = (invite.clone(), local, remote, uri);
        self.lines.push(line);
        self.say(phone.0, invite);
        self.settle();
        Line(at)
    }

    /// Dials with that Max-Forwards, or without.
    pub(crate) fn dial_hops(&mut self, phone: Phone, number: &str, hops: Option<&str>) -> Line {
        self.dial_invite(phone, number, Some, |invite| {
            invite.headers.retain(|header| !matches!(header, rsip::Header::MaxForwards(_)));
            invite
                .headers
                .extend(hops.map(|hops| headers::MaxForwards::new(hops).into()).into_iter().collect());
        })
    }

    /// Dials with that body.
    pub(crate) fn dial_body(&mut self, phone: Phone, number: &str, kind: &str, body: &str) -> Line {
        self.dial_invite(
            phone,
            number,
            |_| None,
            |invite| {
                invite.headers.push(headers::ContentType::new(kind).into());
                invite.body = body.as_bytes().to_vec();
            },
        )
    }

    /// The responses that the caller has had.
    pub(crate) fn statuses(&self, line: Line) -> &[u16] {
        &self.lines[line.0].statuses
    }

    /// A header of the final response.
    #[track_caller]
    pub(crate) fn last_header(&self, line: Line, header: &str) -> Option<String> {
        value(&self.lines[line.0].response.as_ref().expect("a final response").headers, header)
    }

    /// Gives up a call that rings.
    pub(crate) fn cancel(&mut self, line: Line) {
        let state = &self.lines[line.0];
        let (cseq, phone) = (state.cseq, state.phone);
        let mut cancel = state.request(&self.phones[phone], Method::Cancel, cseq);
        cancel.uri = state.invite.uri.clone();
        cancel.headers.unique_push(state.invite.via_header().unwrap().clone().into());
        self.say(phone, cancel);
        self.settle();
    }

    // ---- callees

    /// The one call that has come to the phone.
    #[track_caller]
    pub(crate) fn called(&mut self, phone: Phone) -> Line {
        let ringing = std::mem::take(&mut self.phones[phone.0].ringing);
        assert_eq!(ringing.len(), 1, "one call comes to {}", self.phones[phone.0].user);
        Line(ringing[0])
    }

    /// All calls that have come to the phone.
    pub(crate) fn all_called(&mut self, phone: Phone) -> Vec<Line> {
        std::mem::take(&mut self.phones[phone.0].ringing).into_iter().map(Line).collect()
    }

    #[track_caller]
    pub(crate) fn assert_not_called(&self, phone: Phone) {
        assert!(self.phones[phone.0].ringing.is_empty(), "{} is called", self.phones[phone.0].user);
    }

    /// A header of the INVITE.
    pub(crate) fn invited_with(&self, line: Line, header: &str) -> Option<String> {
        value(&self.lines[line.0].invite.headers, header)
    }

    pub(crate) fn request_uri(&self, line: Line) -> String {
        self.lines[line.0].invite.uri.to_string()
    }

    /// 180.
    pub(crate) fn ring(&mut self, line: Line) {
        self.provisional(line, 180);
    }

    pub(crate) fn provisional(&mut self, line: Line, status: u16) {
        self.respond(line.0, status, None);
        self.settle();
    }

    /// 183 with an answer: from now on the caller can hear the phone.
    pub(crate) fn early(&mut self, line: Line) {
        let answer = self.answer_of(line);
        self.respond(line.0, 183, Some(answer));
        self.settle();
    }

    /// 200, with an answer if none was given before.
    pub(crate) fn answer(&mut self, line: Line) {
        let answer = self.answer_of(line);
        self.answer_with(line, Some(answer));
    }

    pub(crate) fn answer_with(&mut self, line: Line, sdp: Option<Sdp>) {
        self.respond(line.0, 200, sdp);
        self.settle();
    }

    /// What the phone says to the offer: its own first codec that is in it.
    pub(crate) fn answer_of(&self, line: Line) -> Sdp {
        let line = &self.lines[line.0];
        let offer = line.theirs.as_ref().expect("an offer");
        let answer = Sdp::new(line.voice.rtp);
        let codec = offer.codecs().into_iter().find(|codec| answer.payloads.contains(codec));
        answer.payloads(&[codec.expect("a common codec"), 101])
    }

    pub(crate) fn refuse(&mut self, line: Line, status: u16) {
        self.lines[line.0].end = Some(End::Refused(status));
        self.respond(line.0, status, None);
        self.settle();
    }

    /// Refuses with further headers.
    pub(crate) fn refuse_with(&mut self, line: Line, status: u16, headers: &[(&str, &str)]) {
        self.lines[line.0].end = Some(End::Refused(status));
        self.respond_with(line.0, status, None, headers);
        self.settle();
    }

    /// ACKs of its 2xx that have come.
    pub(crate) fn acks(&self, line: Line) -> usize {
        self.lines[line.0].acks
    }

    // ---- both

    pub(crate) fn is_up(&self, line: Line) -> bool {
        self.lines[line.0].is_up()
    }

    /// How the call ended for the phone; none while it is up or rings.
    pub(crate) fn end(&self, line: Line) -> Option<End> {
        self.lines[line.0].end.clone()
    }

    /// What the exchange described last.
    #[track_caller]
    pub(crate) fn theirs(&self, line: Line) -> Sdp {
        self.lines[line.0].theirs.clone().expect("a description of the exchange")
    }

    pub(crate) fn acknowledges(&mut self, line: Line, acknowledges: bool) {
        self.lines[line.0].acknowledges = acknowledges;
    }

    /// The ACK brings that answer.
    pub(crate) fn answers_in_ack(&mut self, line: Line, answer: Option<Sdp>) {
        self.lines[line.0].answer = answer;
    }

    /// Says the ACK that was kept back.
    pub(crate) fn acknowledge_now(&mut self, line: Line) {
        self.lines[line.0].acknowledges = true;
        let response = self.lines[line.0].response.clone().expect("a response");
        self.acknowledge(line.0, &response);
        self.settle();
    }

    pub(crate) fn hang_up(&mut self, line: Line) {
        self.hang_up_for(line, None);
    }

    /// BYE with a Reason header.
    pub(crate) fn hang_up_for(&mut self, line: Line, reason: Option<&str>) {
        let mut bye = self.within(line, Method::Bye);
        let reason = reason.map(|reason| rsip::Header::Other("Reason".to_owned(), reason.to_owned()));
        bye.headers.extend(reason.into_iter().collect());
        self.say(self.lines[line.0].phone, bye);
        self.settle();
    }

    /// A re-INVITE or UPDATE with that offer; the status.
    #[track_caller]
    pub(crate) fn reoffer(&mut self, line: Line, method: Method, offer: Option<Sdp>) -> u16 {
        let mut request = self.within(line, method);
        if let Some(offer) = offer {
            set_session(&mut request.headers, &mut request.body, &offer);
            self.lines[line.0].sdp = Some(offer);
        }
        self.asks_within(line, request)
    }

    /// The phone sends and hears at another place now: the offer that says so.
    pub(crate) fn moves(&mut self, line: Line, rtp: &str) -> Sdp {
        let rtp = rtp.parse().unwrap();
        self.lines[line.0].voice.rtp = rtp;
        Sdp { rtp, ..self.own(line).direction("sendrecv") }
    }

    /// The description that the phone gave last.
    pub(crate) fn own(&self, line: Line) -> Sdp {
        self.lines[line.0].sdp.clone().expect("a description")
    }

    /// The re-INVITEs and UPDATEs that the phone got since the last look.
    pub(crate) fn reoffers(&mut self, line: Line) -> Vec<Request> {
        std::mem::take(&mut self.lines[line.0].asked)
    }

    /// The phone answers its next re-INVITEs and UPDATEs so, and later ones with 200.
    pub(crate) fn answers_reoffers(&mut self, line: Line, statuses: &[u16]) {
        self.lines[line.0].reoffer_statuses.extend(statuses);
    }

    /// A request in the call, and its status.
    #[track_caller]
    pub(crate) fn asks_within(&mut self, line: Line, request: Request) -> u16 {
        self.say(self.lines[line.0].phone, request);
        self.settle();
        self.lines[line.0].within.pop().expect("an answer").1
    }

    pub(crate) fn within(&mut self, line: Line, method: Method) -> Request {
        let state = &mut self.lines[line.0];
        state.cseq += 1;
        let state = &self.lines[line.0];
        state.request(&self.phones[state.phone], method, state.cseq)
    }

    /// A call between the two that is up, by dialling `number`.
    #[track_caller]
    pub(crate) fn talking(&mut self, caller: Phone, number: &str, callee: Phone) -> (Line, Line) {
        let call = self.dial(caller, number);
        let bob = self.called(callee);
        self.ring(bob);
        self.answer(bob);
        assert!(self.is_up(call) && self.is_up(bob), "{:?}", self.statuses(call));
        (call, bob)
    }
}
