//! Networks as they are: a fifth of SIP is lost, media comes late, out of order or never. Calls are set up in
//! spite of it, and a recording sounds well.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use jackfield_tests::{
    Site,
    audio::{RATE, level, seconds_of, sine},
    await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    handset::{Line, write_wav},
    netns, python, speech, weather,
};

use crate::media::channels;

/// In spite of lost packets, everything is said again within this.
const PATIENCE: Duration = Duration::from_secs(60);
const TONES: [f32; 2] = [1000.0, 1300.0];
const ROUTES: &str = "[routes]\n\"10X\" = { user = \"*\", record = \"always\" }\n";

#[test]
fn calls_are_set_up_though_a_fifth_of_sip_is_lost() {
    if !netns::inside("weather::calls_are_set_up_though_a_fifth_of_sip_is_lost") {
        return;
    }
    let exchange = Site::at(netns::ADDRESS.parse().unwrap(), ROUTES).start();
    let phones: [Baresip; 2] =
        [0, 1].map(|index| Baresip::start(&exchange, USERS[index].0, Over::Udp, TONES[index], index as u16));
    weather::lose_sip(&exchange);
    for call in 0..5 {
        let (caller, callee) = (call % 2, (call + 1) % 2);
        let before = phones.each_ref().map(|phone| phone.heard().concat().len());
        phones[caller].dial(USERS[callee].1);
        for own in [0, 1] {
            await_within(PATIENCE, &format!("call {call}: the tone of {}", USERS[1 - own].0), || {
                let heard = phones[own].heard().concat();
                let sound = heard.get(before[own]..).unwrap_or_default();
                (seconds_of(sound, TONES[1 - own]) >= 0.5).then_some(())
            });
        }
        phones[caller].hang_up();
        await_within(PATIENCE, "the call to end", || (exchange.calls() == 0).then_some(()));
    }
}

#[test]
#[ignore = "half a minute; `make soak` runs it"]
fn soak_a_recording_of_g711_sounds_well_in_foul_weather() {
    if netns::inside("weather::soak_a_recording_of_g711_sounds_well_in_foul_weather") {
        sounds_well("pcma/8000/1");
    }
}

#[test]
#[ignore = "half a minute; `make soak` runs it"]
fn soak_a_recording_of_opus_sounds_well_in_foul_weather() {
    if netns::inside("weather::soak_a_recording_of_opus_sounds_well_in_foul_weather") {
        sounds_well("opus/48000/2");
    }
}

fn sounds_well(codec: &str) {
    let (score, gap) = recorded(codec);
    println!("{codec} with 2 % loss and 30 ms of jitter: PESQ {score:.2}, longest gap {gap} ms");
    assert!(gap <= 40, "{codec}: a gap of {gap} ms");
    assert!(score > 3.5, "{codec}: PESQ {score}");
}

/// A call in foul weather is recorded: the PESQ of what the caller said, and the longest gap in the tone of the callee.
fn recorded(codec: &str) -> (f32, u32) {
    let exchange = Site::at(netns::ADDRESS.parse().unwrap(), ROUTES).start();
    let folder = tempfile::tempdir().unwrap();
    let spoken = [vec![0; RATE], speech::render(TEXT, "en"), vec![0; RATE]].concat();
    let sounds = [spoken.clone(), sine(TONES[1], 0, 120 * RATE)];
    let phones: Vec<Baresip> = (0..2)
        .map(|index| {
            let line = Line {
                user: USERS[index].0,
                over: Over::Udp,
                secured: false,
                tone: TONES[index],
                index: index as u16,
                folder: folder.path().join(USERS[index].0),
            };
            fs::create_dir_all(&line.folder).unwrap();
            Baresip::saying(&exchange, &line, codec, &sounds[index])
        })
        .collect();
    weather::lose_sip(&exchange);
    // 30 ms to each side of the mean.
    weather::disturb_media(&exchange, 0.02, Duration::from_millis(60), 5);
    phones[0].dial(USERS[1].1);
    await_within(PATIENCE, "an answer", || (!phones[0].heard().is_empty()).then_some(()));
    std::thread::sleep(Duration::from_secs((spoken.len() / RATE) as u64 + 3));
    phones[0].hang_up();
    await_within(PATIENCE, "the call to end", || (exchange.calls() == 0).then_some(()));
    let [caller, callee] = recording(exchange.site().folder());
    (pesq(&spoken, &caller), longest_gap(&callee))
}

const TEXT: &str = "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. \
    It is easy to tell the depth of a well. These days a chicken leg is a rare dish. \
    Rice is often served in round bowls. The juice of lemons makes fine punch. \
    The box was thrown beside the parked truck. The hogs were fed chopped corn and garbage.";

/// Both channels of the exchange's only recording.
fn recording(site: &Path) -> [Vec<i16>; 2] {
    let path = files_below(site).into_iter().find(|path| {
        path.extension().is_some_and(|end| end == "wav")
            && path.to_string_lossy().contains("recordings/calls")
    });
    channels(&path.expect("a recording"))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// ITU-T P.862, narrow band.
fn pesq(reference: &[i16], degraded: &[i16]) -> f32 {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["reference.wav", "degraded.wav"].map(|name| folder.path().join(name));
    write_wav(&one, reference);
    write_wav(&other, degraded);
    let said =
        jackfield_tests::process::run(python::script("score.py").args([&one, &other]), b"").expect_good();
    said.trim().parse().unwrap_or_else(|error| panic!("{said:?}: {error}"))
}

/// Milliseconds, between the first and the last sound of a steady tone.
fn longest_gap(samples: &[i16]) -> u32 {
    const STEP: usize = RATE / 200;
    let loud: Vec<bool> = samples.chunks_exact(STEP).map(|part| level(part) > -30.0).collect();
    let first = loud.iter().position(|loud| *loud).expect("a tone");
    let last = loud.iter().rposition(|loud| *loud).expect("a tone");
    let gaps = loud[first..=last].split(|loud| *loud).map(<[bool]>::len);
    gaps.max().unwrap_or_default() as u32 * 5
}
