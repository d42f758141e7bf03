//! Calling out: all phones ring, the first answer wins, and nobody is left ringing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_sip::Transport;
use jackfield_switch::{Cause, RouteTo};

/// The phone was told to stop ringing, and why.
#[track_caller]
fn assert_cancelled(world: &World, line: Line, reason: &str) {
    let Some(End::Cancelled(Some(given))) = world.end(line) else {
        panic!("not cancelled: {:?}", world.end(line));
    };
    assert!(given.contains(reason), "{given}");
}

#[test]
fn all_phones_of_a_user_ring_and_the_first_answer_wins() {
    let mut world = World::new();
    let alice = world.phone("alice");
    let phones = [Transport::Udp, Transport::Tcp, Transport::Tls].map(|over| world.phone_over("bob", over));
    let call = world.dial(alice, "102");
    let ringing = phones.map(|phone| world.called(phone));
    ringing.iter().for_each(|line| world.ring(*line));
    assert_eq!(world.statuses(call), [100, 180], "the caller hears of it once");
    world.answer(ringing[1]);
    assert_cancelled(&world, ringing[0], "SIP;cause=200;text=\"Call completed elsewhere\"");
    assert_cancelled(&world, ringing[2], "SIP;cause=200");
    assert_eq!(world.statuses(call), [100, 180, 200]);
    assert_eq!((world.acks(ringing[0]), world.acks(ringing[1])), (0, 1));
    world.assert_talking(call, ringing[1]);
    world.hang_up(call);
    assert!(matches!(world.end(ringing[1]), Some(End::Bye(_))));
    world.assert_over();
}

#[test]
fn a_phone_that_answers_too_late_is_acknowledged_and_released() {
    let mut world = World::new();
    let (alice, first, second) = (world.phone("alice"), world.phone("bob"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let (quick, slow) = (world.called(first), world.called(second));
    world.ring(quick);
    // The second has not even said that it rings: the CANCEL waits, and the answers cross.
    world.answer(quick);
    assert_eq!(world.end(slow), None);
    world.answer(slow);
    assert_eq!(world.acks(slow), 1);
    assert!(matches!(world.end(slow), Some(End::Bye(_))));
    world.assert_talking(call, quick);
    world.hang_up(quick);
    world.assert_over();
}

#[test]
fn a_busy_phone_does_not_speak_for_the_others() {
    let mut world = World::new();
    let (alice, first, second) = (world.phone("alice"), world.phone("bob"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let (busy, free) = (world.called(first), world.called(second));
    world.refuse(busy, 486);
    assert_eq!(world.end(call), None);
    world.answer(free);
    world.assert_talking(call, free);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn of_several_refusals_the_caller_hears_the_most_telling_one() {
    for (said, heard) in [([480, 486], 486), ([486, 480], 486), ([404, 480], 480), ([500, 486], 486)] {
        let mut world = World::new();
        let (alice, first, second) = (world.phone("alice"), world.phone("bob"), world.phone("bob"));
        let call = world.dial(alice, "102");
        let lines = [world.called(first), world.called(second)];
        world.refuse(lines[0], said[0]);
        assert_eq!(world.end(call), None);
        world.refuse(lines[1], said[1]);
        assert_eq!(world.end(call), Some(End::Refused(heard)), "{said:?}");
        world.assert_over();
    }
}

#[test]
fn a_decline_stops_all_phones_of_that_user_but_not_those_of_others() {
    let mut world = World::with(|settings| settings.routes = vec![route("200", to_users(&["bob", "carol"]))]);
    let (alice, carol) = (world.phone("alice"), world.phone("carol"));
    let (first, second) = (world.phone("bob"), world.phone("bob"));
    let call = world.dial(alice, "200");
    let (declines, rings) = (world.called(first), world.called(second));
    let other = world.called(carol);
    world.ring(rings);
    world.ring(other);
    world.refuse(declines, 603);
    assert_cancelled(&world, rings, "Q.850;cause=21");
    assert_eq!((world.end(other), world.end(call)), (None, None));
    world.refuse(other, 486);
    assert_eq!(world.end(call), Some(End::Refused(603)));
    world.assert_over();
}

#[test]
fn when_nobody_answers_the_ringing_ends_to_the_millisecond() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let ringing = world.called(bob);
    world.ring(ringing);
    world.run_for(SECOND * 25 - MS);
    assert_eq!((world.end(ringing), world.end(call)), (None, None));
    world.run_for(MS);
    assert_cancelled(&world, ringing, "Q.850;cause=19");
    assert_eq!(world.end(call), Some(End::Refused(480)));
    let record = world.record();
    assert_eq!((record.end.cause, record.answered_at), (Cause::NoAnswer, None));
    world.assert_over();
}

#[test]
fn a_phone_that_is_not_there_any_more_is_given_up() {
    let mut world = World::with(|settings| settings.ring = SECOND * 60);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    world.deafen(bob, true);
    let call = world.dial(alice, "102");
    world.run_for(SECOND * 32);
    assert_eq!(world.end(call), Some(End::Refused(480)), "no answer to any INVITE in 64*T1");
    assert_eq!(world.record().end.cause, Cause::Unavailable);
    world.assert_over();
}

#[test]
fn a_phone_whose_connection_breaks_while_it_rings_is_given_up() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone_over("bob", Transport::Tcp));
    let call = world.dial(alice, "102");
    let ringing = world.called(bob);
    world.ring(ringing);
    world.disconnect(bob);
    assert_eq!(world.end(call), Some(End::Refused(503)));
    world.assert_over();
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing() {
    let mut world = World::new();
    let (alice, first, second) = (world.phone("alice"), world.phone("bob"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let lines = [world.called(first), world.called(second)];
    lines.iter().for_each(|line| world.ring(*line));
    world.cancel(call);
    assert_eq!(world.end(call), Some(End::Refused(487)));
    lines.iter().for_each(|line| assert_cancelled(&world, *line, "Q.850"));
    let record = world.record();
    assert_eq!((record.end.cause, record.end.by_peer), (Cause::Cancelled, true));
    world.assert_over();
}

#[test]
fn a_callee_who_answers_as_the_caller_gives_up_is_released() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let ringing = world.called(bob);
    // Bob's phone has said nothing, so no CANCEL may leave; his 200 is the next thing that is heard.
    world.cancel(call);
    assert_eq!(world.end(call), Some(End::Refused(487)));
    world.answer(ringing);
    assert_eq!(world.acks(ringing), 1);
    assert!(matches!(world.end(ringing), Some(End::Bye(_))));
    assert_eq!(world.record().answered_at, None);
    world.assert_over();
}

#[test]
fn a_caller_who_hangs_up_before_he_has_acknowledged_is_released_with_the_callee() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    world.acknowledges(call, false);
    let ringing = world.called(bob);
    world.answer(ringing);
    world.hang_up(call);
    assert!(matches!(world.end(ringing), Some(End::Bye(_))));
    let record = world.record();
    assert!(record.answered_at.is_some() && record.end.by_peer);
    world.assert_over();
}

#[test]
fn a_caller_who_never_acknowledges_is_given_up() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    world.acknowledges(call, false);
    let ringing = world.called(bob);
    world.answer(ringing);
    world.run_for(SECOND * 32 - MS);
    assert_eq!(world.end(ringing), None);
    world.run_for(MS);
    assert!(matches!((world.end(call), world.end(ringing)), (Some(End::Bye(_)), Some(End::Bye(_)))));
    assert_eq!(world.record().end.cause, Cause::Network);
    world.assert_over();
}

#[test]
fn a_cancel_that_comes_after_the_answer_changes_nothing() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    world.acknowledges(call, false);
    let ringing = world.called(bob);
    world.answer(ringing);
    world.cancel(call);
    assert_eq!(world.end(ringing), None);
    world.acknowledge_now(call);
    world.assert_talking(call, ringing);
    world.hang_up(call);
    world.assert_over();
}

// ---- ways that have to be found first

fn with_outside(settings: &mut jackfield_switch::Settings) {
    settings.routes = vec![route("0*", RouteTo::Sip("sip:{rest}@198.51.100.1:5060".to_owned()))];
}

#[test]
fn a_way_that_is_not_found_is_network_trouble() {
    let mut world = World::with(with_outside);
    world.ways = Ways::Blocked;
    let alice = world.phone("alice");
    let call = world.dial(alice, "01");
    assert_eq!(world.end(call), Some(End::Refused(503)));
    assert_eq!(world.record().end.cause, Cause::Network);
    assert_eq!(world.warnings(), ["no way to sip:1@198.51.100.1:5060: no such host"]);
    world.assert_over();
}

#[test]
fn a_way_that_is_found_after_the_caller_is_gone_is_not_taken() {
    let mut world = World::with(with_outside);
    world.ways = Ways::Wait;
    let alice = world.phone("alice");
    let provider = world.stranger("provider", PROVIDER);
    let call = world.dial(alice, "01");
    assert_eq!(world.statuses(call), [100]);
    world.cancel(call);
    world.way_opens();
    world.assert_not_called(provider);
    world.assert_over();
}

#[test]
fn a_way_that_is_found_too_late_is_not_taken() {
    let mut world = World::with(with_outside);
    world.ways = Ways::Wait;
    let alice = world.phone("alice");
    let provider = world.stranger("provider", PROVIDER);
    let call = world.dial(alice, "01");
    world.run_for(SECOND * 25);
    assert_eq!(world.end(call), Some(End::Refused(480)));
    world.way_opens();
    world.assert_not_called(provider);
    world.assert_over();
}

#[test]
fn one_target_without_a_way_does_not_keep_the_others_from_ringing() {
    let mut world = World::with(with_menu);
    world.ways = Ways::Blocked;
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let options = to(&["sip:1@198.51.100.1", "bob"]);
    let dial = world.post(app.instance, jackfield_switch::Command::Dial { leg: Some(app.leg), options });
    let ringing = world.called(bob);
    world.answer(ringing);
    world.dialled(dial);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_way_that_opens_when_another_phone_has_answered_is_not_taken() {
    let mut world = World::with(with_menu);
    world.ways = Ways::Wait;
    let bob = world.phone("bob");
    let provider = world.stranger("provider", PROVIDER);
    let (app, call) = world.in_the_menu();
    let options = to(&["bob", "sip:1@198.51.100.1"]);
    let dial = world.post(app.instance, jackfield_switch::Command::Dial { leg: Some(app.leg), options });
    let ringing = world.called(bob);
    world.answer(ringing);
    world.dialled(dial);
    world.way_opens();
    world.assert_not_called(provider);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_dial_rings_a_limited_number_of_phones() {
    let mut world = World::with(|settings| {
        settings.max_contacts = 100;
        settings.routes = vec![route("200", to_users(&["bob", "carol"]))];
    });
    let alice = world.phone("alice");
    let phones: Vec<_> = (0..70).map(|_| world.phone("bob")).collect();
    let carol = world.phone("carol");
    let call = world.dial(alice, "200");
    let (rung, spared) = phones.split_at(64);
    let lines: Vec<_> = rung.iter().map(|phone| world.called(*phone)).collect();
    spared.iter().for_each(|phone| world.assert_not_called(*phone));
    world.assert_not_called(carol);
    world.answer(lines[63]);
    world.assert_talking(call, lines[63]);
    world.hang_up(call);
    lines[..63].iter().for_each(|line| world.refuse(*line, 486));
    world.assert_over();
}
