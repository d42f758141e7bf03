//! Plugins that are not apps: speech and services.

use std::pin::pin;

use crate::world::*;
use jackfield_plugin::{Grant, Source, Speech, SpeechAudio};
use jackfield_switch::{Error, Event, InstanceEnd, InstanceId, StopReason, Value};

/// Gives the helper the text, and what the helper says to the sink.
const ECHO: &str = "(data (i32.const 1100) \"espeak-ng\")
    (func $voices (result i32)
      (i32.store8 (i32.const 0) (i32.const 0)) (i32.store (i32.const 4) (i32.const 0)) (i32.store (i32.const 8) (i32.const 0))
      (i32.const 0))
    (func $synthesize (param $text i32) (param $length i32) (param i32 i32 i32 i32 i32) (param $out i32) (result i32)
      (call $helper (i32.const 1100) (i32.const 9) (i32.const 0) (i32.const 0)
        (local.get $text) (local.get $length) (i32.const 1000) (i32.const 0))
      (if (i32.load8_u (i32.const 0)) (then (return (i32.const 0))))
      (call $format (local.get $out) (i32.const 22050) (i32.const 100))
      (call $write (local.get $out) (i32.load (i32.const 4)) (i32.load (i32.const 8)) (i32.const 100))
      (i32.const 100))";

fn voice(grant: &[&str]) -> Source {
    Source {
        manifest: manifest("tts", "[capabilities]\nhelper = [\"*\"]\n"),
        grant: Grant { helper: grant.iter().map(|name| name.to_string()).collect(), ..Grant::default() },
        ..source("tts", guest("tts-provider", ECHO))
    }
}

fn text(text: &str) -> Speech {
    Speech { text: text.into(), lang: "fr".into(), ..Speech::default() }
}

#[test]
fn a_voice_turns_text_into_samples() {
    let (world, version) = (World::silent(), loaded(voice(&["espeak-ng"])));
    let audio = finish(version.synthesize(&world.host, text("abcd"))).unwrap();
    let samples = vec![i16::from_le_bytes(*b"ab"), i16::from_le_bytes(*b"cd")];
    assert_eq!(audio, SpeechAudio { rate: 22050, samples });
    assert_eq!(*world.services.helped.lock().unwrap(), ["espeak-ng"]);
    assert_eq!(finish(version.voices(&world.host)), Ok(Vec::new()));
}

#[test]
fn a_helper_that_is_not_granted_is_refused() {
    let (world, version) = (World::silent(), loaded(voice(&["other"])));
    let error = finish(version.synthesize(&world.host, text("abcd"))).unwrap_err();
    assert!(
        matches!(&error, Error::Denied(text) if text.starts_with("helper \"espeak-ng\": grant it")),
        "{error}"
    );
    assert!(world.services.helped.lock().unwrap().is_empty());
}

#[test]
fn a_voice_that_traps_is_unavailable_speech() {
    let code = "(func $voices (result i32) unreachable)
        (func $synthesize (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32) unreachable)";
    let version = loaded(source("tts", guest("tts-provider", code)));
    let error = finish(version.synthesize(&World::silent().host, text("x"))).unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable(text) if text.contains("trap: wasm `unreachable`")),
        "{error}"
    );
    let mute = "(func $voices (result i32) unreachable)
        (func $synthesize (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
          (i32.store8 (i32.const 0) (i32.const 0)) (i32.const 0))";
    let version = loaded(source("tts", guest("tts-provider", mute)));
    assert!(finish(version.synthesize(&World::silent().host, text("x"))).is_err(), "no audio at all");
}

/// Waits for an event, and then returns what was saved.
const WAITER: &str = "(func $run (param $some i32) (param $bytes i32) (param $length i32) (result i32)
      (call $next (i32.const 0) (i32.const 0) (i32.const 200))
      (i32.store8 (i32.const 0) (i32.const 0))
      (i32.store8 (i32.const 4) (local.get $some))
      (i32.store (i32.const 8) (local.get $bytes)) (i32.store (i32.const 12) (local.get $length))
      (i32.const 0))";

#[test]
fn a_service_gives_its_state_to_the_next_version() {
    let world = World::silent();
    let version = loaded(source("service", guest("background-service", WAITER)));
    let mut service = pin!(version.serve(&world.host, InstanceId(1), Some(b"row 12".into())));
    assert!(poll(&mut service).is_pending());
    let stop = Value::Event(Some(Event::Stop(StopReason::Reload)));
    world.host.replies.deliver(InstanceId(1), jackfield_switch::Token(0), Ok(stop));
    assert_eq!(finish(service.as_mut()), Ok(Some(b"row 12".to_vec())));
}

#[test]
fn what_a_plugin_is_not_cannot_be_asked_of_it() {
    let world = World::silent();
    let version = loaded(source("service", guest("background-service", WAITER)));
    let InstanceEnd::Trapped(text) = world.call(&version) else { panic!("it handled a call") };
    assert_eq!(text, "ivr 1.4.0 (v1): it is no plugin of kind app");
}
