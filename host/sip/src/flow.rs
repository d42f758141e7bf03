//! The path between this exchange and a peer.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

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

/// What we call ourselves: where a NAT is between us and a peer, not the address of our socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertised {
    /// Our addresses as the world sees them; the first of a family counts.
    pub external: Vec<IpAddr>,
    /// Networks whose hosts reach us at the socket's own address: address and prefix length.
    pub local: Vec<(IpAddr, u8)>,
}

impl Advertised {
    /// Our address for the peer of a flow. The port is the socket's own: whoever forwards it does not change it.
    pub fn address(&self, flow: &Flow) -> SocketAddr {
        let peer = flow.remote.ip();
        let external = self.external.iter().find(|ip| ip.is_ipv4() == flow.local.is_ipv4());
        match external {
            Some(ip) if !self.local.iter().any(|&(net, prefix)| contains(net, prefix, peer)) => {
                SocketAddr::new(*ip, flow.local.port())
            }
            _ => flow.local,
        }
    }
}

/// Whether an address belongs to a network; a prefix that is too long means the host alone.
pub fn contains(net: IpAddr, prefix: u8, address: IpAddr) -> bool {
    let (net, address, bits) = match (net.to_canonical(), address.to_canonical()) {
        (IpAddr::V4(net), IpAddr::V4(address)) => {
            (u128::from(net.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(net), IpAddr::V6(address)) => (net.to_bits(), address.to_bits(), 128),
        _ => return false,
    };
    let host_bits = bits - u32::from(prefix).min(bits);
    (net ^ address).checked_shr(host_bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_contains_its_addresses() {
        assert!(contains(ip("192.0.2.0"), 24, ip("192.0.2.77")));
        assert!(!contains(ip("192.0.2.0"), 24, ip("192.0.3.77")));
        assert!(contains(ip("0.0.0.0"), 0, ip("8.8.8.8")));
        assert!(!contains(ip("0.0.0.0"), 0, ip("::1")));
        assert!(contains(ip("2001:db8::"), 32, ip("2001:db8::7")));
        assert!(contains(ip("::"), 0, ip("2001:db8::7")));
        assert!(!contains(ip("192.0.2.1"), 32, ip("192.0.2.2")));
        assert!(contains(ip("192.0.2.1"), 99, ip("192.0.2.1")), "a wrong prefix is a host");
        assert!(contains(ip("10.0.0.0"), 8, ip("::ffff:10.1.2.3")));
    }

    #[test]
    fn only_peers_beyond_the_local_networks_are_told_the_external_address() {
        let advertised = Advertised { external: vec![ip("203.0.113.5")], local: vec![(ip("10.0.0.0"), 8)] };
        let told = |local: &str, remote: &str| {
            let (local, remote) = (local.parse().unwrap(), remote.parse().unwrap());
            let flow = Flow { id: FlowId(1), transport: Transport::Udp, local, remote };
            advertised.address(&flow).to_string()
        };
        assert_eq!(told("10.0.0.1:5060", "198.51.100.7:5060"), "203.0.113.5:5060");
        assert_eq!(told("10.0.0.1:5060", "10.9.9.9:5060"), "10.0.0.1:5060");
        assert_eq!(told("[2001:db8::1]:5060", "[2001:db8::2]:5060"), "[2001:db8::1]:5060");
    }
}
