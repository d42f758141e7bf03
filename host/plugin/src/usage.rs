//! What all instances of a plugin together have used of its limits, whatever their versions.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use jackfield_switch::Error;

/// In milliseconds.
const MINUTE: u64 = 60_000;

/// By the plugins' keys in `jackfield.toml`. One per exchange.
#[derive(Default)]
pub struct Usages(Mutex<BTreeMap<String, Arc<Usage>>>);

impl Usages {
    /// Nothing was used yet.
    pub fn new() -> Usages {
        Usages::default()
    }

    /// Who has a name keeps it: as many as the operator ever gave.
    pub(crate) fn of(&self, plugin: &str) -> Arc<Usage> {
        // Nothing panics while it is held.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = all.get(plugin) {
            return usage.clone();
        }
        all.entry(plugin.to_owned()).or_default().clone()
    }
}

/// Of one plugin.
#[derive(Default)]
pub(crate) struct Usage {
    minute: Mutex<Minute>,
    ringing: Arc<AtomicU32>,
    fetching: Arc<AtomicU32>,
}

/// What is counted for a minute, each from its own first use on.
#[derive(Default)]
struct Minute {
    dials: Window,
    messages: Window,
    kv_writes: Window,
    log: Window,
    log_lines: Window,
    /// Lines that were dropped and nobody was told of.
    dropped: u64,
    /// The operator knows that lines are dropped.
    told: bool,
}

/// What becomes of a line of log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It is written, and before it how many were not, if any.
    Written {
        dropped: u64,
    },
    /// It is the first that is not.
    FirstDropped,
    Dropped,
}

impl Usage {
    /// Counts calls that are placed, and keeps a place for each until it is dropped.
    pub(crate) fn dial(&self, calls: u32, limits: (u32, u32), now: u64) -> Result<Place, Error> {
        let (per_minute, at_once) = limits;
        let place = Place::take(&self.ringing, calls, at_once).ok_or_else(|| {
            Error::Limit(format!("{at_once} calls that ring at once (limits.dials-at-once)"))
        })?;
        match self.minute().dials.take(calls.into(), per_minute.into(), now) {
            true => Ok(place),
            false => Err(Error::Limit(format!("{per_minute} calls placed in a minute (limits.dials)"))),
        }
    }

    /// Counts a message.
    pub(crate) fn message(&self, limit: u32, now: u64) -> Result<(), Error> {
        match self.minute().messages.take(1, limit.into(), now) {
            true => Ok(()),
            false => Err(Error::Limit(format!("{limit} messages in a minute (limits.messages)"))),
        }
    }

    /// Counts a change of the key-value store.
    pub(crate) fn kv_write(&self, limit: u32, now: u64) -> Result<(), Error> {
        match self.minute().kv_writes.take(1, limit.into(), now) {
            true => Ok(()),
            false => {
                Err(Error::Limit(format!("{limit} changes of its values in a minute (limits.kv-writes)")))
            }
        }
    }

    /// Keeps a place for a request until it is dropped.
    pub(crate) fn fetch(&self, limit: u32) -> Result<Place, Error> {
        Place::take(&self.fetching, 1, limit)
            .ok_or_else(|| Error::Limit(format!("{limit} requests in flight (limits.http)")))
    }

    /// Counts a line of log of so many bytes.
    pub(crate) fn log(&self, bytes: usize, limits: (u32, usize), now: u64) -> Line {
        let mut minute = self.minute();
        let (lines, size) = limits;
        let fits = minute.log_lines.has_room(1, lines.into(), now)
            && minute.log.has_room(bytes as u64, size as u64, now);
        if !fits {
            minute.dropped += 1;
            return if std::mem::replace(&mut minute.told, true) {
                Line::Dropped
            } else {
                Line::FirstDropped
            };
        }
        minute.log_lines.used += 1;
        minute.log.used += bytes as u64;
        minute.told = false;
        Line::Written { dropped: std::mem::take(&mut minute.dropped) }
    }

    /// Lines that were dropped and nobody was told of, who is told now.
    pub(crate) fn dropped_lines(&self) -> u64 {
        std::mem::take(&mut self.minute().dropped)
    }

    fn minute(&self) -> MutexGuard<'_, Minute> {
        // Nothing panics while it is held.
        self.minute.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something counted for a minute from its first use on, by the services' clock.
#[derive(Default)]
struct Window {
    since: u64,
    used: u64,
}

impl Window {
    fn has_room(&mut self, amount: u64, limit: u64, now: u64) -> bool {
        if now.saturating_sub(self.since) >= MINUTE {
            *self = Window { since: now, used: 0 };
        }
        self.used.saturating_add(amount) <= limit
    }

    fn take(&mut self, amount: u64, limit: u64, now: u64) -> bool {
        let fits = self.has_room(amount, limit, now);
        if fits {
            self.used += amount;
        }
        fits
    }
}

/// Places among those that the instances of a plugin have at once.
pub(crate) struct Place {
    taken: Arc<AtomicU32>,
    number: u32,
}

impl Place {
    fn take(taken: &Arc<AtomicU32>, number: u32, limit: u32) -> Option<Place> {
        let add = |taken: u32| taken.checked_add(number).filter(|sum| *sum <= limit);
        taken.fetch_update(Relaxed, Relaxed, add).ok()?;
        Some(Place { taken: taken.clone(), number })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.number, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    #[test]
    fn calls_are_counted_for_a_minute_and_while_they_ring() {
        let usage = Usage::default();
        let first = usage.dial(2, (5, 3), NOW).unwrap();
        let text = |result: Result<Place, Error>| result.err().expect("refused").to_string();
        assert!(text(usage.dial(2, (5, 3), NOW)).contains("limits.dials-at-once"));
        drop(first);
        drop(usage.dial(3, (5, 3), NOW + 1000).unwrap());
        assert!(text(usage.dial(1, (5, 3), NOW + MINUTE - 1)).contains("limits.dials)"));
        assert!(usage.dial(1, (5, 3), NOW + MINUTE).is_ok());
    }

    #[test]
    fn dropped_lines_are_told_once_with_their_number() {
        let usage = Usage::default();
        let log = |bytes, now| usage.log(bytes, (2, 100), now);
        assert_eq!(log(60, NOW), Line::Written { dropped: 0 });
        assert_eq!(log(60, NOW), Line::FirstDropped, "too many bytes");
        assert_eq!(log(40, NOW), Line::Written { dropped: 1 });
        assert_eq!(log(0, NOW), Line::FirstDropped, "too many lines");
        assert_eq!(log(0, NOW), Line::Dropped);
        assert_eq!(log(1, NOW + MINUTE), Line::Written { dropped: 2 });
        assert_eq!(usage.dropped_lines(), 0);
    }

    #[test]
    fn a_plugin_has_one_account_whatever_its_versions() {
        let usages = Usages::new();
        let place = usages.of("ivr").fetch(1).unwrap();
        assert!(usages.of("ivr").fetch(1).is_err());
        assert!(usages.of("tts").fetch(1).is_ok());
        drop(place);
        assert!(usages.of("ivr").fetch(1).is_ok());
    }
}
