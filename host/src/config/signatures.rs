//! `[signatures]`: whose plugins may run.

use serde::Deserialize;

use crate::bundle::{Key, Trust};

/// `[signatures]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Signatures {
    /// Public keys of `minisign`: a bundle that one of them has signed must be as it was signed.
    pub trusted_keys: Vec<String>,
    /// Only bundles that one of them has signed run.
    pub required: bool,
}

impl Signatures {
    /// `check` lets no key pass that is none.
    pub fn trust(&self) -> Trust {
        let keys = self.trusted_keys.iter().filter_map(|key| Key::parse(key).ok()).collect();
        Trust { keys, required: self.required }
    }
}
