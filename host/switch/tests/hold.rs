//! Hold, and what the other one hears meanwhile.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use rsip::Method;

fn talking(world: &mut World) -> (Line, Line) {
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    world.talking(alice, "102", bob)
}

#[test]
fn whoever_is_held_hears_music_and_after_it_the_other_one_again() {
    for (direction, answered) in [("sendonly", "recvonly"), ("inactive", "inactive")] {
        for caller_holds in [true, false] {
            let mut world = World::new();
            let (call, callee) = talking(&mut world);
            let (holder, held) = if caller_holds { (call, callee) } else { (callee, call) };
            assert_eq!(world.hold(holder, direction), 200);
            assert_eq!(world.theirs(holder).direction, answered);
            world.assert_entertained(held);
            world.assert_silent(holder);
            world.resume(holder);
            assert_eq!(world.theirs(holder).direction, "sendrecv");
            world.assert_talking(call, callee);
            world.run_for(SECOND);
            world.heard(held);
            world.run_for(SECOND);
            assert_eq!(world.heard(held), [], "the music has stopped");
            world.hang_up(call);
            world.assert_over();
        }
    }
}

#[test]
fn the_old_hold_by_an_address_of_zeros_is_one_too() {
    let mut world = World::new();
    let (call, callee) = talking(&mut world);
    let offer = world.own(call);
    let zero = Sdp { rtp: "0.0.0.0:4000".parse().unwrap(), ..offer.clone() };
    assert_eq!(world.reoffer(call, Method::Invite, Some(zero)), 200);
    world.assert_entertained(callee);
    assert_eq!(world.reoffer(call, Method::Invite, Some(offer)), 200);
    world.assert_talking(call, callee);
    world.hang_up(callee);
    world.assert_over();
}

#[test]
fn when_both_hold_both_have_silence_and_who_takes_back_first_has_music() {
    let mut world = World::new();
    let (call, callee) = talking(&mut world);
    assert_eq!(world.hold(call, "sendonly"), 200);
    world.assert_entertained(callee);
    assert_eq!(world.hold(callee, "sendonly"), 200);
    world.assert_silent(call);
    world.assert_silent(callee);
    world.resume(call);
    world.assert_entertained(call);
    world.resume(callee);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_held_call_does_not_end_because_nothing_comes() {
    let mut world = World::new();
    let (call, callee) = talking(&mut world);
    assert_eq!(world.hold(call, "inactive"), 200);
    for _ in 0..300 {
        world.speak(callee, 0x2a);
        world.run_for(SECOND);
    }
    assert!(world.is_up(call) && world.is_up(callee));
    world.resume(call);
    world.assert_talking(call, callee);
    world.hang_up(call);
    let record = world.record();
    assert_eq!(record.legs.len(), 2);
    let story = world.story(&record.linked);
    let held: Vec<&str> = story.iter().filter_map(|event| event.split(' ').nth(1)).collect();
    assert!(held.windows(2).any(|pair| pair == ["held", "resumed"]), "{held:?}");
    world.assert_over();
}

#[test]
fn a_hold_that_ends_with_the_call_leaves_nothing() {
    for holder_hangs_up in [true, false] {
        let mut world = World::new();
        let (call, callee) = talking(&mut world);
        assert_eq!(world.hold(call, "sendonly"), 200);
        world.run_for(SECOND);
        world.hang_up(if holder_hangs_up { call } else { callee });
        world.assert_over();
    }
}
