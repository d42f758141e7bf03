//! The plugin host with real guests, written by hand: a file per theme.

#![allow(clippy::unwrap_used, clippy::err_expect, reason = "a test fails by a panic")]

mod calls;
mod contract;
mod journal;
mod kinds;
mod limits;
mod loading;
mod reload;
mod wasi;
mod world;
