//! A peer's session description, our answer to it, and a re-offer after it.
#![no_main]

use jackfield_sip::{Direction, Local, LocalCodec, Srtp, agreed, answer, parse_sdp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(session) = parse_sdp(data) else { return };
    let mut local = Local {
        address: "192.0.2.9".parse().expect("an address"),
        port: 4000,
        codecs: vec![LocalCodec::Pcma, LocalCodec::Pcmu],
        session_id: 1,
        version: 1,
        direction: Direction::SendRecv,
        dtmf: true,
        srtp: Srtp::default(),
    };
    let agreed = agreed(&local, &session);
    match answer(&local, &session) {
        Ok((body, mine)) => {
            assert_eq!(agreed, Ok(mine));
            let read = parse_sdp(&body).expect("what we write can be read");
            assert!(read.audio().count() == 1, "one line is taken");
            assert_eq!(local.revise(&body, &body), body);
        }
        Err(error) => assert_eq!(agreed, Err(error)),
    }
});
