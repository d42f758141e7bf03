//! What a Jackfield plugin in Rust depends on.
//!
//! A plugin is one function. This one greets, and puts the caller through:
//!
//! ```
//! use std::time::Duration;
//! use jackfield_sdk::{Call, DialEnd, Result};
//!
//! #[jackfield_sdk::app]
//! fn handle(call: Call) -> Result<()> {
//!     call.answer()?;
//!     call.say("Bonjour !")?;
//!     match call.dial("alice").timeout(Duration::from_secs(10)).run()? {
//!         DialEnd::Answered(alice) => call.bridge(&alice).run().map(drop),
//!         DialEnd::Failed(_) => call.say("Alice n'est pas là."),
//!     }
//! }
//! ```
//!
//! Each call has an instance of its own, so a verb may take its time: only this call waits.
//! When the caller hangs up, the verb in progress returns [`Error::HungUp`], and `?` ends
//! the script. [`app`] answers calls, [`service`] runs as long as the exchange does,
//! [`tts`](macro@tts) makes speech; a plugin is one of these, or [several](macro@service).
//!
//! Build it for `wasm32-unknown-unknown`, as a `cdylib`. There is no other way out of the
//! sandbox than what this crate offers. On any other target everything compiles, so that a
//! plugin's own logic can be tested, but the host's functions panic.
//!
//! For wasm it brings an allocator that keeps an instance small. A plugin that needs another
//! one turns the feature `allocator` off.

/// What the README shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// And what the book shows of each interface.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../docs/interfaces/types.md")]
    struct Types;
    #[doc = include_str!("../../docs/interfaces/call-control.md")]
    struct CallControl;
    #[doc = include_str!("../../docs/interfaces/events.md")]
    struct Events;
    #[doc = include_str!("../../docs/interfaces/log.md")]
    struct Log;
    #[doc = include_str!("../../docs/interfaces/config.md")]
    struct Config;
    #[doc = include_str!("../../docs/interfaces/timers.md")]
    struct Timers;
    #[doc = include_str!("../../docs/interfaces/kv.md")]
    struct Kv;
    #[doc = include_str!("../../docs/interfaces/http.md")]
    struct Http;
    #[doc = include_str!("../../docs/interfaces/helper.md")]
    struct Helper;
    #[doc = include_str!("../../docs/interfaces/bus.md")]
    struct Bus;
    #[doc = include_str!("../../docs/interfaces/dialer.md")]
    struct Dialer;
    #[doc = include_str!("../../docs/interfaces/contacts.md")]
    struct Contacts;
    #[doc = include_str!("../../docs/interfaces/random.md")]
    struct Random;
    #[doc = include_str!("../../docs/interfaces/audio-out.md")]
    struct AudioOut;
    #[doc = include_str!("../../docs/interfaces/plugin-info.md")]
    struct PluginInfo;
    #[doc = include_str!("../../docs/interfaces/app.md")]
    struct App;
    #[doc = include_str!("../../docs/interfaces/tts.md")]
    struct Tts;
    #[doc = include_str!("../../docs/interfaces/service.md")]
    struct Service;
}

#[cfg(any(all(target_arch = "wasm32", feature = "allocator"), test))]
mod allocator;
mod call;
mod error;
mod prompt;
mod types;

#[doc(hidden)]
#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all)]
pub mod bindings;
#[doc(hidden)]
#[allow(missing_docs)]
pub mod plugin;

pub mod bus;
pub mod contacts;
pub mod dialer;
pub mod events;
pub mod helper;
pub mod http;
pub mod kv;
pub mod log;
pub mod random;
pub mod settings;
pub mod spoken;
pub mod time;
pub mod tts;
pub mod verb;

pub use call::{Call, originate};
pub use error::{Error, Result};
pub use jackfield_sdk_macros::{app, service, tts};
pub use prompt::{Clip, Prompt, Speech};
pub use settings::settings;
pub use types::{
    ANY_DIGIT, CallInfo, CallState, Direction, GatherEnd, Gathered, HangupCause, HangupInfo, Header,
};
pub use verb::{BridgeEnd, DialEnd, PlayEnd, Recording};
