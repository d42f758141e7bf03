//! Bridges between legs of different codecs, and what we say ourselves in each of them.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod common;

use std::f64::consts::TAU;

use common::*;
use jackfield_media::{
    Codec, Command, Digits, Event, LegId, OpusFormat, Params, RecordEnd, RecordId, Source,
    codec::{Decoder, Encoder, MAX_PAYLOAD, MAX_SAMPLES},
    dtmf, tone,
};

const CODECS: [Codec; 4] = [Codec::Pcma, Codec::Pcmu, Codec::G722, Codec::Opus];

fn of(codec: Codec, n: u64) -> Params {
    let (payload_type, dtmf_clock) = match codec {
        Codec::Pcmu => (0, 8000),
        Codec::Pcma => (8, 8000),
        Codec::G722 => (9, 8000),
        Codec::Opus => (111, 48_000),
    };
    let opus = OpusFormat { fec: true, ..OpusFormat::default() };
    Params { codec, payload_type, opus, dtmf_clock, ..params(n) }
}

/// Says a tone of 1 kHz in packets of a codec.
struct Singer {
    phone: Phone,
    codec: Codec,
    encoder: Encoder,
    sample: u64,
}

impl Singer {
    fn new(n: u64, codec: Codec) -> Singer {
        let encoder = Encoder::new(codec, OpusFormat { fec: true, ..OpusFormat::default() });
        Singer { phone: Phone::new(n, &of(codec, n)), codec, encoder, sample: 0 }
    }

    /// The next 20 ms.
    fn packet(&mut self, hz: f64) -> Vec<u8> {
        let rate = self.codec.rate();
        let sound: Vec<i16> = (self.sample..self.sample + u64::from(rate / 50))
            .map(|n| (8000.0 * (TAU * hz * n as f64 / f64::from(rate)).sin()).round() as i16)
            .collect();
        self.sample += u64::from(rate / 50);
        let mut payload = [0; MAX_PAYLOAD];
        let length = self.encoder.encode(&sound, &mut payload);
        payload[..length].to_vec()
    }

    fn sing(&mut self, world: &mut World, packets: usize, hz: f64) {
        for _ in 0..packets {
            let payload = self.packet(hz);
            self.send(world, &payload);
        }
    }

    fn send(&mut self, world: &mut World, payload: &[u8]) {
        let payload_type = self.phone.payload_type;
        world.send(&mut self.phone, payload_type, false, payload);
        self.pass(world);
    }

    fn pass(&mut self, world: &mut World) {
        self.phone.timestamp = self.phone.timestamp.wrapping_add(self.codec.clock() / 50);
        world.advance(ms(20));
    }

    fn lose(&mut self, world: &mut World) {
        self.phone.sequence = self.phone.sequence.wrapping_add(1);
        self.pass(world);
    }
}

/// The sound of what a leg was sent.
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

/// The frequency of the best fitting sine, and how much louder in dB it is than the rest.
fn measure(sound: &[i16], rate: u32) -> (f64, f64) {
    let fit = |hz: f64| {
        let (mut a, mut b) = (0.0, 0.0);
        for (n, sample) in sound.iter().enumerate() {
            let angle = TAU * hz * n as f64 / f64::from(rate);
            a += f64::from(*sample) * angle.sin();
            b += f64::from(*sample) * angle.cos();
        }
        2.0 * (a * a + b * b) / sound.len() as f64
    };
    let (hz, fitting) = (0..=60)
        .map(|n| 970.0 + f64::from(n))
        .map(|hz| (hz, fit(hz)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap();
    let power: f64 = sound.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    (hz, 10.0 * (fitting / (power - fitting).max(1e-9)).log10())
}

#[test]
fn a_tone_is_heard_through_every_pair_of_codecs() {
    for from in CODECS {
        for to in CODECS {
            let mut world = World::of_two(of(from, 1), of(to, 2));
            world.bridge();
            let mut singer = Singer::new(1, from);
            singer.sing(&mut world, 100, 1000.0);
            let heard = world.take(2);
            assert_eq!(heard.len(), 100, "{from:?} to {to:?}");
            assert!(heard.iter().all(|packet| packet.payload_type == of(to, 2).payload_type));
            for pair in heard.windows(2) {
                assert_eq!(pair[1].stamp.sequence, pair[0].stamp.sequence.wrapping_add(1));
                let step = pair[1].stamp.timestamp.wrapping_sub(pair[0].stamp.timestamp);
                assert_eq!(step, to.clock() / 50, "{from:?} to {to:?}");
            }
            let all = sound(to, &heard);
            let settled = &all[all.len() / 4..];
            let (hz, ratio) = measure(settled, to.rate());
            println!("{from:?} to {to:?}: {hz} Hz, {ratio:.1} dB");
            assert!((hz - 1000.0).abs() < 10.0 && ratio > 30.0, "{from:?} to {to:?}: {hz} Hz, {ratio:.1} dB");
        }
    }
}

/// The sound of a click, from when its packet came to when it is sent, wherever in the raster of 20 ms packets come.
#[test]
fn transcoding_delays_less_than_40_ms() {
    let pairs = CODECS.iter().flat_map(|from| CODECS.map(|to| (*from, to)));
    let coded = |(from, to): &(Codec, Codec)| from != to && (from.law().is_none() || to.law().is_none());
    for ((from, to), phase) in pairs.filter(coded).flat_map(|pair| [0, 5, 16].map(|phase| (pair, phase))) {
        let mut world = World::of_two(of(from, 1), of(to, 2));
        world.bridge();
        world.advance(ms(phase));
        let first = world.now;
        let mut singer = Singer::new(1, from);
        singer.sing(&mut world, 50, 0.0);
        singer.sample = 0;
        singer.sing(&mut world, 50, 1000.0);
        let heard = world.take(2);
        assert!(heard.len() >= 99, "{}", heard.len());
        assert_one_stream(&heard);
        let waited = (heard[0].at - first).as_millis() as u32;
        let all = sound(to, &heard);
        let begin = all.iter().position(|sample| sample.abs() > 2000).unwrap() as u32;
        // The codec of the peer itself delays what it says; that is not ours.
        let own = {
            let mut singer = Singer::new(1, from);
            let packets: Vec<_> = (0..100)
                .map(|n| {
                    if n == 50 {
                        singer.sample = 0;
                    }
                    singer.packet(if n < 50 { 0.0 } else { 1000.0 })
                })
                .collect();
            let mut decoder = Decoder::new(from);
            let mut all = Vec::new();
            for packet in packets {
                let mut sound = [0; MAX_SAMPLES];
                let count = decoder.decode(&packet, &mut sound);
                all.extend(sound[..count].to_vec());
            }
            all.iter().position(|sample| sample.abs() > 2000).unwrap() as u32 * 1000 / from.rate()
        };
        let added = (waited + begin * 1000 / to.rate()).saturating_sub(own);
        println!("{from:?} to {to:?} at {phase}: {added} ms");
        assert!(added < 40, "{from:?} to {to:?}: {added} ms");
    }
}

#[test]
fn packets_of_any_length_become_20_ms() {
    for ptime in [10, 20, 30, 40, 60] {
        for to in [Codec::G722, Codec::Opus] {
            let mut world = World::of_two(of(Codec::Pcma, 1), of(to, 2));
            world.bridge();
            let mut phone = Phone::new(1, &of(Codec::Pcma, 1));
            for _ in 0..1200 / ptime {
                world.send(&mut phone, 8, false, &vec![0xd5; 8 * ptime]);
                phone.timestamp = phone.timestamp.wrapping_add(8 * ptime as u32);
                world.advance(ms(ptime as u64));
            }
            let heard = world.take(2);
            assert_eq!(heard.len(), 60, "{ptime} ms to {to:?}");
            for pair in heard.windows(2) {
                assert_eq!(pair[1].stamp.timestamp.wrapping_sub(pair[0].stamp.timestamp), to.clock() / 50);
            }
        }
    }
}

#[test]
fn packets_of_any_length_are_relayed_and_recorded() {
    for ptime in [10, 20, 30, 40, 60] {
        let mut world = World::of_two(params(1), params(2));
        world.bridge();
        world.command(Command::Record {
            leg: LegId(1),
            record: RecordId(1),
            max: ms(60_000),
            silence: None,
            finish: Digits::NONE,
            beep: false,
        });
        let mut phone = Phone::new(1, &params(1));
        for _ in 0..1200 / ptime {
            world.advance(ms(ptime as u64));
            world.send(&mut phone, 0, false, &vec![0x80; 8 * ptime]);
            phone.timestamp = phone.timestamp.wrapping_add(8 * ptime as u32);
        }
        let heard = world.take(2);
        assert_eq!(heard.len(), 1200 / ptime);
        assert_one_stream(&heard);
        world.command(Command::StopRecord { leg: LegId(1), record: RecordId(1) });
        let Some(Event::RecordEnded { samples, end: RecordEnd::Stopped, .. }) = world.take_events().pop()
        else {
            panic!("recorded");
        };
        let loud = samples.iter().filter(|sample| **sample > 10_000).count();
        assert!((9000..=9600).contains(&loud), "{ptime} ms: {loud} samples of 9600");
    }
}

#[test]
fn loss_is_made_up_and_a_pause_stays_one() {
    let mut world = World::of_two(of(Codec::Pcma, 1), of(Codec::G722, 2));
    world.bridge();
    let mut singer = Singer::new(1, Codec::Pcma);
    singer.sing(&mut world, 5, 1000.0);
    singer.lose(&mut world);
    singer.lose(&mut world);
    singer.sing(&mut world, 5, 1000.0);
    // Silence is not sent: timestamps go on, sequence numbers do not.
    for _ in 0..10 {
        singer.pass(&mut world);
    }
    singer.sing(&mut world, 5, 1000.0);
    let heard = world.take(2);
    // 60 ms are made up, since a pause could be loss.
    assert_eq!(heard.len(), 5 + 2 + 5 + 3 + 5);
    assert_one_stream(&heard);
    let steps: Vec<u32> =
        heard.windows(2).map(|pair| pair[1].stamp.timestamp.wrapping_sub(pair[0].stamp.timestamp)).collect();
    assert_eq!(steps.iter().filter(|step| **step == 160).count(), 18);
    assert_eq!(steps[14], 8 * 160);
    assert!(heard[15].stamp.marker);
}

#[test]
fn what_opus_lost_is_made_up() {
    let mut world = World::of_two(of(Codec::Opus, 1), of(Codec::Pcma, 2));
    world.bridge();
    let mut singer = Singer::new(1, Codec::Opus);
    singer.sing(&mut world, 50, 1000.0);
    for _ in 0..5 {
        singer.packet(1000.0);
        singer.lose(&mut world);
        singer.sing(&mut world, 9, 1000.0);
    }
    let heard = world.take(2);
    assert_eq!(heard.len(), 100);
    assert_one_stream(&heard);
    let all = sound(Codec::Pcma, &heard);
    let quiet = all[8000..].chunks(80).filter(|part| part.iter().all(|sample| sample.abs() < 1000)).count();
    assert_eq!(quiet, 0, "no gap");
}

#[test]
fn late_and_broken_packets_are_left_out() {
    let mut world = World::of_two(of(Codec::Opus, 1), of(Codec::G722, 2));
    world.bridge();
    let mut singer = Singer::new(1, Codec::Opus);
    singer.sing(&mut world, 5, 1000.0);
    let mut late = singer.phone.clone();
    late.sequence = late.sequence.wrapping_sub(3);
    late.timestamp = late.timestamp.wrapping_sub(3 * 960);
    world.send(&mut late, 111, false, &[0xf8, 0xff, 0xfe]);
    for broken in [&[][..], &[0xff], &[0x03, 0x3f], &[0xff, 0xff, 0xff]] {
        singer.send(&mut world, broken);
    }
    singer.sing(&mut world, 5, 1000.0);
    let heard = world.take(2);
    assert!((10..=14).contains(&heard.len()), "{}", heard.len());
}

#[test]
fn digits_count_by_the_clock_of_each_leg() {
    for (from, to) in [(Codec::Opus, Codec::Pcma), (Codec::Pcma, Codec::Opus), (Codec::G722, Codec::Pcmu)] {
        let mut world = World::of_two(of(from, 1), of(to, 2));
        world.bridge();
        let mut singer = Singer::new(1, from);
        singer.sing(&mut world, 3, 1000.0);
        for beat in 1..=7_u16 {
            let duration = beat.min(5) * (from.clock() / 50) as u16;
            let payload = dtmf::Payload { event: 5, end: beat >= 5, volume: 10, duration };
            world.send(&mut singer.phone, DTMF, beat == 1, &payload.bytes());
            world.advance(ms(20));
        }
        singer.phone.timestamp = singer.phone.timestamp.wrapping_add(7 * from.clock() / 50);
        singer.sing(&mut world, 3, 1000.0);

        let heard = world.take(2);
        assert_eq!(heard.len(), 13, "{from:?} to {to:?}");
        let (begin, digits) = (heard[2].stamp.timestamp, &heard[3..10]);
        assert!(digits.iter().all(|packet| packet.payload_type == DTMF));
        let frame = to.clock() / 50;
        for (n, packet) in digits.iter().enumerate() {
            assert_eq!(
                packet.stamp.timestamp.wrapping_sub(begin),
                0,
                "as the audio that was still on its way"
            );
            assert_eq!(u32::from(packet.event().duration), (n as u32 + 1).min(5) * frame);
            assert_eq!(packet.stamp.marker, n == 0);
        }
        assert_eq!(heard[10].stamp.timestamp.wrapping_sub(begin), 8 * frame);
        assert!(
            heard.windows(2).all(|pair| pair[0].stamp.sequence.wrapping_add(1) == pair[1].stamp.sequence)
        );
        assert!(world.take_events().contains(&Event::Digit { leg: LegId(1), digit: '5' }));
    }
}

#[test]
fn a_prompt_is_heard_in_every_codec_and_goes_over_into_the_call() {
    for codec in CODECS {
        let mut world = World::of_two(of(codec, 1), of(Codec::Pcma, 2));
        world.play(1, 1, vec![Source::Tone(tone::named("1000/1000").unwrap())]);
        world.advance(ms(1100));
        world.bridge();
        let mut singer = Singer::new(2, Codec::Pcma);
        singer.sing(&mut world, 50, 1000.0);
        let heard = world.take(1);
        assert_eq!(heard.len(), 100, "{codec:?}");
        for pair in heard.windows(2) {
            let (this, next) = (pair[0].stamp, pair[1].stamp);
            assert_eq!(next.sequence, this.sequence.wrapping_add(1));
            assert!(next.timestamp.wrapping_sub(this.timestamp) >= codec.clock() / 50);
        }
        let all = sound(codec, &heard[5..50]);
        let (hz, ratio) = measure(&all[all.len() / 4..], codec.rate());
        println!("{codec:?}: {hz} Hz, {ratio:.1} dB");
        assert!((hz - 1000.0).abs() < 10.0 && ratio > 30.0, "{codec:?}: {hz} Hz, {ratio:.1} dB");
    }
}

#[test]
fn every_codec_is_recorded_and_presses_keys() {
    for codec in CODECS {
        let mut world = World::new();
        world.open(1, of(codec, 1));
        world.command(Command::Record {
            leg: LegId(1),
            record: RecordId(1),
            max: ms(60_000),
            silence: None,
            finish: Digits::NONE,
            beep: false,
        });
        let mut singer = Singer::new(1, codec);
        singer.sing(&mut world, 100, 1000.0);
        world.command(Command::StopRecord { leg: LegId(1), record: RecordId(1) });
        let Some(Event::RecordEnded { samples, .. }) = world.take_events().pop() else { panic!("recorded") };
        let (hz, ratio) = measure(&samples[4000..], 8000);
        assert!((15_000..=16_100).contains(&samples.len()), "{codec:?}: {}", samples.len());
        assert!((hz - 1000.0).abs() < 10.0 && ratio > 30.0, "{codec:?}: {hz} Hz, {ratio:.1} dB");

        world.command(Command::SendDigits { leg: LegId(1), digits: "7".into() });
        world.advance(ms(300));
        let keys = world.take(1);
        assert_eq!(keys.len(), 7);
        assert_eq!(u32::from(keys[6].event().duration), codec.clock() / 10);
    }
}

#[test]
fn another_codec_in_the_middle_of_a_call_is_heard_at_once() {
    let mut world = World::of_two(of(Codec::Pcma, 1), of(Codec::Pcma, 2));
    world.bridge();
    Singer::new(1, Codec::Pcma).sing(&mut world, 10, 1000.0);
    world.command(Command::Update { leg: LegId(1), params: of(Codec::Opus, 1) });
    let mut wide = Singer::new(1, Codec::Opus);
    wide.sing(&mut world, 10, 1000.0);
    Singer::new(2, Codec::Pcma).sing(&mut world, 10, 1000.0);
    let (back, heard) = (world.take(1), world.take(2));
    // 60 ms are made up where she stops.
    assert_eq!((heard.len(), back.len()), (23, 10));
    assert_one_stream(&heard);
    assert!(back.iter().all(|packet| packet.payload_type == 111));
}

/// What arrives between 0 and 30 ms late, by a fixed disorder, and where `lost` says not at all.
fn through_weather(world: &mut World, singer: &mut Singer, packets: u64, lost: impl Fn(u64) -> bool) {
    let mut arrivals: Vec<(u64, Phone, Vec<u8>)> = Vec::new();
    for n in 0..packets {
        let payload = singer.packet(1000.0);
        if !lost(n) {
            arrivals.push((n * 20 + n * n % 31, singer.phone.clone(), payload));
        }
        singer.phone.sequence = singer.phone.sequence.wrapping_add(1);
        singer.phone.timestamp = singer.phone.timestamp.wrapping_add(singer.codec.clock() / 50);
    }
    arrivals.sort_by_key(|(at, ..)| *at);
    let begin = world.now;
    for (at, mut phone, payload) in arrivals {
        world.advance((begin + ms(at)).saturating_sub(world.now));
        let payload_type = phone.payload_type;
        world.send(&mut phone, payload_type, false, &payload);
    }
    world.advance(ms(100));
}

/// Longest run of 5 ms and more in which the tone is not heard, in ms.
fn longest_gap(sound: &[i16], rate: u32) -> u32 {
    let part = rate as usize / 200;
    let quiet = sound.chunks_exact(part).map(|part| part.iter().all(|sample| sample.unsigned_abs() < 800));
    let (mut longest, mut run) = (0, 0);
    for quiet in quiet {
        run = if quiet { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest * 5
}

#[test]
fn what_is_coded_anew_leaves_in_order_evenly_and_whole() {
    for (from, to) in [
        (Codec::Pcma, Codec::G722),
        (Codec::G722, Codec::Opus),
        (Codec::Opus, Codec::Pcmu),
        (Codec::Opus, Codec::G722),
    ] {
        let mut world = World::of_two(of(from, 1), of(to, 2));
        world.bridge();
        let mut singer = Singer::new(1, from);
        through_weather(&mut world, &mut singer, 500, |n| n * 7919 % 50 == 7);
        // The first second is for the buffer to learn.
        let heard = world.take(2).split_off(50);
        assert_one_stream(&heard);
        assert!(heard.windows(2).all(|pair| pair[1].at - pair[0].at == ms(20)), "{from:?} to {to:?}");
        let all = sound(to, &heard[..heard.len() - 10]);
        let gap = longest_gap(&all, to.rate());
        let (hz, ratio) = measure(&all, to.rate());
        println!("{from:?} to {to:?}: a gap of {gap} ms; {hz} Hz, {ratio:.1} dB");
        assert!(gap <= 40, "{from:?} to {to:?}: a gap of {gap} ms");
        assert!((hz - 1000.0).abs() < 10.0 && ratio > 8.0, "{from:?} to {to:?}: {hz} Hz, {ratio:.1} dB");
    }
}

#[test]
fn what_opus_repeats_is_heard_as_it_was_said() {
    let mut world = World::of_two(of(Codec::Opus, 1), of(Codec::G722, 2));
    world.bridge();
    let mut singer = Singer::new(1, Codec::Opus);
    // A first loss shows that it is worth to wait for the packet behind the hole.
    singer.sing(&mut world, 10, 1000.0);
    singer.packet(1000.0);
    singer.lose(&mut world);
    singer.sing(&mut world, 10, 1000.0);
    world.take(2);
    // What is lost then is the begin of another tone, which nobody can make up.
    singer.packet(500.0);
    singer.lose(&mut world);
    singer.sing(&mut world, 1, 1000.0);
    singer.sing(&mut world, 5, 1000.0);
    let all = sound(Codec::G722, &world.take(2));
    let power = |sound: &[i16], hz: f64| {
        let fit = |wave: fn(f64) -> f64| {
            let terms = sound.iter().enumerate();
            terms.map(|(n, sample)| f64::from(*sample) * wave(TAU * hz * n as f64 / 16_000.0)).sum::<f64>()
        };
        fit(f64::sin).hypot(fit(f64::cos)) / sound.len() as f64
    };
    let share = |part: &[i16]| power(part, 500.0) / (power(part, 1000.0) + 1.0);
    let best = all.windows(320).step_by(40).map(share).fold(0.0, f64::max);
    println!("500 Hz against 1000 Hz: {best:.1}");
    assert!(best > 2.0, "the tone that was lost is not heard: {best:.1}");
}

#[test]
fn a_driver_that_is_late_loses_nothing_of_a_recording() {
    let mut world = World::new();
    world.open(1, of(Codec::Pcma, 1));
    let record = RecordId(1);
    let (max, silence, finish) = (ms(60_000), None, Digits::NONE);
    world.command(Command::Record { leg: LegId(1), record, max, silence, finish, beep: false });
    let mut singer = Singer::new(1, Codec::Pcma);
    for n in 0..100 {
        let payload = singer.packet(1000.0);
        world.send(&mut singer.phone, 8, false, &payload);
        singer.phone.timestamp = singer.phone.timestamp.wrapping_add(160);
        // It does not wake for 400 ms in the middle; packets that came meanwhile are at its door.
        match n {
            40..60 => world.now += ms(20),
            60 => world.oversleep(ms(20)),
            _ => world.advance(ms(20)),
        }
    }
    world.command(Command::StopRecord { leg: LegId(1), record });
    let Some(Event::RecordEnded { samples, .. }) = world.take_events().pop() else { panic!("recorded") };
    assert!((15_500..=16_000).contains(&samples.len()), "{}", samples.len());
    assert!(longest_gap(&samples[160..], 8000) <= 5, "a gap of {} ms", longest_gap(&samples[160..], 8000));
}
