//! How often a sequence number went round, and which packets were there already (RFC 3711 3.3).

/// Packets that may be late before they count as replayed.
const WINDOW: u64 = u128::BITS as u64;

/// The newest packets of a stream, by their index: the sequence number, and above its 16 bits how often it went
/// round.
#[derive(Debug, Default)]
pub(super) struct Window {
    newest: Option<u64>,
    /// Bit n: the packet n before the newest.
    seen: u128,
}

impl Window {
    pub(super) fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// It was not there before, and is not too late to know.
    pub(super) fn is_new(&self, index: u64) -> bool {
        let Some(newest) = self.newest else { return true };
        match newest.checked_sub(index) {
            None => true,
            Some(age) => age < WINDOW && self.seen >> age & 1 == 0,
        }
    }

    /// Only what is authentic counts.
    pub(super) fn accept(&mut self, index: u64) {
        let newest = self.newest.unwrap_or(index);
        if index >= newest {
            self.seen =
                u32::try_from(index - newest).map_or(0, |step| self.seen.checked_shl(step).unwrap_or(0)) | 1;
            self.newest = Some(index);
        } else if newest - index < WINDOW {
            self.seen |= 1 << (newest - index);
        }
    }
}

/// The index that a sequence number stands for in a stream whose newest packet is `newest`: the nearest one
/// (RFC 3711 3.3.1).
pub(super) fn nearest(newest: u64, sequence: u16) -> u64 {
    let round = newest & !0xffff;
    let same = round | u64::from(sequence);
    match i32::from(sequence) - i32::from(newest as u16) {
        ..-0x8000 => same + 0x1_0000,
        0x8001.. => same.checked_sub(0x1_0000).unwrap_or(same),
        _ => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_round_is_taken() {
        assert_eq!(nearest(0x1_ffff, 0), 0x2_0000);
        assert_eq!(nearest(0x2_0000, 0xffff), 0x1_ffff);
        assert_eq!(nearest(0x2_0000, 0x8000), 0x2_8000);
        assert_eq!(nearest(3, 0xfff0), 0xfff0, "there is nothing before the first round");
    }

    #[test]
    fn a_packet_counts_once_and_only_while_it_is_recent() {
        let mut window = Window::default();
        let mut is_new = |index| {
            let new = window.is_new(index);
            if new {
                window.accept(index);
            }
            new
        };
        assert!(is_new(65_534) && is_new(65_535) && is_new(65_538));
        assert!(is_new(65_536) && !is_new(65_536), "late, then there before");
        assert!(!is_new(65_534) && !is_new(65_538));
        assert!(is_new(1 << 40) && !is_new(65_537), "too late to know");
        assert!(is_new((1 << 40) - 127) && !is_new((1 << 40) - 128));
    }
}
