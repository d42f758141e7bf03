//! The encryption of one leg, both ways, through all its offers and answers.

use super::{Inbound, Outbound, Refused};
use crate::Security;

/// A key that stays keeps its counters, whatever else an offer changes.
#[derive(Debug, Default)]
pub(crate) struct Protection {
    active: bool,
    inbound: Option<Inbound>,
    /// The peer's last key: its packets are on their way while the next one is new to it.
    former: Option<Inbound>,
    outbound: Option<Outbound>,
}

impl Protection {
    pub(crate) fn update(&mut self, security: &Security) {
        let Security::Srtp { send, receive } = security else {
            // A counter is never begun anew for a key, so both stay for its return.
            self.active = false;
            return;
        };
        self.active = true;
        if self.inbound.as_ref().is_none_or(|inbound| inbound.key() != receive) {
            self.former = self.inbound.replace(Inbound::new(receive.clone()));
        }
        if self.outbound.as_ref().is_none_or(|outbound| outbound.key() != send) {
            self.outbound = Some(Outbound::new(send.clone()));
        }
    }

    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// Opens what a peer sent; on a plain leg it is open.
    pub(crate) fn unprotect(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let Some(inbound) = self.inbound.as_mut().filter(|_| self.active) else { return Ok(packet.len()) };
        let opened = inbound.unprotect_after(self.former.as_ref(), packet);
        match (opened, &mut self.former) {
            (Ok(_), former) => *former = None,
            (Err(Refused::Forged), Some(former)) => return former.unprotect(packet),
            (Err(_), _) => {}
        }
        opened
    }

    /// As [`unprotect`](Self::unprotect), for RTCP.
    pub(crate) fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        let Some(inbound) = self.inbound.as_mut().filter(|_| self.active) else { return Ok(packet.len()) };
        let opened = inbound.unprotect_rtcp(packet);
        match (opened, &mut self.former) {
            (Err(Refused::Forged), Some(former)) => former.unprotect_rtcp(packet),
            _ => opened,
        }
    }

    /// Closes `buffer[..length]`; on a plain leg it stays as it is.
    pub(crate) fn protect(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        match self.outbound.as_mut().filter(|_| self.active) {
            Some(outbound) => outbound.protect(buffer, length),
            None => Ok(length),
        }
    }

    /// As [`protect`](Self::protect), for RTCP.
    pub(crate) fn protect_rtcp(&mut self, buffer: &mut [u8], length: usize) -> Result<usize, Refused> {
        match self.outbound.as_mut().filter(|_| self.active) {
            Some(outbound) => outbound.protect_rtcp(buffer, length),
            None => Ok(length),
        }
    }
}
