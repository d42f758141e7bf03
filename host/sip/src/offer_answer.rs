//! Offers and answers for one audio stream (RFC 3264), over the crate `sdp_types`.
//!
//! The first audio line over plain RTP that has a codec of ours is taken; all other lines are answered with
//! port 0. An answer names one codec, so that nobody changes it in the middle of a call.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp_types::{Attribute, Connection, Media, Origin};

/// A body that cannot be read as SDP.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("bad session description: {0}")]
pub struct SdpError(String);

/// Neither side has a codec, or a transport, that the other one has: 488.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no common codec")]
pub struct NoCommonCodec;

/// Who sends, seen from the one who wrote it (RFC 3264 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// The writer only: it holds the other side.
    SendOnly,
    /// The other side only.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// By what the writer does.
    pub fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// Whether the writer sends.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the writer receives.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// What the side that has `self` may do, facing one that wrote `peer`.
    fn facing(self, peer: Direction) -> Direction {
        Direction::new(self.sends() && peer.receives(), self.receives() && peer.sends())
    }

    fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    fn find(attributes: &[Attribute]) -> Option<Direction> {
        let all = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
        attributes.iter().find_map(|attribute| {
            all.into_iter().find(|direction| attribute.attribute.eq_ignore_ascii_case(direction.as_str()))
        })
    }
}

/// A peer's session description, as far as an exchange needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    streams: Vec<Stream>,
}

impl Session {
    /// The audio streams that could be used, in the peer's order.
    pub fn audio(&self) -> impl Iterator<Item = &Audio> {
        self.streams.iter().filter_map(|stream| stream.audio.as_ref())
    }
}

/// One m= line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stream {
    media: String,
    protocol: String,
    formats: String,
    /// If it is audio over plain RTP, and not turned off by port 0.
    audio: Option<Audio>,
}

/// An audio stream of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// Where it wants its RTP; the unspecified address if it gave none, or a name.
    pub remote: SocketAddr,
    /// In its order of preference.
    pub payloads: Vec<Payload>,
    /// Seen from the peer. The old hold by `c=0.0.0.0` counts as not receiving (RFC 3264 8.4).
    pub direction: Direction,
    /// Milliseconds per packet that it wishes for.
    pub ptime: Option<u32>,
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
    fn is(&self, codec: LocalCodec) -> bool {
        self.encoding.eq_ignore_ascii_case(codec.encoding()) && self.rate == 8000 && self.channels == 1
    }

    fn is_dtmf(&self) -> bool {
        self.encoding.eq_ignore_ascii_case("telephone-event") && self.rate == 8000
    }
}

/// Reads a peer's session description.
pub fn parse_sdp(body: &[u8]) -> Result<Session, SdpError> {
    let session = sdp_types::Session::parse(body).map_err(|error| SdpError(error.to_string()))?;
    Ok(Session { streams: session.medias.iter().map(|media| stream(&session, media)).collect() })
}

/// A codec of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocalCodec {
    /// G.711 A-law.
    Pcma,
    /// G.711 mu-law.
    Pcmu,
}

impl LocalCodec {
    /// Its name in SDP.
    pub fn encoding(self) -> &'static str {
        match self {
            LocalCodec::Pcma => "PCMA",
            LocalCodec::Pcmu => "PCMU",
        }
    }

    /// Its static payload type (RFC 3551).
    pub fn payload_type(self) -> u8 {
        match self {
            LocalCodec::Pcma => 8,
            LocalCodec::Pcmu => 0,
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
}

impl Local {
    /// For a description that follows another one of the session: gives `sent` again if `made` by [`offer`]
    /// or [`answer`] says the same, else `made` with the next version (RFC 3264 8).
    pub fn revise(&mut self, made: &[u8], sent: &[u8]) -> Vec<u8> {
        let (Ok(mut next), Ok(last)) = (sdp_types::Session::parse(made), sdp_types::Session::parse(sent))
        else {
            return made.to_vec();
        };
        next.origin.sess_version = last.origin.sess_version;
        if next == last {
            return sent.to_vec();
        }
        self.version = last.origin.sess_version.wrapping_add(1);
        next.origin.sess_version = self.version;
        written(&next)
    }

    fn describe(&self, lines: Vec<Media>) -> Vec<u8> {
        let origin = Origin::with_ip_addr(self.session_id, self.version, self.address);
        let mut session = sdp_types::Session::new(origin, "-");
        session.set_connection(Connection::from_ip_addr(self.address));
        session.add_medias(lines);
        written(&session)
    }
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// `PCMA` or `PCMU`.
    pub encoding: &'static str,
    /// The payload type for it.
    pub payload_type: u8,
    /// The payload type for telephone-event at 8000 Hz, if both have it (RFC 4733).
    pub dtmf: Option<u8>,
    /// Where the peer wants its RTP; None if it did not say, as in an old hold.
    pub remote: Option<SocketAddr>,
    /// Whether we send.
    pub send: bool,
    /// Whether we receive.
    pub receive: bool,
}

/// The payload type that we give to telephone-event.
const DTMF: u8 = 101;

/// Our offer: all our codecs, and telephone-event 0-16.
pub fn offer(local: &Local) -> Vec<u8> {
    let codecs: Vec<_> = local.codecs.iter().map(|codec| (codec.payload_type(), codec.encoding())).collect();
    local.describe(vec![audio_line(local.port, "RTP/AVP", &codecs, Some(DTMF), local.direction)])
}

/// Our answer to a peer's offer, and what it comes to: the peer's first codec that we have, with the peer's
/// payload types.
pub fn answer(local: &Local, offer: &Session) -> Result<(Vec<u8>, Agreed), NoCommonCodec> {
    let usable = |stream: &Stream| stream.audio.as_ref().and_then(|audio| agree(local, audio));
    let found = offer.streams.iter().enumerate().find_map(|(place, stream)| Some(place).zip(usable(stream)));
    let (taken, agreed) = found.ok_or(NoCommonCodec)?;
    let direction = Direction::new(agreed.send, agreed.receive);
    let codec = [(agreed.payload_type, agreed.encoding)];
    let line = |(place, stream): (usize, &Stream)| match place == taken {
        true => audio_line(local.port, &stream.protocol, &codec, agreed.dtmf, direction),
        false => refused_line(stream),
    };
    let lines = offer.streams.iter().enumerate().map(line).collect();
    Ok((local.describe(lines), agreed))
}

/// What a peer's answer to our offer comes to.
pub fn agreed(local: &Local, answer: &Session) -> Result<Agreed, NoCommonCodec> {
    answer.audio().find_map(|audio| agree(local, audio)).ok_or(NoCommonCodec)
}

fn agree(local: &Local, audio: &Audio) -> Option<Agreed> {
    let ours = |payload: &Payload| local.codecs.iter().copied().find(|codec| payload.is(*codec));
    let (payload, codec) = audio.payloads.iter().find_map(|payload| Some(payload).zip(ours(payload)))?;
    let direction = local.direction.facing(audio.direction);
    Some(Agreed {
        encoding: codec.encoding(),
        payload_type: payload.pt,
        dtmf: audio.payloads.iter().find(|payload| payload.is_dtmf()).map(|payload| payload.pt),
        remote: Some(audio.remote).filter(|remote| !remote.ip().is_unspecified()),
        send: direction.sends(),
        receive: direction.receives(),
    })
}

fn written(session: &sdp_types::Session) -> Vec<u8> {
    let mut body = Vec::with_capacity(512);
    // Writing to a Vec cannot fail.
    let _ = session.write(&mut body);
    body
}

fn stream(session: &sdp_types::Session, media: &Media) -> Stream {
    let plain_rtp = ["RTP/AVP", "RTP/AVPF"].iter().any(|profile| media.proto.eq_ignore_ascii_case(profile));
    let usable = plain_rtp && media.media.eq_ignore_ascii_case("audio") && media.port != 0;
    Stream {
        media: media.media.clone(),
        protocol: media.proto.clone(),
        formats: media.fmt.clone(),
        audio: usable.then(|| audio(session, media)),
    }
}

fn audio(session: &sdp_types::Session, media: &Media) -> Audio {
    let address = address(session, media);
    let direction = Direction::find(&media.attributes).or_else(|| Direction::find(&session.attributes));
    let direction = direction.unwrap_or_default();
    let held = address.is_some_and(|address| address.is_unspecified());
    let ptime = media.get_first_attribute_value("ptime").flatten();
    Audio {
        remote: SocketAddr::new(address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), media.port),
        payloads: media.fmt.split_whitespace().filter_map(|format| payload(media, format)).collect(),
        direction: Direction::new(direction.sends(), direction.receives() && !held),
        ptime: ptime.and_then(|ptime| ptime.trim().parse().ok()),
    }
}

/// The address of the line's c=, else of the session's; None if it is a name or missing.
fn address(session: &sdp_types::Session, media: &Media) -> Option<IpAddr> {
    let connection = media.connections.first().or(session.connection.as_ref())?;
    connection.connection_address.split('/').next()?.parse().ok()
}

/// By its rtpmap, else by the static types of RFC 3551.
fn payload(media: &Media, format: &str) -> Option<Payload> {
    let pt = format.parse().ok().filter(|pt| *pt < 128)?;
    let (encoding, rate, channels) = match value_for(media, "rtpmap", format) {
        Some(map) => rtpmap(map)?,
        None => static_payload(pt)?,
    };
    let fmtp = value_for(media, "fmtp", format).map(str::to_owned);
    Some(Payload { pt, encoding: encoding.to_owned(), rate, channels, fmtp })
}

/// What stands behind `a=name:format`.
fn value_for<'a>(media: &'a Media, name: &'a str, format: &str) -> Option<&'a str> {
    media.get_attribute_values(name).flatten().find_map(|value| {
        let (found, rest) = value.trim_start().split_once(' ')?;
        (found == format).then(|| rest.trim())
    })
}

/// `encoding/rate[/channels]`.
fn rtpmap(map: &str) -> Option<(&str, u32, u8)> {
    let mut parts = map.split('/').map(str::trim);
    let (encoding, rate) = (parts.next()?, parts.next()?.parse().ok()?);
    let channels = parts.next().map_or(Some(1), |channels| channels.parse().ok())?;
    Some((encoding, rate, channels))
}

fn static_payload(pt: u8) -> Option<(&'static str, u32, u8)> {
    match pt {
        0 => Some(("PCMU", 8000, 1)),
        3 => Some(("GSM", 8000, 1)),
        4 => Some(("G723", 8000, 1)),
        8 => Some(("PCMA", 8000, 1)),
        9 => Some(("G722", 8000, 1)),
        13 => Some(("CN", 8000, 1)),
        18 => Some(("G729", 8000, 1)),
        _ => None,
    }
}

fn audio_line(
    port: u16,
    protocol: &str,
    codecs: &[(u8, &str)],
    dtmf: Option<u8>,
    direction: Direction,
) -> Media {
    let types = codecs.iter().map(|(pt, _)| *pt).chain(dtmf);
    let formats = types.map(|pt| pt.to_string()).collect::<Vec<_>>().join(" ");
    let mut line = line("audio", port, protocol, &formats);
    for (pt, encoding) in codecs {
        line.add_attribute_with_value("rtpmap", format_args!("{pt} {encoding}/8000"));
    }
    if let Some(pt) = dtmf {
        line.add_attribute_with_value("rtpmap", format_args!("{pt} telephone-event/8000"));
        line.add_attribute_with_value("fmtp", format_args!("{pt} 0-16"));
    }
    line.add_attribute_with_value("ptime", 20);
    line.add_attribute_from_str(direction.as_str());
    line
}

/// RFC 3264 6: a line is refused by port 0; its formats have no meaning any more.
fn refused_line(stream: &Stream) -> Media {
    line(&stream.media, 0, &stream.protocol, &stream.formats)
}

fn line(media: &str, port: u16, protocol: &str, formats: &str) -> Media {
    Media {
        media: media.to_owned(),
        port,
        num_ports: None,
        proto: protocol.to_owned(),
        fmt: formats.to_owned(),
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}
