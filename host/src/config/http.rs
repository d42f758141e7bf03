//! `[http]`: requests of plugins.

use serde::Deserialize;

use super::value::Network;

/// `[http]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Http {
    /// Networks inside that granted names may lead to; an address that is granted as such needs none of it.
    pub inside: Vec<Network>,
}
