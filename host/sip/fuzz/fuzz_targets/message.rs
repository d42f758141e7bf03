//! Parse, every typed access, validate, and what the exchange makes of the message.
#![no_main]

use std::time::Duration;

use bytes::Bytes;
use jackfield_sip::{
    Authenticator, Builder, Digests, Flow, FlowId, Message, Name, Offered, Rules, Transport, register,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    match Message::parse(Bytes::copy_from_slice(data)) {
        Ok(message) => act_on(&message),
        Err(error) => {
            if let Some(rejection) = error.rejection() {
                Message::parse(rejection).expect("what we write can be read");
            }
        }
    }
});

fn act_on(message: &Message) {
    read(message);
    let remote = "203.0.113.9:40000".parse().expect("an address");
    if message.is_request() && message.validate(Transport::Udp).is_ok() {
        let mut request = message.clone();
        request.set_source(remote);
        let response = Message::parse(Builder::response_to(&request, 404, "", Some("t")).build());
        let response = response.expect("what we write can be read");
        assert_eq!(response.validate(Transport::Tcp), Ok(()));
        assert_eq!(response.cseq(), message.cseq());
    }
    let mut authenticator = Authenticator::new("r", [1; 32], Duration::from_secs(1));
    authenticator.check(Duration::ZERO, message, &Digests::of("a", "r", "p"), Offered::Both);
    let flow = Flow { id: FlowId(1), transport: Transport::Udp, local: remote, remote };
    if let Ok(bindings) = register(&Rules::default(), Duration::ZERO, &flow, message, &[]) {
        let _ = register(&Rules::default(), Duration::ZERO, &flow, message, &bindings);
    }
}

fn read(message: &Message) {
    let _ = (message.method(), message.uri(), message.status(), message.reason(), message.body());
    let _ = (message.via(), message.from(), message.to(), message.cseq(), message.call_id());
    let _ = (message.contacts(), message.routes(), message.record_routes(), message.validate(Transport::Tcp));
    let _ = (message.expires(), message.max_forwards(), message.content_type(), Authenticator::user_of(message));
    for (name, _) in message.all_headers() {
        let _ = message.values(&Name::from(name)).count();
    }
}
