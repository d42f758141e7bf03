//! What both sides of a direction know: the suite, the master key and its salt.

use std::fmt;

/// How packets are encrypted and authenticated; the names are those of SDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80` (RFC 4568).
    AesCm128Sha1_80,
    /// `AES_CM_128_HMAC_SHA1_32` (RFC 4568): a short tag on RTP.
    AesCm128Sha1_32,
    /// `AES_256_CM_HMAC_SHA1_80` (RFC 6188).
    AesCm256Sha1_80,
    /// `AEAD_AES_128_GCM` (RFC 7714).
    AeadAes128Gcm,
    /// `AEAD_AES_256_GCM` (RFC 7714).
    AeadAes256Gcm,
}

impl Suite {
    /// Its name in SDP.
    pub fn name(self) -> &'static str {
        match self {
            Suite::AesCm128Sha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128Sha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::AesCm256Sha1_80 => "AES_256_CM_HMAC_SHA1_80",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Bytes of the master key, and of its salt.
    pub fn lengths(self) -> (usize, usize) {
        match self {
            Suite::AesCm128Sha1_80 | Suite::AesCm128Sha1_32 => (16, 14),
            Suite::AesCm256Sha1_80 => (32, 14),
            Suite::AeadAes128Gcm => (16, 12),
            Suite::AeadAes256Gcm => (32, 12),
        }
    }
}

/// Key and salt for one direction of one leg. Its bytes are in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    bytes: Box<[u8]>,
}

impl MasterKey {
    /// From key and salt in a row, as SDP has them; `None` unless they have the suite's lengths.
    pub fn new(suite: Suite, bytes: &[u8]) -> Option<MasterKey> {
        let (key, salt) = suite.lengths();
        (bytes.len() == key + salt).then(|| MasterKey { suite, bytes: bytes.into() })
    }

    /// What it is for.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at(self.suite.lengths().0)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("suite", &self.suite).finish_non_exhaustive()
    }
}
