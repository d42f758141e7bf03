//! Two media workers with so few ports that calls are spread over both: their legs are joined all the same, and no
//! phone notices that one has moved.

use std::{thread, time::Duration};

use jackfield_tests::{
    Phone, Site,
    audio::seconds_of,
    await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    handset::Line,
    netns,
    rtp::Voice,
};
use tempfile::TempDir;
use toml_edit::value;

use crate::{
    calls::assert_talk,
    guests::{add_guest, route},
    nat::{Capture, streams},
    records::await_records,
};

const SECOND: Duration = Duration::from_secs(1);
const TONES: [f32; 3] = [1000.0, 1300.0, 1700.0];

/// With room for so many legs. The workers have every other port: the first, third and so on are the first one's.
fn with_room_for(site: &Site, legs: u16) {
    let first = site.media_port();
    site.edit(|config| {
        config["media"]["workers"] = value(2);
        config["media"]["ports"] = value(format!("{first}-{}", first + 2 * legs - 1));
    });
}

/// The worker that had that port at the start.
fn worker(site: &Site, port: u16) -> u16 {
    (port - site.media_port()) / 2 % 2
}

/// Bob is scripted, for baresip 1.0 has no attended transfer. Alice's audio is plain, Malcom's is encrypted.
#[test]
fn an_attended_transfer_joins_calls_of_two_workers_and_no_packet_is_missing() {
    if !netns::inside("workers::an_attended_transfer_joins_calls_of_two_workers_and_no_packet_is_missing") {
        return;
    }
    let site = Site::at(netns::ADDRESS.parse().unwrap(), "[routes]\n\"10X\" = { user = \"*\" }\n");
    // The first call has all of one worker, the second one all of the other.
    with_room_for(&site, 4);
    let exchange = site.start();
    let bob = Phone::registered(&exchange, "bob");
    let folder = TempDir::new().unwrap();
    let [alice, malcom] = [(0, false), (2, true)].map(|(index, secured)| {
        let user = USERS[index].0;
        let folder = folder.path().join(user);
        let line = Line { user, over: Over::Udp, secured, tone: TONES[index], index: index as u16, folder };
        Baresip::start_on(&exchange, &line)
    });
    let mut capture = Capture::start(&exchange, "lo");
    let mut first = bob.dial("101").outcome(SECOND * 10).unwrap();
    first.audio.say(Voice::Tone(TONES[1]));
    alice.await_tone(0, TONES[1], 1.0);
    let mut second = bob.dial("103").outcome(SECOND * 10).unwrap();
    second.audio.say(Voice::Tone(TONES[1]));
    malcom.await_tone(0, TONES[1], 1.0);
    for (call, tone) in [(&first, TONES[0]), (&second, TONES[2])] {
        await_within(SECOND * 20, "their tones at bob", || {
            (seconds_of(&call.audio.heard().samples(), tone) >= 1.0).then_some(())
        });
    }

    let replaces = second.replaces().replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
    let server = exchange.site().udp();
    assert_eq!(first.refer(&format!("<sip:103@{server}?Replaces={replaces}>")), 202);
    second.await_end(SECOND * 10);
    malcom.await_tone(0, TONES[0], 3.0);
    alice.await_tone(0, TONES[2], 3.0);
    first.await_end(SECOND * 15);
    alice.hang_up();
    exchange.await_calls(0);
    // What tshark has not read yet of the kernel's buffer would be lost.
    thread::sleep(SECOND);

    let table = capture.read(&["-q", "--enable-heuristic", "rtp_udp", "-z", "rtp,streams"]);
    let streams = streams(&table);
    // Both ways between the exchange and four lines, each one stream from its begin to its end.
    assert_eq!(streams.len(), 8, "{table}");
    assert!(streams.iter().all(|stream| stream.lost == "0.0"), "a gap:\n{table}");
    let site = exchange.site();
    let ours = |port: u16| (site.media_port()..site.media_port() + 8).contains(&port);
    let mut legs = [0; 2];
    for stream in streams.iter().filter(|stream| ours(stream.from.port())) {
        legs[usize::from(worker(site, stream.from.port()))] += 1;
    }
    assert_eq!(legs, [2, 2], "two legs began on each worker:\n{table}");
    // The leg that moved has counted on both.
    let rows = await_records(&exchange, 2);
    assert_eq!(rows[0]["linked"], rows[1]["linked"]);
    for row in &rows {
        assert!(row["loss"].parse::<f32>().unwrap() < 0.5, "{row:?}");
    }
}

#[test]
fn a_bridge_of_a_plugin_joins_legs_of_two_workers() {
    let site = Site::new("[routes]\n");
    add_guest(&site, "script", "[capabilities]\ndial = [\"101\"]\n");
    site.edit(|config| {
        route(config, "777", "script", "guests/script");
        config["plugins"]["script"]["grant"]["dial"] = value(toml_edit::Array::from_iter(["101"]));
    });
    // A port for the caller, and one for the callee: each is on a worker of its own at first.
    with_room_for(&site, 2);
    let exchange = site.start();
    let [alice, bob] = ["alice", "bob"].map(|user| Phone::registered(&exchange, user));
    // When both ports have ended on one worker, the next call has them there.
    for _ in 0..3 {
        let mut here = bob.call("777");
        here.audio.say(Voice::Silence);
        here.audio.press('1');
        let there = alice.incoming().answer();
        assert_talk(&here, &there);
        here.hang_up();
        exchange.await_calls(0);
        drop(there);
    }
}
