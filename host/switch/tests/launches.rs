//! Calls that a service launches: written down first, at the pace that is allowed, with their results.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::{
    Cause, Command, Direction, Error, Event, Input, InstanceEnd, LaunchEnd, LaunchOptions, Settings, Value,
    Write,
};

fn campaign(at_once: u32, per_second: u32) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.plugins.insert("campaign".to_owned(), launching(at_once, per_second));
    }
}

/// The number of a launch that the limits allow.
#[track_caller]
fn launches(world: &mut World, service: Service, options: LaunchOptions) -> u64 {
    match world.succeeds(service, Command::Launch(options)) {
        Value::Number(launch) => launch,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ended(world: &mut World, service: Service) -> LaunchEnd {
    match world.event(service) {
        Event::LaunchEnded(end) => end,
        other => panic!("{other:?} is no end of a launch"),
    }
}

fn attempts(world: &World) -> (usize, usize) {
    let started = world.writes.iter().filter(|write| matches!(write, Write::AttemptStarted { .. }));
    let ended = world.writes.iter().filter(|write| matches!(write, Write::AttemptEnded { .. }));
    (started.count(), ended.count())
}

#[test]
fn an_answered_launch_is_the_call_of_its_application() {
    let mut world = World::with(campaign(2, 10));
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    let launch = launches(&mut world, service, launch("102"));
    let callee = world.called(bob);
    let from = world.invited_with(callee, "From").unwrap();
    assert!(from.starts_with("\"Prospection\" <sip:9000@192.0.2.1>"), "{from}");
    world.ring(callee);
    world.run_for(SECOND * 5);
    world.assert_none_started();
    world.answer(callee);
    let app = world.started();
    assert_eq!((app.plugin.as_str(), app.call.direction), ("message", Direction::Outbound));
    assert_eq!(app.call.args, [("name".to_owned(), "Durand".to_owned())]);
    assert_eq!((app.call.callee.as_str(), app.call.caller.as_str()), ("bob", "9000"));
    let play = Command::Play { leg: app.leg, sources: prompt(SECOND), options: interrupted_by("") };
    let play = world.post(app.instance, play);
    world.run_for(SECOND * 2);
    world.value(play);
    let set = Command::SetResult { leg: app.leg, key: "choice".to_owned(), value: "1".to_owned() };
    world.succeeds(app.instance, set);
    world.returns(app.instance);
    assert!(matches!(world.end(callee), Some(End::Bye(_))));

    let end = ended(&mut world, service);
    assert_eq!((end.launch, end.contact, end.info.cause), (launch, Some(7), Cause::Normal));
    assert_eq!(end.answered_at, Some(1_700_000_006_000));
    assert_eq!(end.results, [("choice".to_owned(), "1".to_owned())]);
    let record = world.record();
    assert_eq!(
        (record.direction, record.caller.as_str(), record.callee.as_str()),
        (Direction::Outbound, "9000", "102")
    );
    assert_eq!(record.connected.as_deref(), Some("plugin:message"));
    let Some(Write::AttemptEnded { launch: of, contact: Some(7), ended_at, results, .. }) =
        world.writes.last()
    else {
        panic!("{:?}", world.writes.last());
    };
    assert_eq!((*of, *ended_at, results.len()), (launch, 1_700_000_008_000, 1));
    world.returns(service);
    world.assert_over();
}

#[test]
fn an_attempt_is_written_down_before_its_invite_leaves() {
    let mut world = World::with(campaign(2, 10));
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    world.store = Store::Waits;
    let token = world.post(service, Command::Launch(launch("102")));
    world.assert_waiting(token);
    world.assert_not_called(bob);
    let Some(Write::AttemptStarted { plugin, contact, target, at, .. }) = world.writes.last() else {
        panic!("not written");
    };
    assert_eq!(
        (plugin.as_str(), *contact, target.as_str(), *at),
        ("campaign", Some(7), "102", 1_700_000_001_000)
    );
    assert_eq!(world.succeeds(service, Command::Slots), Value::Slots(1, 1));
    world.store_answers(Store::Commits);
    world.value(token);
    let callee = world.called(bob);
    world.refuse(callee, 486);
    assert_eq!(ended(&mut world, service).info.cause, Cause::Busy);
    assert_eq!(attempts(&world), (1, 1));
    world.returns(service);
    world.assert_over();
}

#[test]
fn an_attempt_that_cannot_be_written_down_is_not_made() {
    let mut world = World::with(campaign(1, 10));
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    world.store = Store::Refuses;
    let error = world.fails(service, Command::Launch(launch("102")));
    assert_eq!(error, Error::Unavailable("the attempt is not stored: the disk is full".to_owned()));
    world.assert_not_called(bob);
    assert_eq!(world.events(service), []);
    assert_eq!(world.succeeds(service, Command::Slots), Value::Slots(0, 1), "its place is free again");
    world.returns(service);
    world.assert_over();
}

#[test]
fn who_may_not_launch_is_denied() {
    let mut world = World::new();
    let service = world.service(1, "campaign");
    assert!(matches!(world.fails(service, Command::Launch(launch("102"))), Error::Denied(_)));
    assert!(matches!(world.fails(service, Command::Slots), Error::Denied(_)));
    world.returns(service);
    world.assert_over();
}

#[test]
fn no_more_calls_at_once_than_allowed_and_the_service_is_told_when_there_is_room() {
    let mut world = World::with(campaign(2, 10));
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let service = world.service(1, "campaign");
    launches(&mut world, service, launch("bob"));
    launches(&mut world, service, launch("carol"));
    assert!(matches!(world.fails(service, Command::Launch(launch("bob"))), Error::Limit(_)));
    assert_eq!(world.succeeds(service, Command::Slots), Value::Slots(2, 0));
    world.run_for(SECOND * 5);
    assert_eq!(world.events(service), []);
    let (of_bob, of_carol) = (world.called(bob), world.called(carol));
    world.refuse(of_bob, 486);
    assert!(matches!(world.events(service)[..], [Event::LaunchEnded(_), Event::LaunchReady]));
    launches(&mut world, service, launch("bob"));
    let again = world.called(bob);
    world.refuse(again, 486);
    world.refuse(of_carol, 486);
    assert_eq!(world.events(service).len(), 2, "nobody was refused, nobody is told");
    world.returns(service);
    world.assert_over();
}

#[test]
fn what_services_launch_and_dial_counts_among_the_calls_of_the_exchange() {
    let mut world = World::with(|settings| {
        campaign(50, 50)(settings);
        settings.max_calls = 2;
    });
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let service = world.service(1, "campaign");
    let (call, _) = world.talking(alice, "102", bob);
    // The other call is promised to a launch before it has begun.
    world.store = Store::Waits;
    let promised = world.post(service, Command::Launch(launch("carol")));
    assert_eq!(world.succeeds(service, Command::Slots), Value::Slots(1, 0));
    let full = Error::Limit("the exchange has 2 calls: [exchange] calls".to_owned());
    let dial = || Command::Dial { leg: None, options: to(&["carol"]) };
    assert_eq!(world.fails(service, Command::Launch(launch("carol"))), full);
    assert_eq!(world.fails(service, dial()), full);
    let refused = world.dial(bob, "103");
    assert_eq!(world.end(refused), Some(End::Refused(503)));
    world.store_answers(Store::Commits);
    world.value(promised);
    let callee = world.called(carol);
    assert_eq!(world.fails(service, dial()), full);

    world.hang_up(call);
    assert_eq!(world.events(service), [Event::LaunchReady]);
    let dialling = world.post(service, dial());
    assert_eq!(world.fails(service, Command::Launch(launch("bob"))), full);
    let dialled = world.called(carol);
    world.refuse(dialled, 486);
    assert!(matches!(world.value(dialling), Value::Dialled(_)));
    assert_eq!(world.events(service), [Event::LaunchReady]);
    world.refuse(callee, 486);
    assert_eq!(ended(&mut world, service).info.cause, Cause::Busy);
    world.returns(service);
    world.assert_over();
}

#[test]
fn no_more_calls_in_any_second_than_allowed() {
    let mut world = World::with(|settings| {
        campaign(50, 2)(settings);
        settings.max_contacts = 50;
    });
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    let mut times = Vec::new();
    for _ in 0..7 {
        loop {
            match world.does(service, Command::Launch(launch("bob"))) {
                Ok(_) => break,
                Err(error) => assert!(matches!(error, Error::Limit(_))),
            }
            let ready = world.post(service, Command::Next { timeout: None });
            while world.reply(ready).is_none() {
                world.run_for(MS);
            }
            assert_eq!(world.value(ready), Value::Event(Some(Event::LaunchReady)));
        }
        times.push(world.now);
        world.run_for(MS * 100);
    }
    for window in times.windows(3) {
        assert!(window[2] - window[0] >= SECOND, "{times:?}");
    }
    assert_eq!(times[6] - times[0], SECOND * 3, "and not slower");
    world.all_called(bob).into_iter().for_each(|line| world.refuse(line, 486));
    world.returns(service);
    world.assert_over();
}

#[test]
fn attempts_that_the_store_held_back_do_not_leave_in_a_bunch() {
    let mut world = World::with(|settings| {
        campaign(50, 2)(settings);
        settings.max_contacts = 50;
    });
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    world.store = Store::Waits;
    for _ in 0..2 {
        world.post(service, Command::Launch(launch("bob")));
        world.post(service, Command::Launch(launch("bob")));
        world.run_for(SECOND);
    }
    world.store_answers(Store::Commits);
    let lines = world.all_called(bob);
    assert_eq!(lines.len(), 2);
    world.run_for(SECOND - MS);
    world.assert_not_called(bob);
    world.run_for(MS);
    let late = world.all_called(bob);
    assert_eq!(late.len(), 2);
    lines.into_iter().chain(late).for_each(|line| world.refuse(line, 486));
    world.returns(service);
    world.assert_over();
}

#[test]
fn a_launch_that_nobody_answers_ends_after_its_time() {
    let mut world = World::with(campaign(1, 10));
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    launches(&mut world, service, launch("bob"));
    let callee = world.called(bob);
    world.ring(callee);
    world.run_for(SECOND * 30 - MS);
    assert_eq!(world.end(callee), None);
    world.run_for(MS);
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    let end = ended(&mut world, service);
    assert_eq!((end.info.cause, end.answered_at), (Cause::NoAnswer, None));
    world.assert_none_started();
    world.returns(service);
    world.assert_over();
}

#[test]
fn a_launch_to_nobody_ends_at_once_but_is_written_down() {
    let mut world = World::with(campaign(5, 10));
    let service = world.service(1, "campaign");
    for (target, cause) in [("199", Cause::NotFound), ("bob", Cause::Unavailable), ("sip:@", Cause::NotFound)]
    {
        launches(&mut world, service, launch(target));
        assert_eq!(ended(&mut world, service).info.cause, cause, "{target}");
        assert_eq!(world.record().end.cause, cause);
    }
    assert_eq!(attempts(&world), (3, 3));
    world.returns(service);
    world.assert_over();
}

#[test]
fn a_launch_can_be_cancelled_in_each_of_its_states() {
    let mut world = World::with(|settings| {
        campaign(50, 1)(settings);
        settings.max_contacts = 50;
    });
    let bob = world.phone("bob");
    let (service, other) = (world.service(1, "campaign"), world.service(2, "other"));
    // While it rings.
    let first = launches(&mut world, service, launch("bob"));
    let callee = world.called(bob);
    world.ring(callee);
    assert!(
        matches!(world.fails(other, Command::CancelLaunch { launch: first }), Error::NotFound(_)),
        "not its own"
    );
    world.succeeds(service, Command::CancelLaunch { launch: first });
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    assert_eq!(ended(&mut world, service).info.cause, Cause::Cancelled);
    assert!(matches!(world.fails(service, Command::CancelLaunch { launch: first }), Error::NotFound(_)));
    world.run_for(SECOND);

    // While it is being written: the guest does not wait any more.
    world.store = Store::Waits;
    let token = world.post(service, Command::Launch(launch("bob")));
    world.abandon_quietly(service, token);
    assert_eq!(world.events(service), []);
    world.store_answers(Store::Commits);
    assert_eq!(ended(&mut world, service).info.cause, Cause::Cancelled);
    world.assert_not_called(bob);
    world.run_for(SECOND);

    // While it waits for its turn.
    world.store = Store::Waits;
    let tokens = [0, 1].map(|_| {
        let token = world.post(service, Command::Launch(launch("bob")));
        world.run_for(SECOND);
        token
    });
    world.store_answers(Store::Commits);
    let Value::Number(second) = world.value(tokens[1]) else { panic!("no number") };
    let callee = world.called(bob);
    world.succeeds(service, Command::CancelLaunch { launch: second });
    assert_eq!(ended(&mut world, service).launch, second);
    world.run_for(SECOND * 2);
    world.assert_not_called(bob);

    // And while it talks.
    world.answer(callee);
    let app = world.started();
    let Value::Number(first) = world.value(tokens[0]) else { panic!("no number") };
    world.succeeds(service, Command::CancelLaunch { launch: first });
    assert!(matches!(world.end(callee), Some(End::Bye(_))));
    assert_eq!(world.events(service), [], "the application may still set results");
    let set = Command::SetResult { leg: app.leg, key: "a".to_owned(), value: "b".to_owned() };
    world.succeeds(app.instance, set);
    world.returns(app.instance);
    assert_eq!(ended(&mut world, service).results.len(), 1);
    let (started, ended) = attempts(&world);
    assert_eq!((started, ended), (4, 4));
    world.returns(service);
    world.returns(other);
    world.assert_over();
}

#[test]
fn a_launch_goes_on_without_its_service_and_the_next_one_hears_its_end() {
    let mut world = World::with(campaign(5, 10));
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    let launch = launches(&mut world, service, launch("bob"));
    world.returns(service);
    let callee = world.called(bob);
    world.answer(callee);
    let app = world.started();
    world.hang_up(callee);
    world.returns(app.instance);
    let next = world.service(2, "campaign");
    let end = ended(&mut world, next);
    assert_eq!((end.launch, end.info.by_peer), (launch, true));
    assert_eq!(world.events(next), []);
    world.returns(next);
    world.assert_over();
}

#[test]
fn more_ends_than_a_new_service_can_queue_are_not_lost() {
    let mut world = World::with(campaign(500, 500));
    let service = world.service_with_room(1, "campaign", 4);
    for _ in 0..10 {
        launches(&mut world, service, launch("nobody"));
        world.events(service);
    }
    world.store = Store::Waits;
    for _ in 0..10 {
        world.post(service, Command::Launch(launch("nobody")));
    }
    world.returns(service);
    world.store_answers(Store::Commits);
    let next = world.service_with_room(2, "campaign", 4);
    let ends = world.events(next);
    assert_eq!(ends.len(), 10, "each launch is told of");
    world.returns(next);
    world.assert_over();
}

#[test]
fn an_application_that_does_not_start_or_traps_ends_the_launch() {
    for end in
        [InstanceEnd::NotStarted("no such plugin".to_owned()), InstanceEnd::Trapped("unreachable".to_owned())]
    {
        let mut world = World::with(campaign(5, 10));
        let bob = world.phone("bob");
        let service = world.service(1, "campaign");
        launches(&mut world, service, launch("bob"));
        let callee = world.called(bob);
        world.answer(callee);
        let app = world.started();
        world.ends(app.instance, end);
        assert!(matches!(world.end(callee), Some(End::Bye(_))));
        assert_eq!(ended(&mut world, service).info.cause, Cause::Unavailable);
        world.returns(service);
        world.assert_over();
    }
}

#[test]
fn the_called_one_is_connected_by_the_application_to_somebody_else() {
    let mut world = World::with(campaign(5, 10));
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let service = world.service(1, "campaign");
    launches(&mut world, service, launch("bob"));
    let callee = world.called(bob);
    world.answer(callee);
    let app = world.started();
    let dial = world.post(app.instance, Command::Dial { leg: Some(app.leg), options: to(&["carol"]) });
    let agent = world.called(carol);
    world.answer(agent);
    let other = world.dialled(dial);
    let bridge = Command::Bridge { leg: app.leg, other, options: Default::default() };
    world.post(app.instance, bridge);
    world.assert_talking(callee, agent);
    world.hang_up(callee);
    world.returns(app.instance);
    assert!(matches!(world.end(agent), Some(End::Bye(_))));
    assert_eq!(world.record().connected.as_deref(), Some("carol"));
    assert!(ended(&mut world, service).info.by_peer);
    world.returns(service);
    world.assert_over();
}

#[test]
fn new_limits_count_at_once_and_taken_away_ones_stop_new_launches_only() {
    let mut world = World::with(campaign(1, 10));
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    launches(&mut world, service, launch("bob"));
    world.fails(service, Command::Launch(launch("bob")));
    world.reload(campaign(2, 10));
    assert_eq!(world.events(service), [Event::LaunchReady]);
    world.store = Store::Waits;
    let token = world.post(service, Command::Launch(launch("bob")));
    world.reload(|settings| settings.plugins.get_mut("campaign").unwrap().launch = None);
    assert!(matches!(world.fails(service, Command::Launch(launch("bob"))), Error::Denied(_)));
    world.store_answers(Store::Commits);
    world.value(token);
    // What is written down is still called, at the slowest pace.
    world.run_for(SECOND);
    let lines = world.all_called(bob);
    assert_eq!(lines.len(), 2);
    lines.into_iter().for_each(|line| world.refuse(line, 486));
    assert_eq!(world.events(service).len(), 2);
    world.returns(service);
    world.assert_over();
}

#[test]
fn every_instance_that_was_refused_is_told_when_there_is_room() {
    let mut world = World::with(|settings| {
        with_menu(settings);
        settings.plugins.insert("menu".to_owned(), launching(1, 10));
    });
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let (first, call) = world.in_the_menu();
    let other = world.dial(carol, "100");
    let second = world.started();
    let Value::Number(_) = world.succeeds(first.instance, Command::Launch(launch("bob"))) else { panic!() };
    for app in [&first, &second] {
        world.fails(app.instance, Command::Launch(launch("bob")));
    }
    let callee = world.called(bob);
    world.refuse(callee, 486);
    for app in [&first, &second] {
        assert!(world.events(app.instance).contains(&Event::LaunchReady), "{app:?}");
    }
    world.hang_up(call);
    world.cancel(other);
    world.returns(first.instance);
    world.returns(second.instance);
    world.assert_over();
}

#[test]
fn the_operator_may_end_the_call_of_a_launch() {
    let mut world = World::with(campaign(1, 10));
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    launches(&mut world, service, launch("bob"));
    let callee = world.called(bob);
    world.ring(callee);
    let id = world.switch.calls()[0].id.clone();
    world.input(Input::HangUp { call: id });
    assert!(matches!(world.end(callee), Some(End::Cancelled(_))));
    ended(&mut world, service);
    world.returns(service);
    world.assert_over();
}
