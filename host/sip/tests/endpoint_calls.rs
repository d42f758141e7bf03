//! Stories of calls between two endpoints.
#![allow(clippy::unwrap_used, reason = "tests")]

mod pair;

use jackfield_sip::{Answer, Event, Failure, Method, Name, SessionEnd};
use pair::*;

fn accept(pair: &mut Pair, session: jackfield_sip::SessionId) {
    pair.act(Bob, |bob, now| bob.accept(now, session, Answer::status(200)));
}

#[test]
fn a_call_rings_is_answered_and_ends_with_bye() {
    for mut pair in [Pair::udp(), Pair::tcp()] {
        let alice = pair.invite();
        pair.run_for(SECOND);
        assert_eq!(pair.sent(Bob, "100 INVITE"), 1);
        let bob = pair.called();
        pair.act(Bob, |end, now| end.provisional(now, bob, Answer::status(180)));
        pair.run_for(SECOND);
        let progress = pair.take(Alice);
        assert!(
            matches!(&progress[..], [Event::Progress { session, response }] if *session == alice && response.status() == Some(180))
        );

        accept(&mut pair, bob);
        pair.run_for(SECOND);
        assert!(matches!(&pair.take(Alice)[..], [Event::Answered { session, .. }] if *session == alice));
        assert!(matches!(&pair.take(Bob)[..], [Event::Acked { session, .. }] if *session == bob));

        pair.end(Alice, alice);
        pair.run_out();
        assert!(matches!(pair.ended(Alice), SessionEnd::Local));
        assert!(matches!(pair.ended(Bob), SessionEnd::Bye(_)));
        assert_eq!(
            (pair.sent(Alice, "INVITE"), pair.sent(Bob, "200 INVITE"), pair.sent(Alice, "ACK")),
            (1, 1, 1)
        );
        pair.assert_empty();
    }
}

#[test]
fn our_contact_is_the_flow_and_our_tags_name_the_node() {
    let mut pair = Pair::tcp();
    let (_, _) = pair.talk();
    let ok = pair.log.iter().find(|sent| sent.label() == "200 INVITE").unwrap();
    assert_eq!(
        ok.message.contacts().unwrap()[0].uri().as_str(),
        "sip:jackfield@192.0.2.2:5060;transport=tcp"
    );
    assert!(ok.message.to().unwrap().tag().unwrap().starts_with('b'));
    assert!(ok.message.from().unwrap().tag().unwrap().starts_with('a'));
}

#[test]
fn a_rejected_call_is_acknowledged_and_over() {
    for mut pair in [Pair::udp(), Pair::tcp()] {
        pair.invite();
        pair.run_for(SECOND);
        let bob = pair.called();
        pair.act(Bob, |end, now| end.reject(now, bob, Answer::status(486)));
        pair.run_out();
        assert!(
            matches!(pair.ended(Alice), SessionEnd::Rejected(response) if response.status() == Some(486))
        );
        assert!(matches!(pair.ended(Bob), SessionEnd::Local));
        assert_eq!(pair.sent(Alice, "ACK"), 1);
        pair.assert_empty();
    }
}

#[test]
fn a_lost_ack_of_a_failure_is_sent_again() {
    let mut pair = Pair::udp();
    pair.invite();
    pair.run_for(SECOND);
    let bob = pair.called();
    let mut acks = 0;
    pair.lose(move |sent| {
        sent.label() == "ACK" && {
            acks += 1;
            acks < 3
        }
    });
    pair.act(Bob, |end, now| end.reject(now, bob, Answer::status(603)));
    pair.run_out();
    assert_eq!((pair.sent(Bob, "603 INVITE"), pair.sent(Alice, "ACK")), (3, 3));
    assert_eq!((pair.ends(Alice).len(), pair.ends(Bob).len()), (1, 1));
    pair.assert_empty();
}

#[test]
fn cancel_ends_a_ringing_call() {
    let mut pair = Pair::udp();
    let alice = pair.invite();
    pair.run_for(SECOND);
    let bob = pair.called();
    pair.act(Bob, |end, now| end.provisional(now, bob, Answer::status(180)));
    pair.run_for(SECOND);
    pair.act(Alice, |end, now| {
        end.end(now, alice, 487, Some("SIP;cause=200;text=\"Call completed elsewhere\""))
    });
    pair.run_out();
    assert!(matches!(pair.ended(Alice), SessionEnd::Local));
    let SessionEnd::Cancelled(Some(cancel)) = pair.ended(Bob) else { panic!("not cancelled") };
    assert!(cancel.text(&Name::Reason).unwrap().contains("elsewhere"));
    assert_eq!(
        (pair.sent(Bob, "200 CANCEL"), pair.sent(Bob, "487 INVITE"), pair.sent(Alice, "ACK")),
        (1, 1, 1)
    );
    pair.assert_empty();
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut pair = Pair::udp();
    let alice = pair.invite();
    pair.end(Alice, alice);
    assert_eq!(pair.sent(Alice, "CANCEL"), 0);
    pair.run_out();
    assert_eq!(pair.sent(Alice, "CANCEL"), 1);
    assert!(matches!(pair.ended(Alice), SessionEnd::Local));
    assert!(matches!(pair.ended(Bob), SessionEnd::Cancelled(_)));
    pair.assert_empty();
}

#[test]
fn when_cancel_crosses_the_answer_the_caller_hangs_up() {
    let mut pair = Pair::udp();
    let alice = pair.invite();
    pair.run_for(SECOND);
    let bob = pair.called();
    accept(&mut pair, bob);
    pair.end(Alice, alice);
    pair.run_out();
    assert_eq!((pair.sent(Alice, "CANCEL"), pair.sent(Bob, "200 CANCEL")), (1, 1));
    assert_eq!((pair.sent(Bob, "487 INVITE"), pair.sent(Alice, "BYE")), (0, 1));
    let answered = pair.events.iter().any(|(_, event)| matches!(event, Event::Answered { .. }));
    assert!(!answered, "who has hung up hears no answer");
    assert!(matches!(pair.ended(Alice), SessionEnd::Local));
    assert!(matches!(pair.ended(Bob), SessionEnd::Bye(_)));
    pair.assert_empty();
}

#[test]
fn a_late_cancel_changes_nothing_for_the_callee() {
    let mut pair = Pair::udp();
    let alice = pair.invite();
    pair.run_for(SECOND);
    let bob = pair.called();
    // The answers are lost until the CANCEL has come.
    pair.lose(|sent| sent.label() == "200 INVITE");
    accept(&mut pair, bob);
    pair.end(Alice, alice);
    pair.run_for(MS * 300);
    assert_eq!(pair.sent(Bob, "200 CANCEL"), 1);
    assert!(pair.take(Bob).is_empty(), "the user hears nothing of it");
    pair.lose_nothing();
    pair.run_out();
    assert!(matches!(pair.ended(Bob), SessionEnd::Bye(_)));
    pair.assert_empty();
}

#[test]
fn a_cancelled_call_that_nobody_finishes_is_given_up() {
    let mut pair = Pair::udp();
    let alice = pair.invite();
    pair.run_for(SECOND);
    pair.lose(|_| true);
    let start = pair.now;
    pair.end(Alice, alice);
    while pair.ends(Alice).is_empty() {
        assert!(pair.step(jackfield_sip::Time::MAX));
    }
    assert_eq!(pair.now - start, LONG);
    assert_eq!(pair.alice.load().sessions, 0);
}

#[test]
fn a_lost_200_is_repeated_also_over_tcp() {
    for mut pair in [Pair::udp(), Pair::tcp()] {
        pair.invite();
        pair.run_for(SECOND);
        let bob = pair.called();
        let mut answers = 0;
        pair.lose(move |sent| {
            sent.label() == "200 INVITE" && {
                answers += 1;
                answers < 4
            }
        });
        let start = pair.now;
        accept(&mut pair, bob);
        pair.run_for(SECOND * 10);
        let times = pair.log.iter().filter(|sent| sent.label() == "200 INVITE");
        let times: Vec<_> = times.map(|sent| (sent.at - start).as_millis()).collect();
        assert_eq!(times, [0, 500, 1500, 3500]);
        assert_eq!(pair.sent(Alice, "ACK"), 1);
        assert_eq!(pair.take(Bob).len(), 1);
    }
}

#[test]
fn every_repeated_200_gets_its_ack_again() {
    let mut pair = Pair::udp();
    pair.invite();
    pair.run_for(SECOND);
    let bob = pair.called();
    let mut acks = 0;
    pair.lose(move |sent| {
        sent.label() == "ACK" && {
            acks += 1;
            acks < 3
        }
    });
    accept(&mut pair, bob);
    pair.run_for(SECOND * 10);
    assert_eq!((pair.sent(Bob, "200 INVITE"), pair.sent(Alice, "ACK")), (3, 3));
    assert_eq!((pair.take(Alice).len(), pair.take(Bob).len()), (1, 1), "Answered and Acked came once");
}

#[test]
fn without_ack_the_callee_hangs_up_after_64_t1() {
    for mut pair in [Pair::udp(), Pair::tcp()] {
        pair.invite();
        pair.run_for(SECOND);
        let bob = pair.called();
        pair.lose(|sent| sent.label() == "ACK");
        let start = pair.now;
        accept(&mut pair, bob);
        pair.run_for(LONG - MS);
        assert!(pair.take(Bob).is_empty());
        pair.run_for(MS);
        assert!(matches!(pair.ended(Bob), SessionEnd::Timeout));
        assert_eq!(pair.now - start, LONG);
        pair.run_out();
        assert!(matches!(pair.ended(Alice), SessionEnd::Bye(_)));
        pair.assert_empty();
    }
}

#[test]
fn a_bye_of_the_callee_waits_for_the_ack() {
    let mut pair = Pair::udp();
    pair.invite();
    pair.run_for(SECOND);
    let bob = pair.called();
    accept(&mut pair, bob);
    pair.end(Bob, bob);
    assert_eq!(pair.sent(Bob, "BYE"), 0);
    pair.run_out();
    assert_eq!(pair.sent(Bob, "BYE"), 1);
    assert!(matches!(pair.ended(Bob), SessionEnd::Local));
    assert!(matches!(pair.ended(Alice), SessionEnd::Bye(_)));
    pair.assert_empty();
}

#[test]
fn a_bye_before_the_ack_ends_the_call() {
    let mut pair = Pair::udp();
    let alice = pair.invite();
    pair.run_for(SECOND);
    let bob = pair.called();
    accept(&mut pair, bob);
    pair.lose(|sent| sent.label() == "ACK");
    pair.run_for(MS * 100);
    pair.end(Alice, alice);
    pair.run_out();
    assert!(matches!(pair.ended(Bob), SessionEnd::Bye(_)));
    assert_eq!(pair.sent(Bob, "200 INVITE"), 1, "nothing is repeated after BYE");
    pair.assert_empty();
}

#[test]
fn byes_that_cross_end_both_sides_once() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.talk();
    pair.end(Alice, alice);
    pair.end(Bob, bob);
    pair.run_out();
    assert!(matches!(pair.ended(Alice), SessionEnd::Local));
    assert!(matches!(pair.ended(Bob), SessionEnd::Local));
    pair.assert_empty();
}

#[test]
fn timer_b_ends_an_invite_that_nobody_answers() {
    let mut pair = Pair::udp();
    pair.lose(|_| true);
    pair.invite();
    pair.run_out();
    assert_eq!(pair.now, LONG);
    assert!(matches!(pair.ended(Alice), SessionEnd::Timeout));
    assert_eq!(pair.times(Alice, "INVITE", pair.now - LONG), [0, 500, 1500, 3500, 7500, 15500, 31500]);
    pair.assert_empty();
}

#[test]
fn timer_f_ends_a_request_that_nobody_answers() {
    let mut pair = Pair::udp();
    let (alice, _) = pair.talk();
    pair.lose(|sent| sent.label() == "INFO");
    let start = pair.now;
    let client = pair.session_request(Alice, alice, Method::Info).unwrap();
    pair.run_for(LONG);
    let events = pair.take(Alice);
    assert!(
        matches!(&events[..], [Event::Response { client: of, result: Err(Failure::Timeout) }] if *of == client)
    );
    let times = pair.log.iter().filter(|sent| sent.label() == "INFO");
    let times: Vec<_> = times.map(|sent| (sent.at - start).as_millis()).collect();
    assert_eq!(times, [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(pair.alice.load().sessions, 1, "the call goes on");
}

#[test]
fn a_ringing_phone_says_so_every_minute() {
    let mut pair = Pair::udp();
    pair.invite();
    pair.run_for(SECOND);
    let bob = pair.called();
    pair.act(Bob, |end, now| end.provisional(now, bob, Answer::status(180)));
    pair.run_for(SECOND * 150);
    // Each has its PRACK; what follows the first one says only that it still rings.
    assert_eq!((pair.sent(Bob, "180 INVITE"), pair.sent(Bob, "183 INVITE")), (1, 2));
}

#[test]
fn offers_that_cross_are_both_refused() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.talk();
    let a = pair.session_request(Alice, alice, Method::Invite).unwrap();
    let b = pair.session_request(Bob, bob, Method::Invite).unwrap();
    assert_eq!(pair.session_request(Bob, bob, Method::Invite), None, "one at a time");
    pair.run_for(SECOND);
    for (side, ours) in [(Alice, a), (Bob, b)] {
        let events = pair.take(side);
        let [Event::Response { client, result: Ok(response) }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((*client, response.status()), (ours, Some(491)));
    }
    // The next one goes through.
    pair.session_request(Alice, alice, Method::Invite).unwrap();
    pair.run_for(SECOND);
    let events = pair.take(Bob);
    let [Event::Reoffer { server, .. }] = &events[..] else { panic!("{events:?}") };
    pair.respond(Bob, *server, 200);
    pair.run_for(SECOND);
    assert!(matches!(&pair.take(Bob)[..], [Event::Acked { .. }]));
    assert!(matches!(&pair.take(Alice)[..], [Event::Response { result: Ok(_), .. }]));
    pair.end(Bob, bob);
    pair.run_out();
    assert_eq!((pair.ends(Alice).len(), pair.ends(Bob).len()), (1, 1));
    pair.assert_empty();
}

#[test]
fn a_second_offer_while_the_first_waits_is_refused_with_retry_after() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.talk();
    pair.session_request(Alice, alice, Method::Update).unwrap();
    pair.run_for(SECOND);
    assert!(matches!(&pair.take(Bob)[..], [Event::Reoffer { .. }]));
    assert_eq!(pair.session_request(Bob, bob, Method::Invite), None, "their offer waits for us");
    assert_eq!(pair.session_request(Alice, alice, Method::Update), None, "ours is out");
}

#[test]
fn a_reinvite_without_ack_ends_the_call() {
    let mut pair = Pair::udp();
    let (alice, _) = pair.talk();
    pair.session_request(Alice, alice, Method::Invite).unwrap();
    pair.lose(|sent| sent.label() == "ACK");
    pair.run_for(SECOND);
    let events = pair.take(Bob);
    let [Event::Reoffer { server, .. }] = &events[..] else { panic!("{events:?}") };
    pair.respond(Bob, *server, 200);
    pair.run_out();
    assert!(matches!(pair.ended(Bob), SessionEnd::Timeout));
    assert!(matches!(pair.ended(Alice), SessionEnd::Bye(_)));
    pair.assert_empty();
}

#[test]
fn what_waits_for_the_user_is_answered_487_when_the_call_ends() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.talk();
    pair.session_request(Alice, alice, Method::Invite).unwrap();
    pair.session_request(Alice, alice, Method::Info).unwrap();
    pair.run_for(SECOND);
    pair.end(Bob, bob);
    pair.run_out();
    let answers: Vec<_> = pair
        .take(Alice)
        .into_iter()
        .filter_map(|event| match event {
            Event::Response { result, .. } => Some(result.unwrap().status()),
            _ => None,
        })
        .collect();
    assert_eq!(answers, [Some(487), Some(487)]);
    assert!(matches!(pair.ended(Bob), SessionEnd::Local));
    pair.assert_empty();
}

#[test]
fn a_closed_connection_fails_the_call_that_is_being_set_up() {
    let mut pair = Pair::tcp();
    pair.invite();
    pair.run_for(SECOND);
    pair.called();
    pair.close_connection(Alice);
    pair.close_connection(Bob);
    assert!(matches!(pair.ended(Alice), SessionEnd::Transport));
    assert!(matches!(pair.ended(Bob), SessionEnd::Transport));
    pair.run_out();
    pair.assert_empty();
}

#[test]
fn a_talking_call_survives_its_connection_until_somebody_must_speak() {
    let mut pair = Pair::tcp();
    let (alice, bob) = pair.talk();
    pair.close_connection(Alice);
    pair.close_connection(Bob);
    pair.run_for(LONG * 3);
    assert!(pair.events.is_empty());
    pair.session_request(Alice, alice, Method::Info).unwrap();
    let events = pair.take(Alice);
    assert!(matches!(
        &events[..],
        [
            Event::Response { result: Err(Failure::Transport), .. },
            Event::Ended { end: SessionEnd::Transport, .. }
        ]
    ));
    pair.end(Bob, bob);
    assert!(matches!(pair.ended(Bob), SessionEnd::Local));
    assert_eq!(pair.sent(Bob, "BYE"), 0);
    pair.assert_empty();
}

#[test]
fn a_peer_that_comes_back_on_another_connection_keeps_its_call() {
    let mut pair = Pair::tcp();
    let (alice, bob) = pair.talk();
    pair.close_connection(Bob);
    pair.end(Alice, alice);
    pair.run_out();
    assert!(matches!(pair.ended(Bob), SessionEnd::Bye(_)));
    assert!(matches!(pair.ended(Alice), SessionEnd::Local));
    assert_eq!(pair.bob.remote_flow(bob), None);
    pair.assert_empty();
}
