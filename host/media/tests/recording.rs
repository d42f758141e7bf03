//! Recordings, and legs that fall silent.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod common;

use std::{sync::Arc, time::Duration};

use common::*;
use jackfield_media::{
    Clip, Command, Digits, Event, LegId, Params, PlayEnd, RecordEnd, RecordId, Settings, codec::Law, to_wav,
};

fn record(max: Duration, silence: Option<Duration>, finish: &str, beep: bool) -> Command {
    let finish = Digits::parse(finish).expect("digits");
    Command::Record { leg: LegId(1), record: RecordId(5), max, silence, finish, beep }
}

fn recorded(world: &mut World) -> Option<(RecordEnd, Arc<[i16]>)> {
    world.take_events().into_iter().find_map(|event| match event {
        Event::RecordEnded { leg: LegId(1), record: RecordId(5), end, samples } => Some((end, samples)),
        _ => None,
    })
}

fn world() -> (World, Phone) {
    let mut world = World::new();
    world.open(1, params(1));
    (world, Phone::new(1, &params(1)))
}

#[test]
fn a_message_after_the_beep() {
    let (mut world, mut phone) = world();
    world.command(record(ms(60_000), None, "#", true));
    phone.talk_for(&mut world, 11);
    let beep = world.take(1);
    assert_eq!(beep.len(), 10);
    assert!(beep.iter().all(|packet| packet.payload.iter().any(|code| Law::Mu.decode(*code) > 5000)));
    phone.talk_for(&mut world, 100);
    phone.press(&mut world, '1');
    phone.talk_for(&mut world, 100);
    assert!(recorded(&mut world).is_none());
    phone.press(&mut world, '#');
    let (end, samples) = recorded(&mut world).expect("a recording");
    assert_eq!(end, RecordEnd::Digit('#'));
    assert!((207 * 160..=209 * 160).contains(&samples.len()), "{}", samples.len());
    let silent = samples.iter().filter(|sample| **sample == 0).count();
    assert!((7 * 160..8 * 160).contains(&silent), "the digit in the middle is silence: {silent}");
    assert_eq!(Clip::from_wav(&to_wav(&samples)).expect("a clip").samples(), &*samples);
}

#[test]
fn silence_ends_a_message_with_and_without_packets() {
    for talks_on in [true, false] {
        let (mut world, mut phone) = world();
        world.command(record(ms(60_000), Some(ms(2000)), "", false));
        phone.talk_for(&mut world, 50);
        for _ in 0..96 {
            match talks_on {
                true => _ = phone.talk(&mut world, Law::Mu.silence()),
                false => world.advance(ms(20)),
            }
        }
        assert!(recorded(&mut world).is_none());
        world.advance(ms(140));
        let (end, samples) = recorded(&mut world).expect("a recording");
        assert_eq!(end, RecordEnd::Silence);
        // What seems lost at the end is made up, for 60 ms.
        let loud = samples.iter().filter(|sample| **sample != 0).count();
        assert!((50 * 160..=53 * 160).contains(&loud), "{loud} samples");
    }
}

#[test]
fn a_message_is_not_longer_than_allowed() {
    let (mut world, mut phone) = world();
    world.command(record(ms(1000), None, "", false));
    phone.talk_for(&mut world, 200);
    let (end, samples) = recorded(&mut world).expect("a recording");
    assert_eq!((end, samples.len()), (RecordEnd::Max, 8000));
}

#[test]
fn a_recording_is_stopped_by_name_by_another_and_by_the_end_of_the_leg() {
    let (mut world, mut phone) = world();
    world.command(record(ms(60_000), None, "", false));
    phone.talk_for(&mut world, 10);
    world.command(Command::StopRecord { leg: LegId(1), record: RecordId(6) });
    assert!(recorded(&mut world).is_none());
    world.command(Command::StopRecord { leg: LegId(1), record: RecordId(5) });
    assert!(matches!(recorded(&mut world), Some((RecordEnd::Stopped, samples)) if samples.len() >= 1440));

    world.command(record(ms(60_000), None, "", false));
    world.command(record(ms(60_000), None, "", true));
    assert!(matches!(recorded(&mut world), Some((RecordEnd::Stopped, _))));
    world.command(Command::Close { leg: LegId(1) });
    assert!(matches!(recorded(&mut world), Some((RecordEnd::Stopped, samples)) if samples.is_empty()));
    world.command(record(ms(60_000), None, "", true));
    assert!(matches!(recorded(&mut world), Some((RecordEnd::Stopped, _))), "no such leg");
}

#[test]
fn the_beep_gives_way_to_a_prompt_and_ends_one() {
    let (mut world, mut phone) = world();
    world.play(1, 1, vec![clip(1, ms(1000))]);
    world.command(record(ms(1000), None, "", true));
    assert_eq!(world.take_events(), [ended(1, 1, PlayEnd::Stopped)]);
    world.play(1, 2, vec![clip(1, ms(1000))]);
    phone.talk_for(&mut world, 60);
    let events = world.take_events();
    assert!(events.contains(&ended(1, 2, PlayEnd::Finished)));
    assert!(events.iter().any(|event| matches!(event, Event::RecordEnded { end: RecordEnd::Max, .. })));
}

#[test]
fn a_conversation_is_recorded_while_it_is_relayed() {
    let mut world = World::of_two(params(1), alaw(2));
    world.bridge();
    world.command(record(ms(60_000), None, "", false));
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut world, 100);
    assert_eq!(world.take(2).len(), 100);
    world.command(Command::StopRecord { leg: LegId(1), record: RecordId(5) });
    let (_, samples) = recorded(&mut world).expect("a recording");
    assert!(samples.iter().filter(|sample| **sample == Law::Mu.decode(0x80)).count() >= 99 * 160);
}

fn timed_out(world: &mut World) -> Vec<u64> {
    let leg = |event| match event {
        Event::TimedOut { leg } => Some(leg.0),
        _ => None,
    };
    world.take_events().into_iter().filter_map(leg).collect()
}

#[test]
fn a_leg_that_falls_silent_is_reported_once() {
    let mut world = World::with(Settings { seed: 1, ..Settings::default() });
    world.open(1, params(1));
    assert_eq!(world.session.next_timeout(), Some(world.now + ms(60_000)));
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut world, 100);
    world.advance(ms(59_979));
    assert_eq!(timed_out(&mut world), [0; 0]);
    world.advance(ms(1));
    assert_eq!(timed_out(&mut world), [1]);
    world.advance(ms(600_000));
    assert_eq!(timed_out(&mut world), [0; 0]);
    phone.talk(&mut world, 1);
    world.advance(ms(60_000));
    assert_eq!(timed_out(&mut world), [1], "armed again by a packet");
    world.command(Command::Update { leg: LegId(1), params: params(1) });
    world.advance(ms(60_000));
    assert_eq!(timed_out(&mut world), [1], "and by new parameters");
}

#[test]
fn nothing_is_expected_of_a_peer_that_may_not_send() {
    let mut world = World::with(Settings::default());
    world.open(1, Params { receive: false, ..params(1) });
    world.command(Command::Open { leg: LegId(2), port: jackfield_media::PortId(2), params: None });
    assert_eq!(world.session.next_timeout(), None);
    world.command(Command::Update { leg: LegId(2), params: params(2) });
    world.advance(ms(30_000));
    world.command(Command::Update { leg: LegId(1), params: params(1) });
    world.advance(ms(30_000));
    assert_eq!(timed_out(&mut world), [2]);
    world.advance(ms(30_000));
    assert_eq!(timed_out(&mut world), [1]);
}

#[test]
fn jitter_and_loss_leave_no_gap_in_a_message() {
    let (mut world, phone) = world();
    world.command(record(ms(60_000), None, "", false));
    let begin = world.now;
    for (at, n) in arrivals(1000) {
        world.advance((begin + ms(at)).saturating_sub(world.now));
        let mut phone = Phone { sequence: n, timestamp: u32::from(n) * 160, ..phone.clone() };
        world.send(&mut phone, 0, false, &[0x80; 160]);
    }
    world.command(Command::StopRecord { leg: LegId(1), record: RecordId(5) });
    let (_, samples) = recorded(&mut world).expect("a recording");
    let gaps = samples[8000..].split(|sample| sample.unsigned_abs() > 300);
    let longest = gaps.map(<[i16]>::len).max().unwrap() / 8;
    assert!(longest <= 10, "a gap of {longest} ms");
}
