//! The daemon's services with a voice that is there at once: one second of silence for each text.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::ready};
use jackfield_media::Clip;
use jackfield_plugin::{Answer, Contact, HttpRequest, HttpResponse, LocalTime, Origin, Services, Speech};
use jackfield_switch::Level;

pub(crate) struct Speaking {
    behind: Arc<dyn Services>,
    second: Arc<Clip>,
}

impl Speaking {
    pub(crate) fn before(behind: Arc<dyn Services>) -> Speaking {
        Speaking { behind, second: Arc::new(Clip::from_samples(8000, &[0; 8000])) }
    }
}

/// As they are behind it.
macro_rules! behind {
    ($(fn $name:ident(&self $(, $argument:ident: $kind:ty)*) -> $out:ty;)*) => {
        $(fn $name(&self $(, $argument: $kind)*) -> $out { self.behind.$name($($argument),*) })*
    };
}

impl Services for Speaking {
    behind! {
        fn now(&self) -> u64;
        fn utc_offset(&self) -> i32;
        fn local(&self, at: u64, zone: &str) -> Option<LocalTime>;
        fn random(&self) -> u64;
        fn kv_get(&self, plugin: &str, key: &str) -> Answer<Option<Vec<u8>>>;
        fn kv_set(&self, plugin: &str, key: &str, value: Vec<u8>, ttl: Option<Duration>) -> Answer<()>;
        fn kv_delete(&self, plugin: &str, key: &str) -> Answer<bool>;
        fn kv_add(&self, plugin: &str, key: &str, delta: i64) -> Answer<i64>;
        fn kv_swap(&self, plugin: &str, key: &str, old: Option<Vec<u8>>, new: Vec<u8>) -> Answer<bool>;
        fn kv_keys(&self, plugin: &str, prefix: &str, after: &str, limit: u32) -> Answer<Vec<String>>;
        fn contacts_due(&self, plugin: &str, campaign: &str, now: u64, limit: u32) -> Answer<Vec<Contact>>;
        fn contacts_next_due(&self, plugin: &str, campaign: &str) -> Answer<Option<u64>>;
        fn contacts_postpone(&self, plugin: &str, contact: u64, until: u64) -> Answer<()>;
        fn contacts_finish(&self, plugin: &str, contact: u64, outcome: String) -> Answer<()>;
        fn http(&self, plugin: &str, request: HttpRequest) -> Answer<HttpResponse>;
        fn helper(&self, name: &str, args: Vec<String>, input: Vec<u8>, timeout: Duration) -> Answer<Vec<u8>>;
        fn recording(&self, plugin: &str, name: &str) -> Answer<Arc<Clip>>;
    }

    fn log(&self, origin: &Origin<'_>, level: Level, message: &str, fields: &[(String, String)]) {
        self.behind.log(origin, level, message, fields);
    }

    fn speech(&self, _: &str, _: Speech) -> Answer<Arc<Clip>> {
        ready(Ok(self.second.clone())).boxed()
    }
}
