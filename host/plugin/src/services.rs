//! What guests reach: the switch for calls, the services for all the rest. The driver gives both.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_channel::oneshot;
use futures_util::future::BoxFuture;
use jackfield_media::Clip;
use jackfield_switch::{Command, Error, HangupInfo, InstanceId, Level, Reply, Token, written};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{journal::Journal, usage::Usages};

/// Given to every instance.
#[derive(Clone)]
#[expect(missing_docs, reason = "each is described with its type")]
pub struct Host {
    pub switch: Arc<dyn Switchboard>,
    pub services: Arc<dyn Services>,
    pub replies: Arc<Replies>,
    pub usages: Arc<Usages>,
    /// Where calls are recorded, if they are.
    pub journal: Option<Arc<dyn Journal>>,
}

/// The way to the switch. Both only hand over; nothing here waits.
pub trait Switchboard: Send + Sync {
    /// An error when the command cannot be handed over; then no reply follows.
    fn post(&self, instance: InstanceId, token: Token, command: Command) -> Result<(), Error>;
    /// Nobody waits for that reply any more: what the command began is to stop.
    fn abandon(&self, instance: InstanceId, token: Token);
}

/// The answer of a service.
pub type Answer<T> = BoxFuture<'static, Result<T, Error>>;

/// All that guests need and the switch does not have. Implemented by the daemon and by the simulator.
///
/// `plugin` is the key in `jackfield.toml`, never a version's. An [`Answer`] may be dropped at any await.
pub trait Services: Send + Sync + 'static {
    /// Unix time in milliseconds.
    fn now(&self) -> u64;
    /// Of local time, in minutes.
    fn utc_offset(&self) -> i32;
    /// Wall time of `at` in an IANA zone; none: no such zone.
    fn local(&self, at: u64, zone: &str) -> Option<LocalTime>;
    /// All 64 bits are random.
    fn random(&self) -> u64;
    /// For the operator's log; bounded by the plugin's limits.
    fn log(&self, origin: &Origin<'_>, level: Level, message: &str, fields: &[(String, String)]);

    /// None: no such key.
    fn kv_get(&self, plugin: &str, key: &str) -> Answer<Option<Vec<u8>>>;
    /// Without `ttl` it stays until it is deleted.
    fn kv_set(&self, plugin: &str, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<()>;
    /// Whether it was there.
    fn kv_delete(&self, plugin: &str, key: &str) -> Answer<bool>;
    /// Atomic; a missing key counts as 0.
    fn kv_add(&self, plugin: &str, key: &str, delta: i64) -> Answer<i64>;
    /// Writes only when the present value equals `old`.
    fn kv_swap(&self, plugin: &str, key: &str, old: Option<Vec<u8>>, new: Vec<u8>) -> Answer<bool>;
    /// In order, after `after`.
    fn kv_keys(&self, plugin: &str, prefix: &str, after: &str, limit: u32) -> Answer<Vec<String>>;

    /// Neither finished nor being called, due at `now` or before, oldest first.
    fn contacts_due(&self, plugin: &str, campaign: &str, now: u64, limit: u32) -> Answer<Vec<Contact>>;
    /// None: nobody is left.
    fn contacts_next_due(&self, plugin: &str, campaign: &str) -> Answer<Option<u64>>;
    /// Not due before `until`, in Unix milliseconds.
    fn contacts_postpone(&self, plugin: &str, contact: u64, until: u64) -> Answer<()>;
    /// Never called again; `outcome` goes to the export.
    fn contacts_finish(&self, plugin: &str, contact: u64, outcome: String) -> Answer<()>;

    /// The grant was checked.
    fn http(&self, plugin: &str, request: HttpRequest) -> Answer<HttpResponse>;
    /// Runs a program of the operator's configuration; the grant was checked.
    fn helper(&self, name: &str, args: Vec<String>, input: Vec<u8>, timeout: Duration) -> Answer<Vec<u8>>;
    /// What the plugin recorded under that name, which was checked. [`Error::NotFound`] where it recorded nothing.
    fn recording(&self, plugin: &str, name: &str) -> Answer<Arc<Clip>>;
    /// Made by the plugin that the operator has chosen for speech, and cached.
    fn speech(&self, plugin: &str, speech: Speech) -> Answer<Arc<Clip>>;
}

/// Who speaks in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`plugin` and `call` are names as everywhere")]
pub struct Origin<'a> {
    pub plugin: &'a str,
    /// From the manifest.
    pub version: &'a str,
    /// Of the load: "v3".
    pub number: u64,
    /// None while the settings are checked.
    pub instance: Option<InstanceId>,
    pub call: Option<&'a str>,
}

/// A text to be spoken. Empty: the default of who speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "`text` and `voice` need no words")]
pub struct Speech {
    pub text: String,
    /// BCP 47.
    pub lang: String,
    pub voice: String,
    /// `text` is SSML.
    pub ssml: bool,
}

/// Wall time in some zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a calendar's words")]
pub struct LocalTime {
    pub year: i32,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    /// 1 is Monday.
    pub weekday: u8,
}

impl LocalTime {
    /// The date of a Unix time in milliseconds. `None` where no calendar reaches.
    pub fn at(unix: u64, zone: &TimeZone) -> Option<LocalTime> {
        let time = zone.to_datetime(Timestamp::from_millisecond(i64::try_from(unix).ok()?).ok()?);
        Some(LocalTime {
            year: i32::from(time.year()),
            month: time.month() as u8,
            day: time.day() as u8,
            hour: time.hour() as u8,
            minute: time.minute() as u8,
            second: time.second() as u8,
            weekday: time.weekday().to_monday_one_offset() as u8,
        })
    }
}

/// What a guest wants fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "HTTP's words")]
pub struct HttpRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    #[serde(with = "written::bytes")]
    pub body: Vec<u8>,
    pub timeout: Duration,
}

/// What came back; any status is an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "HTTP's words")]
pub struct HttpResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    #[serde(with = "written::bytes")]
    pub body: Vec<u8>,
}

/// A contact of a campaign. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the contract's words, see `contacts` in wit/host.wit")]
pub struct Contact {
    pub id: u64,
    pub number: String,
    /// The columns of the imported file, by name.
    pub fields: Vec<(String, String)>,
    pub attempts: u32,
    pub last_start: Option<u64>,
    pub last: Option<HangupInfo>,
    pub due: u64,
}

/// The verbs that guests wait for; the driver hands over each `Output::PluginReply`.
#[derive(Default)]
pub struct Replies {
    next: AtomicU64,
    waiting: Mutex<HashMap<(InstanceId, Token), oneshot::Sender<Reply>>>,
}

impl Replies {
    /// Nobody waits yet.
    pub fn new() -> Replies {
        Replies::default()
    }

    /// A reply that nobody waits for any more is dropped.
    pub fn deliver(&self, instance: InstanceId, token: Token, reply: Reply) {
        let waiting = self.waiting().remove(&(instance, token));
        if let Some(sender) = waiting {
            let _ = sender.send(reply);
        }
    }

    /// Verbs under way, for tests and metrics.
    pub fn pending(&self) -> usize {
        self.waiting().len()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<(InstanceId, Token), oneshot::Sender<Reply>>> {
        // Nothing panics while it is held, and the map is whole at every point.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Posts a command; the future is its reply. Dropping the future abandons the command.
    pub(crate) fn ask(&self, instance: InstanceId, command: Command) -> Result<Verb, Error> {
        let token = Token(self.replies.next.fetch_add(1, Relaxed));
        let (sender, reply) = oneshot::channel();
        self.replies.waiting().insert((instance, token), sender);
        let mut verb = Verb { host: self.clone(), instance, token, reply, under_way: true };
        if let Err(error) = self.switch.post(instance, token, command) {
            verb.under_way = false;
            self.replies.waiting().remove(&(instance, token));
            return Err(error);
        }
        Ok(verb)
    }
}

/// A command whose reply is awaited.
pub(crate) struct Verb {
    host: Host,
    instance: InstanceId,
    token: Token,
    reply: oneshot::Receiver<Reply>,
    under_way: bool,
}

impl Future for Verb {
    type Output = Reply;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let reply = ready!(Pin::new(&mut self.reply).poll(cx));
        self.under_way = false;
        Poll::Ready(reply.unwrap_or_else(|_| Err(Error::Unavailable("the exchange is stopping".into()))))
    }
}

impl Drop for Verb {
    fn drop(&mut self) {
        if self.under_way {
            self.host.replies.waiting().remove(&(self.instance, self.token));
            self.host.switch.abandon(self.instance, self.token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_its_date_in_each_zone() {
        let date = |at: u64, zone: &str| {
            let LocalTime { year, month, day, hour, minute, second, weekday } =
                LocalTime::at(at * 1000, &TimeZone::get(zone).unwrap()).unwrap();
            (year, month, day, hour, minute, second, weekday)
        };
        assert_eq!(date(0, "UTC"), (1970, 1, 1, 0, 0, 0, 4));
        assert_eq!(date(1_709_210_096, "UTC"), (2024, 2, 29, 12, 34, 56, 4));
        assert_eq!(date(1_767_225_599, "Europe/Paris"), (2026, 1, 1, 0, 59, 59, 4));
    }
}
