//! WASI with nothing behind it: what guests find who ask for a system.

use std::{pin::pin, sync::atomic::Ordering::Relaxed, task::Poll, time::Duration};

use crate::world::*;
use jackfield_plugin::{Limits, Source};
use jackfield_switch::{Command, InstanceEnd, Token, Value};

/// An app with this data at 1100, that writes `length` bytes of it to a file descriptor.
fn writing(descriptor: u32, data: &str, length: usize, then: &str) -> Vec<u8> {
    guest(
        "call-app",
        &format!(
            "(data (i32.const 1100) \"{data}\")
             (func $handle (param $call i32) (result i32)
               (i32.store (i32.const 900) (i32.const 1100)) (i32.store (i32.const 904) (i32.const {length}))
               (if (call $fd_write (i32.const {descriptor}) (i32.const 900) (i32.const 1) (i32.const 908)) (then unreachable))
               {then})"
        ),
    )
}

/// Calls it, and gives how that ended and what stands in the log.
fn call(wasm: Vec<u8>) -> (InstanceEnd, Vec<String>) {
    let world = World::silent();
    let end = world.call(&loaded(source("app", wasm)));
    (end, world.log())
}

fn trapped(end: &InstanceEnd) -> &str {
    match end {
        InstanceEnd::Trapped(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_printed_is_logged_line_by_line() {
    let (end, log) = call(writing(1, "un\\ndeux\\ntrois", 13, OK));
    assert_eq!(end, InstanceEnd::Returned);
    let lines = ["un", "deux", "trois"].map(|line| format!("Info ivr 1.4.0 Some(\"call-1\"): {line}"));
    assert_eq!(log, lines);
}

#[test]
fn a_runtime_that_gives_up_has_its_last_words_in_the_reason() {
    let (end, log) = call(writing(2, "trace\\nname x is not defined\\n", 28, "unreachable"));
    let text = trapped(&end);
    assert!(
        text.contains("unreachable") && text.ends_with("its last words: name x is not defined"),
        "{text}"
    );
    assert_eq!(log[1], "Warn ivr 1.4.0 Some(\"call-1\"): name x is not defined");
}

#[test]
fn printing_counts_as_logging_and_as_host_calls() {
    let flood =
        "(loop $again (drop (call $fd_write (i32.const 1) (i32.const 900) (i32.const 1) (i32.const 908)))
                   (br $again)) unreachable";
    let limits = Limits { log: 100, host_calls: 1000, ..Limits::default() };
    let wasm = writing(1, "ligne\\n", 6, flood);
    let world = World::silent();
    let end = world.call(&loaded(Source { limits, ..source("app", wasm) }));
    assert!(trapped(&end).contains("limit of 1000 host calls in a second"), "{end:?}");
    let log = world.log();
    assert_eq!(log.len(), 22, "20 lines, and two words on the rest: {:?}", &log[20..]);
    assert!(log[21].contains("lines of its log were dropped"), "{}", log[21]);
}

#[test]
fn a_guest_that_exits_ends_with_its_code() {
    for (status, code) in [(3, 1), (0, 0)] {
        let (end, _) = call(app(&format!("(call $exit (i32.const {status})) unreachable")));
        assert!(trapped(&end).contains(&format!("ended itself with exit code {code}")), "{end:?}");
    }
}

#[test]
fn there_are_no_files_no_environment_and_no_input() {
    let handle = format!(
        "(if (call $environ (i32.const 900) (i32.const 904)) (then unreachable))
         (if (i32.load (i32.const 900)) (then unreachable))
         (i32.store (i32.const 900) (i32.const 1100)) (i32.store (i32.const 904) (i32.const 100))
         (if (call $fd_read (i32.const 0) (i32.const 900) (i32.const 1) (i32.const 908)) (then unreachable))
         (if (i32.load (i32.const 908)) (then unreachable))
         (if (i32.eqz (call $path_open (i32.const 3) (i32.const 0) (i32.const 1000) (i32.const 3) (i32.const 0)
                                       (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 908)))
           (then unreachable))
         {OK}"
    );
    let (end, _) = call(app(&handle));
    assert_eq!(end, InstanceEnd::Returned);
}

#[test]
fn the_clock_and_random_numbers_are_the_services() {
    // 5 s after 1970, and the fours of the services.
    let handle = format!(
        "(if (call $clock (i32.const 0) (i64.const 1) (i32.const 1104)) (then unreachable))
         (if (i64.ne (i64.load (i32.const 1104)) (i64.const 5000000000)) (then unreachable))
         (if (call $random (i32.const 1104) (i32.const 8)) (then unreachable))
         (if (i64.ne (i64.load (i32.const 1104)) (i64.const 4)) (then unreachable))
         {OK}"
    );
    let world = World::silent();
    world.services.now.store(5000, Relaxed);
    assert_eq!(world.call(&loaded(source("app", app(&handle)))), InstanceEnd::Returned);
}

#[test]
fn who_waits_for_the_clock_waits_in_the_switch() {
    // One subscription: the monotonic clock, 1.5 ms from now.
    let handle = format!(
        "(i32.store8 (i32.const 1208) (i32.const 0))
         (i32.store (i32.const 1216) (i32.const 1))
         (i64.store (i32.const 1224) (i64.const 1500000))
         (if (call $poll (i32.const 1200) (i32.const 1304) (i32.const 1) (i32.const 908)) (then unreachable))
         {OK}"
    );
    let version = loaded(source("app", app(&handle)));
    let world = World::silent();
    let mut call = pin!(version.handle(&world.host, INSTANCE, LEG, call_info()));
    assert!(poll(&mut call).is_pending(), "nobody answers");
    let seen = world.seen.lock().unwrap();
    let [Command::Sleep { time }] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(*time, Duration::from_millis(2));
    drop(seen);
    world.services.now.store(2, Relaxed);
    world.host.replies.deliver(INSTANCE, Token(0), Ok(Value::Done));
    assert_eq!(poll(&mut call), Poll::Ready(InstanceEnd::Returned));
}

#[test]
fn another_wasi_is_refused() {
    let wasm = wat::parse_str(
        "(component (import \"wasi:cli/environment@0.3.0\" (instance (export \"initial-cwd\" (func)))))",
    )
    .unwrap();
    let text = load(source("app", wasm)).err().expect("refused").to_string();
    assert_eq!(
        text,
        "it imports wasi:cli/environment@0.3.0, and this daemon has WASI 0.2: build for wasm32-wasip2 or wasm32-wasip1"
    );
}
