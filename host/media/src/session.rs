//! The only door of the crate: everything that one media worker does.

mod moving;

pub use moving::Moved;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    net::SocketAddr,
    time::Duration,
};

use slab::Slab;

use crate::{
    Command, Event, LegId, MixId, Params, PlayEnd, PortId, RecordEnd, Stats, Time, bridge,
    leg::Leg,
    mixer::Mix,
    output::{Output, Report},
    prompt::Player,
    record::{self, Recorder},
    rtcp,
    rtp::Packet,
    tape::{Piece, Tape},
    tick,
};

/// Ports are indexes into a table; a number beyond this is no index.
const MAX_PORTS: usize = 1 << 20;
/// Ticks that are made up for when the driver was late; older ones are left out, and the timestamps jump.
const MAX_CATCH_UP: u64 = 5;
/// Ticks before these that are heard, a second.
const MAX_HEARD: u64 = 50;

/// What an operator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Source of the random numbers of RTP streams (RFC 3550 5.1); the driver takes it from the system.
    pub seed: u64,
    /// After so long without a packet from a peer that may send: [`Event::TimedOut`]. Zero: never.
    pub media_timeout: Duration,
    /// Legs at once; one more is closed as it opens.
    pub max_legs: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 0, media_timeout: Duration::from_secs(60), max_legs: 10_000 }
    }
}

/// Send `buffer[..length]` from `port` to `to`; `buffer` is what [`Session::handle_packet`] was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// The socket to send from.
    pub port: PortId,
    /// The peer's address.
    pub to: SocketAddr,
    /// Bytes to send.
    pub length: usize,
}

/// The socket of a port that a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The one for RTP, and for RTCP where both share a port.
    Rtp,
    /// The one for RTCP, on the next port number.
    Rtcp,
}

/// Send `buffer[..length]` from `port` to `to`; `buffer` is what [`Session::poll_transmit`] was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The port to send from.
    pub port: PortId,
    /// Which of its sockets.
    pub channel: Channel,
    /// The peer's address.
    pub to: SocketAddr,
    /// Bytes to send.
    pub length: usize,
}

/// All legs of one worker.
///
/// - In: [`handle_command`](Self::handle_command), [`handle_packet`](Self::handle_packet),
///   [`handle_report`](Self::handle_report), [`handle_timeout`](Self::handle_timeout).
/// - Out: [`poll_transmit`](Self::poll_transmit), [`poll_event`](Self::poll_event),
///   [`poll_piece`](Self::poll_piece), and the [`Forward`] of a packet.
/// - When to come back: [`next_timeout`](Self::next_timeout).
/// - From one worker to another: [`take`](Self::take), [`adopt`](Self::adopt).
///
/// The laws are those of the [crate].
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    legs: Slab<Leg>,
    /// Slab keys by port: the way of a packet.
    ports: Vec<Option<usize>>,
    /// Slab keys by id: the way of a command.
    ids: HashMap<LegId, usize>,
    /// Legs that have something to do at the next tick.
    walked: Vec<usize>,
    /// The last tick that is done.
    tick: u64,
    /// No leg times out before; it may be too early, never too late.
    watch: Option<Time>,
    /// When legs report by RTCP; legs that are gone are found out when their time comes.
    reports: BinaryHeap<Reverse<(Time, LegId)>>,
    /// Never empty ones.
    mixes: Vec<Mix>,
    random: u64,
    output: Output,
}

impl Session {
    /// A session without legs.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            legs: Slab::new(),
            ports: Vec::new(),
            ids: HashMap::new(),
            walked: Vec::new(),
            tick: 0,
            watch: None,
            reports: BinaryHeap::new(),
            mixes: Vec::new(),
            random: settings.seed,
            output: Output::default(),
        }
    }

    /// Does what the switch asks.
    pub fn handle_command(&mut self, now: Time, command: Command) {
        match command {
            Command::Open { leg, port, params } => self.open(now, leg, port, params),
            Command::Update { leg, params } => self.update(now, leg, params),
            Command::Close { leg } => self.close(now, leg),
            Command::Bridge { a, b } => {
                if let (Some(&a), Some(&b)) = (self.ids.get(&a), self.ids.get(&b))
                    && a != b
                {
                    self.unmix(a);
                    self.unmix(b);
                    bridge::join(now, &mut self.legs, a, b, &mut self.output);
                    self.keep_walking(now, a);
                    self.keep_walking(now, b);
                }
            }
            Command::Unbridge { leg } => {
                if let Some(&key) = self.ids.get(&leg) {
                    bridge::part(&mut self.legs, key);
                }
            }
            Command::Mix { mix, leg } => self.mix(now, mix, leg),
            Command::Unmix { leg } => {
                if let Some(&key) = self.ids.get(&leg) {
                    self.unmix(key);
                }
            }
            Command::Play { leg, play, sources, repeat, interrupt } => {
                let from = tick::at(now) + 1;
                match self.walk(now, leg) {
                    Some((leg, output)) => {
                        leg.play(now, Player::new(Some(play), sources, repeat, interrupt, from), output);
                    }
                    None => {
                        self.output.events.push_back(Event::PlayEnded { leg, play, end: PlayEnd::Stopped })
                    }
                }
            }
            Command::StopPlay { leg, play } => {
                if let Some((leg, output)) = self.leg(leg).filter(|(leg, _)| leg.is_play(play)) {
                    leg.end_play(now, PlayEnd::Stopped, output);
                }
            }
            Command::SendDigits { leg, digits } => match self.walk(now, leg) {
                Some((leg, output)) => leg.send_digits(&digits, tick::at(now) + 1, output),
                None => self.output.events.push_back(Event::DigitsSent { leg }),
            },
            Command::Record { leg, record, max, silence, finish, beep } => match self.walk(now, leg) {
                Some((leg, output)) => {
                    leg.record(now, Recorder::new(record, max, silence, finish), beep, output);
                }
                None => self.output.events.push_back(record::nothing(leg, record)),
            },
            Command::StopRecord { leg, record } => {
                if let Some((leg, output)) = self.leg(leg).filter(|(leg, _)| leg.is_record(record)) {
                    leg.end_record(RecordEnd::Stopped, output);
                }
            }
            Command::Tape { leg, name, called } => {
                if let Some((leg, output)) = self.walk(now, leg) {
                    leg.tape(Tape::new(now, name, called), output);
                }
            }
            Command::MoveTape { from, to } => self.move_tape(now, from, to),
            Command::PauseTape { leg, paused } => {
                if let Some((leg, _)) = self.leg(leg) {
                    leg.pause_tape(paused);
                }
            }
            Command::StopTape { leg } => {
                if let Some((leg, output)) = self.leg(leg) {
                    leg.end_tape(output);
                }
            }
        }
    }

    /// Takes a datagram that came in on `port` from `source`, `buffer[..length]`. When it is to be relayed it is
    /// rewritten in place, and the answer says where to send it. SRTP makes it longer by
    /// [`OVERHEAD`](crate::srtp::OVERHEAD) at most; what finds no room in `buffer` is lost.
    pub fn handle_packet(
        &mut self,
        now: Time,
        port: PortId,
        source: SocketAddr,
        buffer: &mut [u8],
        length: usize,
    ) -> Option<Forward> {
        let key = (*self.ports.get(port.0 as usize)?)?;
        let leg = self.legs.get_mut(key)?;
        let packet = buffer.get_mut(..length)?;
        if leg.is_report(packet) {
            leg.hear_report(now, source, packet);
            return None;
        }
        let length = leg.unprotect(source, packet)?;
        let Ok(mut packet) = Packet::parse(&mut buffer[..length]) else {
            leg.stats.packets_refused += 1;
            return None;
        };
        let arrival = leg.receive(now, source, &packet, &mut self.output)?;
        if self.watch.is_none() {
            self.watch = leg.deadline(self.settings.media_timeout);
        }
        let peer = leg.peer;
        if leg.begins_reports() {
            let (id, wait) = (leg.id, rtcp::interval(random(&mut self.random), true));
            self.reports.extend(now.checked_add(wait).map(|first| Reverse((first, id))));
        }
        let peer = peer?;
        let peer = self.legs.get_mut(peer)?;
        let forward = bridge::relay(now, arrival, &mut packet, peer)?;
        Some(Forward { length: peer.protect(buffer, forward.length)?, ..forward })
    }

    /// Takes a datagram that came in on the RTCP socket of `port` from `source`.
    pub fn handle_report(&mut self, now: Time, port: PortId, source: SocketAddr, packet: &mut [u8]) {
        let key = self.ports.get(port.0 as usize).copied().flatten();
        if let Some(leg) = key.and_then(|key| self.legs.get_mut(key)) {
            leg.hear_report(now, source, packet);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called; `None` while there is nothing to wait
    /// for. It may come without anything to do.
    pub fn next_timeout(&self) -> Option<Time> {
        let tick = (!self.walked.is_empty()).then(|| tick::time(self.tick + 1));
        let report = self.reports.peek().map(|Reverse((at, _))| *at);
        tick.into_iter().chain(self.watch).chain(report).min()
    }

    /// Sends the frames that are due at `now`, and looks for legs that are silent.
    pub fn handle_timeout(&mut self, now: Time) {
        let due = tick::at(now);
        let first = (self.tick + 1).max((due + 1).saturating_sub(MAX_CATCH_UP));
        // What came meanwhile is heard all the same: a recording would have a hole otherwise.
        for tick in (self.tick + 1).max(first.saturating_sub(MAX_HEARD))..first {
            self.listen_to_all(tick);
        }
        for tick in first..=due {
            self.walk_all(tick);
        }
        self.tick = self.tick.max(due);
        if self.watch.is_some_and(|watch| watch <= now) {
            self.look_for_silence(now);
        }
        while let Some(Reverse((_, id))) = self.reports.peek().copied().filter(|Reverse((at, _))| *at <= now)
        {
            self.reports.pop();
            let Some((leg, output)) = self.leg(id) else { continue };
            leg.report(now, output);
            let wait = rtcp::interval(random(&mut self.random), false);
            self.reports.extend(now.checked_add(wait).map(|next| Reverse((next, id))));
        }
    }

    /// A packet that the session made itself, written to `buffer`. One that does not fit is lost: 1500 bytes
    /// are enough.
    pub fn poll_transmit(&mut self, buffer: &mut [u8]) -> Option<Transmit> {
        if let Some(made) = self.output.packets.pop_front() {
            let bytes = made.bytes();
            buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
            return Some(Transmit {
                port: made.port,
                channel: Channel::Rtp,
                to: made.to,
                length: bytes.len(),
            });
        }
        let Report { port, channel, to, bytes } = self.output.reports.pop_front()?;
        buffer.get_mut(..bytes.len())?.copy_from_slice(&bytes);
        Some(Transmit { port, channel, to, length: bytes.len() })
    }

    /// What the switch is to know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.output.events.pop_front()
    }

    /// Part of the recording of a call, for whoever writes it.
    pub fn poll_piece(&mut self) -> Option<Piece> {
        self.output.pieces.pop_front()
    }

    /// Legs that are open.
    pub fn legs(&self) -> usize {
        self.legs.len()
    }

    fn open(&mut self, now: Time, id: LegId, port: PortId, params: Option<Params>) {
        if self.legs.len() >= self.settings.max_legs || port.0 as usize >= MAX_PORTS {
            return self.output.events.push_back(Event::Closed { leg: id, port, stats: Stats::default() });
        }
        if self.is_new(id, port) {
            let random = [random(&mut self.random), random(&mut self.random)];
            let key = self.insert(Leg::new(now, id, port, params, random));
            self.keep_walking(now, key);
            self.expect(key);
        }
    }

    /// Neither the leg nor the port is open.
    fn is_new(&self, id: LegId, port: PortId) -> bool {
        let port = self.ports.get(port.0 as usize).copied().flatten();
        port.is_none() && !self.ids.contains_key(&id)
    }

    fn insert(&mut self, leg: Leg) -> usize {
        let (id, index) = (leg.id, leg.port.0 as usize);
        let key = self.legs.insert(leg);
        if index >= self.ports.len() {
            self.ports.resize(index + 1, None);
        }
        self.ports[index] = Some(key);
        self.ids.insert(id, key);
        key
    }

    fn update(&mut self, now: Time, id: LegId, params: Params) {
        if let Some(&key) = self.ids.get(&id) {
            let changed = self.legs[key].update(now, params);
            // What the other leg is sent was counted by the former clock.
            if let (true, Some(peer)) = (changed, self.legs[key].peer) {
                self.legs[peer].cut();
                bridge::settle(&mut self.legs, key);
                self.keep_walking(now, peer);
            }
            self.keep_walking(now, key);
            self.expect(key);
        }
    }

    fn close(&mut self, now: Time, id: LegId) {
        if let Some(leg) = self.remove(id) {
            leg.close(now, &mut self.output);
        }
    }

    /// Takes a leg out of all that it is in.
    fn remove(&mut self, id: LegId) -> Option<Leg> {
        let key = self.ids.remove(&id)?;
        bridge::part(&mut self.legs, key);
        self.unmix(key);
        let leg = self.legs.remove(key);
        self.ports[leg.port.0 as usize] = None;
        self.walked.retain(|walked| *walked != key);
        if self.legs.is_empty() {
            self.watch = None;
            self.reports.clear();
        }
        Some(leg)
    }

    fn mix(&mut self, now: Time, id: MixId, leg: LegId) {
        let Some(&key) = self.ids.get(&leg) else { return };
        self.unmix(key);
        bridge::part(&mut self.legs, key);
        let at = self.mixes.iter().position(|mix| mix.id == id).unwrap_or_else(|| {
            self.mixes.push(Mix::new(id));
            self.mixes.len() - 1
        });
        if self.mixes[at].add(key)
            && let Some((leg, _)) = self.walk(now, leg)
        {
            leg.cut();
            leg.mixed = Some(Box::default());
        }
    }

    fn unmix(&mut self, key: usize) {
        self.legs[key].mixed = None;
        self.mixes.iter_mut().for_each(|mix| mix.remove(key));
        self.mixes.retain(|mix| !mix.is_empty());
    }

    fn leg(&mut self, id: LegId) -> Option<(&mut Leg, &mut Output)> {
        let key = *self.ids.get(&id)?;
        Some((self.legs.get_mut(key)?, &mut self.output))
    }

    /// The leg, which from now on is walked at every tick.
    fn walk(&mut self, now: Time, id: LegId) -> Option<(&mut Leg, &mut Output)> {
        let key = *self.ids.get(&id)?;
        self.walk_on(now, key);
        Some((self.legs.get_mut(key)?, &mut self.output))
    }

    fn walk_on(&mut self, now: Time, key: usize) {
        if self.walked.is_empty() {
            self.tick = self.tick.max(tick::at(now));
        }
        if !std::mem::replace(&mut self.legs[key].walked, true) {
            self.walked.push(key);
        }
    }

    /// Walks the leg if there is something to do.
    fn keep_walking(&mut self, now: Time, key: usize) {
        if self.legs[key].is_active() {
            self.walk_on(now, key);
        }
    }

    /// The recording of a call goes on with the leg that was on the other side of this one.
    fn move_tape(&mut self, now: Time, from: LegId, to: LegId) {
        let Some(mut tape) = self.leg(from).and_then(|(leg, _)| leg.take_tape()) else { return };
        tape.change_sides();
        match self.walk(now, to) {
            Some((leg, output)) => leg.tape(tape, output),
            None => tape.end(&mut self.output.pieces),
        }
    }

    /// Everybody is heard, before anybody is told something.
    fn listen_to_all(&mut self, tick: u64) {
        for key in &self.walked {
            self.legs[*key].listen(tick, &mut self.output);
        }
    }

    fn walk_all(&mut self, tick: u64) {
        self.listen_to_all(tick);
        for key in &self.walked {
            bridge::tell(tick, &mut self.legs, *key, &mut self.output);
        }
        for mix in &mut self.mixes {
            mix.tick(tick, &mut self.legs, &mut self.output);
        }
        self.walked.retain(|key| {
            let leg = &mut self.legs[*key];
            leg.tick(tick, &mut self.output);
            leg.walked = leg.is_active();
            leg.walked
        });
    }

    /// All legs have the same time-out and time goes forward, so the deadline of a leg that is new, or has just
    /// changed, is never before one that is watched already.
    fn expect(&mut self, key: usize) {
        if self.watch.is_none() {
            self.watch = self.legs[key].deadline(self.settings.media_timeout);
        }
    }

    fn look_for_silence(&mut self, now: Time) {
        let timeout = self.settings.media_timeout;
        let mut next = None;
        for (_, leg) in &mut self.legs {
            match leg.deadline(timeout) {
                Some(deadline) if deadline <= now => leg.time_out(&mut self.output),
                Some(deadline) => next = next.into_iter().chain([deadline]).min(),
                None => {}
            }
        }
        self.watch = next;
    }
}

/// SplitMix64: enough to tell streams apart; keys come with the parameters.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}
