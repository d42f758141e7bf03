//! The exchange in virtual time: the real switch, media and plugins, with scripted phones around it.
//!
//! A [`World`] opens no socket, reads no clock and starts no thread. Its plugins are the real
//! WebAssembly, run on fuel; its [`Phone`]s speak SIP and RTP over a network that can lose, repeat and
//! reorder what they send. What a phone [heard](Heard) is judged by the packets that reached it. A menu
//! that waits ten seconds for a key does so in microseconds, and the same [seed](Site::seed) gives the
//! same [trace](World::trace).
//!
//! # A story
//! The menu of `plugins/ivr` welcomes its callers and rings Alice when they press 1.
//!
//! ```
//! use std::time::Duration;
//! use jackfield_sim::{Plugin, Site, To, World, built};
//!
//! # let (plugins, school) = (concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins"),
//! #     concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/la-plateforme/plugins"));
//! let menu = Plugin::folder_with(format!("{school}/menu"), built(plugins, "ivr"))?;
//! let world = World::new(
//!     Site::new().user("alice", "101").plugin("menu", menu).route("100", To::plugin("menu")),
//! )?;
//! let alice = world.phone("alice");
//! alice.answers_after(Duration::from_secs(2)).greets_with("Allô ?");
//!
//! let caller = world.outside("0612345678");
//! caller.dial("100").await_answer();
//! let welcome = caller.hear("Bonjour et bienvenue chez La Plateforme !");
//! assert_eq!(welcome.length(), Duration::from_millis(41 * 60), "60 ms for each character");
//!
//! caller.hear("Pour joindre Alice, taper 1.");
//! let pressed = world.now();
//! caller.press("1").hear("Allô ?");
//! assert!(world.now() - pressed < Duration::from_secs(3), "she answered after two");
//!
//! alice.hang_up();
//! caller.await_end();
//! assert_eq!(world.records()[0].results, [("accueil".to_owned(), "1".to_owned())]);
//! # Ok::<(), jackfield_sim::SimError>(())
//! ```
//!
//! # In the tests of a plugin
//! A plugin is tested as it will run: build it for wasm, name this crate in `[dev-dependencies]`, and
//! tell stories like the one above with its own folder and [`built`]`(".", "my_plugin")`. Sounds of its
//! prompts' folder are heard by their names; a prompt made with [`voice::wav`] is heard as its words.
//!
//! # When a test fails
//! The waits of a phone panic with what it heard and with the last lines of the [trace](World::trace),
//! which names every SIP message with its moment:
//!
//! ```text
//! "Allô ?" was not heard: Some(CallLog { peer: "100", state: Up, .. })
//! it heard:
//!   0.070-2.530 "Bonjour et bienvenue chez La Plateforme !"
//!   2.530-3.070 "Pour join…"
//!   3.090-4.590 tone [440] Hz
//! the last that happened:
//!         3.060 exchange > alice: INVITE sip:alice@10.0.0.1:5060 SIP/2.0
//!         3.070 alice > exchange: SIP/2.0 180 Ringing
//! ```
//!
//! # Rooms
//! - [`World`] is the only door; a [`Site`] says what is in it, a [`Plugin`] what runs there.
//! - [`Phone`] is a caller or callee. [`voice`] is what phones and plugins speak with, so that every ear
//!   can read back word for word what was said.
//! - [`Weather`] is what the network does.
//! - [`case`] runs stories that are written in files.
//!
//! The services that guests reach (values, contacts, log, random numbers, speech) are kept in memory;
//! [`Site::web`] and [`Site::helper`] stand for what lies outside. Speech takes no time to be made, and
//! has the same length in every language.
#![forbid(unsafe_code)]

mod caller;
pub mod case;
mod clock;
mod engine;
mod error;
mod exchange;
mod house;
mod journal;
mod link;
mod plugin;
mod services;
mod site;
mod trace;
pub mod voice;
mod world;

pub use caller::{CallEnd, CallLog, Heard, Phone, Sound, State};
pub use engine::keep_compiled;
pub use error::SimError;
pub use exchange::Notice;
pub use journal::RecordedCall;
pub use link::Weather;
pub use plugin::{Plugin, built};
pub use services::{Attempt, ContactHistory, LogLine, Recording};
pub use site::{Site, To};
pub use trace::Trace;
pub use world::World;

// The words of the other rooms that stand in this door.
pub use jackfield_media::{Clip, Codec};
pub use jackfield_plugin::journal::{Difference, Outcome, Record, Replayed};
pub use jackfield_plugin::{Grant, HttpRequest, HttpResponse, LaunchGrant, LimitsWish};
pub use jackfield_switch::{CallRecord, Cause, Counts, Direction, Error, HangupInfo, Level};
