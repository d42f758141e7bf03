//! Phones of different codecs hear each other: Opus, G.722 and G.711, each of another's making.

use std::{f64::consts::TAU, time::Duration};

use jackfield_tests::{
    Exchange, Site,
    audio::{RATE, sine},
    await_until, await_within,
    baresip::{Baresip, Over},
    exchange::USERS,
    handset::Line,
    netns,
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
