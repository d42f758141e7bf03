//! A scripted phone. It builds and reads every message with rsip, another implementation
//! than the exchange's own, and does what a good phone does unasked: it logs in when it is
//! challenged, answers retransmissions with what it said before, acknowledges, and answers
//! BYE, CANCEL, OPTIONS and a re-INVITE.

mod call;
mod dial;
mod digest;
mod incoming;
mod line;
mod sdp;

use std::{
    hash::{BuildHasher, RandomState},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use rsip::{Method, Request, Response, prelude::*};

pub use call::Call;
pub use dial::Dialing;
pub use incoming::Ringing;
use line::Line;

use crate::{
    exchange::{Exchange, password},
    rtp::Audio,
};

/// A registered, or not yet registered, phone.
pub struct Phone {
    line: Arc<Line>,
    /// Call-ID and the last CSeq of its registrations.
    registration: (String, u32),
}

impl Phone {
    /// A phone of that user over UDP.
    pub fn udp(exchange: &Exchange, user: &str) -> Phone {
        Phone::new(Line::udp(exchange.site().udp(), user, &password(user), None))
    }

    /// A phone of that user over TCP.
    pub fn tcp(exchange: &Exchange, user: &str) -> Phone {
        Phone::new(Line::tcp(exchange.site().tcp(), user, &password(user)))
    }

    /// A user's phone over UDP that is registered.
    #[track_caller]
    pub fn registered(exchange: &Exchange, user: &str) -> Phone {
        let mut phone = Phone::udp(exchange, user);
        phone.register();
        phone
    }

    /// A phone over UDP on that local address (a peer, by its address) or with that password.
    pub fn stranger(exchange: &Exchange, user: &str, password: &str, local: SocketAddr) -> Phone {
        Phone::new(Line::udp(exchange.site().udp(), user, password, Some(local)))
    }

    /// A phone over UDP of whoever knows that server, with a user and a password of it.
    pub fn at(server: SocketAddr, user: &str, password: &str) -> Phone {
        Phone::new(Line::udp(server, user, password, None))
    }

    fn new(line: Arc<Line>) -> Phone {
        Phone { line, registration: (token(), 0) }
    }

    /// Where it listens.
    pub fn local(&self) -> SocketAddr {
        self.line.local
    }

    /// Registers for an hour; must succeed.
    #[track_caller]
    pub fn register(&mut self) {
        let response = self.register_for(3600);
        assert_eq!(response.status_code.code(), 200, "REGISTER of {}", self.line.user);
    }

    /// Registers for so many seconds, logging in when challenged; 0 ends the registration.
    #[track_caller]
    pub fn register_for(&mut self, seconds: u32) -> Response {
        let line = self.line.clone();
        let response = line.transact(&self.register_request(seconds, None));
        match line.login(&response, Method::Register, &line.server_uri()) {
            Some(login) => line.transact(&self.register_request(seconds, Some(login))),
            None => response,
        }
    }

    fn register_request(&mut self, seconds: u32, login: Option<rsip::Header>) -> Request {
        let line = &self.line;
        let (call_id, cseq) = &mut self.registration;
        *cseq += 1;
        let address = line.address_of_record();
        let from = format!("<{address}>;tag={}", token());
        let mut request = line.request(
            Method::Register,
            &line.server_uri(),
            &from,
            &format!("<{address}>"),
            call_id,
            *cseq,
        );
        request.headers.push(rsip::headers::Contact::new(format!("<{}>", line.contact())).into());
        request.headers.push(rsip::headers::Expires::from(seconds).into());
        request.headers.extend(login.into_iter().collect());
        request
    }

    /// Asks the exchange for its options; the status of the answer.
    #[track_caller]
    pub fn options(&self) -> u16 {
        let line = &self.line;
        let from = format!("<{}>;tag={}", line.address_of_record(), token());
        let uri = line.server_uri();
        let request = line.request(Method::Options, &uri, &from, &format!("<{uri}>"), &token(), 1);
        line.transact(&request).status_code.code()
    }

    /// Starts a call to a number or a user.
    #[track_caller]
    pub fn dial(&self, number: &str) -> Dialing {
        Dialing::start(&self.line, number, Audio::open(self.line.local.ip()))
    }

    /// Starts a call that is encrypted, or not at all, with that suite of [`SUITES`](crate::scrambler::SUITES).
    #[track_caller]
    pub fn dial_encrypted(&self, number: &str, suite: &'static str) -> Dialing {
        Dialing::start(&self.line, number, Audio::encrypted(self.line.local.ip(), suite))
    }

    /// A call that is answered.
    #[track_caller]
    pub fn call(&self, number: &str) -> Call {
        let answered = self.dial(number).outcome(Duration::from_secs(20));
        answered.unwrap_or_else(|status| {
            panic!("the call of {} to {number} was answered {status}", self.line.user)
        })
    }

    /// The next call that comes in.
    #[track_caller]
    pub fn incoming(&self) -> Ringing {
        self.incoming_within(Duration::from_secs(20))
            .unwrap_or_else(|| panic!("the phone of {} does not ring", self.line.user))
    }

    /// The next call that comes in, if one does in that time.
    pub fn incoming_within(&self, limit: Duration) -> Option<Ringing> {
        Ringing::next(&self.line, limit)
    }
}

/// Text that nobody used before.
pub(crate) fn token() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::time::SystemTime::now()))
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.line.close();
    }
}
