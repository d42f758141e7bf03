//! RTP between the phones and the workers.

use std::net::SocketAddr;

use jackfield_media::{Channel, PortId, WorkerId, dtmf, rtp};
use jackfield_switch::{Input, Time};

use super::{Line, MS, Media, Sound, World, port_of, sdp::Sdp};

const DTMF: u8 = 101;

/// The RTP side of a line.
pub(crate) struct Voice {
    pub(super) rtp: SocketAddr,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// Agreed by the last offer and answer.
    pub(super) payload: u8,
    pub(super) heard: Vec<Heard>,
}

/// A packet that reached a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) at: Time,
    pub(crate) payload_type: u8,
    pub(crate) stamp: rtp::Stamp,
    pub(crate) payload: Vec<u8>,
}

impl Voice {
    pub(super) fn new(number: usize, rtp: SocketAddr) -> Voice {
        Voice { rtp, ssrc: number as u32, sequence: 0, timestamp: 0, payload: 8, heard: Vec::new() }
    }

    /// An answer was given: its codec is spoken, if `theirs` has it.
    pub(super) fn agree(&mut self, answer: &Sdp, theirs: Option<&Sdp>) {
        let known = |codec: &u8| theirs.is_none_or(|theirs| theirs.codecs().contains(codec));
        if let Some(codec) = answer.codecs().into_iter().find(known) {
            self.payload = codec;
        }
    }
}

impl World {
    /// A phone says one packet of that code.
    pub(crate) fn speak(&mut self, line: Line, code: u8) {
        let voice = &mut self.lines[line.0].voice;
        let payload = voice.payload;
        self.send_rtp(line, payload, false, &[code; 160]);
        let voice = &mut self.lines[line.0].voice;
        voice.timestamp = voice.timestamp.wrapping_add(160);
        self.settle();
    }

    /// A phone talks for so many packets of 20 ms.
    pub(crate) fn talk(&mut self, line: Line, packets: usize) {
        for _ in 0..packets {
            self.speak(line, 0x2a);
            self.run_for(MS * 20);
        }
    }

    /// A key is pressed and let go; no time passes.
    pub(crate) fn press(&mut self, line: Line, digit: char) {
        let event = dtmf::event_of(digit).expect("a digit");
        for (end, duration) in [(false, 160), (true, 320)] {
            let payload = dtmf::Payload { event, end, volume: 10, duration };
            self.send_rtp(line, DTMF, !end, &payload.bytes());
        }
        let voice = &mut self.lines[line.0].voice;
        voice.timestamp = voice.timestamp.wrapping_add(800);
        self.settle();
    }

    fn send_rtp(&mut self, line: Line, payload_type: u8, marker: bool, payload: &[u8]) {
        let state = &mut self.lines[line.0];
        let theirs = state.theirs.as_ref().expect("the exchange has said where it listens");
        let port = port_of(theirs.rtp.port());
        let voice = &mut state.voice;
        let stamp =
            rtp::Stamp { ssrc: voice.ssrc, sequence: voice.sequence, timestamp: voice.timestamp, marker };
        voice.sequence = voice.sequence.wrapping_add(1);
        let (source, mut packet) = (voice.rtp, [0; 400]);
        let length = rtp::build(&mut packet, stamp, payload_type, payload).expect("room");
        self.carry_rtp(port, source, &mut packet, length);
    }

    /// A packet reaches a socket, and the worker that has it.
    pub(crate) fn carry_rtp(&mut self, port: PortId, source: SocketAddr, packet: &mut [u8], length: usize) {
        let worker = self.places[&port];
        let session = self.workers.get_mut(&worker).unwrap();
        if let Some(forward) = session.handle_packet(self.now, port, source, packet, length) {
            self.hear(worker, forward.port, forward.to, &packet[..forward.length]);
        }
        self.drain_media();
    }

    pub(super) fn drain_media(&mut self) {
        let mut buffer = [0; 1500];
        let mut packets = Vec::new();
        for (&worker, session) in &mut self.workers {
            while let Some(transmit) = session.poll_transmit(&mut buffer) {
                if transmit.channel == Channel::Rtp {
                    packets.push((worker, transmit.port, transmit.to, buffer[..transmit.length].to_vec()));
                }
            }
            while let Some(event) = session.poll_event() {
                self.inputs.push_back(Input::Media { worker, event });
            }
            self.pieces.extend(std::iter::from_fn(|| session.poll_piece()));
        }
        packets.into_iter().for_each(|(worker, port, to, packet)| self.hear(worker, port, to, &packet));
    }

    fn hear(&mut self, worker: WorkerId, port: PortId, to: SocketAddr, bytes: &[u8]) {
        let packet = rtp::Packet::parse(bytes).expect("what we send is RTP");
        let payload_type = packet.payload_type();
        if let Some(wire) = &mut self.wire {
            wire.media.push(Media::Sound(Sound { worker, port, to, payload_type }));
            return;
        }
        let (stamp, payload) = (packet.stamp(), packet.payload().to_vec());
        let at = self.now;
        if let Some(line) = self.lines.iter_mut().find(|line| line.voice.rtp == to) {
            line.voice.heard.push(Heard { at, payload_type, stamp, payload });
        }
    }

    /// What a phone has heard since the last look.
    pub(crate) fn heard(&mut self, line: Line) -> Vec<Heard> {
        std::mem::take(&mut self.lines[line.0].voice.heard)
    }

    /// The digits among it, each once.
    pub(crate) fn heard_digits(&mut self, line: Line) -> String {
        let ends = self.heard(line).into_iter().filter(|packet| packet.payload_type == DTMF);
        let events = ends.filter_map(|packet| dtmf::Payload::parse(&packet.payload));
        let mut digits: Vec<(u8, bool)> = events.map(|payload| (payload.event, payload.end)).collect();
        digits.dedup();
        let names = "0123456789*#ABCD";
        digits
            .into_iter()
            .filter(|(_, end)| *end)
            .map(|(event, _)| names.chars().nth(event.into()).unwrap())
            .collect()
    }

    /// The digits that came by INFO since the last look.
    pub(crate) fn informed_digits(&mut self, line: Line) -> String {
        let informed = std::mem::take(&mut self.lines[line.0].informed);
        let digit = |info: rsip::Request| {
            let body = String::from_utf8(info.body).expect("text");
            body.strip_prefix("Signal=").and_then(|rest| rest.chars().next()).expect("a signal")
        };
        informed.into_iter().map(digit).collect()
    }

    /// Both hear what the other one says.
    #[track_caller]
    pub(crate) fn assert_talking(&mut self, a: Line, b: Line) {
        for (speaker, listener) in [(a, b), (b, a)] {
            self.heard(listener);
            self.speak(speaker, 0x55);
            let heard = self.heard(listener);
            assert_eq!(heard.len(), 1, "{speaker:?} is heard by {listener:?}");
        }
    }

    /// Neither hears the other one.
    #[track_caller]
    pub(crate) fn assert_apart(&mut self, a: Line, b: Line) {
        for (speaker, listener) in [(a, b), (b, a)] {
            self.heard(listener);
            self.speak(speaker, 0x55);
            assert_eq!(self.heard(listener), [], "{speaker:?} is heard by {listener:?}");
        }
    }
}
