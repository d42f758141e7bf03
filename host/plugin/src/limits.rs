//! What an instance may use: wished for in the manifest, capped by the operator.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The limits that hold for the instances of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Linear memory of one instance, in bytes.
    pub memory: usize,
    /// Guest CPU between two host calls that wait.
    pub cpu_event: Duration,
    /// Guest CPU of a whole call; a service has no such limit.
    pub cpu_call: Duration,
    /// Instances at once.
    pub calls: u32,
    /// Kept by the switch: the call ends.
    pub call_time: Duration,
    /// Kept by the switch: time to finish once every leg is gone.
    pub after_hangup: Duration,
    /// Kept by the driver: how long a replaced version may serve its calls.
    pub drain: Duration,
    /// Events that may wait for an instance.
    pub max_events: usize,
    /// Host calls of one instance in a second.
    pub host_calls: u32,
    /// Bytes of log of one instance in a minute.
    pub log: usize,
    /// Bytes in the key-value store, kept by the services.
    pub kv: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: 16 << 20,
            cpu_event: Duration::from_millis(50),
            cpu_call: Duration::from_secs(2),
            calls: 500,
            call_time: Duration::from_secs(2 * 3600),
            after_hangup: Duration::from_secs(5),
            drain: Duration::from_secs(30 * 60),
            max_events: 256,
            host_calls: 10_000,
            log: 1 << 20,
            kv: 1 << 20,
        }
    }
}

impl Limits {
    /// Each as it is written in `[limits]`: its key and its value.
    pub fn entries(&self) -> [(&'static str, String); 11] {
        let size = |bytes: usize| Size(bytes).to_string();
        let span = |time: Duration| Span(time).to_string();
        [
            ("memory", size(self.memory)),
            ("cpu-event", span(self.cpu_event)),
            ("cpu-call", span(self.cpu_call)),
            ("calls", self.calls.to_string()),
            ("call-time", span(self.call_time)),
            ("after-hangup", span(self.after_hangup)),
            ("drain", span(self.drain)),
            ("max-events", self.max_events.to_string()),
            ("host-calls", self.host_calls.to_string()),
            ("log", size(self.log)),
            ("kv", size(self.kv)),
        ]
    }

    /// The most that a manifest gets when the operator says nothing.
    fn ceiling() -> Limits {
        Limits {
            memory: 256 << 20,
            cpu_event: Duration::from_secs(1),
            cpu_call: Duration::from_secs(60),
            calls: 10_000,
            call_time: Duration::from_secs(24 * 3600),
            after_hangup: Duration::from_secs(60),
            drain: Duration::from_secs(24 * 3600),
            max_events: 4096,
            host_calls: 100_000,
            log: 16 << 20,
            kv: 64 << 20,
        }
    }

    /// A wish holds up to the operator's cap; where there is no wish, the cap itself holds.
    pub fn agree(wish: &LimitsWish, cap: &LimitsWish) -> Limits {
        let (default, ceiling) = (Limits::default(), Limits::ceiling());
        Limits {
            memory: agree(wish.memory.map(|s| s.0), cap.memory.map(|s| s.0), default.memory, ceiling.memory),
            cpu_event: agree(span(wish.cpu_event), span(cap.cpu_event), default.cpu_event, ceiling.cpu_event),
            cpu_call: agree(span(wish.cpu_call), span(cap.cpu_call), default.cpu_call, ceiling.cpu_call),
            calls: agree(wish.calls, cap.calls, default.calls, ceiling.calls),
            call_time: agree(span(wish.call_time), span(cap.call_time), default.call_time, ceiling.call_time),
            after_hangup: agree(
                span(wish.after_hangup),
                span(cap.after_hangup),
                default.after_hangup,
                ceiling.after_hangup,
            ),
            drain: agree(span(wish.drain), span(cap.drain), default.drain, ceiling.drain),
            max_events: agree(wish.max_events, cap.max_events, default.max_events, ceiling.max_events),
            host_calls: agree(wish.host_calls, cap.host_calls, default.host_calls, ceiling.host_calls),
            log: agree(wish.log.map(|s| s.0), cap.log.map(|s| s.0), default.log, ceiling.log),
            kv: agree(wish.kv.map(|s| s.0), cap.kv.map(|s| s.0), default.kv, ceiling.kv),
        }
    }
}

fn agree<T: Ord + Copy>(wish: Option<T>, cap: Option<T>, default: T, ceiling: T) -> T {
    match (wish, cap) {
        (Some(wish), Some(cap)) => wish.min(cap),
        (Some(wish), None) => wish.min(ceiling),
        (None, Some(cap)) => cap,
        (None, None) => default,
    }
}

fn span(span: Option<Span>) -> Option<Duration> {
    span.map(|s| s.0)
}

/// `[limits]` of a manifest, and the operator's `[plugins.NAME.limits]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are those of `Limits`")]
pub struct LimitsWish {
    pub memory: Option<Size>,
    pub cpu_event: Option<Span>,
    pub cpu_call: Option<Span>,
    pub calls: Option<u32>,
    pub call_time: Option<Span>,
    pub after_hangup: Option<Span>,
    pub drain: Option<Span>,
    pub max_events: Option<usize>,
    pub host_calls: Option<u32>,
    pub log: Option<Size>,
    pub kv: Option<Size>,
}

impl LimitsWish {
    /// What is wished for, as it is written in TOML: keys and values.
    pub fn entries(&self) -> Vec<(String, String)> {
        let Ok(wishes) = toml::Table::try_from(self) else { return Vec::new() };
        wishes.into_iter().map(|(limit, value)| (limit, value.to_string())).collect()
    }
}

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

    #[test]
    fn the_operator_caps_what_the_manifest_wishes() {
        let memory = |size: usize| LimitsWish { memory: Some(Size(size)), ..Default::default() };
        let agreed = |wish: &LimitsWish, cap: &LimitsWish| Limits::agree(wish, cap).memory;
        assert_eq!(agreed(&LimitsWish::default(), &LimitsWish::default()), 16 << 20);
        assert_eq!(agreed(&memory(32 << 20), &LimitsWish::default()), 32 << 20);
        assert_eq!(
            agreed(&memory(1 << 30), &LimitsWish::default()),
            256 << 20,
            "no cap: the house's ceiling"
        );
        assert_eq!(agreed(&memory(1 << 30), &memory(512 << 20)), 512 << 20);
        assert_eq!(agreed(&memory(1 << 20), &memory(256 << 20)), 1 << 20);
        assert_eq!(agreed(&LimitsWish::default(), &memory(8 << 20)), 8 << 20);
    }
}
