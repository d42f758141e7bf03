//! Who is meant by a Replaces header (RFC 3891), and how long two who collided wait (RFC 3261 14.1).
#![allow(clippy::unwrap_used, reason = "tests")]

mod lone;
mod pair;

use jackfield_sip::{Event, Replaces};
use lone::{Lone, invite};
use pair::*;

/// A dialog as its other end names it, in the eyes of the one who is asked.
fn turned(replaces: Replaces) -> Replaces {
    Replaces { to_tag: replaces.from_tag, from_tag: replaces.to_tag, ..replaces }
}

#[test]
fn each_end_finds_the_dialog_that_the_other_one_names() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.talk();
    let named = pair.alice.replaces(alice).unwrap();
    let found = pair.bob.replaced(&named).unwrap();
    assert_eq!((found.session, found.is_early, found.is_ours), (bob, false, false));
    let named = pair.bob.replaces(bob).unwrap();
    assert!(pair.alice.replaced(&named).is_some_and(|found| found.session == alice && found.is_ours));
    assert_eq!(pair.alice.replaced(&turned(named.clone())), None);
    for wrong in [
        Replaces { call_id: "another".to_owned(), ..named.clone() },
        Replaces { from_tag: "another".to_owned(), ..named.clone() },
    ] {
        assert_eq!(pair.alice.replaced(&wrong), None);
    }
    pair.end(Alice, alice);
    assert_eq!(pair.alice.replaced(&named), None, "it ends already");
}

#[test]
fn an_early_dialog_is_known_as_such() {
    let mut pair = Pair::udp();
    let alice = pair.invite();
    pair.run_for(SECOND);
    assert_eq!(pair.alice.replaces(alice), None, "there is no dialog yet");
    let bob = pair.called();
    pair.act(Bob, |end, now| end.provisional(now, bob, jackfield_sip::Answer::status(180)));
    pair.run_for(SECOND);
    let named = pair.bob.replaces(bob).unwrap();
    assert!(pair.alice.replaced(&named).unwrap().is_early);
}

#[test]
fn an_invite_tells_what_it_replaces_and_a_broken_one_is_refused() {
    let mut lone = Lone::udp();
    let with = |value: &str| invite().replace("Call-ID: c1", &format!("Call-ID: c1\r\nReplaces: {value}"));
    lone.receive(&with("a@b;from-tag=1;to-tag=2"));
    let Some(Event::Invite { replaces: Some(replaces), .. }) = lone.events.pop() else { panic!("no call") };
    assert_eq!(replaces.to_string(), "a@b;to-tag=2;from-tag=1");
    let mut lone = Lone::udp();
    for broken in ["a@b", "a;to-tag=1;from-tag=2\r\nReplaces: b;to-tag=1;from-tag=2"] {
        lone.receive(&with(broken));
        assert_eq!((lone.statuses(), lone.events.len()), (vec![400], 0), "{broken}");
    }
}

#[test]
fn who_owns_the_call_id_waits_longer_after_a_collision() {
    let mut pair = Pair::udp();
    let (alice, bob) = pair.talk();
    for _ in 0..1000 {
        let (ours, theirs) = (pair.alice.glare_wait(alice), pair.bob.glare_wait(bob));
        assert!((MS * 2100..=MS * 4000).contains(&ours) && ours.as_millis().is_multiple_of(10), "{ours:?}");
        assert!(theirs <= MS * 2000 && theirs.as_millis().is_multiple_of(10), "{theirs:?}");
    }
}
