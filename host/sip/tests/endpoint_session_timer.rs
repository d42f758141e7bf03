//! Sessions are kept alive, and one whose peer is gone ends (RFC 4028).
#![allow(clippy::unwrap_used, reason = "tests")]

mod lone;
mod pair;

use std::time::Duration;

use jackfield_sip::{Answer, Builder, Config, Event, Load, Message, Method, Name, SessionEnd};
use lone::{Lone, invite, request};
use pair::*;

const HALF: Duration = Duration::from_secs(900);

fn with_header(text: String, headers: &str) -> String {
    text.replace("Call-ID: c1", &format!("Call-ID: c1\r\n{headers}"))
}

/// The peer calls with these headers, we accept, it acknowledges; our 200 and our tag.
fn accepted(lone: &mut Lone, headers: &str) -> (Message, String) {
    lone.receive(&with_header(invite(), headers));
    let session = lone.take_call();
    lone.act(|end, now| end.accept(now, session, Answer::status(200)));
    let ok = lone.last();
    let tag = ok.to().unwrap().tag().unwrap().to_owned();
    lone.receive(&request("ACK", 1, "ack", Some(&tag)));
    lone.events.clear();
    lone.out.clear();
    (ok, tag)
}

/// The methods that it has sent since the last look.
fn methods(lone: &mut Lone) -> Vec<Method> {
    lone.requests().into_iter().map(|(method, ..)| method).collect()
}

#[test]
fn a_call_lives_for_hours_by_updates_of_one_side() {
    let mut pair = Pair::udp();
    let (alice, _) = pair.talk();
    pair.run_for(SECOND * 3600 * 3);
    assert!(pair.events.is_empty(), "{:?}", pair.events);
    let updates = pair.sent(Alice, "UPDATE") + pair.sent(Bob, "UPDATE");
    assert!((11..=12).contains(&updates), "{updates}");
    assert!(pair.sent(Alice, "UPDATE") == 0 || pair.sent(Bob, "UPDATE") == 0, "one of them refreshes");
    pair.end(Alice, alice);
    pair.run_out();
    pair.assert_empty();
}

#[test]
fn when_the_other_end_is_gone_the_session_ends_on_both_roles() {
    let mut pair = Pair::udp();
    pair.talk();
    let start = pair.now;
    pair.lose(|_| true);
    let mut ends = std::collections::BTreeMap::new();
    while ends.len() < 2 && pair.step(start + SECOND * 1800) {
        for side in [Alice, Bob] {
            for end in pair.ends(side) {
                assert!(matches!(end, SessionEnd::Timeout), "{end:?}");
                ends.insert(side, pair.now - start);
            }
        }
    }
    // The refresher by its UPDATE without answer, the other one because none came.
    let mut times: Vec<_> = ends.into_values().collect();
    times.sort();
    assert!(times[0] >= HALF + LONG - SECOND && times[0] <= HALF + LONG, "{times:?}");
    assert!(times[1] >= SECOND * (1800 - 33) && times[1] <= SECOND * (1800 - 32), "{times:?}");
    assert_eq!((pair.sent(Alice, "BYE") > 0, pair.sent(Bob, "BYE") > 0), (true, true));
    pair.run_out();
    pair.assert_empty();
}

#[test]
fn a_peer_that_knows_no_timers_is_refreshed_by_us() {
    for (allow, refreshes) in
        [("Allow: INVITE, UPDATE", true), ("Allow: INVITE, BYE", false), ("Subject: x", false)]
    {
        let mut lone = Lone::udp();
        let (ok, _) = accepted(&mut lone, allow);
        assert!(ok.header(&Name::SessionExpires).is_none());
        lone.run_for(HALF);
        let sent = methods(&mut lone);
        match refreshes {
            true => assert_eq!(sent, [Method::Update], "{allow}"),
            false => {
                assert!(matches!(&lone.events[..], [Event::RefreshDue { .. }]) && sent.is_empty(), "{allow}")
            }
        }
    }
}

#[test]
fn the_refresh_by_reinvite_says_that_it_is_one_and_counts() {
    let mut lone = Lone::udp();
    accepted(&mut lone, "Allow: INVITE, BYE");
    lone.run_for(HALF);
    let Some(Event::RefreshDue { session }) = lone.events.pop() else { panic!("nothing is due") };
    let sdp = || Some(("application/sdp".to_owned(), bytes::Bytes::from_static(b"v=0\r\n")));
    lone.act(|end, now| end.session_request(now, session, Method::Invite, vec![], sdp())).unwrap();
    let sent = lone.last();
    assert_eq!(sent.text(&Name::SessionExpires).unwrap(), "1800;refresher=uac");
    lone.answer(&sent, 200, "p1");
    lone.events.clear();
    lone.run_for(HALF - SECOND);
    assert!(lone.events.is_empty());
    lone.run_for(SECOND);
    assert!(matches!(&lone.events[..], [Event::RefreshDue { .. }]));
}

#[test]
fn what_the_peer_wants_is_agreed_to() {
    for (headers, said, require) in [
        ("Supported: timer\r\nSession-Expires: 600", Some("600;refresher=uas"), false),
        ("Supported: timer\r\nSession-Expires: 600;refresher=uac", Some("600;refresher=uac"), true),
        ("Supported: timer\r\nSession-Expires: 9999;refresher=uas", Some("1800;refresher=uas"), false),
        ("Supported: timer", Some("1800;refresher=uas"), false),
        ("Session-Expires: 60", Some("90;refresher=uas"), false),
        ("Subject: x", None, false),
    ] {
        let mut lone = Lone::udp();
        let (ok, _) = accepted(&mut lone, headers);
        assert_eq!(ok.text(&Name::SessionExpires).as_deref(), said, "{headers}");
        assert_eq!(ok.text(&Name::Require).is_some_and(|tags| tags == "timer"), require, "{headers}");
    }
}

#[test]
fn a_peer_that_refreshes_is_waited_for_and_its_refresh_counts() {
    let mut lone = Lone::udp();
    let timer = "Supported: timer\r\nSession-Expires: 300;refresher=uac";
    let (_, tag) = accepted(&mut lone, timer);
    lone.run_for(SECOND * 200);
    let update = request("UPDATE", 2, "u2", Some(&tag)).replace("Content-Type: application/sdp\r\n", "");
    let update = update.replace("Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n\r\n");
    lone.receive(&with_header(update, timer));
    assert_eq!(lone.last().text(&Name::SessionExpires).unwrap(), "300;refresher=uac");
    lone.run_for(SECOND * 267);
    assert!(lone.events.is_empty(), "{:?}", lone.events);
    lone.run_for(SECOND);
    assert!(matches!(lone.ended(), SessionEnd::Timeout));
    assert_eq!(methods(&mut lone), [Method::Bye]);
    lone.run_for(LONG);
    assert_eq!(lone.endpoint.load(), Load::default());
}

#[test]
fn an_interval_that_is_too_brief_is_refused() {
    let mut lone = Lone::udp();
    lone.receive(&with_header(invite(), "Supported: timer\r\nSession-Expires: 60"));
    let refused = lone.last();
    assert_eq!((refused.status(), refused.text(&Name::MinSe).as_deref()), (Some(422), Some("90")));
    assert!(lone.events.is_empty());
}

#[test]
fn we_call_again_with_the_interval_that_the_peer_wants_but_once() {
    let mut lone = Lone::udp();
    lone.invite();
    let first = lone.last();
    assert_eq!(first.text(&Name::SessionExpires).unwrap(), "1800");
    refuse_as_brief(&mut lone, &first);
    let second = lone.last();
    assert_eq!(second.method(), Some(Method::Invite));
    assert_eq!((second.cseq().unwrap().0, second.call_id()), (2, first.call_id()));
    assert_eq!(second.text(&Name::SessionExpires).unwrap(), "3600");
    assert_eq!(second.text(&Name::MinSe).unwrap(), "3600");
    assert_eq!(second.body(), first.body());
    assert_ne!(second.via().unwrap(), first.via().unwrap());
    refuse_as_brief(&mut lone, &second);
    assert!(matches!(lone.ended(), SessionEnd::Rejected(response) if response.status() == Some(422)));
    lone.run_for(LONG * 2);
    assert_eq!(lone.endpoint.load(), Load::default());
}

fn refuse_as_brief(lone: &mut Lone, invite: &Message) {
    let answer = Builder::response_to(invite, 422, "", Some("x")).header(Name::MinSe, 3600u32);
    lone.receive_bytes(answer.build().to_vec());
}

#[test]
fn a_refresh_that_is_refused_is_a_sign_of_life_unless_the_dialog_is_unknown() {
    for (status, ends) in [(200, false), (488, false), (405, false), (481, true)] {
        let mut lone = Lone::udp();
        accepted(&mut lone, "Allow: INVITE, UPDATE");
        lone.run_for(HALF);
        let update = lone.last();
        lone.answer(&update, status, "p1");
        lone.run_for(SECOND * 10);
        let ended = lone.events.iter().any(|event| matches!(event, Event::Ended { .. }));
        assert_eq!(ended, ends, "{status}");
        let due = lone.events.iter().any(|event| matches!(event, Event::RefreshDue { .. }));
        assert_eq!(due, status == 405, "who knows no UPDATE gets a re-INVITE");
    }
}

#[test]
fn without_a_setting_only_who_asks_gets_a_timer() {
    let config = Config { session_expires: 0, ..Config::default() };
    let mut lone = Lone::new(jackfield_sip::Transport::Udp, config);
    let (ok, _) = accepted(&mut lone, "Supported: timer\r\nAllow: UPDATE");
    assert!(ok.header(&Name::SessionExpires).is_none());
    lone.run_for(SECOND * 10_000);
    assert!(lone.events.is_empty() && lone.out.is_empty());
}
