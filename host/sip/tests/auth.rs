//! Digest authentication: the vectors of the RFCs, and what a server must refuse.
#![allow(clippy::unwrap_used, reason = "tests fail by panic")]

use std::time::Duration;

use jackfield_sip::{
    Algorithm, Authenticator, Builder, Digests, Message, Method, Name, Offered, Time, Verdict, ha1,
};
use md5::Md5;
use sha2::{Digest, Sha256};

const REALM: &str = "jackfield";
const URI: &str = "sip:1001@pbx.example";
const LIFETIME: Duration = Duration::from_secs(60);
const NOW: Time = Duration::from_secs(1000);

fn hash(algorithm: Algorithm, text: String) -> String {
    let bytes = match algorithm {
        Algorithm::Md5 => Md5::digest(text).to_vec(),
        Algorithm::Sha256 => Sha256::digest(text).to_vec(),
        Algorithm::Sha512_256 => unreachable!("not offered"),
    };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A phone that knows a user's password.
struct Phone {
    algorithm: Algorithm,
    password: &'static str,
    nonce: String,
    uri: &'static str,
    qop: bool,
}

impl Phone {
    fn new(challenge: &str) -> Phone {
        let part = |name: &str| challenge.split(name).nth(1).unwrap().split([',', '"']).next().unwrap();
        let algorithm = Algorithm::from_name(part("algorithm=")).unwrap();
        Phone { algorithm, password: "secret", nonce: part("nonce=\"").to_owned(), uri: URI, qop: true }
    }

    fn credentials(&self, nc: &str) -> String {
        let ha1 = ha1(self.algorithm, "1000", REALM, self.password);
        let ha2 = hash(self.algorithm, format!("INVITE:{}", self.uri));
        let nonce = &self.nonce;
        let (text, qop) = match self.qop {
            true => (
                format!("{ha1}:{nonce}:{nc}:cafe:auth:{ha2}"),
                format!(", qop=auth, nc={nc}, cnonce=\"cafe\""),
            ),
            false => (format!("{ha1}:{nonce}:{ha2}"), String::new()),
        };
        let (response, algorithm) = (hash(self.algorithm, text), self.algorithm.as_str().to_lowercase());
        format!(
            "Digest username=\"1000\",realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{}\", response=\"{response}\", algorithm={algorithm}{qop}",
            self.uri
        )
    }

    fn invite(&self, nc: &str) -> Message {
        invite(&self.credentials(nc))
    }
}

fn invite(credentials: &str) -> Message {
    let request = Builder::request(&Method::Invite, URI)
        .header(Name::Authorization, "NoOneKnowsThisScheme opaque-data=here")
        .header(
            Name::ProxyAuthorization,
            "Digest username=\"x\", realm=\"elsewhere\", nonce=\"\", uri=\"sip:a\", response=\"0\"",
        )
        .header(Name::ProxyAuthorization, credentials);
    Message::parse(request.build()).unwrap()
}

fn authenticator() -> Authenticator {
    Authenticator::new(REALM, [7; 32], LIFETIME)
}

fn digests() -> Digests {
    Digests::of("1000", REALM, "secret")
}

#[test]
fn each_algorithm_opens_the_door() {
    for (offered, algorithms) in [
        (Offered::Md5, vec![Algorithm::Md5]),
        (Offered::Sha256, vec![Algorithm::Sha256]),
        (Offered::Both, vec![Algorithm::Sha256, Algorithm::Md5]),
    ] {
        let mut authenticator = authenticator();
        let challenges = authenticator.challenge(NOW, offered, false);
        let phones: Vec<_> = challenges.iter().map(|challenge| Phone::new(challenge)).collect();
        assert_eq!(
            phones.iter().map(|phone| phone.algorithm).collect::<Vec<_>>(),
            algorithms,
            "strongest first"
        );
        for (phone, nc) in phones.iter().zip(["00000001", "00000002"]) {
            assert_eq!(authenticator.check(NOW, &phone.invite(nc), &digests(), offered), Verdict::Ok);
        }
    }
}

#[test]
fn nonce_counts_are_hexadecimal_and_grow() {
    let mut authenticator = authenticator();
    let phone = Phone::new(&authenticator.challenge(NOW, Offered::Md5, false)[0]);
    let mut check = |nc| authenticator.check(NOW, &phone.invite(nc), &digests(), Offered::Md5);
    assert_eq!(check("00000001"), Verdict::Ok);
    assert_eq!(check("0000000a"), Verdict::Ok);
    assert_eq!(check("0000000a"), Verdict::Replayed);
    assert_eq!(check("00000009"), Verdict::Replayed);
    assert_eq!(check("0000000B"), Verdict::Ok);
    assert_eq!(check("0000000g"), Verdict::Wrong);
    assert_eq!(check("+000000c"), Verdict::Wrong);
}

#[test]
fn an_old_nonce_is_stale_for_who_knows_the_password() {
    let mut authenticator = authenticator();
    let mut phone = Phone::new(&authenticator.challenge(NOW, Offered::Md5, false)[0]);
    let just = NOW + LIFETIME - Duration::from_millis(1);
    assert_eq!(authenticator.check(just, &phone.invite("00000001"), &digests(), Offered::Md5), Verdict::Ok);
    let late = NOW + LIFETIME;
    assert_eq!(
        authenticator.check(late, &phone.invite("00000002"), &digests(), Offered::Md5),
        Verdict::Stale
    );
    assert_eq!(
        authenticator.check(Duration::ZERO, &phone.invite("00000002"), &digests(), Offered::Md5),
        Verdict::Stale
    );
    phone.password = "wrong";
    assert_eq!(
        authenticator.check(late, &phone.invite("00000003"), &digests(), Offered::Md5),
        Verdict::Wrong
    );
    assert!(authenticator.challenge(late, Offered::Md5, true)[0].contains("stale=true"));
}

#[test]
fn a_forged_nonce_is_stale() {
    let mut authenticator = authenticator();
    let mut phone = Phone::new(&authenticator.challenge(NOW, Offered::Md5, false)[0]);
    let other = Authenticator::new(REALM, [8; 32], LIFETIME).challenge(NOW, Offered::Md5, false).remove(0);
    let elsewhere =
        Authenticator::new("other", [7; 32], LIFETIME).challenge(NOW, Offered::Md5, false).remove(0);
    let forged = [
        Phone::new(&other).nonce,
        Phone::new(&elsewhere).nonce,
        phone.nonce.replace("0f4240", "0f4241"),
        "é".repeat(12),
        String::new(),
    ];
    for nonce in forged {
        phone.nonce = nonce;
        assert_eq!(
            authenticator.check(NOW, &phone.invite("00000001"), &digests(), Offered::Md5),
            Verdict::Stale
        );
    }
}

#[test]
fn wrong_credentials_are_wrong() {
    let mut authenticator = authenticator();
    let challenge = authenticator.challenge(NOW, Offered::Both, false).remove(1);
    let phone = Phone::new(&challenge);
    let right = phone.credentials("00000001");
    let mut check =
        |credentials: &str| authenticator.check(NOW, &invite(credentials), &digests(), Offered::Md5);
    assert_eq!(check("Digest username=\"1000\", realm=\"another\""), Verdict::Missing);
    assert_eq!(check("Basic realm=\"jackfield\""), Verdict::Missing);
    assert_eq!(check(&right.replace("qop=auth", "qop=auth-int")), Verdict::Wrong);
    assert_eq!(check(&right.replace("cafe", "cafebabe")), Verdict::Wrong);
    assert_eq!(check(&right.replace("algorithm=md5", "algorithm=md5-sess")), Verdict::Wrong);
    assert_eq!(check(&right.replace("algorithm=md5", "algorithm=sha-256")), Verdict::Wrong, "not offered");
    assert_eq!(check(&right.replace("response=", "answer=")), Verdict::Wrong);
    assert_eq!(
        check(&Phone { uri: "sip:0900123@pbx.example", ..Phone::new(&challenge) }.credentials("00000001")),
        Verdict::Wrong
    );
    assert_eq!(check(&right), Verdict::Ok);
    let none = Digests { md5: None, ..digests() };
    assert_eq!(authenticator.check(NOW, &phone.invite("00000002"), &none, Offered::Md5), Verdict::Wrong);
}

#[test]
fn the_uri_may_differ_in_all_but_the_user() {
    let mut authenticator = authenticator();
    let challenge = authenticator.challenge(NOW, Offered::Md5, false).remove(0);
    for (uri, nc) in [
        ("sip:1001@PBX.example:5060", "1"),
        ("sip:%31001@pbx.example;transport=tls", "2"),
        ("sip:1001@192.0.2.1", "3"),
    ] {
        let phone = Phone { uri, ..Phone::new(&challenge) };
        assert_eq!(
            authenticator.check(NOW, &phone.invite(nc), &digests(), Offered::Md5),
            Verdict::Ok,
            "{uri}"
        );
    }
}

#[test]
fn the_form_without_qop_is_good_once_and_for_md5_only() {
    let mut authenticator = authenticator();
    let challenges = authenticator.challenge(NOW, Offered::Both, false);
    let sha = Phone { qop: false, ..Phone::new(&challenges[0]) };
    let md5 = Phone { qop: false, ..Phone::new(&challenges[1]) };
    let mut check = |phone: &Phone| authenticator.check(NOW, &phone.invite(""), &digests(), Offered::Both);
    assert_eq!(check(&sha), Verdict::Wrong);
    assert_eq!(check(&md5), Verdict::Ok);
    assert_eq!(check(&md5), Verdict::Replayed);
}

#[test]
fn secrets_may_be_stored_in_capitals() {
    let mut authenticator = authenticator();
    let phone = Phone::new(&authenticator.challenge(NOW, Offered::Md5, false)[0]);
    let digests = Digests { md5: digests().md5.map(|digest| digest.to_uppercase()), ..Digests::default() };
    assert_eq!(authenticator.check(NOW, &phone.invite("1"), &digests, Offered::Md5), Verdict::Ok);
    assert!(!format!("{digests:?}").contains(digests.md5.as_deref().unwrap()));
}

#[test]
fn a_full_table_forgets_the_oldest_nonce_and_refuses_it() {
    let mut authenticator = authenticator();
    let mut phones: Vec<_> =
        (0..65_537).map(|_| Phone::new(&authenticator.challenge(NOW, Offered::Md5, false)[0])).collect();
    for phone in &phones {
        assert_eq!(authenticator.check(NOW, &phone.invite("1"), &digests(), Offered::Md5), Verdict::Ok);
    }
    let (last, first) = (phones.pop().unwrap(), phones.swap_remove(0));
    assert_eq!(authenticator.check(NOW, &first.invite("2"), &digests(), Offered::Md5), Verdict::Stale);
    assert_eq!(authenticator.check(NOW, &last.invite("1"), &digests(), Offered::Md5), Verdict::Replayed);
    assert_eq!(authenticator.check(NOW, &last.invite("2"), &digests(), Offered::Md5), Verdict::Ok);
}

#[test]
fn quoted_strings_keep_their_escapes_apart() {
    let request = Builder::request(&Method::Invite, URI)
        .header(Name::Authorization, r#"digest  Username = "a \"b\", c\\" , realm="x\"y""#);
    let request = Message::parse(request.build()).unwrap();
    assert_eq!(Authenticator::user_of(&request).as_deref(), Some(r#"a "b", c\"#));
    let challenge =
        Authenticator::new("x\"y", [0; 32], LIFETIME).challenge(NOW, Offered::Md5, false).remove(0);
    assert!(challenge.starts_with(r#"Digest realm="x\"y", nonce=""#), "{challenge}");
}
