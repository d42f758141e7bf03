//! Legs that an instance calls: blocking, started, and without a caller.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_media::LegId;
use jackfield_switch::{
    BridgeOptions, Cause, Command, DialEnd, DialOptions, Error, Event, HangupInfo, Token, Value,
};

fn dial(world: &mut World, app: &App, options: DialOptions) -> Token {
    world.post(app.instance, Command::Dial { leg: Some(app.leg), options })
}

#[track_caller]
fn start_dial(world: &mut World, app: &App, targets: &[&str]) -> LegId {
    let command = Command::StartDial { leg: app.leg, options: to(targets) };
    match world.succeeds(app.instance, command) {
        Value::Leg(leg, _) => leg,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn assert_failed(world: &World, token: Token, cause: Cause) {
    match world.value(token) {
        Value::Dialled(DialEnd::Failed(info)) => assert_eq!(info.cause, cause),
        other => panic!("{other:?}"),
    }
}

fn finish(mut world: World, app: &App, call: Line) {
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn the_caller_hears_ringing_while_the_plugin_dials() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let token = dial(&mut world, &app, to(&["102"]));
    let callee = world.called(bob);
    world.run_for(SECOND);
    assert_eq!(world.heard(call), [], "nobody rings yet");
    world.ring(callee);
    world.run_for(SECOND);
    assert!(world.heard(call).len() > 40);
    world.answer(callee);
    world.dialled(token);
    world.run_for(MS * 20);
    world.heard(call);
    world.run_for(SECOND);
    assert_eq!(world.heard(call), [], "and not after the answer");
    finish(world, &app, call);
}

#[test]
fn the_caller_hears_the_ringing_that_the_plugin_chose() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let ringback = jackfield_media::Source::Dtmf("5".into());
    let token = dial(&mut world, &app, DialOptions { ringback: Some(vec![ringback]), ..to(&["bob"]) });
    let callee = world.called(bob);
    world.run_for(SECOND);
    assert!(world.heard(call).len() > 40, "from the first moment");
    world.early(callee);
    world.heard(call);
    world.speak(callee, 0x55);
    assert_eq!(world.heard(call), [], "and nothing of the far end");
    world.refuse(callee, 486);
    assert_failed(&world, token, Cause::Busy);
    world.run_for(MS * 20);
    world.heard(call);
    world.run_for(SECOND);
    assert_eq!(world.heard(call), []);
    finish(world, &app, call);
}

#[test]
fn early_media_of_a_callee_is_heard_until_he_answers() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let token = dial(&mut world, &app, to(&["bob"]));
    let callee = world.called(bob);
    world.early(callee);
    world.assert_talking(call, callee);
    world.answer_with(callee, None);
    let leg = world.dialled(token);
    world.assert_apart(call, callee);
    let bridge = Command::Bridge { leg: app.leg, other: leg, options: BridgeOptions::default() };
    let bridge = world.post(app.instance, bridge);
    world.assert_talking(call, callee);
    world.hang_up(callee);
    world.value(bridge);
    finish(world, &app, call);
}

#[test]
fn a_dial_fails_with_what_the_callee_said() {
    for (said, cause) in
        [(486, Cause::Busy), (603, Cause::Rejected), (404, Cause::NotFound), (480, Cause::Unavailable)]
    {
        let mut world = World::with(with_menu);
        let bob = world.phone("bob");
        let (app, call) = world.in_the_menu();
        let token = dial(&mut world, &app, to(&["bob"]));
        let callee = world.called(bob);
        world.refuse(callee, said);
        let info = HangupInfo { cause, code: said, by_peer: true };
        assert_eq!(world.value(token), Value::Dialled(DialEnd::Failed(info)));
        assert_eq!(world.events(app.instance), [], "the verb has told");
        assert!(world.is_up(call));
        finish(world, &app, call);
    }
}

#[test]
fn a_dial_rings_as_long_as_the_plugin_says() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let token = dial(&mut world, &app, DialOptions { timeout: MS * 7500, ..to(&["bob"]) });
    let callee = world.called(bob);
    world.ring(callee);
    world.run_for(MS * 7499);
    world.assert_waiting(token);
    world.run_for(MS);
    assert_failed(&world, token, Cause::NoAnswer);
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    finish(world, &app, call);
}

#[test]
fn whom_nobody_knows_is_not_found_and_who_is_away_is_unavailable() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    for (target, cause) in [
        ("nobody", Cause::NotFound),
        ("199", Cause::NotFound),
        ("bob", Cause::Unavailable),
        ("102", Cause::Unavailable),
        ("100", Cause::NotFound),
    ] {
        let token = dial(&mut world, &app, to(&[target]));
        assert_failed(&world, token, cause);
    }
    for target in ["sip:", "sip:x@", "sip:x@h;transport=sctp"] {
        let token = dial(&mut world, &app, to(&[target]));
        assert!(matches!(world.error(token), Error::Invalid(_)), "{target}");
    }
    for targets in [vec![], vec!["bob"; 33]] {
        let token = dial(&mut world, &app, to(&targets));
        assert!(matches!(world.error(token), Error::Invalid(_)));
    }
    finish(world, &app, call);
}

#[test]
fn several_targets_ring_together_and_the_first_answer_wins() {
    let mut world = World::with(with_menu);
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let provider = world.stranger("provider", PROVIDER);
    let (app, call) = world.in_the_menu();
    let token = dial(&mut world, &app, to(&["bob", "102", "103", "sip:1@198.51.100.1"]));
    let lines = [bob, carol, provider].map(|phone| world.called(phone));
    lines.iter().for_each(|line| world.ring(*line));
    world.answer(lines[2]);
    let Value::Dialled(DialEnd::Answered(_, info)) = world.value(token) else { panic!("not answered") };
    assert_eq!(info.callee, "sip:1@198.51.100.1");
    assert!(matches!(
        (world.end(lines[0]), world.end(lines[1])),
        (Some(End::Cancelled(_)), Some(End::Cancelled(_)))
    ));
    finish(world, &app, call);
}

#[test]
fn the_callee_sees_whom_the_plugin_shows_and_harmless_headers() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = DialOptions {
        caller: Some("9000".to_owned()),
        caller_name: Some("L'accueil \"<sip:evil>\r\nEvil: 1".to_owned()),
        headers: vec![header("X-Queue", "sales"), header("Alert-Info", "<urn:alert:x>")],
        ..to(&["bob"])
    };
    dial(&mut world, &app, options);
    let callee = world.called(bob);
    let from = world.invited_with(callee, "From").unwrap();
    assert!(from.starts_with("\"L'accueil <sip:evil>Evil: 1\" <sip:9000@192.0.2.1>"), "{from}");
    assert_eq!(world.invited_with(callee, "X-Queue").as_deref(), Some("sales"));
    assert_eq!(world.invited_with(callee, "Evil"), None);
    world.refuse(callee, 486);

    let by_default = dial(&mut world, &app, to(&["bob"]));
    let callee = world.called(bob);
    let from = world.invited_with(callee, "From").unwrap();
    assert!(from.starts_with("\"Alice\" <sip:101@"), "{from}");
    world.refuse(callee, 486);
    world.value(by_default);

    for (name, value) in
        [("Via", "x"), ("Contact", "x"), ("Route", "x"), ("From", "x"), ("Content-Length", "5")]
    {
        let token =
            dial(&mut world, &app, DialOptions { headers: vec![header(name, value)], ..to(&["bob"]) });
        assert!(matches!(world.error(token), Error::Denied(_)), "{name}");
    }
    for (name, value) in [("", "x"), ("X Y", "x"), ("X:Y", "x")] {
        let token =
            dial(&mut world, &app, DialOptions { headers: vec![header(name, value)], ..to(&["bob"]) });
        assert!(matches!(world.error(token), Error::Invalid(_)), "{name}");
    }
    let breaks = header("X-A", "1\r\nEvil: 1");
    dial(&mut world, &app, DialOptions { headers: vec![breaks], ..to(&["bob"]) });
    let callee = world.called(bob);
    assert_eq!(world.invited_with(callee, "Evil"), None, "no header in a header");
    world.refuse(callee, 486);
    finish(world, &app, call);
}

#[test]
fn a_caller_who_hangs_up_stops_the_dial() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let token = dial(&mut world, &app, to(&["bob"]));
    let callee = world.called(bob);
    world.ring(callee);
    world.hang_up(call);
    assert!(matches!(world.error(token), Error::HungUp(_)));
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    let events = world.events(app.instance);
    assert!(matches!(events[..], [Event::HungUp { leg, .. }] if leg == app.leg), "{events:?}");
    world.returns(app.instance);
    world.assert_over();
}

// ---- started dials

#[test]
fn a_started_leg_is_there_at_once_and_events_tell_the_rest() {
    let mut world = World::with(with_menu);
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let (app, call) = world.in_the_menu();
    let first = start_dial(&mut world, &app, &["bob"]);
    let second = start_dial(&mut world, &app, &["carol"]);
    let (of_bob, of_carol) = (world.called(bob), world.called(carol));
    world.ring(of_bob);
    world.refuse(of_carol, 486);
    let info = HangupInfo { cause: Cause::Busy, code: 486, by_peer: true };
    assert_eq!(world.event(app.instance), Event::HungUp { leg: second, info });
    world.answer(of_bob);
    assert_eq!(world.event(app.instance), Event::Answered { leg: first });
    // Its own verbs from now on.
    let play = Command::Play { leg: first, sources: prompt(MS * 100), options: interrupted_by("") };
    let play = world.post(app.instance, play);
    world.run_for(MS * 200);
    world.value(play);
    world.hang_up(of_bob);
    assert!(matches!(world.event(app.instance), Event::HungUp { leg, .. } if leg == first));
    finish(world, &app, call);
}

#[test]
fn a_started_leg_that_rings_can_be_given_up_and_not_used() {
    let mut world = World::with(with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let leg = start_dial(&mut world, &app, &["bob"]);
    let callee = world.called(bob);
    world.ring(callee);
    for command in [
        Command::Answer { leg },
        Command::Play { leg, sources: prompt(SECOND), options: interrupted_by("") },
        Command::Gather { leg, sources: vec![], options: gathering(1, 1, "") },
        Command::SendDigits { leg, digits: "1".into() },
        Command::Record { leg, options: recording("x") },
        Command::Reject { leg, code: 486 },
    ] {
        let error = world.fails(app.instance, command.clone());
        assert!(matches!(error, Error::Invalid(_)), "{command:?}: {error:?}");
    }
    world.succeeds(app.instance, Command::Hangup { leg, reason: String::new() });
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    finish(world, &app, call);
}

#[test]
fn a_dial_for_a_leg_that_still_rings_is_answered_once_and_leaves_the_leg_free() {
    let mut world = World::with(with_menu);
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let (app, call) = world.in_the_menu();
    let ringing = start_dial(&mut world, &app, &["bob"]);
    let of_bob = world.called(bob);
    world.ring(of_bob);
    for answers in [false, true] {
        let token = world.post(app.instance, Command::Dial { leg: Some(ringing), options: to(&["carol"]) });
        let of_carol = world.called(carol);
        if answers {
            world.answer(of_carol)
        } else {
            world.refuse(of_carol, 486)
        };
        world.value(token);
    }
    world.answer(of_bob);
    let play = Command::Play { leg: ringing, sources: prompt(MS * 100), options: interrupted_by("") };
    let play = world.post(app.instance, play);
    world.run_for(MS * 200);
    world.value(play);
    finish(world, &app, call);
}

#[test]
fn a_started_leg_outlives_its_caller() {
    let mut world = World::with(with_menu);
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let (app, call) = world.in_the_menu();
    let (first, second) = (start_dial(&mut world, &app, &["bob"]), start_dial(&mut world, &app, &["carol"]));
    let (of_bob, of_carol) = (world.called(bob), world.called(carol));
    world.answer(of_bob);
    world.ring(of_carol);
    world.hang_up(call);
    assert_eq!(world.end(of_carol), None);
    world.answer(of_carol);
    assert!(world.events(app.instance).contains(&Event::Answered { leg: second }));
    let bridge = Command::Bridge { leg: first, other: second, options: BridgeOptions::default() };
    let bridge = world.post(app.instance, bridge);
    // The time to finish counts from the end of its last leg.
    for _ in 0..20 {
        world.talk(of_bob, 50);
        world.speak(of_carol, 0x55);
    }
    world.assert_talking(of_bob, of_carol);
    world.hang_up(of_bob);
    world.error(bridge);
    world.hang_up(of_carol);
    world.run_for(SECOND * 5 - MS);
    assert_eq!(world.dropped, []);
    world.run_for(MS);
    assert_eq!(world.dropped, [app.instance]);
    world.assert_over();
}

#[test]
fn an_instance_may_call_its_caller_back() {
    let mut world = World::with(with_menu);
    let alice = world.phone("alice");
    let call = world.dial(alice, "100");
    let app = world.started();
    world.succeeds(app.instance, Command::Reject { leg: app.leg, code: 480 });
    assert_eq!(world.end(call), Some(End::Refused(480)));
    world.run_for(SECOND * 4);
    let dial = world.post(app.instance, Command::Dial { leg: None, options: to(&["alice"]) });
    world.run_for(SECOND * 4);
    let back = world.called(alice);
    world.answer(back);
    let leg = world.dialled(dial);
    let play = Command::Play { leg, sources: prompt(SECOND * 20), options: interrupted_by("") };
    let play = world.post(app.instance, play);
    world.run_for(SECOND * 21);
    world.value(play);
    assert_eq!(world.dropped, []);
    world.returns(app.instance);
    assert!(matches!(world.end(back), Some(End::Bye(_))));
    world.assert_over();
}

#[test]
fn an_instance_has_a_limited_number_of_legs() {
    let mut world = World::with(|settings| {
        with_menu(settings);
        settings.max_contacts = 100;
    });
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    for _ in 0..31 {
        start_dial(&mut world, &app, &["bob"]);
    }
    let command = Command::StartDial { leg: app.leg, options: to(&["bob"]) };
    assert!(matches!(world.fails(app.instance, command), Error::Limit(_)));
    let ringing = world.all_called(bob);
    assert_eq!(ringing.len(), 31);
    ringing.iter().for_each(|line| world.refuse(*line, 486));
    finish(world, &app, call);
}

// ---- without a caller

#[test]
fn a_service_calls_out_and_its_call_ends_with_its_last_leg() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let service = world.service(1, "alarm");
    let first = world.post(service, Command::Dial { leg: None, options: to(&["bob"]) });
    let second = world.post(service, Command::Dial { leg: None, options: to(&["alice"]) });
    let (of_bob, of_alice) = (world.called(bob), world.called(alice));
    world.answer(of_bob);
    world.answer(of_alice);
    let (leg, other) = (world.dialled(first), world.dialled(second));
    assert_eq!(world.switch.calls().len(), 2);
    let bridge = world.post(service, Command::Bridge { leg, other, options: BridgeOptions::default() });
    world.assert_talking(of_bob, of_alice);
    world.hang_up(of_alice);
    world.value(bridge);
    assert_eq!(world.record().end.cause, Cause::Normal);
    world.succeeds(service, Command::Hangup { leg, reason: String::new() });
    assert!(matches!(world.end(of_bob), Some(End::Bye(_))));
    assert_eq!(world.record().connected.as_deref(), Some("alice"));
    world.returns(service);
    world.assert_over();
}

#[test]
fn a_service_that_may_have_no_further_leg_leaves_no_call_behind() {
    let mut world = World::new();
    let bob = world.phone("bob");
    let service = world.service(1, "alarm");
    for _ in 0..32 {
        world.post(service, Command::Dial { leg: None, options: to(&["bob"]) });
    }
    let error = world.fails(service, Command::Dial { leg: None, options: to(&["bob"]) });
    assert!(matches!(error, Error::Limit(_)));
    assert_eq!(world.switch.calls().len(), 32);
    world.all_called(bob).into_iter().for_each(|line| world.refuse(line, 486));
    let error = world.does(service, Command::Dial { leg: None, options: to(&["nobody"]) });
    assert!(matches!(error, Ok(Value::Dialled(DialEnd::Failed(_)))));
    world.returns(service);
    world.assert_over();
}

#[test]
fn a_service_that_ends_takes_its_legs_with_it() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let service = world.service(1, "alarm");
    world.post(service, Command::Dial { leg: None, options: to(&["bob"]) });
    world.post(service, Command::Dial { leg: None, options: to(&["alice"]) });
    let (of_bob, of_alice) = (world.called(bob), world.called(alice));
    world.answer(of_bob);
    world.ring(of_alice);
    world.returns(service);
    assert!(matches!((world.end(of_bob), world.end(of_alice)), (Some(End::Bye(_)), Some(End::Cancelled(_)))));
    world.assert_over();
}
