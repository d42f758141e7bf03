//! `[users.NAME]`: who may register and call.

use serde::Deserialize;

/// `[users.NAME]`; the name is what the phone logs in with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct User {
    /// What others dial; unique.
    pub number: Option<String>,
    /// What others see; the user's name when not said.
    pub name: Option<String>,
    /// The challenges that this user's phones understand.
    #[serde(default)]
    pub digest: Digest,
}

/// Which digest algorithms are offered. Common phones give up when they see a second challenge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Digest {
    /// MD5 alone.
    #[default]
    Md5,
    /// SHA-256 alone.
    Sha256,
    /// SHA-256 first, then MD5.
    Both,
}
