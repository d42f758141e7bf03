//! Session descriptions of the phones.

use std::net::SocketAddr;

/// What a phone writes, and reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sdp {
    pub(crate) rtp: SocketAddr,
    /// Payload types in order of preference.
    pub(crate) payloads: Vec<u8>,
    pub(crate) direction: String,
    /// The version of the o= line.
    pub(crate) version: u64,
    /// Of the m= line.
    pub(crate) protocol: String,
    /// The a=crypto lines.
    pub(crate) crypto: Vec<String>,
}

impl Sdp {
    /// A-law before mu-law, and telephone events.
    pub(crate) fn new(rtp: SocketAddr) -> Sdp {
        Sdp {
            rtp,
            payloads: vec![8, 0, 101],
            direction: "sendrecv".to_owned(),
            version: 1,
            protocol: "RTP/AVP".to_owned(),
            crypto: Vec::new(),
        }
    }

    /// With that m= line and this key.
    pub(crate) fn encrypted(self, protocol: &str, crypto: &str) -> Sdp {
        Sdp { protocol: protocol.to_owned(), crypto: vec![crypto.to_owned()], ..self }
    }

    /// The key of its line for a suite.
    #[track_caller]
    pub(crate) fn key(&self, suite: &str) -> String {
        let line = self.crypto.iter().find(|line| line.split(' ').nth(1) == Some(suite));
        line.and_then(|line| line.split("inline:").nth(1)).expect("a key for that suite").to_owned()
    }

    pub(crate) fn payloads(self, payloads: &[u8]) -> Sdp {
        Sdp { payloads: payloads.to_vec(), ..self }
    }

    pub(crate) fn direction(self, direction: &str) -> Sdp {
        Sdp { direction: direction.to_owned(), version: self.version + 1, ..self }
    }

    /// The audio codecs among the payloads.
    pub(crate) fn codecs(&self) -> Vec<u8> {
        self.payloads.iter().copied().filter(|payload| *payload < 96).collect()
    }

    pub(crate) fn write(&self) -> String {
        let (ip, port) = (self.rtp.ip(), self.rtp.port());
        let list: String = self.payloads.iter().map(|payload| format!(" {payload}")).collect();
        let maps: String = self.payloads.iter().map(|payload| map(*payload)).collect();
        let keys: String = self.crypto.iter().map(|line| format!("a=crypto:{line}\r\n")).collect();
        let protocol = &self.protocol;
        format!(
            "v=0\r\no=- 7 {} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} {protocol}{list}\r\n{maps}{keys}a={}\r\n",
            self.version, self.direction
        )
    }

    pub(crate) fn read(body: &[u8]) -> Option<Sdp> {
        let text = std::str::from_utf8(body).ok().filter(|text| !text.is_empty())?;
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
        let ip = line("c=IN IP4 ")?.parse().ok()?;
        let mut audio = line("m=audio ")?.split(' ');
        let port = audio.next()?.parse().ok()?;
        let protocol = audio.next()?.to_owned();
        let crypto =
            text.lines().filter_map(|line| line.strip_prefix("a=crypto:")).map(str::to_owned).collect();
        let payloads = audio.filter_map(|payload| payload.parse().ok()).collect();
        let directions = ["sendrecv", "sendonly", "recvonly", "inactive"];
        let direction = directions.into_iter().find(|d| text.contains(&format!("a={d}")));
        let version = line("o=")?.split(' ').nth(2)?.parse().ok()?;
        let direction = direction.unwrap_or("sendrecv").to_owned();
        Some(Sdp { rtp: SocketAddr::new(ip, port), payloads, direction, version, protocol, crypto })
    }
}

fn map(payload: u8) -> String {
    match payload {
        0 => "a=rtpmap:0 PCMU/8000\r\n".to_owned(),
        8 => "a=rtpmap:8 PCMA/8000\r\n".to_owned(),
        9 => "a=rtpmap:9 G722/8000\r\n".to_owned(),
        events => format!("a=rtpmap:{events} telephone-event/8000\r\na=fmtp:{events} 0-16\r\n"),
    }
}
