//! SRTP by keys in the signalling: who is asked for it, how, and that keys stay between two.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::*;
use jackfield_sip::Transport;
use jackfield_switch::{CallRecord, LegRecord, Settings, SrtpPolicy};
use rsip::Method;

const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";
/// Two keys of phones, of 30 bytes.
const ALICE: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
const BOB: &str = "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";

fn all_are(policy: SrtpPolicy) -> impl FnOnce(&mut Settings) {
    move |settings| {
        for name in ["alice", "bob", "carol"] {
            settings.users.change(name, |user| user.srtp = policy);
        }
    }
}

fn bob_is(policy: SrtpPolicy) -> impl FnOnce(&mut Settings) {
    move |settings| settings.users.change("bob", |bob| bob.srtp = policy)
}

/// Alice calls 102 with that m= line and her key.
fn dial_encrypted(world: &mut World, alice: Phone, protocol: &str) -> Line {
    let rtp = "10.0.0.99:4000".parse().unwrap();
    let offer = Sdp::new(rtp).encrypted(protocol, ALICE);
    world.dial_body(alice, "102", "application/sdp", &offer.write())
}

fn answer_encrypted(world: &mut World, line: Line) {
    let protocol = world.theirs(line).protocol;
    let answer = world.answer_of(line).encrypted(&protocol, BOB);
    world.answer_with(line, Some(answer));
}

/// Who, by which transport and with which suite; by name.
fn securities(record: &CallRecord) -> Vec<(&str, &str, &str)> {
    let mut legs: Vec<_> = record.legs.iter().map(said).collect();
    legs.sort();
    legs
}

fn said(leg: &LegRecord) -> (&str, &str, &str) {
    (&leg.label, &leg.transport, leg.security.as_deref().unwrap_or("nothing"))
}

#[test]
fn a_plain_phone_ignores_the_keys_that_it_is_offered() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let line = world.called(bob);
    let offer = world.theirs(line);
    assert_eq!((offer.protocol.as_str(), offer.crypto.len()), ("RTP/AVP", 5));
    world.answer(line);
    world.assert_talking(call, line);
    assert!(world.theirs(call).crypto.is_empty(), "she offered none");
    world.hang_up(call);
    assert_eq!(securities(&world.record()), [("alice", "UDP", "RTP"), ("bob", "UDP", "RTP")]);
}

#[test]
fn each_leg_has_its_own_keys_and_the_record_says_so() {
    let mut world = World::new();
    let (alice, bob) = (world.phone("alice"), world.phone_over("bob", Transport::Tls));
    let call = dial_encrypted(&mut world, alice, "RTP/SAVP");
    let line = world.called(bob);
    let to_bob = world.theirs(line);
    assert_eq!(to_bob.protocol, "RTP/SAVP", "his signalling is encrypted");
    answer_encrypted(&mut world, line);
    let to_alice = world.theirs(call);
    assert_eq!((to_alice.protocol.as_str(), to_alice.crypto.len()), ("RTP/SAVP", 1));
    let mut keys = vec![to_alice.key(SUITE)];
    keys.extend(to_bob.crypto.iter().filter_map(|line| Some(line.split("inline:").nth(1)?.to_owned())));
    keys.extend([ALICE, BOB].map(|line| line.split("inline:").nth(1).unwrap().to_owned()));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), count), (8, 8), "no key comes twice");

    // A re-INVITE with her key keeps ours; one with another key does too.
    let own = Sdp::new("10.0.0.99:4000".parse().unwrap()).encrypted("RTP/SAVP", ALICE);
    assert_eq!(world.reoffer(call, Method::Invite, Some(own.clone())), 200);
    assert_eq!(world.theirs(call).key(SUITE), to_alice.key(SUITE));
    assert_eq!(world.reoffer(call, Method::Invite, Some(own.encrypted("RTP/SAVP", BOB))), 200);
    assert_eq!(world.theirs(call).key(SUITE), to_alice.key(SUITE));
    world.hang_up(call);
    assert_eq!(securities(&world.record()), [("alice", "UDP", SUITE), ("bob", "TLS", SUITE)]);
}

#[test]
fn a_phone_that_wants_the_other_m_line_gets_it_at_once_and_first_the_next_time() {
    for (over, first, second) in
        [(Transport::Udp, "RTP/AVP", "RTP/SAVP"), (Transport::Tls, "RTP/SAVP", "RTP/AVP")]
    {
        let mut world = World::new();
        let (alice, bob) = (world.phone("alice"), world.phone_over("bob", over));
        let call = world.dial(alice, "102");
        let line = world.called(bob);
        assert_eq!(world.theirs(line).protocol, first);
        world.refuse(line, 488);
        assert_eq!(world.end(call), None);
        let again = world.called(bob);
        let offer = world.theirs(again);
        assert_eq!((offer.protocol.as_str(), offer.crypto.len()), (second, 5));
        answer_encrypted(&mut world, again);
        assert!(world.is_up(call));
        world.hang_up(call);
        world.dial(alice, "102");
        let next = world.called(bob);
        assert_eq!(world.theirs(next).protocol, second, "{over:?}");
    }
}

#[test]
fn phones_that_ring_together_do_not_know_each_others_keys() {
    let mut world = World::new();
    let (alice, first, second) = (world.phone("alice"), world.phone("bob"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let (one, two) = (world.called(first), world.called(second));
    assert_ne!(world.theirs(one).key(SUITE), world.theirs(two).key(SUITE));
    // The first to be called answers: its key counts, not that of the last.
    answer_encrypted(&mut world, one);
    assert!(world.is_up(call));
    world.hang_up(call);
    assert_eq!(securities(&world.record()), [("alice", "UDP", "RTP"), ("bob", "UDP", SUITE)]);
}

#[test]
fn what_is_required_is_not_left_out() {
    let mut world = World::with(all_are(SrtpPolicy::Required));
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let plain = world.dial(alice, "102");
    assert_eq!(world.end(plain), Some(End::Refused(488)));
    world.assert_not_called(bob);
    assert!(world.warnings()[0].contains("alice has srtp = \"required\""), "{:?}", world.warnings());
    let call = dial_encrypted(&mut world, alice, "RTP/AVP");
    let line = world.called(bob);
    assert_eq!(world.theirs(line).protocol, "RTP/SAVP");
    world.refuse(line, 488);
    assert_eq!(world.end(call), Some(End::Refused(488)), "nothing else is tried");
}

#[test]
fn a_phone_that_answers_without_the_required_keys_has_no_call() {
    let mut world = World::with(bob_is(SrtpPolicy::Required));
    let (alice, bob) = (world.phone("alice"), world.phone("bob"));
    let call = world.dial(alice, "102");
    let line = world.called(bob);
    world.answer(line);
    assert_eq!(world.end(call), Some(End::Refused(488)));
    assert!(matches!(world.end(line), Some(End::Bye(_))));
}

#[test]
fn off_is_off() {
    let mut world = World::with(all_are(SrtpPolicy::Off));
    let (alice, bob) = (world.phone_over("alice", Transport::Tls), world.phone_over("bob", Transport::Tls));
    let refused = dial_encrypted(&mut world, alice, "RTP/SAVP");
    assert_eq!(world.end(refused), Some(End::Refused(488)));
    let call = dial_encrypted(&mut world, alice, "RTP/AVP");
    let line = world.called(bob);
    let offer = world.theirs(line);
    assert_eq!((offer.protocol.as_str(), offer.crypto.len()), ("RTP/AVP", 0));
    world.answer(line);
    assert!(world.is_up(call) && world.theirs(call).crypto.is_empty());
}
