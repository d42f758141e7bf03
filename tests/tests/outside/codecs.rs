//! Phones of different codecs hear each other: Opus, G.722 and G.711, each of another's making.

use std::{collections::BTreeMap, f64::consts::TAU, net::SocketAddr, time::Duration};

use jackfield_tests::{
    Exchange, Site,
    audio::{Law, RATE, sine},
    await_until, await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    handset::Line,
    netns,
    sipp::Sipp,
    wire::{Capture, RtpPacket},
};

const CODECS: [&str; 3] = ["opus/48000/2", "G722/16000/1", "pcma/8000/1"];
/// The row's measure: 1 kHz within 1 %, and the rest 30 dB below it.
const TONE: f32 = 1000.0;
const LEAST: f64 = 30.0;

#[test]
fn opus_g722_and_g711_hear_each_other() {
    if !netns::inside("codecs::opus_g722_and_g711_hear_each_other") {
        return;
    }
    let address = netns::ADDRESS.parse().unwrap();
    let exchange = Site::at(address, "[routes]\n\"10X\" = { user = \"*\" }\n").start();
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let phones: Vec<Baresip> = (0..3)
        .map(|at| {
            let folder = folders[at].path().to_owned();
            let (user, over, index) = (USERS[at].0, Over::Udp, at as u16);
            let line = Line { user, over, secured: false, tone: TONE, index, folder };
            Baresip::saying(&exchange, &line, CODECS[at], &sine(TONE, 0, 120 * RATE))
        })
        .collect();
    for (caller, callee) in [(0, 1), (1, 2), (2, 0), (1, 0)] {
        call(&exchange, &phones, caller, callee);
    }
}

fn call(exchange: &Exchange, phones: &[Baresip], caller: usize, callee: usize) {
    let names = format!("{} calls {}", CODECS[caller], CODECS[callee]);
    let before = [phones[caller].heard_at().len(), phones[callee].heard_at().len()];
    phones[caller].dial(USERS[callee].1);
    for (own, calls) in [(caller, before[0]), (callee, before[1])] {
        let mut best = (0.0, 0.0);
        await_within(Duration::from_secs(20), &format!("{names}: the tone at {}", CODECS[own]), || {
            let heard = phones[own].heard_at();
            let (sound, rate) = heard.get(calls)?;
            best = clearest_second(sound, *rate);
            (best.1 > LEAST).then_some(())
        });
        println!("{names}: {} hears {:.1} Hz, {:.1} dB", CODECS[own], best.0, best.1);
        assert!((best.0 - f64::from(TONE)).abs() < 10.0, "{names}: {} Hz", best.0);
    }
    phones[caller].hang_up();
    exchange.await_calls(0);
    for phone in [caller, callee] {
        let calls = phones[phone].heard_at().len();
        await_until(&format!("{names}: both to have hung up"), || {
            (phones[phone].ended() == calls).then_some(())
        });
    }
}

/// At once, each transcoded both ways.
const CALLS: u32 = 50;
/// Seconds that transcoding may add.
const MOST_DELAY: f64 = 0.040;

#[test]
#[ignore = "half a minute; `make soak` runs it"]
fn soak_fifty_calls_are_transcoded_both_ways_without_loss_and_soon() {
    if !netns::inside("codecs::soak_fifty_calls_are_transcoded_both_ways_without_loss_and_soon") {
        return;
    }
    let site = Site::new("[peers.load]\naddresses = [\"127.0.0.2\"]\n");
    let phones: SocketAddr = format!("127.0.0.3:{}", site.spare_port(0)).parse().unwrap();
    site.edit(|config| config["routes"]["9*"] = toml_edit::value(format!("sip:{{rest}}@{phones}")));
    site.edit(|config| config["media"]["ports"] = toml_edit::value("61000-64999"));
    let mut exchange = site.start();
    let capture = Capture::start();
    // G.722 comes back as it went.
    let answering = Sipp::new("answer_g722.xml", phones, CALLS).media_port(40_000).echoing().start();
    let local: SocketAddr = format!("127.0.0.2:{}", exchange.site().spare_port(1)).parse().unwrap();
    let calling = Sipp::new("caller.xml", local, CALLS)
        .calling(exchange.site().udp(), 10, CALLS)
        .data(&"9100;\n".repeat(CALLS as usize))
        .talking(Duration::from_secs(12));
    let said = [vec![0; RATE], sine(TONE, 0, RATE)].concat();
    calling.file("voice.al", said.iter().map(|sample| Law::A.encode(*sample)).collect::<Vec<u8>>());
    for sipp in [calling.start(), answering] {
        let counts = sipp.finish(Duration::from_secs(60));
        assert_eq!((counts.good, counts.failed), (CALLS, 0), "{}", counts.errors);
    }
    exchange.await_calls(0);
    let records = exchange.operator(&["records"]);
    assert_eq!(records.matches("PCMA G722").count(), CALLS as usize, "{records}");
    exchange.stop();

    let (mut there, mut back) = (BTreeMap::new(), BTreeMap::new());
    // By the exchange's port: SIPp may have one for all.
    for packet in capture.rtp() {
        if packet.from.ip() == local.ip() {
            there.entry(packet.to).or_insert_with(Vec::new).push(packet);
        } else if packet.to.ip() == local.ip() {
            back.entry(packet.from).or_insert_with(Vec::new).push(packet);
        }
    }
    assert_eq!((there.len(), back.len()), (CALLS as usize, CALLS as usize));
    let judge = |(port, packets): (&SocketAddr, &Vec<RtpPacket>)| {
        let (said, heard) = (Timeline::of(&there[port]), Timeline::of(packets));
        assert_eq!(heard.lost, 0, "{port}");
        // Twice transcoded.
        ((heard.onset() - said.onset()) / 2.0, heard.cleanness())
    };
    let mut judged: Vec<(f64, f64)> = back.iter().map(judge).collect();
    judged.sort_by(|a, b| a.0.total_cmp(&b.0));
    let least = judged.iter().map(|(_, cleanness)| *cleanness).fold(f64::INFINITY, f64::min);
    // Where this machine lets packets wait, the buffer waits for them: that is not the price of transcoding.
    let (median, most) = (judged[judged.len() / 2].0, judged[judged.len() - 1].0);
    let ms = [median, most].map(|delay| delay * 1000.0);
    println!(
        "{CALLS} calls: {:.1} ms added, {:.1} ms at most; {least:.1} dB at least; nothing lost",
        ms[0], ms[1]
    );
    assert!(median < MOST_DELAY && least > LEAST, "{judged:?}");
}

/// A stream of A-law by its timestamps.
struct Timeline {
    /// Unix seconds of the first sample: by the packet that came soonest.
    begin: f64,
    sound: Vec<i16>,
    lost: usize,
}

impl Timeline {
    fn of(packets: &[RtpPacket]) -> Timeline {
        let first = &packets[0];
        let place = |packet: &RtpPacket| packet.timestamp.wrapping_sub(first.timestamp) as usize;
        let steps = |packet: &RtpPacket| usize::from(packet.sequence.wrapping_sub(first.sequence));
        let mut sound = Vec::new();
        for packet in packets {
            assert_eq!(packet.payload_type, 8);
            sound.resize(place(packet).max(sound.len()), 0);
            sound.truncate(place(packet));
            sound.extend(packet.payload.iter().map(|octet| Law::A.decode(*octet)));
        }
        let soonest = |packet: &RtpPacket| packet.at - place(packet) as f64 / RATE as f64;
        Timeline {
            begin: packets.iter().map(soonest).fold(f64::INFINITY, f64::min),
            sound,
            lost: steps(packets.last().unwrap()) + 1 - packets.len(),
        }
    }

    /// The first sample of the tone.
    fn first(&self) -> usize {
        self.sound.iter().position(|sample| sample.unsigned_abs() > 2000).expect("the tone")
    }

    /// When the tone begins, Unix seconds.
    fn onset(&self) -> f64 {
        self.begin + self.first() as f64 / RATE as f64
    }

    /// Decibels of the tone above all else in the clearest half second of it; it comes every two seconds.
    fn cleanness(&self) -> f64 {
        let halves = self.sound[self.first() + RATE / 4..].chunks(2 * RATE);
        let halves = halves.filter_map(|turn| turn.get(..RATE / 2));
        halves.map(|half| fitted(half, RATE as u32).1).fold(0.0, f64::max)
    }
}

/// Of all seconds: the frequency of the best fitting sine, and its ratio in dB to all else.
fn clearest_second(sound: &[i16], rate: u32) -> (f64, f64) {
    let seconds = sound.chunks_exact(rate.max(1) as usize);
    seconds.map(|second| fitted(second, rate)).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
}

fn fitted(second: &[i16], rate: u32) -> (f64, f64) {
    let power: f64 = second.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    // Silence has no tone.
    if power < 1e4 * second.len() as f64 {
        return (0.0, 0.0);
    }
    let fit = |hz: f64| {
        let (mut a, mut b) = (0.0, 0.0);
        for (n, sample) in second.iter().enumerate() {
            let angle = TAU * hz * n as f64 / f64::from(rate);
            a += f64::from(*sample) * angle.sin();
            b += f64::from(*sample) * angle.cos();
        }
        2.0 * (a * a + b * b) / second.len() as f64
    };
    let found = (0..=40).map(|n| f64::from(TONE) - 20.0 + f64::from(n)).map(|hz| (hz, fit(hz)));
    let (hz, fitting) = found.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
    (hz, 10.0 * (fitting / (power - fitting).max(1e-9)).log10())
}
