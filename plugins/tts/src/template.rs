//! `{text}` and its like, in what a service is sent.

use std::collections::BTreeMap;

/// What they stand for.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub text: &'a str,
    pub lang: &'a str,
    pub voice: Option<&'a str>,
    pub rate: u32,
    pub speed: f64,
    pub secrets: &'a BTreeMap<String, String>,
}

static NO_SECRETS: BTreeMap<String, String> = BTreeMap::new();

impl Words<'_> {
    /// To see whether a template can be filled.
    pub fn sample() -> Self {
        Self { text: "x", lang: "fr", voice: Some("x"), rate: 150, speed: 1.0, secrets: &NO_SECRETS }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    None,
    /// Percent signs, for a part of a URL.
    Url,
}

/// The template with its words, or what is wrong with it. A brace that no word follows is one.
pub fn fill(template: &str, escape: Escape, words: &Words<'_>) -> Result<String, String> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        filled += &rest[..at];
        rest = &rest[at..];
        let name = rest[1..].split_once('}').map(|(name, _)| name).filter(|name| is_word(name));
        let Some(name) = name else {
            filled.push('{');
            rest = &rest[1..];
            continue;
        };
        let word = word(name, words)?;
        match escape {
            Escape::None => filled += &word,
            Escape::Url => percent(&word, &mut filled),
        }
        rest = &rest[name.len() + 2..];
    }
    filled += rest;
    Ok(filled)
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn word(name: &str, words: &Words<'_>) -> Result<String, String> {
    Ok(match name {
        "text" => words.text.to_owned(),
        "lang" => words.lang.to_owned(),
        "rate" => words.rate.to_string(),
        "speed" => words.speed.to_string(),
        "voice" => match words.voice {
            Some(voice) => voice.to_owned(),
            None => return Err(format!("there is no voice for {:?}: add it to `voices`", words.lang)),
        },
        _ => match name.strip_prefix("secret.") {
            Some(secret) => match words.secrets.get(secret) {
                Some(secret) => secret.clone(),
                None => return Err(format!("there is no secret `{secret}`")),
            },
            None => return Err(format!("`{{{name}}}` stands for nothing")),
        },
    })
}

/// All but the unreserved characters of RFC 3986 2.3.
fn percent(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => to.push(byte.into()),
            _ => *to += &format!("%{byte:02X}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_in_and_braces_stay() {
        let secrets = BTreeMap::from([("key".to_owned(), "k{text}".to_owned())]);
        let words = Words { text: "Où ? {lang}", secrets: &secrets, ..Words::sample() };
        let filled = |template| fill(template, Escape::None, &words).unwrap();
        assert_eq!(filled("{text}/{lang}/{rate}/{speed}/{secret.key}"), "Où ? {lang}/fr/150/1/k{text}");
        assert_eq!(filled(r#"{"a": {}, {"text}"#), r#"{"a": {}, {"text}"#);
        let url = fill("http://h/?t={text}&v={voice}", Escape::Url, &words).unwrap();
        assert_eq!(url, "http://h/?t=O%C3%B9%20%3F%20%7Blang%7D&v=x");
    }

    #[test]
    fn what_stands_for_nothing_is_told() {
        let told =
            |template| fill(template, Escape::None, &Words { voice: None, ..Words::sample() }).unwrap_err();
        assert_eq!(told("{txt}"), "`{txt}` stands for nothing");
        assert_eq!(told("{secret.key}"), "there is no secret `key`");
        assert_eq!(told("{voice}"), "there is no voice for \"fr\": add it to `voices`");
    }
}
