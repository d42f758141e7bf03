//! Provisional responses that must arrive (RFC 3262).
#![allow(clippy::unwrap_used, reason = "tests")]

mod lone;
mod pair;

use jackfield_sip::{Answer, Event, Load, Message, Method, Name, SessionEnd, SessionId};
use lone::{Lone, invite, request};
use pair::*;

fn with_media(status: u16) -> Answer {
    Answer::status(status).body("application/sdp", "v=0\r\n")
}

/// Bob sends it to a call that has come.
fn provisional(pair: &mut Pair, bob: SessionId, answer: Answer) {
    pair.act(Bob, |end, now| end.provisional(now, bob, answer));
}

fn called(pair: &mut Pair) -> (SessionId, SessionId) {
    let alice = pair.invite();
    pair.run_for(SECOND);
    (alice, pair.called())
}

/// The statuses of Progress events.
fn heard(pair: &mut Pair) -> Vec<u16> {
    let events = pair.take(Alice).into_iter();
    let heard = events.filter_map(|event| match event {
        Event::Progress { response, .. } => response.status(),
        _ => None,
    });
    heard.collect()
}

#[test]
fn ringing_is_acknowledged_by_prack() {
    for mut pair in [Pair::udp(), Pair::tcp()] {
        let (alice, bob) = called(&mut pair);
        provisional(&mut pair, bob, Answer::status(180));
        pair.run_for(SECOND);
        let ringing = pair.log.iter().find(|sent| sent.label() == "180 INVITE").unwrap().message.clone();
        let prack = pair.log.iter().find(|sent| sent.label() == "PRACK").unwrap().message.clone();
        let rseq = ringing.text(&Name::RSeq).unwrap();
        assert_eq!(ringing.text(&Name::Require).unwrap(), "100rel");
        assert_eq!(prack.text(&Name::RAck).unwrap(), format!("{rseq} 1 INVITE"));
        assert_eq!(prack.cseq().unwrap(), (2, Method::Prack));
        assert_eq!(
            (pair.sent(Bob, "180 INVITE"), pair.sent(Alice, "PRACK"), pair.sent(Bob, "200 PRACK")),
            (1, 1, 1)
        );
        assert_eq!(heard(&mut pair), [180]);
        pair.act(Bob, |end, now| end.accept(now, bob, Answer::status(200)));
        pair.run_for(SECOND);
        pair.end(Alice, alice);
        pair.run_out();
        let bye = pair.log.iter().find(|sent| sent.label() == "BYE").unwrap();
        assert_eq!(bye.message.cseq().unwrap().0, 3, "the numbers of the early dialog go on");
        assert!(matches!(pair.ended(Bob), SessionEnd::Bye(_)));
        pair.assert_empty();
    }
}

#[test]
fn a_lost_one_comes_again_and_is_heard_once() {
    for (lost, pracks) in [("180 INVITE", 1), ("PRACK", 4), ("200 PRACK", 4)] {
        let mut pair = Pair::udp();
        let (_, bob) = called(&mut pair);
        let mut left = 3;
        pair.lose(move |sent| {
            sent.label() == lost && {
                left -= 1;
                left >= 0
            }
        });
        let start = pair.now;
        provisional(&mut pair, bob, Answer::status(180));
        pair.run_for(SECOND * 10);
        assert_eq!((heard(&mut pair), pair.sent(Alice, "PRACK")), (vec![180], pracks), "{lost} is lost");
        if lost != "200 PRACK" {
            assert_eq!(pair.times(Bob, "180 INVITE", start), [0, 500, 1500, 3500], "{lost} is lost");
        }
    }
}

#[test]
fn without_prack_the_callee_gives_up_after_64_t1() {
    for mut pair in [Pair::udp(), Pair::tcp()] {
        let (_, bob) = called(&mut pair);
        pair.lose(|sent| sent.label() == "PRACK");
        let start = pair.now;
        provisional(&mut pair, bob, with_media(183));
        pair.act(Bob, |end, now| end.accept(now, bob, Answer::status(200)));
        pair.run_for(LONG);
        assert!(matches!(pair.ended(Bob), SessionEnd::Timeout));
        assert_eq!(pair.times(Bob, "183 INVITE", start), [0, 500, 1500, 3500, 7500, 15500, 31500]);
        pair.run_out();
        assert!(
            matches!(pair.ended(Alice), SessionEnd::Rejected(response) if response.status() == Some(504))
        );
        assert_eq!(pair.sent(Bob, "200 INVITE"), 0);
        pair.assert_empty();
    }
}

#[test]
fn the_answer_waits_for_the_prack_of_a_description_but_not_of_a_bare_180() {
    for (answer, waits) in [(with_media(183), true), (Answer::status(180), false)] {
        let mut pair = Pair::udp();
        let (alice, bob) = called(&mut pair);
        let mut left = 2;
        pair.lose(move |sent| {
            sent.label() == "PRACK" && {
                left -= 1;
                left >= 0
            }
        });
        provisional(&mut pair, bob, answer);
        pair.act(Bob, |end, now| end.accept(now, bob, Answer::status(200)));
        assert_eq!(pair.sent(Bob, "200 INVITE"), usize::from(!waits));
        pair.run_for(SECOND * 5);
        assert_eq!((pair.sent(Bob, "200 INVITE"), pair.sent(Bob, "200 PRACK")), (1, 1));
        assert!(pair.take(Alice).iter().any(|event| matches!(event, Event::Answered { .. })));
        assert!(matches!(&pair.take(Bob)[..], [Event::Acked { .. }]));
        pair.end(Alice, alice);
        pair.run_out();
        pair.assert_empty();
    }
}

#[test]
fn one_goes_after_the_other_and_their_numbers_rise_by_one() {
    let mut pair = Pair::udp();
    let (_, bob) = called(&mut pair);
    for answer in [Answer::status(180), with_media(183), Answer::status(182)] {
        provisional(&mut pair, bob, answer);
    }
    pair.act(Bob, |end, now| end.accept(now, bob, Answer::status(200)));
    assert_eq!((pair.sent(Bob, "180 INVITE"), pair.sent(Bob, "183 INVITE")), (1, 0));
    pair.run_for(SECOND);
    let rseqs = pair.log.iter().filter_map(|sent| sent.message.text(&Name::RSeq)?.parse::<u32>().ok());
    let rseqs: Vec<_> = rseqs.collect();
    assert_eq!(rseqs, [rseqs[0], rseqs[0] + 1, rseqs[0] + 2]);
    assert_eq!((heard(&mut pair), pair.sent(Bob, "200 INVITE")), (vec![180, 183, 182], 1));
}

#[test]
fn a_call_is_given_up_while_its_answer_waits() {
    for by_caller in [true, false] {
        let mut pair = Pair::udp();
        let (alice, bob) = called(&mut pair);
        pair.lose(|sent| sent.label() == "PRACK");
        provisional(&mut pair, bob, with_media(183));
        pair.act(Bob, |end, now| end.accept(now, bob, Answer::status(200)));
        pair.run_for(MS * 100);
        pair.end(if by_caller { Alice } else { Bob }, if by_caller { alice } else { bob });
        pair.run_out();
        let end = pair.ended(Bob);
        assert_eq!(matches!(end, SessionEnd::Cancelled(_)), by_caller, "{end:?}");
        assert_eq!((pair.ends(Alice).len(), pair.sent(Bob, "200 INVITE")), (1, 0));
        pair.assert_empty();
    }
}

#[test]
fn calls_come_through_foul_weather_with_early_media() {
    for seed in 0..60 {
        let mut pair = Pair::new(seed, jackfield_sip::Transport::Udp, FOUL);
        let alice = pair.invite();
        let mut bob = None;
        while bob.is_none() && pair.step(SECOND * 40) {
            bob = pair.take(Bob).into_iter().find_map(|event| match event {
                Event::Invite { session, .. } => Some(session),
                _ => None,
            });
        }
        let Some(bob) = bob else { continue };
        provisional(&mut pair, bob, Answer::status(180));
        provisional(&mut pair, bob, with_media(183));
        pair.act(Bob, |end, now| end.accept(now, bob, Answer::status(200)));
        pair.run_for(SECOND * 60);
        pair.end(Alice, alice);
        pair.end(Bob, bob);
        pair.run_out();
        let events = pair.take(Alice);
        let heard: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Progress { response, .. } => response.status(),
                Event::Answered { .. } => Some(200),
                _ => None,
            })
            .collect();
        assert!([180, 183, 200].starts_with(&heard) || heard == [200], "{seed}: {heard:?}");
        let ends = events.iter().filter(|event| matches!(event, Event::Ended { .. })).count();
        assert_eq!((ends, pair.ends(Bob).len()), (1, 1), "{seed}");
        pair.assert_empty();
    }
}

// ---- against a peer by hand

fn supporting(header: &str) -> String {
    invite().replace("Call-ID: c1", &format!("Call-ID: c1\r\n{header}"))
}

/// A PRACK of the peer for that RAck.
fn prack(cseq: u32, tag: &str, rack: &str, body: &str) -> String {
    let text = request("PRACK", cseq, &format!("p{cseq}"), Some(tag));
    let length = format!("RAck: {rack}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    text.replace("Content-Length: 0\r\n\r\n", &length)
}

fn rang(lone: &mut Lone, answer: Answer) -> (SessionId, String, String) {
    lone.receive(&supporting("Supported: timer, 100REL"));
    let session = lone.take_call();
    lone.act(|end, now| end.provisional(now, session, answer));
    let sent = lone.last();
    lone.statuses();
    (session, sent.to().unwrap().tag().unwrap().to_owned(), sent.text(&Name::RSeq).unwrap().into_owned())
}

#[test]
fn a_prack_of_nothing_gets_481() {
    let mut lone = Lone::udp();
    let (_, tag, rseq) = rang(&mut lone, Answer::status(180));
    let wrong: u32 = rseq.parse::<u32>().unwrap() + 1;
    let racks =
        [format!("{wrong} 1 INVITE"), format!("{rseq} 2 INVITE"), format!("{rseq} 1 UPDATE"), String::new()];
    for (at, rack) in (2..).zip(&racks) {
        lone.receive(&prack(at, &tag, rack, ""));
        assert_eq!(lone.statuses(), [481], "{rack}");
    }
    lone.receive(&prack(6, &tag, &format!("{rseq} 1 INVITE"), ""));
    assert_eq!(lone.statuses(), [200]);
    lone.receive(&prack(6, &tag, &format!("{rseq} 1 INVITE"), ""));
    assert_eq!(lone.statuses(), [200], "the same again");
    lone.receive(&prack(7, &tag, &format!("{rseq} 1 INVITE"), ""));
    assert_eq!(lone.statuses(), [481], "another one for what has had its own");
}

#[test]
fn a_prack_that_comes_after_a_2xx_is_still_accepted() {
    let mut lone = Lone::udp();
    let (session, tag, rseq) = rang(&mut lone, Answer::status(180));
    lone.act(|end, now| end.accept(now, session, Answer::status(200)));
    assert_eq!(lone.statuses(), [200]);
    lone.receive(&prack(2, &tag, &format!("{rseq} 1 INVITE"), ""));
    assert_eq!(lone.statuses(), [200]);
    lone.run_for(MS * 500);
    assert_eq!(lone.statuses(), [200], "the 2xx is repeated still");
    lone.receive(&request("ACK", 1, "ack", Some(&tag)));
    lone.run_for(LONG);
    assert_eq!(lone.statuses(), Vec::<u16>::new());
}

#[test]
fn an_offer_in_a_prack_is_answered_before_the_call() {
    let mut lone = Lone::udp();
    let (session, tag, rseq) = rang(&mut lone, with_media(183));
    lone.act(|end, now| end.accept(now, session, Answer::status(200)));
    lone.receive(&prack(2, &tag, &format!("{rseq} 1 INVITE"), "v=0\r\n"));
    assert_eq!(lone.statuses(), Vec::<u16>::new());
    let server = lone.reoffered();
    lone.act(|end, now| end.respond(now, server, with_media(200)));
    let out: Vec<_> = lone.out.iter().map(|(_, message)| message.cseq().unwrap().1).collect();
    assert_eq!(out, [Method::Prack, Method::Invite]);
}

#[test]
fn an_early_update_is_heard_once_the_first_offer_has_been_answered() {
    let mut lone = Lone::udp();
    let (_, tag, rseq) = rang(&mut lone, with_media(183));
    lone.receive(&request("UPDATE", 2, "u2", Some(&tag)));
    let refused = lone.last();
    assert_eq!((lone.statuses(), refused.header(&Name::RetryAfter).is_some()), (vec![500], true));
    lone.receive(&prack(3, &tag, &format!("{rseq} 1 INVITE"), ""));
    lone.statuses();
    lone.receive(&request("UPDATE", 4, "u4", Some(&tag)));
    let server = lone.reoffered();
    lone.act(|end, now| end.respond(now, server, with_media(200)));
    assert_eq!(lone.statuses(), [200]);
}

#[test]
fn who_leaves_the_offer_to_us_hears_plainly_or_not_at_all() {
    let offerless = |header: &str| {
        let text = supporting(header).replace("Content-Type: application/sdp\r\n", "");
        text.replace("Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n\r\n")
    };
    for (header, statuses) in [("Supported: 100rel", vec![100, 180]), ("Require: 100rel", vec![100])] {
        let mut lone = Lone::udp();
        lone.receive(&offerless(header));
        let session = lone.take_call();
        lone.act(|end, now| end.provisional(now, session, Answer::status(180)));
        let is_plain = lone.last().header(&Name::RSeq).is_none();
        assert_eq!((lone.statuses(), is_plain), (statuses, true), "{header}");
        lone.act(|end, now| end.accept(now, session, with_media(200)));
        assert_eq!(lone.statuses(), [200]);
    }
    let mut lone = Lone::udp();
    lone.receive(&offerless("Require: 100rel"));
    let session = lone.take_call();
    lone.act(|end, now| end.provisional(now, session, with_media(183)));
    assert!(lone.last().header(&Name::RSeq).is_some(), "our offer goes in the first reliable response");
}

#[test]
fn what_we_do_not_know_is_refused_by_name() {
    let mut lone = Lone::udp();
    lone.receive(&supporting("Require: 100rel, teleport"));
    let refused = lone.last();
    assert_eq!(refused.text(&Name::Unsupported).as_deref(), Some("teleport"));
    assert_eq!((lone.statuses(), lone.events.len()), (vec![420], 0));
}

/// The peer sends a reliable response to our INVITE.
fn reliably(lone: &mut Lone, invite: &Message, status: u16, tag: &str, rseq: u32) {
    let answer = jackfield_sip::Builder::response_to(invite, status, "", Some(tag))
        .header(Name::Contact, "<sip:peer@198.51.100.9>")
        .header(Name::Require, "100rel")
        .header(Name::RSeq, rseq);
    lone.receive_bytes(answer.build().to_vec());
}

#[test]
fn each_early_dialog_has_its_own_numbers_and_a_gap_is_not_acknowledged() {
    let mut lone = Lone::udp();
    lone.invite();
    let sent = lone.last();
    assert!(sent.values(&Name::Supported).any(|tag| tag == "100rel"));
    lone.requests();
    let steps = [
        ("f1", 7, true),
        ("f2", 100, true),
        ("f1", 7, false),
        ("f1", 9, false),
        ("f1", 8, true),
        ("f1", 9, true),
        ("f2", 99, false),
    ];
    for (tag, rseq, is_new) in steps {
        reliably(&mut lone, &sent, 183, tag, rseq);
        let pracks: Vec<_> = lone.requests().into_iter().map(|(method, to, _)| (method, to)).collect();
        let expected = if is_new { vec![(Method::Prack, tag.to_owned())] } else { vec![] };
        assert_eq!(pracks, expected, "{tag} {rseq}");
        let told = lone.events.iter().filter(|event| matches!(event, Event::Progress { .. })).count();
        assert_eq!(told, usize::from(is_new), "{tag} {rseq}");
        lone.events.clear();
    }
    lone.answer(&sent, 486, "f1");
    lone.run_for(LONG * 2);
    assert_eq!(lone.endpoint.load(), Load::default());
}
