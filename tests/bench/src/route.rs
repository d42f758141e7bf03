//! A call to a user by his number, and what it costs that there are ten thousand of them.
//!
//! The switch reads the INVITE of a trunk, finds the route and the user, who has no phone, refuses the call, writes its
//! record and takes the ACK.

use std::time::{Duration, Instant};

use bytes::Bytes;
use jackfield_media::{Command, Event, PortId, Stats};
use jackfield_sip::{Digests, Flow, Message, Name, Offered};
use jackfield_switch::{
    Dtmf, Input, Output, Pattern, Route, RouteTo, Settings, SrtpPolicy, Switch, User, Users,
};

use crate::{report::Figure, whole};

const FEW: usize = 3;
const MANY: usize = 10_000;
const CALLS: usize = 500;
const PORTS: u32 = 20;
const SERIES: usize = 9;
/// How much more a call may cost with many users.
const TARGET: f64 = 1.2;
/// Between two calls: transactions end as new ones begin.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) fn figures() -> Vec<Figure> {
    let (mut few, mut many) = (Exchange::new(FEW), Exchange::new(MANY));
    let (mut few_best, mut many_best) = (f64::MAX, f64::MAX);
    // In turns, so that both see the same weather.
    for _ in 0..SERIES {
        few_best = few_best.min(few.microseconds());
        many_best = many_best.min(many.microseconds());
    }
    let name = format!("route_call_{MANY}_users");
    vec![
        Figure::new(name, many_best, "us").beside(format!("{FEW} users"), few_best).target(few_best * TARGET),
    ]
}

struct Exchange {
    switch: Switch,
    users: usize,
    now: Duration,
    calls: usize,
    flow: Flow,
}

impl Exchange {
    fn new(users: usize) -> Exchange {
        let (switch, flow) = whole::switch(settings(users), PORTS);
        Exchange { switch, users, now: Duration::ZERO, calls: 0, flow }
    }

    /// Of one call.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    fn microseconds(&mut self) -> f64 {
        let start = Instant::now();
        (0..CALLS).for_each(|_| self.call());
        start.elapsed().as_secs_f64() * 1e6 / CALLS as f64
    }

    fn call(&mut self) {
        self.now += PAUSE;
        self.switch.handle_timeout(self.now);
        self.drain();
        self.calls += 1;
        let callee = format!("{:05}", self.calls * 7919 % self.users);
        self.hear(whole::invite(self.calls, &callee));
        let answer = self.drain().expect("a final answer");
        self.hear(ack(self.calls, &callee, &answer));
        self.drain();
    }

    fn hear(&mut self, bytes: Bytes) {
        self.switch.handle(self.now, Input::Sip { flow: self.flow, bytes });
    }

    /// Does what the switch asks; the refusal that it sends.
    fn drain(&mut self) -> Option<Message> {
        let mut answer = None;
        while let Some(output) = self.switch.poll_output() {
            match output {
                Output::Transmit { bytes, .. } => {
                    let message = Message::parse(bytes).expect("the switch writes SIP");
                    answer = Some(message).filter(|message| message.status() == Some(480)).or(answer);
                }
                Output::Media { worker, command: Command::Close { leg } } => {
                    let event = Event::Closed { leg, port: PortId(0), stats: Stats::default() };
                    self.switch.handle(self.now, Input::Media { worker, event });
                }
                _ => {}
            }
        }
        answer
    }
}

fn settings(users: usize) -> Settings {
    let user = |n| {
        let user = User {
            number: Some(format!("{n:05}")),
            display_name: format!("User {n}"),
            offered: Offered::Md5,
            digests: Digests::default(),
            record: false,
            dtmf: Dtmf::Auto,
            srtp: SrtpPolicy::Off,
        };
        (format!("u{n:05}"), user)
    };
    let route = Route {
        pattern: Pattern::parse("XXXXX").expect("digits are a pattern"),
        to: RouteTo::AnyUser,
        ring: None,
        fallback: None,
        record: false,
    };
    Settings { users: (0..users).map(user).collect::<Users>(), routes: vec![route], ..whole::settings(10) }
}

/// Of a refusal: part of the INVITE's transaction (RFC 3261 17.1.1.3).
fn ack(number: usize, callee: &str, answer: &Message) -> Bytes {
    let header = |name| answer.text(&name).expect("a response has what its request had");
    Bytes::from(format!(
        "ACK sip:{callee}@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKinvite{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
        header(Name::From),
        header(Name::To),
        header(Name::CallId),
    ))
}
