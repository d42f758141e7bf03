//! Holds one instance to what all instances of its plugin may use together.
//!
//! It stands between the instance and what the driver gives it, behind the tape: what a limit has refused is recorded as
//! any other answer, and a replay is not bounded anew.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use jackfield_media::Clip;
use jackfield_switch::{Command, Error, Level};

use crate::{
    limits::Limits,
    services::{Answer, Contact, HttpRequest, HttpResponse, LocalTime, Origin, Services, Speech},
    units::Size,
    usage::{Line, Place, Usage},
};

pub(crate) struct Bounds {
    pub(crate) services: Arc<dyn Services>,
    pub(crate) usage: Arc<Usage>,
    pub(crate) limits: Limits,
}

impl Bounds {
    /// Counts a verb. A dial has places for its calls, which ring until they are dropped.
    pub(crate) fn verb(&self, command: &Command) -> Result<Option<Place>, Error> {
        let Limits { dials, dials_at_once, messages, .. } = self.limits;
        match command {
            Command::Dial { options, .. } | Command::StartDial { options, .. } => {
                let calls = u32::try_from(options.targets.len()).unwrap_or(u32::MAX);
                self.usage.dial(calls, (dials, dials_at_once), self.services.now()).map(Some)
            }
            Command::Send { .. } | Command::Ask { .. } => {
                self.usage.message(messages, self.services.now()).map(|()| None)
            }
            _ => Ok(None),
        }
    }

    /// Lines of log that were dropped without a word so far.
    pub(crate) fn tell_dropped(&self, origin: &Origin<'_>) {
        self.tell_of(self.usage.dropped_lines(), origin);
    }

    fn tell_of(&self, dropped: u64, origin: &Origin<'_>) {
        if dropped > 0 {
            let text = format!("{dropped} lines of its log were dropped");
            self.services.log(origin, Level::Warn, &text, &[]);
        }
    }

    fn kv_write(&self) -> Result<(), Error> {
        self.usage.kv_write(self.limits.kv_writes, self.services.now())
    }
}

/// The services of a bounded instance.
pub(crate) struct Bounded(pub(crate) Arc<Bounds>);

fn refused<T: Send + 'static>(error: Error) -> Answer<T> {
    async move { Err(error) }.boxed()
}

impl Services for Bounded {
    fn now(&self) -> u64 {
        self.0.services.now()
    }

    fn utc_offset(&self) -> i32 {
        self.0.services.utc_offset()
    }

    fn local(&self, at: u64, zone: &str) -> Option<LocalTime> {
        self.0.services.local(at, zone)
    }

    fn random(&self) -> u64 {
        self.0.services.random()
    }

    fn log(&self, origin: &Origin<'_>, level: Level, message: &str, fields: &[(String, String)]) {
        let bounds = &*self.0;
        let length = message.len() + fields.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        let (lines, size) = (bounds.limits.log_lines, bounds.limits.log);
        match bounds.usage.log(length, (lines, size), bounds.services.now()) {
            Line::Written { dropped } => {
                bounds.tell_of(dropped, origin);
                bounds.services.log(origin, level, message, fields);
            }
            Line::FirstDropped => {
                let text = format!(
                    "it has logged {lines} lines or {} in a minute, which is its limit: the rest is dropped",
                    Size(size)
                );
                bounds.services.log(origin, Level::Warn, &text, &[]);
            }
            Line::Dropped => {}
        }
    }

    fn kv_get(&self, plugin: &str, key: &str) -> Answer<Option<Vec<u8>>> {
        self.0.services.kv_get(plugin, key)
    }

    fn kv_set(&self, plugin: &str, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<()> {
        match self.0.kv_write() {
            Ok(()) => self.0.services.kv_set(plugin, key, value, ttl),
            Err(error) => refused(error),
        }
    }

    fn kv_delete(&self, plugin: &str, key: &str) -> Answer<bool> {
        match self.0.kv_write() {
            Ok(()) => self.0.services.kv_delete(plugin, key),
            Err(error) => refused(error),
        }
    }

    fn kv_add(&self, plugin: &str, key: &str, delta: i64) -> Answer<i64> {
        match self.0.kv_write() {
            Ok(()) => self.0.services.kv_add(plugin, key, delta),
            Err(error) => refused(error),
        }
    }

    fn kv_swap(&self, plugin: &str, key: &str, old: Option<Vec<u8>>, new: Vec<u8>) -> Answer<bool> {
        match self.0.kv_write() {
            Ok(()) => self.0.services.kv_swap(plugin, key, old, new),
            Err(error) => refused(error),
        }
    }

    fn kv_keys(&self, plugin: &str, prefix: &str, after: &str, limit: u32) -> Answer<Vec<String>> {
        self.0.services.kv_keys(plugin, prefix, after, limit)
    }

    fn contacts_due(&self, plugin: &str, campaign: &str, now: u64, limit: u32) -> Answer<Vec<Contact>> {
        self.0.services.contacts_due(plugin, campaign, now, limit)
    }

    fn contacts_next_due(&self, plugin: &str, campaign: &str) -> Answer<Option<u64>> {
        self.0.services.contacts_next_due(plugin, campaign)
    }

    fn contacts_postpone(&self, plugin: &str, contact: u64, until: u64) -> Answer<()> {
        self.0.services.contacts_postpone(plugin, contact, until)
    }

    fn contacts_finish(&self, plugin: &str, contact: u64, outcome: String) -> Answer<()> {
        self.0.services.contacts_finish(plugin, contact, outcome)
    }

    fn http(&self, plugin: &str, request: HttpRequest) -> Answer<HttpResponse> {
        match self.0.usage.fetch(self.0.limits.http) {
            Ok(in_flight) => {
                let answer = self.0.services.http(plugin, request);
                async move {
                    let _in_flight = in_flight;
                    answer.await
                }
                .boxed()
            }
            Err(error) => refused(error),
        }
    }

    fn helper(&self, name: &str, args: Vec<String>, input: Vec<u8>, timeout: Duration) -> Answer<Vec<u8>> {
        self.0.services.helper(name, args, input, timeout)
    }

    fn speech(&self, plugin: &str, speech: Speech) -> Answer<Arc<Clip>> {
        self.0.services.speech(plugin, speech)
    }

    fn recording(&self, plugin: &str, name: &str) -> Answer<Arc<Clip>> {
        self.0.services.recording(plugin, name)
    }
}
