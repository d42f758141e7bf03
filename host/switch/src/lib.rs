//! Who calls whom: users, routes, registrations, calls and legs, without input, output or clock.
//!
//! [`Switch`] is the only door. It is deterministic: the same [`Options`], times and [`Input`]s
//! make the same [`Output`]s.
//!
//! # Laws
//! - After every [`Switch::handle`] and [`Switch::handle_timeout`], drain [`Switch::poll_output`]
//!   until it is empty, then ask [`Switch::next_timeout`] when to come back.
//! - Time never runs backwards.
//! - What a peer or a plugin sends is answered with an error; it never makes the switch panic.
//! - Every [`Input::Command`] of a living instance is answered once by [`Output::PluginReply`].
//! - Everything that others can make grow has a limit.
#![forbid(unsafe_code)]

pub mod command;
pub mod io;
pub mod record;
pub mod route;
pub mod settings;
pub mod written;

mod audit;
mod bus;
mod call;
mod cause;
mod inbox;
mod instance;
mod keep_alive;
mod launch;
mod leases;
mod pace;
mod registration;
mod switch;
mod timer;
pub mod trace;
mod user;
mod users;
mod verb;

pub use command::*;
pub use io::*;
pub use record::*;
pub use route::{Pattern, PatternError};
pub use settings::*;
pub use switch::{Counts, Options, Switch};
pub use trace::*;
pub use users::Users;

/// Monotonic time since an epoch that the driver chooses.
pub type Time = std::time::Duration;
