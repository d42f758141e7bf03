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

pub(crate) use call::Call;
pub use call::{CallEnd, CallLog, State};
pub(crate) use digest::Login;
pub use ear::Heard;
pub use phone::Phone;
pub use recognise::Sound;
pub(crate) use recognise::{Files, Found, Place, sentences};
pub(crate) use registration::EXPIRES;
pub(crate) use telephone::{SIP_PORT, Setup, Telephone};
