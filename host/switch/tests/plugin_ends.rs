//! How instances end, and what becomes of their calls.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use std::time::Duration;

use jackfield_switch::{Cause, Command, Event, Input, InstanceEnd, InstanceId, Value};

/// A menu whose calls go to Bob when it cannot.
fn with_net(settings: &mut jackfield_switch::Settings) {
    settings.routes.push(with_fallback(route("100", to_plugin("menu")), "bob"));
}

fn trapped() -> InstanceEnd {
    InstanceEnd::Trapped("unreachable".to_owned())
}

#[test]
fn a_plugin_that_returns_ends_its_call() {
    let mut world = World::with(with_net);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    world.returns(app.instance);
    assert!(matches!(world.end(call), Some(End::Bye(_))));
    let record = world.record();
    assert_eq!((record.end.cause, record.end.by_peer), (Cause::Normal, false));
    world.assert_not_called(bob);
    assert!(world.warnings().is_empty());
    world.assert_over();
}

#[test]
fn a_plugin_that_returns_without_an_answer_leaves_the_caller_unavailable() {
    let mut world = World::with(with_net);
    let alice = world.phone("alice");
    let call = world.dial(alice, "100");
    let app = world.started();
    world.returns(app.instance);
    assert_eq!(world.end(call), Some(End::Refused(480)));
    world.assert_over();
}

#[test]
fn a_plugin_that_fails_says_why_and_its_call_goes_to_the_fallback() {
    let mut world = World::with(with_net);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    world.ends(app.instance, InstanceEnd::Failed("no such prompt".to_owned()));
    let callee = world.called(bob);
    world.answer(callee);
    world.assert_talking(call, callee);
    assert_eq!(world.warnings(), ["plugin menu failed: no such prompt"]);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_trap_before_the_answer_sends_the_call_to_the_fallback() {
    let mut world = World::with(with_net);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "100");
    let app = world.started();
    world.ends(app.instance, trapped());
    let callee = world.called(bob);
    world.ring(callee);
    assert_eq!(world.statuses(call), [100, 180]);
    world.answer(callee);
    world.assert_talking(call, callee);
    assert_eq!(world.warnings(), ["plugin menu trapped: unreachable"]);
    world.hang_up(call);
    assert_eq!(world.record().connected.as_deref(), Some("bob"));
    world.assert_over();
}

#[test]
fn a_trap_after_the_answer_too_and_the_caller_hears_it_ring() {
    let mut world = World::with(with_net);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let play = Command::Play { leg: app.leg, sources: prompt(SECOND * 60), options: interrupted_by("") };
    world.post(app.instance, play);
    world.run_for(SECOND);
    world.ends(app.instance, trapped());
    world.heard(call);
    world.run_for(SECOND);
    assert_eq!(world.heard(call), [], "the prompt is stopped");
    let callee = world.called(bob);
    world.ring(callee);
    world.run_for(SECOND);
    assert!(world.heard(call).len() > 40);
    world.answer(callee);
    world.assert_talking(call, callee);
    world.hang_up(callee);
    assert!(matches!(world.end(call), Some(End::Bye(_))));
    world.assert_over();
}

#[test]
fn without_a_fallback_a_trap_is_503_or_the_end() {
    let mut world = World::with(with_menu);
    let alice = world.phone("alice");
    let call = world.dial(alice, "100");
    let app = world.started();
    world.ends(app.instance, trapped());
    assert_eq!(world.end(call), Some(End::Refused(503)));
    let answered = world.dial(alice, "100");
    let app = world.started();
    world.succeeds(app.instance, Command::Answer { leg: app.leg });
    world.ends(app.instance, trapped());
    assert!(matches!(world.end(answered), Some(End::Bye(_))));
    world.assert_over();
}

#[test]
fn the_next_plugin_gets_nothing_that_was_typed_for_the_one_that_trapped() {
    let mut world = World::with(|settings| {
        settings.routes =
            vec![with_fallback(route("100", to_plugin("menu")), "101"), route("101", to_plugin("simple"))];
    });
    let (app, call) = world.in_the_menu();
    world.press(call, '7');
    let gather = Command::Gather { leg: app.leg, sources: vec![], options: gathering(1, 9, "") };
    world.post(app.instance, gather);
    world.press(call, '8');
    world.ends(app.instance, trapped());
    let next = world.started();
    assert_eq!((next.plugin.as_str(), next.leg), ("simple", app.leg));
    let gather = Command::Gather { leg: next.leg, sources: vec![], options: gathering(1, 1, "") };
    let token = world.post(next.instance, gather);
    world.assert_waiting(token);
    world.press(call, '9');
    assert!(matches!(world.value(token), Value::Gathered { digits, .. } if digits == "9"));
    world.returns(next.instance);
    assert_eq!(world.record().connected.as_deref(), Some("plugin:simple"));
    world.assert_over();
}

#[test]
fn a_trap_takes_the_other_legs_of_the_instance_with_it() {
    let mut world = World::with(with_net);
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let (app, call) = world.in_the_menu();
    world.post(app.instance, Command::Dial { leg: Some(app.leg), options: to(&["carol"]) });
    let of_carol = world.called(carol);
    world.ring(of_carol);
    world.run_for(SECOND);
    world.ends(app.instance, trapped());
    assert!(matches!(world.end(of_carol), Some(End::Cancelled(_))));
    let callee = world.called(bob);
    world.heard(call);
    world.run_for(SECOND);
    assert_eq!(world.heard(call), [], "carol does not ring any more, bob not yet");
    world.answer(callee);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_trap_in_a_bridge_frees_the_caller_for_the_fallback() {
    let mut world = World::with(with_net);
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let (app, call) = world.in_the_menu();
    let dial = world.post(app.instance, Command::Dial { leg: Some(app.leg), options: to(&["carol"]) });
    let of_carol = world.called(carol);
    world.answer(of_carol);
    let other = world.dialled(dial);
    world.post(app.instance, Command::Bridge { leg: app.leg, other, options: Default::default() });
    world.ends(app.instance, trapped());
    assert!(matches!(world.end(of_carol), Some(End::Bye(_))));
    let callee = world.called(bob);
    world.answer(callee);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_trap_after_the_hang_up_only_ends_the_call() {
    let mut world = World::with(with_net);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    world.hang_up(call);
    assert_eq!(world.switch.counts().calls, 1);
    world.ends(app.instance, trapped());
    world.assert_not_called(bob);
    assert_eq!(world.record().end.cause, Cause::Normal);
    world.assert_over();
}

#[test]
fn an_instance_that_does_not_return_after_the_hang_up_is_dropped() {
    let mut world = World::with(with_net);
    let (app, call) = world.in_the_menu();
    world.hang_up(call);
    let set = |key: &str| Command::SetResult { leg: app.leg, key: key.to_owned(), value: "yes".to_owned() };
    world.run_for(SECOND * 5 - MS);
    world.succeeds(app.instance, set("late"));
    let next = world.post(app.instance, Command::Next { timeout: None });
    assert!(matches!(world.value(next), Value::Event(Some(Event::HungUp { .. }))));
    let never = world.post(app.instance, Command::Next { timeout: None });
    assert_eq!(world.records.len(), 0);
    world.run_for(MS);
    assert_eq!(world.dropped, [app.instance]);
    assert_eq!(world.reply(never), None);
    let record = world.record();
    assert_eq!((record.results[0].0.as_str(), record.end.by_peer), ("late", true));
    assert_eq!(record.ended_at - record.started_at, 5000);
    // Its end, when it comes, is old news; and it has nothing more to say.
    world.ends(app.instance, InstanceEnd::Returned);
    world.fails(app.instance, set("too late"));
    world.assert_over();
}

#[test]
fn a_returned_instance_takes_its_timers_and_questions_with_it() {
    let mut world = World::with(with_net);
    let service = world.service(1, "queue");
    let (app, call) = world.in_the_menu();
    world.succeeds(app.instance, Command::StartTimer { after: SECOND, repeat: true });
    world.post(app.instance, Command::Sleep { time: SECOND * 1000 });
    world.post(app.instance, Command::Next { timeout: Some(SECOND * 1000) });
    let to = jackfield_switch::Address::Plugin("queue".to_owned());
    let ask = Command::Ask { to, topic: "who".to_owned(), body: vec![], timeout: SECOND * 1000 };
    world.post(app.instance, ask);
    world.hang_up(call);
    world.returns(app.instance);
    let counts = world.switch.counts();
    assert_eq!((counts.timers, counts.waiting, counts.instances), (0, 0, 1));
    world.returns(service);
    world.assert_over();
}

#[test]
fn the_end_of_somebody_unknown_is_no_matter() {
    let mut world = World::new();
    for end in [InstanceEnd::Returned, trapped(), InstanceEnd::NotStarted("x".to_owned())] {
        world.ends(InstanceId(77), end);
    }
    assert!(world.warnings().is_empty());
    world.assert_over();
}

#[test]
fn a_call_ends_when_its_plugin_has_had_it_for_as_long_as_it_may() {
    let mut world = World::with(with_net);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let (call_time, after_hangup) = (Duration::from_secs(20), Duration::from_secs(5));
    world.input(Input::InstanceStarted { instance: app.instance, call_time, after_hangup, max_events: 256 });
    world.run_for(call_time - Duration::from_millis(1));
    assert_eq!(world.end(call), None);
    world.run_for(Duration::from_millis(1));
    assert!(matches!(world.end(call), Some(End::Bye(_))));
    world.assert_not_called(bob);
    assert_eq!(world.warnings(), ["plugin menu: its call is over the time that it may last (call-time)"]);
    world.assert_over();
}

#[test]
fn a_plugin_has_the_time_to_finish_that_its_version_asks_for() {
    let mut world = World::with(with_net);
    let (app, call) = world.in_the_menu();
    let (call_time, after_hangup) = (Duration::from_secs(600), Duration::from_secs(20));
    world.input(Input::InstanceStarted { instance: app.instance, call_time, after_hangup, max_events: 256 });
    world.hang_up(call);
    world.run_for(after_hangup - Duration::from_millis(1));
    assert_eq!(world.switch.counts().instances, 1);
    world.run_for(Duration::from_millis(1));
    assert_eq!(world.switch.counts().instances, 0);
    world.assert_over();
}
