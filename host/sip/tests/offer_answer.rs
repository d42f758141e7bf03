//! Offers and answers (RFC 3264).
#![allow(clippy::unwrap_used, reason = "tests fail by panic")]

use jackfield_sip::{
    Agreed, Audio, Crypto, CryptoSuite, Direction, Local, LocalCodec, NoCommonCodec, Payload, Profile,
    Session, Srtp, agreed, answer, offer, parse_sdp,
};

fn local() -> Local {
    Local {
        address: "192.0.2.9".parse().unwrap(),
        port: 4000,
        codecs: vec![LocalCodec::Pcma, LocalCodec::Pcmu],
        session_id: 77,
        version: 1,
        direction: Direction::SendRecv,
        dtmf: true,
        srtp: Srtp::default(),
    }
}

/// A peer's description: head, then these lines.
fn peer(lines: &str) -> Session {
    let head = "v=0\no=- 1 2 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n";
    parse_sdp(format!("{head}{lines}\n").replace('\n', "\r\n").as_bytes()).unwrap()
}

fn audio(lines: &str) -> Audio {
    peer(lines).audio().next().unwrap().clone()
}

fn answered(lines: &str) -> (String, Agreed) {
    let (body, agreed) = answer(&local(), &peer(lines)).unwrap();
    (String::from_utf8(body).unwrap(), agreed)
}

#[test]
fn our_offer_names_all_our_codecs() {
    let text = String::from_utf8(offer(&local())).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "v=0",
            "o=- 77 1 IN IP4 192.0.2.9",
            "s=-",
            "c=IN IP4 192.0.2.9",
            "t=0 0",
            "m=audio 4000 RTP/AVP 8 0 101",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-16",
            "a=ptime:20",
            "a=sendrecv",
        ]
    );
    let six = Local { address: "2001:db8::9".parse().unwrap(), ..local() };
    let session = parse_sdp(&offer(&six)).unwrap();
    assert_eq!(session.audio().next().unwrap().remote, "[2001:db8::9]:4000".parse().unwrap());
}

#[test]
fn an_answer_takes_the_first_codec_of_the_offer_with_its_numbers() {
    let (body, agreed) = answered(
        "m=audio 5000 RTP/AVP 96 0 97 8 100 99\na=rtpmap:96 opus/48000/2\na=rtpmap:97 pcma/8000\na=rtpmap:100 telephone-event/48000\na=rtpmap:99 telephone-event/8000\na=fmtp:99 0-15",
    );
    let expected = Agreed {
        codec: LocalCodec::Pcmu,
        payload: Payload { pt: 0, encoding: "PCMU".to_owned(), rate: 8000, channels: 1, fmtp: None },
        dtmf: Some(99),
        dtmf_clock: 8000,
        remote: Some("192.0.2.1:5000".parse().unwrap()),
        rtcp: None,
        rtcp_mux: false,
        send: true,
        receive: true,
        profile: Profile::Plain,
        encrypted: None,
    };
    assert_eq!(agreed, expected);
    assert!(body.contains("m=audio 4000 RTP/AVP 0 99\r\n"), "{body}");
    assert!(
        body.contains("a=rtpmap:0 PCMU/8000\r\n") && body.contains("a=rtpmap:99 telephone-event/8000\r\n"),
        "{body}"
    );
    assert!(body.contains("a=ptime:20\r\n") && body.contains("a=sendrecv\r\n"), "{body}");

    let (body, agreed) = answered("m=audio 5000 RTP/AVPF 97\na=rtpmap:97 pcma/8000/1");
    assert_eq!((agreed.codec, agreed.payload.pt, agreed.dtmf), (LocalCodec::Pcma, 97, None));
    assert!(body.contains("m=audio 4000 RTP/AVPF 97\r\n"), "{body}");
}

#[test]
fn every_line_of_the_offer_is_answered_in_its_place() {
    let (body, agreed) = answered(
        "m=video 6000 RTP/AVP 31 32\nm=audio 0 RTP/AVP 8\nm=audio 5000 RTP/SAVP 8\nm=audio 5002 RTP/AVP 8\nm=application 7000 UDP/BFCP *",
    );
    let lines: Vec<_> = body.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(
        lines,
        [
            "m=video 0 RTP/AVP 31 32",
            "m=audio 0 RTP/AVP 8",
            "m=audio 0 RTP/SAVP 8",
            "m=audio 4000 RTP/AVP 8",
            "m=application 0 UDP/BFCP *",
        ]
    );
    assert_eq!(agreed.remote, Some("192.0.2.1:5002".parse().unwrap()));
}

#[test]
fn nothing_in_common_is_refused() {
    for lines in [
        "",
        "m=video 6000 RTP/AVP 31",
        "m=audio 5000 RTP/SAVP 8",
        "m=audio 0 RTP/AVP 8",
        "m=audio 5000 RTP/AVP 9 18",
        "m=audio 5000 RTP/AVP 8\na=rtpmap:8 PCMA/16000",
    ] {
        assert_eq!(answer(&local(), &peer(lines)), Err(NoCommonCodec), "{lines}");
        assert_eq!(agreed(&local(), &peer(lines)), Err(NoCommonCodec), "{lines}");
    }
}

#[test]
fn directions_are_mirrored_and_kept_within_ours() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (ours, theirs, line, send, receive) in [
        (SendRecv, "sendrecv", "a=sendrecv", true, true),
        (SendRecv, "sendonly", "a=recvonly", false, true),
        (SendRecv, "recvonly", "a=sendonly", true, false),
        (SendRecv, "inactive", "a=inactive", false, false),
        (SendOnly, "sendrecv", "a=sendonly", true, false),
        (SendOnly, "sendonly", "a=inactive", false, false),
        (RecvOnly, "sendrecv", "a=recvonly", false, true),
        (Inactive, "sendrecv", "a=inactive", false, false),
    ] {
        let local = Local { direction: ours, ..local() };
        let session = peer(&format!("m=audio 5000 RTP/AVP 8\na={theirs}"));
        let (body, mine) = answer(&local, &session).unwrap();
        assert!(String::from_utf8(body).unwrap().contains(line), "{ours:?} {theirs}");
        assert_eq!((mine.send, mine.receive), (send, receive), "{ours:?} {theirs}");
        assert_eq!(agreed(&local, &session).unwrap(), mine);
    }
}

#[test]
fn a_line_goes_over_the_session() {
    let lines =
        "a=inactive\na=ptime:30\nm=audio 5000 RTP/AVP 8\nc=IN IP6 2001:db8::7\na=sendonly\na=ptime:40";
    let audio = audio(lines);
    assert_eq!(audio.remote, "[2001:db8::7]:5000".parse().unwrap());
    assert_eq!((audio.direction, audio.ptime), (Direction::SendOnly, Some(40)));
    let inherited = peer("a=sendonly\nm=audio 5000 RTP/AVP 8");
    assert_eq!(inherited.audio().next().unwrap().direction, Direction::SendOnly);
}

#[test]
fn the_old_hold_has_no_address() {
    let (body, agreed) = answered("m=audio 5000 RTP/AVP 8\nc=IN IP4 0.0.0.0");
    assert_eq!((agreed.remote, agreed.send, agreed.receive), (None, false, true));
    assert!(body.contains("a=recvonly"), "{body}");
}

#[test]
fn static_payload_types_need_no_rtpmap() {
    let audio = audio("m=audio 5000 RTP/AVP 0 8 9 18 3 77 200 x\na=fmtp:18 annexb=no");
    let names: Vec<_> =
        audio.payloads.iter().map(|payload| (payload.pt, payload.encoding.as_str(), payload.rate)).collect();
    assert_eq!(
        names,
        [(0, "PCMU", 8000), (8, "PCMA", 8000), (9, "G722", 8000), (18, "G729", 8000), (3, "GSM", 8000)]
    );
    assert_eq!(audio.payloads[3].fmtp.as_deref(), Some("annexb=no"));
}

#[test]
fn an_answer_to_our_offer_decides() {
    let session = peer("m=audio 5000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\na=recvonly");
    let agreed = agreed(&local(), &session).unwrap();
    assert_eq!(
        (agreed.codec, agreed.dtmf, agreed.send, agreed.receive),
        (LocalCodec::Pcmu, Some(101), true, false)
    );
}

#[test]
fn the_version_grows_with_a_change_only() {
    let mut local = local();
    let first = offer(&local);
    let same = offer(&local);
    assert_eq!(local.revise(&same, &first), first);
    assert_eq!(local.version, 1);
    local.direction = Direction::SendOnly;
    let made = offer(&local);
    let held = local.revise(&made, &first);
    assert_eq!(local.version, 2);
    let text = String::from_utf8(held.clone()).unwrap();
    assert!(text.contains("o=- 77 2 IN IP4 192.0.2.9\r\n") && text.contains("a=sendonly"), "{text}");
    local.direction = Direction::SendRecv;
    let (made, _) = answer(&local, &peer("m=audio 5000 RTP/AVP 8")).unwrap();
    let resumed = local.revise(&made, &held);
    assert!(String::from_utf8(resumed).unwrap().contains("o=- 77 3 "));
}

#[test]
fn what_is_no_description_is_an_error() {
    for body in [&b""[..], b"hello", b"v=1\r\n", b"v=0\r\nm=audio x RTP/AVP 0\r\n", b"\xff\xfe"] {
        assert!(parse_sdp(body).is_err());
    }
    let broken = parse_sdp(b"v=0\no=- 1 2 IN IP4 192.0.2.1\ns=-\nm=audio 5000 RTP/AVP 0\n").unwrap();
    assert!(broken.audio().next().unwrap().remote.ip().is_unspecified(), "no c= at all");
}

#[test]
fn rtcp_goes_where_the_peer_wants_it() {
    let at = |text: &str| Some(text.parse().unwrap());
    let line = "m=audio 5000 RTP/AVP 8\n";
    let rtcp = |attribute: &str| answered(&format!("{line}{attribute}")).1.rtcp;
    assert_eq!(rtcp("a=rtcp:53020"), at("192.0.2.1:53020"));
    assert_eq!(rtcp("a=rtcp:53020 IN IP4 192.0.2.7"), at("192.0.2.7:53020"));
    assert_eq!(rtcp("a=rtcp:53020 IN IP6 2001:db8::7"), at("[2001:db8::7]:53020"));
    for wrong in ["a=rtcp:0", "a=rtcp:x", "a=rtcp", "a=rtcp:99999", "a=rtcp:7 IN IP4 name.invalid"] {
        assert_eq!(rtcp(wrong), None, "{wrong}");
    }
}

#[test]
fn rtcp_shares_the_port_of_rtp_when_the_peer_offers_it() {
    let line = "m=audio 5000 RTP/AVP 8\na=rtcp-mux";
    let (body, found) = answered(line);
    assert!(found.rtcp_mux && body.contains("a=rtcp-mux\r\n"), "{body}");
    let (body, found) = answered("m=audio 5000 RTP/AVP 8");
    assert!(!found.rtcp_mux && !body.contains("rtcp-mux"), "{body}");
    // Nobody may answer with what was not offered.
    assert!(!agreed(&local(), &peer(line)).unwrap().rtcp_mux);
}

#[test]
fn who_takes_no_telephone_events_does_not_name_them() {
    let local = Local { dtmf: false, ..local() };
    assert!(!String::from_utf8(offer(&local)).unwrap().contains("telephone-event"));
    let offer = peer("m=audio 5000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000");
    let (body, agreed) = answer(&local, &offer).unwrap();
    assert_eq!(agreed.dtmf, None);
    assert!(!String::from_utf8(body).unwrap().contains("telephone-event"));
}

/// Our keys: for each suite one that begins with its place among them.
fn keys() -> Vec<Crypto> {
    let key = |(at, suite): (usize, CryptoSuite)| Crypto {
        tag: at as u32 + 1,
        suite,
        key: vec![at as u8; suite.key_length()],
    };
    CryptoSuite::ALL.into_iter().enumerate().map(key).collect()
}

fn encrypting(profile: Profile, required: bool) -> Local {
    Local { srtp: Srtp { profile, required, keys: keys() }, ..local() }
}

/// The key of RFC 4568 6.1, of 30 bytes.
const KEY: &str = "inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

#[test]
fn our_offer_has_a_key_for_each_suite() {
    let text = |profile| String::from_utf8(offer(&encrypting(profile, false))).unwrap();
    let secure = text(Profile::Secure);
    assert!(secure.contains("m=audio 4000 RTP/SAVP 8 0 101"), "{secure}");
    let lines: Vec<&str> = secure.lines().filter_map(|line| line.strip_prefix("a=crypto:")).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0], format!("1 AES_CM_128_HMAC_SHA1_80 inline:{}", "A".repeat(40)));
    // 44 bytes of key and salt.
    assert_eq!(lines[1], format!("2 AEAD_AES_256_GCM inline:{}=", "AQEB".repeat(14) + "AQE"));
    let best = text(Profile::BestEffort);
    assert!(best.contains("m=audio 4000 RTP/AVP 8 0 101") && best.contains("a=crypto:1 "), "{best}");
    let plain = text(Profile::Plain);
    assert!(plain.contains("m=audio 4000 RTP/AVP 8 0 101") && !plain.contains("crypto"), "{plain}");
}

#[test]
fn an_encrypted_offer_is_answered_with_our_key_and_its_tag() {
    for (profile, expected) in
        [("SAVP", Profile::Secure), ("SAVPF", Profile::Secure), ("AVP", Profile::BestEffort)]
    {
        let lines = format!(
            "m=audio 5000 RTP/{profile} 8\na=crypto:1 F8_128_HMAC_SHA1_80 {KEY}\na=crypto:7 AES_CM_128_HMAC_SHA1_32 {KEY}|2^31\na=crypto:8 AES_CM_128_HMAC_SHA1_80 {KEY}"
        );
        let (body, agreed) = answer(&encrypting(Profile::Plain, true), &peer(&lines)).unwrap();
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(&format!("m=audio 4000 RTP/{profile} 8\r\n")), "{text}");
        assert!(text.contains("a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:BAQE"), "{text}");
        assert_eq!(text.matches("a=crypto").count(), 1);
        let encrypted = agreed.encrypted.unwrap();
        assert_eq!(agreed.profile, expected);
        assert_eq!((encrypted.ours.key, encrypted.theirs.key.len()), (vec![4; 30], 30));
    }
}

#[test]
fn what_is_required_is_not_left_out() {
    let plain = peer("m=audio 5000 RTP/AVP 8");
    let secure = peer(&format!("m=audio 5000 RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"));
    let ours = encrypting(Profile::Secure, true);
    assert_eq!(answer(&ours, &plain), Err(NoCommonCodec));
    assert_eq!(agreed(&ours, &plain), Err(NoCommonCodec));
    assert!(agreed(&ours, &secure).is_ok_and(|agreed| agreed.encrypted.is_some()));
    // Off, we have no key for a line that demands one; where we only offered, a plain answer is one.
    assert_eq!(answer(&local(), &secure), Err(NoCommonCodec));
    assert!(
        agreed(&encrypting(Profile::BestEffort, false), &plain)
            .is_ok_and(|agreed| agreed.encrypted.is_none())
    );
    // A tag that we did not give, or with another suite, is no answer.
    for line in ["9 AES_CM_128_HMAC_SHA1_80", "2 AES_CM_128_HMAC_SHA1_80"] {
        let wrong = peer(&format!("m=audio 5000 RTP/SAVP 8\na=crypto:{line} {KEY}"));
        assert_eq!(agreed(&ours, &wrong), Err(NoCommonCodec), "{line}");
    }
}

#[test]
fn of_two_lines_the_encrypted_one_is_taken() {
    let session = peer(&format!(
        "m=audio 5000 RTP/AVP 8\nm=audio 5002 RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY}"
    ));
    let (body, agreed) = answer(&encrypting(Profile::Plain, false), &session).unwrap();
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("m=audio 0 RTP/AVP 8") && text.contains("m=audio 4000 RTP/SAVP 8"), "{text}");
    assert!(agreed.encrypted.is_some());
    let (body, agreed) = answer(&local(), &session).unwrap();
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("m=audio 4000 RTP/AVP 8") && text.contains("m=audio 0 RTP/SAVP 8"), "{text}");
    assert!(agreed.encrypted.is_none());
}

#[test]
fn a_line_that_we_cannot_keep_to_is_none() {
    let suite = "AES_CM_128_HMAC_SHA1_80";
    let is_read =
        |value: &str| !audio(&format!("m=audio 5000 RTP/SAVP 8\na=crypto:{value}")).crypto.is_empty();
    assert!(is_read(&format!("1 {suite} {KEY}")));
    assert!(is_read(&format!("1 {suite} {KEY}|1048576 WSH=64 -later=1")));
    let gcm = format!("1 AEAD_AES_128_GCM inline:{}", "A".repeat(38));
    assert!(is_read(&gcm) && is_read(&format!("{gcm}==")), "with padding and without");
    for wrong in [
        format!("1 {suite} {KEY}|2^20|1:4"),
        format!("1 {suite} {KEY}|1:4"),
        format!("1 {suite} {KEY};{KEY}"),
        format!("1 {suite} {KEY}AA"),
        format!("1 AES_256_CM_HMAC_SHA1_80 {KEY}"),
        format!("1 {suite} {KEY} UNENCRYPTED_SRTP"),
        format!("1 {suite} {KEY} UNAUTHENTICATED_SRTP"),
        format!("1 {suite} {KEY} KDR=1"),
        format!("x {suite} {KEY}"),
        format!("9999999999 {suite} {KEY}"),
        format!("1 {suite} uri:x"),
        format!("1 {suite}"),
        String::new(),
    ] {
        assert!(!is_read(&wrong), "{wrong}");
    }
}

fn all_codecs() -> Local {
    let codecs = vec![LocalCodec::Opus, LocalCodec::G722, LocalCodec::Pcma, LocalCodec::Pcmu];
    Local { codecs, ..local() }
}

#[test]
fn opus_and_g722_are_offered_with_the_clocks_of_their_rfcs() {
    let text = String::from_utf8(offer(&all_codecs())).unwrap();
    assert!(text.contains("m=audio 4000 RTP/AVP 111 9 8 0 101 110\r\n"), "{text}");
    for line in [
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 useinbandfec=1",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=rtpmap:110 telephone-event/48000",
        "a=fmtp:110 0-16",
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line} in {text}");
    }
}

#[test]
fn events_count_by_the_clock_of_the_codec_where_the_peer_can() {
    let head = "m=audio 5000 RTP/AVP 96 8 101 100\na=rtpmap:96 OPUS/48000/2\na=fmtp:96 maxaveragebitrate=20000; useinbandfec=1\na=rtpmap:101 telephone-event/8000";
    let both = peer(&format!("{head}\na=rtpmap:100 telephone-event/48000"));
    let (body, agreed) = answer(&all_codecs(), &both).unwrap();
    assert_eq!((agreed.codec, agreed.payload.pt), (LocalCodec::Opus, 96));
    assert_eq!((agreed.dtmf, agreed.dtmf_clock), (Some(100), 48_000));
    assert_eq!(agreed.payload.parameter("MaxAverageBitrate"), Some("20000"));
    assert_eq!(
        (agreed.payload.parameter("useinbandfec"), agreed.payload.parameter("cbr")),
        (Some("1"), None)
    );
    let body = String::from_utf8(body).unwrap();
    assert!(body.contains("m=audio 4000 RTP/AVP 96 100\r\na=rtpmap:96 opus/48000/2\r\n"), "{body}");
    assert!(body.contains("a=rtpmap:100 telephone-event/48000\r\n"), "{body}");

    // Who knows no other clock is understood all the same.
    let (_, agreed) = answer(&all_codecs(), &peer(head)).unwrap();
    assert_eq!((agreed.dtmf, agreed.dtmf_clock), (Some(101), 8000));
    let (_, agreed) = answer(&local(), &both).unwrap();
    assert_eq!((agreed.codec, agreed.dtmf, agreed.dtmf_clock), (LocalCodec::Pcma, Some(101), 8000));
}
