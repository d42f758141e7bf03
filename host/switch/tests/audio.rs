//! Prompts, recordings and digits of an instance on its leg.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::sync::Arc;

use common::*;
use jackfield_switch::{Command, Error, Event, OperationEnd, PlayEnd, PlayOptions, Value, Write};

fn play(app: &App, time: std::time::Duration, interrupt: &str) -> Command {
    Command::Play { leg: app.leg, sources: prompt(time), options: interrupted_by(interrupt) }
}

// ---- prompts

#[test]
fn a_prompt_is_played_to_its_end_as_often_as_wished() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let options = PlayOptions { repeat: 3, ..PlayOptions::default() };
    let token = world.post(app.instance, Command::Play { leg: app.leg, sources: prompt(MS * 200), options });
    world.run_for(SECOND);
    assert_eq!(world.value(token), Value::Played(PlayEnd::Finished));
    assert_eq!(world.heard(call).len(), 30);
    let nothing = Command::Play { leg: app.leg, sources: vec![], options: interrupted_by("") };
    assert_eq!(world.succeeds(app.instance, nothing), Value::Played(PlayEnd::Finished));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_digit_that_may_interrupt_a_prompt_stops_it_and_stays_for_the_next_gather() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = world.post(app.instance, play(&app, SECOND * 60, "12"));
    world.run_for(SECOND);
    world.press(call, '3');
    world.assert_waiting(token);
    world.press(call, '2');
    assert_eq!(world.value(token), Value::Played(PlayEnd::Interrupted('2')));
    world.heard(call);
    world.run_for(SECOND);
    assert_eq!(world.heard(call), []);
    let options = gathering(1, 2, "");
    let gather = Command::Gather { leg: app.leg, sources: prompt(SECOND), options };
    let Value::Gathered { digits, .. } = world.succeeds(app.instance, gather) else { panic!("not gathered") };
    assert_eq!(digits, "32");
    assert!(matches!(
        world.events(app.instance)[..],
        [Event::Digit { digit: '3', .. }, Event::Digit { digit: '2', .. }]
    ));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_started_prompt_tells_its_end_by_an_event() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let start = |interrupt| Command::StartPlay {
        leg: app.leg,
        sources: prompt(SECOND),
        options: interrupted_by(interrupt),
    };
    let operation = |value| match value {
        Value::Operation(operation) => operation,
        other => panic!("{other:?}"),
    };
    let done = |operation, end| Event::Done { leg: app.leg, operation, end };
    let first = operation(world.succeeds(app.instance, start("")));
    world.run_for(SECOND * 2);
    assert_eq!(world.event(app.instance), done(first, OperationEnd::Finished));

    let second = operation(world.succeeds(app.instance, start("")));
    assert_ne!(first, second);
    world.succeeds(app.instance, Command::Stop { leg: app.leg, operation: second });
    assert_eq!(world.event(app.instance), done(second, OperationEnd::Stopped));

    let third = operation(world.succeeds(app.instance, start("7")));
    world.press(call, '7');
    let events = world.events(app.instance);
    assert!(events.contains(&done(third, OperationEnd::Interrupted('7'))), "{events:?}");

    // A new prompt replaces the former one.
    let fourth = operation(world.succeeds(app.instance, start("")));
    let fifth = world.post(app.instance, play(&app, SECOND, ""));
    assert_eq!(world.event(app.instance), done(fourth, OperationEnd::Stopped));
    world.run_for(SECOND * 2);
    world.value(fifth);

    let last = operation(world.succeeds(app.instance, start("")));
    world.hang_up(call);
    let events = world.events(app.instance);
    assert!(
        matches!(&events[0], Event::Done { operation, end: OperationEnd::Failed(Error::HungUp(_)), .. } if *operation == last)
    );
    assert!(
        matches!(events[1..], [Event::HungUp { .. }]),
        "the end once, and the end of the leg: {events:?}"
    );
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_leg_runs_a_limited_number_of_operations() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    // A recording that waits for the store is still an operation.
    world.store = Store::Waits;
    let start = Command::StartRecord { leg: app.leg, options: recording("") };
    for _ in 0..16 {
        world.succeeds(app.instance, start.clone());
    }
    assert!(matches!(world.fails(app.instance, start), Error::Limit(_)));
    world.store_answers(Store::Commits);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

// ---- recordings

#[test]
fn a_recording_ends_by_its_digit_and_is_answered_when_it_is_stored() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    world.store = Store::Waits;
    let record = Command::Record { leg: app.leg, options: recording("greetings/alice") };
    let token = world.post(app.instance, record);
    world.talk(call, 100);
    world.press(call, '#');
    world.assert_waiting(token);
    world.store_answers(Store::Commits);
    let Value::Recorded { name, length, digit } = world.value(token) else { panic!("not recorded") };
    assert_eq!((name.as_str(), digit), ("greetings/alice", Some('#')));
    assert!((SECOND * 2 - MS * 40..=SECOND * 2 + MS * 40).contains(&length), "{length:?}");
    let Some(Write::Recording { plugin, name, samples }) = world.writes.last() else { panic!("not stored") };
    assert_eq!((plugin.as_str(), name.as_str()), ("menu", "greetings/alice"));
    assert_eq!(samples.len() as u128 / 8, length.as_millis());
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_recording_ends_by_its_time_or_by_silence() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let mut options = recording("a");
    options.max = SECOND;
    let token = world.post(app.instance, Command::Record { leg: app.leg, options });
    world.talk(call, 60);
    assert!(matches!(world.value(token), Value::Recorded { digit: None, .. }));

    let mut options = recording("b");
    options.silence = Some(SECOND * 2);
    let token = world.post(app.instance, Command::Record { leg: app.leg, options });
    world.talk(call, 100);
    world.assert_waiting(token);
    // What seems lost at the end is made up, for 60 ms.
    world.run_for(SECOND * 2 + MS * 100);
    world.value(token);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_recording_that_cannot_be_stored_is_an_error() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    world.store = Store::Refuses;
    let token = world.post(app.instance, Command::Record { leg: app.leg, options: recording("x") });
    world.talk(call, 5);
    world.press(call, '#');
    let error = world.error(token);
    assert_eq!(error, Error::Unavailable("the recording is not stored: the disk is full".to_owned()));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_name_that_leaves_the_folder_is_no_name_and_an_empty_one_is_made_up() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let long = "a".repeat(129);
    for name in ["../x", "/etc/passwd", "a//b", ".hidden", "a b", "a\0", long.as_str()] {
        let error = world.fails(app.instance, Command::Record { leg: app.leg, options: recording(name) });
        assert!(matches!(error, Error::Invalid(_)), "{name}");
    }
    let token = world.post(app.instance, Command::Record { leg: app.leg, options: recording("") });
    world.press(call, '#');
    let Value::Recorded { name, .. } = world.value(token) else { panic!("not recorded") };
    assert!(name.starts_with(&app.call.id), "{name}");
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_recording_is_kept_although_the_caller_hung_up() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = world.post(app.instance, Command::Record { leg: app.leg, options: recording("voicemail") });
    world.talk(call, 50);
    world.hang_up(call);
    assert!(matches!(world.error(token), Error::HungUp(_)));
    let Some(Write::Recording { samples, .. }) = world.writes.last() else { panic!("not stored") };
    assert!(samples.len() >= 49 * 160, "{}", samples.len());
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_started_recording_tells_its_end_by_an_event() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let start = Command::StartRecord { leg: app.leg, options: recording("call") };
    let Value::Operation(operation) = world.succeeds(app.instance, start.clone()) else { panic!("none") };
    world.talk(call, 10);
    world.succeeds(app.instance, Command::Stop { leg: app.leg, operation });
    let end = OperationEnd::Stopped;
    assert_eq!(world.event(app.instance), Event::Done { leg: app.leg, operation, end });

    world.store = Store::Refuses;
    let Value::Operation(operation) = world.succeeds(app.instance, start) else { panic!("none") };
    world.succeeds(app.instance, Command::Stop { leg: app.leg, operation });
    let event = world.event(app.instance);
    assert!(
        matches!(&event, Event::Done { operation: done, end: OperationEnd::Failed(Error::Unavailable(_)), .. } if *done == operation)
    );
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

// ---- digits that we send

#[test]
fn digits_are_sent_and_the_verb_waits_for_their_end() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let send = |digits: &str| Command::SendDigits { leg: app.leg, digits: Arc::from(digits) };
    let token = world.post(app.instance, send("12#"));
    world.run_for(MS * 400);
    world.assert_waiting(token);
    world.run_for(SECOND);
    assert_eq!(world.value(token), Value::Done);
    assert_eq!(world.heard_digits(call), "12#");
    assert_eq!(world.succeeds(app.instance, send("")), Value::Done);
    assert!(matches!(world.fails(app.instance, send("1x")), Error::Invalid(_)));
    assert!(matches!(world.fails(app.instance, send(&"1".repeat(65))), Error::Limit(_)));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn digits_whose_verb_was_abandoned_do_not_end_the_next_one() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let first = world.post(app.instance, Command::SendDigits { leg: app.leg, digits: "12".into() });
    world.abandon(app.instance, first);
    let second = world.post(app.instance, Command::SendDigits { leg: app.leg, digits: "34".into() });
    world.run_for(MS * 500);
    world.assert_waiting(second);
    world.run_for(SECOND);
    assert_eq!(world.value(second), Value::Done);
    assert_eq!(world.heard_digits(call), "1234");
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}
