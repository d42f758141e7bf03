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

fn with_info(user: &'static str) -> World {
    World::with(move |settings| settings.users.change(user, |user| user.dtmf = Dtmf::Info))
}

#[test]
fn digits_go_by_info_to_a_phone_that_wants_it_however_they_came() {
    let mut world = with_info("bob");
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (here, there) = world.talking(alice, "102", bob);
    world.press(here, '7');
    world.run_for(Duration::from_millis(400));
    assert_eq!(world.informed_digits(there), "7", "an event");
    assert_eq!(info(&mut world, here, "application/dtmf-relay", "Signal=*\r\nDuration=160\r\n"), 200);
    world.run_for(Duration::from_millis(400));
    assert_eq!(world.informed_digits(there), "*", "an INFO");
    assert_eq!((world.heard_digits(there), world.informed_digits(here)), (String::new(), String::new()));
    world.hang_up(here);
    world.assert_over();
}

#[test]
fn a_phone_that_takes_and_sends_info_talks_keys_with_one_that_has_events() {
    // Whoever of them calls.
    for caller_has_info in [false, true] {
        let mut world = with_info(if caller_has_info { "alice" } else { "bob" });
        let (alice, bob) = (world.phone("alice"), world.phone("bob"));
        let (here, there) = world.talking(alice, "102", bob);
        let (with_info, with_events) = if caller_has_info { (here, there) } else { (there, here) };
        for digit in "159#".chars() {
            world.press(with_events, digit);
            world.run_for(Duration::from_millis(300));
        }
        assert_eq!(world.informed_digits(with_info), "159#");
        for digit in "260*".chars() {
            let body = format!("Signal={digit}\r\nDuration=200\r\n");
            assert_eq!(info(&mut world, with_info, "application/dtmf-relay", &body), 200);
            world.run_for(Duration::from_millis(300));
        }
        assert_eq!(world.heard_digits(with_events), "260*");
        assert_eq!((world.heard_digits(with_info), world.informed_digits(with_events)), Default::default());
        world.hang_up(here);
        world.assert_over();
    }
}

#[test]
fn two_phones_with_info_talk_keys_by_info() {
    let mut world = World::with(|settings| {
        for user in ["alice", "bob"] {
            settings.users.change(user, |user| user.dtmf = Dtmf::Info);
        }
    });
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let (here, there) = world.talking(alice, "102", bob);
    assert_eq!(info(&mut world, here, "application/dtmf", "8"), 200);
    assert_eq!(info(&mut world, there, "application/dtmf-relay", "Signal=0\r\nDuration=160\r\n"), 200);
    world.run_for(Duration::from_millis(400));
    assert_eq!((world.informed_digits(there), world.informed_digits(here)), ("8".into(), "0".into()));
    world.hang_up(here);
    world.assert_over();
}
