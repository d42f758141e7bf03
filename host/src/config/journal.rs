//! `[journal]`: what plugins ask and get in their calls, kept for `jackfield replay`.

use std::time::Duration;

use jackfield_plugin::Size;
use serde::Deserialize;

use super::value;

/// `[journal]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Journal {
    /// Whether calls are recorded. What callers type and what plugins are told of them is personal data, so
    /// nothing is unless the operator says so.
    pub record: bool,
    /// Nothing is kept longer.
    #[serde(deserialize_with = "value::duration")]
    pub keep: Duration,
    /// So many calls are kept; the oldest go.
    pub calls: u32,
    /// So much of the disk is taken; the oldest calls go.
    pub disk: Size,
    /// So much is kept of one call; the rest of it is not.
    pub call: Size,
}

impl Default for Journal {
    fn default() -> Self {
        Journal {
            record: false,
            keep: Duration::from_secs(7 * 24 * 3600),
            calls: 100_000,
            disk: Size(1 << 30),
            call: Size(256 << 10),
        }
    }
}
