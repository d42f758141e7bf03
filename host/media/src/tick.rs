//! The raster of 20 ms on which everything that we make ourselves is sent.

use std::time::Duration;

use crate::Time;

/// Samples of one packet: 20 ms at 8 kHz, the default of RFC 3551 4.5.
pub(crate) const FRAME: usize = 160;
/// The same at 16 kHz, for wide-band codecs.
pub(crate) const WIDE_FRAME: usize = 2 * FRAME;
const TICK: Duration = Duration::from_millis(20);

/// 8 kHz samples in `length`; also the RTP clock of that time.
pub(crate) fn samples(length: Duration) -> u64 {
    length.as_secs().saturating_mul(8000).saturating_add(u64::from(length.subsec_nanos()) / 125_000)
}

/// Ticks of an RTP clock of `clock` Hz, a multiple of 8000, in `length`.
pub(crate) fn ticks(length: Duration, clock: u32) -> u64 {
    samples(length).saturating_mul(u64::from(clock / 8000))
}

/// Ticks of an RTP clock in 20 ms.
pub(crate) fn frame(clock: u32) -> u32 {
    clock / 50
}

/// Time that `count` samples at 8 kHz take.
pub(crate) fn length(count: usize) -> Duration {
    Duration::from_micros((count as u64).saturating_mul(125))
}

/// The tick at `now`, or the last one before it.
pub(crate) fn at(now: Time) -> u64 {
    samples(now) / FRAME as u64
}

/// When `tick` is due.
pub(crate) fn time(tick: u64) -> Time {
    Duration::from_secs(tick / 50) + TICK * (tick % 50) as u32
}
