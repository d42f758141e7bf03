//! The path between this exchange and a peer.

use std::{fmt, net::SocketAddr};

/// The transports of RFC 3261 18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams, of which each is one message.
    Udp,
    /// A stream without protection.
    Tcp,
    /// A stream under TLS.
    Tls,
}

impl Transport {
    /// As it stands in a Via header.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }

    /// Nobody on the way can read it.
    pub fn is_secure(self) -> bool {
        self == Transport::Tls
    }

    /// A reliable transport needs no retransmission of requests.
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A UDP listener, or one TCP or TLS connection; given by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u64);

/// A path to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The listener or connection.
    pub id: FlowId,
    /// What it runs over.
    pub transport: Transport,
    /// Our address on this path; concrete, never a wildcard: it goes into Via, Contact and SDP.
    pub local: SocketAddr,
    /// The peer's address on this path.
    pub remote: SocketAddr,
}
