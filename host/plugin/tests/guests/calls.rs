//! What an app can do with its call, and how its end is told.

use std::{collections::BTreeMap, pin::pin, sync::Arc, task::Poll};

use crate::world::*;
use jackfield_media::{Clip, Source as Audio};
use jackfield_plugin::{Grant, Limits, Source};
use jackfield_switch::{Command, Error, InstanceEnd, PlayEnd, Value};

const ANSWER: &str = "(call $answer (local.get $call) (i32.const 0)) (i32.const 0)";

#[test]
fn an_app_answers_and_returns() {
    let world = World::willing();
    let version = loaded(source("app", app(ANSWER)));
    assert_eq!(world.call(&version), InstanceEnd::Returned);
    assert!(matches!(world.seen.lock().unwrap()[..], [Command::Answer { leg: LEG }]));
    assert_eq!((version.instances(), world.host.replies.pending()), (0, 0));
}

#[test]
fn hung_up_is_a_normal_end_and_other_errors_are_not() {
    let version = loaded(source("app", app(ANSWER)));
    assert_eq!(World::hung_up().call(&version), InstanceEnd::Returned);
    let busy = World::new(|_| Some(Err(Error::Busy("another verb is under way".into()))));
    let InstanceEnd::Failed(text) = busy.call(&version) else { panic!("an error is told") };
    assert_eq!(text, "ivr 1.4.0 (v1): busy: another verb is under way");
}

#[test]
fn a_trap_is_told_with_plugin_version_reason_and_place() {
    let wasm = guest(
        "call-app",
        "(func $ring_everybody unreachable)
         (func $handle (param $call i32) (result i32) (call $ring_everybody) (i32.const 0))",
    );
    let end = World::willing().call(&loaded(source("app", wasm)));
    let InstanceEnd::Trapped(text) = end else { panic!("{end:?}") };
    assert_eq!(
        text,
        "ivr 1.4.0 (v1): trap: wasm `unreachable` instruction executed in ring_everybody < handle"
    );
}

#[test]
fn a_trap_after_the_hang_up_is_a_normal_end() {
    let wasm = app("(call $answer (local.get $call) (i32.const 0)) unreachable");
    let version = loaded(source("app", wasm));
    let world = World::hung_up();
    assert_eq!(world.call(&version), InstanceEnd::Returned);
    assert!(
        world.log()[0].starts_with("Debug ivr 1.4.0 Some(\"call-1\"): ended after the hang-up by: trap"),
        "{:?}",
        world.log()
    );
    assert!(matches!(World::willing().call(&version), InstanceEnd::Trapped(_)));
}

#[test]
fn a_dropped_instance_abandons_its_verb_and_leaves_nothing() {
    let world = World::silent();
    let version = loaded(source("app", app(ANSWER)));
    {
        let mut call = pin!(version.handle(&world.host, INSTANCE, LEG, call_info()));
        assert!(poll(&mut call).is_pending());
        assert_eq!((version.instances(), world.host.replies.pending()), (1, 1));
    }
    assert_eq!((version.instances(), world.host.replies.pending()), (0, 0));
    assert_eq!(world.abandoned.lock().unwrap().len(), 1);
}

#[test]
fn an_instance_counts_from_the_moment_it_is_asked_for() {
    let world = World::willing();
    let version = loaded(source("app", app(ANSWER)));
    let call = version.handle(&world.host, INSTANCE, LEG, call_info());
    assert_eq!(version.instances(), 1);
    drop(call);
    assert_eq!(version.instances(), 0);
}

#[test]
fn more_calls_than_the_limit_do_not_start() {
    let world = World::silent();
    let limits = Limits { calls: 1, ..Limits::default() };
    let version = loaded(Source { limits, ..source("app", app(ANSWER)) });
    let mut first = pin!(version.handle(&world.host, INSTANCE, LEG, call_info()));
    assert!(poll(&mut first).is_pending());
    let mut second = pin!(version.handle(&world.host, INSTANCE, LEG, call_info()));
    let Poll::Ready(InstanceEnd::NotStarted(text)) = poll(&mut second) else { panic!("it started") };
    assert_eq!(text, "ivr 1.4.0 (v1): all 1 of its instances are taken (limits.calls)");
}

/// `dial` to the target at 1100; its error is the result of `handle`.
fn dialler() -> Vec<u8> {
    guest(
        "call-app",
        "(data (i32.const 1100) \"103\")
         (func $handle (param $call i32) (result i32)
           (i32.store (i32.const 1200) (i32.const 1100)) (i32.store (i32.const 1204) (i32.const 3))
           (call $dial (local.get $call) (i32.const 1200) (i32.const 1) (i32.const 10000)
             (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
             (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
           (i32.const 0))",
    )
}

#[test]
fn a_number_that_is_not_granted_is_refused_with_the_place_of_the_grant() {
    let world = World::new(|_| Some(Ok(Value::Dialled(jackfield_switch::DialEnd::Failed(normal())))));
    let asks = || manifest("app", "[capabilities]\ndial = [\"10X\"]\n");
    let grant = |pattern: &str| Grant { dial: vec![pattern.into()], ..Grant::default() };

    let granted = Source { manifest: asks(), grant: grant("10X"), ..source("app", dialler()) };
    assert_eq!(world.call(&loaded(granted)), InstanceEnd::Returned);
    let Command::Dial { leg: Some(LEG), options } = &world.seen.lock().unwrap()[0] else { panic!("no dial") };
    assert_eq!((&options.targets[..], options.timeout.as_secs()), (&["103".to_string()][..], 10));

    let other = Source {
        manifest: manifest("app", "[capabilities]\ndial = [\"*\"]\n"),
        grant: grant("20X"),
        ..source("app", dialler())
    };
    let InstanceEnd::Failed(text) = World::silent().call(&loaded(other)) else { panic!("it dialled") };
    assert!(
        text.contains("dial \"103\": grant it with `dial = [\"103\"]` in `grant` of [plugins.ivr]"),
        "{text}"
    );

    let unasked = Source { grant: grant("10X"), ..source("app", dialler()) };
    let InstanceEnd::Failed(text) = World::silent().call(&loaded(unasked)) else { panic!("it dialled") };
    assert!(text.contains("[capabilities] of plugin.toml"), "{text}");
}

/// Plays a file, a text and a tone.
fn player(file: &str) -> Vec<u8> {
    guest(
        "call-app",
        &format!(
            "(data (i32.const 1100) \"{file}\") (data (i32.const 1120) \"Bonjour\") (data (i32.const 1140) \"beep\")
             (func $handle (param $call i32) (result i32)
               (i32.store8 (i32.const 2000) (i32.const 0))
               (i32.store (i32.const 2004) (i32.const 1100)) (i32.store (i32.const 2008) (i32.const {}))
               (i32.store8 (i32.const 2032) (i32.const 1))
               (i32.store (i32.const 2036) (i32.const 1120)) (i32.store (i32.const 2040) (i32.const 7))
               (i32.store8 (i32.const 2064) (i32.const 4))
               (i32.store (i32.const 2068) (i32.const 1140)) (i32.store (i32.const 2072) (i32.const 4))
               (call $play (local.get $call) (i32.const 2000) (i32.const 3)
                 (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 0))
               (i32.const 0))",
            file.len()
        ),
    )
}

#[test]
fn prompts_are_ready_to_play_when_the_switch_gets_them() {
    let world = World::new(|_| Some(Ok(Value::Played(PlayEnd::Finished))));
    let welcome = Arc::new(Clip::from_samples(8000, &[2; 160]));
    let version = loaded(Source {
        settings: serde_json::json!({"lang": "fr", "voice": "femme"}),
        prompts: BTreeMap::from([("welcome.wav".to_string(), welcome.clone())]),
        ..source("app", player("welcome.wav"))
    });
    assert_eq!(world.call(&version), InstanceEnd::Returned);
    let seen = world.seen.lock().unwrap();
    let Command::Play { sources, .. } = &seen[0] else { panic!("{seen:?}") };
    let [Audio::Clip(file), Audio::Clip(speech), Audio::Tone(_)] = &sources[..] else {
        panic!("{sources:?}")
    };
    assert!(Arc::ptr_eq(file, &welcome));
    assert_eq!(speech.samples().len(), 80);
    let spoken = world.services.spoken.lock().unwrap();
    assert_eq!((&*spoken[0].text, &*spoken[0].lang, &*spoken[0].voice), ("Bonjour", "fr", "femme"));
}

#[test]
fn a_prompt_that_is_not_there_is_an_error_with_its_name() {
    let version = loaded(source("app", player("welcome.wav")));
    let InstanceEnd::Failed(text) = World::silent().call(&version) else { panic!("it played") };
    assert_eq!(text, "ivr 1.4.0 (v1): not found: prompt welcome.wav in prompts of ivr");
}

#[test]
fn verbs_of_later_versions_say_so() {
    let hold = app("(call $hold (local.get $call) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 0)");
    let InstanceEnd::Failed(text) = World::silent().call(&loaded(source("app", hold))) else {
        panic!("it held")
    };
    assert!(text.contains("`hold` comes with a later version"), "{text}");
}

#[test]
fn a_handle_that_is_dropped_does_not_hang_up() {
    let world = World::silent();
    let dropper = app(&format!("(call $drop_call (local.get $call)) {OK}"));
    assert_eq!(world.call(&loaded(source("app", dropper))), InstanceEnd::Returned);
    assert!(world.seen.lock().unwrap().is_empty());
}

#[test]
fn a_handle_that_was_dropped_is_a_trap_when_used() {
    let user = app(&format!(
        "(call $drop_call (local.get $call)) (call $answer (local.get $call) (i32.const 0)) {OK}"
    ));
    assert!(matches!(World::willing().call(&loaded(source("app", user))), InstanceEnd::Trapped(_)));
}
