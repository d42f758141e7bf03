//! Phones that send their calls elsewhere, and calls that run in circles.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::RouteTo;

/// Bob sends the call to these addresses.
fn redirect(world: &mut World, line: Line, contacts: &str) {
    world.refuse_with(line, 302, &[("Contact", contacts)]);
}

#[test]
fn a_redirection_to_a_number_is_followed_as_if_the_caller_had_dialled_it() {
    let mut world = World::new();
    let (alice, bob, carol) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let call = world.dial(alice, "102");
    let first = world.called(bob);
    world.ring(first);
    redirect(&mut world, first, "<sip:103@192.0.2.1>");
    let second = world.called(carol);
    assert_eq!(world.end(call), None);
    world.answer(second);
    world.assert_talking(call, second);
    world.hang_up(call);
    assert_eq!(world.record().connected.as_deref(), Some("carol"));
    world.assert_over();
}

#[test]
fn a_phone_that_sends_its_calls_back_to_itself_rings_once() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let line = world.called(bob);
    redirect(&mut world, line, "<sip:102@192.0.2.1>, <sip:bob@192.0.2.1>");
    world.assert_not_called(bob);
    assert_eq!(world.end(call), Some(End::Refused(480)));
    world.assert_over();
}

#[test]
fn the_host_of_a_stranger_and_other_schemes_are_not_called() {
    for contacts in ["<sip:900@203.0.113.5>", "<tel:+33123456789>", "<sip:900@evil.example;transport=tcp>"] {
        let mut world = World::new();
        let (alice, bob) = (world.phone("alice"), world.phone("bob"));
        let call = world.dial(alice, "102");
        let line = world.called(bob);
        redirect(&mut world, line, contacts);
        assert_eq!((world.opens(), world.end(call)), (0, Some(End::Refused(480))), "{contacts}");
        world.assert_over();
    }
}

#[test]
fn a_peer_redirects_to_another_of_its_hosts() {
    let mut world = World::with(|settings| {
        settings.peers = vec![provider()];
        settings.routes = vec![route("9*", RouteTo::Sip("sip:{rest}@198.51.100.1:5060".to_owned()))];
    });
    let alice = world.phone("alice");
    let (first, second) = (world.stranger("trunk", PROVIDER), world.stranger("trunk2", "198.51.100.2:5060"));
    let call = world.dial(alice, "9123");
    let line = world.called(first);
    redirect(&mut world, line, "<sip:123@198.51.100.9:5060>;q=0.1, <sip:123@198.51.100.2:5060>;q=0.9");
    let line = world.called(second);
    world.answer(line);
    world.assert_talking(call, line);
    world.hang_up(call);
    world.assert_over();
}

#[test]
fn a_caller_from_outside_is_not_sent_where_he_may_not_call() {
    let mut world = World::with(|settings| {
        settings.peers = vec![provider()];
        settings.routes = vec![route("200", to_users(&["bob"]))];
    });
    let (provider, bob, carol) =
        (world.stranger("trunk", PROVIDER), world.phone("bob"), world.phone("carol"));
    let call = world.dial(provider, "200");
    let line = world.called(bob);
    // Without a route, numbers of users are for users.
    redirect(&mut world, line, "<sip:103@192.0.2.1>");
    world.assert_not_called(carol);
    assert_eq!(world.end(call), Some(End::Refused(480)));
    world.assert_over();
}

#[test]
fn a_phone_sends_its_calls_to_a_plugin() {
    let mut world = World::with(with_menu);
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let line = world.called(bob);
    redirect(&mut world, line, "<sip:100@192.0.2.1>");
    let app = world.started();
    world.succeeds(app.instance, jackfield_switch::Command::Answer { leg: app.leg });
    assert!(world.is_up(call));
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn redirections_that_never_end_are_left() {
    let mut world = World::with(|settings| {
        settings.max_contacts = 10;
        for at in 0..9 {
            let name = format!("user{at}");
            settings.users.insert(name.clone(), user(&name, &format!("11{at}")));
        }
    });
    let alice = world.phone("alice");
    let phones: Vec<_> = (0..9).map(|at| world.phone(&format!("user{at}"))).collect();
    let call = world.dial(alice, "110");
    let mut rung = 0;
    for (at, &phone) in phones.iter().enumerate() {
        let Some(&line) = world.all_called(phone).first() else { break };
        rung += 1;
        redirect(&mut world, line, &format!("<sip:11{}@192.0.2.1>", at + 1));
    }
    assert_eq!((rung, world.end(call)), (6, Some(End::Refused(480))));
    world.assert_over();
}

#[test]
fn each_hop_has_one_forward_less_and_the_last_has_none() {
    let cases = [(None, Some("70")), (Some("10"), Some("9")), (Some("1"), Some("0")), (Some("0"), None)];
    for (given, result) in cases {
        let mut world = World::with(|settings| {
            settings.peers = vec![provider()];
            settings.routes = vec![route("102", to_users(&["bob"]))];
        });
        let (trunk, bob) = (world.stranger("trunk", PROVIDER), world.phone("bob"));
        let call = world.dial_hops(trunk, "102", given);
        match result {
            Some(hops) => {
                let line = world.called(bob);
                assert_eq!(world.invited_with(line, "Max-Forwards").as_deref(), Some(hops));
                world.refuse(line, 486);
            }
            None => assert_eq!(world.end(call), Some(End::Refused(483))),
        }
        world.assert_over();
    }
}
