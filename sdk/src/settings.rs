//! A plugin's settings: `[config]` of its `plugin.toml`, overridden by the operator's.
//!
//! The settings are the last argument of the plugin's function, and then checked when it
//! is loaded; faults keep the former version live:
//!
//! ```
//! use jackfield_sdk::{Call, Result, settings::{Finding, Time}};
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     greeting: String,
//!     wait: Time,
//! }
//!
//! #[jackfield_sdk::app(validate = check)]
//! fn handle(call: Call, settings: Settings) -> Result<()> {
//!     call.answer()?;
//!     jackfield_sdk::time::sleep(*settings.wait);
//!     call.say(settings.greeting)
//! }
//!
//! fn check(settings: &Settings) -> Vec<Finding> {
//!     if !settings.greeting.is_empty() {
//!         return Vec::new();
//!     }
//!     vec![Finding::at(["greeting"], "nothing to say").help("write greeting = \"Bonjour !\"")]
//! }
//! ```

use std::{fmt, ops::Deref, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};

use crate::{Error, Result, bindings::jackfield::plugin::types as raw};

/// The settings, or [`Error::Invalid`] that names the first fault.
///
/// ```no_run
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     greeting: String,
/// }
///
/// let settings: Settings = jackfield_sdk::settings()?;
/// # Ok::<(), jackfield_sdk::Error>(())
/// ```
pub fn settings<T: DeserializeOwned>() -> Result<T> {
    read().map_err(|finding| Error::Invalid(finding.to_string()))
}

/// A fault in the settings: where it is, what is wrong and what to write instead. The host
/// finds the file and the line.
///
/// ```
/// use jackfield_sdk::settings::Finding;
///
/// let finding = Finding::at(["menus", "main", "prompts", "2"], "an empty prompt").help("write a sentence");
/// assert_eq!(finding.to_string(), "menus.main.prompts.2: an empty prompt (write a sentence)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Keys from the root of the settings, array indices as numbers.
    pub path: Vec<String>,
    /// What is wrong.
    pub text: String,
    /// What to write instead; may be empty.
    pub help: String,
}

impl Finding {
    /// What is wrong, and where: keys from the root, array indices as numbers.
    ///
    /// ```
    /// # use jackfield_sdk::settings::Finding;
    /// let finding = Finding::at(["menus", "main"], "has no prompts");
    /// ```
    pub fn at<K: Into<String>>(path: impl IntoIterator<Item = K>, text: impl Into<String>) -> Self {
        Self { path: path.into_iter().map(Into::into).collect(), text: text.into(), help: String::new() }
    }

    /// What to write instead.
    ///
    /// ```
    /// # use jackfield_sdk::settings::Finding;
    /// let finding = Finding::at(["wait"], "is too long").help("write at most \"60s\"");
    /// ```
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.join("."), self.text)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, " ({})", self.help) }
    }
}

impl From<Finding> for raw::Finding {
    fn from(Finding { path, text, help }: Finding) -> Self {
        raw::Finding { path, text, help }
    }
}

/// What a `validate` function may return.
///
/// ```
/// use jackfield_sdk::settings::{Finding, Verdict};
///
/// assert!(Ok::<u8, Vec<Finding>>(1).findings().is_empty());
/// assert_eq!(vec![Finding::at(["a"], "wrong")].findings().len(), 1);
/// ```
pub trait Verdict {
    /// The faults; none: all is well.
    ///
    /// ```
    /// # use jackfield_sdk::settings::Verdict;
    /// assert!(Vec::new().findings().is_empty());
    /// ```
    fn findings(self) -> Vec<Finding>;
}

impl Verdict for Vec<Finding> {
    fn findings(self) -> Vec<Finding> {
        self
    }
}

impl<T> Verdict for Result<T, Vec<Finding>> {
    fn findings(self) -> Vec<Finding> {
        self.err().unwrap_or_default()
    }
}

/// A length of time as people write it: `"500ms"`, `"10s"`, `"2m"`, `"1h"`.
///
/// ```
/// use std::time::Duration;
/// use jackfield_sdk::settings::Time;
///
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     wait: Time,
/// }
///
/// let settings: Settings = serde_json::from_str(r#"{"wait": "10s"}"#)?;
/// assert_eq!(*settings.wait, Duration::from_secs(10));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Time(pub Duration);

impl Deref for Time {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let trimmed = text.trim();
        let unit = trimmed.trim_start_matches(|c: char| c.is_ascii_digit());
        let number = trimmed[..trimmed.len() - unit.len()].parse::<u64>().ok();
        let milliseconds = match unit.trim() {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let time = number.zip(milliseconds).and_then(|(number, unit)| number.checked_mul(unit));
        time.map(|time| Time(Duration::from_millis(time))).ok_or_else(|| {
            format!("`{text}` is no length of time: write \"500ms\", \"10s\", \"2m\" or \"1h\"")
        })
    }
}

/// The settings, or where they cannot be read.
pub(crate) fn read<T: DeserializeOwned>() -> Result<T, Finding> {
    parse(&crate::bindings::jackfield::plugin::config::all())
}

/// Reads settings from JSON as the host gives them; for the tests of a plugin.
///
/// ```
/// use jackfield_sdk::settings::parse;
///
/// #[derive(Debug, serde::Deserialize)]
/// struct Settings {
///     tries: u32,
/// }
///
/// assert_eq!(parse::<Settings>(r#"{"tries": 3}"#).unwrap().tries, 3);
/// assert_eq!(parse::<Settings>(r#"{"tries": "many"}"#).unwrap_err().path, ["tries"]);
/// ```
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Finding> {
    use serde_path_to_error::Segment;

    let mut json = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Unknown => None,
        });
        let path = path.collect::<Vec<_>>();
        let text = error.inner().to_string();
        // "... at line 1 column 42" is of the JSON, which nobody wrote.
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        Finding::at(path, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    struct Menu {
        #[expect(dead_code)]
        prompts: Vec<String>,
        response_timeout: Option<Time>,
    }

    #[test]
    fn a_fault_has_its_path_and_no_place_in_the_json() {
        let fault = |json| parse::<std::collections::BTreeMap<String, Menu>>(json).unwrap_err();
        let finding = fault(r#"{"main": {"prompts": ["a", 2]}}"#);
        assert_eq!(finding.path, ["main", "prompts", "1"]);
        assert_eq!(finding.text, "invalid type: integer `2`, expected a string");
        assert_eq!(fault(r#"{"main": {}}"#).path, ["main"]);
        assert_eq!(fault(r#"{"main": {"prompts": [], "promts": []}}"#).path, ["main", "promts"]);
        let finding = fault(r#"{"main": {"prompts": [], "response-timeout": "soon"}}"#);
        assert_eq!(finding.path, ["main", "response-timeout"]);
        assert!(finding.text.starts_with("`soon` is no length of time"), "{finding}");
    }

    #[test]
    fn times_are_written_with_their_unit() {
        let menu: Menu = parse(r#"{"prompts": [], "response-timeout": "10s"}"#).unwrap();
        assert_eq!(menu.response_timeout, Some(Time(Duration::from_secs(10))));
        for (text, time) in [("500ms", 500), ("2m", 120_000), ("1h", 3_600_000), (" 3 s", 3000)] {
            assert_eq!(Time::try_from(text.to_string()), Ok(Time(Duration::from_millis(time))));
        }
        for text in ["", "10", "s", "-1s", "1.5s", "99999999999999999999s", "9999999999999999999h"] {
            assert!(Time::try_from(text.to_string()).is_err(), "{text}");
        }
    }
}
