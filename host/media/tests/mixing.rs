//! Mixes: each hears the others, and nothing of itself.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod common;

use std::f64::consts::TAU;

use common::*;
use jackfield_media::{
    Codec, Command, LegId, MixId, OpusFormat, Params,
    codec::{Decoder, Encoder, MAX_PAYLOAD, MAX_SAMPLES},
};

const MIX: MixId = MixId(1);

fn of(codec: Codec, n: u64) -> Params {
    let payload_type = match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
        Codec::Opus => 111,
    };
    Params { codec, payload_type, dtmf_clock: codec.clock(), ..params(n) }
}

fn hz(n: u64) -> f64 {
    400.0 + 300.0 * n as f64
}

struct Singer {
    phone: Phone,
    codec: Codec,
    encoder: Encoder,
    sample: u64,
    n: u64,
}

impl Singer {
    fn new(n: u64, codec: Codec) -> Singer {
        let encoder = Encoder::new(codec, OpusFormat::default());
        Singer { phone: Phone::new(n, &of(codec, n)), codec, encoder, sample: 0, n }
    }

    fn sing(&mut self, world: &mut World, peak: f64) {
        let rate = u64::from(self.codec.rate());
        let sound: Vec<i16> = (self.sample..self.sample + rate / 50)
            .map(|at| (peak * (TAU * hz(self.n) * at as f64 / rate as f64).sin()).round() as i16)
            .collect();
        self.sample += rate / 50;
        let mut payload = [0; MAX_PAYLOAD];
        let length = self.encoder.encode(&sound, &mut payload);
        world.send(&mut self.phone, of(self.codec, 0).payload_type, false, &payload[..length]);
        self.phone.timestamp = self.phone.timestamp.wrapping_add(self.codec.clock() / 50);
    }
}

fn room(codecs: &[Codec]) -> (World, Vec<Singer>) {
    let mut world = World::new();
    let mut singers = Vec::new();
    for (n, codec) in (1..).zip(codecs) {
        world.open(n, of(*codec, n));
        world.command(Command::Mix { mix: MIX, leg: LegId(n) });
        singers.push(Singer::new(n, *codec));
    }
    (world, singers)
}

fn sing(world: &mut World, singers: &mut [Singer], packets: usize, peak: f64) {
    for _ in 0..packets {
        singers.iter_mut().for_each(|singer| singer.sing(world, peak));
        world.advance(ms(20));
    }
}

fn sound(codec: Codec, packets: &[Heard]) -> Vec<i16> {
    let mut decoder = Decoder::new(codec);
    let mut all = Vec::new();
    for packet in packets {
        let mut sound = [0; MAX_SAMPLES];
        let count = decoder.decode(&packet.payload, &mut sound);
        all.extend(&sound[..count]);
    }
    all
}

/// The amplitude of a frequency.
fn amplitude(sound: &[i16], rate: u32, hz: f64) -> f64 {
    let (mut a, mut b) = (0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let angle = TAU * hz * n as f64 / f64::from(rate);
        a += f64::from(*sample) * angle.sin();
        b += f64::from(*sample) * angle.cos();
    }
    2.0 * (a * a + b * b).sqrt() / sound.len() as f64
}

fn check(world: &mut World, codecs: &[Codec]) {
    for (n, codec) in (1..).zip(codecs) {
        let heard = world.take(n);
        assert!(heard.len() >= 150, "{n}: {}", heard.len());
        for pair in heard.windows(2) {
            assert_eq!(pair[1].stamp.sequence, pair[0].stamp.sequence.wrapping_add(1));
            assert_eq!(pair[1].stamp.timestamp.wrapping_sub(pair[0].stamp.timestamp), codec.clock() / 50);
        }
        let all = sound(*codec, &heard);
        let steady = &all[all.len() / 2..];
        for other in 1..=codecs.len() as u64 {
            let loud = amplitude(steady, codec.rate(), hz(other));
            let expected = if other == n { 0.0..60.0 } else { 3200.0..4800.0 };
            assert!(expected.contains(&loud), "{n} ({codec:?}) hears {other} at {loud:.0}");
        }
    }
}

#[test]
fn three_of_g711_hear_each_other_and_not_themselves() {
    let codecs = [Codec::Pcma, Codec::Pcmu, Codec::Pcma];
    let (mut world, mut singers) = room(&codecs);
    sing(&mut world, &mut singers, 200, 4000.0);
    check(&mut world, &codecs);
}

#[test]
fn four_of_all_codecs_hear_each_other_and_not_themselves() {
    let codecs = [Codec::Pcma, Codec::G722, Codec::Opus, Codec::Pcmu];
    let (mut world, mut singers) = room(&codecs);
    sing(&mut world, &mut singers, 200, 4000.0);
    check(&mut world, &codecs);
}

#[test]
fn who_leaves_is_not_heard_and_hears_nothing() {
    let (mut world, mut singers) = room(&[Codec::Pcma; 3]);
    sing(&mut world, &mut singers, 50, 4000.0);
    world.command(Command::Unmix { leg: LegId(3) });
    world.take(3);
    sing(&mut world, &mut singers, 100, 4000.0);
    assert_eq!(world.take(3), []);
    let all = sound(Codec::Pcma, &world.take(1));
    assert!(amplitude(&all[all.len() - 8000..], 8000, hz(3)) < 60.0);
    assert!(amplitude(&all[all.len() - 8000..], 8000, hz(2)) > 3000.0);
    world.command(Command::Close { leg: LegId(2) });
    world.command(Command::Bridge { a: LegId(1), b: LegId(3) });
    sing(&mut world, &mut singers[..1], 10, 4000.0);
    assert_eq!(world.take(3).len(), 10, "the mix ends where a bridge begins");
}

#[test]
fn loud_voices_saturate() {
    let (mut world, mut singers) = room(&[Codec::Pcma; 6]);
    sing(&mut world, &mut singers, 100, 32_000.0);
    let all = sound(Codec::Pcma, &world.take(1));
    let peak = all.iter().map(|sample| sample.unsigned_abs()).max();
    assert!(peak > Some(31_000));
    let turns = all.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 60_000).count();
    assert!(turns * 20 < all.len(), "{turns}");
}

#[test]
fn a_mix_has_a_limit() {
    let (mut world, _) = room(&[Codec::Pcmu; 70]);
    world.advance(ms(200));
    let full = (1..=70).filter(|n| !world.take(*n).is_empty()).count();
    assert_eq!(full, 64);
}
