//! Encrypted legs: what is opened, what is closed, and what a stranger can do about it.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod common;

use common::*;
use jackfield_media::{
    Command, Event, LegId, MasterKey, Params, PortId, Security, Suite, rtp,
    srtp::{Inbound, OVERHEAD, Outbound, Refused},
};

const SUITES: [Suite; 5] = [
    Suite::AesCm128Sha1_80,
    Suite::AesCm128Sha1_32,
    Suite::AesCm256Sha1_80,
    Suite::AeadAes128Gcm,
    Suite::AeadAes256Gcm,
];

/// A key of its own for every `n`.
fn key(suite: Suite, n: u8) -> MasterKey {
    let (key, salt) = suite.lengths();
    let bytes: Vec<u8> = (0..key + salt).map(|at| (at as u8).wrapping_mul(7).wrapping_add(n)).collect();
    MasterKey::new(suite, &bytes).unwrap()
}

/// What phone `n` agreed to: we send to it with key `n`, it sends with key `100 + n`.
fn secure(n: u64, suite: Suite) -> Params {
    let security = Security::Srtp { send: key(suite, n as u8), receive: key(suite, 100 + n as u8) };
    Params { security, ..params(n) }
}

/// A phone with its two keys; what it hears is opened with ours.
struct Secure {
    phone: Phone,
    send: Outbound,
    receive: Inbound,
}

impl Secure {
    fn new(n: u64, suite: Suite) -> Secure {
        let (send, receive) = (key(suite, 100 + n as u8), key(suite, n as u8));
        let phone = Phone { sequence: 10, ..Phone::new(n, &params(n)) };
        Secure { phone, send: Outbound::new(send), receive: Inbound::new(receive) }
    }

    /// The next packet of its stream, closed.
    fn packet(&mut self, code: u8) -> Vec<u8> {
        let Phone { ssrc, sequence, timestamp, .. } = self.phone;
        let stamp = rtp::Stamp { ssrc, sequence, timestamp, marker: false };
        let mut buffer = [0; 400];
        let length = rtp::build(&mut buffer, stamp, 0, &[code; 160]).unwrap();
        let length = self.send.protect(&mut buffer, length).unwrap();
        self.phone.sequence = sequence.wrapping_add(1);
        self.phone.timestamp = timestamp.wrapping_add(160);
        buffer[..length].to_vec()
    }

    /// The codes of the packets that it was sent, opened.
    fn heard(&mut self, world: &mut World) -> Vec<u8> {
        let open = |packet: Vec<u8>| {
            let mut packet = packet;
            let length = self.receive.unprotect(&mut packet).expect("made with our key");
            rtp::Packet::parse(&packet[..length]).unwrap().payload()[0]
        };
        world.take_raw(self.phone.leg).into_iter().map(open).collect()
    }

    fn say(&mut self, world: &mut World, code: u8) -> bool {
        let mut packet = self.packet(code);
        let relayed = world.deliver(self.phone.leg, self.phone.address, &mut packet);
        world.advance(ms(20));
        relayed
    }
}

/// Packet, then what libsrtp 2.6 makes of it with the key of 3, 10, 17 and so on: one contributing source, and an
/// extension whose elements have padding between them.
const RTP: &str = "9188123400000320cafebabe0badf00dbede000210aa0000210102007477656c7665206279746573";
const RTCP: &str = "80c80006cafebabe0000000100000002000000030000000400000005";
const LIBSRTP: [(Suite, &str, &str); 5] = [
    (
        Suite::AesCm128Sha1_80,
        "9188123400000320cafebabe0badf00dbede000210aa000021010200c4abe5625529f42aca4947f73e33a24daf80780e464f",
        "80c80006cafebabe374b5f7c8c73b4c5e55eb9f3f57e5aa3423257dd800000015627a1366082ea04b52b",
    ),
    (
        Suite::AesCm128Sha1_32,
        "9188123400000320cafebabe0badf00dbede000210aa000021010200c4abe5625529f42aca4947f73e33a24d",
        "80c80006cafebabe374b5f7c8c73b4c5e55eb9f3f57e5aa3423257dd800000015627a1366082ea04b52b",
    ),
    (
        Suite::AesCm256Sha1_80,
        "9188123400000320cafebabe0badf00dbede000210aa0000210102008a9b22f994c9673f012e7bd8b3e7e6401b5270df4eab",
        "80c80006cafebabe6fdb30bf81a2f5c6ef72ef71dc8a4a5680ae8899800000011526f70f2550ff906835",
    ),
    (
        Suite::AeadAes128Gcm,
        "9188123400000320cafebabe0badf00dbede000210aa00002101020018b68fae3e929a62f7d824b98b06a1ffc1ca041c9f44a3629f1ad505",
        "80c80006cafebabee57885557d5517dff611ab44f31affea5d7b4b9aca27564f46f50811025216e8f043cc5780000001",
    ),
    (
        Suite::AeadAes256Gcm,
        "9188123400000320cafebabe0badf00dbede000210aa000021010200e653f7fd2a981cdfc6a66e0d9db5b7bfe9fd00e4e57f16d50af48973",
        "80c80006cafebabe0470422411c9298d5d49aedfbe75e359bdb6b458cc0f3f8dd89f5e8511cf0289014e841f80000001",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn each_suite_is_what_libsrtp_makes_of_it() {
    for (suite, rtp, rtcp) in LIBSRTP {
        let (mut send, mut receive) = (Outbound::new(key(suite, 3)), Inbound::new(key(suite, 3)));
        let mut buffer = [0; 200];
        let mut made = |clear: &str, rtcp: bool| {
            let clear = bytes(clear);
            buffer[..clear.len()].copy_from_slice(&clear);
            let length = match rtcp {
                true => send.protect_rtcp(&mut buffer, clear.len()),
                false => send.protect(&mut buffer, clear.len()),
            };
            buffer[..length.unwrap()].to_vec()
        };
        let (mut packet, mut report) = (made(RTP, false), made(RTCP, true));
        assert_eq!((&packet, &report), (&bytes(rtp), &bytes(rtcp)), "{suite:?}");
        let length = receive.unprotect(&mut packet).unwrap();
        assert_eq!(packet[..length], bytes(RTP), "{suite:?}");
        let length = receive.unprotect_rtcp(&mut report).unwrap();
        assert_eq!(report[..length], bytes(RTCP), "{suite:?}");
    }
}

#[test]
fn a_key_has_the_length_of_its_suite() {
    for suite in SUITES {
        let (key, salt) = suite.lengths();
        assert!(MasterKey::new(suite, &vec![1; key + salt]).is_some());
        assert_eq!(MasterKey::new(suite, &vec![1; key + salt - 1]), None, "{suite:?}");
        assert_eq!(MasterKey::new(suite, &vec![1; key + salt + 1]), None, "{suite:?}");
    }
    let text = format!("{:?}", Security::Srtp { send: key(SUITES[0], 77), receive: key(SUITES[0], 78) });
    assert!(!text.contains("77") && !text.contains("84"), "a key in a log: {text}");
}

#[test]
fn an_encrypted_phone_talks_with_a_plain_one_and_each_leg_has_its_own_keys() {
    for suite in SUITES {
        let mut world = World::of_two(secure(1, suite), params(2));
        world.bridge();
        let (mut alice, mut bob) = (Secure::new(1, suite), Phone::new(2, &params(2)));
        assert!(alice.say(&mut world, 7));
        assert!(bob.talk(&mut world, 9));
        let heard = world.take(2);
        assert_eq!((heard.len(), &heard[0].payload[..]), (1, &[7; 160][..]), "{suite:?}");
        assert_eq!(alice.heard(&mut world), [9], "{suite:?}");
    }
}

#[test]
fn two_encrypted_phones_of_two_suites_talk() {
    let (first, second) = (Suite::AeadAes256Gcm, Suite::AesCm128Sha1_32);
    let mut world = World::of_two(secure(1, first), secure(2, second));
    world.bridge();
    let (mut alice, mut bob) = (Secure::new(1, first), Secure::new(2, second));
    // Once around all sequence numbers: the rollover counter counts on both sides.
    for n in 0..70_000_u32 {
        alice.say(&mut world, n as u8);
        bob.say(&mut world, !n as u8);
        if n.is_multiple_of(1000) || (65_300..65_800).contains(&n) {
            assert_eq!(alice.heard(&mut world).last(), Some(&(!n as u8)), "{n}");
            assert_eq!(bob.heard(&mut world).last(), Some(&(n as u8)), "{n}");
        } else {
            // The ear follows the stream, or it would lose count itself.
            alice.heard(&mut world);
            bob.heard(&mut world);
        }
    }
}

#[test]
fn prompts_and_digits_are_encrypted_too() {
    let suite = Suite::AesCm128Sha1_80;
    let mut world = World::new();
    world.open(1, secure(1, suite));
    world.play(1, 1, vec![clip(1000, ms(60))]);
    world.command(Command::SendDigits { leg: LegId(1), digits: "5".into() });
    world.advance(ms(500));
    let mut alice = Secure::new(1, suite);
    let heard = alice.heard(&mut world);
    assert!(heard.len() >= 8 && heard.contains(&5), "three of a prompt and an event: {heard:?}");
}

#[test]
fn nobody_latches_without_the_key() {
    let suite = Suite::AesCm128Sha1_80;
    let mut world = World::of_two(secure(1, suite), params(2));
    world.bridge();
    let mut stranger = Phone { leg: 1, ..Phone::new(3, &params(3)) };
    assert!(!stranger.talk(&mut world, 1), "plain RTP on an encrypted leg");
    let mut alice = Secure::new(1, suite);
    let mut changed = alice.packet(1);
    changed[20] ^= 1;
    assert!(!world.deliver(1, addr(1), &mut changed));
    assert!(world.take_events().is_empty());
    assert!(alice.say(&mut world, 2));
    assert_eq!(world.take_events(), [Event::Latched { leg: LegId(1), source: addr(1), for_good: true }]);
    world.command(Command::Close { leg: LegId(1) });
    let Some(Event::Closed { stats, .. }) = world.take_events().pop() else { panic!("it is closed") };
    assert_eq!((stats.packets_received, stats.packets_forged), (1, 2));
}

#[test]
fn a_packet_counts_once() {
    let suite = Suite::AeadAes128Gcm;
    let mut world = World::of_two(secure(1, suite), params(2));
    world.bridge();
    let mut alice = Secure::new(1, suite);
    assert!(alice.say(&mut world, 0));
    let (first, second) = (alice.packet(1), alice.packet(2));
    let mut deliver = |packet: &[u8]| world.deliver(1, addr(1), &mut packet.to_vec());
    assert!(deliver(&second) && deliver(&first), "late is not twice");
    assert!(!deliver(&first) && !deliver(&second));
}

#[test]
fn a_new_key_takes_over_and_an_old_one_keeps_its_count() {
    let suite = Suite::AesCm128Sha1_80;
    let mut world = World::of_two(secure(1, suite), params(2));
    world.bridge();
    let mut alice = Secure::new(1, suite);
    // Past the end of the sequence numbers.
    alice.phone.sequence = 65_530;
    for n in 0..10 {
        assert!(alice.say(&mut world, n));
    }
    // Another address, same keys: the count goes on.
    let moved = Params { remote: Some(addr(9)), ..secure(1, suite) };
    world.command(Command::Update { leg: LegId(1), params: moved.clone() });
    world.advance(ms(1000));
    alice.phone.address = addr(9);
    assert!(alice.say(&mut world, 11), "a re-latch keeps the rollover counter");

    // The peer's next key; one packet with the former one is on its way.
    let late = alice.packet(12);
    let Security::Srtp { send, .. } = moved.security.clone() else { unreachable!() };
    let rekeyed = Params { security: Security::Srtp { send, receive: key(suite, 55) }, ..moved };
    world.command(Command::Update { leg: LegId(1), params: rekeyed });
    assert!(world.deliver(1, addr(9), &mut late.clone()), "still with the former key");
    let old = alice.packet(13);
    alice.send = Outbound::new(key(suite, 55));
    assert!(alice.say(&mut world, 14));
    assert!(!world.deliver(1, addr(9), &mut old.clone()), "the new key has been heard");
    assert_eq!(world.take(2).len(), 13);
}

#[test]
fn a_stranger_cannot_fill_the_table_of_sources_nor_pass_clear_reports() {
    let suite = Suite::AesCm256Sha1_80;
    let packet = |ssrc: u32, sequence: u16| {
        let mut buffer = [0; 100];
        let stamp = rtp::Stamp { ssrc, sequence, timestamp: 0, marker: false };
        let length = rtp::build(&mut buffer, stamp, 0, &[1; 20]).unwrap();
        let length = Outbound::new(key(suite, 1)).protect(&mut buffer, length).unwrap();
        buffer[..length].to_vec()
    };
    let mut alice = Inbound::new(key(suite, 1));
    assert!(alice.unprotect(&mut packet(7, 1)).is_ok());
    for ssrc in 1000..2000_u32 {
        let mut forged = packet(7, 2);
        forged[8..12].copy_from_slice(&ssrc.to_be_bytes());
        assert_eq!(alice.unprotect(&mut forged), Err(Refused::Forged));
    }
    // Its replay window is still that of the first packet.
    assert_eq!(alice.unprotect(&mut packet(7, 1)), Err(Refused::Forged));

    // A report that says of itself that it is not encrypted, with any tag.
    let mut report = bytes(RTCP);
    report.extend([0; 14]);
    assert_eq!(alice.unprotect_rtcp(&mut report), Err(Refused::Forged));
}

#[test]
fn short_and_crowded_packets_are_refused() {
    for suite in SUITES {
        let mut inbound = Inbound::new(key(suite, 1));
        for length in 0..60 {
            for first in [0x80, 0x8f, 0x90, 0xbf] {
                let mut packet = vec![first; length];
                assert!(inbound.unprotect(&mut packet).is_err());
                assert!(inbound.unprotect_rtcp(&mut packet).is_err());
            }
        }
        let mut outbound = Outbound::new(key(suite, 1));
        let mut full = bytes(RTP);
        let length = full.len();
        assert_eq!(outbound.protect(&mut full, length), Err(Refused::Full));
        let (mut outbound, mut other) = (Outbound::new(key(suite, 2)), [0; 40 + OVERHEAD]);
        assert_eq!(outbound.protect(&mut [0x80; 11], 11), Err(Refused::Short));
        other[0] = 0x80;
        assert!(outbound.protect(&mut other, 32).is_ok());
        let mut same = [0x80; 60];
        same[2..4].copy_from_slice(&[0, 1]);
        assert_eq!(outbound.protect(&mut same, 32), Err(Refused::Forged), "another SSRC");
        assert_eq!(outbound.protect_rtcp(&mut [0x80; 7], 7), Err(Refused::Short));
    }
}

#[test]
fn without_room_for_its_tag_a_packet_is_lost() {
    let mut world = World::of_two(params(1), secure(2, Suite::AeadAes128Gcm));
    world.bridge();
    let mut packet = [0; 172];
    let stamp = rtp::Stamp { ssrc: 1, sequence: 1, timestamp: 0, marker: false };
    let length = rtp::build(&mut packet, stamp, 0, &[0; 160]).unwrap();
    assert_eq!(world.session.handle_packet(world.now, PortId(1), addr(1), &mut packet, length), None);
}

#[test]
fn a_phone_is_heard_whose_numbers_went_round_before_or_go_on_with_a_new_key() {
    let suite = Suite::AeadAes256Gcm;
    let mut world = World::of_two(secure(1, suite), params(2));
    world.bridge();
    let mut alice = Secure::new(1, suite);
    // All before the first round's end is lost.
    alice.phone.sequence = 65_533;
    for _ in 0..3 {
        alice.packet(0);
    }
    assert!(alice.say(&mut world, 1), "her first packet that arrives is of the second round");

    // RFC 3711 3.3.1 lets her count on with the next key; our ear of her begins at the same place.
    let Security::Srtp { send, .. } = secure(1, suite).security else { unreachable!() };
    let rekeyed = Security::Srtp { send, receive: key(suite, 55) };
    world.command(Command::Update { leg: LegId(1), params: Params { security: rekeyed, ..params(1) } });
    let sequence = alice.phone.sequence;
    alice.send = Outbound::new(key(suite, 55));
    alice.phone.sequence = 65_534;
    alice.packet(0);
    alice.packet(0);
    alice.phone.sequence = sequence;
    assert!(alice.say(&mut world, 2));
}

#[test]
fn reports_are_encrypted_and_a_forged_one_is_nobodys() {
    let suite = Suite::AesCm128Sha1_80;
    let mut world = World::of_two(secure(1, suite), params(2));
    let mut alice = Secure::new(1, suite);
    for n in 0..500 {
        alice.say(&mut world, n as u8);
    }
    let (_, _, report) =
        world.reports.iter().find(|(leg, ..)| *leg == 1).expect("a report in ten seconds").clone();
    let mut opened = report;
    let length = alice.receive.unprotect_rtcp(&mut opened).expect("made with our key");
    assert_eq!(opened[1], 201, "a receiver report: we send nothing");
    assert!(length < opened.len());

    // The peer's BYE, once in the clear and once as it should be.
    let mut bye = bytes("81cb000100000001");
    let port = PortId(1);
    world.session.handle_report(world.now, port, addr(1), &mut bye.clone());
    bye.resize(8 + OVERHEAD, 0);
    let length = alice.send.protect_rtcp(&mut bye, 8).unwrap();
    world.session.handle_report(world.now, port, addr(1), &mut bye[..length]);
    world.command(Command::Close { leg: LegId(1) });
    let Some(Event::Closed { stats, .. }) = world.take_events().pop() else { panic!("it is closed") };
    assert_eq!((stats.packets_forged, stats.packets_refused), (1, 0));
}
