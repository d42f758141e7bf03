//! The torture messages of RFC 4475 and RFC 5118: what the parser makes of each, and what it reads in some.
#![allow(clippy::unwrap_used, reason = "tests fail by panic")]

mod messages;
mod verdicts;

use bytes::Bytes;
use jackfield_sip::{HeaderError, Invalid, Message, Method, Name, ParseFault, SyntaxError, Transport};

fn parse(text: &str) -> Result<Message, ParseFault> {
    Message::parse(Bytes::from(text.replace('\n', "\r\n"))).map_err(|error| error.fault())
}

fn verdict(text: &str) -> Result<(), Invalid> {
    parse(text).unwrap().validate(Transport::Udp)
}

/// RFC 4475 3.1.1.1: a short tortuous INVITE.
#[test]
fn white_space_is_allowed_nearly_everywhere() {
    let message = parse(
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

",
    )
    .unwrap();
    assert_eq!(message.validate(Transport::Udp), Ok(()));
    assert_eq!(message.from().unwrap().display().unwrap(), "J Rosenberg \\\"");
    assert_eq!(message.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(message.cseq().unwrap(), (9, Method::Invite));
    assert_eq!(message.max_forwards(), Some(68));
    assert_eq!(message.header(&Name::Subject), Some(&b""[..]));
    assert_eq!(message.values(&Name::Via).count(), 3);
    let contact = &message.contacts().unwrap()[0];
    assert_eq!((contact.param("newparam"), contact.param("q")), (Some("newvalue"), Some("0.33")));
}

/// RFC 4475 3.1.1.2: wide range of valid characters.
#[test]
fn names_may_be_odd() {
    let message = parse(
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: \"BEL:\\\u{7} NUL:\\\u{0} DEL:\\\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\u{440}\u{430}\u{431}\";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
Content-Length: 0

",
    )
    .unwrap();
    assert_eq!(message.validate(Transport::Tcp), Ok(()));
    assert_eq!(message.from().unwrap().tag(), Some("_token~1'+`*%!-."));
}

/// RFC 4475 3.1.1.9 (two requests in one datagram) and 3.1.2.3 (Content-Length too large).
#[test]
fn content_length_bounds_the_body() {
    let register = "REGISTER sip:example.com SIP/2.0
To: sip:j.user@example.com
From: sip:j.user@example.com;tag=43251j3j324
Max-Forwards: 8
I: dblreq.0ha0isndaksdj99sdfafnl3lk233412
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492
Content-Length: 0

";
    let message = parse(&format!("{register}\n\nINVITE sip:joe@example.com SIP/2.0\n\n")).unwrap();
    assert_eq!(message.method(), Some(Method::Register));
    assert_eq!((message.body(), message.validate(Transport::Udp)), (&b""[..], Ok(())));
    let large = register.replace("Content-Length: 0", "Content-Length: 9999");
    assert_eq!(parse(&large).unwrap_err(), ParseFault::ShortBody);
}

const OPTIONS: &str = "OPTIONS sip:user@example.org SIP/2.0
Via: SIP/2.0/UDP host4.example.com:5060;branch=z9hG4bKkdju43234
Max-Forwards: 70
From: \"Bell, Alexander\" <sip:a.g.bell@example.com>;tag=433423
To: \"Watson, Thomas\" <sip:t.watson@example.org>
Call-ID: badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3
CSeq: 3923239 OPTIONS
l: 0

";

#[test]
fn broken_addresses_are_refused() {
    let malformed = |name, error| Err(Invalid::Header(HeaderError::Malformed(name, error)));
    assert_eq!(verdict(OPTIONS), Ok(()));
    // 3.1.2.14: spaces within addr-spec
    let text = OPTIONS.replace("<sip:t.watson@example.org>", "< sip:t.watson@example.org >");
    assert_eq!(verdict(&text), malformed(Name::To, SyntaxError::Scheme));
    // 3.1.2.15: non-token characters in a display name
    let text = OPTIONS.replace("\"Bell, Alexander\"", "Bell, Alexander");
    assert_eq!(verdict(&text), malformed(Name::From, SyntaxError::Display));
    // 3.1.2.6: unterminated quoted string
    let text = OPTIONS.replace("\"Watson, Thomas\"", "\"Mr. J. User");
    assert_eq!(verdict(&text), malformed(Name::To, SyntaxError::Quote));
    // 3.1.2.1: extraneous separators
    let text = OPTIONS.replace(";branch=z9hG4bKkdju43234", ";;,;,,");
    assert_eq!(verdict(&text), malformed(Name::Via, SyntaxError::Parameter));
    // 3.1.2.13: a Contact with headers needs brackets
    let text = OPTIONS.replace("l: 0", "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E\nl: 0");
    assert_eq!(verdict(&text), malformed(Name::Contact, SyntaxError::BareAddress));
}

#[test]
fn broken_start_lines_are_refused() {
    let with = |line: &str| OPTIONS.replace("OPTIONS sip:user@example.org SIP/2.0", line);
    // 3.1.2.7: request URI in angle brackets
    assert_eq!(
        verdict(&with("OPTIONS <sip:user@example.com> SIP/2.0")),
        Err(Invalid::RequestUri(SyntaxError::Scheme))
    );
    // 3.1.2.8: white space within the request URI
    assert_eq!(
        verdict(&with("OPTIONS sip:user@example.com; lr SIP/2.0")),
        Err(Invalid::RequestUri(SyntaxError::Host))
    );
    // 3.1.2.9: several spaces
    assert_eq!(
        verdict(&with("OPTIONS  sip:user@example.com  SIP/2.0")),
        Err(Invalid::RequestUri(SyntaxError::Scheme))
    );
    // 3.1.2.10: space at the end
    assert_eq!(parse(&with("OPTIONS sip:user@example.com SIP/2.0  ")).unwrap_err(), ParseFault::StartLine);
    // 3.1.2.11: escaped headers in the request URI
    let uri = "OPTIONS sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0";
    assert_eq!(verdict(&with(uri)), Err(Invalid::RequestUriHeaders));
    // 3.1.2.16: unknown version, answered with 505
    assert_eq!(verdict(&with("OPTIONS sip:user@example.com SIP/7.0")).unwrap_err().status(), 505);
    // 3.3.2 and 3.3.3: unknown schemes, answered with 416
    assert_eq!(
        verdict(&with("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0")).unwrap_err().status(),
        416
    );
    assert_eq!(verdict(&with("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0")).unwrap_err().status(), 416);
    // 3.1.2.17: the methods differ
    assert_eq!(verdict(&with("INVITE sip:user@example.com SIP/2.0")), Err(Invalid::CSeqMethod));
}

/// RFC 5118 4.1 to 4.10.
#[test]
fn ipv6_stands_in_every_place() {
    let text = "REGISTER sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1]:6050;received=2001:db8::9:255;branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: \"Caller\" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

";
    let message = parse(text).unwrap();
    assert_eq!(message.validate(Transport::Udp), Ok(()));
    let via = message.via().unwrap();
    assert_eq!((via.host(), via.port()), ("[2001:db8::9:1]", Some(6050)));
    assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()));
    // 4.2: no brackets, no address
    let text = text.replace("sip:[2001:db8::10]", "sip:2001:db8::10");
    assert!(matches!(verdict(&text), Err(Invalid::RequestUri(_))));
    // 4.10: the colon too many that the grammar of RFC 3261 makes
    let text = text.replace("sip:2001:db8::10", "sip:user@[2001:db8:::192.0.2.1]");
    assert_eq!(verdict(&text), Ok(()));
}
