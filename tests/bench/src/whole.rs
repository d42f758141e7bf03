//! Memory of a whole parked call: the SIP dialog and the leg in the real switch, the leg in the real media session,
//! and the plugin instance that waits in its first verb that takes time.
//!
//! The INVITE comes as bytes, the 200 is acknowledged, and the transaction's time is over before memory is
//! measured. The media session gets no ticks, so that the prompt plays for ever; the sockets of the legs, which
//! are the kernel's memory, are not opened.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use jackfield_media::{self as media, Codec, Lease, PortId, Session, Source, WorkerId, tone};
use jackfield_sip::{Flow, FlowId, Message, Name, Timers, Transport};
use jackfield_switch::{
    Dtmf, Input, Options, Output, Pattern, Peer, PluginSettings, Route, RouteTo, Settings, SrtpPolicy, Switch,
};

use crate::{
    house::{self, Guest, House},
    parked::{COUNTS, WARM_UP, house_for, resident},
    report::Figure,
};

/// Past 64 times T1, when the transaction of an INVITE ends (RFC 6026 8.3), and past a session's first refresh.
const LATER: Duration = Duration::from_secs(40);
const FIRST_PORT: u32 = 10_000;
const MAX_LEGS: usize = 20_000;

pub(crate) fn figures() -> Vec<Figure> {
    let Some((house, counts)) = house_for(&COUNTS) else { return Vec::new() };
    let mut exchange = Exchange::new(house, counts[counts.len() - 1] + WARM_UP);
    for _ in 0..WARM_UP {
        exchange.park();
    }
    exchange.later();
    let before = resident();
    let mut figures = Vec::new();
    for &count in counts {
        while exchange.guests.len() < (WARM_UP + count) as usize {
            exchange.park();
        }
        exchange.later();
        let each = (resident() - before) / f64::from(count);
        figures.push(Figure::new(format!("parked_whole_call_{count}"), each, "KiB"));
    }
    figures
}

/// A switch with so many media ports, and the way to the callers.
pub(crate) fn switch(settings: Settings, ports: u32) -> (Switch, Flow) {
    let options = Options {
        seed: [7; 32],
        node: "j".to_owned(),
        user_agent: "Jackfield".to_owned(),
        started_unix: Duration::from_secs(1_795_000_000),
        sip_timers: Timers::default(),
    };
    let mut switch = Switch::new(options, Arc::new(settings));
    let lease =
        |port| Lease { worker: WorkerId(0), port: PortId(port), number: (FIRST_PORT + 2 * port) as u16 };
    switch.handle(Duration::ZERO, Input::Leases((0..ports).map(lease).collect()));
    let address = |last: u8| SocketAddr::from(([192, 0, 2, last], 5060));
    let flow = Flow { id: FlowId(1), transport: Transport::Udp, local: address(1), remote: address(2) };
    (switch, flow)
}

/// Switch, media and plugins, with callers who are known by their address.
struct Exchange {
    house: House,
    switch: Switch,
    media: Session,
    guests: Vec<Guest>,
    now: Duration,
    flow: Flow,
}

impl Exchange {
    fn new(house: House, calls: u32) -> Exchange {
        let (switch, flow) = switch(settings(calls), calls);
        let media =
            Session::new(media::Settings { seed: 7, media_timeout: Duration::ZERO, max_legs: MAX_LEGS });
        Exchange { house, switch, media, guests: Vec::new(), now: Duration::ZERO, flow }
    }

    /// A call comes in, is answered, and its guest waits.
    fn park(&mut self) {
        self.now += Duration::from_millis(1);
        let number = self.guests.len();
        self.hear(invite(number, "100"));
        let mut answer = None;
        loop {
            while let Some(output) = self.switch.poll_output() {
                match output {
                    Output::Transmit { bytes, .. } => {
                        let message = Message::parse(bytes).expect("the switch writes SIP");
                        answer = answer.or(Some(message).filter(|message| message.status() == Some(200)));
                    }
                    other => self.carry_out(other),
                }
            }
            if let Some(Poll::Ready(end)) = self.guests.get_mut(number).map(house::poll) {
                panic!("the script ended too soon: {end:?}");
            }
            let Some(input) = self.house.next_input() else { break };
            self.switch.handle(self.now, input);
        }
        let answer = answer.expect("the call is answered");
        self.hear(ack(number, &answer));
        while let Some(output) = self.switch.poll_output() {
            self.carry_out(output);
        }
        assert_eq!(self.media.legs(), self.guests.len(), "each call has its leg");
    }

    fn hear(&mut self, bytes: Bytes) {
        self.switch.handle(self.now, Input::Sip { flow: self.flow, bytes });
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Media { command, .. } => self.media.handle_command(self.now, command),
            Output::StartPlugin { instance, leg, call, .. } => {
                self.guests.push(self.house.guest(instance, leg, call));
            }
            Output::PluginReply { instance, token, reply } => {
                self.house.host.replies.deliver(instance, token, reply);
            }
            Output::Transmit { .. } | Output::Underway(_) | Output::Trace(_) => {}
            other => panic!("a parked call does not ask for {other:?}"),
        }
    }

    /// Lets the time go by in which transactions are remembered. No call may end in it.
    fn later(&mut self) {
        let until = self.now + LATER;
        while let Some(at) = self.switch.next_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.switch.handle_timeout(self.now);
            while let Some(output) = self.switch.poll_output() {
                self.carry_out(output);
            }
        }
        self.now = until;
        let counts = self.switch.counts();
        let guests = self.guests.len();
        assert_eq!((counts.calls, counts.instances, counts.sessions), (guests, guests, guests), "all are up");
    }
}

/// Calls of a trunk to `100` reach the script.
pub(crate) fn settings(calls: u32) -> Settings {
    let peer = Peer {
        name: "office".to_owned(),
        addresses: vec![([192, 0, 2, 0].into(), 24)],
        dtmf: Dtmf::Auto,
        srtp: SrtpPolicy::Off,
    };
    let route = Route {
        pattern: Pattern::parse("100").expect("a number is a pattern"),
        to: RouteTo::Plugin("script".to_owned()),
        ring: None,
        fallback: None,
        record: false,
    };
    let plugin = PluginSettings { launch: None };
    Settings {
        realm: "pbx.example.com".to_owned(),
        users: Default::default(),
        peers: vec![peer],
        routes: vec![route],
        plugins: BTreeMap::from([("script".to_owned(), plugin)]),
        ring: Duration::from_secs(30),
        after_hangup: Duration::from_secs(5),
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        music: [Source::Tone(tone::music())].into(),
        max_calls: calls,
        session_expires: Duration::from_secs(1800),
        expires: (60, 3600),
        max_contacts: 10,
        advertised: Default::default(),
    }
}

/// The INVITE of call `number`.
pub(crate) fn invite(number: usize, callee: &str) -> Bytes {
    let port = FIRST_PORT + 2 * number as u32;
    let body = format!(
        "v=0\r\no=- {number} 0 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    );
    let head = format!(
        "INVITE sip:{callee}@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKinvite{number};rport\r\n\
         Max-Forwards: 70\r\n\
         From: \"Alice Martin\" <sip:{number}@192.0.2.2>;tag=caller{number}\r\n\
         To: <sip:{callee}@192.0.2.1>\r\n\
         Call-ID: a84b4c76e66710-{number}@192.0.2.2\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:{number}@192.0.2.2:5060>\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE\r\n\
         Supported: timer, replaces\r\n\
         User-Agent: Desk Phone 3.1\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    Bytes::from(head + &body)
}

fn ack(number: usize, answer: &Message) -> Bytes {
    let header = |name| answer.text(&name).expect("a response has what its request had");
    let contacts = answer.contacts().expect("the switch writes SIP");
    let contact = contacts.first().expect("a 200 has a contact").uri();
    Bytes::from(format!(
        "ACK {contact} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKack{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
        header(Name::From),
        header(Name::To),
        header(Name::CallId),
    ))
}
