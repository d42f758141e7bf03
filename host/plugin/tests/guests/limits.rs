//! A guest that goes too far ends, alone, and the reason is told.

use std::{pin::pin, sync::atomic::Ordering::Relaxed, time::Duration};

use crate::world::*;
use jackfield_plugin::{Limits, LoadError, NoCache, Source};
use jackfield_switch::{InstanceEnd, Value};

const SPIN: &str = "(func $spin (loop (br 0)))
    (func $handle (param $call i32) (result i32) (call $spin) (i32.const 0))";

fn reason(end: InstanceEnd) -> String {
    match end {
        InstanceEnd::Trapped(text) => text,
        end => panic!("{end:?}"),
    }
}

#[test]
fn a_guest_that_loops_for_ever_ends_at_its_cpu_limit() {
    let version = loaded(source("app", guest("call-app", SPIN)));
    let _time = Ticking::start();
    let text = reason(World::silent().call(&version));
    assert_eq!(text, "ivr 1.4.0 (v1): limit of 50 ms CPU between two host calls in spin < handle");
}

#[test]
fn a_deterministic_engine_counts_fuel() {
    let version = deterministic().load(source("app", guest("call-app", SPIN)), &NoCache).unwrap();
    let text = reason(World::silent().call(&version));
    assert_eq!(text, "ivr 1.4.0 (v1): limit of 50 ms CPU between two host calls");
}

#[test]
fn a_guest_that_loops_in_its_start_ends_too() {
    let code = "(start $spin) (func $spin (loop (br 0)))
        (func $handle (param $call i32) (result i32) (i32.const 0))";
    let version = deterministic().load(source("app", guest("call-app", code)), &NoCache).unwrap();
    assert!(reason(World::silent().call(&version)).contains("limit of 50 ms CPU"));
}

#[test]
fn many_host_calls_do_not_hide_a_guest_that_computes_too_much() {
    // Each round burns more than half a tick of fuel, and then waits.
    let code = "(func $burn (local $n i32)
          (loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 2000000)))))
        (func $handle (param $call i32) (result i32) (loop (call $burn) (call $sleep (i32.const 1)) (br 0)) unreachable)";
    let limits = Limits { cpu_call: Duration::from_millis(100), ..Limits::default() };
    let source = Source { limits, ..source("app", guest("call-app", code)) };
    let text = reason(World::willing().call(&deterministic().load(source, &NoCache).unwrap()));
    assert_eq!(text, "ivr 1.4.0 (v1): limit of 100 ms CPU in one call");
}

#[test]
fn waiting_costs_no_cpu() {
    let code = "(func $handle (param $call i32) (result i32) (local $n i32)
        (loop (call $sleep (i32.const 1000))
          (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 500))))
        (i32.store8 (i32.const 0) (i32.const 0)) (i32.const 0))";
    let world = World::new(|_| {
        // A second goes by in each `sleep`.
        (0..100).for_each(|_| engine().tick());
        Some(Ok(Value::Done))
    });
    let limits = Limits {
        cpu_event: Duration::from_millis(20),
        cpu_call: Duration::from_millis(20),
        ..Limits::default()
    };
    let version = loaded(Source { limits, ..source("app", guest("call-app", code)) });
    let mut call = pin!(version.handle(&world.host, INSTANCE, LEG, call_info()));
    let end = finish(call.as_mut());
    assert_eq!(end, InstanceEnd::Returned);
}

#[test]
fn a_guest_that_eats_memory_ends_at_its_limit() {
    let eater = app("(loop (drop (memory.grow (i32.const 16))) (br 0)) unreachable");
    let text = reason(World::silent().call(&loaded(source("app", eater))));
    assert_eq!(text, "ivr 1.4.0 (v1): memory limit of 16 MiB in handle");
}

#[test]
fn a_guest_that_floods_the_host_with_calls_ends() {
    let flood = app(
        "(loop (call $log (i32.const 2) (i32.const 1000) (i32.const 3) (i32.const 0) (i32.const 0)) (br 0)) unreachable",
    );
    let limits = Limits { log: 300, ..Limits::default() };
    let version = loaded(Source { limits, ..source("app", flood) });
    let world = World::silent();
    world.services.now.store(1_000_000_000_000, Relaxed);
    let text = reason(world.call(&version));
    assert_eq!(text, "ivr 1.4.0 (v1): limit of 10000 host calls in a second in handle");
    let log = world.log();
    assert_eq!(log.len(), 102, "a minute of 100 lines, and two words on the rest");
    assert!(log[100].contains("it has logged 6000 lines or 300 B in a minute"), "{}", log[100]);
    assert!(log[101].contains("19900 lines of its log were dropped"), "{}", log[101]);
}

#[test]
fn a_guest_that_grows_its_tables_ends_at_their_limit() {
    let code = "(table $grown 1 funcref)
        (func $handle (param $call i32) (result i32)
          (loop (drop (table.grow $grown (ref.null func) (i32.const 1000))) (br 0)) unreachable)";
    let text = reason(World::silent().call(&loaded(source("app", guest("call-app", code)))));
    assert_eq!(text, "ivr 1.4.0 (v1): table limit of 20000 elements in handle");
}

#[test]
fn a_guest_of_ten_thousand_tables_is_not_loaded() {
    let tables = "(table 1 funcref)".repeat(10_000);
    let code = format!("{tables}(func $handle (param $call i32) (result i32) (i32.const 0))");
    let error = load(source("app", guest("call-app", &code))).err().expect("refused");
    assert!(matches!(error, LoadError::Invalid { .. } | LoadError::Componentize { .. }), "{error}");
    let some = "(table 1 funcref)".repeat(50);
    let code = format!("{some}(func $handle (param $call i32) (result i32) (i32.const 0))");
    let error = load(source("app", guest("call-app", &code))).err().expect("refused");
    assert!(error.to_string().contains("tables count of 50 exceeds"), "{error}");
}

#[test]
fn endless_recursion_is_a_trap() {
    let code = "(func $deeper (param i64) (call $deeper (local.get 0)) (call $deeper (local.get 0)))
        (func $handle (param $call i32) (result i32) (call $deeper (i64.const 0)) (i32.const 0))";
    let text = reason(World::silent().call(&loaded(source("app", guest("call-app", code)))));
    assert!(text.contains("call stack exhausted in deeper"), "{text}");
}

#[test]
fn the_others_notice_nothing() {
    let world = World::silent();
    let good = loaded(source("app", app("(call $answer (local.get $call) (i32.const 0)) (i32.const 0)")));
    let bad = loaded(source("app", guest("call-app", SPIN)));
    let mut standing = pin!(good.handle(&world.host, INSTANCE, LEG, call_info()));
    // The time of other tests lets it yield before it asks.
    while world.seen.lock().unwrap().is_empty() {
        assert!(poll(&mut standing).is_pending());
    }
    let _time = Ticking::start();
    reason(world.call(&bad));
    world.host.replies.deliver(INSTANCE, jackfield_switch::Token(0), Ok(Value::Done));
    assert_eq!(finish(standing.as_mut()), InstanceEnd::Returned);
}
