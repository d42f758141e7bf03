//! No input makes the crate panic: arbitrary bytes, and real messages with wounds.
#![allow(clippy::unwrap_used, reason = "tests fail by panic")]

use std::time::Duration;

use bytes::Bytes;
use jackfield_sip::{
    Authenticator, Builder, Digests, Flow, FlowId, Framer, Local, LocalCodec, Message, Name, Offered, Rules,
    Srtp, Transport, agreed, answer, parse_sdp, register,
};
use proptest::prelude::*;

const SEED: &str = "REGISTER sip:pbx.example SIP/2.0\r
Via: SIP/2.0/UDP [2001:db8::1]:5060;rport;branch=z9hG4bK1,\r
 SIP / 2.0 / TCP b\r
f: \"A \\\" , <x>\" <sip:a:p@b;x=y?z=1>;tag=1\r
t: sip:a@b\r
Call-ID: 1@2\r
CSeq: 1 REGISTER\r
m: <sip:a@192.0.2.1:5070;ob>;+sip.instance=\"<urn:uuid:1>\";q=0.5;expires=60, sip:c@d\r
Expires: 300\r
Authorization: Digest username=\"a\", realm=\"r\", nonce=\"0000000000000001000000015e1f\", uri=\"sip:pbx.example\", response=\"00\", nc=0000000a, cnonce=\"c\", qop=auth, algorithm=SHA-256\r
Route: <sip:p;lr>, \"x, y\" <sip:q>\r
Content-Type: application/sdp\r
Content-Length: 154\r
\r
v=0\r
o=- 1 2 IN IP4 192.0.2.1\r
s=-\r
c=IN IP6 2001:db8::1\r
t=0 0\r
m=audio 4000 RTP/AVP 8 0 101\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-16\r
a=ptime:20\r
a=sendonly\r
";

fn everything(bytes: &[u8]) {
    let message = match Message::parse(Bytes::copy_from_slice(bytes)) {
        Ok(message) => message,
        Err(error) => {
            if let Some(rejection) = error.rejection() {
                Message::parse(rejection).expect("what we write can be read");
            }
            return;
        }
    };
    let _ = (message.method(), message.uri(), message.status(), message.reason(), message.body());
    let _ =
        (message.via().map(|via| via.seen_from("[::1]:9".parse().unwrap())), message.from(), message.to());
    let _ =
        (message.cseq(), message.call_id(), message.contacts(), message.routes(), message.record_routes());
    let _ = (message.expires(), message.max_forwards(), message.content_type());
    for (name, _) in message.all_headers() {
        let _ = message.values(&Name::from(name)).count();
    }
    for transport in [Transport::Udp, Transport::Tcp] {
        if message.validate(transport).is_ok() && message.is_request() {
            let mut request = message.clone();
            request.set_source("192.0.2.1:1".parse().unwrap());
            let response = Message::parse(Builder::response_to(&request, 404, "", Some("t")).build());
            response.expect("what we write can be read").validate(Transport::Tcp).expect("and is valid");
        }
    }
    let mut authenticator = Authenticator::new("r", [1; 32], Duration::from_secs(1));
    authenticator.check(Duration::ZERO, &message, &Digests::of("a", "r", "p"), Offered::Both);
    let address = "192.0.2.1:5060".parse().unwrap();
    let flow = Flow { id: FlowId(1), transport: Transport::Udp, local: address, remote: address };
    if let Ok(bindings) = register(&Rules::default(), Duration::ZERO, &flow, &message, &[]) {
        let _ = register(&Rules::default(), Duration::ZERO, &flow, &message, &bindings);
    }
    describe(message.body());
}

fn describe(body: &[u8]) {
    let Ok(session) = parse_sdp(body) else { return };
    let local = Local {
        address: "192.0.2.9".parse().unwrap(),
        port: 4000,
        codecs: vec![LocalCodec::Pcma, LocalCodec::Pcmu],
        session_id: 1,
        version: 1,
        dtmf: true,
        srtp: Srtp::default(),
        direction: Default::default(),
    };
    let _ = agreed(&local, &session);
    if let Ok((body, _)) = answer(&local, &session) {
        parse_sdp(&body).expect("what we write can be read");
        let _ = local.clone().revise(&body, &body);
    }
}

fn frame(bytes: &[u8], piece: usize) {
    let mut framer = Framer::new();
    for piece in bytes.chunks(piece) {
        framer.push(piece);
        while let Ok(Some(_)) = framer.next() {}
    }
}

/// A cut, a doubled part, or bytes overwritten at some places.
fn wounded() -> impl Strategy<Value = Vec<u8>> {
    let special = prop::sample::select(b"\r\n\t :;,<>\"\\@?=[]%/*0-\xff\0a".to_vec());
    let wounds = prop::collection::vec((any::<prop::sample::Index>(), special, 0..3u8), 1..6);
    wounds.prop_map(|wounds| {
        let mut bytes = SEED.as_bytes().to_vec();
        for (place, byte, kind) in wounds {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.remove(place)),
            }
        }
        bytes
    })
}

#[test]
fn the_seed_is_whole() {
    let message = Message::parse(SEED.into()).unwrap();
    assert_eq!(message.validate(Transport::Tcp), Ok(()));
    assert!(parse_sdp(message.body()).unwrap().audio().next().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1..40usize) {
        everything(&bytes);
        describe(&bytes);
        frame(&bytes, piece);
    }

    #[test]
    fn wounded_messages_never_panic(bytes in wounded(), piece in 1..40usize) {
        everything(&bytes);
        frame(&bytes, piece);
    }

    #[test]
    fn every_beginning_of_a_message_is_survived(end in 0..SEED.len()) {
        everything(&SEED.as_bytes()[..end]);
    }
}
