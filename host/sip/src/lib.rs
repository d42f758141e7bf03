//! SIP for an exchange: parser, transactions, dialogs, registrar and digest, without input, output or clock.
//!
//! Everything here is deterministic given what the driver passes in: bytes, flows and the time.
#![forbid(unsafe_code)]

pub mod auth;
mod dialog;
pub mod endpoint;
pub mod flow;
pub mod frame;
pub mod message;
pub mod offer_answer;
pub mod registrar;
mod session_timer;
pub mod stun;
mod transaction;

pub use auth::{Algorithm, Authenticator, Digests, Offered, Verdict, ha1};
pub use endpoint::{
    Answer, Busy, ClientId, Config, Endpoint, Event, Failure, Invite, Load, OutRequest, Output, Replaced,
    ServerId, SessionEnd, SessionId, Timers,
};
pub use flow::{Advertised, Flow, FlowId, Transport};
pub use frame::{Frame, FrameError, Framer};
pub use message::{
    Builder, Content, Credentials, HeaderError, HeaderValue, Invalid, Message, Method, Name, NameAddr,
    ParseError, ParseFault, Replaces, SyntaxError, Uri, Via, percent_decoded, reason_phrase,
};
pub use offer_answer::{
    Agreed, Audio, Crypto, CryptoSuite, Direction, Encrypted, Local, LocalCodec, NoCommonCodec, Payload,
    Profile, SdpError, Session, Srtp, agreed, answer, offer, parse_sdp,
};
pub use registrar::{Binding, Refusal, Rules, contact_headers, register, uses_outbound};

/// Monotonic time since an epoch that the driver chooses.
pub type Time = std::time::Duration;
