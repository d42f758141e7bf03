//! Sessions are refreshed, and a call whose phone is gone ends for the other one.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::*;
use jackfield_switch::Cause;

const BRIEF: Duration = Duration::from_secs(90);

fn brief() -> World {
    World::with(|settings| settings.session_expires = BRIEF)
}

/// Time goes by, and both are heard all the while.
fn talk(world: &mut World, lines: [Line; 2], time: Duration) {
    let end = world.now + time;
    while world.now < end {
        lines.into_iter().for_each(|line| world.speak(line, 0x21));
        world.run_for(SECOND);
    }
}

#[test]
fn a_phone_that_is_gone_ends_the_call_for_the_other_one() {
    let mut world = brief();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    world.deafen(bob, true);
    talk(&mut world, [call, callee], BRIEF - SECOND * 10);
    assert!(matches!(world.end(call), Some(End::Bye(_))), "{:?}", world.end(call));
    let record = world.record();
    assert_eq!((record.end.cause, record.end.by_peer), (Cause::Network, false));
    world.assert_over();
}

#[test]
fn phones_without_session_timers_are_refreshed_with_what_they_were_told_before() {
    let mut world = brief();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    let before = world.theirs(callee);
    talk(&mut world, [call, callee], BRIEF * 3);
    assert_eq!((world.end(call), world.end(callee)), (None, None));
    for line in [call, callee] {
        let refreshes = world.reoffers(line);
        assert!((5..=6).contains(&refreshes.len()), "{}", refreshes.len());
        assert!(
            refreshes.iter().all(|refresh| refresh.method == rsip::Method::Invite),
            "no phone allows UPDATE"
        );
    }
    assert_eq!(world.theirs(callee).rtp, before.rtp);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn an_offer_that_collides_is_made_again_and_a_refused_one_changes_nothing() {
    let mut world = brief();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    world.answers_reoffers(callee, &[491, 491, 200, 488]);
    talk(&mut world, [call, callee], BRIEF / 2 + SECOND * 9);
    assert_eq!(world.reoffers(callee).len(), 3, "after at most 4 s each");
    talk(&mut world, [call, callee], BRIEF);
    assert_eq!((world.end(call), world.end(callee)), (None, None));
    world.assert_talking(call, callee);
    world.hang_up(callee);
    world.assert_over();
}

#[test]
fn a_setting_of_zero_leaves_phones_alone() {
    let mut world = World::with(|settings| settings.session_expires = Duration::ZERO);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    talk(&mut world, [call, callee], BRIEF * 30);
    assert_eq!((world.reoffers(call).len(), world.reoffers(callee).len()), (0, 0));
    world.hang_up(call);
    world.assert_over();
}
