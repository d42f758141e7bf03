//! A second opinion: rsip reads what we write, and we read what rsip writes. The generated messages stay
//! within what rsip can do: no folds, no compact forms, no IPv6 Via or Contact, no unknown methods.
#![allow(clippy::unwrap_used, reason = "tests fail by panic")]

use std::time::Duration;

use bytes::Bytes;
use jackfield_sip::{Authenticator, Builder, Digests, Message, Method, Name, Offered, Transport, Verdict};
use proptest::prelude::*;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;
use rsip::typed;

/// What a request says, in the terms of neither library.
#[derive(Clone, Debug)]
struct Facts {
    method: &'static str,
    secure: bool,
    user: String,
    host: String,
    port: Option<u16>,
    display: Option<String>,
    from_tag: String,
    to_tag: Option<String>,
    branch: String,
    call_id: String,
    cseq: u32,
    max_forwards: u8,
    expires: Option<u32>,
    body: String,
}

prop_compose! {
    fn facts()(
        method in prop::sample::select(vec!["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "UPDATE", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH"]),
        secure: bool,
        user in "\\+?[a-zA-Z0-9]{1,12}",
        host in prop_oneof!["[a-z][a-z0-9]{0,8}(\\.[a-z]{2,6}){1,2}", (1..=254u8).prop_map(|last| format!("192.0.2.{last}"))],
        port in prop::option::of(1..=u16::MAX),
        display in prop::option::of("[A-Za-z][A-Za-z0-9]{0,10}"),
        from_tag in "[a-zA-Z0-9]{1,12}",
        to_tag in prop::option::of("[a-zA-Z0-9]{1,12}"),
        branch in "z9hG4bK[a-zA-Z0-9]{1,20}",
        call_id in "[a-zA-Z0-9-]{1,24}(@[a-z]{1,8})?",
        (cseq, max_forwards) in (0..0x8000_0000u32, any::<u8>()),
        expires in prop::option::of(any::<u32>()),
        body in "[a-zA-Z0-9=\r\n ]{0,80}",
    ) -> Facts {
        Facts { method, secure, user, host, port, display, from_tag, to_tag, branch, call_id, cseq, max_forwards, expires, body }
    }
}

impl Facts {
    fn uri(&self) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}:{}@{}{port}", if self.secure { "sips" } else { "sip" }, self.user, self.host)
    }

    fn address(&self, tag: Option<&str>) -> String {
        let tag = tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let display = self.display.as_ref().map(|name| format!("\"{name}\" ")).unwrap_or_default();
        format!("{display}<{}>{tag}", self.uri())
    }

    fn ours(&self) -> Bytes {
        let mut builder = Builder::request(&Method::from(self.method), &self.uri())
            .header(Name::Via, format!("SIP/2.0/UDP {}:5060;branch={}", self.host, self.branch))
            .header(Name::MaxForwards, self.max_forwards)
            .header(Name::From, self.address(Some(&self.from_tag)))
            .header(Name::To, self.address(self.to_tag.as_deref()))
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format!("{} {}", self.cseq, self.method))
            .header(Name::Contact, format!("<{}>", self.uri()));
        if let Some(expires) = self.expires {
            builder = builder.header(Name::Expires, expires);
        }
        builder.body("text/plain", self.body.as_bytes()).build()
    }

    fn rsip_uri(&self) -> rsip::Uri {
        rsip::Uri {
            scheme: Some(if self.secure { rsip::Scheme::Sips } else { rsip::Scheme::Sip }),
            auth: Some((self.user.as_str(), Option::<String>::None).into()),
            host_with_port: (self.host.as_str(), self.port).into(),
            ..Default::default()
        }
    }

    fn rsip(&self) -> Bytes {
        let method: rsip::Method = self.method.parse().unwrap();
        let tag = |tag: &str| rsip::Param::Tag(rsip::param::Tag::new(tag));
        let mut headers = rsip::Headers::default();
        headers.push(
            typed::Via {
                version: rsip::Version::V2,
                transport: rsip::Transport::Udp,
                uri: rsip::Uri { host_with_port: (self.host.as_str(), 5060u16).into(), ..Default::default() },
                params: vec![rsip::Param::Branch(rsip::param::Branch::new(self.branch.as_str()))],
            }
            .into(),
        );
        headers.push(rsip::headers::MaxForwards::from(u32::from(self.max_forwards)).into());
        let (display_name, uri) = (self.display.clone(), self.rsip_uri());
        headers.push(
            typed::From {
                display_name: display_name.clone(),
                uri: uri.clone(),
                params: vec![tag(&self.from_tag)],
            }
            .into(),
        );
        headers.push(
            typed::To {
                display_name,
                uri: uri.clone(),
                params: self.to_tag.iter().map(|text| tag(text)).collect(),
            }
            .into(),
        );
        headers.push(rsip::headers::CallId::from(self.call_id.as_str()).into());
        headers.push(typed::CSeq { seq: self.cseq, method }.into());
        headers.push(typed::Contact { display_name: None, uri: uri.clone(), params: Vec::new() }.into());
        if let Some(expires) = self.expires {
            headers.push(rsip::headers::Expires::from(expires).into());
        }
        headers.push(rsip::headers::ContentLength::from(self.body.len() as u32).into());
        let body = self.body.as_bytes().to_vec();
        let request = rsip::Request { method, uri, version: rsip::Version::V2, headers, body };
        Bytes::from(rsip::SipMessage::from(request).to_string())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rsip_reads_what_we_write(facts in facts()) {
        let request = rsip::Request::try_from(facts.ours().to_vec()).unwrap();
        prop_assert_eq!(request.method.to_string(), facts.method);
        prop_assert_eq!(request.uri.to_string(), facts.uri());
        let via = request.via_header().unwrap().typed().unwrap();
        prop_assert_eq!(via.branch().unwrap().value(), facts.branch.as_str());
        prop_assert_eq!(via.uri.host().to_string(), facts.host.as_str());
        let from = request.from_header().unwrap().typed().unwrap();
        prop_assert_eq!(from.uri, facts.rsip_uri());
        // It keeps the quotes.
        let display = from.display_name.as_deref().map(|name| name.trim_matches('"'));
        prop_assert_eq!(display, facts.display.as_deref());
        let to = request.to_header().unwrap().typed().unwrap();
        prop_assert_eq!(to.tag().map(|tag| tag.value()), facts.to_tag.as_deref());
        prop_assert_eq!(request.call_id_header().unwrap().value(), facts.call_id.as_str());
        let cseq = request.cseq_header().unwrap().typed().unwrap();
        prop_assert_eq!((cseq.seq, cseq.method.to_string()), (facts.cseq, facts.method.to_owned()));
        prop_assert_eq!(request.max_forwards_header().unwrap().num().unwrap(), u32::from(facts.max_forwards));
        prop_assert_eq!(request.contact_header().unwrap().typed().unwrap().uri, facts.rsip_uri());
        prop_assert_eq!(request.expires_header().map(|expires| expires.seconds().unwrap()), facts.expires);
        prop_assert_eq!(request.body, facts.body.as_bytes());
    }

    #[test]
    fn we_read_what_rsip_writes(facts in facts()) {
        let message = Message::parse(facts.rsip()).unwrap();
        prop_assert_eq!(message.validate(Transport::Tcp), Ok(()));
        prop_assert_eq!(message.method(), Some(Method::from(facts.method)));
        let uri = facts.uri();
        prop_assert_eq!(message.uri(), Some(uri.as_str()));
        let via = message.via().unwrap();
        prop_assert_eq!((via.branch(), via.host(), via.port()), (Some(facts.branch.as_str()), facts.host.as_str(), Some(5060)));
        let from = message.from().unwrap();
        prop_assert_eq!((from.uri().user(), from.uri().host(), from.uri().port()), (Some(facts.user.as_str()), facts.host.as_str(), facts.port));
        prop_assert_eq!(from.uri().is_secure(), facts.secure);
        let display = from.display();
        prop_assert_eq!((display.as_deref(), from.tag()), (facts.display.as_deref(), Some(facts.from_tag.as_str())));
        let to = message.to().unwrap();
        prop_assert_eq!(to.tag(), facts.to_tag.as_deref());
        prop_assert_eq!(message.call_id(), Some(facts.call_id.as_str()));
        prop_assert_eq!(message.cseq().unwrap(), (facts.cseq, Method::from(facts.method)));
        prop_assert_eq!(message.max_forwards(), Some(facts.max_forwards));
        let contacts = message.contacts().unwrap();
        prop_assert_eq!(contacts[0].uri().as_str(), uri.as_str());
        prop_assert_eq!(message.expires(), facts.expires);
        prop_assert_eq!(message.body(), facts.body.as_bytes());
    }

    /// Response to a request of rsip, read by rsip.
    #[test]
    fn rsip_reads_our_responses(facts in facts(), status in 100..700u16) {
        let request = Message::parse(facts.rsip()).unwrap();
        let bytes = Builder::response_to(&request, status, "", Some("ours")).build();
        let response = rsip::Response::try_from(bytes.to_vec()).unwrap();
        prop_assert_eq!(response.status_code.code(), status);
        prop_assert_eq!(response.call_id_header().unwrap().value(), facts.call_id.as_str());
        let tag = response.to_header().unwrap().typed().unwrap().tag().map(|tag| tag.value().to_owned());
        let expected = facts.to_tag.clone().or((status > 100).then(|| "ours".to_owned()));
        prop_assert_eq!(tag, expected);
    }
}

/// The whole handshake with rsip as the phone: it reads our challenge and computes the response itself.
#[test]
fn rsip_answers_our_md5_challenge() {
    let (user, realm, password) = ("1000", "jackfield", "correct horse");
    let mut authenticator = Authenticator::new(realm, [7; 32], Duration::from_secs(60));
    let now = Duration::from_secs(5);
    let challenge = authenticator.challenge(now, Offered::Md5, false).remove(0);
    let challenge =
        typed::WwwAuthenticate::try_from(rsip::headers::WwwAuthenticate::from(challenge)).unwrap();
    let uri = rsip::Uri::try_from("sip:pbx.example").unwrap();
    let qop = rsip::headers::auth::AuthQop::Auth { cnonce: "0a4f113b".to_owned(), nc: 1 };
    let response = rsip::services::DigestGenerator {
        username: user,
        password,
        nonce: &challenge.nonce,
        uri: &uri,
        realm: &challenge.realm,
        method: &rsip::Method::Register,
        qop: Some(&qop),
        algorithm: challenge.algorithm.unwrap(),
    }
    .compute();
    let authorization = typed::Authorization {
        scheme: rsip::headers::auth::Scheme::Digest,
        username: user.to_owned(),
        realm: challenge.realm,
        nonce: challenge.nonce,
        uri,
        response,
        algorithm: challenge.algorithm,
        opaque: None,
        qop: Some(qop),
    };
    let request = Builder::request(&Method::Register, "sip:pbx.example")
        .header(Name::Authorization, authorization.to_string());
    let request = Message::parse(request.build()).unwrap();
    assert_eq!(Authenticator::user_of(&request).as_deref(), Some(user));
    let digests = Digests::of(user, realm, password);
    assert_eq!(authenticator.check(now, &request, &digests, Offered::Md5), Verdict::Ok);
    assert_eq!(authenticator.check(now, &request, &digests, Offered::Md5), Verdict::Replayed);
}
