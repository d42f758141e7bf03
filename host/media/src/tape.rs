//! A recording of a whole call: both sides of one leg, as they are heard, in time with the clock.
//!
//! Nothing is kept here: what was said leaves in pieces of half a second, each with its place, so that a
//! writer that lost one can leave it silent.

use std::{collections::VecDeque, sync::Arc};

use crate::{Codec, Time, listener::Listener, rtp::Stamp, tick};

/// Frames of 20 ms in one piece.
const PIECE: u64 = 25;
/// Pieces that wait for the driver.
const MAX_PIECES: usize = 256;
/// Silence that is made up in one go when the driver slept: more is left out of the pieces, and so silent.
const MAX_SLEEP: u64 = 50;

/// Part of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// As [`Command::Tape`](crate::Command::Tape) named it.
    pub name: Arc<str>,
    /// Place of the first sample pair, in 1/8000 s since the begin of the recording.
    pub begin: u64,
    /// Left and right in turn, 16 bits at 8 kHz.
    pub samples: Vec<i16>,
    /// The recording is over.
    pub last: bool,
}

/// A recording that runs.
#[derive(Debug)]
pub(crate) struct Tape {
    name: Arc<str>,
    /// The leg is the called side: it is heard on the right.
    called: bool,
    paused: bool,
    /// What the peer says.
    from: Option<Listener>,
    /// What the peer is told.
    to: Option<Listener>,
    /// The next tick that is written, counted from `first`.
    next: u64,
    first: u64,
    begin: u64,
    samples: Vec<i16>,
}

impl Tape {
    /// Begins with the tick after `now`.
    pub(crate) fn new(now: Time, name: Arc<str>, called: bool) -> Tape {
        let first = tick::at(now) + 1;
        Tape {
            name,
            called,
            paused: false,
            from: None,
            to: None,
            next: first,
            first,
            begin: 0,
            samples: Vec::with_capacity(PIECE as usize * 2 * tick::FRAME),
        }
    }

    /// While it is paused, silence is written.
    pub(crate) fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// The peer sent a packet.
    pub(crate) fn hear_peer(&mut self, now: Time, stamp: Stamp, codec: Codec, payload: &[u8]) {
        self.from.get_or_insert_with(|| Listener::new(codec)).push(now, stamp, codec, payload);
    }

    /// A packet was sent to the peer.
    pub(crate) fn hear_us(&mut self, now: Time, stamp: Stamp, codec: Codec, payload: &[u8]) {
        self.to.get_or_insert_with(|| Listener::new(codec)).push(now, stamp, codec, payload);
    }

    /// 20 ms are over.
    pub(crate) fn tick(&mut self, tick: u64, pieces: &mut VecDeque<Piece>) {
        if tick < self.next {
            return;
        }
        if tick - self.next > MAX_SLEEP {
            self.cut(false, pieces);
            self.next = tick;
            self.begin = (tick - self.first) * tick::FRAME as u64;
        }
        while self.next <= tick {
            let now = tick::time(self.next);
            let hear = |side: &mut Option<Listener>| side.as_mut().map(|side| side.frame(now));
            let sides = (hear(&mut self.from), hear(&mut self.to));
            let silence = [0; tick::FRAME];
            let heard = |side: Option<[i16; tick::FRAME]>| side.filter(|_| !self.paused).unwrap_or(silence);
            let (from, to) = (heard(sides.0), heard(sides.1));
            let (left, right) = if self.called { (to, from) } else { (from, to) };
            self.samples.extend(left.into_iter().zip(right).flat_map(|(left, right)| [left, right]));
            self.next += 1;
        }
        if self.samples.len() as u64 >= PIECE * 2 * tick::FRAME as u64 {
            self.cut(false, pieces);
        }
    }

    /// The call is over, or somebody stopped it.
    pub(crate) fn end(mut self, pieces: &mut VecDeque<Piece>) {
        self.cut(true, pieces);
    }

    fn cut(&mut self, last: bool, pieces: &mut VecDeque<Piece>) {
        let samples = std::mem::take(&mut self.samples);
        let begin = self.begin;
        self.begin += samples.len() as u64 / 2;
        // The end is what a writer waits for.
        if pieces.len() < MAX_PIECES || last {
            pieces.push_back(Piece { name: self.name.clone(), begin, samples, last });
        }
    }
}
