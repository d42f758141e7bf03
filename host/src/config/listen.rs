//! `[listen]`: where phones reach the exchange.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

use super::value::{self, Network};

/// `[listen]`: each transport has one address, a list of them, or none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Listen {
    /// SIP over UDP.
    #[serde(default, deserialize_with = "value::addresses")]
    pub udp: Vec<SocketAddr>,
    /// SIP over TCP.
    #[serde(default, deserialize_with = "value::addresses")]
    pub tcp: Vec<SocketAddr>,
    /// SIP over TLS.
    #[serde(default, deserialize_with = "value::addresses")]
    pub tls: Vec<SocketAddr>,
    /// PEM chain for TLS; without it the daemon makes its own CA and certificate at first start.
    pub certificate: Option<PathBuf>,
    /// PEM key of `certificate`.
    pub key: Option<PathBuf>,
    /// Our address as the world sees it, where a NAT is between; one of each family at most.
    #[serde(default, deserialize_with = "value::one_or_several")]
    pub external: Vec<IpAddr>,
    /// `host` or `host:port` of a STUN server that tells it.
    pub stun: Option<String>,
    /// Networks that reach us at our own address; the private ones when not said.
    pub local_nets: Option<Vec<Network>>,
}

/// Networks that no router of the world leads to (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291).
const PRIVATE: [&str; 10] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
    "::/128",
];

impl Listen {
    /// [`Listen::local_nets`], or what stands for it.
    pub fn local_nets(&self) -> Vec<Network> {
        let private = || PRIVATE.iter().filter_map(|text| text.parse().ok()).collect();
        self.local_nets.clone().unwrap_or_else(private)
    }

    /// What cannot change while the daemon runs: the sockets, and which certificate is theirs.
    pub(super) fn fixed(&self) -> impl PartialEq + '_ {
        (&self.udp, &self.tcp, &self.tls, &self.certificate, &self.key)
    }
}

/// Without a `[listen]` section: UDP and TCP on port 5060 of every IPv4 address.
impl Default for Listen {
    fn default() -> Self {
        let everywhere = vec![SocketAddr::from(([0, 0, 0, 0], 5060))];
        Listen {
            udp: everywhere.clone(),
            tcp: everywhere,
            tls: Vec::new(),
            certificate: None,
            key: None,
            external: Vec::new(),
            stun: None,
            local_nets: None,
        }
    }
}
