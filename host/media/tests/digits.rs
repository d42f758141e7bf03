//! Digits that we send, and digits that we hear through a bad network.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod common;

use common::*;
use jackfield_media::{Command, Event, LegId, Params, Tones, codec::Law, dtmf};

fn send(world: &mut World, n: u64, digits: &str) {
    world.command(Command::SendDigits { leg: LegId(n), digits: digits.into() });
}

const SENT: Event = Event::DigitsSent { leg: LegId(1) };

#[test]
fn a_digit_is_seven_packets_of_one_timestamp_and_a_pause() {
    let mut world = World::new();
    world.open(1, params(1));
    send(&mut world, 1, "1#");
    world.advance(ms(1000));
    let heard = world.take(1);
    assert_eq!(heard.len(), 14);
    for (digit, event) in heard.chunks(7).zip([1, 11]) {
        let durations: Vec<_> = digit.iter().map(|packet| packet.event().duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
        let flags: Vec<_> = digit.iter().map(|packet| (packet.stamp.marker, packet.event().end)).collect();
        let (begin, on, end) = ((true, false), (false, false), (false, true));
        assert_eq!(flags, [begin, on, on, on, end, end, end]);
        let same = |packet: &Heard| packet.stamp.timestamp == digit[0].stamp.timestamp;
        assert!(
            digit
                .iter()
                .all(|packet| same(packet) && packet.event().event == event && packet.payload_type == DTMF)
        );
    }
    assert_eq!(heard[7].stamp.timestamp.wrapping_sub(heard[0].stamp.timestamp), 200 * 8);
    assert_eq!(heard[7].at - heard[0].at, ms(200));
    assert!(heard.windows(2).all(|pair| pair[0].stamp.sequence.wrapping_add(1) == pair[1].stamp.sequence));
    assert_eq!(world.take_events(), [SENT]);
    assert_eq!(world.session.next_timeout(), None);
}

#[test]
fn what_we_send_is_what_another_worker_hears() {
    let (mut here, mut there) = (World::new(), World::new());
    here.open(1, params(1));
    there.open(1, params(1));
    send(&mut here, 1, "0123456789*#abcd11");
    here.advance(ms(10_000));
    for packet in here.take(1) {
        let mut bytes = [0; 64];
        let length =
            jackfield_media::rtp::build(&mut bytes, packet.stamp, DTMF, &packet.payload).expect("room");
        there.now = packet.at;
        there.deliver(1, addr(1), &mut bytes[..length]);
    }
    let digits: String = there.take_events().iter().filter_map(digit).collect();
    assert_eq!(digits, "0123456789*#ABCD11");
}

fn digit(event: &Event) -> Option<char> {
    match event {
        Event::Digit { digit, .. } => Some(*digit),
        _ => None,
    }
}

#[test]
fn every_loss_that_leaves_one_packet_of_a_press_leaves_the_press() {
    for lost in 0..127_u32 {
        let mut world = World::new();
        world.open(1, params(1));
        let mut phone = Phone::new(1, &params(1));
        for _ in 0..3 {
            for beat in 1..=7_u16 {
                let payload =
                    dtmf::Payload { event: 8, end: beat >= 5, volume: 10, duration: beat.min(5) * 160 };
                if lost & 1 << (beat - 1) == 0 {
                    world.send(&mut phone, DTMF, beat == 1, &payload.bytes());
                }
                world.advance(ms(20));
            }
            phone.timestamp = phone.timestamp.wrapping_add(1600);
        }
        assert_eq!(
            world.take_events().iter().filter_map(digit).collect::<String>(),
            "888",
            "lost {lost:07b}"
        );
    }
}

#[test]
fn a_prompt_waits_for_digits_and_further_digits_queue_up() {
    let mut world = World::new();
    world.open(1, params(1));
    world.play(1, 1, vec![clip(1, ms(100))]);
    world.advance(ms(40));
    send(&mut world, 1, "1");
    send(&mut world, 1, "");
    send(&mut world, 1, "2");
    world.advance(ms(1000));
    let types: Vec<_> = world.take(1).iter().map(|packet| packet.payload_type).collect();
    assert_eq!(types, [vec![0; 2], vec![DTMF; 14], vec![0; 3]].concat());
    let events = world.take_events();
    assert_eq!(events.iter().filter(|event| **event == SENT).count(), 3);
    assert_eq!(events.len(), 4);
}

#[test]
fn a_peer_without_telephone_events_hears_tones() {
    let mut world = World::new();
    world.open(1, Params { dtmf: None, ..params(1) });
    send(&mut world, 1, "5");
    world.advance(ms(1000));
    let heard = world.take(1);
    assert_eq!(heard.len(), 5);
    assert_one_stream(&heard);
    let samples: Vec<f64> =
        heard.iter().flat_map(|packet| &packet.payload).map(|code| Law::Mu.decode(*code).into()).collect();
    let level = |hz: f64| {
        let angle = |n: usize| std::f64::consts::TAU * hz * n as f64 / 8000.0;
        let (re, im) = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, sample)| {
            (re + sample * angle(n).cos(), im + sample * angle(n).sin())
        });
        re.hypot(im) / samples.len() as f64
    };
    assert!(level(770.0) > 3500.0 && level(1336.0) > 3500.0);
    assert!([697.0, 852.0, 941.0, 1209.0, 1477.0, 1633.0].iter().all(|hz| level(*hz) < 400.0));
    assert_eq!(world.take_events(), [SENT]);
}

#[test]
fn digits_to_a_bridged_leg_cover_the_conversation() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let mut phone = Phone::new(2, &params(2));
    phone.talk_for(&mut world, 5);
    send(&mut world, 1, "7");
    phone.talk_for(&mut world, 20);
    let heard = world.take(1);
    assert_eq!(heard.iter().filter(|packet| packet.payload_type == DTMF).count(), 7);
    assert_one_stream(&heard);
}

#[test]
fn digits_for_nobody_are_sent_at_once() {
    let mut world = World::new();
    send(&mut world, 1, "123");
    assert_eq!(world.take_events(), [SENT]);
    world.open(1, params(1));
    send(&mut world, 1, "no");
    assert_eq!(world.take_events(), [SENT], "none of them is a digit");
    for _ in 0..300 {
        send(&mut world, 1, "12");
    }
    world.command(Command::Close { leg: LegId(1) });
    assert_eq!(world.take_events().iter().filter(|event| **event == SENT).count(), 300);
}

/// A digit as a phone without telephone events says it: 100 ms of tones in PCMU.
fn say_digit(world: &mut World, phone: &mut Phone, digit: char) {
    let key = "123A456B789C*0#D".chars().position(|key| key == digit).expect("a key");
    let hz = [[697.0, 770.0, 852.0, 941.0][key / 4], [1209.0, 1336.0, 1477.0, 1633.0][key % 4]];
    for packet in 0..10 {
        let sound = |n: u64| {
            let t = (packet * 160 + n) as f64 / 8000.0;
            let both: f64 = hz.iter().map(|hz: &f64| (t * hz * std::f64::consts::TAU).sin()).sum();
            if packet < 5 { (both * 6000.0) as i16 } else { 0 }
        };
        let codes: Vec<u8> = (0..160).map(|n| Law::Mu.encode(sound(n))).collect();
        world.send(phone, 0, false, &codes);
        phone.timestamp = phone.timestamp.wrapping_add(160);
        world.advance(ms(20));
    }
}

fn tone_digits(world: &mut World) -> String {
    let digits = world.take_events().into_iter().filter_map(|event| match event {
        Event::ToneDigit { digit, .. } => Some(digit),
        _ => None,
    });
    digits.collect()
}

#[test]
fn tones_are_digits_where_the_peer_has_no_events_and_are_cut_on_their_way() {
    let in_band = Tones { heard: true, wanted: true };
    let mut world = World::of_two(Params { dtmf: None, tones: in_band, ..params(1) }, params(2));
    world.bridge();
    let mut alice = Phone::new(1, &params(1));
    alice.talk_for(&mut world, 50);
    world.take(2);
    for digit in "159#".chars() {
        say_digit(&mut world, &mut alice, digit);
    }
    assert_eq!(tone_digits(&mut world), "159#");
    let loud = |packet: &Heard| packet.payload.iter().any(|code| *code & 0x70 < 0x30);
    let leaked = world.take(2).iter().filter(|packet| loud(packet)).count();
    assert!(leaked <= 8, "{leaked} of 20 packets of tones went through");
}

#[test]
fn tones_stay_sound_where_digits_are_events_or_the_other_one_wants_tones() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let mut alice = Phone::new(1, &params(1));
    say_digit(&mut world, &mut alice, '5');
    assert_eq!((tone_digits(&mut world), world.take(2).len()), (String::new(), 10));

    let in_band = |n| Params { dtmf: None, tones: Tones { heard: true, wanted: true }, ..params(n) };
    let mut world = World::of_two(in_band(1), in_band(2));
    world.bridge();
    say_digit(&mut world, &mut alice, '5');
    assert_eq!((tone_digits(&mut world), world.take(2).len()), ("5".to_owned(), 10));
}

#[test]
fn tones_are_digits_through_jitter_and_loss_and_out_of_order() {
    let in_band = Params { dtmf: None, tones: Tones { heard: true, wanted: true }, ..params(1) };
    let mut world = World::new();
    world.open(1, in_band);
    let hz = |key: usize| {
        let rows: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
        (rows[key / 3 % 4], [1209.0, 1336.0, 1477.0][key % 3])
    };
    // Twelve keys of 100 ms, with 100 ms between them: the second packet of each is lost, the others come late.
    let mut arrivals = Vec::new();
    for n in 0..120_usize {
        let (key, place) = (n / 10, n % 10);
        let (row, column) = hz(key);
        let sound = |at: usize| {
            let t = (place * 160 + at) as f64 * std::f64::consts::TAU / 8000.0;
            if place < 5 { (6000.0 * ((t * row).sin() + (t * column).sin())) as i16 } else { 0 }
        };
        let codes: Vec<u8> = (0..160).map(|at| Law::Mu.encode(sound(at))).collect();
        if place != 2 {
            arrivals.push((n * 20 + n * n % 31, n, codes));
        }
    }
    arrivals.sort();
    let begin = world.now;
    let alice = Phone::new(1, &params(1));
    for (at, n, codes) in arrivals {
        world.advance((begin + ms(at as u64)).saturating_sub(world.now));
        let mut phone = Phone { sequence: n as u16, timestamp: n as u32 * 160, ..alice.clone() };
        world.send(&mut phone, 0, false, &codes);
    }
    world.advance(ms(200));
    assert_eq!(tone_digits(&mut world), "123456789*0#");
}
