//! Every reader of foreign bytes as a function of bytes that must neither panic nor break its promises.
//!
//! `scripts/fuzz` lets libFuzzer look for bytes that make them (`run/`, a workspace of its own); the tests of
//! this crate run each over its seeds and over seeds with errors in them.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a broken promise is found by its panic")]

mod media;
mod seeds;
mod sip;

pub use seeds::seeds;

/// A reader, by the name of its target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As on the command line of `scripts/fuzz`.
    pub name: &'static str,
    /// Panics if the reader does, or if it breaks a promise.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "message", run: sip::message },
    Target { name: "sdp", run: sip::sdp },
    Target { name: "framer", run: sip::framer },
    Target { name: "stun", run: sip::stun },
    Target { name: "rtp", run: media::rtp },
    Target { name: "rtcp", run: media::rtcp },
    Target { name: "srtp", run: media::srtp },
];

/// The target of that name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
