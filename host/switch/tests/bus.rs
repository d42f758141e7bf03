//! Messages between instances, and from the operator.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::{Address, Command, Error, Event, Input, Reply, StopReason, Time, Token, Value};

fn to_plugin_of(name: &str) -> Address {
    Address::Plugin(name.to_owned())
}

fn send(to: Address, body: &str) -> Command {
    Command::Send { to, topic: "topic".to_owned(), body: body.as_bytes().to_vec() }
}

fn ask(to: Address, timeout: Time) -> Command {
    Command::Ask { to, topic: "question".to_owned(), body: b"?".to_vec(), timeout }
}

/// The number of the question in the next event.
#[track_caller]
fn question(world: &mut World, instance: Service) -> u64 {
    match world.event(instance) {
        Event::Message { question: Some(question), .. } => question,
        other => panic!("{other:?} is no question"),
    }
}

fn answered(question: u64, answer: Result<&str, &str>) -> Command {
    let answer = answer.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned);
    Command::Answered { question, answer }
}

fn reply(world: &World, token: Token) -> Reply {
    world.reply(token).expect("an answer")
}

#[test]
fn an_app_sends_to_a_service_which_sends_back_to_its_call() {
    let mut world = World::with(with_menu);
    let service = world.service(1, "queue");
    let (app, call) = world.in_the_menu();
    world.succeeds(app.instance, send(to_plugin_of("queue"), "enter"));
    let Event::Message { sender, topic, body, question: None } = world.event(service) else { panic!() };
    assert_eq!((sender.as_str(), topic.as_str(), &body[..]), ("menu", "topic", &b"enter"[..]));
    let next = world.post(app.instance, Command::Next { timeout: None });
    world.succeeds(service, send(Address::Call(app.call.id.clone()), "your turn"));
    let Value::Event(Some(Event::Message { sender, .. })) = world.value(next) else { panic!("no event") };
    assert_eq!(sender, "queue");
    world.hang_up(call);
    world.returns(app.instance);
    for to in [Address::Call(app.call.id.clone()), to_plugin_of("nobody"), to_plugin_of("menu")] {
        assert!(matches!(world.fails(service, send(to, "anybody?")), Error::NotFound(_)));
    }
    world.returns(service);
    world.assert_over();
}

#[test]
fn without_a_service_all_instances_of_a_plugin_hear_it() {
    let mut world = World::with(with_menu);
    let service = world.service(1, "queue");
    let bob = world.phone("bob");
    let (first, call) = world.in_the_menu();
    let other = world.dial(bob, "100");
    let second = world.started();
    world.succeeds(service, send(to_plugin_of("menu"), "all"));
    for app in [&first, &second] {
        assert!(matches!(world.event(app.instance), Event::Message { .. }));
    }
    world.cancel(other);
    world.hang_up(call);
    world.returns(first.instance);
    world.returns(second.instance);
    world.returns(service);
    world.assert_over();
}

#[test]
fn a_question_is_answered_once() {
    let mut world = World::with(with_menu);
    let (service, other) = (world.service(1, "queue"), world.service(2, "other"));
    let (app, call) = world.in_the_menu();
    let token = world.post(app.instance, ask(to_plugin_of("queue"), SECOND * 5));
    let number = question(&mut world, service);
    assert!(matches!(world.fails(other, answered(number, Ok("42"))), Error::NotFound(_)), "not asked");
    world.succeeds(service, answered(number, Ok("42")));
    assert_eq!(reply(&world, token), Ok(Value::Answer(b"42".to_vec())));
    assert!(matches!(world.fails(service, answered(number, Ok("43"))), Error::NotFound(_)));

    let token = world.post(app.instance, ask(to_plugin_of("queue"), SECOND * 5));
    let number = question(&mut world, service);
    world.succeeds(service, answered(number, Err("no")));
    assert_eq!(reply(&world, token), Err(Error::Other("no".to_owned())));
    world.hang_up(call);
    world.returns(app.instance);
    world.returns(service);
    world.returns(other);
    world.assert_over();
}

#[test]
fn a_question_that_nobody_answers_times_out_to_the_millisecond() {
    let mut world = World::with(with_menu);
    let service = world.service(1, "queue");
    let (app, call) = world.in_the_menu();
    let token = world.post(app.instance, ask(to_plugin_of("queue"), SECOND * 5));
    let number = question(&mut world, service);
    world.run_for(SECOND * 5 - MS);
    world.assert_waiting(token);
    world.run_for(MS);
    assert_eq!(reply(&world, token), Err(Error::Timeout));
    assert!(matches!(world.fails(service, answered(number, Ok("late"))), Error::NotFound(_)));
    world.hang_up(call);
    world.returns(app.instance);
    world.returns(service);
    world.assert_over();
}

#[test]
fn a_question_ends_with_the_one_who_was_asked() {
    let mut world = World::with(with_menu);
    let service = world.service(1, "queue");
    let (app, call) = world.in_the_menu();
    let token = world.post(app.instance, ask(to_plugin_of("queue"), SECOND * 5));
    world.returns(service);
    assert!(matches!(reply(&world, token), Err(Error::Unavailable(_))));
    assert!(matches!(world.fails(app.instance, ask(to_plugin_of("queue"), SECOND)), Error::NotFound(_)));
    assert!(
        matches!(world.fails(app.instance, ask(to_plugin_of("menu"), SECOND)), Error::NotFound(_)),
        "only itself"
    );
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn an_abandoned_question_waits_for_nobody() {
    let mut world = World::with(with_menu);
    let service = world.service(1, "queue");
    let (app, call) = world.in_the_menu();
    let token = world.post(app.instance, ask(to_plugin_of("queue"), SECOND * 5));
    let number = question(&mut world, service);
    world.abandon(app.instance, token);
    assert_eq!(world.switch.counts().waiting, 0);
    assert!(matches!(world.fails(service, answered(number, Ok("late"))), Error::NotFound(_)));
    world.hang_up(call);
    world.returns(app.instance);
    world.returns(service);
    world.assert_over();
}

#[test]
fn whoever_does_not_read_is_not_written_to() {
    let mut world = World::new();
    let (service, other) = (world.service_with_room(1, "queue", 3), world.service(2, "other"));
    for n in 0..3 {
        world.succeeds(other, send(to_plugin_of("queue"), &n.to_string()));
    }
    assert!(matches!(world.fails(other, send(to_plugin_of("queue"), "4")), Error::Limit(_)));
    assert!(matches!(world.fails(other, ask(to_plugin_of("queue"), SECOND)), Error::Limit(_)));
    world.event(service);
    world.succeeds(other, send(to_plugin_of("queue"), "4"));
    let huge =
        Command::Send { to: to_plugin_of("queue"), topic: String::new(), body: vec![0; 64 * 1024 + 1] };
    assert!(matches!(world.fails(other, huge), Error::Limit(_)));
    // A word to stop comes through all the same.
    world.input(Input::StopService { instance: service, reason: StopReason::Reload });
    assert_eq!(world.events(service).last(), Some(&Event::Stop(StopReason::Reload)));
    world.returns(service);
    world.returns(other);
    world.assert_over();
}

#[test]
fn the_operator_speaks_to_services_only() {
    let mut world = World::new();
    let service = world.service(1, "campaign");
    let message = |plugin: &str| Input::Message {
        plugin: plugin.to_owned(),
        sender: "operator".to_owned(),
        topic: "start".to_owned(),
        body: b"{}".to_vec(),
    };
    world.input(message("campaign"));
    assert!(matches!(world.event(service), Event::Message { sender, .. } if sender == "operator"));
    world.input(message("menu"));
    assert_eq!(world.warnings().len(), 1);
    world.returns(service);
    world.assert_over();
}

#[test]
fn a_new_version_of_a_service_hears_what_comes_from_now_on() {
    let mut world = World::new();
    let old = world.service(1, "queue");
    let other = world.service(9, "other");
    let new = world.service(2, "queue");
    world.succeeds(other, send(to_plugin_of("queue"), "hello"));
    assert_eq!((world.events(old).len(), world.events(new).len()), (0, 1));
    world.returns(old);
    world.succeeds(other, send(to_plugin_of("queue"), "again"));
    assert_eq!(world.events(new).len(), 1);
    world.returns(new);
    world.returns(other);
    world.assert_over();
}
