//! The host's clock. A plugin has no other, so that a test can turn it.

use std::time::Duration;

use crate::{bindings::jackfield::plugin::timers as raw, types::millis};

/// Wall time in a zone; Monday is 1.
///
/// ```no_run
/// use jackfield_sdk::time;
///
/// let open = time::local(time::now(), "Europe/Paris").is_some_and(|t| t.weekday <= 5 && (9..18).contains(&t.hour));
/// ```
pub use raw::LocalTime;

/// Unix time in milliseconds.
///
/// ```no_run
/// let now = jackfield_sdk::time::now();
/// ```
pub fn now() -> u64 {
    raw::now()
}

/// Waits. The call goes on, and other calls do too.
///
/// ```no_run
/// jackfield_sdk::time::sleep(std::time::Duration::from_secs(1));
/// ```
pub fn sleep(time: Duration) {
    raw::sleep(millis(time));
}

/// The offset of the exchange's local time, in minutes.
///
/// ```no_run
/// let summer_in_paris = jackfield_sdk::time::utc_offset() == 120;
/// ```
pub fn utc_offset() -> i32 {
    raw::utc_offset()
}

/// Unix milliseconds in an IANA zone. None: there is no such zone.
///
/// ```no_run
/// use jackfield_sdk::time;
///
/// let hour = time::local(time::now(), "Europe/Paris").map(|t| t.hour);
/// ```
pub fn local(at: u64, zone: &str) -> Option<LocalTime> {
    raw::local(at, zone)
}

/// Fires as [`Event::Timer`](crate::events::Event::Timer).
///
/// ```no_run
/// use std::time::Duration;
/// use jackfield_sdk::{events::{self, Event}, time::Timer};
///
/// let reminder = Timer::after(Duration::from_secs(30));
/// if let Event::Timer(number) = events::next() {
///     assert_eq!(number, reminder.number());
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer(u64);

impl Timer {
    /// Fires once.
    ///
    /// ```no_run
    /// let timer = jackfield_sdk::time::Timer::after(std::time::Duration::from_secs(30));
    /// ```
    pub fn after(time: Duration) -> Self {
        Self(raw::start(millis(time), false))
    }

    /// Fires again and again.
    ///
    /// ```no_run
    /// let timer = jackfield_sdk::time::Timer::every(std::time::Duration::from_secs(30));
    /// ```
    pub fn every(time: Duration) -> Self {
        Self(raw::start(millis(time), true))
    }

    /// As in [`Event::Timer`](crate::events::Event::Timer).
    ///
    /// ```no_run
    /// # use jackfield_sdk::time::Timer;
    /// let number = Timer::after(std::time::Duration::from_secs(30)).number();
    /// ```
    pub fn number(self) -> u64 {
        self.0
    }

    /// Fires no more. Dropping a timer does not do this.
    ///
    /// ```no_run
    /// # use jackfield_sdk::time::Timer;
    /// Timer::every(std::time::Duration::from_secs(30)).cancel();
    /// ```
    pub fn cancel(self) {
        raw::cancel(self.0);
    }
}
