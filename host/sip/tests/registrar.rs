//! The binding rules of RFC 3261 10.3.
#![allow(clippy::unwrap_used, reason = "tests fail by panic")]

use std::time::Duration;

use jackfield_sip::{
    Binding, Builder, Flow, FlowId, Message, Method, Name, Refusal, Rules, Time, Transport, contact_headers,
    register, uses_outbound,
};

const NOW: Time = Duration::from_secs(10_000);
const RULES: Rules = Rules {
    min: Duration::from_secs(60),
    default: Duration::from_secs(600),
    max: Duration::from_secs(3600),
    max_bindings: 3,
};

fn flow(port: u16) -> Flow {
    let local = "192.0.2.1:5060".parse().unwrap();
    Flow { id: FlowId(1), transport: Transport::Udp, local, remote: ([203, 0, 113, 9], port).into() }
}

/// A REGISTER with these headers.
fn request(call_id: &str, cseq: u32, headers: &[(Name, &str)]) -> Message {
    let mut builder = Builder::request(&Method::Register, "sip:pbx.example")
        .header(Name::CallId, call_id)
        .header(Name::CSeq, format!("{cseq} REGISTER"));
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    Message::parse(builder.build()).unwrap()
}

fn contact(call_id: &str, cseq: u32, contact: &str) -> Message {
    request(call_id, cseq, &[(Name::Contact, contact)])
}

fn try_register(request: &Message, bindings: &[Binding]) -> Result<Vec<Binding>, Refusal> {
    register(&RULES, NOW, &flow(40_000), request, bindings)
}

fn registered(request: &Message, bindings: &[Binding]) -> Vec<Binding> {
    try_register(request, bindings).unwrap()
}

fn refused(request: &Message, bindings: &[Binding]) -> u16 {
    try_register(request, bindings).unwrap_err().status
}

fn contacts(bindings: &[Binding]) -> Vec<&str> {
    bindings.iter().map(|binding| binding.contact.as_str()).collect()
}

#[test]
fn a_binding_remembers_where_it_came_from() {
    let headers = [
        (Name::Contact, "\"A\" <sip:a@10.0.0.1:5070;ob>;q=0.25;expires=120;+sip.instance=\"<urn:uuid:1>\""),
        (Name::Path, "<sip:p1;lr>, <sip:p2;lr>"),
    ];
    let bindings = registered(&request("c", 1, &headers), &[]);
    let expected = Binding {
        contact: "sip:a@10.0.0.1:5070;ob".to_owned(),
        flow: flow(40_000),
        expires: NOW + Duration::from_secs(120),
        call_id: "c".to_owned(),
        cseq: 1,
        q: 250,
        instance: Some("<urn:uuid:1>".to_owned()),
        reg_id: None,
        is_translated: true,
        path: vec!["<sip:p1;lr>".to_owned(), "<sip:p2;lr>".to_owned()],
    };
    assert_eq!(bindings, [expected]);
    let later = NOW + Duration::from_millis(500);
    let header = "<sip:a@10.0.0.1:5070;ob>;expires=120;q=0.250;+sip.instance=\"<urn:uuid:1>\"";
    assert_eq!(contact_headers(later, &bindings), [header]);
    assert!(contact_headers(NOW + Duration::from_secs(120), &bindings).is_empty());
}

#[test]
fn the_contact_decides_on_its_time_then_the_header_then_the_rules() {
    let left =
        |headers: &[(Name, &str)]| (registered(&request("c", 1, headers), &[])[0].expires - NOW).as_secs();
    assert_eq!(left(&[(Name::Contact, "<sip:a@b>;expires=70"), (Name::Expires, "80")]), 70);
    assert_eq!(left(&[(Name::Contact, "<sip:a@b>"), (Name::Expires, "80")]), 80);
    assert_eq!(left(&[(Name::Contact, "<sip:a@b>")]), 600);
    assert_eq!(left(&[(Name::Contact, "<sip:a@b>;expires=soon"), (Name::Expires, "later")]), 600);
    assert_eq!(left(&[(Name::Contact, "<sip:a@b>;expires=99999999999")]), 3600);
}

#[test]
fn too_short_a_time_is_refused_with_the_least_one() {
    let refusal = try_register(&contact("c", 1, "<sip:a@b>;expires=59"), &[]).unwrap_err();
    assert_eq!(refusal.status, 423);
    assert_eq!(refusal.headers, [(Name::MinExpires, "60".to_owned())]);
    assert_eq!(registered(&contact("c", 1, "<sip:a@b>;expires=60"), &[]).len(), 1);
}

#[test]
fn a_refresh_replaces_and_zero_removes() {
    let first = registered(&contact("c", 1, "<sip:a@b>, <sip:d@e>"), &[]);
    assert_eq!(contacts(&first), ["sip:a@b", "sip:d@e"]);
    let second = registered(&contact("c", 2, "<sip:%61@B>"), &first);
    assert_eq!(contacts(&second), ["sip:%61@B", "sip:d@e"], "the same by 19.1.4");
    let third = registered(&contact("c", 3, "<sip:a@b>;expires=0"), &second);
    assert_eq!(contacts(&third), ["sip:d@e"]);
    let fourth = registered(&contact("c", 4, "<sip:unknown@b>;expires=0"), &third);
    assert_eq!(contacts(&fourth), ["sip:d@e"]);
}

#[test]
fn an_overtaken_request_is_refused() {
    let bindings = registered(&contact("c", 5, "<sip:a@b>"), &[]);
    assert_eq!(refused(&contact("c", 5, "<sip:a@b>"), &bindings), 500);
    assert_eq!(refused(&contact("c", 4, "<sip:a@b>;expires=0"), &bindings), 500);
    assert_eq!(refused(&request("c", 4, &[(Name::Contact, "*"), (Name::Expires, "0")]), &bindings), 500);
    assert_eq!(registered(&contact("other", 1, "<sip:a@b>"), &bindings)[0].call_id, "other");
    assert_eq!(
        registered(&contact("c", 4, "<sip:d@e>"), &bindings).len(),
        2,
        "another contact is not overtaken"
    );
}

#[test]
fn the_star_removes_all_and_stands_alone() {
    let bindings = registered(&contact("c", 1, "<sip:a@b>, <sip:d@e>"), &[]);
    let star = |contact, expires| request("c", 2, &[(Name::Contact, contact), (Name::Expires, expires)]);
    assert!(registered(&star("*", "0"), &bindings).is_empty());
    assert_eq!(refused(&star("*", "60"), &bindings), 400);
    assert_eq!(refused(&star("*, <sip:a@b>", "0"), &bindings), 400);
    assert_eq!(refused(&contact("c", 2, "*"), &bindings), 400);
}

#[test]
fn a_restarted_phone_replaces_its_older_binding() {
    let old = registered(&contact("c", 9, "<sip:a@10.0.0.1:5070>;+sip.instance=\"<urn:uuid:1>\""), &[]);
    let request = contact("d", 1, "<sip:a@10.0.0.1:6099>;+sip.instance=\"<urn:uuid:1>\"");
    let new = register(&RULES, NOW, &flow(41_000), &request, &old).unwrap();
    assert_eq!(contacts(&new), ["sip:a@10.0.0.1:6099"]);
    assert_eq!(new[0].flow, flow(41_000));
    let other = contact("e", 1, "<sip:a@10.0.0.2>;+sip.instance=\"<urn:uuid:2>\"");
    assert_eq!(registered(&other, &new).len(), 2);
}

#[test]
fn all_contacts_or_none() {
    let bindings = registered(&contact("c", 1, "<sip:a@b>"), &[]);
    assert_eq!(refused(&contact("c", 2, "<sip:d@e>, <sip:f@g>;expires=1"), &bindings), 423);
    assert_eq!(refused(&contact("c", 2, "<sip:d@e>, <broken"), &bindings), 400);
    assert_eq!(refused(&contact("c", 2, "<sip:d@e>, <mailto:f@g>"), &bindings), 400);
    assert_eq!(refused(&contact("c", 2, "<sip:d@e>, <sip:f@g>, <sip:h@i>"), &bindings), 403);
    assert_eq!(registered(&contact("c", 2, "<sip:d@e>, <sip:f@g>"), &bindings).len(), 3);
}

#[test]
fn without_contacts_a_request_only_asks() {
    let mut bindings = registered(&contact("c", 1, "<sip:a@b>, <sip:d@e>"), &[]);
    bindings[0].expires = NOW;
    let left = registered(&request("c", 1, &[]), &bindings);
    assert_eq!(contacts(&left), ["sip:d@e"], "expired ones are gone");
}

const OUTBOUND: (Name, &str) = (Name::Supported, "path, outbound");
const DIRECT: (Name, &str) = (Name::Via, "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;rport");

/// A REGISTER of one flow of a phone.
fn flow_of_phone(call_id: &str, cseq: u32, contact: &str) -> Message {
    request(call_id, cseq, &[DIRECT, OUTBOUND, (Name::Contact, contact)])
}

#[test]
fn a_flow_replaces_itself_and_leaves_the_phones_other_flow_alone() {
    let first = "<sip:a@10.0.0.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    let second = "<sip:a@10.0.0.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=2";
    let one = registered(&flow_of_phone("c1", 1, first), &[]);
    let both = registered(&flow_of_phone("c2", 1, second), &one);
    assert_eq!(both.iter().map(|binding| binding.reg_id).collect::<Vec<_>>(), [Some(1), Some(2)]);

    // The phone has started anew: another Call-ID, another address, another connection.
    let moved = "<sip:a@10.0.0.7>;+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    let request = flow_of_phone("c3", 1, moved);
    let after = register(&RULES, NOW, &flow(50_000), &request, &both).unwrap();
    assert_eq!(contacts(&after), ["sip:a@10.0.0.7", "sip:a@10.0.0.1"]);
    assert_eq!(after[0].flow, flow(50_000));
    assert!(contact_headers(NOW, &after)[0].ends_with(";reg-id=1"));
}

#[test]
fn a_flow_counts_only_where_both_ends_and_the_first_hop_know_what_it_is() {
    let contact = (Name::Contact, "<sip:a@10.0.0.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1");
    let proxied = (Name::Via, "SIP/2.0/UDP p1;branch=z9hG4bK2, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1");
    assert!(uses_outbound(&request("c", 1, &[DIRECT, OUTBOUND, contact.clone()])));
    let silent = request("c", 1, &[DIRECT, contact.clone()]);
    assert!(!uses_outbound(&silent));
    assert_eq!(registered(&silent, &[])[0].reg_id, None);
    assert_eq!(refused(&request("c", 1, &[proxied.clone(), OUTBOUND, contact.clone()]), &[]), 439);
    let edge = (Name::Path, "<sip:p2;lr>, <sip:token@p1;lr;ob>");
    assert_eq!(
        registered(&request("c", 1, &[proxied.clone(), OUTBOUND, contact.clone(), edge.clone()]), &[])[0]
            .reg_id,
        Some(1)
    );
    let blind = (Name::Path, "<sip:p1;lr>");
    assert_eq!(
        refused(&request("c", 1, &[proxied.clone(), OUTBOUND, contact.clone(), blind.clone()]), &[]),
        439
    );
}

#[test]
fn a_nat_is_noticed_by_the_contact_or_the_via() {
    let is_translated = |via: &str, contact: &str| {
        let request = request("c", 1, &[(Name::Via, via), (Name::Contact, contact)]);
        registered(&request, &[])[0].is_translated
    };
    let (inside, seen) = ("SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1", "SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK1");
    assert!(is_translated(inside, "<sip:a@203.0.113.9>"));
    assert!(is_translated(seen, "<sip:a@10.0.0.1>"));
    assert!(!is_translated(seen, "<sip:a@203.0.113.9:5070>"));
    assert!(!is_translated("SIP/2.0/UDP phone.example;branch=z9hG4bK1", "<sip:a@phone.example>"));
}
