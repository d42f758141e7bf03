//! Calls in depth, judged by SIPp and baresip: early media and PRACK, several phones of one user, phones that die, and
//! registrations that come too late.

use std::{net::SocketAddr, time::Duration};

use jackfield_tests::{
    Exchange, Site,
    audio::{Law, seconds_of, sine},
    await_until, await_within,
    baresip::{Baresip, Over},
    exchange::password,
    netns,
    sipp::Sipp,
};
use toml_edit::value;

const SECOND: Duration = Duration::from_secs(1);

/// On the address of the test's network, with a peer: SIPp, which needs no digest there.
fn site() -> Site {
    Site::at(netns::ADDRESS.parse().unwrap(), "[routes]\n\"10X\" = { user = \"*\" }\n")
}

fn spare(site: &Site, index: u16) -> SocketAddr {
    SocketAddr::new(netns::ADDRESS.parse().unwrap(), site.spare_port(index))
}

/// A line of SIPp's data file.
fn credentials(user: &str) -> String {
    format!("{user};[authentication username={user} password={}];\n", password(user))
}

fn hears(phone: &Baresip, call: usize, tone: f32) {
    await_within(SECOND * 20, &format!("a tone of {tone} Hz"), || {
        phone.heard().get(call).is_some_and(|sound| seconds_of(sound, tone) >= 1.0).then_some(())
    });
}

#[test]
fn what_a_callee_says_in_a_reliable_183_is_heard_before_it_answers() {
    if !netns::inside("dialogs::what_a_callee_says_in_a_reliable_183_is_heard_before_it_answers") {
        return;
    }
    let site = site();
    let callee = spare(&site, 4);
    site.edit(|config| config["routes"]["9*"] = value(format!("sip:{{rest}}@{callee}")));
    let exchange = site.start();
    let alice = Baresip::start(&exchange, "alice", Over::Udp, 1300.0, 0);
    let sipp = Sipp::new("early.xml", callee, 1).media_port(exchange.site().spare_port(6));
    sipp.file(
        "voice.al",
        sine(1000.0, 0, 8000).into_iter().map(|sample| Law::A.encode(sample)).collect::<Vec<_>>(),
    );
    let sipp = sipp.start();
    alice.dial("9600");
    hears(&alice, 0, 1000.0);
    assert!(exchange.operator(&["calls"]).contains("early"), "it was heard before the answer");
    await_within(SECOND * 20, "the answer", || {
        exchange.operator(&["calls"]).contains("bridged").then_some(())
    });
    alice.hang_up();
    let counts = sipp.finish(SECOND * 20);
    assert_eq!((counts.good, counts.failed), (1, 0), "{}", counts.errors);
    exchange.await_calls(0);
}

#[test]
fn all_phones_of_a_user_ring_and_those_that_lose_show_no_missed_call() {
    if !netns::inside("dialogs::all_phones_of_a_user_ring_and_those_that_lose_show_no_missed_call") {
        return;
    }
    let exchange = site().start();
    let other = spare(exchange.site(), 4);
    let register = Sipp::new("register.xml", other, 1).calling(exchange.site().udp(), 1, 1);
    register.data(&credentials("bob")).expect_all_good(1);
    let rings = Sipp::new("elsewhere.xml", other, 1).start();
    let alice = Baresip::start(&exchange, "alice", Over::Udp, 1300.0, 0);
    let bob = Baresip::start(&exchange, "bob", Over::Tcp, 1000.0, 1);
    alice.dial("102");
    hears(&alice, 0, 1000.0);
    hears(&bob, 0, 1300.0);
    let counts = rings.finish(SECOND * 20);
    assert_eq!((counts.good, counts.failed), (1, 0), "SIPp rang and was told:\n{}", counts.errors);
    bob.hang_up();
    exchange.await_calls(0);

    // One of the two logs out; the other one still rings.
    let logout = Sipp::new("logout.xml", other, 1).calling(exchange.site().udp(), 1, 1);
    logout.data(&credentials("bob")).expect_all_good(1);
    alice.dial("102");
    hears(&bob, 1, 1300.0);
    alice.hang_up();
    exchange.await_calls(0);
}

#[test]
fn a_phone_that_is_killed_ends_its_call_within_the_session_time() {
    if !netns::inside("dialogs::a_phone_that_is_killed_ends_its_call_within_the_session_time") {
        return;
    }
    let site = site();
    site.edit(|config| {
        config["exchange"]["session-expires"] = value("90s");
        // The silence is not what ends it.
        config["media"]["timeout"] = value("10m");
    });
    let exchange = site.start();
    let alice = Baresip::start(&exchange, "alice", Over::Udp, 1300.0, 0);
    let mut bob = Baresip::start(&exchange, "bob", Over::Udp, 1000.0, 1);
    alice.dial("102");
    hears(&alice, 0, 1000.0);
    bob.process().kill();
    await_within(SECOND * 100, "the BYE to alice", || (alice.ended() == 1).then_some(()));
    await_until("the end of the call", || (exchange.calls() == 0).then_some(()));
}

#[test]
fn a_register_that_was_overtaken_is_refused() {
    let exchange = Exchange::start("");
    let local = SocketAddr::new("127.0.0.1".parse().unwrap(), exchange.site().spare_port(0));
    let register = Sipp::new("overtaken.xml", local, 1).calling(exchange.site().udp(), 1, 1);
    register.data(&credentials("alice")).expect_all_good(1);
}
