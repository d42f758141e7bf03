//! Our offers and answers, and what an answer comes to.

use super::types::Stream;
use super::writing::{audio_line, describe, refused_line};
use super::{Agreed, Audio, Direction, Local, NoCommonCodec, Payload, Session};

/// The payload type that we give to telephone-event.
const DTMF: u8 = 101;

/// Our offer: all our codecs, and telephone-event 0-16 if we take it. RTCP has its own port, as every peer knows it.
pub fn offer(local: &Local) -> Vec<u8> {
    let dtmf = local.dtmf.then_some(DTMF);
    let codecs: Vec<_> = local.codecs.iter().map(|codec| (codec.payload_type(), codec.encoding())).collect();
    describe(local, vec![audio_line(local.port, "RTP/AVP", &codecs, dtmf, local.direction, false)])
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
        true => audio_line(local.port, &stream.protocol, &codec, agreed.dtmf, direction, agreed.rtcp_mux),
        false => refused_line(stream),
    };
    let lines = offer.streams.iter().enumerate().map(line).collect();
    Ok((describe(local, lines), agreed))
}

/// What a peer's answer to our offer comes to.
pub fn agreed(local: &Local, answer: &Session) -> Result<Agreed, NoCommonCodec> {
    let agreed = answer.audio().find_map(|audio| agree(local, audio)).ok_or(NoCommonCodec)?;
    // RFC 5761 5.1.1: only who was offered it may answer with it.
    Ok(Agreed { rtcp_mux: false, ..agreed })
}

fn agree(local: &Local, audio: &Audio) -> Option<Agreed> {
    let ours = |payload: &Payload| local.codecs.iter().copied().find(|codec| payload.is(*codec));
    let (payload, codec) = audio.payloads.iter().find_map(|payload| Some(payload).zip(ours(payload)))?;
    let direction = local.direction.facing(audio.direction);
    let dtmf = audio.payloads.iter().find(|payload| payload.is_dtmf()).map(|payload| payload.pt);
    Some(Agreed {
        encoding: codec.encoding(),
        payload_type: payload.pt,
        dtmf: dtmf.filter(|_| local.dtmf),
        remote: Some(audio.remote).filter(|remote| !remote.ip().is_unspecified()),
        rtcp: audio.rtcp,
        rtcp_mux: audio.rtcp_mux,
        send: direction.sends(),
        receive: direction.receives(),
    })
}
