//! What we encrypt for a peer.

use super::{
    Header, MasterKey, RTCP_HEADER, Refused,
    cipher::{Cipher, Use},
    index::{Window, nearest},
    word,
};

/// RFC 3711 9.2: packets that one key may protect.
const MAX_RTP: u64 = 1 << 48;
const MAX_RTCP: u32 = 1 << 31;

/// Closes the packets of one stream, in place.
#[derive(Debug)]
pub struct Outbound {
    key: MasterKey,
    rtp: Option<Cipher>,
    rtcp: Option<Cipher>,
    ssrc: Option<u32>,
    sent: Window,
    reports: u32,
}

impl Outbound {
    /// Packets are made with `key`, which nobody else may use: two packets with the same key, SSRC and index
    /// give away what is in them.
    pub fn new(key: MasterKey) -> Outbound {
        let (rtp, rtcp) = (Cipher::new(&key, Use::Rtp), Cipher::new(&key, Use::Rtcp));
        Outbound { key, rtp, rtcp, ssrc: None, sent: Window::default(), reports: 0 }
    }

    /// Our key.
    pub fn key(&self) -> &MasterKey {
        &self.key
    }

    /// Closes the RTP packet `buffer[..length]` and returns its new length. A number is used once; another SSRC
    /// than that of the first packet is refused.
    pub fn protect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        let header = Header::read(buffer.get(..length).ok_or(Refused::Short)?)?;
        let cipher = self.rtp.as_ref().ok_or(Refused::Spent)?;
        let end = length + cipher.tag();
        let (packet, room) = buffer.get_mut(..end).ok_or(Refused::Full)?.split_at_mut(length);
        let index = match self.sent.newest() {
            Some(newest) => nearest(newest, header.sequence),
            None => u64::from(header.sequence),
        };
        if *self.ssrc.get_or_insert(header.ssrc) != header.ssrc || !self.sent.is_new(index) {
            return Err(Refused::Forged);
        }
        if index >= MAX_RTP {
            return Err(Refused::Spent);
        }
        let extra = ((index >> 16) as u32).to_be_bytes();
        let extra = if cipher.tag_is_last() { &extra[..] } else { &[] };
        let tag = cipher.seal(packet, header.length..length, extra, header.ssrc, index)?;
        room.copy_from_slice(&tag[..cipher.tag()]);
        self.sent.accept(index);
        Ok(end)
    }

    /// Closes the RTCP packet `buffer[..length]` and returns its new length.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        let ssrc = word(buffer.get(..length).ok_or(Refused::Short)?, 4)?;
        let cipher = self.rtcp.as_ref().ok_or(Refused::Spent)?;
        let end = length + cipher.tag() + 4;
        let (packet, room) = buffer.get_mut(..end).ok_or(Refused::Full)?.split_at_mut(length);
        self.reports = Some(self.reports + 1).filter(|next| *next < MAX_RTCP).ok_or(Refused::Spent)?;
        // The E bit: it is encrypted.
        let marked = (self.reports | MAX_RTCP).to_be_bytes();
        let tag = cipher.seal(packet, RTCP_HEADER..length, &marked, ssrc, self.reports.into())?;
        let tag = &tag[..cipher.tag()];
        let (first, second) = if cipher.tag_is_last() { (&marked[..], tag) } else { (tag, &marked[..]) };
        room[..first.len()].copy_from_slice(first);
        room[first.len()..].copy_from_slice(second);
        Ok(end)
    }
}
