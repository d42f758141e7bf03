//! Sizes and times as they are written in TOML.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Bytes, written as `"16MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub usize);

impl Size {
    const UNITS: [(&str, usize); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

    fn parse(text: &str) -> Option<Size> {
        let (number, unit) = split(text)?;
        let (_, factor) = Size::UNITS.iter().find(|(name, _)| *name == unit)?;
        Some(Size(usize::try_from(number).ok()?.checked_mul(*factor)?))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Size::UNITS.iter().find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor)) {
            Some((unit, factor)) => write!(f, "{} {unit}", self.0 / factor),
            None => write!(f, "0 B"),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.to_string().replace(' ', ""))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Size::parse(&text).ok_or_else(|| de::Error::custom(format!("\"{text}\" is no size; write \"16MiB\"")))
    }
}

/// Time, written as `"50ms"` or `"2h"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    const UNITS: [(&str, u64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

    fn parse(text: &str) -> Option<Span> {
        let (number, unit) = split(text)?;
        let (_, factor) = Span::UNITS.iter().find(|(name, _)| *name == unit)?;
        Some(Span(Duration::from_millis(number.checked_mul(*factor)?)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis() as u64;
        match Span::UNITS.iter().find(|(_, factor)| millis >= *factor && millis.is_multiple_of(*factor)) {
            Some((unit, factor)) => write!(f, "{} {unit}", millis / factor),
            None => write!(f, "0 ms"),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Span::parse(text).ok_or_else(|| format!("\"{text}\" is no time; write \"50ms\", \"30s\" or \"2h\""))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.to_string().replace(' ', ""))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A number and its unit.
fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..digits].parse().ok()?, text[digits..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_and_written_alike() {
        assert_eq!(Size::parse("16MiB"), Some(Size(16 << 20)));
        assert_eq!(Size(16 << 20).to_string(), "16 MiB");
        assert_eq!(Size(1536).to_string(), "1536 B");
        assert_eq!(Span::parse("50ms"), Some(Span(Duration::from_millis(50))));
        assert_eq!(Span(Duration::from_secs(90)).to_string(), "90 s");
        assert_eq!(Span(Duration::from_secs(7200)).to_string(), "2 h");
        for wrong in ["", "16", "MiB", "16 apples", "99999999999999999999MiB", "1.5MiB"] {
            assert_eq!(Size::parse(wrong), None, "{wrong}");
        }
    }
}
