//! SIP sockets: bytes and flows in, bytes out.
//!
//! UDP is read by the shard's own loop ([`udp`]), so that a datagram reaches the
//! switch without a queue. TCP and TLS connections are tasks ([`stream`]) that
//! frame messages and post them. Every outbound connection is opened by [`open`].

pub mod external;
pub mod open;
pub mod stream;
pub mod tls;
pub mod udp;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use jackfield_sip::FlowId;
use tokio::sync::mpsc;

/// Messages that may wait for one slow connection before it is closed.
pub const CONNECTION_QUEUE: usize = 256;

/// Numbers sockets and connections.
#[derive(Debug, Default)]
pub struct FlowIds(AtomicU64);

impl FlowIds {
    pub fn next(&self) -> FlowId {
        FlowId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// The writing ends of the open TCP and TLS connections.
#[derive(Debug, Default)]
pub struct Connections(HashMap<FlowId, mpsc::Sender<Bytes>>);

impl Connections {
    pub fn insert(&mut self, flow: FlowId, sender: mpsc::Sender<Bytes>) {
        self.0.insert(flow, sender);
    }

    pub fn remove(&mut self, flow: FlowId) {
        self.0.remove(&flow);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// False when the connection is gone or does not take any more; it is then
    /// forgotten, and its task ends.
    pub fn send(&mut self, flow: FlowId, bytes: Bytes) -> bool {
        let sent = self.0.get(&flow).is_some_and(|sender| sender.try_send(bytes).is_ok());
        if !sent {
            self.0.remove(&flow);
        }
        sent
    }
}
