//! One endpoint that talks to a peer written by hand.
#![allow(dead_code, reason = "each test file uses its part")]

use std::time::Duration;

use bytes::Bytes;
use jackfield_sip::{
    Answer, Builder, Busy, Config, Endpoint, Event, Flow, FlowId, Invite, Message, Method, Name, Output,
    ServerId, SessionEnd, SessionId, Time, Transport,
};

/// Where the peer's datagrams come from.
pub const PEER: &str = "198.51.100.9:5099";

pub fn flow(transport: Transport) -> Flow {
    Flow { id: FlowId(1), transport, local: "192.0.2.1:5060".parse().unwrap(), remote: PEER.parse().unwrap() }
}

/// A request of the peer; each branch is a transaction.
pub fn request(method: &str, cseq: u32, branch: &str, to_tag: Option<&str>) -> String {
    let tag = to_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
    let offer = matches!(method, "INVITE" | "UPDATE");
    let body = if offer { "v=0\r\n" } else { "" };
    let content = if offer { "Content-Type: application/sdp\r\n" } else { "" };
    format!(
        "{method} sip:600@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;rport;branch=z9hG4bK{branch}\r\n\
        Max-Forwards: 70\r\nFrom: <sip:peer@example.org>;tag=p1\r\nTo: <sip:600@example.org>{tag}\r\n\
        Call-ID: c1\r\nCSeq: {cseq} {method}\r\nContact: <sip:peer@198.51.100.9>\r\n{content}\
        Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub fn invite() -> String {
    request("INVITE", 1, "i1", None)
}

pub struct Lone {
    pub now: Time,
    pub endpoint: Endpoint,
    pub events: Vec<Event>,
    /// What it sent and was not looked at yet.
    pub out: Vec<(Flow, Message)>,
    last: Option<Message>,
    flow: Flow,
}

impl Lone {
    pub fn new(transport: Transport, config: Config) -> Lone {
        Lone {
            now: Time::ZERO,
            endpoint: Endpoint::new(config),
            events: vec![],
            out: vec![],
            last: None,
            flow: flow(transport),
        }
    }

    pub fn udp() -> Lone {
        Lone::new(Transport::Udp, Config::default())
    }

    fn drain(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Transmit { flow, bytes } => {
                    let message = Message::parse(bytes).unwrap();
                    self.last = Some(message.clone());
                    self.out.push((flow, message));
                }
            }
        }
    }

    pub fn act<T>(&mut self, act: impl FnOnce(&mut Endpoint, Time) -> T) -> T {
        let result = act(&mut self.endpoint, self.now);
        self.drain();
        result
    }

    pub fn receive(&mut self, text: &str) {
        self.receive_bytes(text.as_bytes().to_vec());
    }

    pub fn receive_bytes(&mut self, bytes: Vec<u8>) {
        let flow = self.flow;
        self.act(|end, now| end.handle_bytes(now, &flow, Bytes::from(bytes)));
    }

    /// The peer answers a request of ours.
    pub fn answer(&mut self, request: &Message, status: u16, tag: &str) {
        let tag = (!tag.is_empty()).then_some(tag);
        let answer =
            Builder::response_to(request, status, "", tag).header(Name::Contact, "<sip:peer@198.51.100.9>");
        let (flow, bytes) = (self.flow, answer.build());
        self.act(|end, now| end.handle_bytes(now, &flow, bytes));
    }

    pub fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some(at) = self.endpoint.next_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.act(|end, now| end.handle_timeout(now));
        }
        self.now = until;
    }

    /// The last message that it sent.
    pub fn last(&self) -> Message {
        self.last.clone().unwrap()
    }

    /// The responses that it has sent since the last look.
    pub fn statuses(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.out).iter().filter_map(|(_, message)| message.status()).collect()
    }

    /// The requests that it has sent since the last look: method, To tag, URI. The first INVITE is left out.
    pub fn requests(&mut self) -> Vec<(Method, String, String)> {
        let out = std::mem::take(&mut self.out);
        let requests = out.into_iter().filter_map(|(_, message)| {
            let tag = message.to().ok()?.tag()?.to_owned();
            Some((message.method()?, tag, message.uri()?.to_owned()))
        });
        requests.collect()
    }

    /// The peer calls.
    pub fn called(&mut self) -> SessionId {
        self.receive(&invite());
        self.take_call()
    }

    pub fn take_call(&mut self) -> SessionId {
        let at = self.events.iter().position(|event| matches!(event, Event::Invite { .. })).unwrap();
        let Event::Invite { session, .. } = self.events.remove(at) else { unreachable!() };
        session
    }

    /// The peer calls, we accept, it acknowledges; the session and our tag.
    pub fn talk(&mut self) -> (SessionId, String) {
        let session = self.called();
        self.act(|end, now| end.accept(now, session, Answer::status(200)));
        let tag = self.last().to().unwrap().tag().unwrap().to_owned();
        self.receive(&request("ACK", 1, "ack", Some(&tag)));
        self.events.clear();
        self.out.clear();
        (session, tag)
    }

    pub fn try_invite(&mut self) -> Result<SessionId, Busy> {
        let (flow, invite) = (self.flow, super::pair::invite_of_alice());
        let invite = Invite { uri: "sip:peer@192.0.2.9".to_owned(), ..invite };
        self.act(|end, now| end.invite(now, &flow, invite))
    }

    pub fn invite(&mut self) -> SessionId {
        self.try_invite().unwrap()
    }

    pub fn ended(&mut self) -> SessionEnd {
        let ends = self.events.iter().filter_map(|event| match event {
            Event::Ended { end, .. } => Some(end.clone()),
            _ => None,
        });
        let ends: Vec<_> = ends.collect();
        assert_eq!(ends.len(), 1);
        ends[0].clone()
    }

    pub fn requested(&mut self) -> ServerId {
        match self.events.pop().unwrap() {
            Event::Request { server, .. } => server,
            event => panic!("{event:?}"),
        }
    }

    pub fn reoffered(&mut self) -> ServerId {
        match self.events.pop().unwrap() {
            Event::Reoffer { server, .. } => server,
            event => panic!("{event:?}"),
        }
    }
}
