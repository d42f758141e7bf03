//! A leg that moves to another worker: its peer notices nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use std::time::Duration;

use common::*;
use jackfield_media::{
    Command, Digits, Event, LegId, MasterKey, Params, PlayEnd, RecordEnd, RecordId, Security, Settings,
    Stats, Suite,
    srtp::{Inbound, Outbound},
};

/// Two workers, of which the second one has another seed.
fn workers() -> (World, World) {
    let second = Settings { seed: 99, media_timeout: Duration::ZERO, ..Settings::default() };
    (World::new(), World::with(second))
}

/// Hands leg `n` over, through a thread as the driver does.
fn hand_over(n: u64, from: &mut World, to: &mut World) {
    to.now = from.now;
    let moved = from.session.take(LegId(n)).expect("it is open");
    assert_eq!(moved.port().0 as u64, n);
    let moved = std::thread::spawn(move || moved).join().unwrap();
    to.session.adopt(to.now, moved);
    to.drain();
    assert!(from.session.take(LegId(n)).is_none());
}

/// Says 20 ms, in no time.
fn say(world: &mut World, phone: &mut Phone) -> bool {
    let relayed = world.send(phone, phone.payload_type, false, &[0x90; 160]);
    phone.timestamp = phone.timestamp.wrapping_add(160);
    relayed
}

fn close(world: &mut World, n: u64) -> Stats {
    world.command(Command::Close { leg: LegId(n) });
    let closed = world.take_events().into_iter().find_map(|event| match event {
        Event::Closed { leg, stats, .. } if leg == LegId(n) => Some(stats),
        _ => None,
    });
    closed.expect("the leg is closed")
}

#[test]
fn the_stream_to_its_peer_goes_on_in_all_its_numbers() {
    let (mut a, mut b) = workers();
    a.open(1, params(1));
    a.open(2, params(2));
    b.open(3, params(3));
    a.bridge();
    let (mut first, mut other) = (Phone::new(1, &params(1)), Phone::new(2, &params(2)));
    let mut third = Phone::new(3, &params(3));
    for _ in 0..50 {
        say(&mut a, &mut other);
        first.talk(&mut a, 0x80);
    }
    hand_over(1, &mut a, &mut b);
    assert!(!other.talk(&mut a, 0x90), "it is parted");
    b.command(Command::Bridge { a: LegId(1), b: LegId(3) });
    for _ in 0..50 {
        assert!(say(&mut b, &mut third));
        assert!(first.talk(&mut b, 0x81));
    }
    let mut heard = a.take(1);
    let before = heard.len();
    heard.extend(b.take(1));
    assert_eq!((before, heard.len()), (50, 100));
    assert!(heard.iter().all(|packet| packet.to == addr(1)), "the latch knows where");
    assert_one_stream(&heard);
    let (last, next) = (heard[49].stamp, heard[50].stamp);
    assert_eq!(next.timestamp.wrapping_sub(last.timestamp), 160, "nor in its timestamps");
    assert_eq!(b.take(3).len(), 50);

    let stats = close(&mut b, 1);
    assert_eq!((stats.packets_received, stats.packets_sent, stats.packets_refused), (100, 100, 0));
}

#[test]
fn what_it_plays_goes_on_without_a_gap_or_a_double() {
    // The worker that takes it over is behind, in time, or ahead in its ticks.
    for late in [0, 1, 3] {
        let (mut a, mut b) = workers();
        a.open(1, params(1));
        b.open(2, params(2));
        b.play(2, 7, vec![clip(8_000, ms(60_000))]);
        a.play(1, 5, vec![clip(8_000, ms(2_000))]);
        a.advance(ms(510));
        b.now = a.now;
        if late == 1 {
            // This one was not asleep: it has done a tick more.
            b.oversleep(ms(0));
        }
        a.now += ms(late * 20);
        if late > 1 {
            b.oversleep(ms(late * 20));
        }
        hand_over(1, &mut a, &mut b);
        b.advance(ms(3_000));
        let mut heard = a.take(1);
        heard.extend(b.take(1));
        assert_eq!(heard.len(), 100, "late by {late}");
        for pair in heard.windows(2) {
            let (this, next) = (pair[0].stamp, pair[1].stamp);
            assert_eq!(next.sequence, this.sequence.wrapping_add(1));
            assert_eq!(next.timestamp, this.timestamp.wrapping_add(160), "late by {late}");
            assert!(!next.marker, "late by {late}: a talk spurt does not begin anew");
        }
        assert!(b.take_events().contains(&ended(1, 5, PlayEnd::Finished)));
        assert_eq!(a.take_events(), []);
    }
}

#[test]
fn a_recording_and_digits_to_be_sent_go_on() {
    let (mut a, mut b) = workers();
    a.open(1, params(1));
    let record = Command::Record {
        leg: LegId(1),
        record: RecordId(4),
        max: ms(60_000),
        silence: None,
        finish: Digits::ALL,
        beep: false,
    };
    a.command(record);
    a.command(Command::SendDigits { leg: LegId(1), digits: "12".into() });
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut a, 5);
    hand_over(1, &mut a, &mut b);
    phone.talk_for(&mut b, 45);
    phone.press(&mut b, '#');
    let events = b.take_events();
    let Some(Event::RecordEnded { end, samples, .. }) =
        events.iter().find(|event| matches!(event, Event::RecordEnded { .. }))
    else {
        panic!("{events:?}")
    };
    assert_eq!((*end, samples.len()), (RecordEnd::Digit('#'), 50 * 160));
    assert!(events.contains(&Event::DigitsSent { leg: LegId(1) }));
    let mut heard = a.take(1);
    heard.extend(b.take(1));
    assert_one_stream(&heard);
    let mut digits: Vec<u8> = heard.iter().map(|packet| packet.event().event).collect();
    digits.dedup();
    assert_eq!(digits, [1, 2]);
}

#[test]
fn the_recording_of_the_call_has_no_hole() {
    let (mut a, mut b) = workers();
    a.open(1, params(1));
    let mut phone = Phone::new(1, &params(1));
    phone.talk_for(&mut a, 10);
    a.command(Command::Tape { leg: LegId(1), name: "call".into(), called: false });
    phone.talk_for(&mut a, 60);
    hand_over(1, &mut a, &mut b);
    phone.talk_for(&mut b, 60);
    b.command(Command::StopTape { leg: LegId(1) });
    let pieces = [a.pieces, b.pieces].concat();
    let mut end = 0;
    for piece in &pieces {
        assert_eq!(piece.begin, end, "each begins where the one before ends");
        end += piece.samples.len() as u64 / 2;
    }
    assert_eq!(pieces.iter().filter(|piece| piece.last).count(), 1);
    assert!((119 * 160..=120 * 160).contains(&end), "{end}");
    let left: Vec<i16> = pieces.iter().flat_map(|piece| piece.samples.iter().step_by(2).copied()).collect();
    let silent = left.iter().skip(20 * 160).filter(|sample| sample.unsigned_abs() < 1000).count();
    assert_eq!(silent, 0, "and none is silent in the middle");
}

#[test]
fn its_reports_and_its_quality_go_on() {
    let (mut a, mut b) = workers();
    a.open(1, params(1));
    let mut phone = Phone::new(1, &params(1));
    let mut talk = |world: &mut World, packets: u64| {
        for n in 0..packets {
            if n % 10 == 5 {
                phone.sequence = phone.sequence.wrapping_add(1);
                phone.timestamp = phone.timestamp.wrapping_add(160);
                world.advance(ms(20));
            } else {
                phone.talk(world, 0x80);
            }
        }
    };
    talk(&mut a, 1000);
    let before = a.reports.len();
    hand_over(1, &mut a, &mut b);
    talk(&mut b, 1000);
    // And back, before the time of the report that the first worker had been waiting for.
    hand_over(1, &mut b, &mut a);
    talk(&mut a, 1000);
    let (after, there) = (a.reports.len() - before, b.reports.len());
    // 20 s each, one about every five seconds.
    for count in [before, there, after] {
        assert!((2..=8).contains(&count), "{before}, {there} and {after} reports");
    }
    let stats = close(&mut a, 1);
    assert_eq!((stats.packets_received, stats.packets_lost, stats.jitter), (2700, 300, ms(0)));
}

#[test]
fn a_silent_peer_is_found_out_where_its_leg_is() {
    let settings = |seed| Settings { seed, media_timeout: ms(5_000), ..Settings::default() };
    let (mut a, mut b) = (World::with(settings(1)), World::with(settings(2)));
    a.open(1, params(1));
    a.advance(ms(3_000));
    b.now = a.now;
    b.open(2, params(2));
    hand_over(1, &mut a, &mut b);
    b.advance(ms(1_999));
    assert_eq!(b.take_events(), []);
    b.advance(ms(1));
    assert_eq!(b.take_events(), [Event::TimedOut { leg: LegId(1) }], "the older one first");
    b.advance(ms(3_000));
    assert_eq!(b.take_events(), [Event::TimedOut { leg: LegId(2) }]);
    a.advance(ms(60_000));
    assert_eq!(a.take_events(), []);
}

#[test]
fn an_encrypted_stream_keeps_its_keys_and_counts_its_rounds() {
    let key = |byte: u8| MasterKey::new(Suite::AesCm128Sha1_80, &[byte; 30]).unwrap();
    let secured = |n| Params { security: Security::Srtp { send: key(1), receive: key(2) }, ..params(n) };
    let (mut a, mut b) = workers();
    a.open(1, secured(1));
    let (mut theirs, mut ours) = (Outbound::new(key(2)), Inbound::new(key(1)));
    let mut phone = Phone::new(1, &params(1));
    // The peer's numbers go round before the move, ours, which begin anywhere below 0x8000, after it.
    let mut say = |world: &mut World, phone: &mut Phone| {
        let stamp = jackfield_media::rtp::Stamp {
            ssrc: phone.ssrc,
            sequence: phone.sequence,
            timestamp: phone.timestamp,
            marker: false,
        };
        phone.sequence = phone.sequence.wrapping_add(1);
        phone.timestamp = phone.timestamp.wrapping_add(160);
        let mut packet = [0; 400];
        let length = jackfield_media::rtp::build(&mut packet, stamp, 0, &[0x80; 160]).unwrap();
        let length = theirs.protect(&mut packet, length).unwrap();
        world.deliver(1, addr(1), &mut packet[..length]);
    };
    let mut heard = 0;
    let mut hear = |world: &mut World| {
        for mut packet in world.take_raw(1) {
            ours.unprotect(&mut packet).expect("what was made with our key, in its order");
            heard += 1;
        }
        heard
    };
    for _ in 0..100 {
        say(&mut a, &mut phone);
    }
    a.play(1, 1, vec![clip(8_000, ms(1_500_000))]);
    a.advance(ms(20_010));
    assert_eq!(hear(&mut a), 1000);
    hand_over(1, &mut a, &mut b);
    say(&mut b, &mut phone);
    // 22 minutes: more than 0x10000 packets.
    b.advance(ms(1_400_000));
    assert_eq!(hear(&mut b), 71_000);
    // A key never protects the same number twice, also when it is told once more.
    b.command(Command::Update { leg: LegId(1), params: secured(1) });
    b.advance(ms(20));
    assert_eq!(hear(&mut b), 71_001);
    let stats = close(&mut b, 1);
    assert_eq!((stats.packets_received, stats.packets_forged, stats.packets_lost), (101, 0, 0));
}

#[test]
fn a_full_worker_takes_legs_that_move_and_no_new_ones() {
    let mut a = World::new();
    let mut b = World::with(Settings { max_legs: 1, media_timeout: Duration::ZERO, ..Settings::default() });
    a.open(1, params(1));
    b.now = a.now;
    b.open(2, params(2));
    hand_over(1, &mut a, &mut b);
    assert_eq!((a.session.legs(), b.session.legs()), (0, 2));
    b.open(3, params(3));
    assert!(matches!(b.take_events()[..], [Event::Closed { leg: LegId(3), .. }]));
    b.bridge();
    assert!(Phone::new(1, &params(1)).talk(&mut b, 1));
}

#[test]
fn a_leg_in_a_mix_leaves_it() {
    let (mut a, mut b) = workers();
    for n in 1..=3 {
        a.open(n, params(n));
        a.command(Command::Mix { mix: jackfield_media::MixId(1), leg: LegId(n) });
    }
    let mut phones = [1, 2, 3].map(|n| Phone::new(n, &params(n)));
    for _ in 0..20 {
        for phone in &mut phones {
            say(&mut a, phone);
        }
        a.advance(ms(20));
    }
    hand_over(3, &mut a, &mut b);
    b.advance(ms(1_000));
    assert_eq!(b.take(3), [], "nobody tells it anything");
    a.take(2);
    a.advance(ms(1_000));
    assert_eq!(a.take(2).len(), 50, "the others go on");
    assert_eq!(a.session.legs() + b.session.legs(), 3);
}
