//! Hold and transfer, as baresip does them, and what is heard and written meanwhile.

use std::time::Duration;

use jackfield_tests::{
    Exchange, Phone, Site,
    audio::{RATE, seconds_of, sine},
    await_until, await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    handset::write_wav,
    netns,
    phone::Call,
    rtp::Voice,
};

use crate::{calls::assert_talk, records::await_records};

const SECOND: Duration = Duration::from_secs(1);
/// Each baresip says its own tone.
const TONES: [f32; 3] = [1000.0, 1300.0, 1700.0];

fn exchange() -> Site {
    Site::at(netns::ADDRESS.parse().unwrap(), "[routes]\n\"10X\" = { user = \"*\" }\n")
}

/// However many processors there are.
fn two_workers(site: &Site) {
    site.edit(|config| config["media"]["workers"] = toml_edit::value(2));
}

fn phones(exchange: &Exchange, number: usize) -> Vec<Baresip> {
    (0..number)
        .map(|index| Baresip::start(exchange, USERS[index].0, Over::Udp, TONES[index], index as u16))
        .collect()
}

/// How long a phone has heard a tone in its calls, in seconds.
fn heard(phone: &Baresip, tone: f32) -> f32 {
    phone.heard().iter().map(|sound| seconds_of(sound, tone)).sum()
}

#[track_caller]
fn await_tone(phone: &Baresip, tone: f32, what: &str) {
    await_more(what, || heard(phone, tone));
}

/// Waits for a second more of what is heard.
#[track_caller]
fn await_more(what: &str, heard: impl Fn() -> f32) {
    let before = heard();
    await_within(SECOND * 20, what, || (heard() >= before + 1.0).then_some(()));
}

#[test]
fn a_held_baresip_hears_the_music_and_after_it_the_other_one() {
    if !netns::inside("transfer::a_held_baresip_hears_the_music_and_after_it_the_other_one") {
        return;
    }
    let site = exchange();
    let music = [sine(700.0, 0, RATE), sine(900.0, 0, RATE)].concat();
    write_wav(&site.beside("music.wav"), &music);
    site.edit(|config| config["media"]["music-on-hold"] = toml_edit::value("music.wav"));
    let exchange = site.start();
    let phones = phones(&exchange, 2);
    phones[0].dial(USERS[1].1);
    await_tone(&phones[1], TONES[0], "alice at bob");
    await_tone(&phones[0], TONES[1], "bob at alice");

    phones[0].hold();
    await_within(SECOND * 20, "two seconds of the music", || {
        (heard(&phones[1], 700.0) >= 2.0 && heard(&phones[1], 900.0) >= 2.0).then_some(())
    });
    // It is the file, in its order: a second of one tone, a second of the other.
    let sound = phones[1].heard().remove(0);
    let tone_of = |window: &[i16]| [700.0, 900.0].into_iter().find(|tone| seconds_of(window, *tone) > 0.0);
    let tones: Vec<f32> = sound.chunks_exact(RATE / 10).filter_map(tone_of).collect();
    let runs: Vec<usize> = tones.chunk_by(|a, b| a == b).map(<[f32]>::len).collect();
    assert!(runs[..2].iter().all(|run| (9..=11).contains(run)), "{runs:?}");

    phones[0].resume();
    await_tone(&phones[1], TONES[0], "alice at bob again");
    // Alice's recording ended with her hold.
    phones[1].hang_up();
    exchange.await_calls(0);
    let story = exchange.operator(&["events"]);
    let at = |event: &str| {
        story.find(&format!("\"event\":\"{event}\"")).unwrap_or_else(|| panic!("{event}:\n{story}"))
    };
    assert!(
        at("bridged") < at("held") && at("held") < at("resumed") && at("resumed") < at("ended"),
        "{story}"
    );
}

#[test]
fn baresip_transfers_blindly_and_learns_whether_it_went_well() {
    if !netns::inside("transfer::baresip_transfers_blindly_and_learns_whether_it_went_well") {
        return;
    }
    let exchange = exchange().start();
    let phones = phones(&exchange, 3);
    let server = exchange.site().udp();
    phones[0].dial(USERS[1].1);
    await_tone(&phones[0], TONES[1], "bob at alice");
    phones[1].transfer(&format!("sip:999@{server}"));
    // And with that, baresip hangs up.
    let told = "transfer failed: 404 Not Found";
    await_until("bob to be told", || phones[1].log().contains(told).then_some(()));
    exchange.await_calls(0);

    phones[0].dial(USERS[1].1);
    await_tone(&phones[0], TONES[1], "bob at alice again");
    phones[1].transfer(&format!("sip:{}@{server}", USERS[2].1));
    await_tone(&phones[2], TONES[0], "alice at malcom");
    await_tone(&phones[0], TONES[2], "malcom at alice");
    let ended = || phones[1].log().matches(" terminated (duration").count();
    await_until("bob to have hung up", || (ended() == 2).then_some(()));
    phones[2].hang_up();
    exchange.await_calls(0);
    let record = await_records(&exchange, 2).remove(1);
    assert_eq!((record["connected"].as_str(), record["cause"].as_str()), (USERS[2].0, "normal"));
}

/// baresip 1.0 is deaf after its own hold, and hangs up when its transfer fails: who does both is scripted.
#[test]
fn a_baresip_that_waited_talks_again_after_a_hold_and_after_a_busy_target() {
    if !netns::inside("transfer::a_baresip_that_waited_talks_again_after_a_hold_and_after_a_busy_target") {
        return;
    }
    let exchange = exchange().start();
    let [bob, malcom] = ["bob", "malcom"].map(|user| Phone::registered(&exchange, user));
    let alice = Baresip::start(&exchange, "alice", Over::Udp, TONES[0], 0);
    let mut call = bob.dial("101").outcome(SECOND * 10).unwrap();
    call.audio.say(Voice::Tone(TONES[1]));
    let await_talk = |call: &Call| {
        await_tone(&alice, TONES[1], "bob at alice");
        await_more("alice at bob", || seconds_of(&call.audio.heard().samples(), TONES[0]));
    };
    await_talk(&call);

    assert_eq!(call.update("sendonly"), 200);
    assert_eq!(call.update("sendrecv"), 200);
    await_talk(&call);

    assert_eq!(call.refer(&format!("<sip:103@{}>", exchange.site().udp())), 202);
    malcom.incoming().reject(486);
    let failed = "\"event\":\"transfer-failed\"";
    await_until("the failure", || exchange.operator(&["events"]).contains(failed).then_some(()));
    await_talk(&call);
    call.hang_up();
    exchange.await_calls(0);
}

/// The transferor is scripted, for baresip 1.0 has no attended transfer; those who talk are baresips.
#[test]
fn an_attended_transfer_joins_two_baresips() {
    if !netns::inside("transfer::an_attended_transfer_joins_two_baresips") {
        return;
    }
    let site = exchange();
    two_workers(&site);
    let exchange = site.start();
    let bob = Phone::registered(&exchange, "bob");
    let alice = Baresip::start(&exchange, "alice", Over::Udp, TONES[0], 0);
    let malcom = Baresip::start(&exchange, "malcom", Over::Udp, TONES[2], 2);
    let mut first = bob.dial("101").outcome(SECOND * 10).unwrap();
    let mut second = bob.dial("103").outcome(SECOND * 10).unwrap();
    let replaces = second.replaces().replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
    let server = exchange.site().udp();
    assert_eq!(first.refer(&format!("<sip:103@{server}?Replaces={replaces}>")), 202);
    second.await_end(SECOND * 10);
    await_tone(&malcom, TONES[0], "alice at malcom");
    await_tone(&alice, TONES[2], "malcom at alice");
    first.await_end(SECOND * 15);
    alice.hang_up();
    exchange.await_calls(0);

    let rows = await_records(&exchange, 2);
    assert_eq!(rows[0]["linked"], rows[1]["linked"], "one chain");
    assert_eq!(rows[0]["linked"], rows[0]["id"].clone().min(rows[1]["id"].clone()));
    let told: Vec<String> = rows.iter().map(|row| row["connected"].clone()).collect();
    assert!(told.contains(&"malcom".to_owned()) && told.contains(&"alice".to_owned()), "{told:?}");

    // Every change is there, in order, with monotonic time and that one linked id.
    let story = exchange.operator(&["events", &rows[0]["linked"]]);
    let number = |line: &str, key: &str| -> u64 {
        let (_, rest) = line.split_once(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {line}"));
        rest.split(',').next().unwrap().parse().unwrap()
    };
    let lines: Vec<&str> = story.lines().collect();
    for pair in lines.windows(2) {
        assert_eq!(number(pair[0], "sequence") + 1, number(pair[1], "sequence"));
        assert!(number(pair[0], "monotonic") <= number(pair[1], "monotonic"));
    }
    let linked = format!("\"linked\":\"{}\"", rows[0]["linked"]);
    assert!(lines.iter().all(|line| line.contains(&linked)), "{story}");
    let count = |event: &str| story.matches(&format!("\"event\":\"{event}\"")).count();
    assert_eq!([count("started"), count("answered"), count("ended")], [4, 4, 4], "{story}");
    assert_eq!(
        [count("transfer-asked"), count("transfer-succeeded"), count("bridged")],
        [1, 1, 3],
        "{story}"
    );
}

#[test]
fn scripted_phones_talk_after_an_attended_transfer_and_a_pick_up() {
    let site = Site::new("[routes]\n\"10X\" = { user = \"*\" }\n");
    two_workers(&site);
    let exchange = site.start();
    let [alice, bob, malcom] = ["alice", "bob", "malcom"].map(|user| Phone::registered(&exchange, user));
    let dialing = alice.dial("102");
    let mut first = bob.incoming().answer();
    let mut here = dialing.outcome(SECOND * 10).unwrap();
    let dialing = bob.dial("103");
    let there = malcom.incoming().answer();
    let mut second = dialing.outcome(SECOND * 10).unwrap();
    let replaces = second.replaces().replace(';', "%3B").replace('=', "%3D").replace('@', "%40");
    assert_eq!(first.refer(&format!("<sip:103@127.0.0.1?Replaces={replaces}>")), 202);
    second.await_end(SECOND * 10);
    first.hang_up();
    assert_talk(&here, &there);
    here.hang_up();
    exchange.await_calls(0);
    drop(there);
}
