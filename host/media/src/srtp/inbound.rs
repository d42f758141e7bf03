//! What a peer encrypted.

use super::{
    Header, MasterKey, RTCP_HEADER, Refused,
    cipher::{Cipher, Use},
    index::{Window, nearest},
    word,
};

/// Sources of one peer that are known. A phone has one, and perhaps another after a re-INVITE.
const MAX_SOURCES: usize = 8;

/// Opens the packets of one peer, in place.
#[derive(Debug)]
pub struct Inbound {
    key: MasterKey,
    rtp: Option<Cipher>,
    rtcp: Option<Cipher>,
    /// Newest last; only who has the key gets here.
    sources: Vec<Source>,
}

#[derive(Debug, Default)]
struct Source {
    ssrc: u32,
    rtp: Window,
    rtcp: Window,
}

impl Inbound {
    /// For packets that are made with `key`.
    pub fn new(key: MasterKey) -> Inbound {
        let (rtp, rtcp) = (Cipher::new(&key, Use::Rtp), Cipher::new(&key, Use::Rtcp));
        Inbound { key, rtp, rtcp, sources: Vec::new() }
    }

    /// The peer's key.
    pub fn key(&self) -> &MasterKey {
        &self.key
    }

    /// Opens an RTP packet and returns its length.
    pub fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        self.unprotect_after(None, packet)
    }

    /// As [`unprotect`](Self::unprotect), for a key that follows another one: the count of rounds of a source
    /// goes on (RFC 3711 3.3.1), though many phones begin anew.
    pub(super) fn unprotect_after(
        &mut self,
        former: Option<&Inbound>,
        packet: &mut [u8],
    ) -> Result<usize, Refused> {
        let cipher = self.rtp.as_ref().ok_or(Refused::Forged)?;
        let header = Header::read(packet)?;
        let end = packet.len().checked_sub(cipher.tag()).filter(|end| *end >= header.length);
        let (body, tag) = packet.split_at_mut(end.ok_or(Refused::Short)?);
        let open = |index: u64, body: &mut [u8]| {
            let extra = ((index >> 16) as u32).to_be_bytes();
            let extra = if cipher.tag_is_last() { &extra[..] } else { &[] };
            let range = header.length..body.len();
            cipher.open(body, range, extra, tag, header.ssrc, index)
        };
        let index = match self.newest(header.ssrc) {
            Some(newest) => {
                let index = nearest(newest, header.sequence);
                if !self.is_new(header.ssrc, index) {
                    return Err(Refused::Forged);
                }
                open(index, body)?;
                index
            }
            None => {
                // The first packets may be lost, and its numbers have gone round once since.
                let rounds = [0, 0x1_0000].map(|round| round | u64::from(header.sequence));
                let goes_on = former.and_then(|former| former.newest(header.ssrc));
                let goes_on = goes_on.map(|newest| nearest(newest, header.sequence));
                let mut indexes = rounds.into_iter().chain(goes_on);
                indexes.find(|index| open(*index, body).is_ok()).ok_or(Refused::Forged)?
            }
        };
        let length = body.len();
        self.source(header.ssrc).rtp.accept(index);
        Ok(length)
    }

    /// Opens an RTCP packet and returns its length.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let cipher = self.rtcp.as_ref().ok_or(Refused::Forged)?;
        let end = packet.len().checked_sub(cipher.tag() + 4).filter(|end| *end >= RTCP_HEADER);
        let (body, rest) = packet.split_at_mut(end.ok_or(Refused::Short)?);
        let ssrc = word(body, 4)?;
        let (marked, tag) = match cipher.tag_is_last() {
            true => rest.split_at(4),
            false => {
                let (tag, marked) = rest.split_at(cipher.tag());
                (marked, tag)
            }
        };
        let number = word(marked, 0)?;
        let index = u64::from(number & 0x7fff_ffff);
        // RFC 3711 3.4: without the E bit it is not encrypted, which none of the suites allows.
        if number >> 31 == 0 || !self.is_new_rtcp(ssrc, index) {
            return Err(Refused::Forged);
        }
        let length = body.len();
        cipher.open(body, RTCP_HEADER..length, marked, tag, ssrc, index)?;
        self.source(ssrc).rtcp.accept(index);
        Ok(length)
    }

    fn find(&self, ssrc: u32) -> Option<&Source> {
        self.sources.iter().find(|source| source.ssrc == ssrc)
    }

    fn newest(&self, ssrc: u32) -> Option<u64> {
        self.find(ssrc)?.rtp.newest()
    }

    fn is_new(&self, ssrc: u32, index: u64) -> bool {
        self.find(ssrc).is_none_or(|source| source.rtp.is_new(index))
    }

    fn is_new_rtcp(&self, ssrc: u32, index: u64) -> bool {
        self.find(ssrc).is_none_or(|source| source.rtcp.is_new(index))
    }

    /// The state of a source that has shown that it has the key.
    fn source(&mut self, ssrc: u32) -> &mut Source {
        let known = self.sources.iter().position(|source| source.ssrc == ssrc);
        let at = known.unwrap_or_else(|| {
            if self.sources.len() == MAX_SOURCES {
                self.sources.remove(0);
            }
            self.sources.push(Source { ssrc, ..Source::default() });
            self.sources.len() - 1
        });
        &mut self.sources[at]
    }
}
