//! `[helpers.NAME]`: local programs that plugins may be granted.

use serde::Deserialize;

/// `[helpers.NAME]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Helper {
    /// The program and its first arguments, without a shell; the plugin's own follow.
    pub command: Vec<String>,
}
