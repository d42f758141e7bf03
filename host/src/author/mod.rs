//! For whoever writes plugins: a folder to begin with, the build, the watched sources.
//!
//! - [`language`]: what differs from language to language, one entry each.
//! - [`scaffold`]: a new plugin's folder.
//! - [`bindings`]: the contract in C.
//! - [`build`]: `[build]` of `plugin.toml`, carried out; [`toolchain`]: which Rust can do it.
//! - [`sources`]: what a component is made of, and whether it has changed.

pub mod bindings;
pub mod build;
mod embedded;
mod inherit;
pub mod language;
pub mod scaffold;
pub mod sources;
pub mod toolchain;
