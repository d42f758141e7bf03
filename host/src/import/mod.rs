//! Other exchanges' files, made into a folder of ours.
//!
//! - [`asterisk`] reads a folder of Asterisk's into a [`plan`]; what callers hear becomes a [`flow`].
//! - [`write`] makes a new folder of the plan, and never touches one that is there.
//! - [`report`] tells what came over, what changed, what stayed behind and what was wrong before.

pub mod asterisk;
pub mod flow;
pub mod plan;
pub mod report;
pub mod write;
