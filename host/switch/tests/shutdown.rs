//! The end of the exchange: no new calls, and a reason for all that run.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::{Cause, Command, DialEnd, Error, Event, Input, StopReason, Value};

#[test]
fn running_calls_end_with_a_reason_and_ringing_ones_are_asked_to_come_again() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (call, callee) = world.talking(alice, "102", bob);
    let waits = world.dial(bob, "103");
    let rings = world.called(carol);
    world.ring(rings);
    world.input(Input::Shutdown);
    for line in [call, callee] {
        let Some(End::Bye(Some(reason))) = world.end(line) else { panic!("{:?}", world.end(line)) };
        assert!(reason.starts_with("Q.850;cause=41"), "{reason}");
    }
    assert_eq!(world.end(waits), Some(End::Refused(503)));
    assert!(matches!(world.end(rings), Some(End::Cancelled(_))));
    assert!(world.records.iter().all(|record| record.end.cause == Cause::Shutdown));
    assert_eq!(world.records.len(), 2);

    let new = world.dial(alice, "102");
    assert_eq!(world.end(new), Some(End::Refused(503)));
    assert_eq!(world.last_header(new, "Retry-After").as_deref(), Some("5"));
    assert_eq!(world.register(alice, 3600), 200, "phones may still register");
    world.input(Input::Shutdown);
    world.assert_over();
}

#[test]
fn a_call_of_a_plugin_ends_without_its_fallback_and_the_plugin_gets_its_grace() {
    let mut world = World::with(|settings| {
        settings.routes.push(with_fallback(route("100", to_plugin("menu")), "bob"));
    });
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let play = Command::Play { leg: app.leg, sources: prompt(SECOND * 60), options: interrupted_by("") };
    let play = world.post(app.instance, play);
    world.input(Input::Shutdown);
    let Error::HungUp(info) = world.error(play) else { panic!("not hung up") };
    assert_eq!(info.cause, Cause::Shutdown);
    assert!(matches!(world.end(call), Some(End::Bye(_))));
    let set = Command::SetResult { leg: app.leg, key: "last".to_owned(), value: "word".to_owned() };
    world.succeeds(app.instance, set);
    // Nobody is called any more, also not on behalf of what still runs.
    let dial = Command::Dial { leg: None, options: to(&["bob"]) };
    assert!(matches!(world.fails(app.instance, dial), Error::Unavailable(_)));
    world.assert_not_called(bob);
    world.run_for(SECOND * 5);
    assert_eq!(world.dropped, [app.instance]);
    assert_eq!(world.record().results.len(), 1);
    world.assert_over();
}

#[test]
fn services_are_asked_to_stop_and_launch_nothing_more() {
    let mut world = World::with(|settings| {
        settings.plugins.insert("campaign".to_owned(), launching(5, 5));
    });
    let bob = world.phone("bob");
    let service = world.service(1, "campaign");
    let ringing = world.post(service, Command::Launch(launch("bob")));
    world.value(ringing);
    world.store = Store::Waits;
    let storing = world.post(service, Command::Launch(launch("bob")));
    let dialling = world.post(service, Command::Dial { leg: None, options: to(&["bob"]) });
    world.input(Input::Shutdown);
    assert!(
        matches!(world.value(dialling), Value::Dialled(DialEnd::Failed(info)) if info.cause == Cause::Shutdown)
    );
    assert!(matches!(world.fails(service, Command::Launch(launch("bob"))), Error::Unavailable(_)));
    let dial = Command::Dial { leg: None, options: to(&["bob"]) };
    assert!(matches!(world.fails(service, dial), Error::Unavailable(_)));
    world.store_answers(Store::Commits);
    world.value(storing);
    let events = world.events(service);
    let ends = events
        .iter()
        .filter(|event| matches!(event, Event::LaunchEnded(end) if end.info.cause == Cause::Shutdown));
    assert_eq!(ends.count(), 2, "{events:?}");
    assert!(events.contains(&Event::Stop(StopReason::Shutdown)));
    let late = world.service(2, "other");
    assert_eq!(world.events(late), [Event::Stop(StopReason::Shutdown)]);
    // The phone hears of both calls that they are over.
    for line in world.all_called(bob) {
        world.ring(line);
        assert!(matches!(world.end(line), Some(End::Cancelled(_))));
    }
    world.returns(service);
    world.returns(late);
    world.assert_over();
}

#[test]
fn an_application_whose_call_ended_at_the_shutdown_may_trap() {
    let mut world = World::with(|settings| {
        settings.routes.push(with_fallback(route("100", to_plugin("menu")), "bob"));
    });
    let bob = world.phone("bob");
    let (app, _) = world.in_the_menu();
    world.input(Input::Shutdown);
    world.ends(app.instance, jackfield_switch::InstanceEnd::Trapped("dropped".to_owned()));
    world.assert_not_called(bob);
    world.assert_over();
}
