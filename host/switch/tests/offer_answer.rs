//! What both sides describe, and what comes of it (RFC 3264).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_media::{Codec, codec::Law};
use jackfield_switch::{Cause, Command, Error, PlayOptions, Value};
use rsip::Method;

const PCMU: u8 = 0;
const PCMA: u8 = 8;
const G722: u8 = 9;

#[test]
fn both_legs_of_a_call_speak_the_same_codec_where_they_can() {
    // The exchange itself likes A-law better.
    for (offered, spoken) in
        [(&[PCMU, PCMA, 101], PCMU), (&[PCMA, PCMU, 101], PCMA), (&[G722, PCMU, 101], PCMU)]
    {
        let mut world = World::new();
        let (alice, bob) = (world.phone("alice"), world.phone("bob"));
        let call = world.dial_with(alice, "102", |sdp| Some(sdp.payloads(offered)));
        let callee = world.called(bob);
        assert_eq!(world.theirs(callee).codecs()[0], spoken, "the callee is offered it first");
        assert_eq!(world.theirs(callee).codecs().len(), 2);
        world.answer(callee);
        assert_eq!(world.theirs(call).payloads, [spoken, 101]);
        world.speak(call, 0x55);
        let heard = world.heard(callee);
        assert_eq!((heard[0].payload_type, heard[0].payload[0]), (spoken, 0x55), "nothing is converted");
        world.hang_up(call);
        world.assert_over();
    }
}

#[test]
fn laws_are_converted_where_they_cannot() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial_with(alice, "102", |sdp| Some(sdp.payloads(&[PCMA, 101])));
    let callee = world.called(bob);
    let answer = world.answer_of(callee).payloads(&[PCMU, 101]);
    world.answer_with(callee, Some(answer));
    assert_eq!(world.theirs(call).payloads, [PCMA, 101]);
    world.speak(call, 0x55);
    let heard = world.heard(callee);
    let mut converted = [0x55];
    jackfield_media::codec::convert(Law::A, Law::Mu, &mut converted);
    assert_eq!((heard[0].payload_type, heard[0].payload[0]), (PCMU, converted[0]));
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn an_offer_without_a_codec_of_ours_is_488_and_nobody_rings() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial_with(alice, "102", |sdp| Some(sdp.payloads(&[G722, 101])));
    assert_eq!(world.end(call), Some(End::Refused(488)));
    world.assert_not_called(bob);
    assert_eq!(world.record().end.code, 488);
    world.assert_over();
}

#[test]
fn an_answer_without_a_codec_of_ours_ends_the_callee_and_is_488_for_the_caller() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let callee = world.called(bob);
    let answer = world.answer_of(callee).payloads(&[G722]);
    world.answer_with(callee, Some(answer));
    assert!(matches!(world.end(callee), Some(End::Bye(_))));
    assert_eq!((world.acks(callee), world.end(call)), (1, Some(End::Refused(488))));
    world.assert_over();

    // And an answer that is none.
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let callee = world.called(bob);
    world.answer_with(callee, None);
    assert!(matches!(world.end(callee), Some(End::Bye(_))));
    assert_eq!(world.end(call), Some(End::Refused(488)));
    world.assert_over();
}

#[test]
fn a_body_that_is_no_offer_is_refused() {
    for (kind, body, status) in [("text/plain", "hello", 415), ("application/sdp", "hello", 400)] {
        let mut world = World::new();
        let alice = world.phone("alice");
        let call = world.dial_body(alice, "102", kind, body);
        assert_eq!(world.end(call), Some(End::Refused(status)), "{kind}");
        world.assert_over();
    }
}

#[test]
fn without_an_offer_in_the_invite_ours_is_in_the_200_and_the_answer_in_the_ack() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial_without_offer(alice, "102");
    world.acknowledges(call, false);
    let callee = world.called(bob);
    world.answer(callee);
    assert_eq!(world.statuses(call), [100, 200]);
    // Bob took A-law, so that comes first.
    assert_eq!(world.theirs(call).payloads, [PCMA, PCMU, 101]);
    world.heard(call);
    world.speak(callee, 0x11);
    assert_eq!(world.heard(call), [], "nobody knows where Alice listens");
    world.acknowledge_now(call);
    world.assert_talking(call, callee);
    world.speak(callee, 0x11);
    assert_eq!(world.heard(call)[0].payload_type, PCMU, "as her answer says");
    world.hang_up(call);
    world.assert_over();
}

/// RFC 3311 5.2: our own offer, in the 200, is still without its answer.
#[test]
fn an_update_that_overtakes_the_answer_in_an_ack_is_refused() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial_without_offer(alice, "102");
    world.acknowledges(call, false);
    let callee = world.called(bob);
    world.answer(callee);
    let held = Sdp::new("10.0.0.10:30000".parse().unwrap()).direction("recvonly");
    assert_eq!(world.reoffer(call, Method::Update, Some(held)), 491);
    world.acknowledge_now(call);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn an_ack_without_the_answer_ends_the_call() {
    for answer in [None, Some(())] {
        let mut world = World::new();
        let (alice, bob) = (world.phone("alice"), world.phone("bob"));
        let call = world.dial_without_offer(alice, "102");
        let unfit = answer.map(|()| Sdp::new("10.0.0.10:4000".parse().unwrap()).payloads(&[G722]));
        world.answers_in_ack(call, unfit);
        let callee = world.called(bob);
        world.answer(callee);
        assert!(matches!((world.end(call), world.end(callee)), (Some(End::Bye(_)), Some(End::Bye(_)))));
        world.assert_over();
    }
}

#[test]
fn a_plugin_that_answers_an_invite_without_offer_waits_for_the_ack() {
    let mut world = World::with(with_menu);
    let alice = world.phone("alice");
    let call = world.dial_without_offer(alice, "100");
    world.acknowledges(call, false);
    let app = world.started();
    let answer = world.post(app.instance, Command::Answer { leg: app.leg });
    world.assert_waiting(answer);
    world.run_for(SECOND);
    world.assert_waiting(answer);
    world.acknowledge_now(call);
    assert_eq!(world.value(answer), Value::Done);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn hold_and_resume_are_answered_here_and_the_other_phone_hears_nothing_of_it() {
    for (hold, answer) in [("sendonly", "recvonly"), ("inactive", "inactive")] {
        for method in [Method::Invite, Method::Update] {
            let mut world = World::new();
            let (alice, bob) = (world.phone("alice"), world.phone("bob"));
            let (call, callee) = world.talking(alice, "102", bob);
            let before = world.theirs(call);
            let offer = world.own(call).direction(hold);
            assert_eq!(world.reoffer(call, method, Some(offer)), 200);
            let held = world.theirs(call);
            assert_eq!((held.direction.as_str(), held.version), (answer, before.version + 1));
            world.heard(call);
            world.speak(callee, 0x11);
            assert_eq!(world.heard(call), []);
            let resume = world.own(call).direction("sendrecv");
            assert_eq!(world.reoffer(call, method, Some(resume)), 200);
            let resumed = world.theirs(call);
            assert_eq!((resumed.direction.as_str(), resumed.version), ("sendrecv", before.version + 2));
            assert_eq!(resumed.payloads, before.payloads);
            world.assert_talking(call, callee);
            world.hang_up(callee);
            world.assert_over();
        }
    }
}

#[test]
fn the_callee_can_hold_too() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    let hold = world.own(callee).direction("sendonly");
    assert_eq!(world.reoffer(callee, Method::Invite, Some(hold)), 200);
    world.speak(call, 0x11);
    assert_eq!(world.heard(callee), []);
    world.hang_up(callee);
    world.assert_over();
}

#[test]
fn a_phone_that_holds_may_be_silent_for_as_long_as_it_likes() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    let hold = world.own(call).direction("sendonly");
    world.reoffer(call, Method::Invite, Some(hold));
    for _ in 0..300 {
        world.speak(callee, 0x11);
        world.run_for(SECOND);
    }
    assert_eq!((world.end(call), world.end(callee)), (None, None));
    let resume = world.own(call).direction("sendrecv");
    world.reoffer(call, Method::Invite, Some(resume));
    world.assert_talking(call, callee);
    world.run_for(SECOND * 61);
    assert!(matches!(world.end(call), Some(End::Bye(_))), "now somebody should speak");
    assert_eq!(world.record().end.cause, Cause::MediaTimeout);
    world.assert_over();
}

#[test]
fn a_reoffer_keeps_the_codec_in_use_although_another_comes_first() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    assert_eq!(world.theirs(call).codecs(), [PCMA]);
    let offer = world.own(call).payloads(&[PCMU, PCMA, 101]).direction("sendrecv");
    assert_eq!(world.reoffer(call, Method::Invite, Some(offer)), 200);
    assert_eq!(world.theirs(call).codecs(), [PCMA]);
    let only = world.own(call).payloads(&[PCMU, 101]);
    assert_eq!(world.reoffer(call, Method::Invite, Some(only)), 200);
    assert_eq!(world.theirs(call).codecs(), [PCMU]);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_reoffer_that_fits_nothing_is_488_and_the_call_stays_as_it_was() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    let before = world.own(call);
    assert_eq!(world.reoffer(call, Method::Invite, Some(before.clone().payloads(&[G722]))), 488);
    world.assert_talking(call, callee);
    let again = world.theirs(call);
    assert_eq!(world.reoffer(call, Method::Invite, Some(before)), 200);
    assert_eq!(world.theirs(call), again, "the same description, with the same version");
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_reinvite_without_offer_gets_ours_and_an_update_without_one_only_refreshes() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    let own = world.own(call);
    assert_eq!(world.reoffer(call, Method::Update, None), 200);
    world.answers_in_ack(call, Some(own.direction("sendonly")));
    assert_eq!(world.reoffer(call, Method::Invite, None), 200);
    assert_eq!(world.theirs(call).codecs(), [PCMA, PCMU], "all that we speak, what is in use first");
    world.heard(call);
    world.speak(callee, 0x11);
    assert_eq!(world.heard(call), [], "the answer in the ACK was a hold");
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_phone_that_moves_says_so_and_is_followed() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    world.assert_talking(call, callee);
    let offer = world.moves(call, "10.0.0.10:45000");
    assert_eq!(world.reoffer(call, Method::Invite, Some(offer)), 200);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn each_phone_is_told_the_address_at_which_it_reaches_the_exchange() {
    let mut world = World::new();
    let (alice, first) = (world.phone("alice"), world.phone("bob"));
    let second = world.new_phone("bob", jackfield_sip::Transport::Udp);
    world.reaches(second, "192.0.2.129:5060");
    assert_eq!(world.register(second, 3600), 200);
    let call = world.dial(alice, "102");
    let (near, far) = (world.called(first), world.called(second));
    let told = |world: &World, line| world.theirs(line).rtp.ip().to_string();
    assert_eq!((told(&world, near), told(&world, far)), ("192.0.2.1".to_owned(), "192.0.2.129".to_owned()));
    world.ring(far);
    world.answer(near);
    let hold = world.own(near).direction("sendonly");
    assert_eq!(world.reoffer(near, Method::Invite, Some(hold)), 200);
    assert_eq!(told(&world, near), "192.0.2.1", "not that of the last phone that rang");
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn other_requests_within_a_call_are_answered() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, _) = world.talking(alice, "102", bob);
    for (method, status) in
        [(Method::Info, 200), (Method::Options, 200), (Method::Refer, 400), (Method::Message, 405)]
    {
        let request = world.within(call, method);
        assert_eq!(world.asks_within(call, request), status, "{method}");
    }
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn codecs_that_a_reload_takes_away_do_not_spoil_a_call_that_rings() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial_with(alice, "102", |sdp| Some(sdp.payloads(&[PCMA, 101])));
    let callee = world.called(bob);
    world.ring(callee);
    world.reload(|settings| settings.codecs = vec![Codec::Pcmu]);
    world.answer(callee);
    // Whatever becomes of it: no offer of ours answers an offer.
    assert!(matches!(world.end(callee), Some(End::Bye(_))));
    assert_eq!(world.end(call), Some(End::Refused(488)));
    world.assert_over();
}

#[test]
fn an_offer_that_nothing_answers_any_more_is_not_answered_with_an_offer() {
    let mut world = World::with(with_menu);
    let alice = world.phone("alice");
    let call = world.dial_with(alice, "100", |sdp| Some(sdp.payloads(&[PCMA, 101])));
    let app = world.started();
    world.reload(|settings| settings.codecs = vec![Codec::Pcmu]);
    let early = PlayOptions { early: true, repeat: 1, ..PlayOptions::default() };
    let play = Command::Play { leg: app.leg, sources: prompt(SECOND), options: early };
    assert!(matches!(world.fails(app.instance, play), Error::Invalid(_)));
    for _ in 0..2 {
        let error = world.fails(app.instance, Command::Answer { leg: app.leg });
        assert_eq!(error, Error::Unavailable("no common codec".to_owned()));
    }
    assert_eq!(world.statuses(call), [100]);
    world.succeeds(app.instance, Command::Reject { leg: app.leg, code: 488 });
    world.returns(app.instance);
    assert_eq!(world.end(call), Some(End::Refused(488)));
    world.assert_over();
}
