//! Two phones and the exchange between them: the calls that every exchange must get right.

use std::time::Duration;

use jackfield_tests::{Exchange, Phone, await_until, exchange::password, phone::Call, rtp::Voice};

const CONFIG: &str = "[routes]\n\"10X\" = { user = \"*\" }\n\"200\" = { users = [\"alice\", \"bob\"], ring = \"2s\", fallback = \"103\" }\n";
const SECOND: Duration = Duration::from_secs(1);

/// Each hears the other's tone for a second, without a fault in the stream.
#[track_caller]
pub fn assert_talk(one: &Call, two: &Call) {
    one.audio.say(Voice::Tone(1000.0));
    two.audio.say(Voice::Tone(1300.0));
    for (call, tone) in [(one, 1300.0), (two, 1000.0)] {
        await_until(&format!("a tone of {tone} Hz"), || {
            (jackfield_tests::audio::seconds_of(&call.audio.heard().samples(), tone) >= 1.0).then_some(())
        });
        assert_eq!(call.audio.heard().faults(), [""; 0]);
    }
}

#[test]
fn a_call_over_udp_and_one_over_tcp_carry_sound_both_ways() {
    let exchange = Exchange::start(CONFIG);
    let alice = Phone::registered(&exchange, "alice");
    let mut bob = Phone::tcp(&exchange, "bob");
    bob.register();
    for (caller, callee, number) in [(&alice, &bob, "102"), (&bob, &alice, "101")] {
        let mut dialing = caller.dial(number);
        let ringing = callee.incoming();
        ringing.ring();
        dialing.await_status(180);
        let mut there = ringing.answer();
        let mut here = dialing.outcome(SECOND * 10).unwrap();
        assert_talk(&here, &there);
        assert_eq!(exchange.calls(), 1);
        here.hang_up();
        there.await_end(SECOND * 10);
        exchange.await_calls(0);
    }
}

#[test]
fn the_callee_may_hang_up_and_digits_pass_through() {
    let exchange = Exchange::start(CONFIG);
    let alice = Phone::registered(&exchange, "alice");
    let bob = Phone::registered(&exchange, "bob");
    let dialing = alice.dial("102");
    let ringing = bob.incoming();
    assert!(ringing.from().contains("101") || ringing.from().contains("alice"), "{}", ringing.from());
    let mut there = ringing.answer();
    let mut here = dialing.outcome(SECOND * 10).unwrap();
    assert_talk(&here, &there);
    for key in "159*#".chars() {
        here.audio.press(key);
    }
    await_until("all digits", || (there.audio.heard().digits() == "159*#").then_some(()));
    there.hang_up();
    here.await_end(SECOND * 10);
    exchange.await_calls(0);
}

#[test]
fn refusals_and_cancelled_calls_leave_nothing_behind() {
    let exchange = Exchange::start(CONFIG);
    let alice = Phone::registered(&exchange, "alice");
    let bob = Phone::registered(&exchange, "bob");

    for status in [486, 603] {
        let dialing = alice.dial("102");
        bob.incoming().reject(status);
        assert_eq!(dialing.outcome(SECOND * 10).err(), Some(status));
    }

    let mut dialing = alice.dial("102");
    let ringing = bob.incoming();
    ringing.ring();
    dialing.await_status(180);
    dialing.cancel();
    ringing.await_cancel(SECOND * 10);

    assert_eq!(alice.dial("103").outcome(SECOND * 10).err(), Some(480), "malcom has no phone");
    assert_eq!(alice.dial("777").outcome(SECOND * 10).err(), Some(404), "no such number");
    exchange.await_calls(0);
}

#[test]
fn the_first_of_several_phones_that_answers_gets_the_call_and_a_fallback_follows_them() {
    let exchange = Exchange::start(CONFIG);
    let (alice, bob) = (Phone::registered(&exchange, "alice"), Phone::registered(&exchange, "bob"));
    let malcom = Phone::registered(&exchange, "malcom");

    let dialing = malcom.dial("200");
    let (first, second) = (alice.incoming(), bob.incoming());
    first.ring();
    second.ring();
    let there = second.answer();
    first.await_cancel(SECOND * 10);
    let mut here = dialing.outcome(SECOND * 10).unwrap();
    assert_talk(&here, &there);
    here.hang_up();
    drop(there);

    // After two seconds without an answer, malcom himself is the fallback.
    let dialing = malcom.dial("200");
    let (first, second) = (alice.incoming(), bob.incoming());
    first.ring();
    second.ring();
    let fallback = malcom.incoming();
    first.await_cancel(SECOND * 10);
    second.await_cancel(SECOND * 10);
    let there = fallback.answer();
    let mut here = dialing.outcome(SECOND * 10).unwrap();
    assert_talk(&here, &there);
    here.hang_up();
    drop(there);
    exchange.await_calls(0);
}

#[test]
fn only_who_knows_the_password_registers_and_calls() {
    let exchange =
        Exchange::start(&format!("[users.sha]\nnumber = \"104\"\ndigest = \"sha256\"\n\n{CONFIG}"));
    let loopback = "127.0.0.1:0".parse().unwrap();
    let mut alice = Phone::registered(&exchange, "alice");
    for (user, word) in [("bob", "wrong"), ("nobody", "wrong")] {
        let mut thief = Phone::stranger(&exchange, user, word, loopback);
        assert!(matches!(thief.register_for(600).status_code.code(), 401 | 403), "{user}");
        assert!(matches!(thief.dial("101").outcome(SECOND * 10).err(), Some(401 | 403 | 407)), "{user}");
    }
    assert_eq!(alice.dial("102").outcome(SECOND * 10).err(), Some(480), "nothing was stored for bob");
    assert!(alice.incoming_within(SECOND).is_none());

    exchange
        .site()
        .jackfield_with(&["user", "add", "sha", "--password-stdin"], b"another-secret\n")
        .expect_good();
    let mut sha = Phone::stranger(&exchange, "sha", "another-secret", loopback);
    await_until("the new password", || (sha.register_for(600).status_code.code() == 200).then_some(()));

    assert_eq!(alice.register_for(0).status_code.code(), 200);
    assert_eq!(sha.dial("101").outcome(SECOND * 10).err(), Some(480), "alice has left");
    assert_eq!(alice.options(), 200);
    assert!(!exchange.log().contains(&password("alice")), "no password in the log");
}
