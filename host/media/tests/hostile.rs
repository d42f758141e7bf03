//! Whatever comes in, nothing panics, everything that was asked for ends, and each leg sends one stream.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod common;

use std::{collections::HashMap, time::Duration};

use common::*;
use jackfield_media::{
    Channel, Clip, Codec, Command, Digits, Event, LegId, MixId, OpusFormat, Params, PlayId, PortId, RecordId,
    Rtcp, Security, Session, Settings, Source, Tones, dtmf, rtp, tone,
};
use proptest::prelude::*;

const LEGS: u64 = 4;

#[derive(Clone, Debug)]
enum Step {
    Command(Command),
    Packet { port: u32, source: u64, bytes: Vec<u8> },
    Pass(Duration),
}

fn leg() -> impl Strategy<Value = LegId> {
    (0..LEGS).prop_map(LegId)
}

fn some_params() -> impl Strategy<Value = Params> {
    let codec = prop_oneof![
        Just((Codec::Pcmu, 0)),
        Just((Codec::Pcma, 8)),
        Just((Codec::Pcmu, 255)),
        Just((Codec::G722, 9)),
        Just((Codec::Opus, 111)),
    ];
    let dtmf = prop_oneof![Just(None), Just(Some(DTMF)), Just(Some(0))];
    let remote = prop_oneof![Just(None), (0..3_u64).prop_map(|n| Some(addr(n)))];
    (codec, dtmf, remote, any::<bool>(), any::<bool>()).prop_map(
        |((codec, payload_type), dtmf, remote, send, receive)| Params {
            codec,
            payload_type,
            opus: OpusFormat::default(),
            dtmf,
            dtmf_clock: codec.clock(),
            tones: Tones { heard: true, wanted: false },
            rtcp: Rtcp::Apart(None),
            remote,
            peer: None,
            local: None,
            send,
            receive,
            security: Security::Plain,
        },
    )
}

fn some_source() -> impl Strategy<Value = Source> {
    let length = prop_oneof![Just(Duration::ZERO), (0..500_u64).prop_map(ms), Just(Duration::MAX)];
    prop_oneof![
        (0..400_usize).prop_map(|n| Source::Clip(std::sync::Arc::new(Clip::from_samples(8000, &vec![7; n])))),
        length.prop_map(Source::Silence),
        Just(Source::Tone(tone::named("busy").expect("a tone"))),
        "[0-9#*a-z]{0,3}".prop_map(|digits| Source::Dtmf(digits.into())),
    ]
}

fn some_command() -> impl Strategy<Value = Command> {
    let digits =
        || prop_oneof![Just(Digits::NONE), Just(Digits::ALL), Just(Digits::parse("1#").expect("digits"))];
    let time = || prop_oneof![Just(Duration::ZERO), (0..2000_u64).prop_map(ms), Just(Duration::MAX)];
    let ports = prop_oneof![8 => 0..LEGS as u32, 1 => Just(u32::MAX)];
    prop_oneof![
        3 => (leg(), ports, proptest::option::of(some_params()))
            .prop_map(|(leg, port, params)| Command::Open { leg, port: PortId(port), params }),
        2 => (leg(), some_params()).prop_map(|(leg, params)| Command::Update { leg, params }),
        1 => leg().prop_map(|leg| Command::Close { leg }),
        2 => (leg(), leg()).prop_map(|(a, b)| Command::Bridge { a, b }),
        1 => leg().prop_map(|leg| Command::Unbridge { leg }),
        2 => (leg(), 0..2_u64).prop_map(|(leg, mix)| Command::Mix { mix: MixId(mix), leg }),
        1 => leg().prop_map(|leg| Command::Unmix { leg }),
        3 => (leg(), 0..9_u64, prop::collection::vec(some_source(), 0..4), 0..4_u32, digits())
            .prop_map(|(leg, play, sources, repeat, interrupt)| {
                Command::Play { leg, play: PlayId(play), sources, repeat, interrupt }
            }),
        1 => (leg(), 0..9_u64).prop_map(|(leg, play)| Command::StopPlay { leg, play: PlayId(play) }),
        1 => (leg(), "[0-9#a-z]{0,4}").prop_map(|(leg, digits)| Command::SendDigits { leg, digits: digits.into() }),
        2 => (leg(), 0..9_u64, time(), proptest::option::of(time()), digits(), any::<bool>())
            .prop_map(|(leg, record, max, silence, finish, beep)| {
                Command::Record { leg, record: RecordId(record), max, silence, finish, beep }
            }),
        1 => (leg(), 0..9_u64).prop_map(|(leg, record)| Command::StopRecord { leg, record: RecordId(record) }),
    ]
}

/// Anything, and packets that are nearly right.
fn some_packet() -> impl Strategy<Value = Vec<u8>> {
    let payload_type = prop_oneof![Just(0), Just(8), Just(DTMF), Just(127), 0..128_u8];
    let near = (
        payload_type,
        any::<bool>(),
        0..40_u16,
        0..6000_u32,
        0..2_u32,
        prop::collection::vec(any::<u8>(), 0..170),
    );
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..64),
        6 => near.prop_map(|(payload_type, marker, sequence, timestamp, ssrc, payload)| {
            let mut bytes = vec![0; 12 + payload.len()];
            let stamp = rtp::Stamp { ssrc, sequence, timestamp, marker };
            rtp::build(&mut bytes, stamp, payload_type, &payload).expect("room");
            bytes
        }),
    ]
}

fn some_step() -> impl Strategy<Value = Step> {
    let time = prop_oneof![6 => (0..60_u64).prop_map(ms), 1 => (0..100_000_u64).prop_map(ms)];
    prop_oneof![
        2 => some_command().prop_map(Step::Command),
        3 => (0..LEGS as u32 + 1, 0..3_u64, some_packet())
            .prop_map(|(port, source, bytes)| Step::Packet { port, source, bytes }),
        2 => time.prop_map(Step::Pass),
    ]
}

/// What was asked for less what has ended.
#[derive(Default)]
struct Books {
    plays: i64,
    records: i64,
    digits: i64,
    /// By port: the newest packet, and the newest audio.
    streams: HashMap<u32, (rtp::Stamp, Option<u32>)>,
}

impl Books {
    fn asked(&mut self, command: &Command) {
        match command {
            Command::Play { .. } => self.plays += 1,
            Command::Record { .. } => self.records += 1,
            Command::SendDigits { .. } => self.digits += 1,
            _ => {}
        }
    }

    fn settle(&mut self, session: &mut Session) {
        let mut buffer = [0; 1500];
        while let Some(transmit) = session.poll_transmit(&mut buffer) {
            if transmit.channel == Channel::Rtp {
                self.made(transmit.port, &buffer[..transmit.length]);
            }
        }
        while let Some(event) = session.poll_event() {
            match event {
                Event::PlayEnded { .. } => self.plays -= 1,
                Event::RecordEnded { samples, .. } => {
                    self.records -= 1;
                    assert!(samples.len() <= 3600 * 8000);
                }
                Event::DigitsSent { .. } => self.digits -= 1,
                Event::Closed { port, .. } => _ = self.streams.remove(&port.0),
                _ => {}
            }
        }
        assert!(self.plays >= 0 && self.records >= 0 && self.digits >= 0);
    }

    /// Our own audio is later than all audio before it, and its number is new.
    fn made(&mut self, port: PortId, bytes: &[u8]) {
        let packet = rtp::Packet::parse(bytes).expect("what we make is RTP");
        let stamp = packet.stamp();
        let audio = (packet.payload().len() == 160).then_some(stamp.timestamp);
        let (before, audio_before) = *self.streams.entry(port.0).or_insert((stamp, None));
        assert_eq!(before.ssrc, stamp.ssrc);
        assert!(before == stamp || stamp.sequence.wrapping_sub(before.sequence) as i16 > 0);
        if let (Some(audio), Some(before)) = (audio, audio_before) {
            let step = audio.wrapping_sub(before);
            assert!((160..i32::MAX as u32).contains(&step), "{step}");
        }
        self.streams.insert(port.0, (stamp, audio.or(audio_before)));
    }
}

fn run(steps: Vec<Step>) {
    let mut session = Session::new(Settings { seed: 3, media_timeout: ms(5000), max_legs: 3 });
    let mut books = Books::default();
    let mut now = ms(77);
    for step in steps {
        match step {
            Step::Command(command) => {
                books.asked(&command);
                session.handle_command(now, command);
            }
            Step::Packet { port, source, mut bytes } => {
                let length = bytes.len();
                if let Some(forward) =
                    session.handle_packet(now, PortId(port), addr(source), &mut bytes, length)
                {
                    assert_eq!(forward.length, length);
                    assert!(rtp::Packet::parse(&bytes[..]).is_ok());
                }
            }
            Step::Pass(time) => {
                now += time;
                session.handle_timeout(now);
                assert!(session.next_timeout().is_none_or(|next| next > now));
            }
        }
        books.settle(&mut session);
    }
    for n in 0..LEGS {
        session.handle_command(now, Command::Close { leg: LegId(n) });
    }
    books.settle(&mut session);
    assert_eq!((books.plays, books.records, books.digits), (0, 0, 0));
    assert_eq!((session.legs(), session.next_timeout()), (0, None));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_commands_and_packets_breaks_a_law(steps in prop::collection::vec(some_step(), 0..120)) {
        run(steps);
    }

    #[test]
    fn any_bytes_are_a_packet_or_not(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(packet) = rtp::Packet::parse(&bytes[..]) {
            let _ = (packet.stamp(), packet.payload_type(), dtmf::Payload::parse(packet.payload()));
            prop_assert!(packet.payload().len() + 12 <= packet.length());
        }
    }

    #[test]
    fn any_bytes_are_a_clip_or_not(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..44_usize, byte: u8) {
        let _ = Clip::from_wav(&bytes);
        // A good file with one byte wrong, and noise behind it.
        let mut file = jackfield_media::to_wav(&[1; 50]);
        file[at] = byte;
        file.append(&mut bytes);
        let _ = Clip::from_wav(&file);
    }

    #[test]
    fn any_text_is_a_tone_or_not(text in "[0-9+/, a-z-]{0,30}") {
        if let Ok(steps) = tone::named(&text) {
            prop_assert!(!steps.is_empty());
        }
    }
}

/// A bridge under a flood of damaged packets: every byte of a good packet set to every value, and every length.
#[test]
fn no_damage_to_a_packet_is_too_much() {
    let mut world = World::of_two(params(1), alaw(2));
    world.bridge();
    world.command(Command::Record {
        leg: LegId(1),
        record: RecordId(1),
        max: ms(60_000),
        silence: None,
        finish: Digits::NONE,
        beep: false,
    });
    let stamp = rtp::Stamp { ssrc: 1, sequence: 0, timestamp: 0, marker: false };
    for (payload_type, payload) in [(0, &[0x55; 20][..]), (DTMF, &[1, 0x0a, 0, 160][..])] {
        let mut good = [0; 32];
        let length = rtp::build(&mut good, stamp, payload_type, payload).expect("room");
        for cut in 0..=length {
            for at in 0..cut {
                for value in 0..=255 {
                    let mut packet = good;
                    packet[at] = value;
                    world.deliver(1, addr(1), &mut packet[..cut]);
                    world.heard.clear();
                }
            }
            world.advance(ms(20));
        }
    }
    assert!(world.take_events().iter().any(|event| matches!(event, Event::Digit { .. })));
    let mut phone = Phone { ssrc: 9, ..Phone::new(1, &params(1)) };
    assert!(phone.talk(&mut world, 0), "and the bridge still works");
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    for now in [Duration::ZERO, ms(1), Duration::MAX - ms(1), Duration::MAX] {
        let mut session = Session::new(Settings::default());
        let leg = LegId(1);
        session.handle_command(now, Command::Open { leg, port: PortId(0), params: Some(params(1)) });
        let (sources, interrupt) = (vec![Source::Silence(ms(20))], Digits::NONE);
        session.handle_command(now, Command::Play { leg, play: PlayId(1), sources, repeat: 0, interrupt });
        session.handle_command(now, Command::SendDigits { leg, digits: "1".into() });
        let (max, finish) = (Duration::MAX, Digits::NONE);
        let silence = Some(Duration::MAX);
        session.handle_command(
            now,
            Command::Record { leg, record: RecordId(1), max, silence, finish, beep: true },
        );
        session.next_timeout();
        for later in [now, now.saturating_add(ms(200)), Duration::MAX, Duration::ZERO] {
            session.handle_timeout(later);
            let mut packet = [0; 172];
            let stamp = rtp::Stamp { ssrc: 1, sequence: 0, timestamp: 0, marker: false };
            rtp::build(&mut packet, stamp, 0, &[0; 160]).expect("room");
            session.handle_packet(later, PortId(0), addr(1), &mut packet, 172);
            while session.poll_transmit(&mut [0; 1500]).is_some() {}
        }
        session.handle_command(now, Command::Close { leg });
    }
}
