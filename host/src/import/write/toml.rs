//! Pieces of TOML.

use std::time::Duration;

use toml_writer::{ToTomlKey, ToTomlValue, TomlKeyBuilder, TomlStringBuilder};

/// A text in quotes, on one line.
pub(super) fn text(text: &str) -> String {
    TomlStringBuilder::new(text).as_basic().to_toml_value()
}

/// A key, in quotes where it needs some.
pub(super) fn key(key: &str) -> String {
    TomlKeyBuilder::new(key).as_default().to_toml_key()
}

/// Texts in brackets.
pub(super) fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let quoted: Vec<String> = texts.into_iter().map(|one| text(one.as_ref())).collect();
    format!("[{}]", quoted.join(", "))
}

/// `"10s"` or `"1500ms"`, in quotes.
pub(super) fn time(time: Duration) -> String {
    match time.as_millis() {
        millis if millis % 1000 == 0 => format!("\"{}s\"", millis / 1000),
        millis => format!("\"{millis}ms\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_can_be_read_again() {
        for said in ["", "plain", "\"quoted\"", "a\\b", "l\u{1}\u{7f}\n\r\t", "Été — 日本 \u{85}"] {
            let table: toml::Table = format!("{} = {}", key(said), text(said)).parse().unwrap();
            assert_eq!(table[said].as_str(), Some(said));
        }
    }

    #[test]
    fn times_have_their_unit() {
        assert_eq!(time(Duration::from_secs(10)), "\"10s\"");
        assert_eq!(time(Duration::from_millis(1500)), "\"1500ms\"");
    }
}
