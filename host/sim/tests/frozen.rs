//! A plugin built against the contract 0.1.0 as it was released runs on the exchange of today: every verb of it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::PathBuf;

use common::*;
use jackfield_sim::{Level, Plugin, Site, To, World, built};

const MANIFEST: &str = r#"
[plugin]
name = "frozen"
version = "0.1.0"
wit = "0.1.0"
component = "frozen.wasm"
kind = ["app", "service", "tts"]

[capabilities]
dial = ["*"]
record = true
bus = ["frozen"]

[config]
greeting = "Bonjour de la version 0.1.0."
"#;

fn frozen() -> Plugin {
    let wasm = built(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests"), "frozen");
    let wasm = std::fs::read(&wasm).unwrap_or_else(|error| panic!("{}: {error}", wasm.display()));
    Plugin::new(MANIFEST, wasm).unwrap_or_else(|error| panic!("{error}"))
}

fn site() -> Site {
    let site = Site::new().user("alice", "101").plugin("frozen", frozen());
    site.route("100", To::plugin("frozen")).route("10X", To::any_user())
}

#[test]
fn every_verb_of_a_call_does_what_it_did() {
    let world = open(site());
    let alice = world.phone("alice");
    alice.answers_after(ms(500)).greets_with("Allô ?");
    let caller = world.outside("0612345678");
    caller.dial("100").await_answer();
    caller.hear("Bonjour de la version 0.1.0.");
    caller.hear("Taper 7.");
    caller.press("7");
    caller.await_end();
    assert!(world.run_out(s(60)), "calls are still up");

    let records = world.records();
    let results = &records[0].results;
    assert_eq!(results[..], [("frozen".to_owned(), "runs".to_owned())], "{:?}", told(&world));
    assert_eq!(told(&world), [""; 0]);
    assert_eq!(alice.calls().len(), 2, "dialled, and dialled while something else went on");
    assert_eq!(world.recordings().len(), 2);
    assert_eq!(world.value("frozen", "calls").as_deref(), Some(&b"1"[..]));
}

#[test]
fn its_service_hands_its_state_to_the_next_version() {
    let world = open(site());
    world.run_for(s(1));
    world.install("frozen", &frozen()).unwrap();
    world.run_for(s(1));
    let said: Vec<String> = world.log().into_iter().map(|line| line.message).collect();
    for starts in 1..=2 {
        assert!(said.contains(&format!("the service has started {starts} times")), "{said:?}");
    }
    assert_eq!(told(&world), [""; 0]);
}

/// What the operator was warned of.
fn told(world: &World) -> Vec<String> {
    let bad = world.notices().into_iter().filter(|n| matches!(n.level, Level::Warn | Level::Error));
    bad.map(|notice| notice.text).collect()
}
