//! What telephones say is recorded, their keys are told alike however they send them, and a record tells
//! how good the network was.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use jackfield_tests::{
    Exchange, Site,
    audio::{RATE, level, seconds_of},
    await_until, await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    handset::{Digits, Handset, Line, SippPhone, Step},
    netns,
    process::{Running, run},
    weather,
};
use tempfile::TempDir;
use toml_edit::value;

use crate::guests::add_guest;

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);
const TONES: [f32; 2] = [1000.0, 1300.0];
const ROUTES: &str = "[routes]\n\"10X\" = { user = \"*\", record = \"always\" }\n";
/// Twelve keys, one of them twice in a row.
const KEYS: &str = "1590024*86#7";

#[test]
fn a_recording_has_both_tones_is_silent_while_paused_and_survives_kill_9() {
    if !netns::inside("media::a_recording_has_both_tones_is_silent_while_paused_and_survives_kill_9") {
        return;
    }
    let mut exchange = Site::at(netns::ADDRESS.parse().unwrap(), ROUTES).start();
    let phones = two_phones(&exchange);
    pause_and_resume(&exchange, &phones);
    kill_while_recording(&mut exchange, &phones);
}

/// A card number is said in the middle of the call.
fn pause_and_resume(exchange: &Exchange, phones: &[Baresip; 2]) {
    talk(phones, 1.5);
    let call = call_id(exchange);
    let before = Instant::now();
    exchange.operator(&["record", &call, "pause"]);
    let paused = Instant::now();
    thread::sleep(SECOND * 2);
    let least = paused.elapsed().as_secs_f32();
    exchange.operator(&["record", &call, "resume"]);
    let most = before.elapsed().as_secs_f32();
    talk(phones, 1.5);
    phones[0].hang_up();
    let record = record_of(exchange, &call, "normal");

    let path = recording(exchange, &record);
    let billed = time_between(&record, "answer", "end");
    let [left, right] = await_until(&format!("a recording of {billed} s"), || {
        Some(channels(&path)).filter(|[left, _]| (seconds(left) - billed).abs() <= 0.5)
    });
    let (length, billsec) = (length_by_sox(&path), &record["billsec"]);
    let silence = longest_silence(&left, &right);
    println!(
        "{length:.2} s are recorded of {billed:.2} s (billsec {billsec}), {silence:.2} s of them silent"
    );
    assert!((length - billed).abs() <= 0.5, "{length} s of {billed} s");
    assert!(silence > least - 0.3 && silence < most + 0.3, "silent for {silence} s, not {least} to {most} s");
    for (channel, own, other) in [(&left, TONES[0], TONES[1]), (&right, TONES[1], TONES[0])] {
        let heard = seconds_of(channel, own);
        println!("{own} Hz for {heard} s");
        assert!(heard > 0.75 * (length - silence), "{own} Hz for {heard} s of {length} s");
        assert_eq!(seconds_of(channel, other), 0.0, "{other} Hz is of the other side");
    }
}

fn kill_while_recording(exchange: &mut Exchange, phones: &[Baresip; 2]) {
    let start = Instant::now();
    talk(phones, 2.0);
    let call = call_id(exchange);
    exchange.process().kill();
    let path = recordings(exchange).join(format!("calls/{call}.wav"));
    let length = length_by_sox(&path);
    println!("{length:.2} s are recorded when the exchange is killed");
    assert!(length > 1.0 && length < start.elapsed().as_secs_f32(), "{length} s");
    let [left, right] = channels(&path);
    for (channel, tone) in [(&left, TONES[0]), (&right, TONES[1])] {
        let heard = seconds_of(channel, tone);
        assert!(heard > 0.75 * length - 0.5, "{tone} Hz for {heard} s of {length} s");
    }
    exchange.restart();
    let record = record_of(exchange, &call, "interrupted");
    assert_eq!(recording(exchange, &record), path);
    assert_eq!(channels(&path), [left, right], "the next start leaves it as it is");
}

#[test]
fn keys_by_event_by_info_and_as_tones_reach_a_plugin_alike_and_tones_become_events() {
    if !netns::inside(
        "media::keys_by_event_by_info_and_as_tones_reach_a_plugin_alike_and_tones_become_events",
    ) {
        return;
    }
    let site = Site::at(netns::ADDRESS.parse().unwrap(), "[routes]\n\"10X\" = { user = \"*\" }\n");
    add_guest(&site, "keypad", "");
    site.edit(|config| {
        config["plugins"]["keypad"]["path"] = value("guests/keypad");
        config["routes"]["777"] = value("keypad");
        config["users"]["malcom"]["dtmf"] = value("inband");
    });
    let exchange = site.start();
    let folder = tempfile::tempdir().unwrap();
    let line = |index: u16| line(&folder, index, 1700.0);
    let event = Baresip::start_on(&exchange, &line(0));
    let info = SippPhone::start(&exchange, line(1));
    let tones = Baresip::start_on(&exchange, &line(2));

    let ways: [(&dyn Handset, Digits); 3] =
        [(&event, Digits::Event), (&info, Digits::Info), (&tones, Digits::InBand)];
    thread::scope(|scope| {
        for (phone, way) in ways {
            scope.spawn(move || press(phone, way, "777"));
        }
    });
    let pressed = await_until("the keys of three telephones", || {
        let log = exchange.log();
        let told: Vec<String> =
            log.lines().filter(|line| line.contains("pressed ")).map(str::to_owned).collect();
        (told.len() == 3).then_some(told)
    });
    let whole = format!("pressed {KEYS}");
    assert!(pressed.iter().all(|line| line.contains(&whole)), "{whole} three times in {pressed:#?}");

    let mut wire = Wire::tap(&exchange, &folder);
    press(&tones, Digits::InBand, "101");
    await_until("the keys at the other telephone", || (event.keys() == KEYS).then_some(()));
    wire.close();
    assert_eq!(wire.keys("udp.srcport"), KEYS, "events from the exchange");
    assert_eq!(wire.keys("udp.dstport"), "", "events to the exchange");
}

/// Calls that number, presses all keys and hangs up.
#[track_caller]
fn press(phone: &dyn Handset, way: Digits, number: &'static str) {
    let script = [
        Step::Dial(number),
        Step::Stay(SECOND),
        Step::Press(way, KEYS),
        Step::Stay(SECOND * 2),
        Step::HangUp,
    ];
    let done = phone.perform(&script);
    done.unwrap_or_else(|reason| panic!("{way:?} to {number}: {reason}\n{}", phone.log()));
}

/// Every packet of the namespace, as tshark sees it.
struct Wire {
    tshark: Running,
    file: PathBuf,
    sip: u16,
    media: String,
}

impl Wire {
    #[track_caller]
    fn tap(exchange: &Exchange, folder: &TempDir) -> Wire {
        let (file, log) = (folder.path().join("wire.pcap"), folder.path().join("tshark.log"));
        let mut command = Command::new("tshark");
        command.args(["-i", "lo", "-w"]).arg(&file);
        let tshark = Running::start(&mut command, &log);
        await_until("tshark to listen", || {
            fs::read_to_string(&log).is_ok_and(|said| said.contains("Capture started")).then_some(())
        });
        let site = exchange.site();
        Wire { tshark, file, sip: site.udp().port(), media: site.media_ports().replace('-', "..") }
    }

    #[track_caller]
    fn close(&mut self) {
        // What it saw it writes once a second.
        thread::sleep(SECOND * 2);
        self.tshark.signal("INT");
        self.tshark.wait(PATIENCE);
    }

    /// The telephone events whose `side` is a media port of the exchange.
    #[track_caller]
    fn keys(&self, side: &str) -> String {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.file).args(["-d", &format!("udp.port=={},sip", self.sip)]);
        command.args(["-Y", &format!("rtpevent && {side} in {{{}}}", self.media)]);
        command.args(["-T", "fields", "-e", "rtp.timestamp", "-e", "rtpevent.event_id"]);
        let said = run(&mut command, b"").expect_good();
        let mut events: Vec<(&str, &str)> = said.lines().filter_map(|line| line.split_once('\t')).collect();
        events.dedup();
        let key = |(_, event): (&str, &str)| "0123456789*#ABCD".chars().nth(event.trim().parse().ok()?);
        events.into_iter().filter_map(key).collect()
    }
}

#[test]
fn a_record_tells_of_5_percent_loss_and_of_what_it_does_to_the_ear() {
    if !netns::inside("media::a_record_tells_of_5_percent_loss_and_of_what_it_does_to_the_ear") {
        return;
    }
    let exchange = Site::at(netns::ADDRESS.parse().unwrap(), ROUTES).start();
    let phones = two_phones(&exchange);
    let figures = || {
        talk(&phones, 1.0);
        // 400 packets each way.
        thread::sleep(SECOND * 8);
        let call = call_id(&exchange);
        phones[0].hang_up();
        let record = record_of(&exchange, &call, "normal");
        ["loss", "mos"].map(|column| record[column].parse::<f32>().expect("a figure"))
    };
    let [clean_loss, clean_mos] = figures();
    weather::lose_media(&exchange, 20);
    let [loss, mos] = figures();
    println!("{clean_loss} % lost: MOS {clean_mos}; {loss} % lost: MOS {mos}");
    assert!(clean_loss < 0.5 && clean_mos > 4.0, "a clean call: {clean_loss} % lost, MOS {clean_mos}");
    assert!((loss - 5.0).abs() <= 1.0, "{loss} % lost");
    assert!(mos < clean_mos - 0.2, "MOS {mos} after {clean_mos}");
}

fn two_phones(exchange: &Exchange) -> [Baresip; 2] {
    [0, 1].map(|index| Baresip::start(exchange, USERS[index].0, Over::Udp, TONES[index], index as u16))
}

fn line(folder: &TempDir, index: u16, tone: f32) -> Line {
    let user = USERS[usize::from(index)].0;
    Line { user, over: Over::Udp, secured: false, tone, index, folder: folder.path().join(user) }
}

/// Alice calls bob if they have no call, and each hears the other for so many seconds more.
#[track_caller]
fn talk(phones: &[Baresip; 2], more: f32) {
    let heard = |own: usize| seconds_of(&phones[own].heard().concat(), TONES[1 - own]);
    let before = [heard(0), heard(1)];
    if phones[0].heard().len() == phones[0].ended() {
        phones[0].dial(USERS[1].1);
    }
    for own in [0, 1] {
        await_within(PATIENCE, &format!("the tone of {}", USERS[1 - own].0), || {
            (heard(own) >= before[own] + more).then_some(())
        });
    }
}

/// The only call's.
#[track_caller]
fn call_id(exchange: &Exchange) -> String {
    let calls = exchange.operator(&["calls"]);
    let id = calls.lines().nth(1).and_then(|line| line.split_whitespace().next());
    id.unwrap_or_else(|| panic!("no call:\n{calls}")).to_owned()
}

/// What `jackfield records` says of a call that ended so, by column.
#[track_caller]
fn record_of(exchange: &Exchange, call: &str, cause: &str) -> HashMap<String, String> {
    await_within(PATIENCE, &format!("a record of {call}, {cause}"), || {
        let text = exchange.operator(&["records"]);
        let records = csv::Reader::from_reader(text.as_bytes()).into_deserialize::<HashMap<String, String>>();
        records.map(Result::unwrap).find(|record| record["id"] == call && record["cause"] == cause)
    })
}

/// In seconds.
fn time_between(record: &HashMap<String, String>, from: &str, to: &str) -> f32 {
    let [from, to] = [from, to].map(|column| record[column].parse::<jiff::Timestamp>().expect("a time"));
    to.duration_since(from).as_secs_f32()
}

fn recordings(exchange: &Exchange) -> PathBuf {
    exchange.site().beside("var/recordings")
}

fn recording(exchange: &Exchange, record: &HashMap<String, String>) -> PathBuf {
    recordings(exchange).join(&record["recording"])
}

/// The caller and the called side of a recording.
pub fn channels(path: &Path) -> [Vec<i16>; 2] {
    let mut wav = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let samples: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    [0, 1].map(|index| samples.iter().skip(index).step_by(2).copied().collect())
}

fn seconds(samples: &[i16]) -> f32 {
    samples.len() as f32 / RATE as f32
}

/// In seconds, by the samples that another program finds.
#[track_caller]
fn length_by_sox(path: &Path) -> f32 {
    let said = run(Command::new("sox").arg(path).args(["-n", "stat"]), b"");
    assert!(said.good && !said.err.contains("WARN"), "{}", said.err);
    let line = said.err.lines().find_map(|line| line.strip_prefix("Length (seconds):"));
    line.and_then(|length| length.trim().parse().ok()).unwrap_or_else(|| panic!("{}", said.err))
}

/// The longest time in which nobody is heard, in seconds.
fn longest_silence(left: &[i16], right: &[i16]) -> f32 {
    const STEP: usize = RATE / 50;
    let silent = |part: &[i16]| level(part) < -70.0;
    let parts = left.chunks_exact(STEP).zip(right.chunks_exact(STEP));
    let silent: Vec<bool> = parts.map(|(left, right)| silent(left) && silent(right)).collect();
    let longest = silent.split(|silent| !silent).map(<[bool]>::len).max();
    (longest.unwrap_or_default() * STEP) as f32 / RATE as f32
}
