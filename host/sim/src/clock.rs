//! Virtual time: it stands still until the world moves it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// 1 January 2026, 00:00 UTC, where a [`Site`](crate::Site) says nothing else.
pub(crate) const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);

/// Time since the world began; shared with the services, which tell it to guests.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// Nanoseconds: enough for five centuries.
    now: Arc<AtomicU64>,
    began_unix: Duration,
}

impl Clock {
    pub(crate) fn new(began_unix: Duration) -> Clock {
        Clock { now: Arc::default(), began_unix }
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.now.load(Relaxed))
    }

    /// Unix time in milliseconds.
    pub(crate) fn unix(&self) -> u64 {
        (self.began_unix + self.now()).as_millis() as u64
    }

    /// A moment since the beginning, of a Unix time in milliseconds.
    pub(crate) fn since_begin(&self, unix: u64) -> Duration {
        Duration::from_millis(unix).saturating_sub(self.began_unix)
    }

    /// Time never runs backwards.
    pub(crate) fn advance(&self, to: Duration) {
        self.now.fetch_max(u64::try_from(to.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }
}
