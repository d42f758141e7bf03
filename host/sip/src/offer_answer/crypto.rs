//! Keys for SRTP in a session description: a=crypto (RFC 4568).

use std::fmt;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Some phones leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A tag has nine digits at most (RFC 4568 9.1).
const MAX_TAG: u32 = 999_999_999;

/// How packets are encrypted and authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CryptoSuite {
    /// RFC 4568.
    AesCm128Sha1_80,
    /// RFC 4568: a short tag on RTP.
    AesCm128Sha1_32,
    /// RFC 6188.
    AesCm256Sha1_80,
    /// RFC 7714.
    AeadAes128Gcm,
    /// RFC 7714.
    AeadAes256Gcm,
}

impl CryptoSuite {
    /// All that we speak, in the order of our offers: what every phone knows comes first, since some look at
    /// the first line alone.
    pub const ALL: [CryptoSuite; 5] = [
        CryptoSuite::AesCm128Sha1_80,
        CryptoSuite::AeadAes256Gcm,
        CryptoSuite::AeadAes128Gcm,
        CryptoSuite::AesCm256Sha1_80,
        CryptoSuite::AesCm128Sha1_32,
    ];

    /// Its name in SDP.
    pub fn name(self) -> &'static str {
        match self {
            CryptoSuite::AesCm128Sha1_80 => "AES_CM_128_HMAC_SHA1_80",
            CryptoSuite::AesCm128Sha1_32 => "AES_CM_128_HMAC_SHA1_32",
            CryptoSuite::AesCm256Sha1_80 => "AES_256_CM_HMAC_SHA1_80",
            CryptoSuite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            CryptoSuite::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Bytes of master key and salt together.
    pub fn key_length(self) -> usize {
        match self {
            CryptoSuite::AesCm128Sha1_80 | CryptoSuite::AesCm128Sha1_32 => 16 + 14,
            CryptoSuite::AesCm256Sha1_80 => 32 + 14,
            CryptoSuite::AeadAes128Gcm => 16 + 12,
            CryptoSuite::AeadAes256Gcm => 32 + 12,
        }
    }

    fn named(name: &str) -> Option<CryptoSuite> {
        CryptoSuite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }
}

/// One a=crypto line. Its key is in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct Crypto {
    /// Names the line in the answer to it.
    pub tag: u32,
    /// What the key is for.
    pub suite: CryptoSuite,
    /// Master key and salt in a row, of the suite's length: what the writer of the line sends with.
    pub key: Vec<u8>,
}

impl Crypto {
    /// The value of a line. `None`: a suite that we do not speak, a key of another length, several keys or one
    /// with an identifier in each packet (MKI), or a parameter that changes what is sent.
    pub(super) fn parse(value: &str) -> Option<Crypto> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next()?.parse().ok().filter(|tag| *tag <= MAX_TAG)?;
        let suite = CryptoSuite::named(words.next()?)?;
        let keys = words.next()?;
        let (method, key) = keys.split_once(':')?;
        let mut parts = key.split('|');
        let key = BASE64.decode(parts.next()?).ok()?;
        let is_usable = method.eq_ignore_ascii_case("inline")
            && key.len() == suite.key_length()
            // A lifetime has no colon; longer than a call it is in any case.
            && !parts.any(|part| part.contains(':'))
            && words.all(is_harmless);
        is_usable.then_some(Crypto { tag, suite, key })
    }

    pub(super) fn value(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite.name(), BASE64.encode(&self.key))
    }
}

impl fmt::Debug for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crypto").field("tag", &self.tag).field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// A session parameter that may be ignored (RFC 4568 6.3): a hint on the window, or one that says so itself.
fn is_harmless(parameter: &str) -> bool {
    parameter.starts_with('-') || parameter.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("WSH="))
}

/// The m= line of an offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// RTP/AVP without keys.
    #[default]
    Plain,
    /// RTP/AVP with keys: a phone that knows SRTP takes them, any other one ignores them.
    BestEffort,
    /// RTP/SAVP: encrypted or not at all.
    Secure,
}

/// What we want of SRTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Srtp {
    /// Of our offers.
    pub profile: Profile,
    /// Nothing is agreed without it.
    pub required: bool,
    /// Ours, one for each suite that we speak; none: no SRTP. For one peer alone, and the same for all
    /// descriptions that it gets.
    pub keys: Vec<Crypto>,
}

impl Srtp {
    /// Our line for a peer's one: the first of the peer's that we can answer (RFC 4568 5.1.2).
    pub(super) fn answer(&self, offered: &[Crypto]) -> Option<Encrypted> {
        offered.iter().find_map(|theirs| {
            let ours = self.keys.iter().find(|ours| ours.suite == theirs.suite)?;
            Some(Encrypted { ours: Crypto { tag: theirs.tag, ..ours.clone() }, theirs: theirs.clone() })
        })
    }

    /// The line of ours that a peer took.
    pub(super) fn taken(&self, answered: &[Crypto]) -> Option<Encrypted> {
        let [theirs] = answered else { return None };
        let same = |ours: &&Crypto| ours.tag == theirs.tag && ours.suite == theirs.suite;
        let ours = self.keys.iter().find(same)?.clone();
        Some(Encrypted { ours, theirs: theirs.clone() })
    }
}

/// The keys of both directions; the suite is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// What we send with.
    pub ours: Crypto,
    /// What the peer sends with.
    pub theirs: Crypto,
}
