//! The verbs of an instance on its legs: what they do, who may use them, and how they end.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_media::LegId;
use jackfield_switch::{
    BridgeOptions, CallState, Cause, Command, DialEnd, Error, Event, HangupInfo, Input, InstanceId,
    StopReason, Value, Write,
};

fn play(app: &App, time: std::time::Duration, interrupt: &str) -> Command {
    Command::Play { leg: app.leg, sources: prompt(time), options: interrupted_by(interrupt) }
}

// ---- the state of a leg

#[test]
fn ring_then_answer_then_hang_up() {
    let mut world = World::with(with_menu);
    let alice = world.phone("alice");
    let call = world.dial(alice, "100");
    let app = world.started();
    let state = |world: &mut World, app: &App| world.succeeds(app.instance, Command::State { leg: app.leg });
    assert_eq!(state(&mut world, &app), Value::State(CallState::Ringing));
    for _ in 0..2 {
        world.succeeds(app.instance, Command::Ring { leg: app.leg });
    }
    assert_eq!(world.statuses(call), [100, 180], "once");
    for _ in 0..2 {
        assert_eq!(world.succeeds(app.instance, Command::Answer { leg: app.leg }), Value::Done);
    }
    assert_eq!(world.statuses(call), [100, 180, 200]);
    assert_eq!(state(&mut world, &app), Value::State(CallState::Up));
    world.succeeds(app.instance, Command::Ring { leg: app.leg });
    let hold = world.own(call).direction("sendonly");
    world.reoffer(call, rsip::Method::Invite, Some(hold));
    assert_eq!(state(&mut world, &app), Value::State(CallState::Held));
    world.succeeds(app.instance, Command::Hangup { leg: app.leg, reason: "done".to_owned() });
    assert!(matches!(world.end(call), Some(End::Bye(_))));
    assert_eq!(state(&mut world, &app), Value::State(CallState::Ended));
    world.returns(app.instance);
    let record = world.record();
    assert_eq!(record.end, HangupInfo { cause: Cause::Normal, code: 0, by_peer: false });
    assert_eq!(record.connected.as_deref(), Some("plugin:menu"));
    world.assert_over();
}

#[test]
fn reject_answers_with_that_status_and_only_before_the_answer() {
    for (code, cause) in
        [(486, Cause::Busy), (603, Cause::Rejected), (404, Cause::NotFound), (302, Cause::Other)]
    {
        let mut world = World::with(with_menu);
        let alice = world.phone("alice");
        let call = world.dial(alice, "100");
        let app = world.started();
        for wrong in [100, 200, 299, 401, 407, 700] {
            let error = world.fails(app.instance, Command::Reject { leg: app.leg, code: wrong });
            assert!(matches!(error, Error::Invalid(_)), "{wrong}");
        }
        world.succeeds(app.instance, Command::Reject { leg: app.leg, code });
        assert_eq!(world.end(call), Some(End::Refused(code)));
        world.returns(app.instance);
        let record = world.record();
        assert_eq!((record.end.cause, record.end.by_peer, record.answered_at), (cause, false, None));
        world.assert_over();
    }
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let error = world.fails(app.instance, Command::Reject { leg: app.leg, code: 486 });
    assert!(matches!(error, Error::Invalid(_)));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn hanging_up_on_an_unanswered_caller_is_a_refusal() {
    let mut world = World::with(with_menu);
    let alice = world.phone("alice");
    let call = world.dial(alice, "100");
    let app = world.started();
    world.succeeds(app.instance, Command::Hangup { leg: app.leg, reason: String::new() });
    assert_eq!(world.end(call), Some(End::Refused(603)));
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn an_instance_has_nothing_to_say_on_legs_that_are_not_its_own() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let second = world.dial(bob, "100");
    let other = world.started();
    let leg = other.leg;
    let options = BridgeOptions::default();
    for command in [
        Command::Answer { leg },
        Command::Ring { leg },
        Command::Reject { leg, code: 486 },
        Command::Hangup { leg, reason: String::new() },
        Command::State { leg },
        Command::Play { leg, sources: prompt(SECOND), options: interrupted_by("") },
        Command::StartPlay { leg, sources: prompt(SECOND), options: interrupted_by("") },
        Command::Gather { leg, sources: vec![], options: gathering(1, 1, "") },
        Command::Record { leg, options: recording("x") },
        Command::StartRecord { leg, options: recording("x") },
        Command::Stop { leg, operation: 1 },
        Command::SendDigits { leg, digits: "1".into() },
        Command::Dial { leg: Some(leg), options: to(&["carol"]) },
        Command::StartDial { leg, options: to(&["carol"]) },
        Command::Bridge { leg, other: app.leg, options: options.clone() },
        Command::Bridge { leg: app.leg, other: leg, options: options.clone() },
        Command::StartBridge { leg: app.leg, other: leg, options },
        Command::State { leg: LegId(777) },
    ] {
        let error = world.fails(app.instance, command.clone());
        assert!(matches!(error, Error::NotFound(_)), "{command:?}: {error:?}");
    }
    assert_eq!(world.statuses(second), [100]);
    world.hang_up(call);
    world.cancel(second);
    world.returns(app.instance);
    world.returns(other.instance);
    world.assert_over();
}

#[test]
fn a_verb_on_a_leg_that_is_gone_says_how_it_ended() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let leg = app.leg;
    let pending = world.post(app.instance, play(&app, SECOND * 60, ""));
    world.hang_up_for(call, Some("Q.850;cause=16"));
    let info = HangupInfo { cause: Cause::Normal, code: 16, by_peer: true };
    assert_eq!(world.error(pending), Error::HungUp(info));
    for command in [
        Command::Answer { leg },
        Command::Hangup { leg, reason: String::new() },
        Command::Gather { leg, sources: vec![], options: gathering(1, 1, "") },
        Command::Dial { leg: Some(leg), options: to(&["bob"]) },
        Command::SendDigits { leg, digits: "1".into() },
        Command::Stop { leg, operation: 1 },
    ] {
        assert_eq!(world.fails(app.instance, command), Error::HungUp(info));
    }
    assert_eq!(world.event(app.instance), Event::HungUp { leg, info });
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn an_instance_that_is_unknown_is_told_so() {
    let mut world = World::new();
    let error = world.fails(InstanceId(4242), Command::Next { timeout: None });
    assert!(matches!(error, Error::HungUp(_)));
}

#[test]
fn one_verb_at_a_time_waits_on_a_leg() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let leg = app.leg;
    let pending = world.post(app.instance, Command::Dial { leg: Some(leg), options: to(&["bob"]) });
    let callee = world.called(bob);
    for command in [
        play(&app, SECOND, ""),
        Command::Gather { leg, sources: vec![], options: gathering(1, 1, "") },
        Command::Record { leg, options: recording("x") },
        Command::SendDigits { leg, digits: "1".into() },
        Command::Dial { leg: Some(leg), options: to(&["carol"]) },
        Command::Answer { leg },
    ] {
        let error = world.fails(app.instance, command.clone());
        assert!(matches!(error, Error::Busy(_)), "{command:?}: {error:?}");
    }
    // What does not wait may be asked all the same.
    world.succeeds(app.instance, Command::State { leg });
    world.refuse(callee, 486);
    let failed = HangupInfo { cause: Cause::Busy, code: 486, by_peer: true };
    assert_eq!(world.value(pending), Value::Dialled(DialEnd::Failed(failed)));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

// ---- verbs that nobody waits for any more

#[test]
fn abandoned_verbs_stop_what_they_began() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let leg = app.leg;
    let token = world.post(app.instance, play(&app, SECOND * 60, ""));
    world.run_for(SECOND);
    world.abandon(app.instance, token);
    world.heard(call);
    world.run_for(SECOND);
    assert_eq!(world.heard(call), [], "the prompt is stopped");

    let gather = Command::Gather { leg, sources: prompt(SECOND * 60), options: gathering(3, 3, "") };
    let token = world.post(app.instance, gather);
    world.press(call, '4');
    world.abandon(app.instance, token);
    // What was typed is there for the next verb.
    let again = Command::Gather { leg, sources: vec![], options: gathering(1, 1, "") };
    let Value::Gathered { digits, .. } = world.succeeds(app.instance, again) else { panic!("not gathered") };
    assert_eq!(digits, "4");

    let token = world.post(app.instance, Command::Record { leg, options: recording("x") });
    world.abandon(app.instance, token);
    assert!(matches!(world.writes.last(), Some(Write::Recording { .. })));

    let token = world.post(app.instance, Command::Dial { leg: Some(leg), options: to(&["bob"]) });
    let callee = world.called(bob);
    world.ring(callee);
    world.abandon(app.instance, token);
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    let token = world.post(app.instance, Command::Dial { leg: None, options: to(&["bob"]) });
    let callee = world.called(bob);
    world.ring(callee);
    world.abandon(app.instance, token);
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    assert_eq!(world.events(app.instance), [], "of legs that it never had, an instance hears nothing");

    let next = world.post(app.instance, Command::Next { timeout: None });
    world.abandon(app.instance, next);
    let sleep = world.post(app.instance, Command::Sleep { time: SECOND });
    world.abandon(app.instance, sleep);
    world.run_for(SECOND * 2);
    world.press(call, '5');
    assert!(matches!(world.event(app.instance), Event::Digit { digit: '5', .. }));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn abandoning_what_is_answered_already_is_no_matter() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = world.post(app.instance, Command::State { leg: app.leg });
    world.value(token);
    world.input(jackfield_switch::Input::Abandoned { instance: app.instance, token });
    world.hang_up(call);
    world.returns(app.instance);
    world.input(jackfield_switch::Input::Abandoned { instance: app.instance, token });
    world.assert_over();
}

// ---- time and events

#[test]
fn sleeping_and_waiting_for_events_end_to_the_millisecond() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let sleep = world.post(app.instance, Command::Sleep { time: MS * 1234 });
    let next = world.post(app.instance, Command::Next { timeout: Some(MS * 2000) });
    world.run_for(MS * 1233);
    world.assert_waiting(sleep);
    world.run_for(MS);
    assert_eq!(world.value(sleep), Value::Done);
    world.run_for(MS * 765);
    world.assert_waiting(next);
    world.run_for(MS);
    assert_eq!(world.value(next), Value::Event(None));
    // A second wait ends the first.
    let first = world.post(app.instance, Command::Next { timeout: None });
    let second = world.post(app.instance, Command::Next { timeout: None });
    assert_eq!(world.value(first), Value::Event(None));
    world.press(call, '1');
    assert!(matches!(world.value(second), Value::Event(Some(Event::Digit { digit: '1', .. }))));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn timers_run_once_or_again_and_again_and_can_be_cancelled() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let timer = |world: &mut World, after, repeat| match world
        .succeeds(app.instance, Command::StartTimer { after, repeat })
    {
        Value::Number(timer) => timer,
        other => panic!("{other:?}"),
    };
    let once = timer(&mut world, SECOND, false);
    let often = timer(&mut world, MS * 400, true);
    world.run_for(SECOND);
    // It has fired twice, which nobody fetched in between.
    let expected = [often, once].map(Event::Timer);
    assert_eq!(world.events(app.instance), expected);
    world.succeeds(app.instance, Command::CancelTimer { timer: often });
    world.succeeds(app.instance, Command::CancelTimer { timer: once });
    world.run_for(SECOND);
    assert_eq!(world.events(app.instance), []);
    // The shortest interval is 10 ms, whatever is wished.
    let fast = timer(&mut world, jackfield_switch::Time::ZERO, true);
    for _ in 0..10 {
        world.run_for(MS * 10);
        assert_eq!(world.events(app.instance), [Event::Timer(fast)]);
    }
    world.succeeds(app.instance, Command::CancelTimer { timer: fast });
    for _ in 0..64 {
        timer(&mut world, SECOND * 1000, false);
    }
    let error = world.fails(app.instance, Command::StartTimer { after: SECOND, repeat: false });
    assert!(matches!(error, Error::Limit(_)));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn an_hour_or_all_eternity_is_waited_for() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let ever = std::time::Duration::MAX;
    let sleep = world.post(app.instance, Command::Sleep { time: ever });
    world.succeeds(app.instance, Command::StartTimer { after: ever, repeat: true });
    let mut options = to(&["bob"]);
    options.timeout = ever;
    world.succeeds(app.instance, Command::StartDial { leg: app.leg, options });
    let mut options = gathering(1, 1, "");
    options.first_timeout = ever;
    let gather = world.post(app.instance, Command::Gather { leg: app.leg, sources: vec![], options });
    let next = world.post(app.instance, Command::Next { timeout: Some(ever) });
    world.run_for(SECOND * 3600);
    world.assert_waiting(sleep);
    let callee = world.called(bob);
    world.refuse(callee, 486);
    assert!(world.reply(next).is_some());
    world.hang_up(call);
    world.error(gather);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_full_queue_loses_the_oldest_digit_but_no_end() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    world.input(Input::InstanceStarted {
        instance: app.instance,
        call_time: SECOND * 600,
        after_hangup: SECOND * 5,
        max_events: 4,
    });
    "123456".chars().for_each(|digit| world.press(call, digit));
    let start = Command::StartPlay { leg: app.leg, sources: prompt(MS * 100), options: interrupted_by("") };
    world.succeeds(app.instance, start);
    world.run_for(SECOND);
    world.hang_up(call);
    let events = world.events(app.instance);
    assert!(
        matches!(
            events[..],
            [
                Event::Digit { digit: '5', .. },
                Event::Digit { digit: '6', .. },
                Event::Done { .. },
                Event::HungUp { .. }
            ]
        ),
        "{events:?}"
    );
    assert_eq!(world.warnings(), ["plugin menu does not read its events: the oldest are lost"]);
    world.returns(app.instance);
    world.assert_over();
}

// ---- results

#[test]
fn results_are_in_the_record_also_those_that_come_after_the_hang_up() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let set = |key: &str, value: &str| Command::SetResult {
        leg: app.leg,
        key: key.to_owned(),
        value: value.to_owned(),
    };
    world.succeeds(app.instance, set("choice", "1"));
    world.succeeds(app.instance, set("choice", "2"));
    world.hang_up(call);
    world.run_for(SECOND);
    world.succeeds(app.instance, set("state", "done"));
    assert!(matches!(world.fails(app.instance, set("long", &"x".repeat(1025))), Error::Limit(_)));
    for n in 0..62 {
        world.succeeds(app.instance, set(&n.to_string(), ""));
    }
    assert!(matches!(world.fails(app.instance, set("more", "")), Error::Limit(_)));
    world.returns(app.instance);
    let results = world.record().results;
    assert_eq!(results.len(), 64);
    assert_eq!(results[..2], [("choice", "2"), ("state", "done")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    world.assert_over();
}

#[test]
fn a_service_has_no_call_and_so_no_results() {
    let mut world = World::new();
    let service = world.service(1, "campaign");
    let set = Command::SetResult { leg: LegId(1), key: "a".to_owned(), value: "b".to_owned() };
    assert!(matches!(world.fails(service, set), Error::NotFound(_)));
    world.input(jackfield_switch::Input::StopService { instance: service, reason: StopReason::Disabled });
    assert_eq!(world.event(service), Event::Stop(StopReason::Disabled));
    world.returns(service);
    world.assert_over();
}
