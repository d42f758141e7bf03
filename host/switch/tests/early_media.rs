//! What a caller hears before anybody has answered.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::{Command, PlayOptions};

#[test]
fn a_183_with_media_is_heard_by_the_caller_and_only_then_answered() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let callee = world.called(bob);
    world.early(callee);
    assert_eq!(world.statuses(call), [100, 183]);
    world.speak(callee, 0x21);
    assert_eq!(world.heard(call).len(), 1);
    assert_eq!(world.switch.calls()[0].state, "early");
    let early = world.theirs(call);
    // The answer was given: 200 needs none, and repeats ours.
    world.answer_with(callee, None);
    assert_eq!((world.statuses(call), world.theirs(call)), (&[100, 183, 200][..], early));
    world.assert_talking(call, callee);
    world.hang_up(call);
    assert!(world.record().answered_at.is_some());
    world.assert_over();
}

#[test]
fn ringing_before_and_after_early_media_is_passed_on_once() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let callee = world.called(bob);
    world.ring(callee);
    world.early(callee);
    world.ring(callee);
    world.early(callee);
    assert_eq!(world.statuses(call), [100, 180, 183]);
    world.speak(callee, 0x21);
    assert_eq!(world.heard(call).len(), 1);
    world.answer(callee);
    world.assert_talking(call, callee);
    world.hang_up(callee);
    world.assert_over();
}

#[test]
fn a_183_without_media_says_nothing_to_the_caller() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let callee = world.called(bob);
    world.provisional(callee, 183);
    assert_eq!(world.statuses(call), [100]);
    world.cancel(call);
    world.assert_over();
}

#[test]
fn of_several_phones_the_first_is_heard_and_the_one_that_answers_takes_over() {
    let mut world = World::new();
    let (alice, first, second) = (world.phone("alice"), world.phone("bob"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let (one, two) = (world.called(first), world.called(second));
    world.ring(two);
    assert_eq!(world.statuses(call), [100, 180]);
    world.early(one);
    world.speak(one, 0x21);
    assert_eq!(world.heard(call).len(), 1);
    // The other one is kept apart from it.
    world.early(two);
    world.speak(two, 0x22);
    assert_eq!(world.heard(call), []);
    assert_eq!(world.statuses(call), [100, 180, 183]);
    world.answer_with(two, None);
    world.assert_talking(call, two);
    assert!(matches!(world.end(one), Some(End::Cancelled(Some(reason))) if reason.contains("elsewhere")));
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn when_the_phone_that_is_heard_refuses_the_next_one_is_heard() {
    let mut world = World::new();
    let alice = world.phone("alice");
    let phones = [world.phone("bob"), world.phone("bob"), world.phone("bob")];
    let call = world.dial(alice, "102");
    let lines = phones.map(|phone| world.called(phone));
    world.early(lines[0]);
    world.early(lines[1]);
    world.ring(lines[2]);
    world.refuse(lines[0], 486);
    // What the first one sent last may still be on its way (see the latch of the media).
    world.run_for(SECOND * 2);
    world.heard(call);
    world.speak(lines[1], 0x22);
    assert_eq!(world.heard(call).len(), 1);
    world.refuse(lines[1], 486);
    world.run_for(SECOND);
    assert!(world.heard(call).len() > 40, "nobody speaks, and the last one rings: the exchange says so");
    world.answer(lines[2]);
    world.assert_talking(call, lines[2]);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_caller_who_leaves_the_offer_to_us_hears_ringing_only() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial_without_offer(alice, "102");
    let callee = world.called(bob);
    world.early(callee);
    assert_eq!(world.statuses(call), [100]);
    world.ring(callee);
    assert_eq!(world.statuses(call), [100, 180]);
    world.answer(callee);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_callee_who_refuses_after_early_media_leaves_the_caller_to_the_fallback() {
    let mut world = World::with(|settings| {
        settings.routes = vec![with_fallback(route("200", to_users(&["bob"])), "carol")]
    });
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let call = world.dial(alice, "200");
    let callee = world.called(bob);
    world.early(callee);
    world.refuse(callee, 486);
    let next = world.called(carol);
    world.ring(next);
    // A 180 after 183 with media would be silence: the exchange makes the tone.
    world.heard(call);
    world.run_for(SECOND);
    assert!(world.heard(call).len() > 40, "the caller hears that it rings");
    world.answer(next);
    assert_eq!(world.statuses(call), [100, 183, 200]);
    world.assert_talking(call, next);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_plugin_can_speak_before_the_answer() {
    let mut world = World::with(with_menu);
    let alice = world.phone("alice");
    let call = world.dial(alice, "100");
    let app = world.started();
    let options = PlayOptions { early: true, repeat: 1, ..PlayOptions::default() };
    let sources = prompt(SECOND);
    let play = world.post(app.instance, Command::Play { leg: app.leg, sources, options });
    assert_eq!(world.statuses(call), [100, 183]);
    world.run_for(SECOND + MS * 40);
    world.value(play);
    assert_eq!(world.heard(call).len(), 50);
    let late = PlayOptions { repeat: 1, ..PlayOptions::default() };
    let more =
        world.post(app.instance, Command::Play { leg: app.leg, sources: prompt(SECOND), options: late });
    world.run_for(SECOND * 2);
    world.value(more);
    world.succeeds(app.instance, Command::Reject { leg: app.leg, code: 486 });
    assert_eq!(world.end(call), Some(End::Refused(486)));
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn early_media_that_lasts_is_no_dead_call() {
    // Phones need not send anything before they are answered.
    let mut world = World::with(|settings| settings.ring = SECOND * 170);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let callee = world.called(bob);
    world.early(callee);
    for _ in 0..150 {
        world.speak(callee, 0x21);
        world.run_for(SECOND);
    }
    assert_eq!((world.end(call), world.end(callee)), (None, None));
    world.answer(callee);
    world.assert_talking(call, callee);
    // But from now on he is expected to speak.
    for _ in 0..70 {
        world.speak(callee, 0x21);
        world.run_for(SECOND);
    }
    assert!(matches!((world.end(call), world.end(callee)), (Some(End::Bye(_)), Some(End::Bye(_)))));
    assert_eq!(world.record().end.cause, jackfield_switch::Cause::MediaTimeout);
    world.assert_over();
}
