//! From one codec to another: what a bridge does between legs that share none.

mod place;

use place::Place;

use crate::{
    Codec,
    codec::{Decoder, Doubler, Halver, MAX_SAMPLES},
    rtp::Stamp,
    stream::Order,
    tick,
};

/// Longest loss that a decoder makes up, in milliseconds; beyond it, whoever hears must.
const MAX_RECOVERED: u32 = 120;
/// A longer gap in milliseconds is a new begin.
const MAX_GAP: u32 = 10_000;
/// One packet's sound and what was lost before it on top of what waits.
const WAITING: usize = 2 * MAX_SAMPLES + tick::WIDE_FRAME;

/// The sound of one peer on its way to another leg: decoded, brought to the leg's rate, cut into 20 ms.
#[derive(Debug)]
pub(crate) struct Transcoder {
    to: Codec,
    decoder: Decoder,
    rate: Rate,
    /// Sound at the rate of `to` that is not sent yet, less than 20 ms between two packets.
    waiting: [i16; WAITING],
    count: usize,
    /// Where it begins, in ticks of `to`.
    begin: u32,
    place: Place,
    /// Where the next packet of the peer begins, in its ticks.
    next: Option<u32>,
    /// Packets that are missing before the next frame.
    lost: u16,
}

/// 20 ms of sound for the other leg.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) sound: &'a [i16],
    /// Its moment in the peer's stream, in ticks of the other leg.
    pub(crate) place: u32,
    /// Packets that are missing before it.
    pub(crate) lost: u16,
}

impl Transcoder {
    pub(crate) fn new(from: Codec, to: Codec) -> Transcoder {
        Transcoder {
            to,
            decoder: Decoder::new(from),
            rate: Rate::new(from, to),
            waiting: [0; WAITING],
            count: 0,
            begin: 0,
            place: Place::new(from.clock(), to.clock()),
            next: None,
            lost: 0,
        }
    }

    pub(crate) fn is_for(&self, from: Codec, to: Codec) -> bool {
        self.decoder.codec() == from && self.to == to
    }

    /// The peer began a stream anew, or was silent for long: nothing of before counts.
    pub(crate) fn is_over(&self, stamp: Stamp, order: Order) -> bool {
        let gap = self.next.map_or(0, |next| stamp.timestamp.wrapping_sub(next) as i32);
        order == Order::Start || gap.unsigned_abs() > self.decoder.codec().clock() / 1000 * MAX_GAP
    }

    /// Something else was sent meanwhile: what waits is stale.
    pub(crate) fn pause(&mut self) {
        self.count = 0;
        self.next = None;
        self.lost = 0;
    }

    /// The place of a timestamp of the peer, in ticks of the other leg.
    pub(crate) fn place(&mut self, timestamp: u32) -> u32 {
        self.place.of(timestamp)
    }

    /// Takes a packet of the peer, and sends the frames that are full. What comes late is not sent any more.
    pub(crate) fn hear(
        &mut self,
        stamp: Stamp,
        order: Order,
        payload: &[u8],
        mut send: impl FnMut(Frame<'_>),
    ) {
        let span = self.decoder.codec().span(payload);
        if matches!(order, Order::Behind(_)) || span == 0 {
            return;
        }
        let missing = if let Order::Ahead(steps) = order { u32::from(steps - 1) } else { 0 };
        let gap = self.next.map_or(0, |next| stamp.timestamp.wrapping_sub(next));
        if gap > 0 && !self.recover(gap, missing, payload) {
            self.finish_frame(&mut send);
            let frames = self.place.span(gap) / tick::frame(self.to.clock());
            // A pause of the talker is no loss.
            self.lost = if missing > 0 { frames.clamp(1, u16::MAX.into()) as u16 } else { 0 };
        }
        let mut sound = [0; MAX_SAMPLES];
        let count = self.decoder.decode(payload, &mut sound);
        if count == 0 {
            return;
        }
        self.next = Some(stamp.timestamp.wrapping_add(span));
        self.begin = self.place.of(stamp.timestamp).wrapping_sub(self.ticks(self.count));
        self.append(&sound[..count]);
        self.send_frames(&mut send);
    }

    /// Makes up `missing` packets before `next`, where the codec can.
    fn recover(&mut self, gap: u32, missing: u32, next: &[u8]) -> bool {
        let codec = self.decoder.codec();
        if missing == 0 || gap > codec.clock() / 1000 * MAX_RECOVERED {
            return false;
        }
        let length = (gap / missing) as usize * codec.rate() as usize / codec.clock() as usize;
        let mut sound = [0; MAX_SAMPLES];
        (1..=missing).all(|n| {
            let packet = if n == missing { next } else { &[] };
            let count = self.decoder.recover(packet, &mut sound[..length]);
            self.append(&sound[..count]);
            count > 0
        })
    }

    fn append(&mut self, sound: &[i16]) {
        self.count += self.rate.convert(sound, &mut self.waiting[self.count..]);
    }

    /// The last of a talk spurt: the frame is filled with silence.
    fn finish_frame(&mut self, send: &mut impl FnMut(Frame<'_>)) {
        if self.count > 0 {
            let end = self.count.next_multiple_of(tick::frame(self.to.rate()) as usize);
            self.waiting[self.count..end].fill(0);
            self.count = end;
            self.send_frames(send);
        }
    }

    fn send_frames(&mut self, send: &mut impl FnMut(Frame<'_>)) {
        let frames = self.waiting[..self.count].chunks_exact(tick::frame(self.to.rate()) as usize);
        let rest = frames.remainder().len();
        for sound in frames {
            send(Frame { sound, place: self.begin, lost: std::mem::take(&mut self.lost) });
            self.begin = self.begin.wrapping_add(tick::frame(self.to.clock()));
        }
        self.waiting.copy_within(self.count - rest..self.count, 0);
        self.count = rest;
    }

    /// Ticks of the other leg that so many samples of it take.
    fn ticks(&self, samples: usize) -> u32 {
        (samples as u64 * u64::from(self.to.clock()) / u64::from(self.to.rate())) as u32
    }
}

#[derive(Debug)]
enum Rate {
    Same,
    Up(Box<Doubler>),
    Down(Box<Halver>),
}

impl Rate {
    fn new(from: Codec, to: Codec) -> Rate {
        match (from.is_wide(), to.is_wide()) {
            (false, true) => Rate::Up(Box::default()),
            (true, false) => Rate::Down(Box::default()),
            (false, false) | (true, true) => Rate::Same,
        }
    }

    /// Writes `sound` at the new rate; how many samples. What has no room is lost.
    fn convert(&mut self, sound: &[i16], to: &mut [i16]) -> usize {
        match self {
            Rate::Same => {
                let count = sound.len().min(to.len());
                to[..count].copy_from_slice(&sound[..count]);
                count
            }
            Rate::Up(doubler) => {
                let (first, rest) = sound.split_at(sound.len() / 2);
                let count = doubler.double(first, to);
                count + doubler.double(rest, &mut to[count..])
            }
            Rate::Down(halver) => halver.halve(sound, to),
        }
    }
}
