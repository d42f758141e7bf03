//! The plugin host: guests in WebAssembly that handle calls, speak and run campaigns.
//!
//! [`Engine`] is the only door to wasmtime. [`Engine::load`] makes a [`Version`] of a plugin's files; a
//! version runs *instances*, one for each call, and each is a future that any executor can poll. What a
//! guest asks for goes out through [`Host`]: verbs of call control as commands to the [`Switchboard`],
//! answered through [`Replies`], and all the rest to [`Services`]. [`Plugins`] knows which version of each
//! name is live.
//!
//! There is no clock here and no executor. Waiting is a timer of the switch; the time and random numbers
//! come from the services; CPU is counted in ticks that the driver gives ([`Engine::tick`]), or in fuel when
//! the engine is deterministic, and then the same inputs make the same run.
//!
//! What an instance asks and gets can be recorded and run again, with the same version or another one: see
//! [`journal`].
//!
//! Dropping the future of an instance at any point ends it and frees all it held; verbs that were under
//! way are abandoned, and the switch stops what they began.

#![deny(unsafe_code)]

mod api;
mod bounds;
mod component;
mod contract;
mod engine;
mod error;
mod instance;
mod interfaces;
pub mod journal;
mod limits;
mod manifest;
mod meter;
mod plugins;
mod rights;
mod runtime;
mod services;
mod turn;
mod units;
mod usage;
mod version;
mod wasi;

pub use component::{CompiledCache, NoCache};
pub use contract::{CONTRACT, Contract};
pub use engine::{Engine, EngineOptions, TICK};
pub use error::{EngineError, LoadError, ManifestError, Refused};
pub use interfaces::Interfaces;
pub use limits::{Limits, LimitsWish};
pub use manifest::{Build, Field, FieldType, Header, Kind, Manifest};
pub use plugins::{PluginState, PluginStatus, Plugins};
pub use rights::{Capabilities, Grant, LaunchGrant, LaunchWish};
pub use runtime::{Runtime, Script};
pub use services::{
    Answer, Contact, Host, HttpRequest, HttpResponse, LocalTime, Origin, Replies, Services, Speech,
    Switchboard,
};
pub use units::{Size, Span};
pub use usage::Usages;
pub use version::{Finding, Info, Source, SpeechAudio, Version, Voice};
