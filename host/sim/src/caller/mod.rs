//! Phones in the hands of a script: they speak SIP and RTP, and tell what they heard.

mod call;
mod digest;
mod ear;
mod mouth;
mod phone;
mod pitch;
mod recognise;
mod registration;
mod reorder;
mod telephone;

pub use call::{CallEnd, CallLog, State};
pub(crate) use digest::Login;
pub use ear::Heard;
pub use phone::Phone;
pub(crate) use recognise::Files;
pub use recognise::Sound;
pub(crate) use registration::EXPIRES;
pub(crate) use telephone::{SIP_PORT, Setup, Telephone};
