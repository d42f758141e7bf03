//! The whole exchange from outside: the real binary, driven by phones that are not ours
//! (SIPp, baresip) and by a scripted phone that builds and reads its messages with rsip.
//!
//! - [`exchange`] starts the binary on ports of its own in a folder of its own, and [`plugins`]
//!   reads what it says of its plugins.
//! - [`author`] is `jackfield dev`, and what it prints.
//! - [`phone`] is the scripted phone, [`rtp`] its ear and mouth, before
//!   which [`scrambler`] may encrypt.
//! - [`sipp`] and [`baresip`] run those two, [`netns`] gives clients that refuse the
//!   loopback interface a network of their own.
//! - [`handset`] has a face for all phones that are not ours.
//! - [`weather`] loses and delays packets, [`wire`] writes them down and opens SRTP.
//! - [`audio`] and [`speech`] judge what was heard; [`python`] runs judges of Python's world.
//!
//! A harness that cannot go on panics and says what it had; a test prints the exchange's
//! log when it fails. Bounds on wall time are in seconds: the machine may be busy. What
//! must hold to the millisecond is read from RTP timestamps.
#![allow(clippy::disallowed_methods, reason = "phones have sockets, threads and clocks")]
#![allow(clippy::unwrap_used, reason = "only tests use this crate")]

pub mod audio;
pub mod author;
pub mod baresip;
pub mod exchange;
pub mod files;
pub mod handset;
pub mod interop;
pub mod netns;
pub mod phone;
pub mod plugins;
mod ports;
pub mod process;
pub mod python;
pub mod rtp;
pub mod scrambler;
pub mod sid;
pub mod sipp;
pub mod speech;
pub mod weather;
pub mod wire;

pub use exchange::{Exchange, Site};
pub use phone::Phone;
pub use process::{await_until, await_within};
