//! Whatever bytes a live endpoint is fed, it does not panic, and forgets in the end.
#![allow(clippy::unwrap_used, reason = "tests")]

mod lone;
mod pair;

use jackfield_sip::{Answer, Builder, Config, Event, Load, Method, Name, ServerId, SessionId, Transport};
use lone::*;
use pair::{LONG, MS, SECOND};
use proptest::prelude::*;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Noise(Vec<u8>),
    /// A message that could be, and wounds: place, byte, kind.
    Message {
        kind: usize,
        number: u32,
        wounds: Vec<(usize, u8, u8)>,
    },
    /// An answer to something that we have sent.
    Answer {
        which: usize,
        status: u16,
        tag: u8,
        wounds: Vec<(usize, u8, u8)>,
    },
    Wait(u32),
    User(u8, u16),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wounds = || prop::collection::vec((any::<usize>(), any::<u8>(), 0u8..5), 0..4);
    let unhurt = || prop_oneof![3 => Just(vec![]), 2 => wounds()];
    let step = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..200).prop_map(Step::Noise),
        8 => (0usize..12, 1u32..6, unhurt()).prop_map(|(kind, number, wounds)| Step::Message { kind, number, wounds }),
        6 => (any::<usize>(), 100u16..700, 0u8..3, unhurt())
            .prop_map(|(which, status, tag, wounds)| Step::Answer { which, status, tag, wounds }),
        2 => (0u32..40_000).prop_map(Step::Wait),
        6 => (0u8..8, 100u16..700).prop_map(|(act, status)| Step::User(act, status)),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 1..60)
}

fn wounded(text: &[u8], wounds: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for &(place, byte, kind) in wounds {
        if bytes.is_empty() {
            break;
        }
        let at = place % bytes.len();
        match kind {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, byte),
            3 => bytes.extend_from_within(at..),
            _ => {
                bytes.remove(at);
            }
        }
    }
    bytes
}

#[derive(Default)]
struct Seen {
    sessions: Vec<SessionId>,
    servers: Vec<ServerId>,
    ended: Vec<SessionId>,
    tags: Vec<String>,
}

impl Seen {
    fn look(&mut self, lone: &mut Lone) {
        for event in lone.events.drain(..) {
            match event {
                Event::Invite { session, .. } => self.sessions.push(session),
                Event::RefreshDue { .. } => {}
                Event::Request { server, .. }
                | Event::Reoffer { server, .. }
                | Event::InDialog { server, .. } => self.servers.push(server),
                Event::Ended { session, .. } => {
                    assert!(!self.ended.contains(&session), "once");
                    self.ended.push(session);
                }
                Event::Progress { session, .. }
                | Event::Answered { session, .. }
                | Event::Acked { session, .. } => {
                    assert!(!self.ended.contains(&session), "nothing after the end");
                }
                Event::Response { .. } => {}
            }
        }
        for (_, message) in
            lone.out.iter().filter(|(_, message)| message.status().is_some_and(|status| status > 100))
        {
            self.tags.extend(message.to().ok().and_then(|to| to.tag().map(str::to_owned)));
        }
    }
}

fn message(kind: usize, number: u32, seen: &Seen) -> String {
    const METHODS: [&str; 12] = [
        "INVITE", "INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "UPDATE", "REFER",
        "PRACK", "FOO",
    ];
    let tag = seen.tags.last().filter(|_| kind != 0).map(String::as_str);
    let branch =
        format!("{}{number}", if METHODS[kind] == "CANCEL" || kind == 2 { "INVITE" } else { METHODS[kind] });
    request(METHODS[kind], number, &branch, tag)
}

fn user(lone: &mut Lone, seen: &mut Seen, act: u8, status: u16) {
    let session = seen.sessions.last().copied().unwrap_or(SessionId(1));
    let server = seen.servers.pop();
    let answer = Answer::status(status).header(Name::Reason, "a\r\nb: c");
    match act {
        0 => seen.sessions.extend(lone.try_invite().ok()),
        1 => lone.act(|end, now| end.provisional(now, session, answer)),
        2 => lone.act(|end, now| end.accept(now, session, answer)),
        3 => lone.act(|end, now| end.reject(now, session, answer)),
        4 => lone.act(|end, now| end.end(now, session, status, Some("x"))),
        5 | 6 => {
            let method = [Method::Invite, Method::Update, Method::Info][usize::from(status % 3)].clone();
            let body = Some(("application/sdp".to_owned(), "v=0".into()));
            lone.act(|end, now| end.session_request(now, session, method, vec![], body));
        }
        _ => {
            if let Some(server) = server {
                lone.act(|end, now| end.respond(now, server, answer));
            }
        }
    }
}

fn live(transport: Transport, steps: Vec<Step>) {
    let config = Config { max_transactions: 40, max_sessions: 8, ..Config::default() };
    let mut lone = Lone::new(transport, config);
    let mut seen = Seen::default();
    for step in steps {
        match step {
            Step::Noise(bytes) => lone.receive_bytes(bytes),
            Step::Message { kind, number, wounds } => {
                lone.receive_bytes(wounded(message(kind, number, &seen).as_bytes(), &wounds));
            }
            Step::Answer { which, status, tag, wounds } => {
                let sent: Vec<_> = lone.out.iter().filter(|(_, message)| message.is_request()).collect();
                let Some((_, request)) = sent.get(which % sent.len().max(1)) else { continue };
                let tag = (tag > 0).then(|| format!("t{tag}"));
                let answer = Builder::response_to(request, status, "", tag.as_deref())
                    .header(Name::Contact, "<sip:p@198.51.100.9>");
                lone.receive_bytes(wounded(&answer.build(), &wounds));
            }
            Step::Wait(ms) => lone.run_for(MS * ms),
            Step::User(act, status) => user(&mut lone, &mut seen, act, status),
            Step::Close => {
                lone.act(|end, now| end.handle_flow_closed(now, jackfield_sip::FlowId(1)));
            }
        }
        seen.look(&mut lone);
        let load = lone.endpoint.load();
        assert!(load.sessions <= 8);
        assert!(load.timers <= 2 * (load.clients + load.servers + load.sessions), "{load:?}");
    }
    for session in seen.sessions.clone() {
        lone.act(|end, now| end.end(now, session, 480, None));
    }
    lone.run_for(LONG * 5 + SECOND);
    seen.look(&mut lone);
    // A re-INVITE or a request that a user never answers lives as long as its session, which has ended.
    assert_eq!(lone.endpoint.load(), Load::default());
    seen.sessions.sort();
    seen.ended.sort();
    assert_eq!(seen.sessions, seen.ended);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_live_endpoint_survives_anything_over_udp(steps in steps()) {
        live(Transport::Udp, steps);
    }

    #[test]
    fn a_live_endpoint_survives_anything_over_tcp(steps in steps()) {
        live(Transport::Tcp, steps);
    }
}
