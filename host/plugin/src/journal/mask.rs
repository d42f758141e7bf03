//! What must not be written down: the values of settings that are marked secret, and credentials in headers.

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde_json::Value;

use crate::manifest::Manifest;

/// A shorter secret is left out of the settings like every other, but not looked for in what passes by: every other
/// word would hold it.
const SHORTEST: usize = 4;
/// Headers whose value is somebody's key.
const CREDENTIALS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"];

/// The secrets of one version. Each is replaced by as many stars as it has bytes, in the settings and wherever it
/// passes by: so a guest that compares it or sends it on takes the same way in a replay.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    pub(crate) fn of(manifest: &Manifest, settings: &Value) -> Secrets {
        let mut secrets = Vec::new();
        for (key, _) in manifest.config_schema.iter().filter(|(_, field)| field.secret) {
            if let Some(value) = settings.get(key) {
                collect(value, &mut secrets);
            }
        }
        // The longest first: one may be the beginning of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        Secrets(secrets)
    }

    fn mask(&self, bytes: &mut [u8]) {
        for secret in &self.0 {
            let mut from = 0;
            while let Some(found) = find(&bytes[from..], secret) {
                bytes[from + found..][..secret.len()].fill(b'*');
                from += found + secret.len();
            }
        }
    }

    /// Appends the encoding of a value, its secrets masked.
    pub(super) fn write(&self, value: &impl Serialize, out: &mut Vec<u8>) {
        // Only what cannot be encoded at all fails, such as a sequence of unknown length; none of ours is.
        let _ = postcard::serialize_with_flavor(value, Masking { out, secrets: self });
    }
}

/// The settings with stars for secrets; of secrets that are no text, nothing is left but their type.
pub(crate) fn starred(manifest: &Manifest, settings: &Value) -> Value {
    let mut settings = settings.clone();
    for (key, _) in manifest.config_schema.iter().filter(|(_, field)| field.secret) {
        if let Some(value) = settings.get_mut(key) {
            star(value);
        }
    }
    settings
}

/// As they are written down: the credentials starred.
pub(super) fn headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    let masked = |(name, value): &(String, String)| {
        let secret = CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known));
        (name.clone(), if secret { stars(value) } else { value.clone() })
    };
    headers.iter().map(masked).collect()
}

fn collect(value: &Value, secrets: &mut Vec<Vec<u8>>) {
    match value {
        Value::String(text) if text.len() >= SHORTEST => secrets.push(text.clone().into_bytes()),
        Value::Array(list) => list.iter().for_each(|value| collect(value, secrets)),
        Value::Object(table) => table.values().for_each(|value| collect(value, secrets)),
        _ => {}
    }
}

fn star(value: &mut Value) {
    match value {
        Value::String(text) => *text = stars(text),
        Value::Number(number) => *number = 0.into(),
        Value::Bool(flag) => *flag = false,
        Value::Array(list) => list.iter_mut().for_each(star),
        Value::Object(table) => table.values_mut().for_each(star),
        Value::Null => {}
    }
}

fn stars(text: &str) -> String {
    "*".repeat(text.len())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Texts and bytes reach it whole, after their length: what replaces a part of them must be as long.
struct Masking<'a> {
    out: &'a mut Vec<u8>,
    secrets: &'a Secrets,
}

impl Flavor for Masking<'_> {
    type Output = ();

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        let from = self.out.len();
        self.out.extend_from_slice(bytes);
        self.secrets.mask(&mut self.out[from..]);
        Ok(())
    }

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.out.push(byte);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let text = "[plugin]\nname = \"a\"\nversion = \"1\"\nwit = \"0.1.0\"\ncomponent = \"a.wasm\"\nkind = [\"app\"]\n\
                    [config-schema]\ntoken = { secret = true }\ndoors = { secret = true }\nlang = {}\n";
        Manifest::parse(text).unwrap()
    }

    #[test]
    fn secrets_become_stars_of_their_length_in_settings_and_texts() {
        let settings = serde_json::json!({
            "token": "s3cr3t-token", "doors": { "front": "4711", "side": 12, "back": "1" }, "lang": "fr",
        });
        let secrets = Secrets::of(&manifest(), &settings);
        let starred = starred(&manifest(), &settings);
        let expected = serde_json::json!({
            "token": "************", "doors": { "front": "****", "side": 0, "back": "*" }, "lang": "fr",
        });
        assert_eq!(starred, expected);

        let mut out = Vec::new();
        let told = ("Bearer s3cr3t-token".to_owned(), "47114711 and 1".to_owned(), 4711_u32);
        secrets.write(&told, &mut out);
        let read: (String, String, u32) = postcard::from_bytes(&out).unwrap();
        assert_eq!(read, ("Bearer ************".into(), "******** and 1".into(), 4711));
    }

    #[test]
    fn credentials_in_headers_are_starred_whoever_sends_them() {
        let sent = [("Authorization", "Basic abc"), ("Accept", "text/plain")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let masked = headers(&sent);
        assert_eq!((masked[0].1.as_str(), masked[1].1.as_str()), ("*********", "text/plain"));
    }
}
