//! What reads media: through the door that the daemon uses.

use std::{net::SocketAddr, time::Duration};

use jackfield_media::{
    Codec, Command, LegId, MasterKey, OpusFormat, Params, PortId, Rtcp, Security, Session, Settings, Suite,
    Tones,
    srtp::{Inbound, Outbound},
};

const SUITES: [Suite; 5] = [
    Suite::AesCm128Sha1_80,
    Suite::AesCm128Sha1_32,
    Suite::AesCm256Sha1_80,
    Suite::AeadAes128Gcm,
    Suite::AeadAes256Gcm,
];

/// Room behind a packet, as the daemon's buffer has.
const ROOM: usize = 2048;

fn phone(leg: u64) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, leg as u8], 4000))
}

fn params(leg: u64, codec: Codec, payload_type: u8, tones: Tones) -> Params {
    Params {
        codec,
        payload_type,
        opus: OpusFormat::default(),
        dtmf: Some(101),
        dtmf_clock: codec.clock(),
        tones,
        rtcp: Rtcp::Mux,
        remote: Some(phone(leg)),
        peer: None,
        local: None,
        send: true,
        receive: true,
        security: Security::Plain,
    }
}

/// Two bridged legs: the first byte says of which codecs.
fn bridge(choice: u8, tones: Tones) -> Session {
    let codecs = [(Codec::Pcma, 8), (Codec::Pcmu, 0), (Codec::G722, 9), (Codec::Opus, 111)];
    let mut session = Session::new(Settings::default());
    for (leg, choice) in [(1, choice & 3), (2, choice >> 2 & 3)] {
        let (codec, payload_type) = codecs[usize::from(choice)];
        let params = Some(params(leg, codec, payload_type, tones));
        session.handle_command(
            Duration::ZERO,
            Command::Open { leg: LegId(leg), port: PortId(leg as u32), params },
        );
    }
    session.handle_command(Duration::ZERO, Command::Bridge { a: LegId(1), b: LegId(2) });
    session
}

/// Packets, each behind the two bytes of its length.
fn packets(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = data.split_first_chunk()?;
        let (packet, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        data = rest;
        Some(packet)
    })
}

/// RTP from both phones of a bridge, 20 ms apart.
pub fn rtp(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    let mut session = bridge(*choice, Tones { heard: true, wanted: false });
    for (n, packet) in packets(data).enumerate().take(500) {
        let now = Duration::from_millis(20 * n as u64);
        let leg = 1 + n as u64 % 2;
        let mut buffer = vec![0; packet.len() + ROOM];
        buffer[..packet.len()].copy_from_slice(packet);
        let forward = session.handle_packet(now, PortId(leg as u32), phone(leg), &mut buffer, packet.len());
        assert!(forward.is_none_or(|forward| forward.length <= buffer.len()), "a packet of the buffer");
        pass(&mut session, now);
    }
}

/// RTCP from both phones of a bridge, a second apart.
pub fn rtcp(data: &[u8]) {
    // Nobody listens: minutes of silence would cost more than the reports.
    let mut session = bridge(0, Tones::default());
    let voice = [0x80, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0xd5];
    for leg in [1, 2] {
        let mut buffer = [0; 256];
        buffer[..voice.len()].copy_from_slice(&voice);
        session.handle_packet(Duration::ZERO, PortId(leg as u32), phone(leg), &mut buffer, voice.len());
    }
    for (n, packet) in packets(data).enumerate().take(500) {
        let now = Duration::from_secs(1 + n as u64);
        let leg = 1 + n as u64 % 2;
        session.handle_report(now, PortId(leg as u32), phone(leg), &mut packet.to_vec());
        pass(&mut session, now);
    }
}

/// What is due, and what is to be sent.
fn pass(session: &mut Session, now: Duration) {
    session.handle_timeout(now);
    let mut buffer = [0; 4096];
    while session.poll_transmit(&mut buffer).is_some() {}
    while session.poll_event().is_some() {}
    while session.poll_piece().is_some() {}
}

/// Foreign bytes are never taken for the peer's; and what one side closes, the other opens. The first byte says
/// which suite.
pub fn srtp(data: &[u8]) {
    let Some((choice, packet)) = data.split_first() else { return };
    let suite = SUITES[usize::from(*choice) % SUITES.len()];
    let (key, salt) = suite.lengths();
    let key = MasterKey::new(suite, &vec![7; key + salt]).expect("a key of the suite's length");
    let (mut inbound, mut outbound) = (Inbound::new(key.clone()), Outbound::new(key));
    assert!(inbound.unprotect(&mut packet.to_vec()).is_err(), "a forged packet was taken");
    assert!(inbound.unprotect_rtcp(&mut packet.to_vec()).is_err(), "a forged report was taken");
    let mut buffer = packet.to_vec();
    buffer.resize(packet.len() + ROOM, 0);
    if let Ok(length) = outbound.protect(&mut buffer, packet.len()) {
        let opened = inbound.unprotect(&mut buffer[..length]).expect("our own packet");
        assert_eq!(&buffer[..opened], packet);
        assert!(inbound.unprotect(&mut buffer[..length]).is_err(), "a replayed packet was taken");
    }
    buffer[..packet.len()].copy_from_slice(packet);
    if let Ok(length) = outbound.protect_rtcp(&mut buffer, packet.len()) {
        let opened = inbound.unprotect_rtcp(&mut buffer[..length]).expect("our own report");
        assert_eq!(&buffer[..opened], packet);
    }
}
