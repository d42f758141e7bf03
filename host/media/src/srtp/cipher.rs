//! The session keys that come from a master key, and what is done with them.

use std::{fmt, ops::Range};

use aws_lc_rs::{
    aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    constant_time::verify_slices_are_equal,
    error::Unspecified,
    hmac,
};

use super::{MasterKey, RTCP_HEADER, Refused, Suite};

/// Bytes of a GCM tag.
const GCM_TAG: usize = 16;
/// No packet of ours is longer.
const MAX_BODY: usize = 2048;

/// For which packets a key is; the values are the labels of RFC 3711 4.3.1 and 4.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Rtp = 0,
    Rtcp = 3,
}

/// Encrypts and authenticates the packets of one direction, RTP or RTCP.
pub(super) enum Cipher {
    /// AES in counter mode, HMAC-SHA1 behind it.
    Counter { key: Box<EncryptingKey>, salt: [u8; 14], auth: Box<hmac::Key>, tag: usize },
    /// AES-GCM.
    Gcm { key: LessSafeKey, salt: [u8; 12] },
}

impl Cipher {
    pub(super) fn new(master: &MasterKey, uses: Use) -> Option<Cipher> {
        Cipher::derive(master, uses).ok()
    }

    fn derive(master: &MasterKey, uses: Use) -> Result<Cipher, Unspecified> {
        let (suite, label) = (master.suite(), uses as u8);
        let (key_length, _) = suite.lengths();
        let mut key = [0; 32];
        let key = &mut key[..key_length];
        session_key(master, label, key)?;
        let mut salt = [0; 14];
        session_key(master, label + 2, &mut salt)?;
        match suite {
            Suite::AeadAes128Gcm | Suite::AeadAes256Gcm => {
                let algorithm = if key_length == 16 { &AES_128_GCM } else { &AES_256_GCM };
                let key = LessSafeKey::new(UnboundKey::new(algorithm, key)?);
                let [salt @ .., _, _] = salt;
                Ok(Cipher::Gcm { key, salt })
            }
            Suite::AesCm128Sha1_80 | Suite::AesCm128Sha1_32 | Suite::AesCm256Sha1_80 => {
                let mut auth = [0; 20];
                session_key(master, label + 1, &mut auth)?;
                let auth = Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &auth));
                // RFC 4568 6.2.2: the short tag is for RTP alone.
                let is_short = suite == Suite::AesCm128Sha1_32 && uses == Use::Rtp;
                let key = Box::new(counter_key(key)?);
                Ok(Cipher::Counter { key, salt, auth, tag: if is_short { 4 } else { 10 } })
            }
        }
    }

    /// Bytes of the tag.
    pub(super) fn tag(&self) -> usize {
        match self {
            Cipher::Counter { tag, .. } => *tag,
            Cipher::Gcm { .. } => GCM_TAG,
        }
    }

    /// Whether the tag stands behind the index of SRTCP, and so covers it; a GCM tag stands before it.
    pub(super) fn tag_is_last(&self) -> bool {
        matches!(self, Cipher::Counter { .. })
    }

    /// Encrypts `packet[body]`. What is authenticated is the packet up to the end of the body and then `extra`;
    /// the tag is returned in the first bytes.
    pub(super) fn seal(
        &self,
        packet: &mut [u8],
        body: Range<usize>,
        extra: &[u8],
        ssrc: u32,
        index: u64,
    ) -> Result<[u8; 20], Refused> {
        let (head, rest) = packet.split_at_mut_checked(body.start).ok_or(Refused::Short)?;
        let text = rest.get_mut(..body.len()).ok_or(Refused::Short)?;
        let mut made = [0; 20];
        match self {
            Cipher::Counter { key, salt, auth, .. } => {
                counter(key, salt, ssrc, index, text)?;
                made.copy_from_slice(sign(auth, &[head, text, extra]).as_ref());
            }
            Cipher::Gcm { key, salt } => {
                let mut report = [0; RTCP_HEADER + 4];
                let data = Aad::from(additional(head, extra, &mut report));
                let tag = key
                    .seal_in_place_separate_tag(nonce(salt, ssrc, index), data, text)
                    .map_err(|_| Refused::Forged)?;
                made[..GCM_TAG].copy_from_slice(tag.as_ref());
            }
        }
        Ok(made)
    }

    /// The reverse of [`seal`](Self::seal). Nothing is changed when the tag is wrong.
    pub(super) fn open(
        &self,
        packet: &mut [u8],
        body: Range<usize>,
        extra: &[u8],
        tag: &[u8],
        ssrc: u32,
        index: u64,
    ) -> Result<(), Refused> {
        let (head, rest) = packet.split_at_mut_checked(body.start).ok_or(Refused::Short)?;
        let text = rest.get_mut(..body.len()).ok_or(Refused::Short)?;
        match self {
            Cipher::Counter { key, salt, auth, .. } => {
                let expected = sign(auth, &[head, text, extra]);
                let expected = expected.as_ref().get(..tag.len()).ok_or(Refused::Short)?;
                verify_slices_are_equal(expected, tag).map_err(|_| Refused::Forged)?;
                counter(key, salt, ssrc, index, text)
            }
            Cipher::Gcm { key, salt } => {
                let mut report = [0; RTCP_HEADER + 4];
                let data = Aad::from(additional(head, extra, &mut report));
                // It writes what it makes even when the tag is wrong, and another key may have its turn.
                let mut clear = [0; MAX_BODY];
                let clear = clear.get_mut(..text.len()).ok_or(Refused::Short)?;
                key.open_separate_gather(nonce(salt, ssrc, index), data, text, tag, clear)
                    .map_err(|_| Refused::Forged)?;
                text.copy_from_slice(clear);
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tag_is_last() { "Cipher::Counter" } else { "Cipher::Gcm" })
    }
}

/// RFC 3711 4.3.3: the keystream of the master key, begun at the salt and the label. RFC 7714 11: a shorter salt
/// is filled up with zeros.
fn session_key(master: &MasterKey, label: u8, out: &mut [u8]) -> Result<(), Unspecified> {
    let (key, salt) = master.parts();
    let mut begin = [0; 16];
    begin[..salt.len()].copy_from_slice(salt);
    begin[7] ^= label;
    out.fill(0);
    counter_key(key)?.less_safe_encrypt(out, EncryptionContext::Iv128(begin.into())).map(drop)
}

fn counter_key(key: &[u8]) -> Result<EncryptingKey, Unspecified> {
    let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
    EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key)?)
}

/// RFC 3711 4.1.1.
fn counter(
    key: &EncryptingKey,
    salt: &[u8; 14],
    ssrc: u32,
    index: u64,
    text: &mut [u8],
) -> Result<(), Refused> {
    let mut begin = [0; 16];
    begin[4..8].copy_from_slice(&ssrc.to_be_bytes());
    begin[8..14].copy_from_slice(&index.to_be_bytes()[2..]);
    begin.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    key.less_safe_encrypt(text, EncryptionContext::Iv128(begin.into())).map(drop).map_err(|_| Refused::Forged)
}

/// RFC 7714 8.1 and 9.1.
fn nonce(salt: &[u8; 12], ssrc: u32, index: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
    nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
    nonce.iter_mut().zip(salt).for_each(|(byte, salt)| *byte ^= salt);
    Nonce::assume_unique_for_key(nonce)
}

fn sign(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

/// What GCM authenticates and does not encrypt: the header, and the index of SRTCP behind its short one.
fn additional<'a>(head: &'a [u8], extra: &[u8], report: &'a mut [u8; RTCP_HEADER + 4]) -> &'a [u8] {
    if extra.is_empty() {
        return head;
    }
    report.iter_mut().zip(head.iter().chain(extra)).for_each(|(byte, part)| *byte = *part);
    report
}
