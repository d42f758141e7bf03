//! Brings packets into order again, as the jitter buffer of a phone does.

use std::collections::BTreeMap;

/// So many packets may wait for one that is missing (200 ms); then it is lost.
const DEPTH: usize = 10;
/// A sequence number further back than this is no late packet but a new start (RFC 3550 A.1).
const MAX_LATE: i64 = 100;

/// What an RTP packet brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) payload_type: u8,
    pub(crate) payload: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Reorder {
    ssrc: Option<u32>,
    /// The number that comes next, without wrapping.
    next: i64,
    waiting: BTreeMap<i64, Frame>,
}

impl Reorder {
    /// Takes a packet; what is complete then comes out in order.
    pub(crate) fn push(&mut self, frame: Frame) -> Vec<Frame> {
        let mut ready = Vec::new();
        let number = self.number(frame.sequence);
        if self.ssrc != Some(frame.ssrc) || number < self.next - MAX_LATE {
            ready = self.flush();
            self.ssrc = Some(frame.ssrc);
            self.next = i64::from(frame.sequence) + 1;
            ready.push(frame);
            return ready;
        }
        // Late or twice: its turn is over.
        if number < self.next {
            return ready;
        }
        self.waiting.entry(number).or_insert(frame);
        self.take(&mut ready);
        if self.waiting.len() > DEPTH {
            self.skip();
            self.take(&mut ready);
        }
        ready
    }

    /// Packets wait for others that are missing.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// All that waits, with its gaps.
    pub(crate) fn flush(&mut self) -> Vec<Frame> {
        let mut ready = Vec::new();
        while !self.waiting.is_empty() {
            self.skip();
            self.take(&mut ready);
        }
        ready
    }

    fn take(&mut self, ready: &mut Vec<Frame>) {
        while let Some(frame) = self.waiting.remove(&self.next) {
            self.next += 1;
            ready.push(frame);
        }
    }

    fn skip(&mut self) {
        if let Some((first, _)) = self.waiting.first_key_value() {
            self.next = *first;
        }
    }

    /// The number nearest to the next one that ends in `sequence`.
    fn number(&self, sequence: u16) -> i64 {
        self.next + i64::from(sequence.wrapping_sub(self.next as u16) as i16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: u16) -> Frame {
        Frame { ssrc: 1, sequence, timestamp: 0, payload_type: 0, payload: Vec::new() }
    }

    fn heard(sequences: impl IntoIterator<Item = u16>) -> Vec<u16> {
        let mut reorder = Reorder::default();
        let mut all: Vec<Frame> =
            sequences.into_iter().flat_map(|sequence| reorder.push(frame(sequence))).collect();
        all.extend(reorder.flush());
        all.iter().map(|frame| frame.sequence).collect()
    }

    #[test]
    fn packets_come_out_once_and_in_order_over_the_wrap() {
        assert_eq!(heard([65534, 65535, 1, 0, 1, 2, 65535]), [65534, 65535, 0, 1, 2]);
    }

    #[test]
    fn a_lost_packet_is_waited_for_and_then_given_up() {
        let mut reorder = Reorder::default();
        reorder.push(frame(1));
        let ready: Vec<_> = (3..14).map(|sequence| reorder.push(frame(sequence)).len()).collect();
        assert_eq!(ready, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11]);
        assert!(reorder.push(frame(2)).is_empty(), "too late");
    }

    #[test]
    fn what_waits_at_the_end_is_not_forgotten() {
        assert_eq!(heard([1, 3, 4, 7]), [1, 3, 4, 7]);
    }

    #[test]
    fn a_new_source_starts_anew() {
        let mut reorder = Reorder::default();
        reorder.push(frame(10));
        assert!(reorder.push(frame(12)).is_empty());
        let ready = reorder.push(Frame { ssrc: 2, ..frame(5) });
        assert_eq!(ready.iter().map(|frame| frame.sequence).collect::<Vec<_>>(), [12, 5]);
    }
}
