//! RTP for an exchange: legs, bridges, prompts, digits and recordings, without input, output or clock.
//!
//! A [`Session`] is the whole of the media of one worker and its only door. It opens no socket, reads no
//! clock and starts no thread: packets, commands and the time come in through `handle_*`, packets and
//! events go out through `poll_*`. The same calls give the same answers.
//!
//! The laws, for who drives it:
//!
//! 1. [`Time`] is monotonic, since an epoch that the driver chooses, the same for the life of a session and
//!    for all sessions that legs move between. Time that runs backward is not an error, but nothing happens in it.
//! 2. After every `handle_*` call, drain [`Session::poll_transmit`], [`Session::poll_event`] and
//!    [`Session::poll_piece`] until all are `None`. What is not drained stays in memory.
//! 3. Call [`Session::handle_timeout`] at [`Session::next_timeout`] or soon after. It may be called at any
//!    time, and it may find nothing to do.
//! 4. A packet to be relayed is rewritten in place and returned as a [`Forward`]; send it at once.
//! 5. No packet and no command panics. What a peer sends wrong is counted in [`Stats`]. A command for a leg
//!    that is gone (the race of a command with a hang-up) is ignored, but whoever waits for an end gets it:
//!    a `Play`, `Record` or `SendDigits` always has its [`Event`], at most one tick later than the reason.
//! 6. Every leg sends *one* RTP stream for its life: one SSRC, sequence numbers without holes of our
//!    making, timestamps that only grow, whatever it is that plays or whoever it is that talks, and
//!    whichever session it has moved to.
//!
//! Audio is mono, 8 kHz or for wide-band codecs 16 kHz; one packet that we make is 20 ms. One tick of 20 ms serves
//! the whole worker; a prompt starts at the next tick. Two legs of one codec, or of the two laws of G.711, are
//! relayed packet by packet. What is recorded, mixed, coded anew or searched for tones goes through one jitter buffer,
//! with concealment, for all of that.

#![forbid(unsafe_code)]

/// Monotonic time since an epoch that the driver chooses.
pub type Time = std::time::Duration;

pub mod command;
pub mod prompt;
pub mod session;

pub mod codec;
pub mod dtmf;
pub mod jitter;
pub mod rtp;
pub mod srtp;
pub mod tone;

mod bridge;
mod conceal;
mod latch;
mod leg;
mod listener;
mod mixer;
mod output;
mod quality;
mod record;
mod rtcp;
mod stream;
mod tape;
mod tick;

pub use command::*;
pub use prompt::{Clip, ClipError, to_wav};
pub use session::{Channel, Forward, Moved, Session, Settings, Transmit};
pub use srtp::{MasterKey, Suite};
pub use tape::Piece;
