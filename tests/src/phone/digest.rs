//! The answer to a digest challenge (RFC 7616), as a phone makes it.

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// Who answers, and for what.
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
}

impl Login<'_> {
    /// The value of an Authorization header for the value of a WWW-Authenticate header.
    pub(super) fn answer(&self, challenge: &str) -> String {
        let Login { user, password, method, uri } = self;
        let realm = parameter(challenge, "realm").expect("a realm");
        let nonce = parameter(challenge, "nonce").expect("a nonce");
        let algorithm = parameter(challenge, "algorithm").unwrap_or("MD5");
        let hash = |text: String| match algorithm {
            "MD5" => hex(&Md5::digest(text)),
            "SHA-256" => hex(&Sha256::digest(text)),
            other => panic!("a challenge with the algorithm {other}"),
        };
        let ha1 = hash(format!("{user}:{realm}:{password}"));
        let ha2 = hash(format!("{method}:{uri}"));
        let (nc, cnonce) = ("00000001", super::token());
        let response = hash(format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"));
        let opaque =
            parameter(challenge, "opaque").map_or(String::new(), |opaque| format!(", opaque=\"{opaque}\""));
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
             algorithm={algorithm}, qop=auth, nc={nc}, cnonce=\"{cnonce}\"{opaque}"
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A parameter of a challenge, without its quotes.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let parameters = challenge.trim().strip_prefix("Digest")?;
    parameters.split(',').find_map(|parameter| {
        let (found, value) = parameter.split_once('=')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_those_of_rfc_7616() {
        // RFC 7616 3.9.1.
        assert_eq!(
            hex(&Md5::digest("Mufasa:http-auth@example.org:Circle of Life")),
            "3d78807defe7de2157e2b0b6573a855f"
        );
        let challenge = "Digest realm=\"a b\", qop=\"auth\",nonce=\"x==\", algorithm=MD5";
        assert_eq!(parameter(challenge, "realm"), Some("a b"));
        assert_eq!(parameter(challenge, "nonce"), Some("x=="));
    }
}
