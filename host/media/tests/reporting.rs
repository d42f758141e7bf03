//! RTCP of legs in virtual time: who is told what, and how good a call was.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use std::time::Duration;

use common::*;
use jackfield_media::{Command, Event, LegId, Params, PortId, Rtcp, Stats};
use rtcp_types::{
    Compound, Packet, ReceiverReport, ReportBlock, Sdes, SdesItem, SenderReport, prelude::RtcpPacketWriterExt,
};

fn kinds(bytes: &[u8]) -> Vec<&'static str> {
    Compound::parse(bytes)
        .unwrap()
        .map(|packet| match packet.unwrap() {
            Packet::Sr(_) => "SR",
            Packet::Rr(_) => "RR",
            Packet::Sdes(_) => "SDES",
            Packet::Bye(_) => "BYE",
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The first report block of a packet: lost, fraction, jitter.
fn block(bytes: &[u8]) -> Option<(u32, u8, u32)> {
    let told = |block: ReportBlock<'_>| {
        (block.cumulative_lost(), block.fraction_lost(), block.interarrival_jitter())
    };
    Compound::parse(bytes).unwrap().find_map(|packet| match packet.unwrap() {
        Packet::Sr(report) => report.report_blocks().next().map(told),
        Packet::Rr(report) => report.report_blocks().next().map(told),
        _ => None,
    })
}

fn control(n: u64) -> std::net::SocketAddr {
    (addr(n).ip(), addr(n).port() + 1).into()
}

fn close(world: &mut World, n: u64) -> Stats {
    world.command(Command::Close { leg: LegId(n) });
    let closed = world.take_events().into_iter().find_map(|event| match event {
        Event::Closed { leg, stats, .. } if leg == LegId(n) => Some(stats),
        _ => None,
    });
    closed.expect("the leg is closed")
}

/// Talks for so many packets, of which those that `lost` names do not arrive.
fn talk(world: &mut World, phone: &mut Phone, packets: u64, lost: impl Fn(u64) -> bool) {
    for n in 0..packets {
        match lost(n) {
            true => {
                phone.sequence = phone.sequence.wrapping_add(1);
                phone.timestamp = phone.timestamp.wrapping_add(160);
                world.advance(ms(20));
            }
            false => {
                phone.talk(world, 0x80);
            }
        }
    }
}

#[test]
fn each_leg_reports_on_its_own_and_says_goodbye() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let (mut alice, mut bob) = (Phone::new(1, &params(1)), Phone::new(2, &params(2)));
    for _ in 0..1500 {
        world.send(&mut alice, 0, false, &[0x80; 160]);
        alice.timestamp = alice.timestamp.wrapping_add(160);
        bob.talk(&mut world, 0x90);
    }
    for n in [1, 2] {
        let reports: Vec<_> = world.reports.iter().filter(|(leg, ..)| *leg == n).collect();
        assert!((5..=12).contains(&reports.len()), "{} reports in 30 s", reports.len());
        for (_, to, bytes) in reports {
            assert_eq!(*to, control(n));
            assert_eq!(kinds(bytes), ["SR", "SDES"]);
        }
    }
    world.reports.clear();
    close(&mut world, 1);
    let [(leg, to, bytes)] = &world.reports[..] else { panic!("one goodbye, not {:?}", world.reports) };
    assert_eq!((*leg, *to, kinds(bytes)), (1, control(1), vec!["SR", "SDES", "BYE"]));
}

#[test]
fn loss_is_reported_and_lowers_the_score() {
    let mut world = World::of_two(params(1), params(2));
    let (mut alice, mut bob) = (Phone::new(1, &params(1)), Phone::new(2, &params(2)));
    talk(&mut world, &mut bob, 1000, |_| false);
    talk(&mut world, &mut alice, 1000, |n| n % 20 == 10);
    let (_, _, last) = world.reports.iter().rfind(|(leg, ..)| *leg == 1).expect("a report");
    let (lost, fraction, jitter) = block(last).expect("about what came");
    assert!((30..=50).contains(&lost), "{lost} lost");
    assert!((10..=15).contains(&fraction), "{fraction} of 256 lost, of 5 %");
    assert_eq!(jitter, 0);

    let (bad, good) = (close(&mut world, 1), close(&mut world, 2));
    assert_eq!((bad.packets_received, bad.packets_lost, bad.jitter), (950, 50, Duration::ZERO));
    assert_eq!((good.packets_received, good.packets_lost), (1000, 0));
    let (bad, good) = (bad.mos.unwrap(), good.mos.unwrap());
    assert!(good >= 430 && (350..410).contains(&bad), "{bad} and {good}");
}

#[test]
fn jitter_is_measured_against_the_timestamps() {
    let mut world = World::new();
    world.open(1, params(1));
    let mut alice = Phone::new(1, &params(1));
    for n in 0..500 {
        world.send(&mut alice, 0, false, &[0x80; 160]);
        alice.timestamp = alice.timestamp.wrapping_add(160);
        world.advance(ms(if n % 2 == 0 { 12 } else { 28 }));
    }
    let jitter = close(&mut world, 1).jitter.as_secs_f64();
    assert!((0.007..0.0081).contains(&jitter), "{jitter} s of 8 ms");
}

#[test]
fn a_peer_tells_what_it_receives_and_how_far_it_is() {
    let mut world = World::of_two(params(1), params(2));
    world.bridge();
    let (mut alice, mut bob) = (Phone::new(1, &params(1)), Phone::new(2, &params(2)));
    for _ in 0..400 {
        bob.talk(&mut world, 0x90);
        alice.talk(&mut world, 0x90);
    }
    let (_, _, ours) = world.reports.iter().rfind(|(leg, ..)| *leg == 1).expect("a report").clone();
    let Some(Ok(Packet::Sr(report))) = Compound::parse(&ours).unwrap().next() else { panic!("a sender") };
    // Alice's answer is on its way for 40 ms and had waited for a second.
    let sent = Duration::from_secs_f64(report.ntp_timestamp() as f64 / f64::from(2_u32.pow(16)) / 65_536.0);
    world.now = sent + ms(1040);
    let block = ReportBlock::builder(report.ssrc())
        .cumulative_lost(40)
        .interarrival_jitter(80)
        .last_sender_report_timestamp((report.ntp_timestamp() >> 16) as u32)
        .delay_since_last_sender_report_timestamp(65_536);
    let answer = Compound::builder()
        .add_packet(ReceiverReport::builder(1).add_report_block(block))
        .add_packet(Sdes::builder());
    let mut bytes = [0; 100];
    let length = answer.write_into(&mut bytes).unwrap();
    world.session.handle_report(world.now, PortId(1), control(1), &mut bytes[..length]);

    let stats = close(&mut world, 1);
    let trip = stats.round_trip.expect("it was told").as_secs_f64();
    assert!((0.0399..0.0401).contains(&trip), "{trip} s");
    let remote = stats.remote.expect("it was told");
    assert_eq!((remote.lost, remote.jitter), (40, ms(10)));
    assert!(remote.mos < stats.mos.unwrap());
}

#[test]
fn nobody_but_the_latched_peer_is_told_or_heard() {
    let mut world = World::new();
    // Behind a NAT: it does not send from where it says.
    let params = Params { remote: Some(addr(9)), ..params(1) };
    world.open(1, params.clone());
    let mut alice = Phone::new(1, &params);
    talk(&mut world, &mut alice, 1000, |_| false);
    assert!(world.reports.is_empty(), "where its RTCP comes from is not known");

    let mut report = [0x80, 201, 0, 1, 0, 0, 0, 1];
    world.session.handle_report(world.now, PortId(1), control(9), &mut report);
    talk(&mut world, &mut alice, 500, |_| false);
    assert!(world.reports.is_empty(), "another host asked for it");

    let behind_nat = (addr(1).ip(), 61_000).into();
    world.session.handle_report(world.now, PortId(1), behind_nat, &mut report);
    talk(&mut world, &mut alice, 500, |_| false);
    assert!(!world.reports.is_empty());
    assert!(world.reports.iter().all(|(_, to, _)| *to == behind_nat));
    // That report, and what came before the latch was sure of the address.
    assert_eq!(close(&mut world, 1).packets_refused, 3);
}

#[test]
fn rtcp_on_the_port_of_rtp_is_neither_relayed_nor_taken_for_audio() {
    let mux = |n| Params { rtcp: Rtcp::Mux, ..params(n) };
    let mut world = World::of_two(mux(1), mux(2));
    world.bridge();
    let (mut alice, mut bob) = (Phone::new(1, &mux(1)), Phone::new(2, &mux(2)));
    for _ in 0..400 {
        bob.talk(&mut world, 0x90);
        alice.talk(&mut world, 0x90);
    }
    assert!(world.reports.iter().any(|(leg, to, _)| *leg == 1 && *to == addr(1)));
    let mut bytes = [0; 60];
    let report = SenderReport::builder(1).ntp_timestamp(1 << 32);
    let name = Sdes::builder()
        .add_chunk(rtcp_types::SdesChunk::builder(1).add_item(SdesItem::builder(SdesItem::CNAME, "alice")));
    let length = Compound::builder().add_packet(report).add_packet(name).write_into(&mut bytes).unwrap();
    assert!(!world.deliver(1, addr(1), &mut bytes[..length]));
    assert!(!world.deliver(1, addr(5), &mut bytes[..length]));
    let stats = close(&mut world, 1);
    assert_eq!((stats.packets_received, stats.packets_refused), (400, 1));
}

#[test]
fn reports_keep_a_mute_peer_alive_and_garbage_does_not() {
    let settings = jackfield_media::Settings { media_timeout: ms(10_000), ..Default::default() };
    let mut world = World::with(settings);
    world.open(1, params(1));
    let mut alice = Phone::new(1, &params(1));
    alice.talk_for(&mut world, 10);
    world.take_events();
    for _ in 0..10 {
        world.advance(ms(5000));
        world.session.handle_report(world.now, PortId(1), control(1), &mut [0x80, 201, 0, 1, 0, 0, 0, 1]);
    }
    assert_eq!(world.take_events(), []);
    world.advance(ms(5000));
    world.session.handle_report(world.now, PortId(1), control(1), &mut [0x80, 201, 0, 9, 0, 0]);
    world.advance(ms(5100));
    assert_eq!(world.take_events(), [Event::TimedOut { leg: LegId(1) }]);
}
