//! Legs of two media workers that come to hear each other: one of them moves, and its party notices nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_media::LegId;
use jackfield_switch::{BridgeOptions, Command, Event, OperationEnd, RouteTo, Value, Write};

/// Two workers with so many sockets each.
fn two_workers(sockets: u32, change: impl FnOnce(&mut jackfield_switch::Settings)) -> World {
    let mut world = World::with_sockets(sockets, change);
    world.lend(1, sockets);
    world
}

/// Alice talks with Bob on one worker, and Bob with Carol on the other one.
fn consulting(world: &mut World, [alices, bobs, carols]: [Phone; 3]) -> [Line; 4] {
    let (alice, bob) = world.talking(alices, "102", bobs);
    assert_eq!(world.hold(bob, "sendonly"), 200);
    let (second, carol) = world.talking(bobs, "103", carols);
    [alice, bob, second, carol]
}

/// Alice is in the menu, which has dialled Bob, whose leg is on the other worker.
fn apart() -> (World, App, Line, Line, LegId) {
    let mut world = two_workers(1, with_menu);
    let bob = world.phone("bob");
    let (app, call) = world.in_the_menu();
    let dial = world.post(app.instance, Command::Dial { leg: Some(app.leg), options: to(&["bob"]) });
    let callee = world.called(bob);
    world.answer(callee);
    let leg = world.dialled(dial);
    assert_eq!(world.moves, [], "until it is bridged, each leg stays where it is");
    (world, app, call, callee, leg)
}

/// Both talk at once, for so many packets.
fn talk_both(world: &mut World, [a, b]: [Line; 2], packets: usize) {
    for _ in 0..packets {
        world.speak(a, 0x2a);
        world.talk(b, 1);
    }
}

/// What a phone has heard is one stream without holes (RFC 3550 5.1).
#[track_caller]
fn assert_one_stream(heard: &[(u32, u16)]) {
    for pair in heard.windows(2) {
        assert_eq!((pair[0].0, pair[0].1.wrapping_add(1)), pair[1], "SSRC and sequence: {heard:?}");
    }
}

fn numbers(world: &mut World, line: Line) -> Vec<(u32, u16)> {
    world.heard(line).iter().map(|packet| (packet.stamp.ssrc, packet.stamp.sequence)).collect()
}

#[test]
fn an_attended_transfer_moves_one_leg_and_both_hear_one_stream() {
    let mut world = two_workers(2, |_| {});
    let phones = ["alice", "bob", "carol"].map(|user| world.phone(user));
    let [alice, bob, second, carol] = consulting(&mut world, phones);
    assert_eq!(world.moves, [], "the legs of a call are together");
    // Alice hears music meanwhile.
    world.talk(carol, 10);
    world.talk(second, 10);
    assert_eq!(world.refer_to_line(bob, second), 202);
    assert_eq!(world.notified(bob), [100, 200]);
    assert_eq!(world.moves.len(), 1);
    world.hang_up(bob);
    talk_both(&mut world, [alice, carol], 10);
    for line in [alice, carol] {
        let heard = numbers(&mut world, line);
        assert!(heard.len() >= 20, "{}", heard.len());
        assert_one_stream(&heard);
    }
    world.assert_talking(alice, carol);
    world.hang_up(carol);
    world.run_for(SECOND);
    // Each leg has counted on both workers.
    let legs = world.records.iter().flat_map(|record| &record.legs);
    let received: Vec<u64> = legs.map(|leg| leg.media.packets_received).collect();
    assert_eq!(received.iter().sum::<u64>(), 42, "{received:?}");
    world.assert_over();
}

#[test]
fn sockets_go_with_their_legs_and_no_worker_runs_out_of_them() {
    let mut world = two_workers(2, |_| {});
    let phones = ["alice", "bob", "carol"].map(|user| world.phone(user));
    let mut moves = 0;
    for _ in 0..30 {
        let [alice, bob, second, carol] = consulting(&mut world, phones);
        assert_eq!(world.refer_to_line(bob, second), 202);
        moves += std::mem::take(&mut world.moves).len();
        world.hang_up(bob);
        world.assert_talking(alice, carol);
        world.hang_up(carol);
        world.assert_over();
        assert!((1..=3).contains(&world.sockets_of(0)), "{} of 4 sockets", world.sockets_of(0));
    }
    assert!(moves >= 30, "{moves} legs moved in 30 transfers");
    // All four can be used at once.
    let [alice, bob, _] = phones;
    let lines: Vec<_> = (0..2).map(|_| world.talking(alice, "102", bob)).collect();
    let refused = world.dial(alice, "102");
    assert_eq!(world.end(refused), Some(End::Refused(503)));
    for (call, callee) in lines {
        world.assert_talking(call, callee);
        world.hang_up(call);
    }
    world.assert_over();
}

#[test]
fn a_blind_transfer_to_a_leg_on_another_worker() {
    let mut world = two_workers(2, |settings| {
        settings.routes = vec![route("0*", RouteTo::Sip("sip:{rest}@198.51.100.1".to_owned()))];
    });
    let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    // Two sockets are where the call is, both taken.
    let (alice, bob) = world.talking(alices, "102", bobs);
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.ring(carol);
    world.assert_entertained(alice);
    world.answer(carol);
    assert_eq!(world.moves.len(), 1);
    world.assert_talking(alice, carol);
    world.hang_up(bob);
    world.hang_up(alice);
    world.assert_over();
}

#[test]
fn a_phone_on_another_worker_takes_the_place_of_one() {
    let mut world = two_workers(2, |_| {});
    let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (alice, bob) = world.talking(alices, "102", bobs);
    let replaces = world.replaces(bob);
    let carol = world.dial_to_replace(carols, &replaces);
    assert_eq!(world.moves.len(), 1);
    world.assert_talking(alice, carol);
    world.hang_up(carol);
    world.assert_over();
}

#[test]
fn early_media_comes_from_a_leg_on_another_worker() {
    let mut world = two_workers(1, |_| {});
    let (alices, bobs) = (world.phone("alice"), world.phone("bob"));
    let alice = world.dial(alices, "102");
    let bob = world.called(bobs);
    world.early(bob);
    assert_eq!(world.moves.len(), 1);
    world.heard(alice);
    world.talk(bob, 5);
    assert_eq!(world.heard(alice).len(), 5);
    world.answer(bob);
    world.assert_talking(alice, bob);
    assert_eq!(world.moves.len(), 1, "they are together already");
    world.hang_up(alice);
    world.assert_over();
}

#[test]
fn a_bridge_of_a_plugin_joins_legs_of_two_workers_and_parts_them_again() {
    let (mut world, app, call, callee, leg) = apart();
    let options = BridgeOptions { max: Some(SECOND), ..BridgeOptions::default() };
    let bridge = Command::StartBridge { leg: app.leg, other: leg, options: options.clone() };
    let Value::Operation(operation) = world.succeeds(app.instance, bridge) else { panic!("no operation") };
    assert_eq!(world.moves.len(), 1);
    world.assert_talking(call, callee);
    world.succeeds(app.instance, Command::Stop { leg: app.leg, operation });
    world.assert_apart(call, callee);
    let token = world.post(app.instance, Command::Bridge { leg, other: app.leg, options });
    assert_eq!(world.moves.len(), 1);
    world.assert_talking(call, callee);
    world.run_for(SECOND);
    assert!(world.reply(token).is_some());
    for line in [call, callee] {
        world.hang_up(line);
    }
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn what_a_leg_plays_and_records_when_it_moves_has_its_end() {
    let (mut world, app, call, callee, leg) = apart();
    let mut started = Vec::new();
    for leg in [app.leg, leg] {
        let play = Command::StartPlay { leg, sources: prompt(SECOND * 9), options: interrupted_by("") };
        let record = Command::StartRecord { leg, options: recording("both") };
        for command in [play, record] {
            let Value::Operation(operation) = world.succeeds(app.instance, command) else { panic!("none") };
            started.push(operation);
        }
    }
    talk_both(&mut world, [call, callee], 50);
    let bridge = Command::StartBridge { leg: app.leg, other: leg, options: BridgeOptions::default() };
    world.succeeds(app.instance, bridge);
    assert_eq!(world.moves.len(), 1);
    let done = |events: &[Event], wanted: u32| {
        events.iter().any(|event| {
            matches!(event, Event::Done { operation, end: OperationEnd::Stopped, .. } if *operation == wanted)
        })
    };
    let events = world.events(app.instance);
    assert!(done(&events, started[0]) && done(&events, started[2]), "a bridge ends what plays: {events:?}");

    talk_both(&mut world, [call, callee], 50);
    // What still waits to be heard.
    world.run_for(MS * 100);
    for (leg, operation) in [(app.leg, started[1]), (leg, started[3])] {
        world.succeeds(app.instance, Command::Stop { leg, operation });
    }
    let lengths: Vec<usize> = world
        .writes
        .iter()
        .filter_map(|write| match write {
            Write::Recording { samples, .. } => Some(samples.iter().filter(|sample| **sample != 0).count()),
            _ => None,
        })
        .collect();
    // And what was made up when no more came.
    let whole = |length: &usize| (100 * 160..=103 * 160).contains(length);
    assert!(
        lengths.len() == 2 && lengths.iter().all(whole),
        "all that was said, before and after: {lengths:?}"
    );
    for line in [call, callee] {
        world.hang_up(line);
    }
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_leg_that_has_ended_does_not_move_and_nothing_is_left_of_it() {
    let (mut world, app, call, callee, leg) = apart();
    world.hang_up(callee);
    let bridge = Command::Bridge { leg: app.leg, other: leg, options: BridgeOptions::default() };
    world.fails(app.instance, bridge);
    assert_eq!(world.moves, []);
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}
