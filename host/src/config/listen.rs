//! `[listen]`: where phones reach the exchange.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use super::value;

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
}

/// Without a `[listen]` section: UDP and TCP on port 5060 of every IPv4 address.
impl Default for Listen {
    fn default() -> Self {
        let everywhere = vec![SocketAddr::from(([0, 0, 0, 0], 5060))];
        Listen { udp: everywhere.clone(), tcp: everywhere, tls: Vec::new(), certificate: None, key: None }
    }
}
