//! Moments of a stream in another clock.

/// Turns the timestamps of a stream into those of a clock that goes faster or slower, across their wrapping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// In 8 kHz.
    from: u64,
    to: u64,
    newest: Option<u32>,
    /// The newest timestamp as it would be if it did not wrap.
    total: u64,
}

impl Place {
    /// Between clocks that are multiples of 8000 Hz.
    pub(crate) fn new(from: u32, to: u32) -> Place {
        // Far from zero, since the first packet need not be the oldest.
        Place { from: u64::from(from / 8000), to: u64::from(to / 8000), newest: None, total: 1 << 40 }
    }

    /// The place of a timestamp of the stream.
    pub(crate) fn of(&mut self, timestamp: u32) -> u32 {
        let step = timestamp.wrapping_sub(self.newest.unwrap_or(timestamp)) as i32;
        self.newest = Some(timestamp);
        self.total = self.total.wrapping_add_signed(step.into());
        self.scaled(self.total)
    }

    /// A length of the stream.
    pub(crate) fn span(self, ticks: u32) -> u32 {
        self.scaled(ticks.into())
    }

    fn scaled(self, ticks: u64) -> u32 {
        (ticks.wrapping_mul(self.to) / self.from) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_keep_their_length_across_the_end_of_the_numbers() {
        for (from, to, step, scaled) in
            [(48_000, 8000, 960, 160), (8000, 48_000, 160, 960), (8000, 8000, 160, 160)]
        {
            let mut place = Place::new(from, to);
            let mut timestamp = u32::MAX - 10 * step;
            let mut last = place.of(timestamp);
            for _ in 0..20 {
                timestamp = timestamp.wrapping_add(step);
                let next = place.of(timestamp);
                assert_eq!(next.wrapping_sub(last), scaled, "{from} to {to}");
                last = next;
            }
            assert_eq!(last.wrapping_sub(place.of(timestamp.wrapping_sub(5 * step))), 5 * scaled);
        }
    }
}
