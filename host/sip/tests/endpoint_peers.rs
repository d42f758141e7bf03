//! One endpoint, and peers that are written by hand.
#![allow(clippy::unwrap_used, reason = "tests")]

mod lone;
mod pair;

use jackfield_sip::{
    Answer, Config, Event, Failure, Load, Message, Method, Name, OutRequest, SessionEnd, SessionId, Time,
    Transport,
};
use lone::*;
use pair::{LONG, MS, SECOND};

#[test]
fn the_second_bye_gets_481() {
    let mut lone = Lone::udp();
    let session = lone.called();
    lone.act(|end, now| end.accept(now, session, Answer::status(200)));
    let tag = lone.last().to().unwrap().tag().unwrap().to_owned();
    lone.receive(&request("ACK", 1, "ack", Some(&tag)));
    lone.receive(&request("BYE", 2, "bye1", Some(&tag)));
    assert_eq!(lone.statuses(), [100, 200, 200]);
    lone.receive(&request("BYE", 2, "bye1", Some(&tag)));
    assert_eq!(lone.statuses(), [200], "a repeated BYE gets its answer again");
    lone.receive(&request("BYE", 3, "bye2", Some(&tag)));
    assert_eq!(lone.statuses(), [481]);
}

#[test]
fn a_repeated_invite_gets_the_last_response_until_it_is_accepted() {
    let mut lone = Lone::udp();
    let session = lone.called();
    lone.act(|end, now| end.provisional(now, session, Answer::status(180)));
    lone.statuses();
    lone.receive(&invite());
    assert_eq!(lone.statuses(), [180]);
    lone.act(|end, now| end.accept(now, session, Answer::status(200)));
    lone.statuses();
    // RFC 6026 7.1: absorbed, the session repeats the 2xx on its own.
    lone.receive(&invite());
    assert_eq!(lone.statuses(), Vec::<u16>::new());
    lone.run_for(MS * 500);
    assert_eq!(lone.statuses(), [200]);
}

#[test]
fn an_accepted_invite_is_absorbed_for_64_t1_after_the_ack() {
    let mut lone = Lone::udp();
    let session = lone.called();
    lone.act(|end, now| end.accept(now, session, Answer::status(200)));
    let tag = lone.last().to().unwrap().tag().unwrap().to_owned();
    lone.receive(&request("ACK", 1, "ack", Some(&tag)));
    lone.run_for(LONG - MS);
    lone.receive(&invite());
    assert_eq!(lone.events.iter().filter(|event| matches!(event, Event::Invite { .. })).count(), 0);
    assert_eq!(lone.endpoint.load().servers, 1);
    lone.run_for(MS);
    // The timer is that of the session.
    assert_eq!(lone.endpoint.load(), Load { sessions: 1, timers: 1, ..Load::default() });
}

#[test]
fn a_forked_answer_is_acknowledged_and_released() {
    let mut lone = Lone::udp();
    let session = lone.invite();
    let sent = lone.last();
    lone.answer(&sent, 180, "early1");
    lone.answer(&sent, 180, "early2");
    lone.answer(&sent, 200, "fork1");
    lone.answer(&sent, 200, "fork2");
    lone.answer(&sent, 200, "fork2");
    lone.answer(&sent, 200, "fork1");
    let out: Vec<_> = lone.requests().into_iter().map(|(method, tag, _)| format!("{method} {tag}")).collect();
    assert_eq!(out, ["ACK fork1", "ACK fork2", "BYE fork2", "ACK fork2", "ACK fork1"]);
    let answered: Vec<_> =
        lone.events.iter().filter(|event| matches!(event, Event::Answered { .. })).collect();
    assert_eq!(answered.len(), 1);
    assert!(lone.endpoint.remote_flow(session).is_some());
}

#[test]
fn a_fork_that_answers_after_the_call_is_released_too() {
    let mut lone = Lone::udp();
    let session = lone.invite();
    let sent = lone.last();
    lone.answer(&sent, 200, "fork1");
    lone.act(|end, now| end.end(now, session, 0, None));
    let bye = lone.last();
    lone.answer(&bye, 200, "fork1");
    assert!(matches!(lone.ended(), SessionEnd::Local));
    lone.requests();
    lone.answer(&sent, 200, "fork1");
    lone.answer(&sent, 200, "fork2");
    let out: Vec<_> = lone.requests().into_iter().map(|(method, tag, _)| format!("{method} {tag}")).collect();
    assert_eq!(out, ["ACK fork1", "ACK fork2", "BYE fork2"]);
    lone.run_for(LONG * 3);
    assert_eq!(lone.endpoint.load(), Load::default());
}

#[test]
fn the_ack_of_a_failure_has_the_branch_of_its_invite_and_that_of_a_2xx_its_own() {
    let mut lone = Lone::udp();
    lone.invite();
    let sent = lone.last();
    lone.answer(&sent, 486, "x");
    let ack = lone.last();
    assert_eq!((ack.method(), ack.uri()), (Some(Method::Ack), sent.uri()));
    assert_eq!(ack.via().unwrap(), sent.via().unwrap());
    assert_eq!(ack.to().unwrap().tag(), Some("x"));

    lone.invite();
    let sent = lone.last();
    lone.answer(&sent, 200, "y");
    let ack = lone.last();
    assert_eq!(ack.uri(), Some("sip:peer@198.51.100.9"));
    assert_ne!(ack.via().unwrap().branch(), sent.via().unwrap().branch());
    assert_eq!(ack.cseq().unwrap(), (1, Method::Ack));
}

#[test]
fn cancel_is_a_copy_of_its_invite_with_one_via() {
    let mut lone = Lone::udp();
    let session = lone.invite();
    let sent = lone.last();
    lone.answer(&sent, 100, "");
    lone.act(|end, now| end.end(now, session, 487, None));
    let cancel = lone.last();
    assert_eq!(cancel.method(), Some(Method::Cancel));
    for name in [Name::Via, Name::From, Name::To, Name::CallId] {
        assert_eq!(cancel.header(&name), sent.header(&name));
    }
    assert_eq!(cancel.cseq().unwrap().0, 1);
    // Its answer does not end the INVITE; the 487 does.
    lone.answer(&cancel, 200, "x");
    assert!(lone.events.is_empty());
    lone.answer(&sent, 487, "x");
    assert!(matches!(lone.ended(), SessionEnd::Local));
}

#[test]
fn a_request_with_a_lower_number_gets_500() {
    let mut lone = Lone::udp();
    let (session, tag) = lone.talk();
    lone.receive(&request("INFO", 5, "i5", Some(&tag)));
    lone.receive(&request("INFO", 4, "i4", Some(&tag)));
    assert_eq!(lone.statuses(), [500]);
    assert!(lone.endpoint.remote_flow(session).is_some());
    lone.receive(&request("BYE", 3, "b3", Some(&tag)));
    assert_eq!(lone.statuses(), [200, 487], "BYE may come late; the INFO still waited");
}

#[test]
fn a_new_contact_is_where_the_next_request_goes() {
    let mut lone = Lone::udp();
    let (session, tag) = lone.talk();
    let moved =
        request("UPDATE", 2, "u2", Some(&tag)).replace("sip:peer@198.51.100.9", "sip:moved@198.51.100.77");
    lone.receive(&moved);
    let server = lone.reoffered();
    lone.act(|end, now| end.respond(now, server, Answer::status(200)));
    lone.act(|end, now| end.session_request(now, session, Method::Info, vec![], None).unwrap());
    assert_eq!(lone.last().uri(), Some("sip:moved@198.51.100.77"));
}

#[test]
fn a_second_reinvite_while_the_first_waits_gets_500_with_retry_after() {
    let mut lone = Lone::udp();
    let (_, tag) = lone.talk();
    lone.receive(&request("INVITE", 2, "r2", Some(&tag)));
    lone.statuses();
    lone.receive(&request("INVITE", 3, "r3", Some(&tag)));
    let refusal = lone.last();
    assert_eq!(refusal.status(), Some(500));
    assert!(refusal.header(&Name::RetryAfter).is_some());
}

#[test]
fn cancelling_a_reinvite_leaves_the_call() {
    let mut lone = Lone::udp();
    let (session, tag) = lone.talk();
    lone.receive(&request("INVITE", 2, "r2", Some(&tag)));
    let server = lone.reoffered();
    lone.statuses();
    lone.receive(&request("CANCEL", 2, "r2", Some(&tag)));
    assert_eq!(lone.statuses(), [200, 487]);
    lone.act(|end, now| end.respond(now, server, Answer::status(200)));
    assert_eq!(lone.statuses(), Vec::<u16>::new(), "too late");
    lone.receive(&request("ACK", 2, "r2", Some(&tag)));
    assert!(lone.endpoint.remote_flow(session).is_some());
    lone.receive(&request("INVITE", 3, "r3", Some(&tag)));
    assert_eq!(lone.statuses(), [100], "the next one is heard");
}

#[test]
fn a_481_to_our_reinvite_ends_the_call() {
    let mut lone = Lone::udp();
    let (session, _) = lone.talk();
    lone.act(|end, now| end.session_request(now, session, Method::Invite, vec![], None).unwrap());
    let reinvite = lone.last();
    lone.answer(&reinvite, 481, "");
    assert!(matches!(lone.ended(), SessionEnd::Rejected(response) if response.status() == Some(481)));
    assert_eq!(lone.last().method(), Some(Method::Bye));
}

#[test]
fn a_reinvite_that_is_never_answered_does_not_outlive_its_call_for_long() {
    let mut lone = Lone::udp();
    let (session, _) = lone.talk();
    lone.act(|end, now| end.session_request(now, session, Method::Invite, vec![], None).unwrap());
    let reinvite = lone.last();
    lone.act(|end, now| end.end(now, session, 0, None));
    let bye = lone.last();
    lone.answer(&bye, 200, "");
    assert!(matches!(lone.ended(), SessionEnd::Local));
    lone.answer(&reinvite, 100, "");
    lone.run_for(LONG);
    assert_eq!(lone.endpoint.load(), Load::default());
    assert!(matches!(lone.events.last(), Some(Event::Response { result: Err(Failure::Timeout), .. })));
}

#[test]
fn an_update_that_times_out_while_it_rings_ends_the_call_with_cancel() {
    let mut lone = Lone::udp();
    let session = lone.invite();
    let sent = lone.last();
    lone.answer(&sent, 183, "x");
    lone.act(|end, now| end.session_request(now, session, Method::Update, vec![], None).unwrap());
    lone.run_for(LONG);
    assert!(matches!(lone.ended(), SessionEnd::Timeout));
    assert_eq!(lone.last().method(), Some(Method::Cancel));
    lone.run_for(LONG);
    assert_eq!(lone.endpoint.load(), Load::default());
}

#[test]
fn a_peer_of_rfc_2543_is_matched_without_branch() {
    let mut lone = Lone::udp();
    let old = |method: &str, tag: Option<&str>| request(method, 1, "x", tag).replace(";branch=z9hG4bKx", "");
    lone.receive(&old("INVITE", None));
    lone.receive(&old("INVITE", None));
    assert_eq!(lone.statuses(), [100, 100]);
    let session = lone.take_call();
    lone.act(|end, now| end.reject(now, session, Answer::status(486)));
    let tag = lone.last().to().unwrap().tag().unwrap().to_owned();
    lone.statuses();
    lone.receive(&old("ACK", Some(&tag)));
    lone.run_for(SECOND * 4);
    assert_eq!(lone.statuses(), Vec::<u16>::new(), "the ACK was matched");

    lone.receive(&old("INVITE", None).replace("c1", "c2"));
    let cancel = old("CANCEL", None).replace("c1", "c2");
    lone.receive(&cancel);
    assert_eq!(lone.statuses(), [100, 200, 487]);
}

#[test]
fn answers_go_where_rfc_3581_and_rfc_3261_18_2_2_say() {
    let mut lone = Lone::udp();
    lone.receive(&request("OPTIONS", 1, "o1", Some("nobody")));
    assert_eq!(lone.out.last().unwrap().0.remote, PEER.parse().unwrap(), "rport: the source port");
    let via = lone.last().via().unwrap();
    assert_eq!(
        (via.rport(), via.received().map(|ip| ip.to_string())),
        (Some(Some(5099)), Some("198.51.100.9".into()))
    );
    lone.receive(
        &request("OPTIONS", 1, "o2", Some("nobody"))
            .replace(";rport", "")
            .replace("10.0.0.9", "198.51.100.9:5070"),
    );
    assert_eq!(lone.out.last().unwrap().0.remote.to_string(), "198.51.100.9:5070");
    let bare = request("OPTIONS", 1, "o3", Some("nobody")).replace(";rport", "");
    lone.receive(&bare.replace("10.0.0.9", "198.51.100.9"));
    assert_eq!(lone.out.last().unwrap().0.remote.to_string(), "198.51.100.9:5060");
    lone.receive(&bare.replace("o3", "o4"));
    assert_eq!(lone.out.last().unwrap().0.remote, PEER.parse().unwrap(), "behind a NAT: the source port");
}

#[test]
fn every_new_request_is_checked_before_anybody_sees_it() {
    let cases: [(&str, String, u16); 10] = [
        ("unknown dialog", request("INFO", 2, "c1", Some("nobody")), 481),
        ("BYE without dialog", request("BYE", 2, "c2", None), 481),
        ("CANCEL of nothing", request("CANCEL", 1, "c3", None), 481),
        ("no hops left", request("INVITE", 1, "c4", None).replace("Forwards: 70", "Forwards: 0"), 483),
        ("extension", request("INVITE", 1, "c5", None).replace("Max-", "Require: 100rel, x\r\nMax-"), 420),
        ("version", request("INVITE", 1, "c6", None).replacen("SIP/2.0\r\n", "SIP/7.0\r\n", 1), 505),
        ("CSeq method", request("INVITE", 1, "c7", None).replace("1 INVITE", "1 OPTIONS"), 400),
        ("no Contact", request("INVITE", 1, "c8", None).replace("Contact:", "X-Contact:"), 400),
        ("unreadable", request("INVITE", 1, "c9", None).replace("Max-", "no colon\r\nMax-"), 400),
        ("scheme", request("INVITE", 1, "ca", None).replacen("sip:600@192.0.2.1", "http://x", 1), 416),
    ];
    for (name, text, status) in cases {
        let mut lone = Lone::udp();
        lone.receive(&text);
        lone.receive(&text);
        assert!(lone.events.is_empty(), "{name}");
        let tags: Vec<_> =
            lone.out.iter().map(|(_, answer)| answer.to().unwrap().tag().map(str::to_owned)).collect();
        assert!(tags[0].is_some() && tags[0] == tags[1], "{name}: one To tag");
        assert_eq!(lone.statuses(), [status, status], "{name}");
        assert_eq!(lone.endpoint.load(), Load::default(), "{name}");
    }
    let mut lone = Lone::udp();
    lone.receive(&request("INVITE", 1, "x", None).replace("Max-", "Require: 100rel, x\r\nMax-"));
    assert_eq!(lone.last().text(&Name::Unsupported).unwrap(), "x");
}

#[test]
fn options_without_hops_left_are_for_us() {
    let mut lone = Lone::udp();
    lone.receive(&request("OPTIONS", 1, "o", None).replace("Forwards: 70", "Forwards: 0"));
    let server = lone.requested();
    lone.act(|end, now| end.respond(now, server, Answer::status(200)));
    assert_eq!(lone.statuses(), [200]);
    lone.receive(&request("OPTIONS", 1, "o", None).replace("Forwards: 70", "Forwards: 0"));
    assert_eq!(lone.statuses(), [200], "a retransmission gets the answer again");
    lone.run_for(LONG);
    assert_eq!(lone.endpoint.load(), Load::default());
}

#[test]
fn a_request_that_nobody_answers_is_forgotten() {
    let mut lone = Lone::udp();
    lone.receive(&request("MESSAGE", 1, "m", None));
    lone.run_for(LONG);
    assert_eq!(lone.endpoint.load(), Load::default());
}

#[test]
fn a_request_that_came_two_ways_is_merged() {
    let mut lone = Lone::udp();
    lone.receive(&invite());
    lone.statuses();
    lone.receive(&request("INVITE", 1, "other", None));
    assert_eq!(lone.statuses(), [482]);
}

#[test]
fn an_ack_for_nothing_is_dropped() {
    let mut lone = Lone::udp();
    lone.receive(&request("ACK", 1, "a", Some("nobody")));
    lone.receive(&request("ACK", 1, "a", None));
    lone.receive(&request("ACK", 1, "a", None).replace("Call-ID", "X"));
    assert!(lone.out.is_empty() && lone.events.is_empty());
}

#[test]
fn a_full_house_answers_503() {
    let mut lone = Lone::new(Transport::Udp, Config { max_sessions: 1, ..Config::default() });
    lone.receive(&invite());
    lone.statuses();
    lone.receive(&request("INVITE", 1, "i2", None).replace("c1", "c2"));
    assert_eq!(lone.last().header(&Name::RetryAfter), Some(&b"5"[..]));
    assert_eq!(lone.statuses(), [503]);
    assert!(lone.try_invite().is_err());

    let mut lone = Lone::new(Transport::Udp, Config { max_transactions: 1, ..Config::default() });
    lone.receive(&invite());
    lone.statuses();
    lone.receive(&request("OPTIONS", 1, "o", None).replace("c1", "c2"));
    assert_eq!(lone.statuses(), [503]);
    assert!(lone.act(|end, now| end.request(now, &flow(Transport::Udp), options())).is_err());
}

#[test]
fn a_request_outside_of_sessions_has_one_response() {
    let mut lone = Lone::udp();
    let client = lone.act(|end, now| end.request(now, &flow(Transport::Udp), options())).unwrap();
    let sent = lone.last();
    lone.answer(&sent, 100, "");
    lone.answer(&sent, 200, "x");
    lone.answer(&sent, 200, "x");
    assert!(
        matches!(&lone.events[..], [Event::Response { client: of, result: Ok(response) }] if *of == client && response.status() == Some(200))
    );
    lone.events.clear();
    let client = lone.act(|end, now| end.request(now, &flow(Transport::Udp), options())).unwrap();
    lone.run_for(LONG);
    assert!(
        matches!(&lone.events[..], [Event::Response { client: of, result: Err(Failure::Timeout) }] if *of == client)
    );
    lone.run_for(LONG);
    assert_eq!(lone.endpoint.load(), Load::default());
}

#[test]
fn a_response_that_answers_nothing_of_ours_is_dropped() {
    let mut lone = Lone::udp();
    lone.invite();
    let sent = lone.last();
    let forged = sent.via().unwrap().branch().unwrap().replace("z9hG4bK", "z9hG4bK0");
    let text = String::from_utf8(sent.as_bytes().to_vec()).unwrap();
    let forged = text.replace(sent.via().unwrap().branch().unwrap(), &forged);
    lone.answer(&Message::parse(forged.into()).unwrap(), 200, "x");
    let other_method = text.replace("1 INVITE", "1 BYE").replacen("INVITE sip", "BYE sip", 1);
    lone.answer(&Message::parse(other_method.into()).unwrap(), 200, "x");
    assert!(lone.events.is_empty());
}

#[test]
fn a_sips_call_has_a_sips_contact() {
    let mut lone = Lone::new(Transport::Tls, Config::default());
    lone.receive(&invite().replacen("sip:600@192.0.2.1", "sips:600@192.0.2.1", 1).replace("UDP", "TLS"));
    let session = lone.take_call();
    lone.act(|end, now| end.accept(now, session, Answer::status(200)));
    assert!(lone.last().contacts().unwrap()[0].uri().is_secure());
}

#[test]
fn a_caller_may_hang_up_a_ringing_call_with_bye() {
    let mut lone = Lone::udp();
    let session = lone.called();
    lone.act(|end, now| end.provisional(now, session, Answer::status(180)));
    let tag = lone.last().to().unwrap().tag().unwrap().to_owned();
    lone.statuses();
    lone.receive(&request("BYE", 2, "b", Some(&tag)));
    assert_eq!(lone.statuses(), [200, 487]);
    assert!(matches!(lone.ended(), SessionEnd::Bye(_)));
}

#[test]
fn ids_that_are_unknown_are_ignored() {
    let mut lone = Lone::udp();
    let nobody = SessionId(77);
    lone.act(|end, now| {
        end.accept(now, nobody, Answer::status(200));
        end.reject(now, nobody, Answer::status(486));
        end.provisional(now, nobody, Answer::status(180));
        end.end(now, nobody, 480, None);
        assert_eq!(end.session_request(now, nobody, Method::Info, vec![], None), None);
        assert_eq!(end.next_timeout(), None::<Time>);
    });
    assert!(lone.out.is_empty() && lone.events.is_empty());
}

fn options() -> OutRequest {
    OutRequest {
        method: Method::Options,
        uri: "sip:peer@198.51.100.9".to_owned(),
        to: "<sip:peer@198.51.100.9>".to_owned(),
        from: "<sip:pbx@192.0.2.1>".to_owned(),
        routes: vec![],
        headers: vec![],
        body: None,
    }
}
