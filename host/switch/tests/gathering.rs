//! Collecting digits, with the prompts and times that real callers meet.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_switch::{Command, Event, GatherEnd, GatherOptions, Time, Token, Value};

fn gather(world: &mut World, app: &App, prompts: Time, options: GatherOptions) -> Token {
    let sources = if prompts == Time::ZERO { vec![] } else { prompt(prompts) };
    world.post(app.instance, Command::Gather { leg: app.leg, sources, options })
}

#[track_caller]
fn assert_gathered(world: &World, token: Token, digits: &str, ended_by: GatherEnd) {
    assert_eq!(world.value(token), Value::Gathered { digits: digits.to_owned(), ended_by });
}

fn finish(mut world: World, app: &App, call: Line) {
    world.hang_up(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_key_stops_the_prompt_at_once_and_counts() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = gather(&mut world, &app, SECOND * 60, gathering(1, 1, ""));
    world.run_for(SECOND);
    world.heard(call);
    world.press(call, '1');
    assert_gathered(&world, token, "1", GatherEnd::MaxReached);
    world.run_for(SECOND);
    assert_eq!(world.heard(call), []);
    assert_eq!(world.maybe_event(app.instance), None, "what a verb takes is no event");
    finish(world, &app, call);
}

#[test]
fn the_first_time_counts_from_the_end_of_the_prompts_to_the_millisecond() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = gather(&mut world, &app, SECOND, gathering(1, 1, ""));
    let start = world.now;
    // The prompt is sent by ticks of 20 ms; its last frame is the moment from which time counts.
    while world.heard(call).is_empty() || world.now < start + SECOND {
        world.run_for(MS);
    }
    let mut last = world.now;
    loop {
        world.run_for(MS);
        if !world.heard(call).is_empty() {
            last = world.now;
        } else if world.now > last + MS * 100 {
            break;
        }
    }
    world.run_until(last + SECOND * 10 - MS);
    world.assert_waiting(token);
    world.run_for(MS);
    assert_gathered(&world, token, "", GatherEnd::FirstTimeout);
    finish(world, &app, call);
}

#[test]
fn without_prompts_it_counts_from_the_verb() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = gather(&mut world, &app, Time::ZERO, gathering(1, 1, ""));
    world.run_for(SECOND * 10 - MS);
    world.assert_waiting(token);
    world.run_for(MS);
    assert_gathered(&world, token, "", GatherEnd::FirstTimeout);
    finish(world, &app, call);
}

#[test]
fn the_time_between_digits_counts_from_each_of_them() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = gather(&mut world, &app, SECOND * 30, gathering(1, 9, ""));
    world.run_for(SECOND * 5);
    for digit in ['1', '2', '3'] {
        world.press(call, digit);
        world.run_for(SECOND * 3 - MS);
        world.assert_waiting(token);
    }
    world.run_for(MS);
    assert_gathered(&world, token, "123", GatherEnd::InterTimeout);
    finish(world, &app, call);
}

#[test]
fn the_finishing_digit_ends_the_input_and_is_not_part_of_it() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = gather(&mut world, &app, Time::ZERO, gathering(2, 9, "#*"));
    for digit in ['1', '#', '2'] {
        world.press(call, digit);
        world.assert_waiting(token);
    }
    world.press(call, '*');
    assert_gathered(&world, token, "12", GatherEnd::FinishDigit);
    // At once, where nothing is asked for.
    let token = gather(&mut world, &app, Time::ZERO, gathering(0, 9, "#"));
    world.press(call, '#');
    assert_gathered(&world, token, "", GatherEnd::FinishDigit);
    finish(world, &app, call);
}

#[test]
fn what_was_typed_ahead_counts_and_spares_the_prompt() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    "123#4".chars().for_each(|digit| world.press(call, digit));
    let token = gather(&mut world, &app, SECOND * 60, gathering(1, 2, "#"));
    assert_gathered(&world, token, "12", GatherEnd::MaxReached);
    let token = gather(&mut world, &app, SECOND * 60, gathering(1, 9, "#"));
    assert_gathered(&world, token, "3", GatherEnd::FinishDigit);
    let token = gather(&mut world, &app, SECOND * 60, gathering(1, 2, ""));
    world.heard(call);
    world.run_for(SECOND * 3 - MS);
    world.assert_waiting(token);
    assert_eq!(world.heard(call), [], "who types ahead knows the prompt");
    world.run_for(MS);
    assert_gathered(&world, token, "4", GatherEnd::InterTimeout);
    finish(world, &app, call);
}

#[test]
fn no_more_than_64_digits_are_kept() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    (0..70).for_each(|n| world.press(call, if n < 64 { '1' } else { '2' }));
    let token = gather(&mut world, &app, Time::ZERO, gathering(1, 255, ""));
    world.run_for(SECOND * 3);
    assert_gathered(&world, token, &"1".repeat(64), GatherEnd::InterTimeout);
    finish(world, &app, call);
}

#[test]
fn a_flush_forgets_what_was_typed_before() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    world.press(call, '1');
    let mut options = gathering(1, 1, "");
    options.flush = true;
    let token = gather(&mut world, &app, SECOND, options);
    world.assert_waiting(token);
    world.press(call, '2');
    assert_gathered(&world, token, "2", GatherEnd::MaxReached);
    finish(world, &app, call);
}

#[test]
fn without_barge_in_the_prompt_is_heard_to_its_end() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let mut options = gathering(1, 1, "");
    options.barge_in = false;
    let token = gather(&mut world, &app, SECOND, options.clone());
    world.press(call, '1');
    world.press(call, '2');
    world.run_for(SECOND - MS * 20);
    world.assert_waiting(token);
    world.run_for(MS * 60);
    assert_gathered(&world, token, "1", GatherEnd::MaxReached);
    assert_eq!(world.heard(call).len(), 50);
    // The second is typed ahead; and the prompt is played all the same.
    let token = gather(&mut world, &app, SECOND, options);
    world.assert_waiting(token);
    world.run_for(SECOND + MS * 60);
    assert_gathered(&world, token, "2", GatherEnd::MaxReached);
    assert_eq!(world.heard(call).len(), 50);
    finish(world, &app, call);
}

#[test]
fn a_caller_who_hangs_up_ends_the_gather() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let token = gather(&mut world, &app, SECOND * 60, gathering(1, 4, ""));
    world.press(call, '1');
    world.hang_up(call);
    assert!(matches!(world.error(token), jackfield_switch::Error::HungUp(_)));
    assert!(matches!(world.events(app.instance)[..], [Event::HungUp { .. }]));
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    for (min, max) in [(0, 0), (1, 256), (3, 2)] {
        let token = gather(&mut world, &app, Time::ZERO, gathering(min, max, ""));
        assert!(matches!(world.error(token), jackfield_switch::Error::Invalid(_)), "{min} {max}");
    }
    finish(world, &app, call);
    let mut world = World::with(with_menu);
    let alice = world.phone("alice");
    let call = world.dial(alice, "100");
    let app = world.started();
    let token = gather(&mut world, &app, Time::ZERO, gathering(1, 1, ""));
    assert!(matches!(world.error(token), jackfield_switch::Error::Invalid(_)), "nobody has answered");
    world.cancel(call);
    world.returns(app.instance);
    world.assert_over();
}

#[test]
fn a_gather_with_no_time_at_all_takes_what_is_there() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    world.press(call, '7');
    let mut options = gathering(1, 9, "");
    (options.first_timeout, options.inter_timeout) = (Time::ZERO, Time::ZERO);
    let token = gather(&mut world, &app, Time::ZERO, options.clone());
    world.run_for(MS);
    assert_gathered(&world, token, "7", GatherEnd::InterTimeout);
    let token = gather(&mut world, &app, Time::ZERO, options);
    world.run_for(MS);
    assert_gathered(&world, token, "", GatherEnd::FirstTimeout);
    finish(world, &app, call);
}

#[test]
fn digits_during_another_verb_are_kept_for_the_gather() {
    let mut world = World::with(with_menu);
    let (app, call) = world.in_the_menu();
    let sleep = world.post(app.instance, Command::Sleep { time: SECOND });
    world.press(call, '8');
    world.run_for(SECOND);
    world.value(sleep);
    let token = gather(&mut world, &app, SECOND, gathering(1, 1, ""));
    assert_gathered(&world, token, "8", GatherEnd::MaxReached);
    finish(world, &app, call);
}
