//! Digits by INFO, by events and as tones, and from one to the other over a bridge.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::*;
use jackfield_switch::Dtmf;
use rsip::{Method, prelude::UntypedHeader};

fn info(world: &mut World, line: Line, kind: &str, body: &str) -> u16 {
    let mut request = world.within(line, Method::Info);
    request.headers.push(rsip::headers::ContentType::new(kind).into());
    request.body = body.into();
    world.asks_within(line, request)
}

#[test]
fn a_digit_by_info_reaches_the_other_leg_as_an_event() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (here, there) = world.talking(alice, "102", bob);
    assert_eq!(info(&mut world, here, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"), 200);
    world.run_for(Duration::from_millis(400));
    assert_eq!(info(&mut world, here, "application/dtmf", "#"), 200);
    world.run_for(Duration::from_millis(400));
    assert_eq!(world.heard_digits(there), "5#");
    assert_eq!(info(&mut world, here, "application/dtmf-relay", "Signal=?"), 400);
    assert_eq!(info(&mut world, here, "text/plain", "5"), 415);
}

#[test]
fn a_phone_that_wants_info_gets_no_events() {
    let mut world = World::with(|settings| settings.users.change("bob", |bob| bob.dtmf = Dtmf::Info));
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (here, there) = world.talking(alice, "102", bob);
    world.press(here, '7');
    world.run_for(Duration::from_millis(400));
    assert_eq!(world.heard_digits(there), "");
}
