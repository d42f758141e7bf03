//! The recording of a whole call, in virtual time: both sides, in time with the clock, without holes.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use common::*;
use jackfield_media::{Command, LegId};

const LOUD: i16 = 32_124;
const CODE: u8 = 0x80;

fn tape(world: &mut World, n: u64, called: bool) {
    world.command(Command::Tape { leg: LegId(n), name: "call".into(), called });
}

/// What was recorded so far, left and right; checks that the pieces lie end to end.
fn recorded(world: &mut World) -> (Vec<i16>, Vec<i16>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for piece in std::mem::take(&mut world.pieces) {
        assert_eq!((&*piece.name, piece.begin), ("call", left.len() as u64));
        for pair in piece.samples.chunks_exact(2) {
            left.push(pair[0]);
            right.push(pair[1]);
        }
    }
    (left, right)
}

fn is_loud(samples: &[i16]) -> bool {
    samples.iter().filter(|sample| sample.unsigned_abs() > 10_000).count() * 10 > samples.len() * 9
}

fn is_silent(samples: &[i16]) -> bool {
    samples.iter().all(|sample| sample.unsigned_abs() < 50)
}

#[test]
fn caller_and_callee_are_on_their_sides() {
    let mut world = World::of_two(params(1), alaw(2));
    world.bridge();
    tape(&mut world, 1, false);
    let (mut alice, mut bob) = (Phone::new(1, &params(1)), Phone::new(2, &alaw(2)));
    alice.talk_for(&mut world, 100);
    for _ in 0..100 {
        bob.talk(&mut world, 0xaa);
    }
    world.command(Command::Close { leg: LegId(1) });
    assert!(world.pieces.last().unwrap().last);
    let (left, right) = recorded(&mut world);
    assert_eq!(left.len(), 200 * 160);
    assert!(is_loud(&left[2000..14_000]) && is_silent(&right[..14_000]));
    assert!(is_loud(&right[19_000..30_000]) && is_silent(&left[19_000..]));
}

#[test]
fn what_is_played_is_recorded_and_the_called_one_is_on_the_right() {
    let mut world = World::new();
    world.open(1, params(1));
    tape(&mut world, 1, true);
    world.play(1, 7, vec![clip(LOUD, ms(1000))]);
    world.advance(ms(2000));
    world.command(Command::StopTape { leg: LegId(1) });
    let (left, right) = recorded(&mut world);
    assert!(is_loud(&left[800..7500]) && is_silent(&left[9000..]) && is_silent(&right));
    world.advance(ms(1000));
    assert!(world.pieces.is_empty(), "it has ended");
}

#[test]
fn a_pause_is_silence_of_its_length() {
    let mut world = World::new();
    world.open(1, params(1));
    tape(&mut world, 1, false);
    let mut alice = Phone::new(1, &params(1));
    alice.talk_for(&mut world, 100);
    world.command(Command::PauseTape { leg: LegId(1), paused: true });
    alice.talk_for(&mut world, 100);
    world.command(Command::PauseTape { leg: LegId(1), paused: false });
    alice.talk_for(&mut world, 100);
    world.command(Command::StopTape { leg: LegId(1) });
    let (left, _) = recorded(&mut world);
    assert_eq!(left.len(), 300 * 160);
    assert!(
        is_loud(&left[2000..15_900]) && is_silent(&left[16_200..31_900]) && is_loud(&left[32_200..47_000])
    );
}

#[test]
fn a_driver_that_sleeps_costs_silence_and_not_time() {
    let mut world = World::new();
    world.open(1, params(1));
    tape(&mut world, 1, false);
    world.advance(ms(1000));
    world.oversleep(ms(5000));
    world.advance(ms(1000));
    world.command(Command::StopTape { leg: LegId(1) });
    let end = world.pieces.iter().map(|piece| piece.begin + piece.samples.len() as u64 / 2).max();
    let end = end.unwrap() / 8;
    assert!((6980..=7000).contains(&end), "{end} ms");
}

#[test]
fn jitter_and_loss_leave_no_gap_in_a_recording() {
    let mut world = World::new();
    world.open(1, params(1));
    tape(&mut world, 1, false);
    let alice = Phone::new(1, &params(1));
    // A minute.
    let begin = world.now;
    for (at, n) in arrivals(3000) {
        world.advance((begin + ms(at)).saturating_sub(world.now));
        let mut phone = Phone { sequence: n, timestamp: u32::from(n) * 160, ..alice.clone() };
        world.send(&mut phone, 0, false, &[CODE; 160]);
    }
    world.command(Command::StopTape { leg: LegId(1) });
    let (left, _) = recorded(&mut world);
    let gaps = left[8000..].split(|sample| sample.unsigned_abs() > 300);
    let longest = gaps.map(<[i16]>::len).max().unwrap() / 8;
    assert!(longest <= 40, "a gap of {longest} ms");
}
