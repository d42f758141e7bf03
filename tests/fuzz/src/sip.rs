//! What reads signalling.

use std::time::Duration;

use bytes::Bytes;
use jackfield_sip::{
    Authenticator, Builder, Content, Digests, Direction, Flow, FlowId, Frame, FrameError, Framer, Local,
    LocalCodec, Message, Name, Offered, Rules, Srtp, Transport, agreed, answer, parse_sdp, register,
    stun as binding,
};

/// Parse, every typed access, validate, and what the exchange makes of the message.
pub fn message(data: &[u8]) {
    match Message::parse(Bytes::copy_from_slice(data)) {
        Ok(message) => act_on(&message),
        Err(error) => {
            if let Some(rejection) = error.rejection() {
                Message::parse(rejection).expect("what we write can be read");
            }
        }
    }
}

fn act_on(message: &Message) {
    read(message);
    let remote = "203.0.113.9:40000".parse().expect("an address");
    if message.is_request() && message.validate(Transport::Udp).is_ok() {
        let mut request = message.clone();
        request.set_source(remote);
        let response = Message::parse(Builder::response_to(&request, 404, "", Some("t")).build());
        let response = response.expect("what we write can be read");
        assert_eq!(response.validate(Transport::Tcp), Ok(()));
        assert_eq!(response.cseq(), message.cseq());
    }
    let mut authenticator = Authenticator::new("r", [1; 32], Duration::from_secs(1));
    authenticator.check(Duration::ZERO, message, &Digests::of("a", "r", "p"), Offered::Both);
    let flow = Flow { id: FlowId(1), transport: Transport::Udp, local: remote, remote };
    if let Ok(bindings) = register(&Rules::default(), Duration::ZERO, &flow, message, &[]) {
        let _ = register(&Rules::default(), Duration::ZERO, &flow, message, &bindings);
    }
}

fn read(message: &Message) {
    let _ = (message.method(), message.uri(), message.status(), message.reason(), message.body());
    let _ = (message.via(), message.from(), message.to(), message.cseq(), message.call_id());
    let _ = (message.contacts(), message.routes(), message.record_routes(), message.validate(Transport::Tcp));
    let _ =
        (message.expires(), message.max_forwards(), message.content_type(), Authenticator::user_of(message));
    let _ = message.accepts("application/sdp", "application/sdp");
    for (name, _) in message.all_headers() {
        let _ = message.values(&Name::from(name)).count();
    }
    if let Content::Found(content) = message.content("application/sdp") {
        sdp(content);
    }
}

/// A peer's session description, our answer to it, and the same answer once more.
pub fn sdp(data: &[u8]) {
    let Ok(session) = parse_sdp(data) else { return };
    let mut local = Local {
        address: "192.0.2.9".parse().expect("an address"),
        port: 4000,
        codecs: vec![LocalCodec::Opus, LocalCodec::G722, LocalCodec::Pcma, LocalCodec::Pcmu],
        session_id: 1,
        version: 1,
        direction: Direction::SendRecv,
        dtmf: true,
        srtp: Srtp::default(),
    };
    let agreed = agreed(&local, &session);
    match answer(&local, &session) {
        Ok((body, mine)) => {
            assert_eq!(agreed, Ok(mine));
            let read = parse_sdp(&body).expect("what we write can be read");
            assert!(read.audio().count() == 1, "one line is taken");
            assert_eq!(local.revise(&body, &body), body);
        }
        Err(error) => assert_eq!(agreed, Err(error)),
    }
}

/// A stream in pieces gives the same frames as in one; the first byte is the size of the pieces.
pub fn framer(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let size = usize::from(*size).max(1);
    assert_eq!(frames(stream, size), frames(stream, stream.len().max(1)));
}

fn frames(stream: &[u8], size: usize) -> (Vec<Frame>, Option<FrameError>) {
    let (mut framer, mut frames) = (Framer::new(), Vec::new());
    for piece in stream.chunks(size) {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

/// A question gets an answer that says where it came from, or which attribute is not understood; and any
/// answer is read.
pub fn stun(data: &[u8]) {
    let _ = binding::is_stun(data);
    let Some(id) = data.get(8..20).and_then(|id| id.try_into().ok()) else { return };
    let _ = binding::mapped_address(data, id);
    for source in ["203.0.113.9:40000", "[2001:db8::9]:40000"] {
        let source = source.parse().expect("an address");
        if let Some(answer) = binding::answer(data, source) {
            let mapped = binding::mapped_address(&answer, id);
            assert!(mapped.is_none_or(|mapped| mapped == source), "{mapped:?} is not {source}");
        }
    }
}
