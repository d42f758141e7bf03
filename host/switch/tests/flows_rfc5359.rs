//! The flows of RFC 5359 (SIP Service Examples) that the exchange plays, one test per flow; it stands where
//! the RFC draws a proxy, and each side is a dialog of its own.
//!
//! Not yet in here: music on hold (2.3), transfers (2.4 to 2.6), three-way conferences (2.10, 2.11: mixing
//! is a primitive only), outgoing call screening (2.14), call park and pickup (2.15, 2.16), automatic redial
//! (2.17) and click to dial (2.18).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use rsip::Method;

/// 2.1: `sendonly` is answered `recvonly`, and `sendrecv` brings the call back. The RFC's proxy passes the
/// offer on; the exchange answers it itself.
#[test]
fn rfc5359_2_1_call_hold() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, callee) = world.talking(alice, "bob", bob);
    let held = world.own(callee).direction("sendonly");
    assert_eq!(world.reoffer(callee, Method::Invite, Some(held)), 200);
    assert_eq!(world.theirs(callee).direction, "recvonly");
    assert!(world.is_up(call) && world.is_up(callee));
    let resumed = world.own(callee).direction("sendrecv");
    assert_eq!(world.reoffer(callee, Method::Invite, Some(resumed)), 200);
    assert_eq!(world.theirs(callee).direction, "sendrecv");
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

/// 2.2: the callee holds the caller, asks a third party, and comes back.
#[test]
fn rfc5359_2_2_consultation_hold() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (call, callee) = world.talking(alice, "bob", bob);
    let held = world.own(callee).direction("sendonly");
    assert_eq!(world.reoffer(callee, Method::Invite, Some(held)), 200);
    let (question, asked) = world.talking(bob, "carol", carol);
    world.assert_talking(question, asked);
    world.assert_apart(call, asked);
    world.hang_up(question);
    assert!(matches!(world.end(asked), Some(End::Bye(_))) && world.is_up(call));
    let resumed = world.own(callee).direction("sendrecv");
    assert_eq!(world.reoffer(callee, Method::Invite, Some(resumed)), 200);
    world.assert_talking(call, callee);
    world.hang_up(callee);
    world.assert_over();
}

/// 2.7: who has forwarded his calls is not rung. What the RFC's proxy knows of a user, a route says here.
#[test]
fn rfc5359_2_7_call_forwarding_unconditional() {
    let mut world = World::with(|settings| settings.routes.push(route("102", to_users(&["carol"]))));
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (call, callee) = world.talking(alice, "102", carol);
    world.assert_not_called(bob);
    world.assert_talking(call, callee);
    world.hang_up(call);
    assert_eq!(world.record().connected.as_deref(), Some("carol"));
    world.assert_over();
}

/// 2.8: 486 of the first callee sends the call on; the caller learns nothing of it.
#[test]
fn rfc5359_2_8_call_forwarding_busy() {
    let mut world = forwarding();
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let call = world.dial(alice, "102");
    let busy = world.called(bob);
    world.refuse(busy, 486);
    let callee = world.called(carol);
    world.ring(callee);
    world.answer(callee);
    assert_eq!(world.statuses(call), [100, 180, 200]);
    world.assert_talking(call, callee);
    world.hang_up(call);
    world.assert_over();
}

/// 2.9: nobody answers in time: CANCEL for the first callee, INVITE for the second.
#[test]
fn rfc5359_2_9_call_forwarding_no_answer() {
    let mut world = forwarding();
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let call = world.dial(alice, "102");
    let first = world.called(bob);
    world.ring(first);
    world.run_for(SECOND * 26);
    assert!(matches!(world.end(first), Some(End::Cancelled(_))));
    let callee = world.called(carol);
    world.answer(callee);
    assert_eq!(world.statuses(call), [100, 180, 200]);
    world.assert_talking(call, callee);
    world.hang_up(callee);
    assert_eq!(world.record().connected.as_deref(), Some("carol"));
    world.assert_over();
}

/// 2.12: find-me. The RFC's proxy tries places one after another until one answers; here they are the
/// fallbacks of routes.
#[test]
fn rfc5359_2_12_find_me() {
    let mut world = World::with(|settings| {
        settings.routes.push(with_fallback(route("701", to_users(&["carol"])), "101"));
    });
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let desk = world.phone("alice");
    let call = world.dial(bob, "701");
    let lab = world.called(carol);
    world.refuse(lab, 480);
    let rung: Vec<_> = [alice, desk].into_iter().flat_map(|phone| world.all_called(phone)).collect();
    rung.iter().for_each(|phone| world.ring(*phone));
    world.answer(rung[0]);
    world.assert_talking(call, rung[0]);
    assert!(matches!(world.end(rung[1]), Some(End::Cancelled(_))));
    world.hang_up(call);
    world.assert_over();
}

/// 2.13: a caller whom nobody knows is not let through to the users.
#[test]
fn rfc5359_2_13_incoming_call_screening() {
    let mut world = World::new();
    let bob = world.phone("bob");
    let stranger = world.stranger("mallory", "203.0.113.9:5060");
    let call = world.dial(stranger, "bob");
    assert!(matches!(world.end(call), Some(End::Refused(401 | 403))), "{:?}", world.end(call));
    world.assert_not_called(bob);
    world.assert_over();
}

fn forwarding() -> World {
    World::with(|settings| settings.routes.push(with_fallback(route("102", to_users(&["bob"])), "103")))
}
