//! Plugins that trap, loop or eat memory: their own call gets its fallback, nobody else notices.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_sim::{Level, Phone, Plugin, Site, To, World};

fn misfit(fault: &str) -> Plugin {
    guest("misfit", "app").config(format!("fault = \"{fault}\""))
}

/// The school with a misfit on 666.
fn site(fault: &str) -> Site {
    school().plugin("misfit", misfit(fault)).route("666", To::plugin("misfit").fallback("alice"))
}

/// Alice answers for the misfit.
fn assert_fallback(world: &World, alice: &Phone) {
    let unlucky = world.outside("0698765432");
    unlucky.dial("666");
    alice.await_ring();
    alice.answer();
    world.run_for(ms(100));
    alice.say("Ici Alice.");
    unlucky.hear("Ici Alice.");
    unlucky.hang_up();
    alice.await_end();
}

/// What the operator was told last.
fn last_error(world: &World) -> String {
    let mut errors = world.notices().into_iter().filter(|notice| notice.level == Level::Error);
    errors.next_back().unwrap_or_else(|| panic!("nobody told the operator:\n{}", world.trace())).text
}

#[test]
fn a_plugin_that_traps_loops_or_eats_memory_ends_its_own_call_only() {
    for (fault, reason) in [("trap", "unreachable"), ("loop", "CPU"), ("memory", "memory")] {
        let world = open(site(fault));
        let alice = world.phone("alice");
        let lucky = caller(&world);
        lucky.hear(WELCOME);
        assert_fallback(&world, &alice);
        lucky.hear(ONE);
        lucky.press("7").hear(INVALID);
        let told = last_error(&world);
        let parts = ["misfit", "1.0.0", "v1", reason];
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    }
}

#[test]
fn after_five_traps_in_a_minute_calls_go_to_the_fallback_at_once_until_a_reload() {
    let world = open(site("trap"));
    let alice = world.phone("alice");
    for _ in 0..5 {
        assert_fallback(&world, &alice);
    }
    assert_fallback(&world, &alice);
    assert!(last_error(&world).contains("failing"), "{}", last_error(&world));
    world.install("misfit", &misfit("trap")).unwrap();
    assert_fallback(&world, &alice);
    assert!(last_error(&world).contains("(v2)"), "{}", last_error(&world));
}
