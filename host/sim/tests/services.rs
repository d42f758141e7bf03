//! Services: their state goes from version to version, and those that fail are started again.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::*;
use jackfield_sim::{Plugin, Site, World};

fn fickle(settings: &str) -> Plugin {
    guest("fickle", "service").config(settings)
}

/// When the service was started, its version, and what it counted in its state.
fn starts(world: &World) -> Vec<(Duration, u64, String)> {
    let all = world.log().into_iter().filter(|line| line.plugin == "fickle");
    all.map(|line| (line.at, line.version, line.message)).collect()
}

fn start(at: Duration, version: u64, count: u64) -> (Duration, u64, String) {
    (at, version, format!("start {count}"))
}

fn with_fickle(settings: &str) -> World {
    open(Site::new().plugin("fickle", fickle(settings)))
}

#[test]
fn each_version_gets_the_state_of_the_one_before() {
    let world = with_fickle("");
    for seconds in [20, 40] {
        world.run_for(s(20));
        world.install("fickle", &fickle("")).unwrap();
        assert_eq!(world.now(), s(seconds));
    }
    assert_eq!(starts(&world), [start(s(0), 1, 1), start(s(20), 2, 2), start(s(40), 3, 3)]);
}

#[test]
fn a_version_that_fails_at_once_gives_way_to_the_former_one_with_the_same_state() {
    let world = with_fickle("");
    world.run_for(s(60));
    world.install("fickle", &fickle("fails-after = 3")).unwrap();
    world.run_for(s(60));
    assert_eq!(starts(&world), [start(s(0), 1, 1), start(s(60), 2, 2), start(s(63), 1, 2)]);
    let told: Vec<String> = world.notices().into_iter().map(|notice| notice.text).collect();
    assert!(told.iter().any(|text| text.contains("fickle fails, as it should")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("the former version v1 is started again")), "{told:?}");
}

#[test]
fn a_service_that_goes_on_failing_is_started_after_longer_and_longer_pauses() {
    let world = with_fickle("fails-after = 0");
    world.run_for(s(300));
    let at: Vec<u64> = starts(&world).iter().map(|(at, _, _)| at.as_secs()).collect();
    assert_eq!(at, [0, 2, 6, 14, 30, 62, 122, 182, 242]);
}

#[test]
fn a_service_that_fails_after_a_while_is_started_again_after_a_second() {
    let world = with_fickle("fails-after = 60");
    world.run_for(s(200));
    let at: Vec<u64> = starts(&world).iter().map(|(at, _, _)| at.as_secs()).collect();
    assert_eq!(at, [0, 61, 122, 183]);
}

#[test]
fn a_service_that_does_not_stop_in_ten_seconds_is_dropped() {
    let world = with_fickle("deaf = true");
    world.run_for(s(20));
    world.install("fickle", &fickle("")).unwrap();
    world.run_for(s(20));
    assert_eq!(starts(&world), [start(s(0), 1, 1), start(s(30), 2, 1)]);
    world.remove("fickle");
    world.run_for(s(60));
    assert_eq!(world.counts().instances, 0);
}
