//! Where a dialled number leads, and what the caller is told when nobody takes the call.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::{Cause, Direction, Input, InstanceEnd, RouteTo};

#[test]
fn a_user_is_reached_by_name_and_by_number() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    for number in ["bob", "102"] {
        let call = world.dial(alice, number);
        let ringing = world.called(bob);
        assert_eq!(world.statuses(call), [100]);
        world.ring(ringing);
        assert_eq!(world.statuses(call), [100, 180]);
        let from = world.invited_with(ringing, "From").unwrap();
        assert!(from.starts_with("\"Alice\" <sip:101@192.0.2.1>"), "{from}");
        world.answer(ringing);
        assert_eq!(world.statuses(call), [100, 180, 200]);
        world.hang_up(call);
        let record = world.record();
        assert_eq!((record.caller.as_str(), record.callee.as_str()), ("101", number));
        assert_eq!((record.connected.as_deref(), record.direction), (Some("bob"), Direction::Inbound));
    }
    world.assert_over();
}

#[test]
fn nobody_has_that_number() {
    let mut world = World::new();
    let alice = world.phone("alice");
    for number in ["199", "dave", "102.", "#"] {
        let call = world.dial(alice, number);
        assert_eq!(world.end(call), Some(End::Refused(404)), "{number}");
        let record = world.record();
        assert_eq!((record.end.cause, record.end.code, record.answered_at), (Cause::NotFound, 404, None));
    }
    world.assert_over();
}

#[test]
fn a_user_without_a_phone_is_unavailable() {
    let mut world = World::new();
    let alice = world.phone("alice");
    let call = world.dial(alice, "102");
    assert_eq!(world.end(call), Some(End::Refused(480)));
    assert_eq!(world.record().end.cause, Cause::Unavailable);
    world.assert_over();
}

#[test]
fn what_the_callee_says_is_what_the_caller_hears() {
    for (said, heard, cause) in [
        (404, 404, Cause::NotFound),
        (480, 480, Cause::Unavailable),
        (484, 484, Cause::NotFound),
        (486, 486, Cause::Busy),
        (488, 488, Cause::Other),
        (500, 500, Cause::Other),
        (503, 503, Cause::Unavailable),
        (600, 600, Cause::Busy),
        (603, 603, Cause::Rejected),
        // What the caller could do nothing with.
        (302, 480, Cause::Other),
        (401, 603, Cause::Rejected),
        (408, 480, Cause::NoAnswer),
        (487, 487, Cause::Cancelled),
    ] {
        let mut world = World::new();
        let (alice, bob) = (world.phone("alice"), world.phone("bob"));
        let call = world.dial(alice, "102");
        let ringing = world.called(bob);
        world.refuse(ringing, said);
        if said == 488 {
            // It may have meant the m= line, and is asked with the other one.
            let again = world.called(bob);
            world.refuse(again, said);
        }
        assert_eq!(world.end(call), Some(End::Refused(heard)), "{said}");
        let record = world.record();
        assert_eq!((record.end.cause, record.end.by_peer), (cause, false), "{said}");
        world.assert_over();
    }
}

#[test]
fn the_most_specific_pattern_wins() {
    let mut world = World::with(|settings| {
        settings.routes = vec![
            route("*", to_users(&["carol"])),
            route("1XX", RouteTo::AnyUser),
            route("101", to_users(&["bob"])),
        ];
    });
    let phones = ["alice", "bob", "carol"].map(|user| world.phone(user));
    for (number, reached) in [("101", 1), ("102", 1), ("103", 2), ("7", 2), ("alice", 2)] {
        let call = world.dial(phones[0], number);
        let ringing = world.called(phones[reached]);
        world.ring(ringing);
        world.cancel(call);
        assert_eq!(world.end(ringing).map(|end| matches!(end, End::Cancelled(_))), Some(true));
    }
    let nobody = world.dial(phones[0], "199");
    assert_eq!(world.end(nobody), Some(End::Refused(404)), "nobody has what any user may have");
    world.assert_over();
}

#[test]
fn a_route_to_several_users_rings_all_their_phones() {
    let mut world = World::with(|settings| settings.routes = vec![route("200", to_users(&["bob", "carol"]))]);
    let alice = world.phone("alice");
    let (first, second, carol) = (world.phone("bob"), world.phone("bob"), world.phone("carol"));
    let call = world.dial(alice, "200");
    world.called(first);
    world.called(second);
    let taken = world.called(carol);
    world.answer(taken);
    assert_eq!(world.statuses(call), [100, 200]);
    world.hang_up(call);
    assert_eq!(world.record().connected.as_deref(), Some("carol"));
    world.assert_over();
}

#[test]
fn a_user_whom_a_route_names_twice_rings_once() {
    let mut world = World::with(|settings| settings.routes = vec![route("200", to_users(&["bob", "bob"]))]);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "200");
    let ringing = world.called(bob);
    world.refuse(ringing, 486);
    assert_eq!(world.end(call), Some(End::Refused(486)));
    world.assert_over();
}

#[test]
fn a_number_goes_out_to_the_provider_with_what_the_star_stood_for() {
    let mut world = World::with(|settings| {
        settings.routes = vec![route("0*", RouteTo::Sip("sip:+33{rest}@198.51.100.1:5060".to_owned()))];
    });
    let alice = world.phone("alice");
    let provider = world.stranger("provider", PROVIDER);
    let call = world.dial(alice, "0612345678");
    let out = world.called(provider);
    assert_eq!(world.request_uri(out), "sip:+33612345678@198.51.100.1:5060");
    world.answer(out);
    world.assert_talking(call, out);
    world.hang_up(call);
    let record = world.record();
    assert_eq!(record.connected.as_deref(), Some("sip:+33612345678@198.51.100.1:5060"));
    world.assert_over();
}

#[test]
fn a_provider_calls_by_its_address_and_only_where_routes_lead() {
    let mut world = World::with(|settings| {
        settings.peers = vec![provider()];
        settings.routes = vec![route("0999", to_users(&["bob"]))];
    });
    let bob = world.phone("bob");
    let outside = world.stranger("0612345678", "198.51.100.77:5060");
    let call = world.dial(outside, "0999");
    let ringing = world.called(bob);
    let from = world.invited_with(ringing, "From").unwrap();
    assert!(from.starts_with("\"0612345678\" <sip:0612345678@192.0.2.1>"), "{from}");
    world.answer(ringing);
    world.hang_up(call);
    assert_eq!(world.record().caller, "0612345678");

    let inside = world.dial(outside, "102");
    assert_eq!(world.end(inside), Some(End::Refused(404)), "a provider does not dial users");
    let stranger = world.stranger("0612345678", "203.0.113.1:5060");
    let refused = world.dial(stranger, "0999");
    assert_eq!(world.end(refused), Some(End::Refused(401)), "another address logs in");
    world.assert_not_called(bob);
    world.assert_over();
}

#[test]
fn a_caller_may_not_speak_for_somebody_else() {
    let mut world = World::new();
    let bob = world.phone("bob");
    let mallory = world.new_phone("alice", jackfield_sip::Transport::Udp);
    world.set_password(mallory, &password("bob"));
    let call = world.dial(mallory, "102");
    assert_eq!(world.end(call), Some(End::Refused(401)));
    world.assert_not_called(bob);
    world.assert_over();
}

#[test]
fn a_call_that_nobody_takes_goes_to_its_fallback_and_on() {
    let mut world = World::with(|settings| {
        settings.routes = vec![
            with_fallback(route("200", to_users(&["alice"])), "201"),
            with_fallback(route("201", to_users(&["bob"])), "carol"),
        ];
    });
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let caller = world.phone("carol");
    let call = world.dial(caller, "200");
    // Alice has no phone.
    let ringing = world.called(bob);
    world.refuse(ringing, 486);
    let ringing = world.called(carol);
    assert_eq!(world.statuses(call), [100]);
    world.answer(ringing);
    assert!(world.is_up(call));
    world.hang_up(ringing);
    assert_eq!(world.record().connected.as_deref(), Some("carol"));
    world.assert_over();
}

#[test]
fn a_fallback_comes_when_it_has_rung_long_enough() {
    let mut world = World::with(|settings| {
        let mut to_alice = with_fallback(route("200", to_users(&["alice"])), "bob");
        to_alice.ring = Some(SECOND * 10);
        settings.routes = vec![to_alice];
    });
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(bob, "200");
    let ringing = world.called(alice);
    world.ring(ringing);
    world.run_for(SECOND * 10 - MS);
    assert_eq!(world.end(ringing), None);
    world.run_for(MS);
    assert!(matches!(world.end(ringing), Some(End::Cancelled(_))));
    let own = world.called(bob);
    world.refuse(own, 486);
    assert_eq!(world.end(call), Some(End::Refused(486)));
    world.assert_over();
}

#[test]
fn fallbacks_in_a_circle_come_to_an_end() {
    let mut world = World::with(|settings| {
        settings.routes = vec![
            with_fallback(route("200", to_users(&["alice"])), "201"),
            with_fallback(route("201", to_users(&["bob"])), "200"),
        ];
    });
    let (bob, carol) = (world.phone("bob"), world.phone("carol"));
    let call = world.dial(carol, "200");
    let mut refusals = 0;
    while world.end(call).is_none() {
        let ringing = world.called(bob);
        world.refuse(ringing, 486);
        refusals += 1;
        assert!(refusals < 10, "it never ends");
    }
    assert!(refusals > 1);
    assert!(matches!(world.end(call), Some(End::Refused(480 | 486))), "{:?}", world.end(call));
    world.assert_over();
}

#[test]
fn a_fallback_to_nowhere_is_not_found() {
    let mut world = World::with(|settings| {
        settings.routes = vec![with_fallback(route("200", to_users(&["alice"])), "299")];
    });
    let bob = world.phone("bob");
    let call = world.dial(bob, "200");
    assert_eq!(world.end(call), Some(End::Refused(404)));
    world.assert_over();
}

#[test]
fn a_route_to_a_plugin_starts_it_and_its_fallback_takes_what_it_cannot() {
    let mut world = World::with(|settings| {
        settings.routes = vec![with_fallback(route("100", to_plugin("menu")), "bob")];
    });
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "100");
    let app = world.started();
    assert_eq!((app.plugin.as_str(), app.call.callee.as_str()), ("menu", "100"));
    assert_eq!((app.call.caller.as_str(), app.call.trunk.as_str()), ("101", "alice"));
    world.assert_not_called(bob);
    world.ends(app.instance, InstanceEnd::NotStarted("too many instances".to_owned()));
    let ringing = world.called(bob);
    world.answer(ringing);
    world.assert_talking(call, ringing);
    world.hang_up(call);
    assert_eq!(world.record().connected.as_deref(), Some("bob"));
    world.assert_over();
}

#[test]
fn routes_that_change_count_for_new_calls_only() {
    let mut world = World::with(|settings| settings.routes = vec![route("200", to_users(&["bob"]))]);
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (first, of_bob) = world.talking(alice, "200", bob);
    world.reload(|settings| settings.routes = vec![route("200", to_users(&["carol"]))]);
    world.assert_talking(first, of_bob);
    let second = world.dial(alice, "200");
    let ringing = world.called(carol);
    world.assert_not_called(bob);
    world.ring(ringing);
    world.cancel(second);
    assert!(matches!(world.end(ringing), Some(End::Cancelled(_))));
    world.hang_up(of_bob);
    world.assert_over();
}

#[test]
fn more_calls_than_allowed_and_calls_without_a_socket_are_asked_to_come_again() {
    let mut world = World::with(|settings| settings.max_calls = 1);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, _) = world.talking(alice, "102", bob);
    let second = world.dial(bob, "101");
    assert_eq!(world.end(second), Some(End::Refused(503)));
    assert_eq!(world.last_header(second, "Retry-After").as_deref(), Some("5"));
    world.hang_up(call);
    let third = world.dial(bob, "101");
    assert_eq!(world.end(third), None);
    world.cancel(third);
    world.assert_over();

    // Two sockets: enough for the caller and one callee.
    let mut world = World::with_sockets(2, |_| {});
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let first = world.dial(alice, "102");
    let second = world.dial(carol, "102");
    assert_eq!(world.end(second), Some(End::Refused(503)));
    world.cancel(first);
    world.called(bob);
    let third = world.dial(carol, "102");
    world.cancel(third);
    world.assert_over();
}

#[test]
fn a_call_whose_callee_gets_no_socket_is_asked_to_come_again() {
    let mut world = World::with_sockets(1, |_| {});
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    assert_eq!(world.end(call), Some(End::Refused(503)));
    world.assert_not_called(bob);
    world.assert_over();
}

#[test]
fn without_room_for_a_callee_no_way_to_him_is_looked_for() {
    let mut world = World::with_sockets(1, |settings| {
        settings.routes = vec![route("0*", RouteTo::Sip("sip:{rest}@198.51.100.1".to_owned()))];
    });
    let alice = world.phone("alice");
    let call = world.dial(alice, "01");
    assert_eq!(world.end(call), Some(End::Refused(503)));
    assert_eq!(world.opens(), 0);
    world.assert_over();
}

#[test]
fn the_operator_ends_one_call_and_sees_all() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (first, of_bob) = world.talking(alice, "102", bob);
    let second = world.dial(carol, "101");
    let calls = world.switch.calls();
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (call.caller.as_str(), call.callee.as_str(), call.state.as_str(), call.legs))
        .collect();
    assert_eq!(seen, [("101", "102", "bridged", 2), ("103", "101", "ringing", 2)]);
    world.input(Input::HangUp { call: calls[0].id.clone() });
    assert!(matches!((world.end(first), world.end(of_bob)), (Some(End::Bye(_)), Some(End::Bye(_)))));
    assert_eq!(world.end(second), None);
    world.input(Input::HangUp { call: "no such call".to_owned() });
    world.input(Input::HangUp { call: calls[1].id.clone() });
    assert_eq!(world.end(second), Some(End::Refused(480)));
    world.assert_over();
}
