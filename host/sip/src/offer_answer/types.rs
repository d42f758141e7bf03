//! What a session description says, what we have, and what both sides agreed on.

use std::net::{IpAddr, SocketAddr};

use super::{Crypto, Direction, Encrypted, Profile, Srtp};

/// A body that cannot be read as SDP.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad session description: {0}")]
pub struct SdpError(pub(super) String);

/// Neither side has a codec, or a transport, that the other one has: 488.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no common codec")]
pub struct NoCommonCodec;

/// A peer's session description, as far as an exchange needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub(super) streams: Vec<Stream>,
}

impl Session {
    /// The audio streams that could be used, in the peer's order.
    pub fn audio(&self) -> impl Iterator<Item = &Audio> {
        self.streams.iter().filter_map(|stream| stream.audio.as_ref())
    }
}

/// One m= line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) media: String,
    pub(super) protocol: String,
    pub(super) formats: String,
    /// If it is audio over RTP or SRTP, and not turned off by port 0.
    pub(super) audio: Option<Audio>,
}

/// An audio stream of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// Where it wants its RTP; the unspecified address if it gave none, or a name.
    pub remote: SocketAddr,
    /// RTP/SAVP or RTP/SAVPF: encrypted or not at all.
    pub secure: bool,
    /// Its keys that we can use, in its order of preference.
    pub crypto: Vec<Crypto>,
    /// In its order of preference.
    pub payloads: Vec<Payload>,
    /// Seen from the peer. The old hold by `c=0.0.0.0` counts as not receiving (RFC 3264 8.4).
    pub direction: Direction,
    /// Milliseconds per packet that it wishes for.
    pub ptime: Option<u32>,
    /// Where it wants its RTCP, if not on the port behind that of RTP (RFC 3605).
    pub rtcp: Option<SocketAddr>,
    /// It takes RTCP on the port of RTP (RFC 5761).
    pub rtcp_mux: bool,
}

/// A payload type and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// RTP payload type, 0 to 127.
    pub pt: u8,
    /// Encoding name as written.
    pub encoding: String,
    /// RTP clock in Hz.
    pub rate: u32,
    /// Audio channels.
    pub channels: u8,
    /// Format parameters.
    pub fmtp: Option<String>,
}

impl Payload {
    pub(super) fn is(&self, codec: LocalCodec) -> bool {
        self.encoding.eq_ignore_ascii_case(codec.encoding())
            && self.rate == codec.clock()
            && (self.channels == codec.channels() || self.channels == 1)
    }

    /// Telephone events that count by `clock`.
    pub(super) fn is_dtmf(&self, clock: u32) -> bool {
        self.encoding.eq_ignore_ascii_case("telephone-event") && self.rate == clock
    }

    /// The value of a format parameter `name=value`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.fmtp.iter().flat_map(|fmtp| fmtp.split(';'));
        pairs
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(found, value)| found.trim().eq_ignore_ascii_case(name).then(|| value.trim()))
    }
}

/// A codec of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocalCodec {
    /// G.711 A-law.
    Pcma,
    /// G.711 mu-law.
    Pcmu,
    /// G.722.
    G722,
    /// Opus.
    Opus,
}

impl LocalCodec {
    /// Its name in SDP.
    pub fn encoding(self) -> &'static str {
        match self {
            LocalCodec::Pcma => "PCMA",
            LocalCodec::Pcmu => "PCMU",
            LocalCodec::G722 => "G722",
            LocalCodec::Opus => "opus",
        }
    }

    /// Its RTP clock in Hz, as SDP says it: half the truth for G.722 (RFC 3551 4.5.2), and for Opus always the highest
    /// (RFC 7587 7).
    pub fn clock(self) -> u32 {
        match self {
            LocalCodec::Pcma | LocalCodec::Pcmu | LocalCodec::G722 => 8000,
            LocalCodec::Opus => 48_000,
        }
    }

    /// Channels, as SDP says them: Opus always says two, and means neither (RFC 7587 7).
    pub(super) fn channels(self) -> u8 {
        match self {
            LocalCodec::Pcma | LocalCodec::Pcmu | LocalCodec::G722 => 1,
            LocalCodec::Opus => 2,
        }
    }

    /// What we say of it: we can make use of redundancy.
    pub(super) fn parameters(self) -> Option<&'static str> {
        (self == LocalCodec::Opus).then_some("useinbandfec=1")
    }

    /// Its static payload type (RFC 3551), or the dynamic one that we offer it with.
    pub fn payload_type(self) -> u8 {
        match self {
            LocalCodec::Pcma => 8,
            LocalCodec::Pcmu => 0,
            LocalCodec::G722 => 9,
            LocalCodec::Opus => 111,
        }
    }
}

/// Our side of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where we want RTP; concrete.
    pub address: IpAddr,
    /// UDP port for it.
    pub port: u16,
    /// In our order of preference.
    pub codecs: Vec<LocalCodec>,
    /// The same for all descriptions of one session.
    pub session_id: u64,
    /// Grows with each change; see [`Local::revise`].
    pub version: u64,
    /// What we want to do.
    pub direction: Direction,
    /// Whether we take digits as telephone events (RFC 4733).
    pub dtmf: bool,
    /// What we want of SRTP.
    pub srtp: Srtp,
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// In both directions.
    pub codec: LocalCodec,
    /// The peer's payload type for it, with what it says of it.
    pub payload: Payload,
    /// The payload type for telephone-event, if both have it (RFC 4733).
    pub dtmf: Option<u8>,
    /// Hz by which those events count: the clock of the codec if the peer has that (RFC 4733 2.1), else 8000.
    pub dtmf_clock: u32,
    /// Where the peer wants its RTP; None if it did not say, as in an old hold.
    pub remote: Option<SocketAddr>,
    /// Where the peer wants its RTCP, if not on the port behind that of RTP (RFC 3605).
    pub rtcp: Option<SocketAddr>,
    /// RTCP goes with the RTP, both ways (RFC 5761): the peer offered it.
    pub rtcp_mux: bool,
    /// Whether we send.
    pub send: bool,
    /// Whether we receive.
    pub receive: bool,
    /// The m= line that it came with.
    pub profile: Profile,
    /// The keys of an encrypted stream.
    pub encrypted: Option<Encrypted>,
}
