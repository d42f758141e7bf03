//! Phones behind a NAT, and the flows that lead back to them (RFC 5626).
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_sip::Transport;
use rsip::{
    Method, Response,
    headers::{Contact, Header, UntypedHeader},
};

/// Registers a contact of the phone's own network.
fn register_inside(world: &mut World, phone: Phone, seconds: u32) {
    let contact = "<sip:phone@192.168.1.7:5060>";
    assert_eq!(world.register_as(phone, contact, Some(seconds)).status_code.code(), 200);
}

/// Registers a flow of the phone with that instance.
fn register_flow(world: &mut World, phone: Phone, instance: &str, reg_id: u32) -> Response {
    let mut request = world.outside(phone, Method::Register);
    request.headers.retain(|header| !matches!(header, Header::Contact(_)));
    let contact = format!("<sip:phone@192.168.1.7>;+sip.instance=\"<urn:uuid:{instance}>\";reg-id={reg_id}");
    request.headers.push(Contact::new(contact).into());
    request.headers.push(Header::Other("Supported".to_owned(), "path, outbound".to_owned()));
    world.asks(phone, request)
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers.iter().find_map(|header| {
        let text = header.to_string();
        let (found, value) = text.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

#[test]
fn the_pin_hole_of_a_phone_behind_a_nat_is_kept_open_while_it_is_registered() {
    let mut world = World::new();
    let (hidden, plain) = (world.new_phone("alice", Transport::Udp), world.phone("bob"));
    register_inside(&mut world, hidden, 60);
    world.run_for(SECOND * 20);
    // A refresh is no second phone.
    register_inside(&mut world, hidden, 60);
    world.run_for(SECOND * 60);
    let asked = world.asked_alive(hidden).to_vec();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] == SECOND * 25), "{asked:?}");
    world.run_for(SECOND * 3600);
    assert_eq!(world.asked_alive(hidden).len(), 3, "it is not registered any more");
    assert!(world.asked_alive(plain).is_empty());
    world.assert_over();
}

#[test]
fn a_phone_with_a_connection_is_not_asked_for_tcp_does_that() {
    let mut world = World::new();
    let phone = world.new_phone("alice", Transport::Tcp);
    register_inside(&mut world, phone, 600);
    world.run_for(SECOND * 100);
    assert!(world.asked_alive(phone).is_empty());
    world.assert_over();
}

#[test]
fn a_phone_that_keeps_its_flow_alive_itself_is_told_how_often() {
    let mut world = World::new();
    for (transport, seconds) in [(Transport::Udp, "25"), (Transport::Tcp, "120")] {
        let phone = world.new_phone("alice", transport);
        let answer = register_flow(&mut world, phone, transport.as_str(), 1);
        assert_eq!(answer.status_code.code(), 200);
        assert_eq!(header(&answer, "Require").as_deref(), Some("outbound"));
        assert_eq!(header(&answer, "Flow-Timer").as_deref(), Some(seconds));
    }
    let plain = world.new_phone("bob", Transport::Udp);
    let contact = "<sip:phone@10.0.0.12>";
    let answer = world.register_as(plain, contact, Some(600));
    assert_eq!((header(&answer, "Require"), header(&answer, "Flow-Timer")), (None, None));
    world.assert_over();
}

#[test]
fn a_phone_with_two_flows_rings_once_on_the_newer_one() {
    let mut world = World::new();
    let alice = world.phone("alice");
    let flows = [Transport::Tcp, Transport::Tcp].map(|transport| world.new_phone("bob", transport));
    for (index, flow) in flows.into_iter().enumerate() {
        assert_eq!(register_flow(&mut world, flow, "1", index as u32 + 1).status_code.code(), 200);
        world.run_for(SECOND);
    }
    let line = world.dial(alice, "102");
    world.assert_not_called(flows[0]);
    let called = world.called(flows[1]);
    world.refuse(called, 486);
    assert_eq!(world.statuses(line).last(), Some(&486));

    // Its connection fails: the other flow leads to the phone.
    world.disconnect(flows[1]);
    world.dial(alice, "102");
    let called = world.called(flows[0]);
    world.refuse(called, 486);
    world.assert_over();
}

#[test]
fn a_phone_that_comes_back_on_another_connection_is_called_there() {
    let mut world = World::new();
    let alice = world.phone("alice");
    let [before, after] = [(); 2].map(|()| world.new_phone("bob", Transport::Tls));
    register_flow(&mut world, before, "1", 1);
    register_flow(&mut world, after, "1", 1);
    world.dial(alice, "102");
    world.assert_not_called(before);
    let called = world.called(after);
    world.refuse(called, 486);
    // That the old connection is gone is noticed later, and changes nothing.
    world.disconnect(before);
    world.dial(alice, "102");
    let called = world.called(after);
    world.refuse(called, 486);
    world.assert_over();
}
