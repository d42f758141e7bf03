//! The exchange behind a network that somebody else makes: what leaves it waits to be carried.

use std::net::SocketAddr;

use bytes::Bytes;
use jackfield_media::{Command, LegId, PortId, Session, WorkerId};
use jackfield_sip::Flow;

use super::World;

/// What has left the exchange.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) sip: Vec<(Flow, Bytes)>,
    pub(crate) media: Vec<Media>,
}

/// What passed between the switch, its workers and the phones, in its order.
#[derive(Clone, Debug)]
pub(crate) enum Media {
    Command(WorkerId, Command),
    /// From one worker to another.
    Move(LegId, WorkerId, WorkerId),
    Sound(Sound),
}

/// An RTP packet of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sound {
    /// The socket that it left by.
    pub(crate) worker: WorkerId,
    pub(crate) port: PortId,
    pub(crate) to: SocketAddr,
    pub(crate) payload_type: u8,
}

impl World {
    /// From now on nothing reaches the phones of the stories: [`World::take_wire`] has it.
    pub(crate) fn cut_the_wire(&mut self) {
        self.wire = Some(Wire::default());
    }

    pub(crate) fn take_wire(&mut self) -> Wire {
        self.wire.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Legs that the workers have.
    pub(crate) fn media_legs(&self) -> usize {
        self.workers.values().map(Session::legs).sum()
    }

    /// Sockets that a worker has, those of others included that came with their legs.
    pub(crate) fn sockets_of(&self, worker: u16) -> usize {
        self.places.values().filter(|of| **of == WorkerId(worker)).count()
    }
}
