//! One leg: what its peer sends, and what we send to it.

mod speak;

use std::{net::SocketAddr, ops::Deref, time::Duration};

use crate::{
    Codec, Digits, Event, LegId, OpusFormat, Params, PlayEnd, PlayId, PortId, RecordEnd, RecordId,
    RemoteStats, Rtcp, Source, Stats, Time,
    codec::{Halver, Mouth},
    dtmf::{Detector, InBand, Keypad, Payload},
    latch::{Announced, Latch, Verdict},
    listener::Listener,
    output::{Output, Report},
    prompt::Player,
    quality::{self, Line},
    record::Recorder,
    rtcp::{self, Control, Reception, Sent},
    rtp::{Packet, Stamp},
    session::Channel,
    srtp::{self, Protection},
    stream::{Incoming, Order, Outgoing},
    tape::Tape,
    tick, tone,
};

/// Audio in one packet, for the delay that it costs.
const PACKET: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) port: PortId,
    pub(crate) stats: Stats,
    pub(crate) out: Outgoing,
    /// Slab key of the leg that it is bridged to.
    pub(crate) peer: Option<usize>,
    /// The session walks it at every tick.
    pub(crate) walked: bool,
    /// What its peer says is coded anew for the leg that it is bridged to.
    pub(crate) coded: bool,
    pub(crate) mouth: Mouth,
    /// It is in a mix: brings the sound of it to the rate of a narrow-band leg.
    pub(crate) mixed: Option<Box<Halver>>,
    /// For all who listen to the peer; none when nobody does.
    listener: Option<Box<Listener>>,
    /// The peer said something in the last 20 ms.
    speaks: bool,
    params: Option<Params>,
    latch: Latch,
    protection: Protection,
    incoming: Incoming,
    reception: Reception,
    control: Control,
    sent: Sent,
    /// The session calls for its reports.
    reporting: bool,
    detector: Detector,
    /// Listens for tones, where they are digits.
    tones: Option<Box<InBand>>,
    player: Option<Player>,
    keypad: Keypad,
    recorder: Option<Recorder>,
    tape: Option<Box<Tape>>,
    /// The last sign of life of the peer.
    alive: Time,
    timed_out: bool,
}

/// A packet that was accepted, in what a bridge needs to know of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) stamp: Stamp,
    pub(crate) order: Order,
    pub(crate) kind: Kind,
    /// What the peer's audio is, and its clock the one of the stamp.
    pub(crate) codec: Codec,
    pub(crate) dtmf_clock: u32,
    /// It is part of a digit that was heard as tones.
    pub(crate) tone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Audio,
    Digit(Payload),
}

/// Where and as what a leg's packets are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) to: SocketAddr,
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    pub(crate) opus: OpusFormat,
    pub(crate) dtmf: Option<u8>,
    pub(crate) dtmf_clock: u32,
}

impl Leg {
    pub(crate) fn new(now: Time, id: LegId, port: PortId, params: Option<Params>, random: [u64; 2]) -> Self {
        let out = Outgoing::new(now, random[0]);
        let mut leg = Self {
            id,
            port,
            stats: Stats::default(),
            sent: Sent::new(out.ssrc()),
            out,
            peer: None,
            walked: false,
            coded: false,
            mouth: Mouth::default(),
            mixed: None,
            listener: None,
            speaks: false,
            params: None,
            latch: Latch::default(),
            protection: Protection::default(),
            incoming: Incoming::default(),
            reception: Reception::default(),
            control: Control::new(random[1]),
            reporting: false,
            detector: Detector::default(),
            tones: None,
            player: None,
            keypad: Keypad::default(),
            recorder: None,
            tape: None,
            alive: now,
            timed_out: false,
        };
        if let Some(params) = params {
            leg.update(now, params);
        }
        leg
    }

    /// New parameters are a sign of life, and open the latch when the peer announces another address, or
    /// signals from another one. Whether the codec is another one.
    pub(crate) fn update(&mut self, now: Time, params: Params) -> bool {
        self.latch.announce(now, Announced { address: params.remote, peer: params.peer });
        let changed = self.params.as_ref().is_none_or(|former| former.codec != params.codec);
        if changed {
            self.cut();
            self.out.set_clock(now, params.codec.clock());
            self.incoming = Incoming::default();
            self.listener = None;
            self.tones = None;
        }
        self.protection.update(&params.security);
        self.params = Some(params);
        self.alive = now;
        self.timed_out = false;
        changed
    }

    /// Whatever is relayed next comes from another stream.
    pub(crate) fn cut(&mut self) {
        self.out.cut();
    }

    /// Opens the packet of an encrypted peer where it lies: its length then. What is not authentic is nobody's.
    pub(crate) fn unprotect(&mut self, source: SocketAddr, packet: &mut [u8]) -> Option<usize> {
        if !self.protection.is_active() {
            return Some(packet.len());
        }
        if self.latch.source().is_some_and(|latched| latched != source) {
            self.stats.packets_refused += 1;
            return None;
        }
        let opened = self.protection.unprotect(packet).ok();
        self.stats.packets_forged += u64::from(opened.is_none());
        opened
    }

    /// Closes `buffer[..length]` for an encrypted peer: its length then.
    pub(crate) fn protect(&mut self, buffer: &mut [u8], length: usize) -> Option<usize> {
        self.protection.protect(buffer, length).ok()
    }

    /// A packet from the network: refused (`None`), or heard by whoever listens.
    pub(crate) fn receive<B>(
        &mut self,
        now: Time,
        source: SocketAddr,
        packet: &Packet<B>,
        output: &mut Output,
    ) -> Option<Arrival>
    where
        B: Deref<Target = [u8]>,
    {
        let kind = self.kind(packet);
        // Under SRTP only what was authenticated comes here.
        let authentic = self.protection.is_active();
        let verdict = kind.map_or(Verdict::Refused, |_| self.latch.admit(now, source, authentic));
        let (Some(kind), Verdict::Accepted | Verdict::Latched { .. }) = (kind, verdict) else {
            self.stats.packets_refused += 1;
            return None;
        };
        if let Verdict::Latched { for_good } = verdict {
            output.events.push_back(Event::Latched { leg: self.id, source, for_good });
        }
        self.alive = now;
        self.timed_out = false;

        let stamp = packet.stamp();
        let (codec, dtmf_clock) = self.params.as_ref().map(|params| (params.codec, params.dtmf_clock))?;
        let order = self.incoming.receive(now, stamp, codec.clock());
        self.stats.packets_received += 1;
        self.reception.receive(now, stamp, order, matches!(kind, Kind::Audio).then_some(codec.clock()));
        let mut tone = false;
        match kind {
            Kind::Audio => {
                self.hear(now, codec, stamp, packet.payload());
                tone = self.is_tone(codec, order, packet.payload());
            }
            Kind::Digit(payload) => {
                self.listener.iter_mut().for_each(|listener| listener.pause());
                if let Some(digit) = self.detector.hear(stamp, payload) {
                    output.events.push_back(Event::Digit { leg: self.id, digit });
                    self.pressed(now, digit, output);
                }
            }
        }
        Some(Arrival { stamp, order, kind, codec, dtmf_clock, tone })
    }

    /// For all who listen.
    fn hear(&mut self, now: Time, codec: Codec, stamp: Stamp, payload: &[u8]) {
        if self.is_listened_to() {
            let listener = self.listener.get_or_insert_with(|| Box::new(Listener::new(codec)));
            listener.push(now, stamp, codec, payload);
        } else {
            self.listener = None;
        }
    }

    /// The packet is part of a digit, and a bridge would pass it on before anybody has heard it.
    fn is_tone(&mut self, codec: Codec, order: Order, payload: &[u8]) -> bool {
        let passes = self.peer.is_some() && !self.coded && self.has_tones();
        // What is late would be heard out of its order.
        passes
            && !matches!(order, Order::Behind(_))
            && self.tones.get_or_insert_default().is_passing(codec, payload)
    }

    /// The digits of the peer are tones.
    fn has_tones(&self) -> bool {
        self.params.as_ref().is_some_and(|params| params.tones.heard)
    }

    fn is_listened_to(&self) -> bool {
        self.coded
            || self.recorder.is_some()
            || self.tape.is_some()
            || self.mixed.is_some()
            || self.has_tones()
    }

    /// 20 ms are over: what the peer said in them, to all who listen.
    pub(crate) fn listen(&mut self, tick: u64, output: &mut Output) {
        let now = tick::time(tick);
        let mut sound = [0; tick::FRAME];
        self.speaks = false;
        if let Some(listener) = &mut self.listener {
            self.speaks = listener.listen(now);
            sound = *listener.narrow();
        }
        if let Some(tape) = &mut self.tape {
            tape.tick(tick, &sound, &mut output.pieces);
        }
        if let Some(recorder) = &mut self.recorder {
            if self.speaks {
                recorder.hear(tick, &sound);
            }
            if let Some(end) = recorder.tick(now) {
                self.end_record(end, output);
            }
        }
        if self.has_tones()
            && let Some(digit) = self.tones.get_or_insert_default().hear(&sound)
        {
            output.events.push_back(Event::ToneDigit { leg: self.id, digit });
            self.pressed(now, digit, output);
        }
    }

    /// What the peer said in the last 20 ms, at 8 or 16 kHz as `sound` is long; false when it said nothing.
    pub(crate) fn said(&mut self, sound: &mut [i16]) -> bool {
        match &mut self.listener {
            Some(listener) => listener.sound(sound),
            None => sound.fill(0),
        }
        self.speaks
    }

    /// What the peer said last is part of a digit.
    pub(crate) fn says_tone(&self) -> bool {
        self.tones.as_ref().is_some_and(|tones| tones.is_heard())
    }

    /// What the packet carries, when it was agreed that the peer may send it.
    fn kind<B: Deref<Target = [u8]>>(&self, packet: &Packet<B>) -> Option<Kind> {
        let params = self.params.as_ref().filter(|params| params.receive)?;
        let payload_type = packet.payload_type();
        if params.dtmf == Some(payload_type) {
            return Payload::parse(packet.payload()).map(Kind::Digit);
        }
        (params.payload_type == payload_type).then_some(Kind::Audio)
    }

    fn pressed(&mut self, now: Time, digit: char, output: &mut Output) {
        if self.player.as_ref().is_some_and(|player| player.interrupt.contains(digit)) {
            self.end_play(now, PlayEnd::Interrupted(digit), output);
        }
        if self.recorder.as_ref().is_some_and(|recorder| recorder.finish.contains(digit)) {
            self.end_record(RecordEnd::Digit(digit), output);
        }
    }

    /// What it agreed to.
    pub(crate) fn codec(&self) -> Option<Codec> {
        self.params.as_ref().map(|params| params.codec)
    }

    /// What it agreed to reaches beyond 4 kHz.
    pub(crate) fn is_wide(&self) -> bool {
        self.params.as_ref().is_some_and(|params| params.codec.is_wide())
    }

    /// Where we send, when we may.
    pub(crate) fn target(&self) -> Option<Target> {
        let params = self.params.as_ref().filter(|params| params.send)?;
        Some(Target {
            to: self.latch.target()?,
            codec: params.codec,
            payload_type: params.payload_type,
            opus: params.opus,
            dtmf: params.dtmf,
            dtmf_clock: params.dtmf_clock,
        })
    }

    /// Digits reach the peer as tones, and so those of the bridged leg are left as they are.
    pub(crate) fn wants_tones(&self) -> bool {
        self.params.as_ref().is_some_and(|params| params.tones.wanted)
    }

    /// We make the leg's audio ourselves; what a bridge brings has to wait.
    pub(crate) fn is_playing(&self) -> bool {
        self.player.is_some() || self.keypad.is_busy()
    }

    /// There is something to do at the next tick.
    pub(crate) fn is_active(&self) -> bool {
        self.is_playing() || self.is_listened_to()
    }

    /// When the peer has been silent for `timeout`; `None` while nothing is expected of it.
    pub(crate) fn deadline(&self, timeout: Duration) -> Option<Time> {
        let expected = self.params.as_ref().is_some_and(|params| params.receive);
        (expected && !self.timed_out && !timeout.is_zero()).then(|| self.alive.saturating_add(timeout))
    }

    pub(crate) fn time_out(&mut self, output: &mut Output) {
        self.timed_out = true;
        output.events.push_back(Event::TimedOut { leg: self.id });
    }

    /// Replaces what plays.
    pub(crate) fn play(&mut self, now: Time, player: Player, output: &mut Output) {
        self.end_play(now, PlayEnd::Stopped, output);
        self.player = Some(player);
    }

    pub(crate) fn is_play(&self, play: PlayId) -> bool {
        self.player.as_ref().is_some_and(|player| player.id == Some(play))
    }

    /// Ends what plays, if anything does. `now` is when a recording that waits for its beep begins.
    pub(crate) fn end_play(&mut self, now: Time, end: PlayEnd, output: &mut Output) {
        let Some(player) = self.player.take() else { return };
        match (player.id, &mut self.recorder) {
            (Some(play), _) => output.events.push_back(Event::PlayEnded { leg: self.id, play, end }),
            (None, Some(recorder)) => recorder.begin(now),
            (None, None) => {}
        }
    }

    /// Records, after a beep or at once.
    pub(crate) fn record(&mut self, now: Time, mut recorder: Recorder, beep: bool, output: &mut Output) {
        self.end_record(RecordEnd::Stopped, output);
        if beep {
            let sources = vec![Source::Tone(tone::beep())];
            self.play(now, Player::new(None, sources, 1, Digits::NONE, tick::at(now) + 1), output);
        } else {
            recorder.begin(now);
        }
        self.recorder = Some(recorder);
    }

    pub(crate) fn is_record(&self, record: RecordId) -> bool {
        self.recorder.as_ref().is_some_and(|recorder| recorder.id == record)
    }

    pub(crate) fn end_record(&mut self, end: RecordEnd, output: &mut Output) {
        if let Some(recorder) = self.recorder.take() {
            output.events.push_back(recorder.end(self.id, end));
        }
    }

    // ---- the recording of the call

    /// Records both sides; a former recording ends.
    pub(crate) fn tape(&mut self, tape: Tape, output: &mut Output) {
        self.end_tape(output);
        self.tape = Some(Box::new(tape));
    }

    pub(crate) fn pause_tape(&mut self, paused: bool) {
        if let Some(tape) = &mut self.tape {
            tape.pause(paused);
        }
    }

    /// Gives its recording away.
    pub(crate) fn take_tape(&mut self) -> Option<Tape> {
        self.tape.take().map(|tape| *tape)
    }

    pub(crate) fn end_tape(&mut self, output: &mut Output) {
        if let Some(tape) = self.tape.take() {
            tape.end(&mut output.pieces);
        }
    }

    /// Audio goes to the peer.
    pub(crate) fn tape_sent(&mut self, now: Time, stamp: Stamp, codec: Codec, payload: &[u8]) {
        if let Some(tape) = &mut self.tape {
            tape.hear_us(now, stamp, codec, payload);
        }
    }

    /// Sends digits from tick `from` on, after those that wait.
    pub(crate) fn send_digits(&mut self, digits: &str, from: u64, output: &mut Output) {
        if self.keypad.is_full() {
            return output.events.push_back(Event::DigitsSent { leg: self.id });
        }
        self.keypad.push(digits, from);
        self.report_digits(output);
    }

    /// Ends everything; every wish that is open gets its end.
    pub(crate) fn close(mut self, now: Time, output: &mut Output) {
        self.end_play(now, PlayEnd::Stopped, output);
        self.end_record(RecordEnd::Stopped, output);
        self.end_tape(output);
        for _ in 0..self.keypad.clear() {
            output.events.push_back(Event::DigitsSent { leg: self.id });
        }
        if let Some(bytes) = self.control.bye(now, &self.sent, &mut self.reception) {
            self.send_report(bytes, output);
        }
        output.events.push_back(Event::Closed { leg: self.id, port: self.port, stats: self.stats() });
    }

    fn stats(&self) -> Stats {
        let (expected, lost) = self.reception.expected_and_lost();
        let jitter = self.reception.jitter();
        let codec = self.params.as_ref().map_or(Codec::Pcmu, |params| params.codec);
        let round_trip = self.control.round_trip();
        // Half the way there and back, a packet, and the buffer that evens out the jitter.
        let delay = |jitter: Duration| round_trip.unwrap_or_default() / 2 + PACKET + 2 * jitter;
        let score = |lost: u64, of: u64, burst, jitter| {
            let loss = lost as f64 / of.max(1) as f64;
            quality::mos(codec, Line { loss, burst, delay: delay(jitter) })
        };
        let remote = self.control.remote().map(|remote| RemoteStats {
            mos: score(remote.lost, self.sent.packets, 1.0, remote.jitter),
            ..remote
        });
        let mos = (expected > 0).then(|| score(lost, expected, self.reception.burst_length(), jitter));
        Stats { packets_lost: lost, jitter, mos, round_trip, remote, ..self.stats }
    }

    // ---- RTCP

    /// A packet on the port of RTP is RTCP.
    pub(crate) fn is_report(&self, packet: &[u8]) -> bool {
        self.params.as_ref().is_some_and(|params| params.rtcp == Rtcp::Mux) && rtcp::is_rtcp(packet)
    }

    /// A packet that should be RTCP. A report is a sign of life, also of a peer that is mute.
    pub(crate) fn hear_report(&mut self, now: Time, source: SocketAddr, packet: &mut [u8]) {
        let Some(way) = self.params.as_ref().map(|params| params.rtcp) else { return };
        let Ok(length) = self.protection.unprotect_rtcp(packet) else {
            self.stats.packets_forged += 1;
            return;
        };
        let packet = &packet[..length];
        let admitted = self.control.admit(self.latch.source(), way, source);
        if admitted && self.control.hear(now, packet, self.sent.ssrc, self.out.clock()) {
            self.alive = now;
            self.timed_out = false;
        } else {
            self.stats.packets_refused += 1;
        }
    }

    /// True once: when the first packet of the peer has come.
    pub(crate) fn begins_reports(&mut self) -> bool {
        !std::mem::replace(&mut self.reporting, true)
    }

    /// A report is due.
    pub(crate) fn report(&mut self, now: Time, output: &mut Output) {
        if self.report_destination().is_some()
            && let Some(bytes) = self.control.report(now, &self.sent, &mut self.reception)
        {
            self.send_report(bytes, output);
        }
    }

    fn send_report(&mut self, mut bytes: Vec<u8>, output: &mut Output) {
        let Some((to, channel)) = self.report_destination() else { return };
        let length = bytes.len();
        bytes.resize(length + srtp::OVERHEAD, 0);
        if let Ok(length) = self.protection.protect_rtcp(&mut bytes, length) {
            bytes.truncate(length);
            output.reports.push_back(Report { port: self.port, channel, to, bytes });
        }
    }

    fn report_destination(&self) -> Option<(SocketAddr, Channel)> {
        let params = self.params.as_ref()?;
        let to = self.control.destination(self.latch.source(), params.remote, params.rtcp)?;
        let channel = if params.rtcp == Rtcp::Mux { Channel::Rtp } else { Channel::Rtcp };
        Some((to, channel))
    }
}
