//! Transfers: who talks with whom afterwards, what the transferor is told, and what is left.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::{Cause, Command, Error, HangupInfo, RouteTo};

/// Alice has called Bob, and they talk; Carol has a phone.
struct Scene {
    world: World,
    alice: Line,
    bob: Line,
    bobs: Phone,
    carols: Phone,
}

fn scene() -> Scene {
    let mut world = World::new();
    let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (alice, bob) = world.talking(alices, "102", bobs);
    Scene { world, alice, bob, bobs, carols }
}

// ---- blind

#[test]
fn a_blind_transfer_joins_the_other_one_with_the_target() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    assert_eq!(world.hold(bob, "sendonly"), 200);
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    assert!(world.invited_with(carol, "From").unwrap().contains("sip:101@"), "Carol sees Alice");
    assert!(world.invited_with(carol, "Referred-By").unwrap().contains("sip:102@"));
    world.assert_entertained(alice);
    world.ring(carol);
    world.assert_entertained(alice);
    world.answer(carol);
    assert_eq!(world.notified(bob), [100, 180, 200]);
    world.assert_talking(alice, carol);
    world.hang_up(bob);
    world.assert_talking(alice, carol);
    world.run_for(SECOND * 20);
    world.assert_talking(alice, carol);
    world.hang_up(alice);
    assert!(!world.is_up(carol));
    let record = world.record();
    assert_eq!((record.connected.as_deref(), record.end.cause), (Some("carol"), Cause::Normal));
    let ends: Vec<_> = record.legs.iter().map(|leg| (leg.label.as_str(), leg.end.cause)).collect();
    assert_eq!(ends, [("alice", Cause::Normal), ("bob", Cause::Transferred), ("carol", Cause::Normal)]);
    world.assert_over();
}

#[test]
fn the_caller_can_transfer_too_and_the_record_goes_on_with_who_stays() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    assert_eq!(world.refer(alice, "103"), 202);
    let carol = world.called(carols);
    assert!(world.invited_with(carol, "From").unwrap().contains("sip:102@"), "Carol sees Bob");
    world.answer(carol);
    assert_eq!(world.notified(alice), [100, 200]);
    world.hang_up(alice);
    world.assert_talking(bob, carol);
    world.run_for(SECOND * 30);
    world.hang_up(carol);
    let record = world.record();
    assert_eq!((record.end.cause, record.ended_at - record.started_at), (Cause::Normal, 30_000));
    world.assert_over();
}

#[test]
fn a_transferor_that_does_not_hang_up_is_hung_up_on() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.answer(carol);
    world.run_for(SECOND * 10);
    assert!(matches!(world.end(bob), Some(End::Bye(_))));
    world.assert_talking(alice, carol);
    world.hang_up(carol);
    world.assert_over();
}

#[test]
fn a_transfer_that_fails_gives_the_call_back_to_the_transferor() {
    for (status, told) in [(486, 486), (603, 603), (480, 480)] {
        let Scene { mut world, alice, bob, carols, .. } = scene();
        assert_eq!(world.hold(bob, "sendonly"), 200);
        assert_eq!(world.refer(bob, "103"), 202);
        let carol = world.called(carols);
        world.ring(carol);
        world.refuse(carol, status);
        assert_eq!(world.notified(bob), [100, 180, told]);
        world.assert_entertained(alice);
        world.resume(bob);
        world.assert_talking(alice, bob);
        // And it can be tried again.
        assert_eq!(world.refer(bob, "103"), 202);
        let carol = world.called(carols);
        world.answer(carol);
        assert_eq!(world.notified(bob), [100, 200]);
        world.hang_up(bob);
        world.assert_talking(alice, carol);
        world.hang_up(alice);
        world.assert_over();
    }
}

#[test]
fn nobody_answers_or_there_is_no_such_number() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    assert_eq!(world.refer(bob, "999"), 202);
    assert_eq!(world.notified(bob), [100, 404]);
    world.assert_talking(alice, bob);
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.ring(carol);
    for _ in 0..60 {
        world.speak(alice, 0x2a);
        world.speak(bob, 0x2a);
        world.run_for(SECOND);
    }
    assert_eq!(world.notified(bob), [100, 180, 480]);
    assert!(matches!(world.end(carol), Some(End::Cancelled(_))));
    world.assert_talking(alice, bob);
    world.hang_up(alice);
    world.assert_over();
}

#[test]
fn a_transferor_that_has_hung_up_is_rung_when_the_target_is_busy() {
    let Scene { mut world, alice, bob, bobs, carols } = scene();
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.hang_up(bob);
    assert!(world.is_up(alice), "Alice waits for Carol");
    world.assert_entertained(alice);
    world.refuse(carol, 486);
    let back = world.called(bobs);
    world.assert_entertained(alice);
    world.answer(back);
    world.assert_talking(alice, back);
    world.hang_up(back);
    assert!(!world.is_up(alice));
    world.assert_over();
}

#[test]
fn a_transferor_that_has_hung_up_and_does_not_answer_either_ends_the_call() {
    let Scene { mut world, alice, bob, bobs, carols } = scene();
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.hang_up(bob);
    world.refuse(carol, 486);
    let back = world.called(bobs);
    world.refuse(back, 486);
    assert!(matches!(world.end(alice), Some(End::Bye(_))));
    world.assert_over();
}

#[test]
fn a_target_that_answers_after_the_transferor_has_gone_has_the_call() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.hang_up(bob);
    world.answer(carol);
    world.assert_talking(alice, carol);
    world.hang_up(carol);
    assert_eq!(world.record().connected.as_deref(), Some("carol"));
    world.assert_over();
}

#[test]
fn a_transferee_that_hangs_up_ends_it_all() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.ring(carol);
    world.hang_up(alice);
    assert!(matches!(world.end(carol), Some(End::Cancelled(_))));
    assert_eq!(world.notified(bob), [100, 180, 487]);
    assert!(!world.is_up(bob));
    world.assert_over();
}

#[test]
fn one_transfer_at_a_time() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    assert_eq!(world.refer(bob, "103"), 202);
    assert_eq!(world.refer(bob, "103"), 491);
    assert_eq!(world.refer(alice, "103"), 491);
    let carol = world.called(carols);
    world.answer(carol);
    world.hang_up(bob);
    world.assert_talking(alice, carol);
    world.hang_up(alice);
    world.assert_over();
}

#[test]
fn a_transfer_to_oneself_rings_oneself() {
    let Scene { mut world, alice, bob, bobs, .. } = scene();
    assert_eq!(world.refer(bob, "102"), 202);
    let again = world.called(bobs);
    world.answer(again);
    world.hang_up(bob);
    world.assert_talking(alice, again);
    world.hang_up(again);
    world.assert_over();
}

#[test]
fn who_does_not_want_to_know_is_not_told() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    let status = world.refer_to(bob, "<sip:103@192.0.2.1>", &[("Refer-Sub", "false")]);
    assert_eq!(status, 202);
    let carol = world.called(carols);
    world.answer(carol);
    assert!(world.notified(bob).is_empty());
    world.hang_up(bob);
    world.assert_talking(alice, carol);
    world.hang_up(alice);
    world.assert_over();
}

#[test]
fn a_refer_that_makes_no_sense_is_refused_and_changes_nothing() {
    let Scene { mut world, alice, bob, .. } = scene();
    for (target, status) in [
        ("<mailto:carol@example.com>", 416),
        ("<sip:192.0.2.1>", 404),
        ("<sip:103@192.0.2.1>, <sip:101@192.0.2.1>", 400),
        ("<sip:103@192.0.2.1?Replaces=nothing>", 400),
        ("<sip:103@192.0.2.1?Replaces=unknown%3Bto-tag%3D1%3Bfrom-tag%3D2>", 481),
    ] {
        assert_eq!(world.refer_to(bob, target, &[]), status, "{target}");
    }
    let itself = world.refer_to_line(bob, bob);
    assert_eq!(itself, 202);
    assert_eq!(world.notified(bob), [100, 404]);
    world.assert_talking(alice, bob);
    world.hang_up(alice);
    world.assert_over();
}

#[test]
fn a_peer_transfers_only_where_routes_lead() {
    let mut world = World::with(|settings| {
        settings.peers.push(provider());
        settings.routes.push(route("8102", to_users(&["bob"])));
        settings.routes.push(route("8103", to_users(&["carol"])));
    });
    let (bobs, carols) = (world.phone("bob"), world.phone("carol"));
    let outside = world.stranger("331", PROVIDER);
    let (call, bob) = world.talking(outside, "8102", bobs);
    assert_eq!(world.refer(call, "103"), 202);
    assert_eq!(world.notified(call), [100, 404]);
    assert_eq!(world.refer(call, "8103"), 202);
    let carol = world.called(carols);
    world.answer(carol);
    assert_eq!(world.notified(call), [100, 200]);
    world.hang_up(call);
    world.assert_talking(bob, carol);
    world.hang_up(bob);
    world.assert_over();
}

#[test]
fn a_transfer_to_a_plugin_starts_it() {
    let mut world = World::with(|settings| {
        with_menu(settings);
        settings.routes.push(route("200", RouteTo::Plugin("menu".to_owned())));
    });
    let (alices, bobs) = (world.phone("alice"), world.phone("bob"));
    let (alice, bob) = world.talking(alices, "102", bobs);
    assert_eq!(world.refer(bob, "200"), 202);
    assert_eq!(world.notified(bob), [100, 200]);
    let app = world.started();
    world.hang_up(bob);
    assert!(world.is_up(alice));
    world.succeeds(app.instance, Command::Hangup { leg: app.leg, reason: String::new() });
    world.returns(app.instance);
    assert!(!world.is_up(alice));
    world.assert_over();
}

#[test]
fn for_a_plugin_the_leg_that_is_transferred_has_gone() {
    let mut world = World::with(with_menu);
    let (bobs, carols) = (world.phone("bob"), world.phone("carol"));
    let (app, call) = world.in_the_menu();
    let dial = world.post(app.instance, Command::Dial { leg: Some(app.leg), options: to(&["bob"]) });
    let bob = world.called(bobs);
    world.answer(bob);
    let other = world.dialled(dial);
    let bridge = Command::Bridge { leg: app.leg, other, options: Default::default() };
    let bridged = world.post(app.instance, bridge);
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.assert_waiting(bridged);
    world.answer(carol);
    let gone = Error::HungUp(HangupInfo { cause: Cause::Transferred, code: 0, by_peer: false });
    assert_eq!(world.error(bridged), gone);
    world.hang_up(bob);
    world.assert_talking(call, carol);
    world.returns(app.instance);
    world.assert_talking(call, carol);
    world.hang_up(call);
    world.assert_over();
}

// ---- attended

/// Bob has Alice on hold and talks with Carol.
fn consulting() -> (World, [Line; 4]) {
    let Scene { mut world, alice, bob, bobs, carols } = scene();
    assert_eq!(world.hold(bob, "sendonly"), 200);
    let (second, carol) = world.talking(bobs, "103", carols);
    (world, [alice, bob, second, carol])
}

#[test]
fn an_attended_transfer_joins_the_far_ends_and_ends_both_calls_of_the_transferor() {
    let (mut world, [alice, bob, second, carol]) = consulting();
    assert_eq!(world.refer_to_line(bob, second), 202);
    assert_eq!(world.notified(bob), [100, 200]);
    assert!(matches!(world.end(second), Some(End::Bye(_))));
    world.hang_up(bob);
    world.assert_talking(alice, carol);
    world.run_for(SECOND * 30);
    world.hang_up(carol);
    assert!(!world.is_up(alice));
    world.run_for(SECOND);
    let records = std::mem::take(&mut world.records);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].linked, records[1].linked, "one chain");
    assert!(records.iter().any(|record| record.id == record.linked));
    let told: Vec<_> =
        records.iter().map(|record| (record.callee.as_str(), record.connected.as_deref())).collect();
    assert!(told.contains(&("102", Some("carol"))) && told.contains(&("103", Some("alice"))), "{told:?}");
    world.assert_over();
}

#[test]
fn every_change_of_an_attended_transfer_is_told_in_order_with_one_linked_id() {
    let (mut world, [alice, bob, second, carol]) = consulting();
    world.run_for(SECOND);
    assert_eq!(world.refer_to_line(bob, second), 202);
    world.hang_up(bob);
    world.hang_up(alice);
    assert!(!world.is_up(carol));
    world.run_for(SECOND);
    let linked = world.records[0].linked.clone();
    assert!(world.events.iter().all(|event| event.linked == linked), "{:#?}", world.events);
    let ordered = |pair: &[CallEvent]| {
        pair[0].sequence + 1 == pair[1].sequence && pair[0].monotonic <= pair[1].monotonic
    };
    assert!(world.events.windows(2).all(ordered));
    let kinds: Vec<String> =
        world.story(&linked).iter().map(|event| event.split(' ').nth(1).unwrap().to_owned()).collect();
    let count = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
    assert_eq!((count("started"), count("answered"), count("ended")), (4, 4, 4), "{kinds:?}");
    assert_eq!((count("held"), count("transfer-asked"), count("transfer-succeeded")), (1, 1, 1), "{kinds:?}");
    assert_eq!((count("bridged"), count("parted")), (3, 2), "{kinds:?}");
    world.assert_over();
}

#[test]
fn an_attended_transfer_to_a_phone_that_rings_waits_for_it() {
    for answers in [true, false] {
        let Scene { mut world, alice, bob, bobs, carols } = scene();
        assert_eq!(world.hold(bob, "sendonly"), 200);
        let second = world.dial(bobs, "103");
        let carol = world.called(carols);
        world.ring(carol);
        assert_eq!(world.refer_to_line(bob, second), 202);
        world.assert_entertained(alice);
        assert_eq!(world.end(second), Some(End::Refused(487)));
        if answers {
            world.answer(carol);
            assert_eq!(world.notified(bob), [100, 200]);
            world.hang_up(bob);
            world.assert_talking(alice, carol);
        } else {
            world.refuse(carol, 486);
            assert_eq!(world.notified(bob), [100, 486]);
            world.resume(bob);
            world.assert_talking(alice, bob);
        }
        world.hang_up(alice);
        world.run_for(SECOND);
        let records = std::mem::take(&mut world.records);
        assert_eq!((records.len(), &records[0].linked), (2, &records[1].linked));
        world.assert_over();
    }
}

#[test]
fn whoever_hangs_up_in_an_attended_transfer_leaves_nothing() {
    for gone in 0..4 {
        let (mut world, lines) = consulting();
        world.hang_up(lines[gone]);
        let status = world.refer_to_line(lines[1], lines[2]);
        assert!(matches!(status, 202 | 403 | 481), "{status}");
        for line in lines {
            if world.is_up(line) {
                world.hang_up(line);
            }
        }
        world.assert_over();
    }
}

// ---- INVITE with Replaces

#[test]
fn a_phone_takes_the_place_of_another_one() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    let replaces = world.replaces(bob);
    let carol = world.dial_to_replace(carols, &replaces);
    assert!(world.is_up(carol), "{:?}", world.statuses(carol));
    assert!(matches!(world.end(bob), Some(End::Bye(_))));
    world.assert_talking(alice, carol);
    world.hang_up(alice);
    world.run_for(SECOND);
    assert_eq!(world.records[0].linked, world.records[1].linked);
    world.assert_over();
}

#[test]
fn a_phone_picks_up_what_rings_on_another_one() {
    let mut world = World::new();
    let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let alice = world.dial(alices, "102");
    let bob = world.called(bobs);
    world.ring(bob);
    let replaces = format!("{};early-only", world.replaces(bob));
    let carol = world.dial_to_replace(carols, &replaces);
    assert!(world.is_up(carol) && world.is_up(alice), "{:?}", world.statuses(carol));
    assert!(matches!(world.end(bob), Some(End::Cancelled(_))));
    world.assert_talking(alice, carol);
    world.hang_up(carol);
    assert!(!world.is_up(alice));
    world.assert_over();
}

#[test]
fn a_place_that_there_is_not_cannot_be_taken() {
    let Scene { mut world, alice, bob, carols, .. } = scene();
    for (replaces, status) in [
        ("unknown;to-tag=1;from-tag=2".to_owned(), 481),
        (format!("{};early-only", world.replaces(bob)), 486),
    ] {
        let line = world.dial_to_replace(carols, &replaces);
        assert_eq!(world.statuses(line).last(), Some(&status));
    }
    world.assert_talking(alice, bob);
    world.hang_up(bob);
    world.assert_over();
}
