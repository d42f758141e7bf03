//! `[exchange]`: the exchange as a whole.

use std::time::Duration;

use serde::Deserialize;

use super::value;

/// `[exchange]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Exchange {
    /// Password digests depend on it, so it is fixed at first start; not the host's address.
    pub realm: String,
    /// What happens when a file changes.
    pub reload: Reload,
    /// How changes of files are found.
    pub watch: Watch,
    /// How long a route rings when it does not say.
    #[serde(deserialize_with = "value::duration")]
    pub ring: Duration,
    /// Calls at once; more are answered 503.
    pub calls: u32,
    /// A call whose phone gives no sign of life for so long is ended; at least 90 s (RFC 4028), `0s`: never.
    #[serde(deserialize_with = "value::session_expires")]
    pub session_expires: Duration,
}

impl Default for Exchange {
    fn default() -> Self {
        Exchange {
            realm: "jackfield".to_owned(),
            reload: Reload::Auto,
            watch: Watch::Events,
            ring: Duration::from_secs(30),
            calls: 1000,
            session_expires: Duration::from_secs(1800),
        }
    }
}

/// How changes of `jackfield.toml` and of a plugin's files are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// The kernel tells; and they are looked at now and then, for network drives tell nothing.
    #[default]
    Events,
    /// They are only looked at now and then.
    Poll,
}

/// What happens when `jackfield.toml` or a plugin's files change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reload {
    /// At once.
    #[default]
    Auto,
    /// Changes wait for `jackfield apply`.
    Apply,
}
