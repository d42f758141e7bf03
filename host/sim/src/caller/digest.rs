//! How a phone proves that it knows its password (RFC 7616, with MD5 as common phones do it).

use jackfield_sip::Credentials;
use md5::{Digest, Md5};

/// User and password.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Login {
    /// The Authorization header for a challenge; none for one that is not Digest with MD5.
    pub(crate) fn answer(&self, challenge: &str, method: &str, uri: &str, cnonce: u64) -> Option<String> {
        let challenge = Credentials::new(challenge);
        let algorithm = challenge.param("algorithm");
        let md5 = algorithm.is_none_or(|algorithm| algorithm.eq_ignore_ascii_case("MD5"));
        if !challenge.scheme().eq_ignore_ascii_case("Digest") || !md5 {
            return None;
        }
        let (realm, nonce) = (challenge.param("realm")?, challenge.param("nonce")?);
        let Login { user, password } = self;
        let secret = hash(&format!("{user}:{realm}:{password}"));
        let request = hash(&format!("{method}:{uri}"));
        let response = hash(&format!("{secret}:{nonce}:00000001:{cnonce:016x}:auth:{request}"));
        Some(format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"{cnonce:016x}\""
        ))
    }
}

fn hash(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
