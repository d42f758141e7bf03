//! Signatures of bundles, in the format of `minisign`: Ed25519 over a BLAKE2b hash, in a file beside the bundle.

use std::{fmt, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use minisign_verify::{Error, PublicKey, Signature};

use super::{bounded, secret::SecretKey, signature_path};

/// Four lines.
const MAX_SIGNATURE: u64 = 4096;

/// A public key of `minisign`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    key: PublicKey,
    id: KeyId,
}

/// What `minisign` shows of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(u64);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl KeyId {
    /// Of a key or a signature as it is written: two letters for the algorithm, eight bytes for the key.
    fn of(text: &str) -> Option<KeyId> {
        let bytes = STANDARD.decode(text.trim()).ok()?;
        Some(KeyId(u64::from_le_bytes(bytes.get(2..10)?.try_into().ok()?)))
    }
}

impl Key {
    /// The last line of a `.pub` file, or the whole file.
    pub fn parse(text: &str) -> Result<Key, String> {
        let line = text.trim().lines().next_back().unwrap_or_default().trim();
        let key = PublicKey::from_base64(line);
        match (key, KeyId::of(line)) {
            (Ok(key), Some(id)) => Ok(Key { key, id }),
            _ => Err(format!("`{line}` is no public key of minisign: 56 characters that begin with RW")),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// Who has signed a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// With which key.
    pub key: KeyId,
    /// What the signer says of it, as much signed as the bundle.
    pub comment: String,
}

/// `[signatures]`: whose bundles may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Of those who may sign.
    pub keys: Vec<Key>,
    /// Nothing else runs.
    pub required: bool,
}

impl Trust {
    /// A bundle must be what was signed. One that is not signed by a trusted key passes where that is not required.
    pub fn check(&self, path: &Path, bytes: &[u8]) -> Result<(), String> {
        let file = path.display();
        let Some(text) = signature_of(path)? else {
            return match self.required {
                true => Err(format!(
                    "{file}: it is not signed, and [signatures] required = true: let its author sign it with \
                     `jackfield plugin sign {file} --key KEY`, or put its .minisig beside it"
                )),
                false => Ok(()),
            };
        };
        match self.verify(bytes, &text) {
            Ok(_) => Ok(()),
            Err(Fault::Unknown(_)) if !self.required => Ok(()),
            Err(fault) => Err(format!("{}: {fault}", signature_path(path).display())),
        }
    }

    /// A folder has no signature.
    pub fn check_folder(&self, path: &Path) -> Result<(), String> {
        match self.required {
            true => Err(format!(
                "{}: a folder is not signed, and [signatures] required = true: make a bundle of it with \
                 `jackfield plugin pack {0}`, and sign that",
                path.display()
            )),
            false => Ok(()),
        }
    }

    /// Who has signed these bytes.
    pub fn verify(&self, bytes: &[u8], signature: &str) -> Result<Signed, Fault> {
        let decoded = Signature::decode(signature).map_err(|_| Fault::Unreadable)?;
        let id = signature.lines().nth(1).and_then(KeyId::of).ok_or(Fault::Unreadable)?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or(Fault::Unknown(id))?;
        match key.key.verify(bytes, &decoded, false) {
            Ok(()) => Ok(Signed { key: id, comment: decoded.trusted_comment().to_owned() }),
            Err(Error::UnexpectedAlgorithm) => Err(Fault::Old),
            Err(_) => Err(Fault::Differs(id)),
        }
    }
}

/// Why a signature is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("it is no signature of minisign")]
    Unreadable,
    #[error("the signature is of the old kind without a hash: sign it anew, with minisign 0.10 or later")]
    Old,
    #[error(
        "the bundle is not what was signed with key {0}: one of both was changed, or is of another version"
    )]
    Differs(KeyId),
    #[error("it is signed with key {0}, which is none of [signatures] trusted-keys")]
    Unknown(KeyId),
}

/// The text of the signature beside a bundle, if there is one.
pub fn signature_of(path: &Path) -> Result<Option<String>, String> {
    let path = signature_path(path);
    match bounded(&path, MAX_SIGNATURE) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(format!("{}: {}", path.display(), Fault::Unreadable)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// The signature of these bytes by a secret key, the text of a `minisign.key`, and the public key that belongs to it.
/// `password` is asked for when the key is locked with one. The comment is one line.
pub fn sign(
    key: &str,
    password: impl FnOnce() -> io::Result<String>,
    bytes: &[u8],
    comment: &str,
) -> Result<(String, Key), String> {
    let key = SecretKey::open(key, password)?;
    Ok((key.sign(bytes, comment), Key::parse(&key.public())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::secret::tests::secret;

    /// The key of that seed, and the signature of these bytes by it.
    fn signed(seed: u8, bytes: &[u8]) -> (Key, String) {
        let secret = secret(seed, None);
        let (signature, key) =
            sign(&secret, || unreachable!("it has no password"), bytes, "ivr 1.0").unwrap();
        (key, signature)
    }

    fn trusting(keys: Vec<Key>, required: bool) -> Trust {
        Trust { keys, required }
    }

    #[test]
    fn what_was_signed_is_verified_and_anything_else_is_not() {
        let (key, signature) = signed(1, b"bundle");
        let trust = trusting(vec![signed(2, b"").0, key.clone()], true);
        let by = trust.verify(b"bundle", &signature).unwrap();
        assert_eq!((by.key, by.comment.as_str()), (key.id, "ivr 1.0"));
        assert_eq!(trust.verify(b"bundlf", &signature), Err(Fault::Differs(key.id)));
        let renamed = signature.replace("ivr 1.0", "ivr 2.0");
        assert_eq!(
            trust.verify(b"bundle", &renamed),
            Err(Fault::Differs(key.id)),
            "the comment is signed too"
        );
        let stranger = trusting(vec![signed(2, b"").0], true);
        assert_eq!(stranger.verify(b"bundle", &signature), Err(Fault::Unknown(key.id)));
        for broken in ["", "untrusted comment: x\nRWQ=\n", &signature[..80], &signature.replace("\nR", "\nQ")]
        {
            assert_eq!(trust.verify(b"bundle", broken), Err(Fault::Unreadable), "{broken}");
        }
    }

    #[test]
    fn a_signature_is_good_missing_or_foreign_as_the_operator_wants_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ivr-1.0.jfp");
        let (key, signature) = signed(1, b"bundle");
        let (free, strict) = (trusting(vec![key.clone()], false), trusting(vec![key.clone()], true));
        assert_eq!(free.check(&path, b"bundle"), Ok(()));
        assert!(strict.check(&path, b"bundle").unwrap_err().contains("it is not signed"));

        std::fs::write(signature_path(&path), signature).unwrap();
        assert_eq!(strict.check(&path, b"bundle"), Ok(()));
        for trust in [&free, &strict] {
            let text = trust.check(&path, b"other").unwrap_err();
            assert!(text.contains("ivr-1.0.jfp.minisig: the bundle is not what was signed"), "{text}");
        }

        std::fs::write(signature_path(&path), signed(2, b"bundle").1).unwrap();
        assert_eq!(free.check(&path, b"bundle"), Ok(()), "as one without a signature");
        assert!(strict.check(&path, b"bundle").unwrap_err().contains("none of [signatures] trusted-keys"));
        assert!(strict.check_folder(folder.path()).unwrap_err().contains("jackfield plugin pack"));
    }

    #[test]
    fn a_key_is_the_last_line_of_its_file() {
        let (key, _) = signed(1, b"");
        assert_eq!(key.to_string(), "0101010101010101");
        for wrong in [
            "",
            "RWQ",
            "untrusted comment: minisign public key",
            "not a key at all, but as long as one would be !!",
        ] {
            assert!(Key::parse(wrong).unwrap_err().contains("no public key of minisign"), "{wrong}");
        }
    }
}
