//! The torture messages of RFC 4475 and RFC 5118, sent to a running exchange: each is answered as its RFC
//! asks, and the exchange goes on.

#[path = "../../../host/sip/tests/torture/messages.rs"]
mod messages;

use std::{collections::BTreeMap, net::UdpSocket, time::Duration};

use jackfield_tests::{Exchange, Site, await_until, netns};
use messages::{Torture, rfc4475, rfc5118};

const CONFIG: &str = "[peers.torture]\naddresses = [\"10.77.0.1/32\"]\n";

/// The ports that answers go to: that of SIP, and those that a Via names.
const PORTS: [u16; 5] = [5060, 5050, 5070, 6050, 19823];

/// RFC 4475, what is not answered left out: responses that belong to nothing.
const RFC4475: [(&str, u16); 44] = [
    // Its To has a tag, and its dialog is unknown here.
    ("wsinv", 481),
    ("intmeth", 501),
    ("esc01", 404),
    ("escnull", 401),
    // An escaped REGISTER is none.
    ("esc02", 501),
    ("lwsdisp", 200),
    ("longreq", 404),
    ("dblreq", 401),
    ("semiuri", 200),
    ("transports", 200),
    ("mpart01", 405),
    ("badinv01", 400),
    ("clerr", 400),
    ("ncl", 400),
    ("scalar02", 400),
    ("quotbal", 400),
    ("ltgtruri", 400),
    ("lwsruri", 400),
    ("lwsstart", 400),
    ("trws", 400),
    ("escruri", 400),
    ("baddate", 404),
    ("regbadct", 400),
    ("badaspec", 400),
    ("baddn", 400),
    ("badvers", 505),
    ("mismatch01", 400),
    ("mismatch02", 400),
    ("badbranch", 200),
    ("insuf", 400),
    ("unkscm", 416),
    ("novelsc", 416),
    ("unksm2", 400),
    ("bext01", 420),
    ("invut", 415),
    ("regaut01", 401),
    ("multi01", 400),
    ("mcl01", 400),
    // Only a proxy would have to pass it on.
    ("zeromf", 200),
    ("cparam01", 401),
    ("cparam02", 401),
    ("regescrt", 401),
    ("sdp01", 406),
    ("inv2543", 404),
];

/// RFC 5118.
const RFC5118: [(&str, u16); 12] = [
    ("ipv6-good", 401),
    ("ipv6-bad", 400),
    ("port-ambiguous", 401),
    ("port-unambiguous", 401),
    // A BYE, and below another one: of dialogs that are unknown here.
    ("via-received-param-with-delim", 481),
    ("via-received-param-no-delim", 200),
    // Their codecs are none of ours.
    ("ipv6-in-sdp", 488),
    ("mult-ip-in-header", 481),
    ("mult-ip-in-sdp", 404),
    ("ipv4-mapped-ipv6", 488),
    ("ipv6-bug-abnf-3-colons", 200),
    ("ipv6-correct-abnf-2-colons", 200),
];

/// The final answer to each message, by the message's name. Some have branch, host and method of another
/// one, and are copies of it for whoever got both: they are sent again to an exchange that got none.
fn answers(exchange: &mut Exchange, messages: &[Torture]) -> BTreeMap<&'static str, u16> {
    let mut answers = BTreeMap::new();
    ask(exchange, messages, &mut answers);
    exchange.stop();
    exchange.restart();
    ask(exchange, messages, &mut answers);
    answers
}

fn ask(exchange: &Exchange, messages: &[Torture], answers: &mut BTreeMap<&'static str, u16>) {
    let sockets = PORTS.map(|port| UdpSocket::bind((netns::ADDRESS, port)).unwrap());
    for torture in messages {
        if answers.contains_key(torture.name) {
            continue;
        }
        let call_id = header(&torture.bytes, &["call-id", "i"]);
        sockets[0].send_to(&torture.bytes, exchange.site().udp()).unwrap();
        let status = final_answer(&sockets, call_id.as_deref());
        answers.extend(status.map(|status| (torture.name, status)));
    }
}

/// What comes for that call within a moment; answers to former messages may be repeated meanwhile.
fn final_answer(sockets: &[UdpSocket], call_id: Option<&str>) -> Option<u16> {
    let mut buffer = [0; 65_536];
    for _ in 0..20 {
        for socket in sockets {
            socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
            while let Ok(length) = socket.recv(&mut buffer) {
                let answer = &buffer[..length];
                let line = String::from_utf8_lossy(answer);
                let status = line.split(' ').nth(1).and_then(|status| status.parse().ok())?;
                if status >= 200 && header(answer, &["call-id", "i"]).as_deref() == call_id {
                    return Some(status);
                }
            }
        }
    }
    None
}

/// The first header of one of these names, in lower case.
fn header(message: &[u8], names: &[&str]) -> Option<String> {
    let text = String::from_utf8_lossy(message);
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        names.contains(&name.trim().to_ascii_lowercase().as_str()).then(|| value.trim().to_owned())
    })
}

#[test]
fn every_torture_message_is_answered_as_its_rfc_asks() {
    if !netns::inside("torture::every_torture_message_is_answered_as_its_rfc_asks") {
        return;
    }
    let mut exchange = Site::at(netns::ADDRESS.parse().unwrap(), CONFIG).start();
    assert_eq!(answers(&mut exchange, &rfc4475()), BTreeMap::from(RFC4475));
    assert_eq!(answers(&mut exchange, &rfc5118()), BTreeMap::from(RFC5118));
    await_until("all refused calls to be gone", || (exchange.calls() == 0).then_some(()));
}
