//! `[speech]`: who makes the voice.

use serde::Deserialize;

/// `[speech]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Speech {
    /// The plugin that turns text into audio; without one, `say` is unavailable.
    pub provider: Option<String>,
}
