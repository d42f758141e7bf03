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
    /// Whether calls from and to this user are recorded.
    #[serde(default)]
    pub record: Record,
    /// How digits go to this user's phones.
    #[serde(default)]
    pub dtmf: Dtmf,
    /// Whether the audio of this user's phones is encrypted.
    #[serde(default)]
    pub srtp: Srtp,
}

/// Which calls are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// Those that `jackfield record` names.
    #[default]
    OnDemand,
    /// All of them.
    Always,
}

/// How digits go to a phone. They are taken however they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dtmf {
    /// As telephone events where the phone has them, else as tones.
    #[default]
    Auto,
    /// As telephone events (RFC 4733); tones are never taken for digits.
    Rfc4733,
    /// As SIP INFO.
    Info,
    /// As tones.
    Inband,
}

/// What is asked of the audio of a user or peer: SRTP with keys in the signalling (RFC 4568).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Srtp {
    /// Encrypted where the other side can.
    #[default]
    Offered,
    /// Encrypted, or refused.
    Required,
    /// Never encrypted.
    Off,
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
