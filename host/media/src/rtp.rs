//! RTP packets (RFC 3550 5.1): read and rewritten where they lie, and built for what we send ourselves.

use std::ops::{Deref, DerefMut, Range};

/// Bytes of a header without contributing sources and extension.
pub const HEADER: usize = 12;

/// The rule of RFC 3550 5.1 that a datagram breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Shorter than its header says.
    #[error("shorter than its header")]
    Short,
    /// Version bits that are not 2 (STUN, DTLS and noise come here).
    #[error("not RTP version 2")]
    Version,
    /// A padding count of zero, or longer than the payload.
    #[error("impossible padding")]
    Padding,
}

/// A view of one packet; `B` is `&[u8]` to read, `&mut [u8]` to rewrite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<B> {
    bytes: B,
    payload: Range<usize>,
}

/// What makes a packet part of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Synchronisation source.
    pub ssrc: u32,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in ticks of the codec's clock.
    pub timestamp: u32,
    /// First packet of a talk spurt, or of a telephone event.
    pub marker: bool,
}

impl<B: Deref<Target = [u8]>> Packet<B> {
    /// Checks the header and finds the payload behind contributing sources and extension, before padding.
    pub fn parse(bytes: B) -> Result<Self, Malformed> {
        let start = header_length(&bytes)?;
        let first = bytes[0];
        let mut end = bytes.len();
        if first & 0x20 != 0 {
            let padding = usize::from(bytes[end - 1]);
            if padding == 0 || padding > end - start {
                return Err(Malformed::Padding);
            }
            end -= padding;
        }
        Ok(Self { bytes, payload: start..end })
    }

    /// Payload type, 0 to 127.
    pub fn payload_type(&self) -> u8 {
        self.bytes[1] & 0x7f
    }

    /// The fields that place the packet in its stream.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            ssrc: self.word(8),
            sequence: u16::from_be_bytes([self.bytes[2], self.bytes[3]]),
            timestamp: self.word(4),
            marker: self.bytes[1] & 0x80 != 0,
        }
    }

    /// The payload, without extension and padding.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[self.payload.clone()]
    }

    /// The whole packet in bytes.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    fn word(&self, at: usize) -> u32 {
        let b = &self.bytes;
        u32::from_be_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
    }
}

impl<B: DerefMut<Target = [u8]>> Packet<B> {
    /// Makes the packet part of another stream; everything else stays as it is.
    pub fn restamp(&mut self, stamp: Stamp, payload_type: u8) {
        self.bytes[1] = payload_type & 0x7f | u8::from(stamp.marker) << 7;
        self.bytes[2..4].copy_from_slice(&stamp.sequence.to_be_bytes());
        self.bytes[4..8].copy_from_slice(&stamp.timestamp.to_be_bytes());
        self.bytes[8..12].copy_from_slice(&stamp.ssrc.to_be_bytes());
    }

    /// The payload, to be changed in place.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.payload.clone()]
    }
}

/// Bytes of a packet's header, contributing sources and extension included; nothing behind it is looked at.
pub fn header_length(bytes: &[u8]) -> Result<usize, Malformed> {
    let first = *bytes.first().ok_or(Malformed::Short)?;
    if first >> 6 != 2 {
        return Err(Malformed::Version);
    }
    let mut length = HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = bytes.get(length + 2..length + 4).ok_or(Malformed::Short)?;
        length += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    if length > bytes.len() { Err(Malformed::Short) } else { Ok(length) }
}

/// Writes a packet and returns its length; `None` when `buffer` is too small.
pub fn build(buffer: &mut [u8], stamp: Stamp, payload_type: u8, payload: &[u8]) -> Option<usize> {
    rtp_rs::RtpPacketBuilder::new()
        .payload_type(payload_type & 0x7f)
        .marked(stamp.marker)
        .sequence(stamp.sequence.into())
        .timestamp(stamp.timestamp)
        .ssrc(stamp.ssrc)
        .payload(payload)
        .build_into(buffer)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { ssrc: 0xdead_beef, sequence: 0xfffe, timestamp: 0x0102_0304, marker: true };

    #[test]
    fn what_is_built_is_read_back() {
        let mut buffer = [0; 64];
        let length = build(&mut buffer, STAMP, 101, b"abcd").unwrap();
        let packet = Packet::parse(&buffer[..length]).unwrap();
        assert_eq!((packet.stamp(), packet.payload_type(), packet.payload()), (STAMP, 101, &b"abcd"[..]));
        assert_eq!(build(&mut buffer[..15], STAMP, 101, b"abcd"), None);
    }

    #[test]
    fn the_payload_lies_between_extension_and_padding() {
        let mut bytes = vec![0xb2, 0x08, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        bytes.extend([0; 8]); // two contributing sources
        bytes.extend([0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        bytes.extend(b"sound");
        bytes.extend([0, 0, 3]);
        let mut packet = Packet::parse(&mut bytes[..]).unwrap();
        assert_eq!(packet.payload(), b"sound");

        packet.restamp(STAMP, 0);
        packet.payload_mut()[0] = b'S';
        let packet = Packet::parse(&bytes[..]).unwrap();
        assert_eq!((packet.stamp(), packet.payload_type(), packet.payload()), (STAMP, 0, &b"Sound"[..]));
        assert_eq!(bytes[0], 0xb2);
    }

    #[test]
    fn each_broken_rule_has_its_name() {
        let parse = |bytes: &[u8]| Packet::parse(bytes).err();
        let header = |first: u8, last: u8| [first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
        assert_eq!(parse(&[]), Some(Malformed::Short));
        assert_eq!(parse(&header(0x80, 0)[..11]), Some(Malformed::Short));
        assert_eq!(parse(&header(0x81, 0)), Some(Malformed::Short));
        assert_eq!(parse(&header(0x90, 0)), Some(Malformed::Short));
        assert_eq!(parse(&header(0x00, 0)), Some(Malformed::Version));
        assert_eq!(parse(&header(0xa0, 0)), Some(Malformed::Padding));
        assert_eq!(parse(&header(0xa0, 2)), Some(Malformed::Padding));
        assert_eq!(parse(&header(0xa0, 1)), None);
    }
}
