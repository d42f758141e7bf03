//! A telephone: a SIP user agent with one line in use, in the hands of a script.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jackfield_media::codec::Law;
use jackfield_sip::{
    self as sip, Answer, Endpoint, Event, Flow, FlowId, Invite, Local, LocalCodec, Message, Name, ServerId,
    SessionEnd, SessionId, Srtp, Transport,
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

use super::{
    call::{Call, CallEnd, State},
    digest::Login,
    ear::Ear,
    mouth::{self, Mouth},
    recognise::Files,
    registration::{EXPIRES, Registration},
};
use crate::link::Datagram;

pub(crate) const SIP_PORT: u16 = 5060;
const SDP: &str = "application/sdp";
/// The first RTP port; each call has its own.
const RTP_PORT: u16 = 40_000;

/// What a phone does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Rings,
    Answers(Duration),
    Rejects(u16),
}

pub(crate) struct Setup {
    pub(crate) address: IpAddr,
    pub(crate) exchange: SocketAddr,
    pub(crate) realm: String,
    /// What stands in From: a user's name, or a number.
    pub(crate) name: String,
    pub(crate) login: Option<Login>,
    pub(crate) seed: u64,
    pub(crate) files: Arc<Files>,
}

pub(crate) struct Telephone {
    pub(super) setup: Setup,
    pub(super) flow: Flow,
    pub(super) endpoint: Endpoint,
    random: StdRng,
    pub(crate) manner: Manner,
    pub(crate) hangs_up_after: Option<Duration>,
    pub(crate) greeting: Option<String>,
    pub(crate) codecs: Vec<LocalCodec>,
    pub(crate) calls: Vec<Call>,
    pub(super) registration: Registration,
    /// What is to be said or refused to the exchange.
    sent: Vec<Datagram>,
    /// INVITEs that were sent with a password already.
    proven: BTreeMap<SessionId, bool>,
}

impl Telephone {
    pub(crate) fn new(setup: Setup) -> Telephone {
        let mut random = StdRng::seed_from_u64(setup.seed);
        let config = sip::Config {
            seed: random.random(),
            node: "t".to_owned(),
            user_agent: "Simulated phone".to_owned(),
            ..sip::Config::default()
        };
        let local = SocketAddr::new(setup.address, SIP_PORT);
        Telephone {
            flow: Flow { id: FlowId(1), transport: Transport::Udp, local, remote: setup.exchange },
            endpoint: Endpoint::new(config),
            random,
            manner: Manner::Rings,
            hangs_up_after: None,
            greeting: None,
            codecs: vec![LocalCodec::Pcma, LocalCodec::Pcmu],
            calls: Vec::new(),
            registration: Registration::default(),
            sent: Vec::new(),
            proven: BTreeMap::new(),
            setup,
        }
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.setup.address
    }

    /// What stands in From.
    pub(crate) fn name(&self) -> &str {
        &self.setup.name
    }

    /// The files that calls from now on can be told by.
    pub(crate) fn learn(&mut self, files: Arc<Files>) {
        self.setup.files = files;
    }

    /// Nothing is under way: no call, no transaction.
    pub(crate) fn load(&self) -> sip::Load {
        self.endpoint.load()
    }

    // ---- in

    pub(crate) fn receive(&mut self, now: Duration, datagram: Datagram) {
        if datagram.to.port() == SIP_PORT {
            let flow = Flow { remote: datagram.from, ..self.flow };
            self.endpoint.handle_bytes(now, &flow, datagram.bytes.into());
        } else if let Some(call) = self.calls.iter_mut().find(|call| call.port == datagram.to.port()) {
            call.ear.receive(now, &datagram.bytes);
        }
        self.turn(now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        self.endpoint.handle_timeout(now);
        self.turn(now);
        if self.registration.refresh.is_some_and(|at| at <= now) {
            self.register(now, EXPIRES);
        }
        for index in 0..self.calls.len() {
            self.call_timeout(now, index);
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        let calls = self.calls.iter().filter_map(Call::next_timeout);
        calls.chain(self.endpoint.next_timeout()).chain(self.registration.refresh).min()
    }

    pub(crate) fn take_sent(&mut self) -> Vec<Datagram> {
        std::mem::take(&mut self.sent)
    }

    fn call_timeout(&mut self, now: Duration, index: usize) {
        let call = &mut self.calls[index];
        let due = |at: &mut Option<Duration>| at.take_if(|at| *at <= now).is_some();
        let (answers, hangs_up) = (due(&mut call.answer_at), due(&mut call.hang_up_at));
        if answers {
            self.answer(now, index);
        }
        if hangs_up {
            self.hang_up(now, index);
        }
        let call = &mut self.calls[index];
        let from = SocketAddr::new(self.setup.address, call.port);
        while let Some(mouth) = call.mouth.as_mut().filter(|mouth| mouth.next <= now) {
            if let Some(bytes) = mouth.packet() {
                self.sent.push(Datagram { from, to: mouth.to, bytes });
            }
        }
    }

    // ---- calls

    pub(super) fn authorization(&self, challenge: &Message, method: &str, uri: &str) -> Option<String> {
        let login = self.setup.login.as_ref()?;
        let challenge = challenge.text(&Name::WwwAuthenticate)?;
        login.answer(&challenge, method, uri, self.setup.seed)
    }

    pub(crate) fn dial(&mut self, now: Duration, number: &str) {
        let mut call = self.new_call(number.to_owned());
        call.began = now;
        self.calls.push(call);
        self.invite(now, self.calls.len() - 1, None);
    }

    fn invite(&mut self, now: Duration, index: usize, authorization: Option<String>) {
        let proven = authorization.is_some();
        let uri = self.uri_of(&self.calls[index].peer);
        let offer = sip::offer(&self.local(index));
        let invite = Invite {
            to: format!("<{uri}>"),
            uri,
            from: self.own_address(),
            headers: authorization.map(|value| (Name::Authorization, value)).into_iter().collect(),
            body: Some((SDP.to_owned(), offer.into())),
            ..Invite::default()
        };
        match self.endpoint.invite(now, &self.flow, invite) {
            Ok(session) => {
                self.calls[index].session = Some(session);
                self.proven.insert(session, proven);
            }
            Err(_) => self.calls[index].end(now, CallEnd::Failed),
        }
        self.turn(now);
    }

    pub(crate) fn answer(&mut self, now: Duration, index: usize) {
        let Some((call, session)) = self.ringing(index) else { return };
        let offer = call.offer.take();
        let local = self.local(index);
        let body = match &offer {
            Some(offer) => match sip::answer(&local, offer) {
                Ok((body, agreed)) => {
                    self.agree(now, index, &agreed);
                    body
                }
                Err(_) => return self.reject(now, index, 488),
            },
            None => sip::offer(&local),
        };
        self.up(now, index);
        self.endpoint.accept(now, session, Answer::status(200).body(SDP, body));
        self.turn(now);
    }

    pub(crate) fn reject(&mut self, now: Duration, index: usize, status: u16) {
        let Some((call, session)) = self.ringing(index) else { return };
        call.end(now, CallEnd::Refused(status));
        self.endpoint.reject(now, session, Answer::status(status));
        self.turn(now);
    }

    pub(crate) fn hang_up(&mut self, now: Duration, index: usize) {
        let Some(call) = self.calls.get_mut(index).filter(|call| call.state != State::Over) else { return };
        call.end(now, CallEnd::HungUp);
        if let Some(session) = call.session {
            self.endpoint.end(now, session, 480, None);
        }
        self.turn(now);
    }

    /// A call that came and was not answered yet.
    fn ringing(&mut self, index: usize) -> Option<(&mut Call, SessionId)> {
        let call = self.calls.get_mut(index)?;
        let session = call.session.filter(|_| call.incoming && call.state == State::Ringing)?;
        Some((call, session))
    }

    fn called(&mut self, now: Duration, session: SessionId, request: &Message) {
        if self.calls.iter().any(|call| call.state != State::Over) {
            return self.endpoint.reject(now, session, Answer::status(486));
        }
        let from = request.from().ok();
        let peer = from.as_ref().and_then(|from| from.uri().decoded_user()).unwrap_or_default().into_owned();
        let mut call = self.new_call(peer);
        call.peer_name =
            from.and_then(|from| from.display().map(|name| name.into_owned())).unwrap_or_default();
        call.incoming = true;
        call.began = now;
        call.session = Some(session);
        call.offer = sip::parse_sdp(request.body()).ok();
        call.ring(now);
        if let Manner::Answers(after) = self.manner {
            call.answer_at = Some(now + after);
        }
        self.calls.push(call);
        match self.manner {
            Manner::Rejects(status) => self.reject(now, self.calls.len() - 1, status),
            Manner::Rings | Manner::Answers(_) => {
                self.endpoint.provisional(now, session, Answer::status(180));
            }
        }
    }

    fn new_call(&mut self, peer: String) -> Call {
        let port = RTP_PORT + 2 * (self.calls.len() % 10_000) as u16;
        Call::new(peer, port, Ear::new(self.setup.files.clone()))
    }

    fn up(&mut self, now: Duration, index: usize) {
        let call = &mut self.calls[index];
        call.answer(now);
        call.hang_up_at = self.hangs_up_after.map(|after| now + after);
        if let (Some(mouth), Some(greeting)) = (&mut call.mouth, &self.greeting) {
            mouth.say(&crate::voice::speak(greeting));
        }
    }

    // ---- what the exchange says

    pub(super) fn turn(&mut self, now: Duration) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                sip::Output::Transmit { flow, bytes } => {
                    self.sent.push(Datagram { from: flow.local, to: flow.remote, bytes: bytes.into() });
                }
                sip::Output::Event(event) => self.event(now, event),
            }
        }
    }

    fn event(&mut self, now: Duration, event: Event) {
        match event {
            Event::Request { server, .. } => self.endpoint.respond(now, server, Answer::status(200)),
            Event::InDialog { server, .. } => self.endpoint.respond(now, server, Answer::status(200)),
            Event::Invite { session, request, .. } => self.called(now, session, &request),
            Event::Progress { session, response } => {
                let Some(index) = self.call_of(session) else { return };
                self.calls[index].ring(now);
                self.take_answer(now, index, &response);
            }
            Event::Answered { session, response } => {
                let Some(index) = self.call_of(session) else { return };
                self.take_answer(now, index, &response);
                self.up(now, index);
            }
            Event::Acked { session, ack } => {
                if let Some(index) = self.call_of(session) {
                    self.take_answer(now, index, &ack);
                }
            }
            Event::Reoffer { session, server, request } => self.reoffered(now, session, server, &request),
            // It has a session timer as the exchange wants it, and answers UPDATE.
            Event::RefreshDue { .. } => {}
            Event::Ended { session, end } => self.ended(now, session, end),
            Event::Response { client, result } => self.registered(now, client, result),
        }
    }

    fn ended(&mut self, now: Duration, session: SessionId, end: SessionEnd) {
        let proven = self.proven.remove(&session).unwrap_or(true);
        let Some(index) = self.call_of(session) else { return };
        if let (SessionEnd::Rejected(response), false) = (&end, proven)
            && response.status() == Some(401)
            && self.calls[index].state != State::Over
        {
            let uri = self.uri_of(&self.calls[index].peer);
            if let Some(authorization) = self.authorization(response, "INVITE", &uri) {
                return self.invite(now, index, Some(authorization));
            }
        }
        let call = &mut self.calls[index];
        call.end(
            now,
            match end {
                SessionEnd::Bye(_) => CallEnd::PeerHungUp,
                SessionEnd::Cancelled(_) => CallEnd::Cancelled,
                SessionEnd::Rejected(response) => CallEnd::Refused(response.status().unwrap_or_default()),
                SessionEnd::Timeout | SessionEnd::Transport => CallEnd::Failed,
                SessionEnd::Local => CallEnd::HungUp,
            },
        );
    }

    fn reoffered(&mut self, now: Duration, session: SessionId, server: ServerId, request: &Message) {
        let mut answer = Answer::status(200);
        if let (Some(index), Ok(offer)) = (self.call_of(session), sip::parse_sdp(request.body())) {
            match sip::answer(&self.local(index), &offer) {
                Ok((body, agreed)) => {
                    self.agree(now, index, &agreed);
                    answer = answer.body(SDP, body);
                }
                Err(_) => answer = Answer::status(488),
            }
        }
        self.endpoint.respond(now, server, answer);
    }

    fn take_answer(&mut self, now: Duration, index: usize, message: &Message) {
        let Ok(answer) = sip::parse_sdp(message.body()) else { return };
        if let Ok(agreed) = sip::agreed(&self.local(index), &answer) {
            self.agree(now, index, &agreed);
        }
    }

    fn agree(&mut self, now: Duration, index: usize, agreed: &sip::Agreed) {
        let random = self.random.next_u64();
        let call = &mut self.calls[index];
        call.ear.dtmf = agreed.dtmf;
        let Some(to) = agreed.remote.filter(|_| agreed.send) else {
            call.mouth = None;
            return;
        };
        let law = if agreed.codec == LocalCodec::Pcmu { Law::Mu } else { Law::A };
        let line = mouth::Line { to, law, payload_type: agreed.payload.pt, dtmf: agreed.dtmf };
        match &mut call.mouth {
            Some(mouth) => mouth.agree(line),
            None => call.mouth = Some(Mouth::new(now, line, random)),
        }
    }

    fn call_of(&self, session: SessionId) -> Option<usize> {
        self.calls.iter().position(|call| call.session == Some(session))
    }

    // ---- addresses

    fn local(&self, index: usize) -> Local {
        Local {
            address: self.setup.address,
            port: self.calls[index].port,
            codecs: self.codecs.clone(),
            session_id: index as u64 + 1,
            version: 1,
            direction: sip::Direction::SendRecv,
            dtmf: true,
            srtp: Srtp::default(),
        }
    }

    pub(super) fn domain(&self) -> String {
        format!("sip:{}", self.setup.exchange.ip())
    }

    fn uri_of(&self, number: &str) -> String {
        format!("sip:{}@{}", number.replace('#', "%23"), self.setup.exchange.ip())
    }

    pub(super) fn own_address(&self) -> String {
        format!("<sip:{}@{}>", self.setup.name, self.setup.realm)
    }
}
