//! The calls that are measured: what their phones say, what their legs agreed to, and what has to be heard.

use std::{
    f64::consts::TAU,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use jackfield_media::{
    Codec, MasterKey, OpusFormat, Params, Rtcp, Security, Suite, Tones,
    codec::{Decoder, Encoder, MAX_PAYLOAD, MAX_SAMPLES},
    rtp::{HEADER, Packet},
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::libsrtp;

/// Packets a second of one phone, 20 ms each.
pub(super) const PER_PHONE: u32 = 50;
/// The first packets latch.
pub(super) const LATCHING: Duration = Duration::from_millis(250);
pub(super) const MEASURED: Duration = Duration::from_secs(4);

/// Calls at once; both phones speak.
const CALLS: usize = 100;
/// Calls at once that are transcoded, one way: more would be too much for one core.
const TRANSCODED: usize = 40;
/// Power that a sound may win or lose on its way.
const DECIBELS: f64 = 3.0;

/// Phone `n` has leg `n`, and is bridged with `n ^ 1`.
pub(super) struct Scene {
    codecs: [Codec; 2],
    suite: Option<Suite>,
    /// Of each phone, in their order; who has none listens only.
    packets: Vec<Vec<Vec<u8>>>,
    /// Of each phone: its own key and ours, master key and salt in a row.
    keys: Vec<[Vec<u8>; 2]>,
}

impl Scene {
    /// A-law on both sides.
    pub(super) fn plain() -> Scene {
        let packets = (0..2 * CALLS).map(|phone| (0..spoken()).map(|n| marked(phone, n)).collect()).collect();
        Scene { codecs: [Codec::Pcma; 2], suite: None, packets, keys: Vec::new() }
    }

    /// As [`plain`](Self::plain), each leg with keys of its own.
    pub(super) fn encrypted(suite: Suite) -> Scene {
        let mut random = StdRng::seed_from_u64(1);
        let (key, salt) = suite.lengths();
        let mut new_key = || {
            let mut bytes = vec![0; key + salt];
            random.fill_bytes(&mut bytes);
            bytes
        };
        let keys: Vec<[Vec<u8>; 2]> = (0..2 * CALLS).map(|_| [new_key(), new_key()]).collect();
        let theirs: Vec<&[u8]> = keys.iter().map(|[own, _]| &own[..]).collect();
        let packets = libsrtp::close(suite, &theirs, &Scene::plain().packets);
        Scene { codecs: [Codec::Pcma; 2], suite: Some(suite), packets, keys }
    }

    /// The first phone of each call speaks in one codec, the second hears another one.
    pub(super) fn transcoded(from: Codec, to: Codec) -> Scene {
        let speaks = |phone: usize| if phone.is_multiple_of(2) { voice(from) } else { Vec::new() };
        let packets = (0..2 * TRANSCODED).map(speaks).collect();
        Scene { codecs: [from, to], suite: None, packets, keys: Vec::new() }
    }

    pub(super) fn legs(&self) -> usize {
        self.packets.len()
    }

    pub(super) fn packets(&self, phone: usize) -> &[Vec<u8>] {
        &self.packets[phone]
    }

    pub(super) fn speakers(&self) -> impl Iterator<Item = usize> {
        (0..self.legs()).filter(|phone| !self.packets[*phone].is_empty())
    }

    /// What a leg agreed with its phone at `remote`, whose signalling comes to `local`.
    pub(super) fn params(&self, leg: usize, remote: SocketAddr, local: IpAddr) -> Params {
        let codec = self.codecs[leg % 2];
        let key = |suite, bytes| MasterKey::new(suite, bytes).expect("it has the suite's length");
        Params {
            codec,
            payload_type: payload_type(codec),
            opus: OpusFormat::default(),
            dtmf: Some(101),
            dtmf_clock: codec.clock(),
            tones: Tones::default(),
            rtcp: Rtcp::Apart(None),
            remote: Some(remote),
            peer: Some(remote.ip()),
            local: Some(local),
            send: true,
            receive: true,
            security: self.suite.map_or(Security::Plain, |suite| {
                let [own, ours] = &self.keys[leg];
                Security::Srtp { send: key(suite, ours), receive: key(suite, own) }
            }),
        }
    }

    /// Every phone has heard the other one, and nobody else.
    pub(super) fn judge(&self, heard: &[Vec<Vec<u8>>]) {
        if self.codecs[0] != self.codecs[1] {
            heard.iter().skip(1).step_by(2).for_each(|heard| self.judge_sound(heard));
            return;
        }
        let opened = self.suite.map(|suite| {
            let ours: Vec<&[u8]> = self.keys.iter().map(|[_, ours]| &ours[..]).collect();
            libsrtp::open(suite, &ours, heard)
        });
        for (phone, heard) in opened.as_deref().unwrap_or(heard).iter().enumerate() {
            for packet in heard {
                let packet = Packet::parse(&packet[..]).expect("libsrtp opened it, and it is RTP");
                let payload = packet.payload();
                let number = usize::from(payload[1]);
                assert_eq!(
                    payload,
                    &marked(phone ^ 1, number)[HEADER..],
                    "phone {phone} hears the other one"
                );
            }
        }
    }

    fn judge_sound(&self, heard: &[Vec<u8>]) {
        let [said, got] = self.codecs.map(Decoder::new);
        let payloads = |packets: &[Vec<u8>]| packets.iter().map(|packet| packet[HEADER..].to_vec()).collect();
        let [said, got] = [power(said, payloads(&self.packets[0])), power(got, payloads(heard))];
        assert!((said - got).abs() < DECIBELS, "{:?}: {said:.1} dB said, {got:.1} dB heard", self.codecs);
    }
}

/// Packets of one phone.
fn spoken() -> usize {
    ((LATCHING + MEASURED).as_secs_f64() * f64::from(PER_PHONE)).ceil() as usize + 1
}

/// A packet of A-law whose payload says whose it is.
fn marked(phone: usize, number: usize) -> Vec<u8> {
    let mut payload = [0x55; 160];
    (payload[0], payload[1]) = (phone as u8, number as u8);
    packet(Codec::Pcma, number, &payload)
}

fn packet(codec: Codec, number: usize, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, payload_type(codec)];
    bytes.extend((number as u16).to_be_bytes());
    bytes.extend((number as u32 * codec.clock() / PER_PHONE).to_be_bytes());
    bytes.extend(7_u32.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn payload_type(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
        Codec::Opus => 111,
    }
}

/// Something like a voice: harmonics of 140 Hz up to 3 kHz, in syllables.
fn voice(codec: Codec) -> Vec<Vec<u8>> {
    let rate = f64::from(codec.rate());
    let sample = |n: usize| {
        let time = n as f64 / rate;
        let harmonics =
            (1..=21).map(|k| (TAU * 140.0 * f64::from(k) * time).sin() / f64::from(k)).sum::<f64>();
        let syllable = (TAU * 4.0 * time).sin().abs();
        (3000.0 * harmonics * syllable) as i16
    };
    let length = (codec.rate() / PER_PHONE) as usize;
    let mut encoder = Encoder::new(codec, OpusFormat::default());
    let frame = |number| {
        let sound: Vec<i16> = (number * length..(number + 1) * length).map(sample).collect();
        let mut payload = [0; MAX_PAYLOAD];
        let length = encoder.encode(&sound, &mut payload);
        packet(codec, number, &payload[..length])
    };
    (0..spoken()).map(frame).collect()
}

/// Mean power of what packets say, in decibels.
fn power(mut decoder: Decoder, payloads: Vec<Vec<u8>>) -> f64 {
    let mut sound = [0; MAX_SAMPLES];
    let (mut sum, mut count) = (0.0, 0);
    for payload in payloads {
        let length = decoder.decode(&payload, &mut sound);
        sum += sound[..length].iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        count += length;
    }
    10.0 * (sum / f64::from(u32::try_from(count).expect("seconds of sound"))).log10()
}
