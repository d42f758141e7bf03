//! Prompts: on the raster of 20 ms, in one stream.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod common;

use std::{net::SocketAddr, time::Duration};

use common::*;
use jackfield_media::{Command, Digits, Event, LegId, Params, PlayEnd, PlayId, Settings, Source, codec::Law};

fn steps(packets: &[Heard]) -> Vec<u32> {
    packets.windows(2).map(|pair| pair[1].stamp.timestamp.wrapping_sub(pair[0].stamp.timestamp)).collect()
}

fn markers(packets: &[Heard]) -> Vec<bool> {
    packets.iter().map(|packet| packet.stamp.marker).collect()
}

#[test]
fn a_prompt_is_one_packet_every_20_ms() {
    let mut world = World::new();
    world.open(1, params(1));
    world.play(1, 7, vec![clip(5000, ms(90))]);
    assert_eq!(world.session.next_timeout(), Some(ms(1_000_020)));
    world.advance(ms(500));

    let heard = world.take(1);
    let at: Vec<_> = heard.iter().map(|packet| packet.at).collect();
    assert_eq!(at, [20, 40, 60, 80, 100].map(|n| ms(1_000_000 + n)));
    assert_eq!(markers(&heard), [true, false, false, false, false]);
    assert_eq!(steps(&heard), [160; 4]);
    assert_one_stream(&heard);
    let (sound, silence) = (Law::Mu.encode(5000), Law::Mu.silence());
    assert!(heard[..4].iter().all(|packet| packet.payload == [sound; 160] && packet.payload_type == 0));
    assert_eq!(heard[4].payload, [[sound; 80], [silence; 80]].concat(), "the end is padded with silence");
    assert_eq!(world.take_events(), [ended(1, 7, PlayEnd::Finished)]);
    assert_eq!(world.session.next_timeout(), None);
}

#[test]
fn a_prompt_that_is_asked_for_between_two_ticks_starts_at_the_next() {
    let mut world = World::of_two(params(1), params(2));
    world.play(1, 1, vec![clip(1, ms(1000))]);
    world.advance(ms(47));
    world.play(2, 2, vec![clip(1, ms(1000))]);
    world.advance(ms(20));
    assert_eq!(world.take(2)[0].at, ms(1_000_060));
}

#[test]
fn a_late_driver_makes_up_for_five_ticks_and_then_time_jumps() {
    let mut world = World::new();
    world.open(1, params(1));
    world.play(1, 1, vec![clip(1, ms(5000))]);
    world.advance(ms(20));
    world.oversleep(ms(60));
    assert_eq!(steps(&world.heard), [160; 3]);
    world.oversleep(ms(1000));
    world.advance(ms(40));
    let heard = world.take(1);
    assert_eq!(steps(&heard)[3..], [46 * 160, 160, 160, 160, 160, 160, 160]);
    assert!(heard[4].stamp.marker, "a jump is a new talk spurt");
    assert_one_stream(&heard);
}

#[test]
fn a_prompt_right_behind_another_has_no_gap_and_one_after_a_pause_is_a_new_spurt() {
    let mut world = World::new();
    world.open(1, params(1));
    world.play(1, 1, vec![clip(1, ms(40))]);
    world.advance(ms(40));
    assert_eq!(world.take_events(), [ended(1, 1, PlayEnd::Finished)]);
    world.play(1, 2, vec![clip(1, ms(40))]);
    world.advance(ms(1040));
    world.play(1, 3, vec![clip(1, ms(40))]);
    world.advance(ms(100));
    let heard = world.take(1);
    assert_eq!(markers(&heard), [true, false, false, false, true, false]);
    assert_eq!(steps(&heard), [160, 160, 160, 160 + 1000 * 8, 160]);
    assert_one_stream(&heard);
}

#[test]
fn a_new_prompt_replaces_the_former_one() {
    let mut world = World::new();
    world.open(1, params(1));
    world.play(1, 1, vec![Source::Silence(Duration::MAX)]);
    world.advance(ms(100));
    world.play(1, 2, vec![clip(1, ms(20))]);
    assert_eq!(world.take_events(), [ended(1, 1, PlayEnd::Stopped)]);
    world.advance(ms(100));
    assert_eq!(world.take_events(), [ended(1, 2, PlayEnd::Finished)]);
    assert_one_stream(&world.take(1));
}

#[test]
fn a_prompt_for_ever_plays_until_it_is_stopped_by_name() {
    let mut world = World::new();
    world.open(1, params(1));
    let sources = vec![clip(1, ms(15))];
    let (leg, play, interrupt) = (LegId(1), PlayId(1), Digits::NONE);
    world.command(Command::Play { leg, play, sources, repeat: 0, interrupt });
    world.advance(ms(60_000));
    assert_eq!((world.take(1).len(), world.take_events()), (3000, vec![]));
    world.command(Command::StopPlay { leg, play: PlayId(2) });
    assert_eq!(world.take_events(), []);
    world.command(Command::StopPlay { leg, play });
    assert_eq!(world.take_events(), [ended(1, 1, PlayEnd::Stopped)]);
    world.advance(ms(1000));
    assert_eq!(world.take(1), []);
    assert_eq!(world.session.next_timeout(), None);
}

#[test]
fn a_digit_stops_the_prompt_in_the_same_call() {
    let mut world = World::new();
    world.open(1, params(1));
    let interrupt = Digits::parse("12").expect("digits");
    let sources = vec![clip(1, ms(10_000))];
    world.command(Command::Play { leg: LegId(1), play: PlayId(1), sources, repeat: 1, interrupt });
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut world, 3);
    world.take_events();

    phone.press(&mut world, '9');
    assert_eq!(world.take_events(), [Event::Digit { leg: LegId(1), digit: '9' }]);
    world.take(1);
    phone.press(&mut world, '2');
    assert_eq!(
        world.take_events(),
        [Event::Digit { leg: LegId(1), digit: '2' }, ended(1, 1, PlayEnd::Interrupted('2'))]
    );
    assert_eq!(world.take(1), [], "not one packet more");
}

#[test]
fn we_send_to_the_sdp_address_until_the_peer_shows_its_own() {
    let mut world = World::new();
    world.open(1, params(1));
    world.play(1, 1, vec![clip(1, ms(1000))]);
    world.advance(ms(40));
    let source = SocketAddr::new(addr(1).ip(), 99);
    let mut phone = Phone { address: source, ..Phone::new(1, &params(1)) };
    for _ in 0..3 {
        phone.talk(&mut world, 0x80);
    }
    let to: Vec<_> = world.take(1).iter().map(|packet| packet.to).collect();
    assert_eq!(to, [addr(1), addr(1), addr(1), addr(1), source]);
    assert_eq!(world.take_events(), [Event::Latched { leg: LegId(1), source, for_good: false }]);
}

#[test]
fn a_prompt_goes_on_unheard_while_the_peer_does_not_listen() {
    let mut world = World::new();
    world.open(1, Params { send: false, ..params(1) });
    world.command(Command::Open { leg: LegId(2), port: jackfield_media::PortId(2), params: None });
    world.play(1, 1, vec![clip(1, ms(100))]);
    world.play(2, 2, vec![clip(1, ms(100))]);
    world.advance(ms(40));
    world.command(Command::Update { leg: LegId(1), params: alaw(1) });
    world.advance(ms(100));
    let heard = world.take(1);
    assert_eq!(heard.len(), 3);
    assert!(heard.iter().all(|packet| packet.payload_type == 8 && packet.payload == [Law::A.encode(1); 160]));
    assert_eq!(world.take(2), []);
    assert_eq!(world.take_events(), [ended(1, 1, PlayEnd::Finished), ended(2, 2, PlayEnd::Finished)]);
}

#[test]
fn nobody_waits_for_an_end_that_never_comes() {
    let mut world = World::with(Settings { max_legs: 1, ..Settings::default() });
    world.open(1, params(1));
    world.play(1, 1, vec![]);
    world.advance(ms(20));
    assert_eq!(world.take_events(), [ended(1, 1, PlayEnd::Finished)]);

    world.play(2, 2, vec![clip(1, ms(100))]);
    assert_eq!(world.take_events(), [ended(2, 2, PlayEnd::Stopped)], "no such leg");

    world.open(2, params(2));
    assert!(matches!(world.take_events()[..], [Event::Closed { leg: LegId(2), .. }]), "no room");

    world.play(1, 3, vec![clip(1, ms(100))]);
    world.command(Command::Close { leg: LegId(1) });
    let events = world.take_events();
    assert_eq!(events[0], ended(1, 3, PlayEnd::Stopped));
    assert!(matches!(events[1..], [Event::Closed { leg: LegId(1), .. }]));
    assert_eq!(world.session.next_timeout(), None);
}

#[test]
fn many_prompts_share_one_tick() {
    let mut world = World::new();
    for n in 1..=200 {
        world.open(n, params(n));
        world.play(n, n, vec![clip(1, ms(200))]);
        world.advance(ms(1));
    }
    world.advance(ms(1000));
    for n in 1..=200 {
        let heard = world.take(n);
        assert_eq!(heard.len(), 10);
        assert!(heard.iter().all(|packet| packet.at.as_millis() % 20 == 0));
        assert_one_stream(&heard);
    }
    assert_eq!(world.take_events().len(), 200);
}
