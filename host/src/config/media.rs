//! `[media]`: audio.

use std::{num::NonZero, time::Duration};

use serde::Deserialize;

use super::value::{self, PortRange};

/// `[media]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Media {
    /// UDP ports for RTP.
    pub ports: PortRange,
    /// In order of preference.
    pub codecs: Vec<Codec>,
    /// A call without any packet for so long is ended; `0s`: never.
    #[serde(deserialize_with = "value::duration")]
    pub timeout: Duration,
    /// Media threads; one per core when not said.
    pub workers: Option<NonZero<u16>>,
}

impl Default for Media {
    fn default() -> Self {
        Media {
            ports: PortRange { first: 20000, last: 29999 },
            codecs: vec![Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu],
            timeout: Duration::from_secs(60),
            workers: None,
        }
    }
}

/// A codec by its SDP name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// G.711 A-law, 8 kHz.
    Pcma,
    /// G.711 mu-law, 8 kHz.
    Pcmu,
    /// G.722, 16 kHz.
    G722,
    /// Opus.
    Opus,
}
