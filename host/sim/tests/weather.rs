//! The same calls over a network that loses, repeats and reorders.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::*;
use jackfield_sim::{CallEnd, Site, Trace, Weather, World};

/// A call through the whole menu: a wrong key, a silence, Alice who does not answer, Bob who does.
fn call(site: Site) -> (World, Vec<String>) {
    let world = open(site);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    alice.rings();
    bob.answers_after(s(3));
    let caller = caller(&world);
    hear_prompts(&caller);
    caller.press("7").hear(INVALID);
    hear_prompts(&caller);
    hear_prompts(&caller);
    caller.press("1").hear("Alice n'est pas disponible.");
    caller.hear(THREE);
    caller.press("2");
    // Should his answer be lost, what he says until it is repeated would be lost too.
    bob.await_answer();
    world.run_for(s(2));
    bob.say("Allô, ici Bob.");
    caller.hear("Allô, ici Bob.");
    caller.say("Bonjour Bob, je voudrais un renseignement.");
    bob.hear("Bonjour Bob, je voudrais un renseignement.");
    bob.hang_up();
    assert_eq!(caller.await_end(), CallEnd::PeerHungUp);
    assert_over(&world);
    assert_eq!((alice.calls().len(), bob.calls().len()), (1, 1));
    assert_eq!(alice.calls()[0].ended.unwrap().1, CallEnd::Cancelled);
    (world, caller.sentences())
}

/// Sentences that are equal but for what the network lost.
fn assert_alike(heard: &[String], expected: &[String]) {
    assert_eq!(heard.len(), expected.len(), "{heard:?}");
    for (heard, expected) in heard.iter().zip(expected) {
        let alike = |(a, b): (char, char)| a == b || a == '\u{fffd}';
        assert!(heard.chars().zip(expected.chars()).all(alike), "{heard} for {expected}");
        assert_eq!(heard.chars().count(), expected.chars().count(), "{heard} for {expected}");
    }
}

#[test]
fn loss_repetition_and_reordering_change_nothing_of_a_call() {
    let (_, expected) = call(school());
    for seed in 0..10 {
        let (world, heard) = call(school().seed(seed).weather(Weather::FOUL));
        assert_alike(&heard, &expected);
        let trace = world.trace();
        let fates = |fate: &str| trace.lines().iter().filter(|line| line.ends_with(fate)).count();
        let records: Vec<_> = world.records().into_iter().map(|r| (r.end, r.results)).collect();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].1, [("accueil".to_owned(), "2".to_owned())]);
        println!("seed {seed}: {} SIP messages lost, {} came twice", fates("(lost)"), fates("(twice)"));
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another_one() {
    let trace = |seed| call(school().seed(seed).weather(Weather::FOUL)).0.trace();
    let first: Trace = trace(3);
    let again = trace(3);
    for (line, other) in first.lines().iter().zip(again.lines()) {
        assert_eq!(line, other);
    }
    assert_eq!(first, again, "the media differs");
    assert_ne!(first.fingerprint(), trace(4).fingerprint());
}

#[test]
fn half_a_second_of_delay_is_only_delay() {
    let slow = Weather { latency: Duration::from_millis(500), ..Weather::FAIR };
    let (_, expected) = call(school());
    let (_, heard) = call(school().weather(slow));
    assert_eq!(heard, expected);
}
