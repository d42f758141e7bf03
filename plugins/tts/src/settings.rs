//! Who speaks: a program beside the exchange or a service, which voice, and how fast.

use std::collections::BTreeMap;

use jackfield_sdk::{Error, Result, settings::Finding, tts::Request};
use serde::Deserialize;

use crate::http::Http;

/// Words per minute that can be understood.
const RATES: std::ops::RangeInclusive<u32> = 80..=450;
/// What a voice speaks when nobody hurries it.
const CALM: u32 = 150;
/// In `voices`: of every language that is not named.
const ANY: &str = "*";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program, by its name in the operator's configuration; `espeak-ng` unless `http` is there.
    pub helper: Option<String>,
    /// The service.
    pub http: Option<Http>,
    /// Of a text that comes without one.
    pub language: String,
    /// Words per minute.
    #[serde(default = "calm")]
    pub rate: u32,
    /// By language, or `*`. A program tries a language that is not named as the name of a voice.
    #[serde(default)]
    pub voices: BTreeMap<String, String>,
    /// What a service wants to know and a manifest must not say; from the operator's configuration.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
}

fn calm() -> u32 {
    CALM
}

impl Settings {
    /// What is wrong with them.
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        match (&self.helper, &self.http) {
            (Some(_), Some(_)) => {
                let help = "remove one of them; for a fallback name a second plugin in [speech] provider";
                findings.push(Finding::at(["http"], "there is a helper, too: one of them speaks").help(help));
            }
            (Some(name), None) if name.is_empty() => {
                findings.push(Finding::at(["helper"], "has no name").help("write helper = \"espeak-ng\""));
            }
            (None, Some(http)) => findings.extend(http.check(&self.secrets)),
            _ => {}
        }
        if !is_name(&self.language) {
            findings.push(Finding::at(["language"], "is no language").help("write language = \"fr\""));
        }
        if !RATES.contains(&self.rate) {
            let help = format!("write a number of words per minute, {} to {}", RATES.start(), RATES.end());
            findings.push(Finding::at(["rate"], "is no rate that can be understood").help(help));
        }
        for (lang, voice) in &self.voices {
            if voice.is_empty() || self.http.is_none() && !is_name(voice) {
                findings.push(Finding::at(["voices", lang], "is no voice").help("write fr = \"fr\""));
            }
        }
        findings
    }

    pub fn helper(&self) -> &str {
        self.helper.as_deref().unwrap_or("espeak-ng")
    }

    /// For `espeak-ng --stdin --stdout`.
    pub fn arguments(&self, request: &Request) -> Result<Vec<String>> {
        let lang = self.language(request);
        let voice = self.voice(request).unwrap_or(lang);
        if !is_name(voice) {
            return Err(Error::Invalid(format!("{voice:?} is no voice")));
        }
        let mut arguments = vec!["-v".into(), voice.into(), "-s".into(), self.rate.to_string()];
        if request.ssml {
            arguments.push("-m".into());
        }
        Ok(arguments)
    }

    /// What is asked for, or the default.
    pub fn language<'a>(&'a self, request: &'a Request) -> &'a str {
        if request.lang.is_empty() { &self.language } else { &request.lang }
    }

    /// What is asked for, or that of the language, or of its family.
    pub fn voice<'a>(&'a self, request: &'a Request) -> Option<&'a str> {
        if !request.voice.is_empty() {
            return Some(&request.voice);
        }
        let lang = self.language(request);
        let family = lang.split('-').next().unwrap_or(lang);
        [lang, family, ANY].iter().find_map(|lang| self.voices.get(*lang)).map(String::as_str)
    }

    /// How fast, where 1 is calm.
    pub fn speed(&self) -> f64 {
        f64::from(self.rate * 100 / CALM) / 100.0
    }
}

/// The program takes a voice for a file below its own folder: no path gets that far.
fn is_name(voice: &str) -> bool {
    let first = voice.starts_with(|c: char| c.is_ascii_alphanumeric());
    first && voice.chars().all(|c| c.is_ascii_alphanumeric() || "-_+".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        jackfield_sdk::settings::parse(r#"{"language": "fr", "voices": {"en": "en-gb"}}"#).unwrap()
    }

    fn request(lang: &str, voice: &str) -> Request {
        Request { text: "Bonjour".into(), lang: lang.into(), voice: voice.into(), ssml: false }
    }

    #[test]
    fn the_voice_is_asked_for_or_that_of_the_language() {
        for (lang, voice, chosen) in [
            ("", "", "fr"),
            ("en", "", "en-gb"),
            ("en-US", "", "en-gb"),
            ("de", "", "de"),
            ("en", "en-scottish", "en-scottish"),
        ] {
            assert_eq!(settings().arguments(&request(lang, voice)).unwrap(), ["-v", chosen, "-s", "150"]);
        }
        let any = r#"{"language": "fr", "voices": {"*": "nova"}}"#;
        let any: Settings = jackfield_sdk::settings::parse(any).unwrap();
        assert_eq!(any.voice(&request("de", "")), Some("nova"));
    }

    #[test]
    fn ssml_is_announced() {
        let request = Request { ssml: true, ..request("", "") };
        assert_eq!(settings().arguments(&request).unwrap().last().unwrap(), "-m");
    }

    #[test]
    fn a_voice_is_never_a_path() {
        for voice in ["../../etc/passwd", "/tmp/voice", "--path=/tmp", "a b"] {
            assert!(settings().arguments(&request("", voice)).is_err(), "{voice}");
        }
        assert!(settings().arguments(&request("../fr", "")).is_err());
    }

    #[test]
    fn settings_are_checked() {
        let paths = |json: &str| -> Vec<String> {
            let settings: Settings = jackfield_sdk::settings::parse(json).unwrap();
            settings.check().iter().map(|finding| finding.path.join(" ")).collect()
        };
        assert!(settings().check().is_empty());
        let wrong = r#"{"helper": "", "language": "", "rate": 5, "voices": {"fr": "../x"}}"#;
        assert_eq!(paths(wrong), ["helper", "language", "rate", "voices fr"]);
        let both = r#"{"helper": "espeak-ng", "http": {"url": "http://localhost/"}, "language": "fr"}"#;
        assert_eq!(paths(both), ["http"]);
    }
}
