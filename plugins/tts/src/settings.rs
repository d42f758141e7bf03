//! Which voice speaks which language, and how fast.

use std::collections::BTreeMap;

use jackfield_sdk::{Error, Result, settings::Finding, tts::Request};
use serde::Deserialize;

/// Words per minute that espeak-ng can do.
const RATES: std::ops::RangeInclusive<u32> = 80..=450;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program, by its name in the operator's configuration.
    #[serde(default = "espeak_ng")]
    pub helper: String,
    /// Of a text that comes without one.
    pub language: String,
    /// Words per minute.
    #[serde(default = "calm")]
    pub rate: u32,
    /// By language. A language that is not named is tried as the name of a voice.
    #[serde(default)]
    pub voices: BTreeMap<String, String>,
}

fn espeak_ng() -> String {
    "espeak-ng".into()
}

fn calm() -> u32 {
    150
}

impl Settings {
    /// What is wrong with them.
    pub fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.helper.is_empty() {
            findings.push(Finding::at(["helper"], "has no name").help("write helper = \"espeak-ng\""));
        }
        if !is_name(&self.language) {
            findings.push(Finding::at(["language"], "is no language").help("write language = \"fr\""));
        }
        if !RATES.contains(&self.rate) {
            let help = format!("write a number of words per minute, {} to {}", RATES.start(), RATES.end());
            findings.push(Finding::at(["rate"], "is no rate that can be understood").help(help));
        }
        for (lang, _) in self.voices.iter().filter(|(_, voice)| !is_name(voice)) {
            findings.push(Finding::at(["voices", lang], "is no voice").help("write fr = \"fr\""));
        }
        findings
    }

    /// For `espeak-ng --stdin --stdout`.
    pub fn arguments(&self, request: &Request) -> Result<Vec<String>> {
        let mut arguments =
            vec!["-v".into(), self.voice(request)?.into(), "-s".into(), self.rate.to_string()];
        if request.ssml {
            arguments.push("-m".into());
        }
        Ok(arguments)
    }

    fn voice<'a>(&'a self, request: &'a Request) -> Result<&'a str> {
        let lang = if request.lang.is_empty() { &self.language } else { &request.lang };
        let family = lang.split('-').next().unwrap_or(lang);
        let of_language = || self.voices.get(lang).or_else(|| self.voices.get(family)).unwrap_or(lang);
        let voice = if request.voice.is_empty() { of_language() } else { &request.voice };
        if is_name(voice) { Ok(voice) } else { Err(Error::Invalid(format!("{voice:?} is no voice"))) }
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
        assert!(settings().check().is_empty());
        let wrong = r#"{"helper": "", "language": "", "rate": 5, "voices": {"fr": "../x"}}"#;
        let wrong: Settings = jackfield_sdk::settings::parse(wrong).unwrap();
        let paths: Vec<String> = wrong.check().iter().map(|finding| finding.path.join(" ")).collect();
        assert_eq!(paths, ["helper", "language", "rate", "voices fr"]);
    }
}
