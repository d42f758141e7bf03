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

    /// From now on it is about the leg that was on the other side.
    pub(crate) fn change_sides(&mut self) {
        self.called = !self.called;
        self.to = None;
    }

    /// A packet was sent to the peer.
    pub(crate) fn hear_us(&mut self, now: Time, stamp: Stamp, codec: Codec, payload: &[u8]) {
        self.to.get_or_insert_with(|| Listener::new(codec)).push(now, stamp, codec, payload);
    }

    /// 20 ms are over, in which the peer said `from`. Ticks that are left out are silent.
    pub(crate) fn tick(&mut self, tick: u64, from: &[i16; tick::FRAME], pieces: &mut VecDeque<Piece>) {
        if tick < self.next {
            return;
        }
        if tick > self.next {
            self.cut(false, pieces);
            self.begin = (tick - self.first) * tick::FRAME as u64;
        }
        self.next = tick + 1;
        let silence = [0; tick::FRAME];
        let to = match &mut self.to {
            Some(to) => {
                to.listen(tick::time(tick));
                to.narrow()
            }
            None => &silence,
        };
        let (from, to) = if self.paused { (&silence, &silence) } else { (from, to) };
        let (left, right) = if self.called { (to, from) } else { (from, to) };
        self.samples.extend(left.iter().zip(right).flat_map(|(left, right)| [*left, *right]));
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
