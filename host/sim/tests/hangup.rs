//! Callers who hang up in the middle of each verb: nothing may be left behind.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_sim::{CallEnd, Cause, Level, Phone, To, World};

/// The caller hangs up now; afterwards nothing is left of the call but its record.
fn hang_up(world: &World, caller: &Phone) {
    caller.hang_up();
    assert_over(world);
    let records = world.records();
    let [record] = &records[..] else { panic!("one call, one record: {records:?}") };
    assert_eq!((record.end.cause, record.end.by_peer), (Cause::Normal, true));
    let bad: Vec<_> =
        world.notices().into_iter().filter(|n| matches!(n.level, Level::Warn | Level::Error)).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn while_the_prompts_are_played() {
    let world = open(school());
    let caller = caller(&world);
    caller.hear(WELCOME);
    world.run_for(ms(300));
    hang_up(&world, &caller);
    let heard = caller.heard();
    assert!(heard.len() == 2 && !heard[1].whole, "{heard:?}");
}

#[test]
fn while_a_key_is_waited_for() {
    let world = open(school());
    let caller = caller(&world);
    hear_prompts(&caller);
    world.run_for(s(5));
    hang_up(&world, &caller);
}

#[test]
fn while_the_callee_rings() {
    let world = open(school());
    let alice = world.phone("alice");
    let caller = caller(&world);
    caller.press("1");
    alice.await_ring();
    world.run_for(s(2));
    hang_up(&world, &caller);
    assert_eq!(alice.calls()[0].ended.unwrap().1, CallEnd::Cancelled);
}

#[test]
fn while_the_callee_is_being_called_and_has_not_rung() {
    let world = open(school());
    let alice = world.phone("alice");
    let caller = caller(&world);
    caller.press("1");
    // The key takes 20 ms to the exchange and the INVITE 10 ms to Alice.
    world.run_for(ms(25));
    hang_up(&world, &caller);
    assert!(alice.calls().iter().all(|call| call.ended.is_some()));
}

#[test]
fn in_the_moment_of_the_answer() {
    let world = open(school());
    let alice = world.phone("alice");
    let caller = caller(&world);
    caller.press("1");
    alice.await_ring();
    alice.answer();
    hang_up(&world, &caller);
    assert_eq!(alice.calls()[0].ended.unwrap().1, CallEnd::PeerHungUp);
}

#[test]
fn while_they_talk() {
    let world = open(school());
    let alice = world.phone("alice");
    alice.answers_after(s(1)).greets_with("Allô ?");
    let caller = caller(&world);
    caller.press("1").hear("Allô ?");
    hang_up(&world, &caller);
    assert_eq!(alice.calls()[0].ended.unwrap().1, CallEnd::PeerHungUp);
}

#[test]
fn while_the_goodbye_is_said() {
    let world = open(school());
    let caller = caller(&world);
    for key in ["7", "8", "9"] {
        caller.press(key).hear(INVALID);
    }
    world.run_for(ms(500));
    assert!(GOODBYE.starts_with(caller.sentences().last().unwrap()));
    hang_up(&world, &caller);
}

#[test]
fn before_the_exchange_has_answered() {
    let world = open(school());
    let caller = world.outside("0612345678");
    caller.dial("100").hang_up();
    assert_over(&world);
    // The exchange answers at once: the caller's CANCEL crosses its 200, and a BYE follows.
    assert_eq!(caller.await_end(), CallEnd::HungUp);
}

/// Those on the leg end with it; the guest goes on, and has five seconds for it.
const ON_THE_LEG: [&str; 11] = [
    "play",
    "start-play",
    "gather",
    "record",
    "start-record",
    "send-digits",
    "dial",
    "start-dial",
    "bridge",
    "start-bridge",
    "events",
];
/// Whoever waits for something else is dropped after that time.
const ELSEWHERE: [&str; 2] = ["sleep", "ask"];

/// A guest that stays in that verb.
fn stay_in(verb: &str) -> World {
    let verbs = guest("verbs", "app").config(format!("verb = \"{verb}\""));
    let site = school().plugin("verbs", verbs).route("200", To::plugin("verbs"));
    open(site.plugin("fickle", guest("fickle", "service")))
}

#[test]
fn in_the_middle_of_any_verb() {
    for verb in ON_THE_LEG.into_iter().chain(ELSEWHERE) {
        let world = stay_in(verb);
        let alice = world.phone("alice");
        if verb.ends_with("bridge") {
            alice.answers_after(s(0));
        }
        let caller = world.outside("0612345678");
        caller.dial("200").await_answer().hear("Le verbe.");
        world.run_for(s(1));
        let hung_up = world.now();
        caller.hang_up();
        world.run_for(s(10));

        let story = || format!("{verb}:\n{}", world.trace());
        let counts = world.counts();
        assert_eq!((counts.calls, counts.legs, counts.leases, counts.waiting), (0, 0, 0, 0), "{}", story());
        assert_eq!(counts.instances, 1, "the service alone is left: {}", story());
        assert!(alice.calls().iter().all(|call| call.ended.is_some()), "{}", story());
        let bad = world.notices().into_iter().filter(|notice| notice.level == Level::Error);
        assert_eq!(bad.count(), 0, "{}", story());

        let [record] = &world.records()[..] else { panic!("one call, one record: {}", story()) };
        let lasted = world.since_begin(record.ended_at) - hung_up;
        let (grace, written) =
            if ELSEWHERE.contains(&verb) { (s(5), None) } else { (s(0), Some(b"1".to_vec())) };
        assert_eq!(lasted, grace + ms(10), "the BYE travels: {}", story());
        assert_eq!(world.value("verbs", "ended"), written, "{}", story());
    }
}
