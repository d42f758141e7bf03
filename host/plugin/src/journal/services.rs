//! The services of an instance that is recorded: the real ones, with a pen beside them.

use std::{borrow::Cow, sync::Arc, time::Duration};

use futures_util::FutureExt;
use jackfield_media::Clip;
use jackfield_switch::Level;

use super::{
    mask,
    recorder::Recorder,
    step::{Answered, Asked, Blob, Got},
};
use crate::services::{Answer, Contact, HttpRequest, HttpResponse, LocalTime, Origin, Services, Speech};

pub(crate) struct Taped {
    pub(crate) services: Arc<dyn Services>,
    pub(crate) recorder: Arc<Recorder>,
}

impl Taped {
    fn at_once(&self, asked: Asked<'_>, got: Got) {
        let number = self.recorder.asked(asked);
        self.recorder.got(number, got);
    }

    /// `asked` is written down before `answer` is made.
    fn later<T: Answered + Send + 'static>(
        &self,
        asked: Asked<'_>,
        answer: impl FnOnce(&dyn Services) -> Answer<T>,
    ) -> Answer<T> {
        let number = self.recorder.asked(asked);
        let (answer, recorder) = (answer(&*self.services), self.recorder.clone());
        async move {
            let got = recorder.got(number, T::into_got(answer.await));
            T::of(got).unwrap_or_else(|| unreachable!("what an answer is made into, it is made of"))
        }
        .boxed()
    }

    /// Audio itself is not written down, only its length.
    fn audio(
        &self,
        asked: Asked<'_>,
        answer: impl FnOnce(&dyn Services) -> Answer<Arc<Clip>>,
    ) -> Answer<Arc<Clip>> {
        let number = self.recorder.asked(asked);
        let (answer, recorder) = (answer(&*self.services), self.recorder.clone());
        async move {
            let clip = answer.await;
            recorder.got(number, Answered::into_got(clip.clone()));
            clip
        }
        .boxed()
    }
}

/// How a request is written down.
pub(super) fn request(request: &HttpRequest) -> HttpRequest {
    HttpRequest { headers: mask::headers(&request.headers), ..request.clone() }
}

impl Services for Taped {
    fn now(&self) -> u64 {
        let now = self.services.now();
        self.at_once(Asked::Now, Got::Time(now));
        now
    }

    fn utc_offset(&self) -> i32 {
        let offset = self.services.utc_offset();
        self.at_once(Asked::UtcOffset, Got::Offset(offset));
        offset
    }

    fn local(&self, at: u64, zone: &str) -> Option<LocalTime> {
        let local = self.services.local(at, zone);
        self.at_once(Asked::Local { at, zone: zone.into() }, Got::Local(local));
        local
    }

    fn random(&self) -> u64 {
        let random = self.services.random();
        self.at_once(Asked::Random, Got::Random(random));
        random
    }

    fn log(&self, origin: &Origin<'_>, level: Level, message: &str, fields: &[(String, String)]) {
        self.services.log(origin, level, message, fields);
    }

    fn kv_get(&self, plugin: &str, key: &str) -> Answer<Option<Vec<u8>>> {
        self.later(Asked::KvGet { key: key.into() }, |services| services.kv_get(plugin, key))
    }

    fn kv_set(&self, plugin: &str, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<()> {
        let asked = Asked::KvSet { key: key.into(), value: value.clone(), ttl };
        self.later(asked, |services| services.kv_set(plugin, key, value, ttl))
    }

    fn kv_delete(&self, plugin: &str, key: &str) -> Answer<bool> {
        self.later(Asked::KvDelete { key: key.into() }, |services| services.kv_delete(plugin, key))
    }

    fn kv_add(&self, plugin: &str, key: &str, delta: i64) -> Answer<i64> {
        self.later(Asked::KvAdd { key: key.into(), delta }, |services| services.kv_add(plugin, key, delta))
    }

    fn kv_swap(&self, plugin: &str, key: &str, old: Option<Vec<u8>>, new: Vec<u8>) -> Answer<bool> {
        let asked = Asked::KvSwap { key: key.into(), old: old.clone().map(Blob), new: Blob(new.clone()) };
        self.later(asked, |services| services.kv_swap(plugin, key, old, new))
    }

    fn kv_keys(&self, plugin: &str, prefix: &str, after: &str, limit: u32) -> Answer<Vec<String>> {
        let asked = Asked::KvKeys { prefix: prefix.into(), after: after.into(), limit };
        self.later(asked, |services| services.kv_keys(plugin, prefix, after, limit))
    }

    fn contacts_due(&self, plugin: &str, campaign: &str, now: u64, limit: u32) -> Answer<Vec<Contact>> {
        let asked = Asked::ContactsDue { campaign: campaign.into(), now, limit };
        self.later(asked, |services| services.contacts_due(plugin, campaign, now, limit))
    }

    fn contacts_next_due(&self, plugin: &str, campaign: &str) -> Answer<Option<u64>> {
        let asked = Asked::ContactsNextDue { campaign: campaign.into() };
        self.later(asked, |services| services.contacts_next_due(plugin, campaign))
    }

    fn contacts_postpone(&self, plugin: &str, contact: u64, until: u64) -> Answer<()> {
        let asked = Asked::ContactsPostpone { contact, until };
        self.later(asked, |services| services.contacts_postpone(plugin, contact, until))
    }

    fn contacts_finish(&self, plugin: &str, contact: u64, outcome: String) -> Answer<()> {
        let asked = Asked::ContactsFinish { contact, outcome: Cow::Owned(outcome.clone()) };
        self.later(asked, |services| services.contacts_finish(plugin, contact, outcome))
    }

    fn http(&self, plugin: &str, request: HttpRequest) -> Answer<HttpResponse> {
        let asked = Asked::Http(self::request(&request));
        self.later(asked, |services| services.http(plugin, request))
    }

    fn helper(&self, name: &str, args: Vec<String>, input: Vec<u8>, timeout: Duration) -> Answer<Vec<u8>> {
        let asked =
            Asked::Helper { name: name.into(), args: args.clone(), input: Blob(input.clone()), timeout };
        self.later(asked, |services| services.helper(name, args, input, timeout))
    }

    fn recording(&self, plugin: &str, name: &str) -> Answer<Arc<Clip>> {
        self.audio(Asked::Recording { name: name.into() }, |services| services.recording(plugin, name))
    }

    fn speech(&self, plugin: &str, speech: Speech) -> Answer<Arc<Clip>> {
        self.audio(Asked::Speech(speech.clone()), |services| services.speech(plugin, speech))
    }
}
