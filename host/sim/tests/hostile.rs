//! Plugins that mean harm, one way each: their own call gets its fallback, the operator is told, and nobody else notices.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_sim::{Clip, Level, LimitsWish, Plugin, Site, To, World};

const HOSTILE: &str = "hostile";

fn hostile(way: &str) -> Plugin {
    guest(HOSTILE, "app")
        .config(format!("way = \"{way}\""))
        .prompt("beep.wav", Clip::from_samples(8000, &[0; 800]))
}

/// The school with a hostile plugin on 666, whose fallback is the menu.
fn school_with(plugin: Plugin) -> Site {
    school().plugin(HOSTILE, plugin).route("666", To::plugin(HOSTILE).fallback("100"))
}

fn told(world: &World, reason: &str) -> bool {
    let bad = |level: Level| matches!(level, Level::Warn | Level::Error);
    world.notices().iter().any(|n| bad(n.level) && n.text.contains(HOSTILE) && n.text.contains(reason))
}

/// Who calls it hears the menu, whoever listens to the menu meanwhile hears it to its end, and nothing is left.
fn assert_fallback(plugin: Plugin, reason: &str) -> World {
    let world = open(school_with(plugin));
    // Some dial him.
    let _bob = world.phone("bob");
    let lucky = caller(&world);
    lucky.hear(WELCOME);
    let unlucky = world.outside("0698765432");
    unlucky.dial("666");
    unlucky.hear(WELCOME);
    [ONE, TWO].iter().for_each(|prompt| drop(lucky.hear(prompt)));
    assert!(told(&world, reason), "{reason}\n{:#?}", world.notices());
    unlucky.hang_up();
    lucky.hang_up();
    assert_over(&world);
    world
}

#[test]
fn each_way_ends_in_the_fallback_and_is_told() {
    for (way, reason) in [
        ("loop", "limit of 50 ms CPU between two host calls"),
        ("loop-of-host-calls", "limit of 10000 host calls in a second"),
        ("memory", "memory limit of 16 MiB"),
        ("handles", "limit reached: too many handles are open"),
        ("recursion", "trap: "),
        ("value-flood", "the key-value store of hostile holds at most 1048576 bytes"),
        ("dials-at-once", "an instance has at most 32 legs"),
        ("huge-strings", "every huge string was refused"),
        ("too-huge-string", "trapped"),
        ("timers", "an instance has at most 64 timers"),
    ] {
        assert_fallback(hostile(way), reason);
    }
}

#[test]
fn a_flood_of_lines_is_cut_and_counted() {
    let limits = LimitsWish { log_lines: Some(100), ..LimitsWish::default() };
    let world = assert_fallback(hostile("log-flood").limits(limits), "host calls in a second");
    let log: Vec<String> = world.log().into_iter().map(|line| line.message).collect();
    assert_eq!(log.len(), 102);
    assert!(log[100].contains("it has logged 100 lines or 4 MiB in a minute"), "{}", log[100]);
    // Two seconds' worth of host calls, since the first second of all began long ago; one has answered the call.
    assert_eq!(log[101], format!("{} lines of its log were dropped", 20_000 - 1 - 100));
}

#[test]
fn calls_placed_are_limited_by_the_minute_over_all_calls_of_the_plugin() {
    let limits = LimitsWish { dials: Some(3), ..LimitsWish::default() };
    let world = open(school_with(hostile("dials").limits(limits)));
    let reason = "limit reached: 3 calls placed in a minute (limits.dials)";
    for _ in 0..2 {
        let caller = world.outside("0698765432");
        caller.dial("666").hear(WELCOME);
        caller.hang_up();
    }
    assert_eq!(world.notices().iter().filter(|notice| notice.text.contains(reason)).count(), 2);
    assert_over(&world);
}

#[test]
fn calls_that_ring_at_once_are_limited_and_a_trap_stops_them() {
    let limits = LimitsWish { dials_at_once: Some(2), ..LimitsWish::default() };
    assert_fallback(
        hostile("dials-at-once").limits(limits),
        "2 calls that ring at once (limits.dials-at-once)",
    );

    let world = open(school_with(hostile("trap-in-dial")));
    let bob = world.phone("bob");
    let caller = world.outside("0698765432");
    caller.dial("666");
    bob.await_ring();
    caller.hear(WELCOME);
    assert!(bob.calls()[0].ended.is_some(), "his phone rings no more");
    caller.hang_up();
    assert_over(&world);
}

#[test]
fn who_goes_on_after_the_end_of_its_call_is_dropped_and_named() {
    let world = open(school_with(hostile("after-hangup")));
    let caller = world.outside("0698765432");
    caller.dial("666").await_answer();
    world.run_for(s(1));
    caller.hang_up();
    assert!(world.run_out(s(10)), "{:?}", world.counts());
    assert!(told(&world, "goes on after its call has ended"), "{:#?}", world.notices());
    assert_over(&world);
}

#[test]
fn a_right_that_was_not_granted_is_an_error_that_says_where_to_grant_it() {
    let manifest = "[plugin]\nname = \"hostile\"\nversion = \"1.0.0\"\nwit = \"0.1.0\"\n\
        component = \"hostile.wasm\"\nkind = [\"app\"]\n";
    let wasm = std::fs::read(jackfield_sim::built(guests(), HOSTILE)).unwrap();
    let plugin = Plugin::new(manifest, wasm).unwrap().config("way = \"not-granted\"");
    assert_fallback(
        plugin,
        "not granted: dial \"101\": ask for it with `dial = [\"101\"]` in [capabilities]",
    );
}
