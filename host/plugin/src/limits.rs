//! What an instance may use: wished for in the manifest, capped by the operator.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::{Size, Span};

/// Between how a limit is written and what it is.
pub trait Written: Copy {
    type Plain: Ord + Copy;
    fn plain(self) -> Self::Plain;
    fn shown(plain: Self::Plain) -> String;
}

impl Written for Size {
    type Plain = usize;
    fn plain(self) -> usize {
        self.0
    }
    fn shown(plain: usize) -> String {
        Size(plain).to_string()
    }
}

impl Written for Span {
    type Plain = Duration;
    fn plain(self) -> Duration {
        self.0
    }
    fn shown(plain: Duration) -> String {
        Span(plain).to_string()
    }
}

impl Written for u32 {
    type Plain = u32;
    fn plain(self) -> u32 {
        self
    }
    fn shown(plain: u32) -> String {
        plain.to_string()
    }
}

impl Written for usize {
    type Plain = usize;
    fn plain(self) -> usize {
        self
    }
    fn shown(plain: usize) -> String {
        plain.to_string()
    }
}

/// One line for each limit: its name, its key, how it is written, what holds where nobody says anything, and the most
/// that a manifest gets when the operator says nothing.
macro_rules! limits {
    ($($(#[$doc:meta])* $field:ident $key:literal: $written:ty = $default:expr, $ceiling:expr;)+) => {
        /// The limits that hold for the instances of one version.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Limits {
            $($(#[$doc])* pub $field: <$written as Written>::Plain,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($field: $default,)+ }
            }
        }

        impl Limits {
            /// The keys of all limits.
            pub const KEYS: &'static [&'static str] = &[$($key,)+];

            /// Each as it is written in `[limits]`: its key and its value.
            pub fn entries(&self) -> Vec<(&'static str, String)> {
                vec![$(($key, <$written>::shown(self.$field)),)+]
            }

            /// The most that a manifest gets when the operator says nothing.
            pub fn ceiling() -> Limits {
                Limits { $($field: $ceiling,)+ }
            }

            /// A wish holds up to the operator's cap; where there is no wish, the cap itself holds.
            pub fn agree(wish: &LimitsWish, cap: &LimitsWish) -> Limits {
                let (default, ceiling) = (Limits::default(), Limits::ceiling());
                Limits { $($field: agree(wish.$field, cap.$field, default.$field, ceiling.$field),)+ }
            }
        }

        /// `[limits]` of a manifest, and the operator's `[plugins.NAME.limits]`.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        #[expect(missing_docs, reason = "they are those of `Limits`")]
        pub struct LimitsWish {
            $(pub $field: Option<$written>,)+
        }
    };
}

limits! {
    /// Linear memory of one instance, in bytes.
    memory "memory": Size = 16 << 20, 256 << 20;
    /// Guest CPU between two host calls that wait.
    cpu_event "cpu-event": Span = Duration::from_millis(50), Duration::from_secs(1);
    /// Guest CPU of a whole call; a service has no such limit.
    cpu_call "cpu-call": Span = Duration::from_secs(2), Duration::from_secs(60);
    /// Instances at once.
    calls "calls": u32 = 500, 10_000;
    /// Kept by the switch: the call ends.
    call_time "call-time": Span = Duration::from_secs(2 * 3600), Duration::from_secs(24 * 3600);
    /// Kept by the switch: time to finish once every leg is gone.
    after_hangup "after-hangup": Span = Duration::from_secs(5), Duration::from_secs(60);
    /// Kept by the driver: how long a replaced version may serve its calls.
    drain "drain": Span = Duration::from_secs(30 * 60), Duration::from_secs(24 * 3600);
    /// Events that may wait for an instance.
    max_events "max-events": usize = 256, 4096;
    /// Host calls of one instance in a second.
    host_calls "host-calls": u32 = 10_000, 100_000;
    /// Of all instances together: calls placed in a minute, each target of a dial one.
    dials "dials": u32 = 3000, 60_000;
    /// Of all instances together: calls that ring at once, each target of a dial one.
    dials_at_once "dials-at-once": u32 = 500, 10_000;
    /// Of all instances together: messages sent in a minute.
    messages "messages": u32 = 6000, 600_000;
    /// Of all instances together: bytes of log in a minute.
    log "log": Size = 4 << 20, 64 << 20;
    /// Of all instances together: lines of log in a minute.
    log_lines "log-lines": u32 = 6000, 600_000;
    /// Bytes in the key-value store, kept by the services.
    kv "kv": Size = 1 << 20, 64 << 20;
    /// Of all instances together: changes of the key-value store in a minute.
    kv_writes "kv-writes": u32 = 6000, 600_000;
    /// Bytes of its recordings on disk, kept by the services.
    recordings "recordings": Size = 1 << 30, 1 << 40;
    /// Of all instances together: HTTP requests in flight.
    http "http": u32 = 16, 256;
}

fn agree<W: Written>(wish: Option<W>, cap: Option<W>, default: W::Plain, ceiling: W::Plain) -> W::Plain {
    match (wish.map(W::plain), cap.map(W::plain)) {
        (Some(wish), Some(cap)) => wish.min(cap),
        (Some(wish), None) => wish.min(ceiling),
        (None, Some(cap)) => cap,
        (None, None) => default,
    }
}

impl LimitsWish {
    /// What is wished for, as it is written in TOML: keys and values.
    pub fn entries(&self) -> Vec<(String, String)> {
        let Ok(wishes) = toml::Table::try_from(self) else { return Vec::new() };
        wishes.into_iter().map(|(limit, value)| (limit, value.to_string())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
