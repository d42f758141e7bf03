//! Every message gets the verdict that its RFC asks for.

use std::{env, fs, path::PathBuf};

use bytes::Bytes;
use jackfield_sip::{Message, Transport};

use crate::messages::{Torture, rfc4475, rfc5118};

/// What becomes of a message before anybody asks what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is acted on.
    Valid,
    /// A request is refused with this status.
    Refused(u16),
    /// A response is no response to anything.
    Dropped,
}

use Verdict::{Dropped, Refused, Valid};

fn verdict(bytes: &[u8]) -> Verdict {
    let message = match Message::parse(Bytes::copy_from_slice(bytes)) {
        Ok(message) => message,
        Err(error) => {
            let Some(rejection) = error.rejection() else { return Dropped };
            let rejection = Message::parse(rejection).expect("our own response");
            return Refused(rejection.status().unwrap());
        }
    };
    match message.validate(Transport::Udp) {
        Ok(()) => Valid,
        Err(invalid) if message.is_request() => Refused(invalid.status()),
        Err(_) => Dropped,
    }
}

/// RFC 4475. Where it leaves a choice, the comment says what we chose.
const RFC4475: [(&str, Verdict); 49] = [
    ("wsinv", Valid),
    ("intmeth", Valid),
    ("esc01", Valid),
    ("escnull", Valid),
    ("esc02", Valid),
    ("lwsdisp", Valid),
    ("longreq", Valid),
    ("dblreq", Valid),
    ("semiuri", Valid),
    ("transports", Valid),
    ("mpart01", Valid),
    ("unreason", Valid),
    ("noreason", Valid),
    ("badinv01", Refused(400)),
    ("clerr", Refused(400)),
    ("ncl", Refused(400)),
    ("scalar02", Refused(400)),
    ("scalarlg", Dropped),
    ("quotbal", Refused(400)),
    ("ltgtruri", Refused(400)),
    // Could be repaired; is not.
    ("lwsruri", Refused(400)),
    ("lwsstart", Refused(400)),
    ("trws", Refused(400)),
    ("escruri", Refused(400)),
    // Nobody here acts on Date: it is ignored.
    ("baddate", Valid),
    ("regbadct", Refused(400)),
    ("badaspec", Refused(400)),
    ("baddn", Refused(400)),
    ("badvers", Refused(505)),
    ("mismatch01", Refused(400)),
    ("mismatch02", Refused(400)),
    ("bigcode", Dropped),
    // Its transaction is known the way of RFC 2543.
    ("badbranch", Valid),
    ("insuf", Refused(400)),
    ("unkscm", Refused(416)),
    ("novelsc", Refused(416)),
    // A matter of the registrar.
    ("unksm2", Valid),
    ("bext01", Valid),
    ("invut", Valid),
    ("regaut01", Valid),
    ("multi01", Refused(400)),
    ("mcl01", Refused(400)),
    ("bcast", Valid),
    ("zeromf", Valid),
    ("cparam01", Valid),
    ("cparam02", Valid),
    ("regescrt", Valid),
    ("sdp01", Valid),
    ("inv2543", Valid),
];

/// RFC 5118.
const RFC5118: [(&str, Verdict); 12] = [
    ("ipv6-good", Valid),
    ("ipv6-bad", Refused(400)),
    ("port-ambiguous", Valid),
    ("port-unambiguous", Valid),
    ("via-received-param-with-delim", Valid),
    ("via-received-param-no-delim", Valid),
    ("ipv6-in-sdp", Valid),
    ("mult-ip-in-header", Valid),
    ("mult-ip-in-sdp", Valid),
    ("ipv4-mapped-ipv6", Valid),
    ("ipv6-bug-abnf-3-colons", Valid),
    ("ipv6-correct-abnf-2-colons", Valid),
];

#[track_caller]
fn assert_verdicts(messages: &[Torture], expected: &[(&str, Verdict)]) {
    let found: Vec<_> = messages.iter().map(|torture| (torture.name, verdict(&torture.bytes))).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_message_of_rfc_4475_gets_its_verdict() {
    assert_verdicts(&rfc4475(), &RFC4475);
}

#[test]
fn every_message_of_rfc_5118_gets_its_verdict() {
    assert_verdicts(&rfc5118(), &RFC5118);
}

/// Byte for byte the archive of the RFC, where there is a copy: in `SIP_CORPORA`, or beside the project.
#[test]
fn the_messages_are_typed_without_a_mistake() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/qa/corpora");
    let folder = env::var_os("SIP_CORPORA").map_or(PathBuf::from(beside), PathBuf::from);
    for (corpus, suffix, messages) in [("rfc4475", ".dat", rfc4475()), ("rfc5118", "", rfc5118())] {
        let folder = folder.join(corpus);
        if !folder.is_dir() {
            println!("{} is not here: nothing to compare with", folder.display());
            continue;
        }
        for Torture { name, bytes } in messages {
            let original = fs::read(folder.join(format!("{name}{suffix}"))).unwrap();
            assert!(bytes == original, "{name}:\n{}", String::from_utf8_lossy(&bytes));
        }
    }
}
