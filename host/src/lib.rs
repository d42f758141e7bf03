//! The daemon's rooms. Only this crate has sockets, clocks, threads and files.
//!
//! - [`config`]: `jackfield.toml`, one file per section.
//! - [`store`]: what running makes, in SQLite.
//! - [`campaign`]: lists of contacts as CSV, in and out.
//! - [`net`]: SIP sockets to bytes and back.
//! - [`rtp`]: media workers, one thread each.
//! - [`bundle`]: a plugin in one signed file.
//! - [`plugins`]: folders on disk, the watcher, the compiled cache, speech.
//! - [`journal`]: what plugins asked and got in their calls, to be run again.
//! - [`shard`]: turns the switch's crank.
//! - [`import`]: other exchanges' files, made into a folder of ours.
//! - [`records`]: what became of the calls, as CSV.
//! - [`author`]: new plugins, and how they are built.
//! - [`dev`]: an exchange for a plugin that is being written; [`onlooker`]: what it sees of it.
//! - [`control`] and [`cli`]: the operator's door.
//! - [`daemon`]: start and drain; [`reload`]: follows the files in between.

#![deny(unsafe_code)]

pub mod author;
pub mod bundle;
pub mod campaign;
pub mod cli;
pub mod config;
pub mod control;
pub mod daemon;
pub mod dev;
pub mod import;
pub mod journal;
pub mod net;
pub mod onlooker;
pub mod outlet;
pub mod plugins;
pub mod records;
pub mod reload;
pub mod rtp;
pub mod shard;
pub mod store;
pub mod tapes;
