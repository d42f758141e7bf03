use std::{collections::BTreeMap, fs};

use super::*;
use crate::import::asterisk::file::{self, Folder};

fn parse(text: &str) -> (Phones, Plan, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p"), text).unwrap();
    let (mut plan, mut report) = (Plan::default(), Report::default());
    let sections = file::read(&Folder::new(folder.path()), "p", &mut report).unwrap();
    let phones = read(&sections, &mut plan, &mut report);
    let root = format!("{}/", folder.path().display());
    (phones, plan, report.notes().map(|note| note.to_string().replace(&root, "")).collect())
}

#[test]
fn an_endpoint_with_auth_and_aor_is_a_user() {
    let (phones, plan, notes) = parse(
        "[phone](!)\ntype=endpoint\ncontext=internal\ndisallow=all\nallow=alaw,ulaw,g729\n\
         [alice](phone)\nauth=alice\naors=alice\ncallerid=\"Alice A.\" <101>\nmedia_encryption=sdes\n\
         dtmf_mode=info\nmailboxes=101@default\n[alice]\ntype=auth\nauth_type=userpass\nusername=alice\n\
         password=a long and good one\n[alice]\ntype=aor\nmax_contacts=1\n",
    );
    let expected = User {
        number: Some("101".to_owned()),
        display: Some("Alice A.".to_owned()),
        dtmf: Some("info"),
        srtp: Some("required"),
        password: Some("a long and good one".to_owned()),
    };
    assert_eq!(phones.users, BTreeMap::from([("alice".to_owned(), expected)]));
    assert_eq!(plan.codecs, ["pcma", "pcmu"]);
    assert_eq!(phones.contexts[0].0, "internal");
    assert_eq!(
        notes,
        [
            "p:6: carried: the user `alice`",
            "p:5: not carried: the codec g729",
            "p:12: not carried: `mailboxes` of `alice`",
            "p:17: defect: a password in plain text: whoever reads the file can call; Jackfield keeps digests only",
        ]
    );
    assert!(notes.iter().all(|note| !note.contains("good one")), "{notes:?}");
}

#[test]
fn a_provider_is_a_trunk_and_a_peer() {
    let (phones, plan, notes) = parse(
        "[provider]\ntype=endpoint\naors=provider\noutbound_auth=provider\n[provider]\ntype=aor\n\
         contact=sip:me@sip.example:5080;transport=udp\n[provider]\ntype=identify\nendpoint=provider\n\
         match=192.0.2.0/24,sip.example\n[provider]\ntype=registration\nserver_uri=sip:sip.example\n",
    );
    assert_eq!(phones.trunks["provider"].host.as_deref(), Some("sip.example:5080"));
    assert_eq!(plan.peers["provider"], ["192.0.2.0/24".parse().unwrap()]);
    assert_eq!(notes.iter().filter(|note| note.contains("not carried")).count(), 3, "{notes:#?}");
    assert!(notes.iter().any(|note| note.starts_with("p:11: changed: whoever calls from")), "{notes:#?}");
}

#[test]
fn transports_are_listened_on_and_tls_alone_hides_no_voice() {
    let (_, plan, notes) = parse(
        "[t]\ntype=transport\nprotocol=udp\nbind=0.0.0.0\nexternal_media_address=203.0.113.5\n\
         external_signaling_address=203.0.113.5\nlocal_net=192.168.0.0/16\n\
         [s]\ntype=transport\nprotocol=tls\nbind=0.0.0.0:5099\ncert_file=/x.pem\n\
         [w]\ntype=transport\nprotocol=wss\nbind=0.0.0.0\n[a]\ntype=endpoint\n",
    );
    assert_eq!(plan.listen.udp, ["0.0.0.0:5060".parse().unwrap()]);
    assert_eq!(plan.listen.tls, ["0.0.0.0:5099".parse().unwrap()]);
    assert_eq!((plan.listen.external.len(), plan.listen.local_nets.len()), (1, 1));
    let defects: Vec<_> = notes.iter().filter(|note| note.contains("defect")).collect();
    assert!(defects[0].starts_with("p:8: defect: TLS without SRTP"), "{defects:#?}");
    assert!(defects[1].starts_with("p:17: defect: the endpoint `a` has no `aors`"), "{defects:#?}");
    assert!(defects[2].starts_with("p:17: defect: the endpoint `a` has no `auth`"), "{defects:#?}");
}

#[test]
fn what_cannot_log_in_is_told() {
    let (phones, _, notes) = parse(
        "[a]\ntype=endpoint\nauth=b\naors=a\n[a]\ntype=aor\n[c]\ntype=auth\n[d]\nx=1\n[a]\ntype=endpoint\n\
         [e]\ntype=auth\nusername=e\npassword=1234\n[f]\ntype=acl\n",
    );
    assert_eq!(phones.users.len(), 1);
    let told = [
        "p:17: not carried: [f], of the type acl",
        "p:3: defect: there is no auth [b]",
        "p:7: defect: the auth [c] has no password",
        "p:9: defect: [d] has no `type`",
        "p:11: defect: there is an endpoint [a] already",
        "p:16: defect: a password in plain text",
        "p:16: defect: the password of [e] is easily guessed",
    ];
    let rest: Vec<_> = notes.iter().filter(|note| !note.contains(" carried: the user")).collect();
    assert_eq!(rest.len(), told.len(), "{rest:#?}");
    assert!(rest.iter().zip(told).all(|(note, start)| note.starts_with(start)), "{rest:#?}");
}

#[test]
fn callers_have_names_and_numbers() {
    let told = |text| {
        let (name, number) = caller(text);
        (name.unwrap_or_default(), number.unwrap_or_default())
    };
    let pair = |name: &str, number: &str| (name.to_owned(), number.to_owned());
    assert_eq!(told("\"Prospection Automatique\" <9000>"), pair("Prospection Automatique", "9000"));
    assert_eq!(told("Bob <102>"), pair("Bob", "102"));
    assert_eq!(told("102"), pair("", "102"));
    assert_eq!(told("Bob"), pair("Bob", ""));
    assert_eq!(told("<>"), pair("", ""));
}

#[test]
fn one_address_is_listened_on_once() {
    let (_, plan, notes) = parse(
        "[t]\ntype=transport\nprotocol=tcp\nbind=0.0.0.0:5060\n[s]\ntype=transport\nprotocol=tls\nbind=0.0.0.0:5060\n",
    );
    assert_eq!((plan.listen.tcp.len(), plan.listen.tls.len()), (1, 0));
    assert!(notes[1].starts_with("p:5: defect: TCP and TLS both listen on 0.0.0.0:5060"), "{notes:?}");
}
