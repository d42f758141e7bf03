//! Encrypted audio: baresip with SRTP and without calls itself through the exchange, and libsrtp opens what was on
//! the wire.

use std::{collections::BTreeSet, time::Duration};

use jackfield_tests::{
    Exchange, Phone, Site,
    audio::seconds_of,
    await_until, await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    handset::Line,
    netns,
    scrambler::SUITES,
    wire::Capture,
};
use tempfile::TempDir;
use toml_edit::value;

use crate::calls::assert_talk;

const ROUTES: &str = "[routes]\n\"10X\" = { user = \"*\" }\n";
const TONES: [f32; 3] = [1000.0, 1300.0, 1700.0];
/// Alice insists on SRTP (`srtp-mand`), and so does the exchange with her; Bob has never heard of it; Malcom takes
/// part in it (`srtp`).
const IS_ENCRYPTED: [bool; 3] = [true, false, true];
/// Caller and callee.
const CALLS: [(usize, usize); 6] = [(0, 1), (1, 0), (2, 1), (1, 2), (0, 2), (2, 0)];
/// What baresip takes of our offer, and offers first.
const SUITE: &str = "AES_CM_128_HMAC_SHA1_80";

#[test]
fn baresip_over_tls_talks_encrypted_to_plain_phones_and_to_encrypted_ones() {
    if !netns::inside("encryption::baresip_over_tls_talks_encrypted_to_plain_phones_and_to_encrypted_ones") {
        return;
    }
    Party::new(Over::Tls).call_each_other();
}

#[test]
fn libsrtp_opens_both_directions_of_every_leg_with_a_key_of_its_own() {
    if !netns::inside("encryption::libsrtp_opens_both_directions_of_every_leg_with_a_key_of_its_own") {
        return;
    }
    let party = Party::new(Over::Udp);
    let capture = Capture::start();
    party.call_each_other();
    // Time for a report.
    party.call(1, 2, Duration::from_secs(8));
    let streams = capture.streams();
    let ports = party.exchange.site().media_ports();
    let (first, last) = ports.split_once('-').unwrap();
    let ours = first.parse().unwrap()..=last.parse::<u16>().unwrap();
    let mut reports = 0;
    for stream in &streams {
        let call = &stream.call;
        println!("{call}: {}, RTP {:?}, RTCP {:?}", stream.suite, stream.rtp, stream.rtcp);
        assert_eq!(stream.suite, SUITE, "{call}");
        assert!(stream.rtp[0] > 25 && stream.rtp[0] == stream.rtp[1], "{call}: RTP {:?}", stream.rtp);
        // Before it has keys and when it has hung up, baresip sends plain RTCP: that is its own affair.
        if ours.contains(&stream.port) {
            assert_eq!(stream.rtcp[0], stream.rtcp[1], "{call}: RTCP");
            reports += stream.rtcp[1];
        }
        let heard = TONES.iter().filter(|tone| seconds_of(&stream.sound, **tone) >= 0.5).count();
        assert_eq!(heard, 1, "{call}: one tone");
    }
    assert!(reports > 0, "no RTCP of the exchange");
    let legs = CALLS.iter().chain(&[(1, 2)]).flat_map(|(caller, callee)| [caller, callee]);
    let encrypted = legs.filter(|leg| IS_ENCRYPTED[**leg]).count();
    let keys: BTreeSet<&str> = streams.iter().map(|stream| stream.key.as_str()).collect();
    assert_eq!(
        (streams.len(), keys.len()),
        (2 * encrypted, 2 * encrypted),
        "both directions, a key for each"
    );
}

#[test]
fn two_suites_talk_to_each_other_with_libsrtp_at_both_ends() {
    let exchange = Exchange::start(ROUTES);
    let alice = Phone::registered(&exchange, "alice");
    let bob = Phone::registered(&exchange, "bob");
    let pairs = [0, 1, 2, 3, 4].map(|at| (SUITES[at].0, SUITES[(at + 1) % 5].0));
    for (caller, callee) in pairs {
        let dialing = alice.dial_encrypted("102", caller);
        let mut there = bob.incoming().answer_encrypted(callee);
        let mut here = dialing.outcome(Duration::from_secs(10)).unwrap();
        // Also without a fault: libsrtp has opened every packet.
        assert_talk(&here, &there);
        here.hang_up();
        there.await_end(Duration::from_secs(10));
        exchange.await_calls(0);
    }
    let mut expected = pairs.map(|(caller, callee)| format!("101 102: {caller} {callee}"));
    expected.sort();
    assert_eq!(securities(&exchange, expected.len()), expected);
}

#[test]
fn a_plain_phone_is_refused_where_srtp_is_required() {
    let site = Site::new(ROUTES);
    site.edit(|config| config["users"]["alice"]["srtp"] = value("required"));
    let exchange = site.start();
    let alice = Phone::registered(&exchange, "alice");
    let bob = Phone::registered(&exchange, "bob");
    assert_eq!(alice.dial("102").outcome(Duration::from_secs(10)).err(), Some(488));
    assert!(exchange.log().contains("alice has srtp"), "it is not said why");

    // Called, she gets RTP/SAVP; what answers as if it were RTP/AVP is hung up on.
    let dialing = bob.dial("101");
    let ringing = alice.incoming();
    assert!(ringing.session().contains(" RTP/SAVP "), "{}", ringing.session());
    let mut there = ringing.answer();
    assert!(dialing.outcome(Duration::from_secs(10)).is_err());
    there.await_end(Duration::from_secs(10));
    exchange.await_calls(0);
}

/// An exchange and three baresips.
struct Party {
    exchange: Exchange,
    phones: [Baresip; 3],
    _folder: TempDir,
}

impl Party {
    /// Those that encrypt have this transport; the plain one has UDP.
    fn new(over: Over) -> Party {
        let site = Site::at(netns::ADDRESS.parse().unwrap(), ROUTES);
        site.edit(|config| config["users"]["alice"]["srtp"] = value("required"));
        let exchange = site.start();
        let folder = tempfile::tempdir().unwrap();
        let line = |index: usize| Line {
            user: USERS[index].0,
            over: if IS_ENCRYPTED[index] { over } else { Over::Udp },
            secured: index == 0,
            tone: TONES[index],
            index: index as u16,
            folder: folder.path().join(USERS[index].0),
        };
        let phones = [
            Baresip::start_on(&exchange, &line(0)),
            Baresip::start_on(&exchange, &line(1)),
            Baresip::encrypting_if_asked(&exchange, &line(2)),
        ];
        Party { exchange, phones, _folder: folder }
    }

    fn call_each_other(&self) {
        for (caller, callee) in CALLS {
            self.call(caller, callee, Duration::ZERO);
        }
        let mut expected: Vec<String> = CALLS
            .iter()
            .map(|(caller, callee)| {
                let word = |leg: usize| if IS_ENCRYPTED[leg] { SUITE } else { "RTP" };
                let (from, to) = (USERS[*caller].1, USERS[*callee].1);
                format!("{from} {to}: {} {}", word(*caller), word(*callee))
            })
            .collect();
        expected.sort();
        assert_eq!(securities(&self.exchange, expected.len()), expected);
    }

    /// Each hears the tone of the other; then they stay.
    fn call(&self, caller: usize, callee: usize, stay: Duration) {
        let names = format!("{} calls {}", USERS[caller].0, USERS[callee].0);
        let heard = |phone: usize| self.phones[phone].heard();
        let before = [caller, callee].map(|phone| heard(phone).len());
        self.phones[caller].dial(USERS[callee].1);
        for (own, other, calls) in [(caller, callee, before[0]), (callee, caller, before[1])] {
            await_within(Duration::from_secs(20), &format!("{names}: a tone at {}", USERS[own].0), || {
                let is_heard = |sound: &Vec<i16>| seconds_of(sound, TONES[other]) >= 1.0;
                heard(own).get(calls).is_some_and(is_heard).then_some(())
            });
        }
        std::thread::sleep(stay);
        self.phones[caller].hang_up();
        self.exchange.await_calls(0);
        for phone in [caller, callee] {
            let calls = heard(phone).len();
            await_until(&format!("{names}: both to have hung up"), || {
                (self.phones[phone].ended() >= calls).then_some(())
            });
        }
    }
}

/// `caller callee: suites` of so many call records; each is written when its call is over.
fn securities(exchange: &Exchange, calls: usize) -> Vec<String> {
    await_until(&format!("{calls} call records"), || {
        let found = security_of(&exchange.operator(&["records"]));
        (found.len() >= calls).then_some(found)
    })
}

fn security_of(records: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(records.as_bytes());
    let columns = reader.headers().unwrap().clone();
    let column = |name: &str| columns.iter().position(|column| column == name).expect("a column");
    let [caller, callee, security] = ["caller", "callee", "security"].map(column);
    let line = |row: csv::StringRecord| format!("{} {}: {}", &row[caller], &row[callee], &row[security]);
    let mut lines: Vec<String> = reader.records().map(|row| line(row.unwrap())).collect();
    lines.sort();
    lines
}
