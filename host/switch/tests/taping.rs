//! Recordings of calls: who is on which side of them, and how long they last when legs come and go.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::{CallRecord, Input, TapeAction};

/// Samples a second.
const RATE: usize = 8000;

fn recorded_users(users: &'static [&str]) -> World {
    World::with(move |settings| {
        for user in users {
            settings.users.change(user, |user| user.record = true);
        }
    })
}

/// The recording of a call as a writer has it: left and right.
fn recording(world: &World, record: &CallRecord) -> (Vec<i16>, Vec<i16>) {
    let name = record.recording.clone().expect("it was recorded");
    let pieces: Vec<_> = world.pieces.iter().filter(|piece| *piece.name == *name).collect();
    assert_eq!(pieces.iter().filter(|piece| piece.last).count(), 1, "it has one end");
    assert!(pieces.last().unwrap().last, "and it is the last of it");
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for piece in pieces {
        assert_eq!(piece.begin, left.len() as u64, "it has no hole");
        left.extend(piece.samples.iter().step_by(2));
        right.extend(piece.samples.iter().skip(1).step_by(2));
    }
    (left, right)
}

/// Seconds, a tenth more or less, in which somebody speaks.
fn speech(side: &[i16]) -> f64 {
    let loud = side.chunks(80).filter(|part| part.iter().any(|sample| sample.unsigned_abs() > 5000)).count();
    loud as f64 / 100.0
}

/// A recording is as long as its call was up.
fn assert_as_long_as_the_call(record: &CallRecord, side: &[i16]) {
    let (length, billed) = (side.len() as f64 / RATE as f64, record.ended_at - record.answered_at.unwrap());
    assert!((length - billed as f64 / 1000.0).abs() < 0.5, "{length} s of {billed} ms");
}

fn assert_about(seconds: f64, expected: f64) {
    assert!((seconds - expected).abs() < 0.2, "{seconds} s instead of {expected} s");
}

#[test]
fn a_call_is_recorded_with_the_caller_on_the_left_and_as_long_as_it_lasts() {
    let mut world = recorded_users(&["alice"]);
    let (alices, bobs) = (world.phone("alice"), world.phone("bob"));
    let (alice, bob) = world.talking(alices, "102", bobs);
    world.talk(alice, 100);
    world.talk(bob, 50);
    world.run_for(SECOND);
    world.hang_up(bob);
    let record = world.record();
    let (left, right) = recording(&world, &record);
    assert_as_long_as_the_call(&record, &left);
    assert_about(speech(&left), 2.0);
    assert_about(speech(&right), 1.0);
    assert_about(speech(&left[..2 * RATE]), 2.0);
    world.assert_over();
}

#[test]
fn a_recording_goes_on_when_the_called_one_transfers_the_caller() {
    let mut world = recorded_users(&["alice"]);
    let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (alice, bob) = world.talking(alices, "102", bobs);
    world.talk(alice, 50);
    assert_eq!(world.refer(bob, "103"), 202);
    let carol = world.called(carols);
    world.answer(carol);
    world.hang_up(bob);
    world.talk(alice, 100);
    world.talk(carol, 150);
    world.hang_up(alice);
    let record = world.record();
    let (left, right) = recording(&world, &record);
    assert_as_long_as_the_call(&record, &left);
    assert_about(speech(&left), 3.0);
    assert_about(speech(&right), 3.0);
    world.assert_over();
}

#[test]
fn a_recording_goes_on_with_who_stays_when_the_caller_transfers() {
    // Whether she waits for the end of her transfer, or hangs up at once.
    for waits in [true, false] {
        let mut world = recorded_users(&["alice"]);
        let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
        let (alice, bob) = world.talking(alices, "102", bobs);
        world.talk(bob, 50);
        assert_eq!(world.refer(alice, "103"), 202);
        let carol = world.called(carols);
        if !waits {
            world.hang_up(alice);
            world.run_for(SECOND);
        }
        world.answer(carol);
        if waits {
            world.hang_up(alice);
        }
        let before = world.pieces.iter().map(|piece| piece.samples.len() / 2).sum::<usize>() / RATE;
        world.talk(bob, 100);
        world.talk(carol, 150);
        world.hang_up(carol);
        let record = world.record();
        let (left, right) = recording(&world, &record);
        assert_as_long_as_the_call(&record, &left);
        // Bob stays on the right; Carol is where Alice was.
        let (music, voice) = left.split_at((before + 2) * RATE);
        assert_about(speech(&right), 3.0);
        assert_about(speech(voice), 3.0);
        assert_eq!(speech(music) > 0.3, !waits, "Bob's music");
        world.assert_over();
    }
}

#[test]
fn a_pause_outlives_a_transfer_and_the_operator_still_has_the_recording() {
    let mut world = recorded_users(&["alice"]);
    let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (alice, bob) = world.talking(alices, "102", bobs);
    let id = world.switch.calls()[0].id.clone();
    let order = |world: &mut World, action| world.input(Input::Tape { call: id.clone(), action });
    world.talk(bob, 50);
    order(&mut world, TapeAction::Pause);
    assert_eq!(world.refer(alice, "103"), 202);
    let carol = world.called(carols);
    world.answer(carol);
    world.hang_up(alice);
    world.talk(bob, 100);
    assert_eq!(world.switch.calls()[0].recording.as_deref(), Some("paused"));
    order(&mut world, TapeAction::Resume);
    world.talk(bob, 150);
    order(&mut world, TapeAction::Stop);
    world.talk(bob, 50);
    world.hang_up(carol);
    let record = world.record();
    let (_, right) = recording(&world, &record);
    assert_about(right.len() as f64 / RATE as f64, 6.0);
    assert_about(speech(&right), 4.0);
    world.assert_over();
}

#[test]
fn after_an_attended_transfer_both_calls_are_recorded_to_their_end() {
    let mut world = recorded_users(&["bob"]);
    let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (alice, bob) = world.talking(alices, "102", bobs);
    world.talk(alice, 50);
    assert_eq!(world.hold(bob, "sendonly"), 200);
    let (second, carol) = world.talking(bobs, "103", carols);
    world.talk(carol, 100);
    assert_eq!(world.refer_to_line(bob, second), 202);
    world.hang_up(bob);
    world.talk(alice, 150);
    world.talk(carol, 200);
    world.hang_up(alice);
    let records: Vec<_> = std::mem::take(&mut world.records);
    let [first, second] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!(first.linked, second.linked);
    for record in [first, second] {
        let (left, right) = recording(&world, record);
        assert_as_long_as_the_call(record, &left);
        // Alice called Bob, in whose place is Carol now; Bob called Carol, and Alice is in his place.
        assert_about(speech(&left[left.len() - 7 * RATE..]), 3.0);
        assert_about(speech(&right[right.len() - 4 * RATE..]), 4.0);
    }
    world.assert_over();
}

#[test]
fn who_is_replaced_by_another_phone_leaves_the_recording_to_it() {
    let mut world = recorded_users(&["alice"]);
    let (alices, bobs, carols) = (world.phone("alice"), world.phone("bob"), world.phone("carol"));
    let (alice, bob) = world.talking(alices, "102", bobs);
    world.talk(bob, 50);
    let replaces = world.replaces(alice);
    let carol = world.dial_to_replace(carols, &replaces);
    assert!(world.is_up(carol) && !world.is_up(alice));
    world.talk(bob, 100);
    world.talk(carol, 150);
    world.hang_up(carol);
    let records: Vec<_> = std::mem::take(&mut world.records);
    let record = records.iter().find(|record| record.recording.is_some()).unwrap();
    let (left, right) = recording(&world, record);
    assert_as_long_as_the_call(record, &left);
    assert_about(speech(&right), 3.0);
    assert_about(speech(&left), 3.0);
    world.assert_over();
}
