//! Our session descriptions, as bytes.

use sdp_types::{Connection, Media, Origin};

use super::types::Stream;
use super::{Crypto, Direction, Local, LocalCodec};

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
}

pub(super) fn describe(local: &Local, lines: Vec<Media>) -> Vec<u8> {
    let origin = Origin::with_ip_addr(local.session_id, local.version, local.address);
    let mut session = sdp_types::Session::new(origin, "-");
    session.set_connection(Connection::from_ip_addr(local.address));
    session.add_medias(lines);
    written(&session)
}

fn written(session: &sdp_types::Session) -> Vec<u8> {
    let mut body = Vec::with_capacity(512);
    // Writing to a Vec cannot fail.
    let _ = session.write(&mut body);
    body
}

pub(super) fn audio_line(
    port: u16,
    protocol: &str,
    codecs: &[(u8, LocalCodec)],
    events: &[(u8, u32)],
    direction: Direction,
    rtcp_mux: bool,
) -> Media {
    let types = codecs.iter().map(|(pt, _)| *pt).chain(events.iter().map(|(pt, _)| *pt));
    let formats = types.map(|pt| pt.to_string()).collect::<Vec<_>>().join(" ");
    let mut line = line("audio", port, protocol, &formats);
    for (pt, codec) in codecs {
        let (encoding, clock) = (codec.encoding(), codec.clock());
        let channels = if codec.channels() == 1 { "" } else { "/2" };
        line.add_attribute_with_value("rtpmap", format_args!("{pt} {encoding}/{clock}{channels}"));
        if let Some(parameters) = codec.parameters() {
            line.add_attribute_with_value("fmtp", format_args!("{pt} {parameters}"));
        }
    }
    for (pt, clock) in events {
        line.add_attribute_with_value("rtpmap", format_args!("{pt} telephone-event/{clock}"));
        line.add_attribute_with_value("fmtp", format_args!("{pt} 0-16"));
    }
    line.add_attribute_with_value("ptime", 20);
    if rtcp_mux {
        line.add_attribute_from_str("rtcp-mux");
    }
    line.add_attribute_from_str(direction.as_str());
    line
}

pub(super) fn add_crypto(line: &mut Media, key: &Crypto) {
    line.add_attribute_with_value("crypto", key.value());
}

/// RFC 3264 6: a line is refused by port 0; its formats have no meaning any more.
pub(super) fn refused_line(stream: &Stream) -> Media {
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
