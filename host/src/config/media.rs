//! `[media]`: audio.

use std::{
    fs::File,
    io::Read,
    num::NonZero,
    path::{Path, PathBuf},
    time::Duration,
};

use jackfield_media::Clip;
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
    /// A WAV file for those who are held, over and over; a melody of our own when not said.
    pub music_on_hold: Option<PathBuf>,
    /// Media threads; one per core when not said.
    pub workers: Option<NonZero<u16>>,
}

impl Default for Media {
    fn default() -> Self {
        Media {
            ports: PortRange { first: 20000, last: 29999 },
            codecs: vec![Codec::Opus, Codec::G722, Codec::Pcma, Codec::Pcmu],
            timeout: Duration::from_secs(60),
            music_on_hold: None,
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

/// Music of that size is no music any more.
const MAX_MUSIC: u64 = 64 << 20;

/// A WAV file, or why it is none.
pub(crate) fn read_clip(file: &Path) -> Result<Clip, String> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(MAX_MUSIC + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    if bytes.len() as u64 > MAX_MUSIC {
        return Err(format!("{} is larger than {} MiB", file.display(), MAX_MUSIC >> 20));
    }
    Clip::from_wav(&bytes).map_err(|error| format!("{}: {error}", file.display()))
}
