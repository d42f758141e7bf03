//! The phone's ear and mouth: RTP sent every 20 ms, and everything that arrives kept.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    audio::{Law, RATE, sine},
    scrambler::Scrambler,
};

const FRAME: Duration = Duration::from_millis(20);
const SAMPLES: usize = 160;

/// What the phone says when it sends no digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Voice {
    /// Packets of silence.
    Silence,
    /// A sine of -10 dBFS.
    Tone(f32),
    /// No packet at all.
    Mute,
}

/// One packet as it arrived.
#[derive(Clone, Debug)]
pub struct Packet {
    /// When.
    pub at: Instant,
    /// RTP sequence number.
    pub sequence: u16,
    /// RTP timestamp: 8000 a second.
    pub timestamp: u32,
    /// The first of a talkspurt.
    pub marker: bool,
    /// 0 PCMU, 8 PCMA, else what the SDP says.
    pub payload_type: u8,
    /// Its source.
    pub ssrc: u32,
    /// What it carries.
    pub payload: Vec<u8>,
}

impl Packet {
    fn parse(bytes: &[u8]) -> Option<Packet> {
        let [first, second, ..] = *bytes else { return None };
        let csrcs = usize::from(first & 15) * 4;
        if bytes.len() < 12 + csrcs || first & 0xf0 != 0x80 {
            return None;
        }
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Some(Packet {
            at: Instant::now(),
            sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
            timestamp: word(4),
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            ssrc: word(8),
            payload: bytes[12 + csrcs..].to_vec(),
        })
    }
}

struct Line {
    socket: UdpSocket,
    stop: AtomicBool,
    heard: Mutex<Vec<Packet>>,
    mouth: Mutex<Mouth>,
}

struct Mouth {
    remote: Option<SocketAddr>,
    voice: Voice,
    law: Law,
    digit_type: u8,
    digits: VecDeque<(u8, SyncDone)>,
    /// Said before the voice goes on.
    clip: VecDeque<i16>,
}

type SyncDone = Arc<Mutex<Option<Instant>>>;

/// The audio of one call.
pub struct Audio {
    line: Arc<Line>,
    scrambler: Option<Scrambler>,
}

impl Audio {
    /// A socket on that address, already listening.
    pub fn open(address: IpAddr) -> Audio {
        let socket = UdpSocket::bind((address, 0)).expect("a port for RTP");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a time-out");
        let mouth = Mouth {
            remote: None,
            voice: Voice::Silence,
            law: Law::A,
            digit_type: 101,
            digits: VecDeque::new(),
            clip: VecDeque::new(),
        };
        let line =
            Line { socket, stop: AtomicBool::new(false), heard: Mutex::default(), mouth: Mutex::new(mouth) };
        let line = Arc::new(line);
        let (ear, mouth) = (line.clone(), line.clone());
        thread::spawn(move || ear.listen());
        thread::spawn(move || mouth.talk());
        Audio { line, scrambler: None }
    }

    /// As [`Audio::open`], with that suite of [`SUITES`](crate::scrambler::SUITES), by libsrtp.
    pub fn encrypted(address: IpAddr, suite: &'static str) -> Audio {
        let mut audio = Audio::open(address);
        audio.scrambler = Some(Scrambler::start(suite, audio.local()));
        audio
    }

    /// Where the other side should send to.
    pub fn local(&self) -> SocketAddr {
        match &self.scrambler {
            Some(scrambler) => scrambler.outer,
            None => self.line.socket.local_addr().expect("a bound socket"),
        }
    }

    /// The suite, and the key that it sends with, as in SDP.
    pub(crate) fn crypto(&self) -> Option<(&'static str, &'static str)> {
        self.scrambler.as_ref().map(|scrambler| (scrambler.suite, scrambler.key))
    }

    /// Talks to that address from now on.
    pub(crate) fn connect(&self, remote: SocketAddr, law: Law, digit_type: u8) {
        let mut mouth = self.line.mouth.lock().unwrap();
        (mouth.remote, mouth.law, mouth.digit_type) = (Some(remote), law, digit_type);
    }

    /// Where to send to for what is to reach that address, which sends with that key.
    pub(crate) fn encrypting_to(&self, remote: SocketAddr, key: &str) -> SocketAddr {
        let Some(scrambler) = &self.scrambler else { return remote };
        scrambler.connect(remote, key);
        scrambler.inner
    }

    /// What it says from now on.
    pub fn say(&self, voice: Voice) {
        self.line.mouth.lock().unwrap().voice = voice;
    }

    /// Says these samples, and then what it said before.
    pub fn play(&self, samples: Vec<i16>) {
        self.line.mouth.lock().unwrap().clip.extend(samples);
    }

    /// Presses a key for 100 ms (RFC 4733); returns when its first packet left.
    #[track_caller]
    pub fn press(&self, key: char) -> Instant {
        let event = "0123456789*#ABCD".find(key).expect("a key of a telephone") as u8;
        let done = SyncDone::default();
        self.line.mouth.lock().unwrap().digits.push_back((event, done.clone()));
        crate::await_until("a digit to leave", || *done.lock().unwrap())
    }

    /// Everything that arrived so far.
    pub fn heard(&self) -> Heard {
        Heard(self.line.heard.lock().unwrap().clone())
    }

    /// Waits until the sound heard so far is so long.
    #[track_caller]
    pub fn await_sound(&self, length: Duration) {
        let samples = (length.as_secs_f32() * RATE as f32) as usize;
        crate::await_within(length + Duration::from_secs(20), "sound", || {
            (self.heard().samples().len() >= samples).then_some(())
        });
    }
}

impl Drop for Audio {
    fn drop(&mut self) {
        self.line.stop.store(true, Ordering::Relaxed);
    }
}

impl Line {
    fn listen(&self) {
        let mut buffer = [0; 2048];
        while !self.stop.load(Ordering::Relaxed) {
            match self.socket.recv(&mut buffer) {
                Ok(length) => {
                    if let Some(packet) = Packet::parse(&buffer[..length]) {
                        self.heard.lock().unwrap().push(packet);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The far port is not open yet, or no longer.
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn talk(&self) {
        let start = Instant::now();
        let mut out = Out { line: self, sequence: 1000, ssrc: 0x7e57_0000 | u32::from(self.port()) };
        let mut frame = 0;
        while !self.stop.load(Ordering::Relaxed) {
            let due = start + FRAME * frame;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let timestamp = frame * SAMPLES as u32;
            let digit = {
                let mut mouth = self.mouth.lock().unwrap();
                mouth.remote.and_then(|_| mouth.digits.pop_front())
            };
            match digit {
                Some((event, done)) => frame += out.digit(event, timestamp, &done),
                None => {
                    out.voice(frame, timestamp);
                    frame += 1;
                }
            }
        }
    }

    fn port(&self) -> u16 {
        self.socket.local_addr().map_or(0, |address| address.port())
    }
}

struct Out<'a> {
    line: &'a Line,
    sequence: u16,
    ssrc: u32,
}

impl Out<'_> {
    fn voice(&mut self, frame: u32, timestamp: u32) {
        let (voice, law, clip) = {
            let mut mouth = self.line.mouth.lock().unwrap();
            let length = mouth.clip.len().min(SAMPLES);
            let clip: Vec<i16> = mouth.clip.drain(..length).collect();
            (mouth.voice, mouth.law, clip)
        };
        let coded = |samples: Vec<i16>| samples.iter().map(|sample| law.encode(*sample)).collect();
        let payload: Vec<u8> = match voice {
            _ if !clip.is_empty() => {
                let mut samples = clip;
                samples.resize(SAMPLES, 0);
                coded(samples)
            }
            Voice::Mute => return,
            // Encoded once: a hundred phones may be silent at once.
            Voice::Silence => vec![law.encode(0); SAMPLES],
            Voice::Tone(frequency) => coded(sine(frequency, frame as usize * SAMPLES, SAMPLES)),
        };
        let payload_type = if law == Law::A { 8 } else { 0 };
        self.send(payload_type, false, timestamp, &payload);
    }

    /// RFC 4733 2.5.1: one timestamp, growing durations, the end three times. Returns its length in frames.
    fn digit(&mut self, event: u8, timestamp: u32, done: &SyncDone) -> u32 {
        const PACKETS: u16 = 5;
        let payload_type = self.line.mouth.lock().unwrap().digit_type;
        for packet in 1..=PACKETS {
            let [high, low] = (packet * SAMPLES as u16).to_be_bytes();
            let end = if packet == PACKETS { 0x80 } else { 0 };
            for _ in 0..if end == 0 { 1 } else { 3 } {
                self.send(payload_type, packet == 1, timestamp, &[event, end | 10, high, low]);
            }
            done.lock().unwrap().get_or_insert_with(Instant::now);
            thread::sleep(FRAME);
        }
        u32::from(PACKETS)
    }

    fn send(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) {
        let remote = self.line.mouth.lock().unwrap().remote;
        let Some(remote) = remote else { return };
        let mut bytes = vec![0x80, payload_type | if marker { 0x80 } else { 0 }];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        let _ = self.line.socket.send_to(&bytes, remote);
    }
}

/// What a phone heard, packet by packet.
#[derive(Clone, Debug)]
pub struct Heard(pub Vec<Packet>);

impl Heard {
    /// Voice only.
    fn voice(&self) -> impl Iterator<Item = (&Packet, Law)> {
        self.0.iter().filter_map(|packet| Some((packet, Law::of(packet.payload_type)?)))
    }

    /// The sound as it arrived, without the pauses in which no packet came.
    pub fn samples(&self) -> Vec<i16> {
        self.voice()
            .flat_map(|(packet, law)| packet.payload.iter().map(move |octet| law.decode(*octet)))
            .collect()
    }

    /// The sound by its timestamps: where no packet came, silence.
    pub fn timeline(&self) -> Vec<i16> {
        let mut timeline = Vec::new();
        let mut start = None;
        for (packet, law) in self.voice() {
            // Another source has timestamps of its own: it goes on where the last one ended.
            let length = timeline.len() as u32;
            let first = match start {
                Some((ssrc, first)) if ssrc == packet.ssrc => first,
                _ => packet.timestamp.wrapping_sub(length),
            };
            start = Some((packet.ssrc, first));
            let at = packet.timestamp.wrapping_sub(first) as usize;
            assert!(at < RATE * 3600, "a timestamp of {} after {first}", packet.timestamp);
            timeline.resize(timeline.len().max(at + packet.payload.len()), 0);
            for (sample, octet) in timeline[at..].iter_mut().zip(&packet.payload) {
                *sample = law.decode(*octet);
            }
        }
        timeline
    }

    /// The sound since `from`.
    pub fn samples_since(&self, from: Instant) -> Vec<i16> {
        Heard(self.0.iter().filter(|packet| packet.at >= from).cloned().collect()).samples()
    }

    /// The digits of RFC 4733, one for each event.
    pub fn digits(&self) -> String {
        let mut events: Vec<(u32, u8)> = self
            .0
            .iter()
            .filter(|packet| Law::of(packet.payload_type).is_none() && packet.payload.len() == 4)
            .map(|packet| (packet.timestamp, packet.payload[0]))
            .collect();
        events.dedup();
        events.iter().filter_map(|(_, event)| "0123456789*#ABCD".chars().nth(usize::from(*event))).collect()
    }

    /// What is wrong with the stream: each packet follows the one before it in sequence, and
    /// its timestamp by 20 ms for each, except where a new source or a talkspurt begins.
    pub fn faults(&self) -> Vec<String> {
        let voice: Vec<_> = self.voice().collect();
        let fault = |pair: &[(&Packet, Law)]| {
            let ((one, _), (two, _)) = (pair[0], pair[1]);
            if one.ssrc != two.ssrc {
                return None;
            }
            let packets = two.sequence.wrapping_sub(one.sequence);
            let samples = two.timestamp.wrapping_sub(one.timestamp);
            let expected = packets == 1 && (two.marker || samples == one.payload.len() as u32);
            let place = format!("after sequence {} of {:08x}", one.sequence, one.ssrc);
            (!expected).then(|| format!("{place}: {packets} packets and {samples} samples on"))
        };
        voice.windows(2).filter_map(fault).collect()
    }

    /// The longest pause by RTP timestamps, digits counted as sound, within one source.
    pub fn longest_gap(&self) -> Duration {
        let pause = |pair: &[Packet]| {
            let same = pair[0].ssrc == pair[1].ssrc;
            let samples = pair[1].timestamp.wrapping_sub(pair[0].timestamp).saturating_sub(SAMPLES as u32);
            if same && samples < 1 << 31 { samples } else { 0 }
        };
        let longest = self.0.windows(2).map(pause).max().unwrap_or(0);
        Duration::from_millis(u64::from(longest) / 8)
    }

    /// The pauses between talkspurts of one source, by RTP timestamps.
    pub fn pauses(&self) -> Vec<Duration> {
        let pause = |pair: &[Packet]| {
            let samples = pair[1].timestamp.wrapping_sub(pair[0].timestamp).saturating_sub(SAMPLES as u32);
            let is_pause = pair[1].marker && pair[0].ssrc == pair[1].ssrc;
            is_pause.then(|| Duration::from_millis(u64::from(samples) / 8))
        };
        self.0.windows(2).filter_map(pause).collect()
    }

    /// The longest time between two packets of a talkspurt, by the test's own clock: to be
    /// reported, not judged.
    pub fn longest_wait_in_talkspurt(&self) -> Duration {
        let waits = self.0.windows(2).filter(|pair| !pair[1].marker).map(|pair| pair[1].at - pair[0].at);
        waits.max().unwrap_or_default()
    }

    /// The longest time without a packet, by the test's own clock: to be reported, not judged.
    pub fn longest_wait(&self) -> Duration {
        self.0.windows(2).map(|pair| pair[1].at - pair[0].at).max().unwrap_or_default()
    }
}
