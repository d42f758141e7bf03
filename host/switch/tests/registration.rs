//! Where the users' phones are: what a REGISTER changes, and what ends a registration.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_sip::{Binding, Transport};
use jackfield_switch::{Input, Write};
use rsip::{Method, headers::UntypedHeader};

/// The phones of a user, as the exchange would call them.
fn contacts(world: &World, user: &str) -> Vec<String> {
    let all = world.switch.registrations(world.now);
    all.into_iter().filter(|found| found.user == user).map(|found| found.contact).collect()
}

/// How many bindings the last write for the user had.
fn stored(world: &World, user: &str) -> Option<usize> {
    world.writes.iter().rev().find_map(|write| match write {
        Write::Bindings { user: of, bindings, .. } if of == user => Some(bindings.len()),
        _ => None,
    })
}

#[test]
fn a_phone_registers_with_its_password() {
    let mut world = World::new();
    let phone = world.phone("alice");
    let all = world.switch.registrations(world.now);
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].user.as_str(), all[0].remote), ("alice", world.flow(phone).remote));
    assert_eq!(all[0].expires_in, SECOND * 3600);
    assert_eq!(stored(&world, "alice"), Some(1));
    world.assert_over();
}

#[test]
fn a_wrong_password_an_unknown_user_and_a_name_that_is_not_ones_own_are_refused() {
    let mut world = World::new();
    let guesser = world.new_phone("alice", Transport::Udp);
    world.set_password(guesser, "wrong");
    assert_eq!(world.register(guesser, 3600), 401);
    let nobody = world.new_phone("mallory", Transport::Udp);
    assert_eq!(world.register(nobody, 3600), 401, "as if she existed");

    // Bob has a password, but not for Alice's number.
    let bob = world.new_phone("bob", Transport::Udp);
    let mut request = world.outside(bob, Method::Register);
    request.headers.unique_push(rsip::headers::To::new("<sip:101@192.0.2.1>").into());
    assert_eq!(world.asks(bob, request).status_code.code(), 403);
    assert!(world.switch.registrations(world.now).is_empty() && world.writes.is_empty());
    world.assert_over();
}

#[test]
fn a_user_may_register_by_number() {
    let mut world = World::new();
    let bob = world.new_phone("bob", Transport::Udp);
    let mut request = world.outside(bob, Method::Register);
    request.headers.unique_push(rsip::headers::To::new("<sip:102@192.0.2.1>").into());
    assert_eq!(world.asks(bob, request).status_code.code(), 200);
    assert_eq!(contacts(&world, "bob").len(), 1);
}

#[test]
fn a_user_has_several_phones_up_to_a_limit() {
    let mut world = World::new();
    for _ in 0..3 {
        world.phone("alice");
    }
    assert_eq!(contacts(&world, "alice").len(), 3);
    let fourth = world.new_phone("alice", Transport::Udp);
    assert_eq!(world.register(fourth, 3600), 403);
    assert_eq!(contacts(&world, "alice").len(), 3);
    // One that refreshes what it has is none too many.
    let first = world.new_phone("alice", Transport::Udp);
    let again = world.register_as(first, "<sip:phone@10.0.0.10:5060>", Some(600));
    assert_eq!(again.status_code.code(), 200);
    assert_eq!(contacts(&world, "alice").len(), 3);
}

#[test]
fn the_answer_lists_every_contact_with_the_time_that_is_left() {
    let mut world = World::new();
    world.phone("alice");
    world.run_for(SECOND * 100);
    let second = world.new_phone("alice", Transport::Udp);
    let answer = world.register_as(second, "<sip:phone@10.0.0.11:5060>", Some(120));
    let listed: Vec<_> = answer
        .headers
        .iter()
        .filter_map(|header| match header {
            rsip::Header::Contact(contact) => Some(contact.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert!(listed[0].ends_with("expires=3500") && listed[1].ends_with("expires=120"), "{listed:?}");
    // A request without contacts only asks.
    let writes = world.writes.len();
    let asked = world.register_as(second, "", None);
    assert_eq!((asked.status_code.code(), world.writes.len()), (200, writes));
}

#[test]
fn a_registration_that_is_not_refreshed_ends_to_the_millisecond() {
    let mut world = World::new();
    let phone = world.new_phone("alice", Transport::Udp);
    assert_eq!(world.register(phone, 60), 200);
    world.run_for(SECOND * 60 - MS);
    assert_eq!(contacts(&world, "alice").len(), 1);
    world.run_for(MS);
    assert!(contacts(&world, "alice").is_empty());
    assert_eq!(stored(&world, "alice"), Some(0));
}

#[test]
fn a_refreshed_registration_lives_on() {
    let mut world = World::new();
    let phone = world.new_phone("alice", Transport::Udp);
    world.register(phone, 60);
    world.run_for(SECOND * 50);
    assert_eq!(world.register(phone, 60), 200);
    world.run_for(SECOND * 59);
    assert_eq!(contacts(&world, "alice").len(), 1);
    world.run_for(SECOND);
    assert!(contacts(&world, "alice").is_empty());
}

#[test]
fn too_short_is_423_with_the_least_time_and_too_long_is_shortened() {
    let mut world = World::new();
    let phone = world.new_phone("alice", Transport::Udp);
    let refused = world.register_as(phone, "<sip:phone@10.0.0.10:5060>", Some(59));
    assert_eq!(refused.status_code.code(), 423);
    assert!(refused.to_string().contains("Min-Expires: 60\r\n"), "{refused}");
    assert_eq!(world.register(phone, 86_400), 200);
    assert_eq!(world.switch.registrations(world.now)[0].expires_in, SECOND * 3600);
}

#[test]
fn expires_zero_ends_one_registration_and_a_star_ends_all() {
    let mut world = World::new();
    let first = world.phone("alice");
    let second = world.phone("alice");
    assert_eq!(world.register(first, 0), 200);
    assert_eq!(contacts(&world, "alice"), [format!("sip:phone@{}", world.flow(second).remote)]);
    assert_eq!(world.register_as(second, "*", Some(60)).status_code.code(), 400);
    assert_eq!(contacts(&world, "alice").len(), 1);
    world.phone("alice");
    assert_eq!(world.register_as(second, "*", Some(0)).status_code.code(), 200);
    assert!(contacts(&world, "alice").is_empty());
    assert_eq!(stored(&world, "alice"), Some(0));
}

#[test]
fn a_phone_on_a_closed_connection_is_not_called_but_one_over_udp_is() {
    let mut world = World::new();
    let alice = world.phone("alice");
    let tcp = world.phone_over("bob", Transport::Tcp);
    let udp = world.phone("bob");
    world.disconnect(tcp);
    world.disconnect(udp);
    assert_eq!(contacts(&world, "bob"), [format!("sip:phone@{}", world.flow(udp).remote)]);
    assert_eq!(stored(&world, "bob"), Some(1));
    let call = world.dial(alice, "102");
    world.assert_not_called(tcp);
    let bob = world.called(udp);
    world.answer(bob);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn registrations_come_back_from_the_store_but_connections_do_not() {
    let mut old = World::new();
    old.phone("bob");
    old.phone_over("bob", Transport::Tls);
    let mut bindings = Vec::new();
    for write in &old.writes {
        if let Write::Bindings { bindings: of_user, .. } = write {
            bindings.clone_from(of_user);
        }
    }
    assert_eq!(bindings.len(), 2);
    let lapsed =
        Binding { expires: SECOND / 2, contact: "sip:old@10.0.0.9".to_owned(), ..bindings[0].clone() };

    let mut world = World::new();
    let alice = world.phone("alice");
    let bob = world.new_phone("bob", Transport::Udp);
    let of_bob = bindings.into_iter().chain([lapsed]).map(|binding| ("bob".to_owned(), binding));
    let mut restored: Vec<_> = of_bob.collect();
    // It was registered from where the new phone is.
    restored[0].1.flow = world.flow(bob);
    restored.push(("gone".to_owned(), restored[0].1.clone()));
    world.input(Input::Restored(restored));
    assert_eq!(world.switch.registrations(world.now).len(), 2);
    let call = world.dial(alice, "bob");
    let ringing = world.called(bob);
    world.refuse(ringing, 486);
    assert_eq!(world.end(call), Some(End::Refused(486)));
    world.assert_over();
}

#[test]
fn a_user_whom_a_reload_removes_has_no_phones_and_no_calls_any_more_but_his_call_goes_on() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (call, _) = world.talking(alice, "102", bob);
    world.reload(|settings| drop(settings.users.remove("bob")));
    assert!(contacts(&world, "bob").is_empty());
    assert_eq!(stored(&world, "bob"), Some(0));
    assert!(world.is_up(call));
    world.hang_up(call);
    let again = world.dial(alice, "102");
    assert_eq!(world.end(again), Some(End::Refused(404)));
    assert_eq!(world.register(bob, 3600), 401);
    let refused = world.dial(bob, "101");
    assert_eq!(world.end(refused), Some(End::Refused(401)));
    world.assert_over();
}

#[test]
fn a_new_realm_makes_old_passwords_worthless_and_a_new_password_counts_at_once() {
    let mut world = World::new();
    let alice = world.phone("alice");
    world.reload(|settings| {
        let digests = jackfield_sip::Digests::of("alice", REALM, "another");
        settings.users.change("alice", |alice| alice.digests = digests);
    });
    assert_eq!(contacts(&world, "alice").len(), 1, "who has logged in stays");
    assert_eq!(world.register(alice, 3600), 401);
    world.set_password(alice, "another");
    assert_eq!(world.register(alice, 3600), 200);
    world.reload(|settings| settings.realm = "elsewhere".to_owned());
    assert_eq!(world.register(alice, 3600), 401);
}

#[test]
fn a_stale_nonce_is_answered_with_a_new_one() {
    let mut world = World::new();
    let phone = world.new_phone("alice", Transport::Udp);
    let request = world.outside(phone, Method::Register);
    // The phone keeps its first challenge for ten minutes.
    let nonce = |answer: &rsip::Response| {
        let text = answer.to_string();
        text.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    world.set_password(phone, "wrong");
    let first = world.asks(phone, request);
    world.run_for(SECOND * 600);
    world.set_password(phone, &password("alice"));
    let again = world.outside(phone, Method::Register);
    let old = world.logged_in_with(phone, again, &first);
    let answer = world.asks(phone, old);
    assert_eq!(answer.status_code.code(), 401);
    assert!(answer.to_string().contains("stale=true"), "{answer}");
    assert_ne!(nonce(&answer), nonce(&first));
    let third = world.outside(phone, Method::Register);
    let fresh = world.logged_in_with(phone, third, &answer);
    assert_eq!(world.asks(phone, fresh).status_code.code(), 200);
}
