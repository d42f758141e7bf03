//! Messages: what the parser reads, what the builder writes.
#![allow(clippy::unwrap_used, reason = "tests fail by panic")]

use bytes::Bytes;
use jackfield_sip::{
    Builder, HeaderError, Invalid, Message, Method, Name, NameAddr, ParseFault, SyntaxError, Transport, Uri,
    Via,
};

fn parse(text: &str) -> Message {
    Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap()
}

fn fault(text: &str) -> ParseFault {
    Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap_err().fault()
}

const INVITE: &str = "INVITE sip:1001@pbx.example;transport=udp SIP/2.0
Via: SIP/2.0/UDP 192.0.2.20:5070;rport;branch=z9hG4bK1
Max-Forwards: 70
From: \"Alice \\\"A\\\"\" <sip:1000@pbx.example>;tag=7f3a
To: <sip:1001@pbx.example>
Call-ID: c1@192.0.2.20
CSeq: 2 INVITE
Contact: <sip:1000@192.0.2.20:5070;ob>;+sip.instance=\"<urn:uuid:1>\";expires=60
Content-Type: application/sdp; charset=utf-8
Content-Length: 4

body";

#[test]
fn a_request_is_read_by_type() {
    let message = parse(INVITE);
    assert!(message.is_request());
    assert_eq!(message.method(), Some(Method::Invite));
    assert_eq!(message.uri(), Some("sip:1001@pbx.example;transport=udp"));
    assert_eq!(message.status(), None);
    let from = message.from().unwrap();
    assert_eq!(from.display().unwrap(), "Alice \"A\"");
    assert_eq!(
        (from.uri().user(), from.uri().host(), from.tag()),
        (Some("1000"), "pbx.example", Some("7f3a"))
    );
    assert_eq!(message.to().unwrap().tag(), None);
    assert_eq!(message.cseq().unwrap(), (2, Method::Invite));
    assert_eq!(message.call_id(), Some("c1@192.0.2.20"));
    assert_eq!(message.max_forwards(), Some(70));
    assert_eq!(message.content_type(), Some("application/sdp"));
    assert_eq!(message.body(), b"body");
    let contacts = message.contacts().unwrap();
    assert_eq!(contacts[0].param("+sip.instance"), Some("<urn:uuid:1>"));
    assert_eq!((contacts[0].uri().port(), contacts[0].uri().param("ob")), (Some(5070), Some("")));
    assert_eq!(message.validate(Transport::Udp), Ok(()));
}

#[test]
fn a_response_is_read_by_type() {
    let message = parse(
        "SIP/2.0 486 Occupé ici\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\nf: <sip:a@b>;tag=1\nt: <sip:c@d>;tag=2\ni: x\nCSeq: 7 BYE\nl: 0\n\n",
    );
    assert!(!message.is_request());
    assert_eq!((message.status(), message.reason()), (Some(486), "Occupé ici"));
    assert_eq!((message.method(), message.uri()), (None, None));
    assert_eq!(message.validate(Transport::Tcp), Ok(()));
}

#[test]
fn folds_compact_forms_and_lists_are_one_thing() {
    let message = parse(
        "OPTIONS sip:a@b SIP/2.0\nv: SIP/2.0/UDP a;branch=1,\n SIP/2.0/UDP b;branch=2\nVIA: SIP/2.0/UDP c\nSubject: I know\n\t you're there,\n  pick up\nRoute: <sip:p1;lr>, \"a, b\" <sip:p,2;lr>\nroute: <sip:p3>\n\n",
    );
    let vias: Vec<_> = message.values(&Name::Via).collect();
    assert_eq!(vias, ["SIP/2.0/UDP a;branch=1", "SIP/2.0/UDP b;branch=2", "SIP/2.0/UDP c"]);
    assert_eq!(message.via().unwrap().branch(), Some("1"));
    assert_eq!(message.text(&Name::Subject).unwrap(), "I know you're there, pick up");
    assert_eq!(message.routes(), ["<sip:p1;lr>", "\"a, b\" <sip:p,2;lr>", "<sip:p3>"]);
}

#[test]
fn a_form_feed_is_no_white_space_in_a_fold() {
    let message = parse("OPTIONS sip:a@b SIP/2.0\nCSeq: 9\x0c\n OPTIONS\nSubject: a\x0c\n b\n\n");
    assert!(message.cseq().is_err());
    assert_eq!(message.text(&Name::Subject).unwrap(), "a\x0c b");
}

#[test]
fn line_ends_ahead_are_skipped_and_bytes_behind_are_cut() {
    let message = parse("\n\nOPTIONS sip:a@b SIP/2.0\nl: 2\n\nhi and more");
    assert_eq!(message.body(), b"hi");
    assert!(message.as_bytes().starts_with(b"OPTIONS") && message.as_bytes().ends_with(b"\r\n\r\nhi"));
}

#[test]
fn bare_line_feeds_end_lines_too() {
    let message =
        Message::parse(Bytes::from_static(b"OPTIONS sip:a@b SIP/2.0\nTo: <sip:a@b>\nl: 2\n\nhi")).unwrap();
    assert_eq!(message.to().unwrap().uri().as_str(), "sip:a@b");
    assert_eq!(message.body(), b"hi");
}

#[test]
fn unknown_headers_and_methods_are_kept() {
    let message = parse("DANCE sip:a@b SIP/2.0\nX-Step: 1\nx-step: 2\n\n");
    assert_eq!(message.method(), Some(Method::Other("DANCE".into())));
    let steps: Vec<_> = message.headers(&Name::from("X-STEP")).collect();
    assert_eq!(steps, [b"1", b"2"]);
    assert_eq!(message.header(&Name::from("X-Stop")), None);
}

#[test]
fn what_cannot_be_read_says_which_rule_it_breaks() {
    assert_eq!(fault("\n\n"), ParseFault::Empty);
    assert_eq!(fault("hello\n\n"), ParseFault::StartLine);
    assert_eq!(fault("OPTIONS sip:a SIP/2.0 \n\n"), ParseFault::StartLine);
    assert_eq!(fault("OPTIONS sip:a\n SIP/2.0\n\n"), ParseFault::StartLine);
    assert_eq!(fault("OPT(IONS sip:a SIP/2.0\n\n"), ParseFault::StartLine);
    assert_eq!(fault("SIP/2.0 99 Low\n\n"), ParseFault::StartLine);
    assert_eq!(fault("SIP/2.0 4294967301 High\n\n"), ParseFault::StartLine);
    assert_eq!(fault("OPTIONS sip:a SIP/2.0\nVia\n\n"), ParseFault::HeaderLine);
    assert_eq!(fault("OPTIONS sip:a SIP/2.0\nV ia: x\n\n"), ParseFault::HeaderLine);
    assert_eq!(fault("OPTIONS sip:a SIP/2.0\nVia: x\n"), ParseFault::Unfinished);
    assert_eq!(fault("OPTIONS sip:a SIP/2.0\nl: 3\n\nhi"), ParseFault::ShortBody);
    assert_eq!(fault("OPTIONS sip:a SIP/2.0\nl: -3\n\nhi"), ParseFault::ContentLength);
    assert_eq!(fault("OPTIONS sip:a SIP/2.0\nl: 1\nl: 2\n\nhi"), ParseFault::ContentLength);
    let many = format!("OPTIONS sip:a SIP/2.0\n{}\n", "X: y\n".repeat(129));
    assert_eq!(fault(&many), ParseFault::TooManyHeaders);
    let long = format!("OPTIONS sip:a SIP/2.0\nX: {}\n\n", "y".repeat(65_536));
    assert_eq!(fault(&long), ParseFault::TooLarge);
}

#[test]
fn an_unreadable_request_can_be_answered() {
    let broken = INVITE.replace('\n', "\r\n").replace("Content-Length: 4", "Content-Length: four");
    let rejection = Message::parse(broken.clone().into()).unwrap_err().rejection().unwrap();
    let answer = Message::parse(rejection.clone()).unwrap();
    assert_eq!(answer.status(), Some(400));
    assert_eq!(answer.validate(Transport::Tcp), Ok(()));
    assert_eq!(answer.call_id(), Some("c1@192.0.2.20"));
    assert_eq!(answer.header(&Name::Via).unwrap(), b"SIP/2.0/UDP 192.0.2.20:5070;rport;branch=z9hG4bK1");
    assert!(answer.to().unwrap().tag().is_some());
    let again = Message::parse(broken.into()).unwrap_err().rejection().unwrap();
    assert_eq!(again, rejection, "a retransmission is answered alike");
}

#[test]
fn what_must_not_be_answered_is_not() {
    for text in [
        "ACK sip:a SIP/2.0\nVia: SIP/2.0/UDP a\nl: x\n\n",
        "SIP/2.0 200 OK\nVia: SIP/2.0/UDP a\nl: x\n\n",
        "OPTIONS sip:a SIP/2.0\nl: x\n\n",
        "\u{16}\u{3}\u{1}garbage\n\n",
    ] {
        let error = Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap_err();
        assert_eq!(error.rejection(), None, "{text}");
    }
}

/// The INVITE with one line replaced, validated.
fn invalid(line: &str, other: &str) -> Invalid {
    assert!(INVITE.contains(line), "{line}");
    parse(&INVITE.replace(line, other)).validate(Transport::Udp).unwrap_err()
}

#[test]
fn validation_names_status_and_rule() {
    assert_eq!(invalid("udp SIP/2.0\n", "udp SIP/3.0\n"), Invalid::Version);
    assert_eq!(invalid("INVITE sip:", "INVITE modem:"), Invalid::Scheme);
    assert_eq!(
        invalid("sip:1001@pbx.example;transport=udp", "sip:1001@"),
        Invalid::RequestUri(SyntaxError::Host)
    );
    assert_eq!(invalid(";transport=udp", "?Subject=x"), Invalid::RequestUriHeaders);
    assert_eq!(invalid("CSeq: 2 INVITE", "CSeq: 2 BYE"), Invalid::CSeqMethod);
    assert_eq!(invalid("To:", "To: <sip:x@y>\nTo:"), Invalid::Repeated(Name::To));
    for (name, line) in [
        (Name::To, "To:"),
        (Name::From, "From:"),
        (Name::CallId, "Call-ID:"),
        (Name::CSeq, "CSeq:"),
        (Name::Via, "Via:"),
    ] {
        assert_eq!(invalid(line, "X:"), Invalid::Header(HeaderError::Missing(name)));
    }
    let malformed = |name, error| Invalid::Header(HeaderError::Malformed(name, error));
    assert_eq!(invalid("CSeq: 2 ", "CSeq: 2147483648 "), malformed(Name::CSeq, SyntaxError::Number));
    assert_eq!(
        invalid("Max-Forwards: 70", "Max-Forwards: 256"),
        malformed(Name::MaxForwards, SyntaxError::Number)
    );
    assert_eq!(
        invalid("Contact: <sip:1000@192.0.2.20:5070;ob>", "Contact: *, <sip:a@b>"),
        malformed(Name::Contact, SyntaxError::Empty)
    );
    assert_eq!(
        (Invalid::Version.status(), Invalid::Scheme.status(), Invalid::CSeqMethod.status()),
        (505, 416, 400)
    );
    assert_eq!(Invalid::Header(HeaderError::Missing(Name::CallId)).reason(), "Missing Call-ID header");
}

#[test]
fn only_streams_need_a_content_length() {
    let message = parse(&INVITE.replace("Content-Length: 4\n", ""));
    assert_eq!(message.validate(Transport::Udp), Ok(()));
    let missing = Invalid::Header(HeaderError::Missing(Name::ContentLength));
    assert_eq!(message.validate(Transport::Tls), Err(missing));
}

#[test]
fn a_response_copies_what_the_rfc_wants() {
    let mut request = parse(
        &INVITE
            .replace("Max-Forwards", "Record-Route: <sip:p;lr>\nVia: SIP/2.0/TCP old;branch=2\nMax-Forwards"),
    );
    request.set_source("203.0.113.9:40000".parse().unwrap());
    let response = Message::parse(Builder::response_to(&request, 200, "", Some("ours")).build()).unwrap();
    assert_eq!((response.status(), response.reason()), (Some(200), "OK"));
    let vias: Vec<_> = response.values(&Name::Via).collect();
    assert_eq!(
        vias,
        [
            "SIP/2.0/UDP 192.0.2.20:5070;branch=z9hG4bK1;received=203.0.113.9;rport=40000",
            "SIP/2.0/TCP old;branch=2"
        ]
    );
    assert_eq!(response.to().unwrap().tag(), Some("ours"));
    assert_eq!(response.record_routes(), ["<sip:p;lr>"]);
    assert_eq!(response.cseq(), request.cseq());
    assert_eq!(response.validate(Transport::Tcp), Ok(()));

    let trying = Message::parse(Builder::response_to(&request, 100, "", Some("ours")).build()).unwrap();
    assert_eq!(trying.to().unwrap().tag(), None);
    let busy = Message::parse(Builder::response_to(&request, 486, "", Some("ours")).build()).unwrap();
    assert_eq!(busy.header(&Name::RecordRoute), None);
}

#[test]
fn a_value_cannot_add_a_header() {
    let bytes =
        Builder::request(&Method::Options, "sip:a@b\r\nX: 1").header("Subject", "x\r\nY: 2\0").build();
    let message = Message::parse(bytes).unwrap();
    let names: Vec<_> = message.all_headers().map(|(name, _)| name).collect();
    assert_eq!(names, ["Subject", "Content-Length"]);
}

#[test]
fn uris_are_taken_apart() {
    let uri = Uri::parse("sips:%61lice:secret@[2001:db8::10]:5070;transport=tcp;lr?subject=x").unwrap();
    assert_eq!((uri.scheme(), uri.user(), uri.password()), ("sips", Some("%61lice"), Some("secret")));
    assert_eq!(uri.decoded_user().unwrap(), "alice");
    assert_eq!((uri.host(), uri.port(), uri.headers()), ("[2001:db8::10]", Some(5070), "subject=x"));
    assert_eq!((uri.param("TRANSPORT"), uri.param("lr"), uri.param("x")), (Some("tcp"), Some(""), None));
    assert_eq!(Uri::parse("tel:+33123456789;phone-context=x").unwrap().user(), Some("+33123456789"));
    let odd = Uri::parse("sip:a;b,c/?=&d:e@host").unwrap();
    assert_eq!((odd.user(), odd.password(), odd.host()), (Some("a;b,c/?=&d"), Some("e"), "host"));
}

#[test]
fn wrong_uris_name_the_rule() {
    for (text, error) in [
        ("", SyntaxError::Scheme),
        ("alice", SyntaxError::Scheme),
        ("<sip:a@b>", SyntaxError::Scheme),
        ("sip:", SyntaxError::Host),
        ("sip:a b@c", SyntaxError::Host),
        ("sip:@b", SyntaxError::User),
        ("sip:a@b@c", SyntaxError::Host),
        ("sip:2001:db8::10", SyntaxError::Port),
        ("sip:[2001:db8::10", SyntaxError::Host),
        ("sip:[zz]", SyntaxError::Host),
        ("sip:a:66000", SyntaxError::Port),
        ("sip:a:", SyntaxError::Port),
        ("sip:a;;b", SyntaxError::Parameter),
    ] {
        assert_eq!(Uri::parse(text), Err(error), "{text}");
    }
}

/// RFC 3261 19.1.4 gives these pairs.
#[test]
fn uris_compare_by_the_rules_of_the_rfc() {
    let same = |a, b| Uri::parse(a).unwrap() == Uri::parse(b).unwrap();
    for (a, b) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ] {
        assert!(same(a, b) && same(b, a), "{a} {b}");
    }
    for (a, b) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:a@b", "sips:a@b"),
    ] {
        assert!(!same(a, b) && !same(b, a), "{a} {b}");
    }
}

#[test]
fn addresses_come_in_three_forms() {
    let bare = NameAddr::parse("sip:a@b;tag=1").unwrap();
    assert_eq!((bare.uri().as_str(), bare.tag()), ("sip:a@b", Some("1")), "the parameter is the header's");
    let named = NameAddr::parse("Jörg W. <sip:a@b;x=1> ; tag = 2").unwrap();
    assert_eq!(
        (named.display().unwrap().as_ref(), named.uri().param("x"), named.tag()),
        ("Jörg W.", Some("1"), Some("2"))
    );
    let quoted = NameAddr::parse("\"a <b>, \\\"c\\\\\" <sip:d@e>").unwrap();
    assert_eq!(quoted.display().unwrap(), "a <b>, \"c\\");
    assert!(NameAddr::parse(" * ").unwrap().is_star());
    for (text, error) in [
        ("", SyntaxError::Empty),
        ("\"open <sip:a@b>", SyntaxError::Quote),
        ("\"shut\" sip:a@b", SyntaxError::Brackets),
        ("<sip:a@b", SyntaxError::Brackets),
        ("Bell, A <sip:a@b>", SyntaxError::Display),
        ("< sip:a@b >", SyntaxError::Scheme),
        ("sip:a@b?x=y", SyntaxError::BareAddress),
        ("sip:a@b, sip:c@d", SyntaxError::BareAddress),
        ("<sip:a@b>;", SyntaxError::Parameter),
        ("<sip:a@b> x", SyntaxError::Parameter),
        ("<sip:a@b>;tag=", SyntaxError::Parameter),
    ] {
        assert_eq!(NameAddr::parse(text), Err(error), "{text}");
    }
}

#[test]
fn vias_are_taken_apart() {
    let via =
        Via::parse("SIP / 2.0 / TLS   [2001:db8::9:1]:6050 ; branch = z9 ; received=[2001:db8::9:255];rport")
            .unwrap();
    assert_eq!((via.transport(), via.host(), via.port()), ("TLS", "[2001:db8::9:1]", Some(6050)));
    assert_eq!((via.branch(), via.rport()), (Some("z9"), Some(None)));
    assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()));
    for text in [
        "",
        "SIP/2.0",
        "SIP/2.0/UDP",
        "SIP/3.0/UDP a",
        "HTTP/2.0/UDP a",
        "SIP/2.0/UDP a:b",
        "SIP/2.0/UDP a;;",
        "SIP/2.0/UDP 2001:db8::1",
    ] {
        assert!(Via::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_via_notes_another_source_than_it_names() {
    let seen = |via: &str, source: &str| Via::parse(via).unwrap().seen_from(source.parse().unwrap());
    assert_eq!(seen("SIP/2.0/UDP 192.0.2.1;branch=b", "192.0.2.1:5061"), "SIP/2.0/UDP 192.0.2.1;branch=b");
    assert_eq!(
        seen("SIP/2.0/UDP phone.example;branch=b", "192.0.2.1:5061"),
        "SIP/2.0/UDP phone.example;branch=b;received=192.0.2.1"
    );
    assert_eq!(
        seen("SIP/2.0/UDP [2001:db8::1];rport;received=6.6.6.6", "[2001:db8::1]:5061"),
        "SIP/2.0/UDP [2001:db8::1];received=2001:db8::1;rport=5061"
    );
}
