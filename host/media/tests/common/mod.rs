//! A worker in virtual time with phones around it.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jackfield_media::{
    Clip, Codec, Command, Digits, Event, LegId, OpusFormat, Params, Piece, PlayEnd, PlayId, PortId, Rtcp,
    Security, Session, Settings, Source, Tones, dtmf, rtp,
};

pub(crate) const DTMF: u8 = 101;

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The address of phone `n`; its leg is `n` on port `n`.
pub(crate) fn addr(n: u64) -> SocketAddr {
    ([192, 0, 2, n as u8], 40_000 + n as u16).into()
}

/// What phone `n` agreed to: PCMU and telephone events.
pub(crate) fn params(n: u64) -> Params {
    Params {
        codec: Codec::Pcmu,
        payload_type: 0,
        opus: OpusFormat::default(),
        dtmf: Some(DTMF),
        dtmf_clock: 8000,
        tones: Tones::default(),
        rtcp: Rtcp::Apart(None),
        remote: Some(addr(n)),
        peer: Some(addr(n).ip()),
        local: None,
        send: true,
        receive: true,
        security: Security::Plain,
    }
}

pub(crate) fn alaw(n: u64) -> Params {
    Params { codec: Codec::Pcma, payload_type: 8, ..params(n) }
}

/// A clip of one loudness.
pub(crate) fn clip(value: i16, length: Duration) -> Source {
    Source::Clip(Arc::new(Clip::from_samples(8000, &vec![value; length.as_millis() as usize * 8])))
}

/// A packet that reached a phone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heard {
    pub(crate) at: Duration,
    pub(crate) leg: u64,
    pub(crate) to: SocketAddr,
    pub(crate) payload_type: u8,
    pub(crate) stamp: rtp::Stamp,
    pub(crate) payload: Vec<u8>,
}

impl Heard {
    pub(crate) fn event(&self) -> dtmf::Payload {
        dtmf::Payload::parse(&self.payload).expect("a telephone event")
    }
}

/// When each of so many packets of 20 ms comes, in milliseconds, and its number: 30 ms of jitter, 2 % are lost.
pub(crate) fn arrivals(packets: u16) -> Vec<(u64, u16)> {
    let mut arrivals: Vec<(u64, u16)> = (0..packets)
        .filter(|n| u32::from(*n) * 7919 % 50 != 7)
        .map(|n| (u64::from(n) * 20 + u64::from(n) * u64::from(n) % 31, n))
        .collect();
    arrivals.sort_unstable();
    arrivals
}

pub(crate) struct World {
    pub(crate) session: Session,
    pub(crate) now: Duration,
    pub(crate) heard: Vec<Heard>,
    /// RTCP that reached phones: the leg, the address and the packet.
    pub(crate) reports: Vec<(u64, SocketAddr, Vec<u8>)>,
    /// What was sent, by leg, as it was on the wire.
    pub(crate) raw: Vec<(u64, Vec<u8>)>,
    pub(crate) events: Vec<Event>,
    pub(crate) pieces: Vec<Piece>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings { seed: 1, media_timeout: Duration::ZERO, ..Settings::default() })
    }

    pub(crate) fn with(settings: Settings) -> Self {
        Self {
            session: Session::new(settings),
            now: ms(1_000_000),
            heard: vec![],
            reports: vec![],
            raw: vec![],
            events: vec![],
            pieces: vec![],
        }
    }

    /// With phones 1 and 2 connected.
    pub(crate) fn of_two(first: Params, second: Params) -> Self {
        let mut world = Self::new();
        world.open(1, first);
        world.open(2, second);
        world
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.session.handle_command(self.now, command);
        self.drain();
    }

    pub(crate) fn open(&mut self, n: u64, params: Params) {
        self.command(Command::Open { leg: LegId(n), port: PortId(n as u32), params: Some(params) });
    }

    pub(crate) fn play(&mut self, n: u64, play: u64, sources: Vec<Source>) {
        let interrupt = Digits::NONE;
        self.command(Command::Play { leg: LegId(n), play: PlayId(play), sources, repeat: 1, interrupt });
    }

    pub(crate) fn bridge(&mut self) {
        self.command(Command::Bridge { a: LegId(1), b: LegId(2) });
    }

    /// Time goes on; the driver wakes when the session asks for it.
    pub(crate) fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        while let Some(next) = self.session.next_timeout().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.session.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    /// The driver was asleep all that time, and wakes late.
    pub(crate) fn oversleep(&mut self, by: Duration) {
        self.now += by;
        self.session.handle_timeout(self.now);
        self.drain();
    }

    pub(crate) fn send(&mut self, phone: &mut Phone, payload_type: u8, marker: bool, payload: &[u8]) -> bool {
        let stamp =
            rtp::Stamp { ssrc: phone.ssrc, sequence: phone.sequence, timestamp: phone.timestamp, marker };
        phone.sequence = phone.sequence.wrapping_add(1);
        let mut packet = [0; 600];
        let length = rtp::build(&mut packet, stamp, payload_type, payload).expect("room");
        self.deliver(phone.leg, phone.address, &mut packet[..length])
    }

    /// A datagram for leg `n`; true when it was relayed.
    pub(crate) fn deliver(&mut self, n: u64, source: SocketAddr, packet: &mut [u8]) -> bool {
        let mut buffer = [0; 1500];
        buffer[..packet.len()].copy_from_slice(packet);
        let (port, length) = (PortId(n as u32), packet.len());
        let forward = self.session.handle_packet(self.now, port, source, &mut buffer, length);
        if let Some(forward) = forward {
            self.hear(forward.port, forward.to, &buffer[..forward.length]);
        }
        self.drain();
        forward.is_some()
    }

    pub(crate) fn drain(&mut self) {
        let mut buffer = [0; 1500];
        while let Some(transmit) = self.session.poll_transmit(&mut buffer) {
            let bytes = &buffer[..transmit.length];
            match (192..=223).contains(&bytes[1]) {
                true => self.reports.push((transmit.port.0.into(), transmit.to, bytes.to_vec())),
                false => self.hear(transmit.port, transmit.to, bytes),
            }
        }
        self.events.extend(std::iter::from_fn(|| self.session.poll_event()));
        self.pieces.extend(std::iter::from_fn(|| self.session.poll_piece()));
    }

    fn hear(&mut self, port: PortId, to: SocketAddr, bytes: &[u8]) {
        self.raw.push((port.0.into(), bytes.to_vec()));
        let packet = rtp::Packet::parse(bytes).expect("what we send is RTP");
        self.heard.push(Heard {
            at: self.now,
            leg: port.0.into(),
            to,
            payload_type: packet.payload_type(),
            stamp: packet.stamp(),
            payload: packet.payload().to_vec(),
        });
    }

    /// What leg `n` was sent, in order; forgets it.
    pub(crate) fn take(&mut self, n: u64) -> Vec<Heard> {
        self.heard.extract_if(.., |packet| packet.leg == n).collect()
    }

    /// What leg `n` was sent, in order, as bytes; forgets it.
    pub(crate) fn take_raw(&mut self, n: u64) -> Vec<Vec<u8>> {
        self.raw.extract_if(.., |(leg, _)| *leg == n).map(|(_, bytes)| bytes).collect()
    }

    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

/// A phone that talks in its own numbers.
#[derive(Clone, Debug)]
pub(crate) struct Phone {
    pub(crate) leg: u64,
    pub(crate) address: SocketAddr,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) payload_type: u8,
}

impl Phone {
    pub(crate) fn new(n: u64, params: &Params) -> Self {
        let payload_type = params.payload_type;
        Self {
            leg: n,
            address: addr(n),
            ssrc: n as u32,
            sequence: 65_500,
            timestamp: u32::MAX - 500,
            payload_type,
        }
    }

    /// Talks for 20 ms.
    pub(crate) fn talk(&mut self, world: &mut World, code: u8) -> bool {
        let relayed = world.send(self, self.payload_type, false, &[code; 160]);
        self.timestamp = self.timestamp.wrapping_add(160);
        world.advance(ms(20));
        relayed
    }

    pub(crate) fn talk_for(&mut self, world: &mut World, packets: usize) {
        for _ in 0..packets {
            self.talk(world, 0x80);
        }
    }

    /// Presses a key for 100 ms, as RFC 4733 says.
    pub(crate) fn press(&mut self, world: &mut World, digit: char) {
        let event = dtmf::event_of(digit).expect("a digit");
        for beat in 1..=7_u16 {
            let duration = beat.min(5) * 160;
            let payload = dtmf::Payload { event, end: beat >= 5, volume: 10, duration };
            world.send(self, DTMF, beat == 1, &payload.bytes());
            world.advance(ms(20));
        }
        self.timestamp = self.timestamp.wrapping_add(7 * 160);
    }
}

/// Checks that packets are one RTP stream without holes: one SSRC, sequence by one, audio that never goes back.
pub(crate) fn assert_one_stream(packets: &[Heard]) {
    for pair in packets.windows(2) {
        let (this, next) = (pair[0].stamp, pair[1].stamp);
        assert_eq!(this.ssrc, next.ssrc);
        assert_eq!(this.sequence.wrapping_add(1), next.sequence, "{pair:?}");
        if pair[0].payload_type != DTMF && pair[1].payload_type != DTMF {
            let step = next.timestamp.wrapping_sub(this.timestamp);
            assert!((pair[0].payload.len() as u32..1_000_000).contains(&step), "{step} after {pair:?}");
        }
    }
}

pub(crate) fn ended(n: u64, play: u64, end: PlayEnd) -> Event {
    Event::PlayEnded { leg: LegId(n), play: PlayId(play), end }
}
