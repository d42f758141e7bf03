//! A peer's session description, from its bytes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sdp_types::Media;

use super::types::Stream;
use super::{Audio, Crypto, Direction, Payload, SdpError, Session};

/// Reads a peer's session description.
pub fn parse_sdp(body: &[u8]) -> Result<Session, SdpError> {
    let session = sdp_types::Session::parse(body).map_err(|error| SdpError(error.to_string()))?;
    Ok(Session { streams: session.medias.iter().map(|media| stream(&session, media)).collect() })
}

fn stream(session: &sdp_types::Session, media: &Media) -> Stream {
    let is_rtp = is_secure(media) || is_one_of(&media.proto, ["RTP/AVP", "RTP/AVPF"]);
    let usable = is_rtp && media.media.eq_ignore_ascii_case("audio") && media.port != 0;
    Stream {
        media: media.media.clone(),
        protocol: media.proto.clone(),
        formats: media.fmt.clone(),
        audio: usable.then(|| audio(session, media)),
    }
}

/// Not `UDP/TLS/RTP/SAVP`, whose keys come by DTLS.
fn is_secure(media: &Media) -> bool {
    is_one_of(&media.proto, ["RTP/SAVP", "RTP/SAVPF"])
}

fn is_one_of(protocol: &str, names: [&str; 2]) -> bool {
    names.iter().any(|name| protocol.eq_ignore_ascii_case(name))
}

fn audio(session: &sdp_types::Session, media: &Media) -> Audio {
    let address = address(session, media);
    let direction = Direction::find(&media.attributes).or_else(|| Direction::find(&session.attributes));
    let direction = direction.unwrap_or_default();
    let held = address.is_some_and(|address| address.is_unspecified());
    let ptime = media.get_first_attribute_value("ptime").flatten();
    Audio {
        remote: SocketAddr::new(address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), media.port),
        secure: is_secure(media),
        crypto: media.get_attribute_values("crypto").flatten().filter_map(Crypto::parse).collect(),
        payloads: media.fmt.split_whitespace().filter_map(|format| payload(media, format)).collect(),
        direction: Direction::new(direction.sends(), direction.receives() && !held),
        ptime: ptime.and_then(|ptime| ptime.trim().parse().ok()),
        rtcp: rtcp(media, address),
        rtcp_mux: media.has_attribute("rtcp-mux"),
    }
}

/// The address of the line's c=, else of the session's; None if it is a name or missing.
fn address(session: &sdp_types::Session, media: &Media) -> Option<IpAddr> {
    let connection = media.connections.first().or(session.connection.as_ref())?;
    connection.connection_address.split('/').next()?.parse().ok()
}

/// RFC 3605 2.1: `port [IN IP4 address]`; the address is that of the RTP when none is given.
fn rtcp(media: &Media, address: Option<IpAddr>) -> Option<SocketAddr> {
    let mut words = media.get_first_attribute_value("rtcp").flatten()?.split_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    let address = words.nth(2).map_or(address, |address| address.parse().ok())?;
    Some(SocketAddr::new(address, port)).filter(|address| !address.ip().is_unspecified())
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
