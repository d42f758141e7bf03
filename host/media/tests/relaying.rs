//! Bridges: what one phone says is what the other hears, in the other's stream.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod common;

use common::*;
use jackfield_media::{
    Command, Event, LegId, Params, PlayEnd,
    codec::{self, Law},
};

#[test]
fn two_phones_talk() {
    let mut world = World::of_two(params(1), params(2));
    let (mut first, mut second) = (Phone::new(1, &params(1)), Phone::new(2, &params(2)));
    assert!(!first.talk(&mut world, 0x11), "not before the bridge");
    world.bridge();
    for _ in 0..50 {
        assert!(first.talk(&mut world, 0x11));
        assert!(second.talk(&mut world, 0x22));
    }
    let (to_first, to_second) = (world.take(1), world.take(2));
    assert_eq!((to_first.len(), to_second.len()), (50, 50));
    assert!(to_first.iter().all(|packet| packet.payload == [0x22; 160] && packet.to == addr(1)));
    assert!(to_second.iter().all(|packet| packet.payload == [0x11; 160] && packet.to == addr(2)));
    assert_one_stream(&to_first);
    assert_one_stream(&to_second);
    assert_ne!(to_first[0].stamp.ssrc, second.ssrc);
    assert!(to_first[0].stamp.marker && !to_first[1].stamp.marker);
}

#[test]
fn laws_are_converted_both_ways() {
    let mut world = World::of_two(params(1), alaw(2));
    world.bridge();
    let (mut first, mut second) = (Phone::new(1, &params(1)), Phone::new(2, &alaw(2)));
    for code in 0..=255 {
        first.talk(&mut world, code);
        second.talk(&mut world, code);
        let (mut to_second, mut to_first) = ([code; 160], [code; 160]);
        codec::convert(Law::Mu, Law::A, &mut to_second);
        codec::convert(Law::A, Law::Mu, &mut to_first);
        let (heard_first, heard_second) = (world.take(1), world.take(2));
        assert_eq!((heard_second[0].payload_type, &heard_second[0].payload[..]), (8, &to_second[..]));
        assert_eq!((heard_first[0].payload_type, &heard_first[0].payload[..]), (0, &to_first[..]));
    }
}

#[test]
fn prompt_bridge_prompt_is_one_stream() {
    let mut world = World::of_two(params(1), params(2));
    world.play(1, 1, vec![clip(1, ms(10_000))]);
    world.advance(ms(107));
    world.bridge();
    assert_eq!(world.take_events(), [ended(1, 1, PlayEnd::Stopped)]);
    Phone::new(2, &params(2)).talk_for(&mut world, 100);
    world.command(Command::Unbridge { leg: LegId(2) });
    world.play(1, 2, vec![clip(1, ms(200))]);
    world.advance(ms(1000));
    world.bridge();
    // The phone has restarted meanwhile, and talks in other numbers.
    let mut other = Phone { ssrc: 77, sequence: 5, timestamp: 99, ..Phone::new(2, &params(2)) };
    other.talk_for(&mut world, 100);
    let heard = world.take(1);
    assert_eq!(heard.len(), 5 + 100 + 10 + 100);
    assert_one_stream(&heard);
    let marked: Vec<_> = (0..heard.len()).filter(|n| heard[*n].stamp.marker).collect();
    assert_eq!(marked, [0, 5, 105, 115]);
    let total = heard[214].stamp.timestamp.wrapping_sub(heard[0].stamp.timestamp);
    let elapsed = (heard[214].at - heard[0].at).as_millis() as u32 * 8;
    assert!(total.abs_diff(elapsed) <= 320, "timestamps keep step with time: {total} {elapsed}");
}

#[test]
fn gaps_and_disorder_of_the_sender_stay_as_they_are() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let mut phone = Phone::new(1, &params(1));
    phone.talk(&mut world, 1);
    let mut late = phone.clone();
    phone.sequence = phone.sequence.wrapping_add(2);
    phone.timestamp = phone.timestamp.wrapping_add(320);
    phone.talk(&mut world, 4);
    late.talk(&mut world, 2);
    phone.talk(&mut world, 5);
    let heard = world.take(2);
    let from_first = |n: usize| {
        let (first, this) = (heard[0].stamp, heard[n].stamp);
        (
            this.sequence.wrapping_sub(first.sequence),
            this.timestamp.wrapping_sub(first.timestamp),
            heard[n].payload[0],
        )
    };
    assert_eq!([from_first(1), from_first(2), from_first(3)], [(3, 480, 4), (1, 160, 2), (4, 640, 5)]);
    world.command(Command::Close { leg: LegId(1) });
    let Some(Event::Closed { stats, .. }) = world.take_events().pop() else { panic!("closed") };
    assert_eq!((stats.packets_received, stats.packets_lost, stats.packets_refused), (4, 1, 0));
    assert_eq!(stats.packets_sent, 0);
}

#[test]
fn digits_go_through_with_the_payload_type_of_the_other_leg() {
    let mut world = World::of_two(params(1), Params { dtmf: Some(96), ..params(2) });
    world.bridge();
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut world, 2);
    phone.press(&mut world, '5');
    phone.talk_for(&mut world, 2);
    let heard = world.take(2);
    let types: Vec<_> = heard.iter().map(|packet| packet.payload_type).collect();
    assert_eq!(types, [0, 0, 96, 96, 96, 96, 96, 96, 96, 0, 0]);
    assert!(heard[2..9].iter().all(|packet| packet.stamp.timestamp == heard[2].stamp.timestamp));
    assert_eq!((heard[2].event().event, heard[2].event().duration, heard[8].event().duration), (5, 160, 800));
    assert!(heard[2].stamp.marker && !heard[3].stamp.marker && heard[8].event().end);
    assert_eq!(heard[9].stamp.timestamp.wrapping_sub(heard[2].stamp.timestamp), 7 * 160);
    assert!(heard.windows(2).all(|pair| pair[0].stamp.sequence.wrapping_add(1) == pair[1].stamp.sequence));
    let digit = Event::Digit { leg: LegId(1), digit: '5' };
    assert_eq!(world.take_events().into_iter().filter(|event| *event == digit).count(), 1);
}

#[test]
fn digits_that_the_other_leg_did_not_agree_to_leave_no_hole() {
    let mut world = World::of_two(params(1), Params { dtmf: None, ..params(2) });
    world.bridge();
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut world, 2);
    phone.press(&mut world, '5');
    phone.talk_for(&mut world, 2);
    let heard = world.take(2);
    assert_eq!(heard.len(), 4);
    assert_one_stream(&heard);
    assert_eq!(heard[3].stamp.timestamp.wrapping_sub(heard[0].stamp.timestamp), 10 * 160);
    assert!(world.take_events().contains(&Event::Digit { leg: LegId(1), digit: '5' }));
}

#[test]
fn only_the_latched_source_is_heard() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let mut phone = Phone::new(1, &params(1));
    let mut stranger = Phone { address: addr(66), ..Phone::new(1, &params(1)) };
    assert!(!world.send(&mut stranger, 18, false, &[0; 160]), "no agreed payload type latches nothing");
    assert!(!world.deliver(1, addr(66), &mut [0x80; 5]));
    assert!(phone.talk(&mut world, 1));
    assert!(!stranger.talk(&mut world, 2));
    assert!(phone.talk(&mut world, 1));

    // The phone moves: the signalling says so, and its next packet comes from there.
    world.command(Command::Update { leg: LegId(1), params: Params { remote: Some(addr(77)), ..params(1) } });
    assert!(phone.talk(&mut world, 1), "still on its way from the old address");
    phone.address = addr(77);
    assert!(phone.talk(&mut world, 1));
    phone.address = addr(1);
    assert!(!phone.talk(&mut world, 1));
    // A re-INVITE that changes nothing leaves the latch alone.
    world.command(Command::Update { leg: LegId(1), params: Params { remote: Some(addr(77)), ..params(1) } });
    assert!(!phone.talk(&mut world, 1));

    let latched: Vec<_> =
        world.take_events().into_iter().filter(|e| matches!(e, Event::Latched { .. })).collect();
    assert_eq!(latched, [1, 77].map(|n| Event::Latched { leg: LegId(1), source: addr(n), for_good: true }));
    world.command(Command::Close { leg: LegId(1) });
    let Some(Event::Closed { stats, .. }) = world.take_events().pop() else { panic!("closed") };
    assert_eq!((stats.packets_received, stats.packets_refused), (4, 5));
}

#[test]
fn when_one_hangs_up_the_other_is_alone() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let mut phone = Phone::new(2, &params(2));
    assert!(phone.talk(&mut world, 1));
    world.command(Command::Close { leg: LegId(1) });
    assert!(!phone.talk(&mut world, 1));
    // Another leg on the port of the first is not bridged to it.
    world.open(1, params(1));
    assert!(!phone.talk(&mut world, 1));
    world.bridge();
    assert!(phone.talk(&mut world, 1));
}

#[test]
fn a_third_leg_takes_a_place_in_the_bridge() {
    let mut world = World::of_two(params(1), params(2));
    world.open(3, params(3));
    world.bridge();
    world.command(Command::Bridge { a: LegId(1), b: LegId(9) });
    world.command(Command::Bridge { a: LegId(1), b: LegId(1) });
    let mut phones = [1, 2, 3].map(|n| Phone::new(n, &params(n)));
    assert!(phones[1].talk(&mut world, 2), "a leg that is not there changes nothing");
    world.command(Command::Bridge { a: LegId(3), b: LegId(1) });
    assert!(phones[0].talk(&mut world, 1));
    assert!(!phones[1].talk(&mut world, 2));
    assert!(phones[2].talk(&mut world, 3));
    assert_eq!(world.take(3)[0].payload[0], 1);
    let to_first = world.take(1);
    assert_eq!((to_first[0].payload[0], to_first[1].payload[0]), (2, 3));
    assert_one_stream(&to_first);
}

#[test]
fn on_hold_nothing_is_relayed_and_nothing_is_missed() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut world, 5);
    world.command(Command::Update { leg: LegId(2), params: Params { send: false, ..params(2) } });
    phone.talk_for(&mut world, 500);
    world.command(Command::Update { leg: LegId(2), params: params(2) });
    phone.talk_for(&mut world, 5);
    let heard = world.take(2);
    assert_eq!(heard.len(), 10);
    assert_one_stream(&heard);
    assert_eq!(heard[5].stamp.timestamp.wrapping_sub(heard[4].stamp.timestamp), 501 * 160);

    // A phone that may not send is not heard.
    world.command(Command::Update { leg: LegId(1), params: Params { receive: false, ..params(1) } });
    assert!(!phone.talk(&mut world, 1));
}

#[test]
fn an_announcement_covers_the_conversation() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let mut phone = Phone::new(2, &params(2));
    phone.talk_for(&mut world, 10);
    world.play(1, 1, vec![clip(5000, ms(100))]);
    phone.talk_for(&mut world, 10);
    let heard = world.take(1);
    let announced = heard.iter().filter(|packet| packet.payload == [Law::Mu.encode(5000); 160]).count();
    assert_eq!((announced, heard.len()), (5, 10 + 5 + 5));
    assert_one_stream(&heard);
}

#[test]
fn a_packet_with_extension_and_padding_is_rewritten_where_it_lies() {
    let mut world = World::of_two(params(1), alaw(2));
    world.bridge();
    let mut packet = vec![0xb1, 0x80, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9, 0xbe, 0xde, 0, 1, 7, 7, 7, 7];
    packet.extend([0xff; 160]);
    packet.extend([0, 0, 0, 4]);
    let before = packet.clone();
    assert!(world.deliver(1, addr(1), &mut packet));
    assert_eq!(packet.len(), before.len());
    assert_eq!((packet[0], &packet[12..24], &packet[184..]), (0xb1, &before[12..24], &before[184..]));
    assert_eq!(world.take(2)[0].payload, [0xd5; 160]);
}
