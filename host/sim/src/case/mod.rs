//! Case files: scripted callers against a plugin, written down for people who do not program.
//!
//! ```text
//! case: 1 rings Alice, and they talk
//! alice: answers after 2 s
//! caller: hears "Bonjour", presses 1; then: rings alice
//! caller: talks with alice
//! ```
//!
//! The format, with every word of it, is described in `docs/testing.md`; it is the one that
//! `jackfield test` runs. [`find`] reads the files, [`Suite::run`] runs their cases.

mod coverage;
mod expect;
mod grammar;
mod listen;
mod mistake;
mod parse;
mod perform;
mod script;
mod stage;
mod story;
mod suite;
mod token;

pub use coverage::{Coverage, Entry};
pub use mistake::{Mistake, Place};
pub use story::Event;
pub use suite::{Failure, Ran, Suite, find, folders};
