//! Parsing an INVITE of ordinary size, beside rsip.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jackfield_sip::Message;

use crate::{allocations, report::Figure};

const ROUNDS: u32 = 20_000;
const SERIES: usize = 7;

pub(crate) fn figures() -> Vec<Figure> {
    let text = invite();
    let bytes = Bytes::from(text.clone().into_bytes());
    let ours = || Message::parse(bytes.clone()).expect("the INVITE above is valid");
    let theirs = || rsip::SipMessage::try_from(text.as_bytes()).expect("the INVITE above is valid");

    let (mut our_best, mut their_best) = (f64::MAX, f64::MAX);
    // In turns, so that both see the same weather.
    for _ in 0..SERIES {
        our_best = our_best.min(nanoseconds(|| black_box(ours()).is_request()));
        their_best =
            their_best.min(nanoseconds(|| matches!(black_box(theirs()), rsip::SipMessage::Request(_))));
    }
    let counted = allocations::count(ours) as f64;
    vec![
        Figure::new("parse_invite", our_best, "ns").beside("rsip 0.4", their_best).target(1500.0),
        Figure::new("parse_invite_allocations", counted, "allocations")
            .beside("rsip 0.4", allocations::count(theirs) as f64)
            .target(4.0),
    ]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn nanoseconds(mut work: impl FnMut() -> bool) -> f64 {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        black_box(work());
    }
    let passed: Duration = start.elapsed();
    passed.as_nanos() as f64 / f64::from(ROUNDS)
}

/// As a desk phone behind a proxy sends it: 19 headers and a body, about 1.1 KB.
fn invite() -> String {
    let body = "v=0\r\no=- 20518 0 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n\
        m=audio 54400 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";
    format!(
        "INVITE sip:100@pbx.example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK87asdks7;rport\r\n\
         Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKnashds8;received=192.0.2.4\r\n\
         Max-Forwards: 69\r\n\
         Record-Route: <sip:198.51.100.7;lr>\r\n\
         From: \"Alice Martin\" <sip:101@pbx.example.com>;tag=1928301774\r\n\
         To: <sip:100@pbx.example.com>\r\n\
         Call-ID: a84b4c76e66710@192.0.2.4\r\n\
         CSeq: 314159 INVITE\r\n\
         Contact: <sip:101@192.0.2.4:5060;transport=udp>\r\n\
         Authorization: Digest username=\"101\", realm=\"pbx.example.com\", nonce=\"84a4cc6f3082121f32b42a2187831a9e\", \
         uri=\"sip:100@pbx.example.com\", response=\"7587245234b3434cc3412213e5f113a5\", algorithm=MD5, \
         qop=auth, nc=00000001, cnonce=\"0a4f113b\"\r\n\
         Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER, NOTIFY, UPDATE\r\n\
         Supported: timer, replaces\r\n\
         Session-Expires: 1800\r\n\
         User-Agent: Desk Phone 3.1\r\n\
         Date: Sat, 21 Nov 2026 10:00:00 GMT\r\n\
         Accept: application/sdp\r\n\
         Content-Type: application/sdp\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
