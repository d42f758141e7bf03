//! As much of SDP as a G.711 phone needs.

use std::net::{IpAddr, SocketAddr};

use crate::{audio::Law, rtp::Audio};

/// Codecs of an offer, A-law first as in Europe.
pub(super) const OFFER: [u8; 2] = [8, 0];

/// A description of our side.
pub(super) fn write(audio: &Audio, codecs: &[u8], digit_type: u8) -> String {
    let local = audio.local();
    let types: Vec<String> = codecs.iter().map(u8::to_string).collect();
    let maps = codecs.iter().map(|codec| match Law::of(*codec) {
        Some(Law::Mu) => "a=rtpmap:0 PCMU/8000\r\n",
        _ => "a=rtpmap:8 PCMA/8000\r\n",
    });
    format!(
        "v=0\r\no=- 7 7 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {types} {digit_type}\r\n{maps}\
         a=rtpmap:{digit_type} telephone-event/8000\r\na=fmtp:{digit_type} 0-15\r\na=ptime:20\r\na=sendrecv\r\n",
        ip = local.ip(),
        port = local.port(),
        types = types.join(" "),
        maps = maps.collect::<String>(),
    )
}

/// What the other side described.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Session {
    pub(super) remote: SocketAddr,
    /// Its first G.711 codec.
    pub(super) codec: u8,
    pub(super) digit_type: u8,
}

/// None when there is no audio to be had.
pub(super) fn read(body: &[u8]) -> Option<Session> {
    let text = std::str::from_utf8(body).ok()?;
    let address: IpAddr =
        text.lines().find_map(|line| line.strip_prefix("c=IN IP4 "))?.trim().parse().ok()?;
    let media = text.lines().find_map(|line| line.strip_prefix("m=audio "))?;
    let mut words = media.split_whitespace();
    let port: u16 = words.next()?.parse().ok()?;
    let codec = words.skip(1).find_map(|word| word.parse().ok().filter(|codec| Law::of(*codec).is_some()))?;
    let digit_type = text.lines().find_map(|line| {
        let (number, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.to_ascii_lowercase().starts_with("telephone-event/8000").then(|| number.parse().ok())?
    });
    (port != 0).then_some(Session {
        remote: SocketAddr::new(address, port),
        codec,
        digit_type: digit_type.unwrap_or(101),
    })
}

/// Lets the audio talk to what was described.
pub(super) fn connect(audio: &Audio, session: Session) {
    let law = Law::of(session.codec).expect("G.711, as read");
    audio.connect(session.remote, law, session.digit_type);
}
