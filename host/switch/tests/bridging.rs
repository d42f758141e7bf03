//! Two legs that hear each other, and how that ends.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_media::{Digits, LegId};
use jackfield_switch::{
    BridgeEnd, BridgeOptions, CallState, Cause, Command, Error, Event, HangupInfo, OperationEnd, Value,
};

/// Alice is in the menu, which has dialled Bob: the instance, their lines and his leg.
fn with_bob(world: &mut World) -> (App, Line, Line, LegId) {
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let dial = world.post(app.instance, Command::Dial { leg: Some(app.leg), options: to(&["bob"]) });
    let callee = world.called(bob);
    world.answer(callee);
    let leg = world.dialled(dial);
    (app, call, callee, leg)
}

fn bridge(app: &App, other: LegId, options: BridgeOptions) -> Command {
    Command::Bridge { leg: app.leg, other, options }
}

// ---- calls of routes

#[test]
fn whoever_hangs_up_ends_the_call_and_the_record_says_so() {
    for caller_hangs_up in [true, false] {
        let mut world = World::new();
        let (alice, bob) = (world.phone("alice"), world.phone("bob"));
        let (call, callee) = world.talking(alice, "102", bob);
        world.run_for(SECOND * 10);
        let (first, other) = if caller_hangs_up { (call, callee) } else { (callee, call) };
        world.hang_up(first);
        assert_eq!(world.end(first), Some(End::Local));
        assert_eq!(
            world.end(other),
            Some(End::Bye(Some("Q.850;cause=16;text=\"Normal call clearing\"".to_owned())))
        );
        let record = world.record();
        assert_eq!(record.end, HangupInfo { cause: Cause::Normal, code: 0, by_peer: caller_hangs_up });
        assert_eq!(record.ended_at - record.answered_at.unwrap(), 10_000);
        assert_eq!(record.started_at, 1_700_000_001_000);
        world.assert_over();
    }
}

#[test]
fn the_reason_of_a_bye_is_in_the_record_and_both_may_hang_up_at_once() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    world.hang_up_for(call, Some("Q.850;cause=41;text=\"Temporary failure\""));
    world.hang_up(callee);
    assert_eq!(world.record().end.code, 41);
    world.assert_over();
}

#[test]
fn a_phone_that_falls_silent_ends_the_call_for_both() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "102", bob);
    for _ in 0..59 {
        world.speak(call, 0x11);
        world.run_for(SECOND);
    }
    assert_eq!((world.end(call), world.end(callee)), (None, None));
    world.run_for(SECOND);
    assert!(matches!((world.end(call), world.end(callee)), (Some(End::Bye(_)), Some(End::Bye(_)))));
    assert_eq!(world.record().end.cause, Cause::MediaTimeout);
    world.assert_over();
}

// ---- bridges of plugins

#[test]
fn a_bridge_lasts_until_the_other_one_leaves_and_the_own_leg_stays() {
    let mut world = World::with(with_menu);
    let (app, call, callee, bob) = with_bob(&mut world);
    world.assert_apart(call, callee);
    let token = world.post(app.instance, bridge(&app, bob, BridgeOptions::default()));
    world.assert_talking(call, callee);
    assert_eq!(
        world.succeeds(app.instance, Command::State { leg: app.leg }),
        Value::State(CallState::Bridged)
    );
    world.hang_up(callee);
    let info = HangupInfo { cause: Cause::Normal, code: 0, by_peer: true };
    assert_eq!(world.value(token), Value::Bridged(BridgeEnd::OtherHungUp(info)));
    assert_eq!(world.event(app.instance), Event::HungUp { leg: bob, info });
    assert_eq!(world.succeeds(app.instance, Command::State { leg: app.leg }), Value::State(CallState::Up));
    world.returns(app.instance);
    assert!(matches!(world.end(call), Some(End::Bye(_))));
    assert_eq!(world.record().connected.as_deref(), Some("bob"), "the plugin only connected them");
    world.assert_over();
}

#[test]
fn the_own_end_of_a_bridge_is_a_hang_up_and_the_other_leg_stays_until_the_plugin_ends() {
    let mut world = World::with(with_menu);
    let (app, call, callee, bob) = with_bob(&mut world);
    let token = world.post(app.instance, bridge(&app, bob, BridgeOptions::default()));
    world.hang_up(call);
    assert!(matches!(world.error(token), Error::HungUp(_)));
    assert_eq!(world.end(callee), None);
    assert_eq!(world.succeeds(app.instance, Command::State { leg: bob }), Value::State(CallState::Up));
    world.succeeds(app.instance, Command::Hangup { leg: bob, reason: String::new() });
    assert!(matches!(world.end(callee), Some(End::Bye(_))));
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_bridge_ends_after_its_time_to_the_millisecond_and_keeps_both() {
    let mut world = World::with(with_menu);
    let (app, call, callee, bob) = with_bob(&mut world);
    let options = BridgeOptions { max: Some(SECOND * 5), ..BridgeOptions::default() };
    let token = world.post(app.instance, bridge(&app, bob, options));
    world.run_for(SECOND * 5 - MS);
    world.assert_waiting(token);
    world.run_for(MS);
    assert_eq!(world.value(token), Value::Bridged(BridgeEnd::Timeout));
    world.assert_apart(call, callee);
    assert_eq!((world.end(call), world.end(callee)), (None, None));
    // And again, without a limit.
    let token = world.post(
        app.instance,
        bridge(
            &app,
            bob,
            BridgeOptions { max: Some(jackfield_switch::Time::ZERO), ..BridgeOptions::default() },
        ),
    );
    world.run_for(SECOND * 20);
    world.assert_waiting(token);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn the_break_digit_of_the_first_leg_ends_a_bridge_and_others_go_through() {
    let mut world = World::with(with_menu);
    let (app, call, callee, bob) = with_bob(&mut world);
    let options = BridgeOptions { break_digit: Digits::parse("*").unwrap(), max: None };
    let token = world.post(app.instance, bridge(&app, bob, options));
    world.press(call, '5');
    assert_eq!(world.heard_digits(callee), "5");
    world.press(callee, '*');
    world.assert_waiting(token);
    world.press(call, '*');
    assert_eq!(world.value(token), Value::Bridged(BridgeEnd::Digit('*')));
    // Nothing that was pressed in a bridge is typed ahead for the next menu.
    let options = gathering(1, 1, "");
    let gather = world.post(app.instance, Command::Gather { leg: app.leg, sources: vec![], options });
    world.assert_waiting(gather);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_started_bridge_is_an_operation_that_can_be_stopped() {
    let mut world = World::with(with_menu);
    let (app, call, callee, bob) = with_bob(&mut world);
    let start = Command::StartBridge { leg: app.leg, other: bob, options: BridgeOptions::default() };
    let Value::Operation(first) = world.succeeds(app.instance, start.clone()) else { panic!("no operation") };
    world.assert_talking(call, callee);
    assert_eq!(world.maybe_event(app.instance), None);
    assert!(matches!(world.fails(app.instance, start.clone()), Error::Busy(_)));
    world.succeeds(app.instance, Command::Stop { leg: app.leg, operation: first });
    let stopped = Event::Done { leg: app.leg, operation: first, end: OperationEnd::Stopped };
    assert_eq!(world.event(app.instance), stopped);
    world.assert_apart(call, callee);
    assert!(matches!(
        world.fails(app.instance, Command::Stop { leg: app.leg, operation: first }),
        Error::NotFound(_)
    ));

    let Value::Operation(second) = world.succeeds(app.instance, start) else { panic!("no operation") };
    world.hang_up(callee);
    let events = world.events(app.instance);
    assert!(events.contains(&Event::Done { leg: app.leg, operation: second, end: OperationEnd::Finished }));
    assert!(events.iter().any(|event| matches!(event, Event::HungUp { leg, .. } if *leg == bob)));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_started_bridge_whose_own_leg_ends_has_failed() {
    let mut world = World::with(with_menu);
    let (app, call, _, bob) = with_bob(&mut world);
    let start = Command::StartBridge { leg: app.leg, other: bob, options: BridgeOptions::default() };
    let Value::Operation(operation) = world.succeeds(app.instance, start) else { panic!("no operation") };
    world.hang_up(call);
    let events = world.events(app.instance);
    let failed = events.iter().filter(|event| matches!(event, Event::Done { operation: done, end: OperationEnd::Failed(Error::HungUp(_)), .. } if *done == operation));
    assert_eq!(failed.count(), 1, "{events:?}");
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn what_cannot_be_bridged_is_refused() {
    let mut world = World::with(with_menu);
    let carol = world.phone("carol");
    let (app, call, callee, bob) = with_bob(&mut world);
    let plain = BridgeOptions::default;
    assert!(matches!(world.fails(app.instance, bridge(&app, app.leg, plain())), Error::Invalid(_)));
    assert!(matches!(world.fails(app.instance, bridge(&app, LegId(9999), plain())), Error::NotFound(_)));
    let dial = Command::StartDial { leg: app.leg, options: to(&["carol"]) };
    let Value::Leg(ringing, _) = world.succeeds(app.instance, dial) else { panic!("no leg") };
    assert!(matches!(world.fails(app.instance, bridge(&app, ringing, plain())), Error::Invalid(_)));
    let of_carol = world.called(carol);
    world.refuse(of_carol, 486);
    assert!(matches!(world.fails(app.instance, bridge(&app, ringing, plain())), Error::NotFound(_)));
    world.hang_up(callee);
    assert!(matches!(world.fails(app.instance, bridge(&app, bob, plain())), Error::NotFound(_)));
    world.hang_up(call);
    assert!(matches!(world.fails(app.instance, bridge(&app, bob, plain())), Error::HungUp(_)));
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_bridge_answers_a_caller_who_was_not_answered() {
    let mut world = World::with(with_menu);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "100");
    let app = world.started();
    let dial = world.post(app.instance, Command::Dial { leg: Some(app.leg), options: to(&["102"]) });
    let callee = world.called(bob);
    world.ring(callee);
    world.answer(callee);
    let leg = world.dialled(dial);
    assert_eq!(world.statuses(call), [100, 180], "the plugin answers, not the callee");
    let token = world.post(app.instance, bridge(&app, leg, BridgeOptions::default()));
    assert_eq!(world.statuses(call), [100, 180, 200]);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.error(token);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_bridge_ends_what_plays_on_both_legs() {
    let mut world = World::with(with_menu);
    let (app, call, callee, bob) = with_bob(&mut world);
    let play = |leg| Command::Play { leg, sources: prompt(SECOND * 60), options: interrupted_by("") };
    let on_bob = world.post(app.instance, play(bob));
    let start =
        Command::StartPlay { leg: app.leg, sources: prompt(SECOND * 60), options: interrupted_by("") };
    world.succeeds(app.instance, start);
    let token = world.post(app.instance, bridge(&app, bob, BridgeOptions::default()));
    assert_eq!(world.value(on_bob), Value::Played(jackfield_switch::PlayEnd::Stopped));
    let event = world.event(app.instance);
    assert!(matches!(event, Event::Done { end: OperationEnd::Stopped, .. }), "{event:?}");
    world.assert_talking(call, callee);
    world.hang_up(callee);
    world.value(token);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn an_abandoned_bridge_parts_the_legs() {
    let mut world = World::with(with_menu);
    let (app, call, callee, bob) = with_bob(&mut world);
    let token = world.post(app.instance, bridge(&app, bob, BridgeOptions::default()));
    world.abandon(app.instance, token);
    world.assert_apart(call, callee);
    let again = world.post(app.instance, bridge(&app, bob, BridgeOptions::default()));
    world.assert_talking(call, callee);
    world.returns(app.instance);
    assert!(matches!((world.end(call), world.end(callee)), (Some(End::Bye(_)), Some(End::Bye(_)))));
    assert!(world.reply(again).is_none_or(|reply| reply.is_err()));
    world.assert_over();
}

#[test]
fn early_media_of_a_second_callee_does_not_break_a_bridge() {
    let mut world = World::with(with_menu);
    let carol = world.phone("carol");
    let (app, call, callee, bob) = with_bob(&mut world);
    let start = Command::StartBridge { leg: app.leg, other: bob, options: BridgeOptions::default() };
    world.succeeds(app.instance, start);
    let dial = Command::StartDial { leg: app.leg, options: to(&["carol"]) };
    let Value::Leg(third, _) = world.succeeds(app.instance, dial) else { panic!("no leg") };
    let ringing = world.called(carol);
    world.early(ringing);
    world.assert_talking(call, callee);
    world.answer(ringing);
    assert_eq!(world.event(app.instance), Event::Answered { leg: third });
    world.assert_talking(call, callee);
    // The first call leaves; the other two are free for each other.
    world.hang_up(call);
    assert_eq!((world.end(callee), world.end(ringing)), (None, None));
    let token = world
        .post(app.instance, Command::Bridge { leg: bob, other: third, options: BridgeOptions::default() });
    world.assert_talking(callee, ringing);
    world.hang_up(ringing);
    world.value(token);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn early_media_and_ringing_do_not_cut_a_prompt_of_the_plugin() {
    for early in [true, false] {
        let mut world = World::with(with_menu);
        let bob = world.phone("bob");
        let (app, call) = world.in_the_menu();
        let dial = Command::StartDial { leg: app.leg, options: to(&["bob"]) };
        world.succeeds(app.instance, dial);
        let play = Command::Play { leg: app.leg, sources: prompt(SECOND), options: interrupted_by("") };
        let play = world.post(app.instance, play);
        let ringing = world.called(bob);
        if early {
            world.early(ringing)
        } else {
            world.ring(ringing)
        };
        world.assert_waiting(play);
        world.run_for(SECOND + MS * 40);
        assert_eq!(world.value(play), Value::Played(jackfield_switch::PlayEnd::Finished));
        world.hang_up(call);
        world.returns(app.instance);
        world.assert_over();
    }
}

#[test]
fn legs_that_an_instance_dials_are_on_the_worker_of_its_call() {
    let mut world = World::with_sockets(3, with_menu);
    world.lend(1, 30);
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    // The second worker has most room: the call is there. Then the first one has more.
    let (app, call) = world.in_the_menu();
    world.lend(2, 60);
    let dial = world.post(app.instance, Command::Dial { leg: None, options: to(&["bob"]) });
    let callee = world.called(bob);
    world.answer(callee);
    let leg = world.dialled(dial);
    let token = world.post(app.instance, bridge(&app, leg, BridgeOptions::default()));
    world.assert_waiting(token);
    world.assert_talking(call, callee);
    world.assert_not_called(carol);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}
