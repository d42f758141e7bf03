//! What a leg has sent, for its sender reports.

use crate::{Time, tick};

/// The stream to the peer, counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) ssrc: u32,
    pub(crate) packets: u64,
    /// Payload only.
    pub(crate) octets: u64,
    /// The newest audio: its timestamp, when it was sent, and its clock in Hz.
    newest: Option<(u32, Time, u32)>,
}

impl Sent {
    pub(crate) fn new(ssrc: u32) -> Sent {
        Sent { ssrc, packets: 0, octets: 0, newest: None }
    }

    pub(crate) fn count(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }

    /// Audio with `timestamp` went out at `now`.
    pub(crate) fn audio(&mut self, now: Time, timestamp: u32, clock: u32) {
        self.newest = Some((timestamp, now, clock));
    }

    /// The moment `now` in timestamps of the stream (RFC 3550 6.4.1).
    pub(super) fn timestamp_at(&self, now: Time) -> u32 {
        self.newest.map_or(0, |(timestamp, then, clock)| {
            timestamp.wrapping_add(tick::ticks(now.saturating_sub(then), clock) as u32)
        })
    }
}
