//! What waits for the driver.

use std::{collections::VecDeque, net::SocketAddr};

use crate::{Event, Piece, PortId, rtp, session::Channel, srtp, srtp::Protection, tick};

/// Packets that we made and events, in their order.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) packets: VecDeque<Made>,
    pub(crate) reports: VecDeque<Report>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) pieces: VecDeque<Piece>,
}

/// An RTCP packet that we made.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) port: PortId,
    pub(crate) channel: Channel,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// A packet that we made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) port: PortId,
    pub(crate) to: SocketAddr,
    bytes: [u8; rtp::HEADER + tick::FRAME + srtp::OVERHEAD],
    length: usize,
}

impl Made {
    /// `payload` is at most one frame; `None` when it could not be protected.
    pub(crate) fn new(
        protection: &mut Protection,
        port: PortId,
        to: SocketAddr,
        stamp: rtp::Stamp,
        payload_type: u8,
        payload: &[u8],
    ) -> Option<Self> {
        let mut bytes = [0; rtp::HEADER + tick::FRAME + srtp::OVERHEAD];
        let length = rtp::build(&mut bytes, stamp, payload_type, payload)?;
        let length = protection.protect(&mut bytes, length).ok()?;
        Some(Self { port, to, bytes, length })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
