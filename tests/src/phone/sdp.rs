//! As much of SDP as a G.711 phone needs.

use std::net::{IpAddr, SocketAddr};

use crate::{audio::Law, rtp::Audio};

/// Codecs of an offer, A-law first as in Europe.
const OFFER: [u8; 2] = [8, 0];

const PLAIN: &str = "RTP/AVP";

/// How audio travels: what the m= line says, and the tag of the line with our key, if it is encrypted.
pub(super) struct Travel {
    profile: String,
    tag: u32,
}

impl Travel {
    /// Of an offer: encrypted or not at all.
    fn offer(audio: &Audio) -> Travel {
        let profile = if audio.crypto().is_some() { "RTP/SAVP" } else { PLAIN };
        Travel { profile: profile.to_owned(), tag: 1 }
    }

    /// Of an answer.
    #[track_caller]
    pub(super) fn answer(audio: &Audio, offer: &Session) -> Travel {
        match audio.crypto() {
            Some((suite, _)) => {
                let key = offer.key(suite).unwrap_or_else(|| panic!("{suite} is not offered"));
                Travel { profile: offer.profile.clone(), tag: key.tag }
            }
            None => Travel { profile: PLAIN.to_owned(), tag: 0 },
        }
    }
}

/// All that we can.
pub(super) fn offer(audio: &Audio) -> String {
    write(audio, &OFFER, 101, &Travel::offer(audio))
}

/// A description of our side.
pub(super) fn write(audio: &Audio, codecs: &[u8], digit_type: u8, travel: &Travel) -> String {
    let crypto =
        audio.crypto().map(|(suite, key)| format!("a=crypto:{} {suite} inline:{key}\r\n", travel.tag));
    let local = audio.local();
    let types: Vec<String> = codecs.iter().map(u8::to_string).collect();
    let maps = codecs.iter().map(|codec| match Law::of(*codec) {
        Some(Law::Mu) => "a=rtpmap:0 PCMU/8000\r\n",
        _ => "a=rtpmap:8 PCMA/8000\r\n",
    });
    format!(
        "v=0\r\no=- 7 7 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} {profile} {types} {digit_type}\r\n{maps}\
         a=rtpmap:{digit_type} telephone-event/8000\r\na=fmtp:{digit_type} 0-15\r\na=ptime:20\r\na=sendrecv\r\n{crypto}",
        ip = local.ip(),
        port = local.port(),
        profile = travel.profile,
        types = types.join(" "),
        maps = maps.collect::<String>(),
        crypto = crypto.unwrap_or_default(),
    )
}

/// What the other side described.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Session {
    /// `RTP/AVP` or `RTP/SAVP`.
    profile: String,
    keys: Vec<Key>,
    pub(super) remote: SocketAddr,
    /// Its first G.711 codec.
    pub(super) codec: u8,
    pub(super) digit_type: u8,
}

/// A key that the other side sends with.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    tag: u32,
    suite: String,
    key: String,
}

impl Session {
    fn key(&self, suite: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.suite == suite)
    }
}

/// None when there is no audio to be had.
pub(super) fn read(body: &[u8]) -> Option<Session> {
    let text = std::str::from_utf8(body).ok()?;
    let address: IpAddr =
        text.lines().find_map(|line| line.strip_prefix("c=IN IP4 "))?.trim().parse().ok()?;
    let media = text.lines().find_map(|line| line.strip_prefix("m=audio "))?;
    let mut words = media.split_whitespace();
    let port: u16 = words.next()?.parse().ok()?;
    let profile = words.next()?;
    let codec = words.find_map(|word| word.parse().ok().filter(|codec| Law::of(*codec).is_some()))?;
    let digit_type = text.lines().find_map(|line| {
        let (number, name) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.to_ascii_lowercase().starts_with("telephone-event/8000").then(|| number.parse().ok())?
    });
    let keys = text.lines().filter_map(|line| {
        let mut words = line.strip_prefix("a=crypto:")?.split_whitespace();
        let (tag, suite) = (words.next()?.parse().ok()?, words.next()?.to_owned());
        let key = words.next()?.strip_prefix("inline:")?.split('|').next()?.to_owned();
        Some(Key { tag, suite, key })
    });
    (port != 0).then_some(Session {
        profile: profile.to_owned(),
        keys: keys.collect(),
        remote: SocketAddr::new(address, port),
        codec,
        digit_type: digit_type.unwrap_or(101),
    })
}

/// Lets the audio talk to what was described.
pub(super) fn connect(audio: &Audio, session: &Session) {
    let law = Law::of(session.codec).expect("G.711, as read");
    let key = audio.crypto().and_then(|(suite, _)| session.key(suite));
    let remote = key.map_or(session.remote, |key| audio.encrypting_to(session.remote, &key.key));
    audio.connect(remote, law, session.digit_type);
}
