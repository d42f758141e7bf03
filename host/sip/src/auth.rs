//! Digest authentication, the server's side (RFC 3261 22, RFC 7616, RFC 8760).
//!
//! Nonces need no memory: they carry the time of their making and a keyed hash. Only the nonce counts of
//! requests with a right digest are kept, in a bounded table.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};
use subtle::ConstantTimeEq;

use crate::Time;
use crate::message::{Credentials, Message, Name, Uri};

/// Nonces whose counts are remembered; of more, the oldest become stale.
const MAX_NONCES: usize = 65_536;

/// A hash of RFC 7616 and RFC 8760.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// What every phone knows.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256.
    Sha512_256,
}

impl Algorithm {
    /// As it stands in a challenge.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512_256 => "SHA-512-256",
        }
    }

    /// By the name in a challenge or credentials, without case.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512_256]
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    /// H(parts joined by colons), in hexadecimal.
    fn hash(self, parts: &[&str]) -> String {
        let text = parts.join(":");
        match self {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
            Algorithm::Sha512_256 => hex(&Sha512_256::digest(text)),
        }
    }
}

/// The secret that is stored instead of a password: H(user:realm:password), in hexadecimal.
pub fn ha1(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> String {
    algorithm.hash(&[user, realm, password])
}

/// The secrets of one user, by algorithm; see [`ha1`].
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Digests {
    /// MD5.
    pub md5: Option<String>,
    /// SHA-256.
    pub sha256: Option<String>,
    /// SHA-512/256.
    pub sha512_256: Option<String>,
}

impl Digests {
    /// All secrets of a password.
    pub fn of(user: &str, realm: &str, password: &str) -> Digests {
        let secret = |algorithm| Some(ha1(algorithm, user, realm, password));
        Digests {
            md5: secret(Algorithm::Md5),
            sha256: secret(Algorithm::Sha256),
            sha512_256: secret(Algorithm::Sha512_256),
        }
    }

    fn secret(&self, algorithm: Algorithm) -> Option<&str> {
        match algorithm {
            Algorithm::Md5 => self.md5.as_deref(),
            Algorithm::Sha256 => self.sha256.as_deref(),
            Algorithm::Sha512_256 => self.sha512_256.as_deref(),
        }
    }
}

/// Shows which secrets there are, not what they are.
impl std::fmt::Debug for Digests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digests")
            .field("md5", &self.md5.is_some())
            .field("sha256", &self.sha256.is_some())
            .field("sha512_256", &self.sha512_256.is_some())
            .finish()
    }
}

/// The challenges that a user gets. Common phones give up when they see a second one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offered {
    /// MD5 only.
    #[default]
    Md5,
    /// SHA-256 only.
    Sha256,
    /// SHA-256, then MD5.
    Both,
}

impl Offered {
    /// Strongest first.
    fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Offered::Md5 => &[Algorithm::Md5],
            Offered::Sha256 => &[Algorithm::Sha256],
            Offered::Both => &[Algorithm::Sha256, Algorithm::Md5],
        }
    }
}

/// What the credentials of a request are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer knows the password.
    Ok,
    /// It does, but the nonce is too old or of an earlier run: challenge again, with `stale`.
    Stale,
    /// No credentials for our realm: challenge.
    Missing,
    /// Wrong password, algorithm or URI, or unreadable: challenge, and count it against the source.
    Wrong,
    /// Right, but seen before: challenge again, with `stale`.
    Replayed,
}

/// Makes challenges and judges the answers.
pub struct Authenticator {
    realm: String,
    key: [u8; 32],
    lifetime: Duration,
    /// Tells nonces of one moment apart.
    made: u32,
    /// Highest nonce count by nonce, oldest first.
    counts: BTreeMap<Stamp, u32>,
    /// The newest nonce whose count was forgotten; it and older ones are stale.
    forgotten: Option<Stamp>,
}

impl Authenticator {
    /// `key` must be secret and random; nonces made with another key are stale.
    pub fn new(realm: &str, key: [u8; 32], lifetime: Duration) -> Authenticator {
        Authenticator {
            realm: realm.to_owned(),
            key,
            lifetime,
            made: 0,
            counts: BTreeMap::new(),
            forgotten: None,
        }
    }

    /// The user name in the Digest credentials of a request. It is only claimed.
    pub fn user_of(request: &Message) -> Option<String> {
        let credentials = digest_credentials(request).next()?;
        credentials.param("username").map(|user| user.into_owned())
    }

    /// Values for WWW-Authenticate or Proxy-Authenticate headers, strongest first.
    pub fn challenge(&mut self, now: Time, offered: Offered, stale: bool) -> Vec<String> {
        self.made = self.made.wrapping_add(1);
        let nonce = self.nonce(Stamp { made: now.as_millis() as u64, number: self.made });
        let realm = self.realm.replace('\\', "\\\\").replace('"', "\\\"");
        let stale = if stale { ", stale=true" } else { "" };
        let challenge = |algorithm: &Algorithm| {
            format!(
                "Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}",
                algorithm.as_str()
            )
        };
        offered.algorithms().iter().map(challenge).collect()
    }

    /// Judges the credentials of a request against the user's secrets. An `Ok` uses its nonce count up.
    pub fn check(&mut self, now: Time, request: &Message, digests: &Digests, offered: Offered) -> Verdict {
        let ours =
            |credentials: &Credentials| credentials.param("realm").is_some_and(|realm| realm == self.realm);
        let Some(credentials) = digest_credentials(request).find(ours) else { return Verdict::Missing };
        let Some(answer) = Answer::read(&credentials) else { return Verdict::Wrong };
        let secret =
            digests.secret(answer.algorithm).filter(|_| offered.algorithms().contains(&answer.algorithm));
        let (Some(secret), Some(method), Some(uri)) = (secret, request.method(), request.uri()) else {
            return Verdict::Wrong;
        };
        if !same_target(&answer.uri, uri) || !answer.proves(secret, method.as_str()) {
            return Verdict::Wrong;
        }
        // Only who knows the password learns that the nonce is stale (RFC 7616 3.3).
        match self.stamp(&answer.nonce) {
            Some(stamp) if self.is_fresh(now, stamp) => self.count(now, stamp, answer.count()),
            _ => Verdict::Stale,
        }
    }

    /// Time and number in clear, then a keyed hash of them and the realm.
    fn nonce(&self, stamp: Stamp) -> String {
        let clear = format!("{:016x}{:08x}", stamp.made, stamp.number);
        let seal = self.seal(&clear);
        clear + &seal
    }

    fn seal(&self, clear: &str) -> String {
        // HMAC takes keys of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("a key of any length");
        mac.update(self.realm.as_bytes());
        mac.update(&[0]);
        mac.update(clear.as_bytes());
        hex(&mac.finalize().into_bytes()[..16])
    }

    /// What is in a nonce of ours.
    fn stamp(&self, nonce: &str) -> Option<Stamp> {
        let (clear, seal) = nonce.split_at_checked(24)?;
        if !same_secret(seal, &self.seal(clear)) {
            return None;
        }
        let (made, number) = clear.split_at_checked(16)?;
        let made = u64::from_str_radix(made, 16).ok()?;
        Some(Stamp { made, number: u32::from_str_radix(number, 16).ok()? })
    }

    /// A nonce from the future is of an earlier run.
    fn is_fresh(&self, now: Time, stamp: Stamp) -> bool {
        let age = now.checked_sub(Duration::from_millis(stamp.made));
        age.is_some_and(|age| age < self.lifetime) && self.forgotten.is_none_or(|forgotten| stamp > forgotten)
    }

    /// Counts must grow (RFC 7616 3.4 nc).
    fn count(&mut self, now: Time, stamp: Stamp, count: u32) -> Verdict {
        if self.counts.get(&stamp).is_some_and(|highest| *highest >= count) {
            return Verdict::Replayed;
        }
        self.counts.insert(stamp, count);
        while let Some(oldest) = self.counts.first_entry() {
            let expired = Duration::from_millis(oldest.key().made) + self.lifetime <= now;
            if !expired && self.counts.len() <= MAX_NONCES {
                break;
            }
            self.forgotten = self.counts.pop_first().map(|(stamp, _)| stamp).max(self.forgotten);
        }
        Verdict::Ok
    }
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("realm", &self.realm)
            .field("nonces", &self.counts.len())
            .finish()
    }
}

/// Names a nonce; ordered by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stamp {
    /// Milliseconds of the driver's time.
    made: u64,
    number: u32,
}

/// The parameters of Digest credentials.
struct Answer {
    algorithm: Algorithm,
    user_nonce: Option<Qop>,
    nonce: String,
    uri: String,
    response: String,
}

/// `qop=auth` and what it asks for.
struct Qop {
    cnonce: String,
    /// As written: it is hashed as text.
    nc: String,
    count: u32,
}

impl Answer {
    fn read(credentials: &Credentials) -> Option<Answer> {
        let param = |name| credentials.param(name).map(|value| value.into_owned());
        let algorithm = match param("algorithm") {
            Some(name) => Algorithm::from_name(&name)?,
            None => Algorithm::Md5,
        };
        let user_nonce = match param("qop") {
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let nc = param("nc")
                    .filter(|nc| nc.len() <= 8 && nc.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
                let count = u32::from_str_radix(&nc, 16).ok()?;
                Some(Qop { cnonce: param("cnonce")?, nc, count })
            }
            Some(_) => return None,
            // The old form of RFC 2069, for MD5 only.
            None if algorithm == Algorithm::Md5 => None,
            None => return None,
        };
        Some(Answer {
            algorithm,
            user_nonce,
            nonce: param("nonce")?,
            uri: param("uri")?,
            response: param("response")?,
        })
    }

    /// Without `nc` a nonce is good for one request.
    fn count(&self) -> u32 {
        self.user_nonce.as_ref().map_or(u32::MAX, |qop| qop.count)
    }

    fn proves(&self, secret: &str, method: &str) -> bool {
        let secret = secret.to_ascii_lowercase();
        let ha2 = self.algorithm.hash(&[method, &self.uri]);
        let expected = match &self.user_nonce {
            Some(qop) => self.algorithm.hash(&[&secret, &self.nonce, &qop.nc, &qop.cnonce, "auth", &ha2]),
            None => self.algorithm.hash(&[&secret, &self.nonce, &ha2]),
        };
        same_secret(&self.response.to_ascii_lowercase(), &expected)
    }
}

fn digest_credentials(request: &Message) -> impl Iterator<Item = Credentials> {
    let mut all = request.credentials(&Name::Authorization);
    all.extend(request.credentials(&Name::ProxyAuthorization));
    all.into_iter().filter(|credentials| credentials.scheme().eq_ignore_ascii_case("Digest"))
}

/// Phones leave out port and parameters, and behind a proxy they name another host than the one that the
/// request comes to (RFC 7616 3.4.6 leaves it to us). The user must be that of the request, or
/// credentials that were overheard would dial another number.
fn same_target(a: &str, b: &str) -> bool {
    let same = |a: Uri, b: Uri| a.is_sip() && b.is_sip() && a.decoded_user() == b.decoded_user();
    a == b || Uri::parse(a).ok().zip(Uri::parse(b).ok()).is_some_and(|(a, b)| same(a, b))
}

/// In a time that does not depend on where they differ.
fn same_secret(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the credentials prove the password; the user name is given, since one vector hashes it.
    fn proves(user: &str, password: &str, credentials: &str) -> bool {
        let credentials = Credentials::new(credentials);
        let answer = Answer::read(&credentials).unwrap();
        let realm = credentials.param("realm").unwrap();
        answer.proves(&ha1(answer.algorithm, user, &realm, password), "GET")
    }

    /// RFC 7616 3.9.1
    #[test]
    fn mufasa_proves_the_circle_of_life() {
        let rest = r#"realm="http-auth@example.org", uri="/dir/index.html",
            nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth,
            opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let credentials =
                format!(r#"Digest username="Mufasa", response="{response}", algorithm={algorithm}, {rest}"#);
            assert!(proves("Mufasa", "Circle of Life", &credentials), "{algorithm}");
            assert!(!proves("Mufasa", "Circle of Death", &credentials), "{algorithm}");
        }
    }

    /// RFC 7616 3.9.2, with the response of erratum 4897.
    #[test]
    fn jason_proves_his_secret() {
        let credentials = r#"Digest realm="api@example.org", uri="/doe.json", algorithm=SHA-512-256,
            nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", nc=00000001,
            cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", qop=auth,
            response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5""#;
        assert!(proves("J\u{e4}s\u{f8}n Doe", "Secret, or not?", credentials));
    }

    /// RFC 2617 3.5, and the form without qop of RFC 2069 2.4 (erratum 749).
    #[test]
    fn older_vectors_hold() {
        let rest = r#"realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html""#;
        let with_qop = format!(
            r#"Digest {rest}, qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1""#
        );
        assert!(proves("Mufasa", "Circle Of Life", &with_qop));
        let without = format!(r#"Digest {rest}, response="1949323746fe6a43ef61f9606e7febea""#);
        assert!(proves("Mufasa", "CircleOfLife", &without));
    }
}
