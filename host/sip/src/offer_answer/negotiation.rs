//! Our offers and answers, and what an answer comes to.

use super::types::Stream;
use super::writing::{add_crypto, audio_line, describe, refused_line};
use super::{
    Agreed, Audio, Direction, Encrypted, Local, LocalCodec, NoCommonCodec, Payload, Profile, Session,
};

/// The payload types that we give to telephone-event, by its clock.
const DTMF: (u8, u32) = (101, 8000);
const DTMF_OF_OPUS: (u8, u32) = (110, 48_000);

/// Our offer: all our codecs, and telephone-event 0-16 for each of their clocks if we take it. RTCP has its own
/// port, as every peer knows it.
pub fn offer(local: &Local) -> Vec<u8> {
    let codecs: Vec<_> = local.codecs.iter().map(|codec| (codec.payload_type(), *codec)).collect();
    let events: &[_] = match local.codecs.contains(&LocalCodec::Opus) {
        _ if !local.dtmf => &[],
        true => &[DTMF, DTMF_OF_OPUS],
        false => &[DTMF],
    };
    let protocol = if local.srtp.profile == Profile::Secure { "RTP/SAVP" } else { "RTP/AVP" };
    let mut line = audio_line(local.port, protocol, &codecs, events, local.direction, false);
    if local.srtp.profile != Profile::Plain {
        local.srtp.keys.iter().for_each(|key| add_crypto(&mut line, key));
    }
    describe(local, vec![line])
}

/// Our answer to a peer's offer, and what it comes to: the peer's first codec that we have, with the peer's
/// payload types.
pub fn answer(local: &Local, offer: &Session) -> Result<(Vec<u8>, Agreed), NoCommonCodec> {
    let usable = |stream: &Stream| {
        let audio = stream.audio.as_ref()?;
        agree(local, audio, local.srtp.answer(&audio.crypto))
    };
    let usable = |(place, stream)| Some(place).zip(usable(stream));
    let mut found: Vec<(usize, Agreed)> = offer.streams.iter().enumerate().filter_map(usable).collect();
    // A phone that offers both ways has two lines, and should get the better one.
    found.sort_by_key(|(_, agreed)| agreed.encrypted.is_none());
    let (taken, agreed) = found.into_iter().next().ok_or(NoCommonCodec)?;
    let direction = Direction::new(agreed.send, agreed.receive);
    let codec = [(agreed.payload.pt, agreed.codec)];
    let events: Vec<_> = agreed.dtmf.map(|pt| (pt, agreed.dtmf_clock)).into_iter().collect();
    let line = |(place, stream): (usize, &Stream)| match place == taken {
        true => {
            let mux = agreed.rtcp_mux;
            let mut line = audio_line(local.port, &stream.protocol, &codec, &events, direction, mux);
            agreed.encrypted.iter().for_each(|keys| add_crypto(&mut line, &keys.ours));
            line
        }
        false => refused_line(stream),
    };
    let lines = offer.streams.iter().enumerate().map(line).collect();
    Ok((describe(local, lines), agreed))
}

/// What a peer's answer to our offer comes to.
pub fn agreed(local: &Local, answer: &Session) -> Result<Agreed, NoCommonCodec> {
    let usable = |audio: &Audio| {
        let taken = local.srtp.taken(&audio.crypto).filter(|_| local.srtp.profile != Profile::Plain);
        agree(local, audio, taken)
    };
    let agreed = answer.audio().find_map(usable).ok_or(NoCommonCodec)?;
    // RFC 5761 5.1.1: only who was offered it may answer with it.
    Ok(Agreed { rtcp_mux: false, ..agreed })
}

/// `encrypted` if both sides have a key; without one a line that demands it comes to nothing.
fn agree(local: &Local, audio: &Audio, encrypted: Option<Encrypted>) -> Option<Agreed> {
    if encrypted.is_none() && (audio.secure || local.srtp.required) {
        return None;
    }
    let ours = |payload: &Payload| local.codecs.iter().copied().find(|codec| payload.is(*codec));
    let (payload, codec) = audio.payloads.iter().find_map(|payload| Some(payload).zip(ours(payload)))?;
    let direction = local.direction.facing(audio.direction);
    let events = [codec.clock(), 8000].into_iter().find_map(|clock| {
        let payload = audio.payloads.iter().find(|payload| payload.is_dtmf(clock))?;
        Some((payload.pt, clock)).filter(|_| local.dtmf)
    });
    Some(Agreed {
        codec,
        payload: payload.clone(),
        dtmf: events.map(|(pt, _)| pt),
        dtmf_clock: events.map_or(codec.clock(), |(_, clock)| clock),
        remote: Some(audio.remote).filter(|remote| !remote.ip().is_unspecified()),
        rtcp: audio.rtcp,
        rtcp_mux: audio.rtcp_mux,
        send: direction.sends(),
        receive: direction.receives(),
        profile: match &encrypted {
            Some(_) if audio.secure => Profile::Secure,
            Some(_) => Profile::BestEffort,
            None => Profile::Plain,
        },
        encrypted,
    })
}
