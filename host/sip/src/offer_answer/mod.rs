//! Offers and answers for one audio stream (RFC 3264), over the crate `sdp_types`.
//!
//! The first audio line that has a codec of ours is taken, one with SRTP (RFC 4568) before one without; all other
//! lines are answered with port 0. An answer names one codec, so that nobody changes it in the middle of a call.

mod crypto;
mod direction;
mod negotiation;
mod reading;
mod types;
mod writing;

pub use crypto::{Crypto, CryptoSuite, Encrypted, Profile, Srtp};
pub use direction::Direction;
pub use negotiation::{agreed, answer, offer};
pub use reading::parse_sdp;
pub use types::{Agreed, Audio, Local, LocalCodec, NoCommonCodec, Payload, SdpError, Session};
