//! SRTP and SRTCP (RFC 3711, RFC 6188, RFC 7714) over the ciphers of `aws_lc_rs`, where the packet lies.
//!
//! A leg has two keys, one for each direction, and they are its own: what comes from another leg is opened with
//! that leg's key and closed again with this one's. See `docs/decisions/own-srtp.md`.

mod cipher;
mod inbound;
mod index;
mod key;
mod outbound;
mod protection;

pub use inbound::Inbound;
pub use key::{MasterKey, Suite};
pub use outbound::Outbound;
pub(crate) use protection::Protection;

use crate::rtp;

/// Bytes by which a packet grows, at most: the tag, and for SRTCP the index.
pub const OVERHEAD: usize = 16 + 4;

/// Bytes of an RTCP header up to and with its SSRC (RFC 3550 6.4.1).
const RTCP_HEADER: usize = 8;

/// Why a packet is not opened, or not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Shorter than its header and its tag.
    #[error("too short")]
    Short,
    /// Not made with this key, changed on its way, or there before.
    #[error("not authentic, or there before")]
    Forged,
    /// The buffer has no room for the tag.
    #[error("no room for the tag")]
    Full,
    /// The key has protected all that it may.
    #[error("the key is spent")]
    Spent,
}

/// What the header of an RTP packet says in the clear.
struct Header {
    length: usize,
    ssrc: u32,
    sequence: u16,
}

impl Header {
    fn read(packet: &[u8]) -> Result<Header, Refused> {
        let length = rtp::header_length(packet).map_err(|_| Refused::Short)?;
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        Ok(Header { length, ssrc: word(packet, 8)?, sequence })
    }
}

/// The big-endian number at `at`.
fn word(packet: &[u8], at: usize) -> Result<u32, Refused> {
    match packet.get(at..at + 4) {
        Some(&[a, b, c, d]) => Ok(u32::from_be_bytes([a, b, c, d])),
        _ => Err(Refused::Short),
    }
}
