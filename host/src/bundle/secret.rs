//! A secret key of `minisign`, and what it signs.

use std::io;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use blake2::{Blake2b, Blake2b512, Digest as _, digest::consts::U32};

/// Ed25519; whoever reads a key sees it in its first letters, RW.
const KEY: &[u8] = b"Ed";
/// Ed25519 of a BLAKE2b hash.
const HASHED: &[u8] = b"ED";
const PLAIN: &[u8] = &[0, 0];
const SCRYPT: &[u8] = b"Sc";
const BLAKE2B: &[u8] = b"B2";
/// Three kinds, the salt, two limits of scrypt, and what is locked with them: a number, a key and their sum.
const LENGTH: usize = 6 + 32 + 16 + LOCKED;
const LOCKED: usize = 8 + 64 + 32;
/// What a key may ask for to be unlocked; `minisign` asks for 1 GiB.
const MAX_MEMORY: u64 = 2 << 30;

/// Unlocked.
pub(super) struct SecretKey {
    number: [u8; 8],
    pair: Ed25519KeyPair,
}

impl SecretKey {
    /// From the text of a `minisign.key`. `password` is asked for when it is locked.
    pub(super) fn open(
        text: &str,
        password: impl FnOnce() -> io::Result<String>,
    ) -> Result<SecretKey, String> {
        let line = text.trim().lines().next_back().unwrap_or_default();
        let foreign = || "it is no secret key of minisign".to_owned();
        let mut bytes = STANDARD.decode(line.trim()).map_err(|_| foreign())?;
        if bytes.len() != LENGTH || &bytes[..2] != KEY || &bytes[4..6] != BLAKE2B {
            return Err(foreign());
        }
        let is_locked = match &bytes[2..4] {
            PLAIN => false,
            SCRYPT => true,
            _ => return Err(foreign()),
        };
        if is_locked {
            let password = password().map_err(|error| format!("the password: {error}"))?;
            unlock(&mut bytes, &password)?;
        }
        let (number, key, sum) = (&bytes[54..62], &bytes[62..126], &bytes[126..]);
        // `minisign` leaves the sum of a key without a password empty.
        if is_locked && sum != checksum(number, key) {
            return Err("the password is wrong".to_owned());
        }
        let (seed, public) = key.split_at(32);
        let pair =
            Ed25519KeyPair::from_seed_and_public_key(seed, public).map_err(|_| "it is damaged".to_owned())?;
        Ok(SecretKey { number: number.try_into().map_err(|_| foreign())?, pair })
    }

    /// The text of a signature of these bytes. The comment, one line, is signed too.
    pub(super) fn sign(&self, bytes: &[u8], comment: &str) -> String {
        let signature = self.pair.sign(&Blake2b512::digest(bytes));
        let signature = signature.as_ref();
        let whole = self.pair.sign(&[signature, comment.as_bytes()].concat());
        format!(
            "untrusted comment: signature from jackfield\n{}\ntrusted comment: {comment}\n{}\n",
            STANDARD.encode([HASHED, &self.number, signature].concat()),
            STANDARD.encode(whole.as_ref())
        )
    }

    /// The last line of its `minisign.pub`.
    pub(super) fn public(&self) -> String {
        STANDARD.encode([KEY, &self.number, self.pair.public_key().as_ref()].concat())
    }
}

/// Takes what the password has laid over number, key and sum off again, or lays it there.
fn unlock(bytes: &mut [u8], password: &str) -> Result<(), String> {
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(number)
    };
    let parameters = scrypt_parameters(number(38), number(46)).ok_or("its password needs too much memory")?;
    let mut mask = [0; LOCKED];
    scrypt::scrypt(password.as_bytes(), &bytes[6..38], &parameters, &mut mask)
        .map_err(|error| error.to_string())?;
    std::iter::zip(&mut bytes[54..], mask).for_each(|(byte, mask)| *byte ^= mask);
    Ok(())
}

/// As libsodium chooses them (`pickparams` of its scrypt) from a number of operations and bytes of memory.
fn scrypt_parameters(operations: u64, memory: u64) -> Option<scrypt::Params> {
    const R: u64 = 8;
    if memory > MAX_MEMORY {
        return None;
    }
    let operations = operations.max(32_768);
    let log_n = |most: u64| (1..63).find(|log_n| 1_u64 << log_n > most / 2).unwrap_or(63);
    let (log_n, p) = if operations < memory / 32 {
        (log_n(operations / (R * 4)), 1)
    } else {
        let log_n = log_n(memory / (R * 128));
        (log_n, ((operations / 4) >> log_n).min(0x3fff_ffff) / R)
    };
    // The work too has its bound, not only the memory.
    if log_n > 21 || p > 64 {
        return None;
    }
    scrypt::Params::new(log_n as u8, R as u32, u32::try_from(p).ok()?).ok()
}

fn checksum(number: &[u8], key: &[u8]) -> [u8; 32] {
    let mut hash = Blake2b::<U32>::new();
    [KEY, number, key].into_iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The text of a secret key of that seed, locked with a password if there is one.
    pub(in crate::bundle) fn secret(seed: u8, password: Option<&str>) -> String {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let key = [&[seed; 32], pair.public_key().as_ref()].concat();
        let number = [seed; 8];
        let kind = if password.is_some() { SCRYPT } else { PLAIN };
        let limits = [32_768_u64.to_le_bytes(), (16_u64 << 20).to_le_bytes()].concat();
        let mut bytes =
            [KEY, kind, BLAKE2B, &[9; 32], &limits, &number, &key, &checksum(&number, &key)].concat();
        if let Some(password) = password {
            unlock(&mut bytes, password).unwrap();
        }
        format!("untrusted comment: a key of a test\n{}\n", STANDARD.encode(bytes))
    }

    #[test]
    fn a_locked_key_needs_its_password() {
        let locked = secret(3, Some("secret"));
        let open =
            |password: &str| SecretKey::open(&locked, || Ok(password.to_owned())).map(|key| key.public());
        let unlocked = SecretKey::open(&secret(3, None), || unreachable!("it is not locked")).unwrap();
        assert_eq!(open("secret"), Ok(unlocked.public()));
        assert_eq!(open("other"), Err("the password is wrong".to_owned()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = secret(3, None);
        for wrong in ["", "RWQ=", &good[..100], &good.replace('\n', " ")] {
            assert!(SecretKey::open(wrong, || unreachable!("it is not locked")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_parameters_are_those_of_libsodium() {
        // Its "sensitive", which `minisign` uses, and its "interactive".
        let sensitive = scrypt_parameters(33_554_432, 1 << 30).unwrap();
        assert_eq!((sensitive.log_n(), sensitive.r(), sensitive.p()), (20, 8, 1));
        let interactive = scrypt_parameters(524_288, 16 << 20).unwrap();
        assert_eq!((interactive.log_n(), interactive.r(), interactive.p()), (14, 8, 1));
        assert!(scrypt_parameters(u64::MAX, 1 << 40).is_none());
        assert!(scrypt_parameters(u64::MAX, 1 << 30).is_none());
    }
}
