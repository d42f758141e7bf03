//! `[speech]`: who makes the voice.

use std::time::Duration;

use serde::Deserialize;

use super::value;

/// `[speech]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Speech {
    /// The plugins that turn text into audio, one or several: where one fails, the next one speaks. Without any,
    /// `say` is unavailable.
    #[serde(deserialize_with = "value::names")]
    pub provider: Vec<String>,
    /// A provider that takes longer for a sentence has failed, where another one follows.
    #[serde(deserialize_with = "value::duration")]
    pub patience: Duration,
}

impl Default for Speech {
    fn default() -> Speech {
        Speech { provider: Vec::new(), patience: Duration::from_secs(4) }
    }
}
