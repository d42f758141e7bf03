//! A service that speaks: what it is asked, and where in its answer the sound is.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use jackfield_sdk::{
    Error, Result,
    http::{self, Response},
    settings::{Finding, Time},
    tts::Request,
};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    settings::Settings,
    template::{Escape, Words, fill},
    wav::{self, Audio},
};

const PATIENCE: Duration = Duration::from_secs(10);
/// Of an answer that is no sound, for the log.
const SHOWN: usize = 200;

/// `[config.http]`. In the URL, the headers and the body stand `{text}`, `{lang}`, `{voice}`, `{rate}` (words per
/// minute), `{speed}` (1 is calm) and `{secret.NAME}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Http {
    pub url: String,
    /// POST unless said, and GET where there is no body.
    pub method: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body as it is.
    pub body: Option<String>,
    /// The body as JSON.
    pub json: Option<Value>,
    /// 10 s unless said.
    pub timeout: Option<Time>,
    #[serde(default)]
    pub answer: Answer,
}

/// `[config.http.answer]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Answer {
    pub format: Format,
    /// Samples per second of `pcm`.
    pub rate: Option<u32>,
    /// Where in a JSON answer the sound stands in base64: keys and indices, with points between them.
    pub base64: Option<String>,
}

/// 16-bit mono.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    #[default]
    Wav,
    /// Little-endian samples without a header.
    Pcm,
}

impl Http {
    /// What is wrong with it.
    pub fn check(&self, secrets: &BTreeMap<String, String>) -> Vec<Finding> {
        let at = |keys: &[&str], text: String| Finding::at([&["http"], keys].concat(), text);
        let mut findings = Vec::new();
        if !["http://", "https://"].iter().any(|scheme| self.url.starts_with(scheme)) {
            let help = "write url = \"https://...\", and the same in [capabilities] http";
            findings.push(at(&["url"], "is no URL".into()).help(help));
        }
        if self.body.is_some() && self.json.is_some() {
            findings.push(at(&["json"], "there is a body, too".into()).help("remove one of them"));
        }
        if self.timeout.is_some_and(|time| time.is_zero()) {
            findings.push(at(&["timeout"], "leaves no time to speak".into()).help("write timeout = \"5s\""));
        }
        match (self.answer.format, self.answer.rate) {
            (Format::Pcm, Some(8000..=48_000)) | (Format::Wav, None) => {}
            (Format::Pcm, _) => {
                let text = "samples without a header need their rate, 8000 to 48000";
                findings.push(at(&["answer", "rate"], text.into()).help("write rate = 24000"));
            }
            (Format::Wav, Some(_)) => {
                findings.push(at(&["answer", "rate"], "has no effect: a WAV says its own".into()));
            }
        }
        for (keys, template) in self.templates() {
            if let Err(text) = fill(template, Escape::None, &Words { secrets, ..Words::sample() }) {
                let help = "what stands in braces is text, lang, voice, rate, speed, or a secret: write \
                            secrets.NAME in [plugins.NAME.config] of jackfield.toml";
                findings.push(at(&keys, text).help(help));
            }
        }
        findings
    }

    fn templates(&self) -> Vec<(Vec<&str>, &str)> {
        let mut templates = vec![(vec!["url"], self.url.as_str())];
        templates.extend(self.headers.iter().map(|(name, value)| (vec!["headers", name], value.as_str())));
        templates.extend(self.body.iter().map(|body| (vec!["body"], body.as_str())));
        if let Some(json) = &self.json {
            each_text(json, &mut |text| templates.push((vec!["json"], text)));
        }
        templates
    }

    /// Asks the service, and waits for the whole sound.
    pub fn speak(&self, request: &Request, settings: &Settings) -> Result<(u32, Vec<u8>)> {
        let answer = self.request(request, settings)?.send()?;
        self.sound(&answer).map_err(|why| Error::Unavailable(format!("{}: {why}", self.host())))
    }

    fn request(&self, request: &Request, settings: &Settings) -> Result<http::Request> {
        let words = Words {
            text: &request.text,
            lang: settings.language(request),
            voice: settings.voice(request),
            rate: settings.rate,
            speed: settings.speed(),
            secrets: &settings.secrets,
        };
        let write = |template: &str, escape| fill(template, escape, &words).map_err(Error::Invalid);
        let has_body = self.body.is_some() || self.json.is_some();
        let method = self.method.as_deref().unwrap_or(if has_body { "POST" } else { "GET" });
        let time = self.timeout.map_or(PATIENCE, |time| *time);
        let mut asked = http::Request::new(method, write(&self.url, Escape::Url)?).timeout(time);
        for (name, value) in &self.headers {
            asked = asked.header(name, write(value, Escape::None)?);
        }
        if let Some(body) = &self.body {
            asked = asked.body(write(body, Escape::None)?);
        }
        if let Some(json) = &self.json {
            asked = asked.json(&filled(json, &words).map_err(Error::Invalid)?)?;
        }
        Ok(asked)
    }

    /// The rate and the samples, or what came instead.
    fn sound(&self, answer: &Response) -> Result<(u32, Vec<u8>), String> {
        if !(200..300).contains(&answer.status) {
            return Err(format!("answered {}: {}", answer.status, beginning(&answer.body)));
        }
        let decoded = match &self.answer.base64 {
            Some(path) => Some(decode(&answer.body, path)?),
            None => None,
        };
        let sound = decoded.as_deref().unwrap_or(&answer.body);
        match self.answer.rate {
            Some(rate) if is_samples(sound, answer, decoded.is_some()) => {
                Ok((rate, sound[..sound.len() - sound.len() % 2].to_vec()))
            }
            Some(_) => Err(format!("sent no samples: {}", beginning(sound))),
            None => match wav::parse(sound) {
                Ok(Audio { rate, pcm }) => Ok((rate, pcm.to_vec())),
                Err(why) => Err(format!("{why}: {}", beginning(sound))),
            },
        }
    }

    fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        rest.split(['/', '?']).next().unwrap_or(rest)
    }
}

/// Samples look like anything; a page that says what went wrong says that it is a page.
fn is_samples(sound: &[u8], answer: &Response, decoded: bool) -> bool {
    let kind = answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-type"));
    let text = kind.is_some_and(|kind| kind.value.starts_with("text/") || kind.value.contains("json"));
    sound.len() >= 2 && (decoded || !text)
}

fn decode(body: &[u8], path: &str) -> Result<Vec<u8>, String> {
    let json: Value =
        serde_json::from_slice(body).map_err(|_| format!("sent no JSON: {}", beginning(body)))?;
    let place = path.split('.').try_fold(&json, |value, key| match value {
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        value => value.get(key),
    });
    let text = place.and_then(Value::as_str).ok_or_else(|| format!("sent JSON without {path}"))?;
    STANDARD.decode(text).map_err(|_| format!("sent something else than base64 in {path}"))
}

fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
    let text: String =
        text.chars().map(|c| if c.is_control() || c == '\u{fffd}' { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn each_text<'a>(value: &'a Value, visit: &mut impl FnMut(&'a str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(list) => list.iter().for_each(|value| each_text(value, visit)),
        Value::Object(table) => table.values().for_each(|value| each_text(value, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// With each text filled. `{rate}` and `{speed}` alone are numbers.
fn filled(value: &Value, words: &Words<'_>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) if text == "{rate}" => words.rate.into(),
        Value::String(text) if text == "{speed}" => words.speed.into(),
        Value::String(text) => fill(text, Escape::None, words)?.into(),
        Value::Array(list) => list.iter().map(|value| filled(value, words)).collect::<Result<_, _>>()?,
        Value::Object(table) => {
            let entries = table.iter().map(|(key, value)| Ok((key.clone(), filled(value, words)?)));
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests;
