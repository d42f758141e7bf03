//! `[registrar]`: how long and how often phones register.

use std::time::Duration;

use serde::Deserialize;

use super::value;

/// `[registrar]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Registrar {
    /// The shortest registration; a shorter wish is answered 423.
    #[serde(deserialize_with = "value::duration")]
    pub min_expires: Duration,
    /// The longest; a longer wish is cut.
    #[serde(deserialize_with = "value::duration")]
    pub max_expires: Duration,
    /// Phones per user.
    pub contacts: usize,
}

impl Default for Registrar {
    fn default() -> Self {
        Registrar {
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(3600),
            contacts: 10,
        }
    }
}
