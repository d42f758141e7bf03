//! A leg's part in a mix.

use crate::{codec::Halver, tick};

/// Turns the mix into the rate of a leg.
#[derive(Debug, Default)]
pub(crate) struct Voice {
    halver: Halver,
}

impl Voice {
    /// Sound of 16 kHz for a leg that has 8 kHz.
    pub(crate) fn halve(&mut self, wide: &[i16]) -> [i16; tick::FRAME] {
        let mut narrow = [0; tick::FRAME];
        self.halver.halve(wide, &mut narrow);
        narrow
    }
}
