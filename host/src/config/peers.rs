//! `[peers.NAME]`: hosts whose INVITEs need no digest (a provider, another exchange).

use serde::Deserialize;

use super::{Dtmf, Srtp, value::Network};

/// `[peers.NAME]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Peer {
    /// Single hosts or networks.
    pub addresses: Vec<Network>,
    /// How digits go to it.
    #[serde(default)]
    pub dtmf: Dtmf,
    /// Whether its audio is encrypted.
    #[serde(default)]
    pub srtp: Srtp,
}
