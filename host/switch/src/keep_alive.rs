//! Pin-holes: a NAT forgets a UDP flow that is silent, and then no call reaches the phone behind it.
//!
//! Phones of RFC 5626 keep their flow open themselves. For all others we ask, and it is their answer that keeps
//! it open: many NATs count only what comes from inside (RFC 4787 4.3).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jackfield_sip::{Binding, Method, OutRequest};

use crate::{Time, switch::Switch, user::host_of};

/// Common NATs forget after 30 s.
const INTERVAL: Duration = Duration::from_secs(25);
/// Phones that come at once, as after a restart, are asked in so many groups.
const GROUPS: u32 = 50;

/// The user and the contact of a binding that is asked.
type Phone = (String, String);

/// When which phone is asked next. As many as there are bindings, at most.
#[derive(Debug, Default)]
pub(crate) struct KeepAlive {
    due: BTreeSet<(Time, Arc<Phone>)>,
    next: BTreeMap<Arc<Phone>, Time>,
    asked: u32,
}

impl KeepAlive {
    /// From now on that phone is asked, if it needs it.
    pub(crate) fn watch(&mut self, now: Time, user: &str, binding: &Binding) {
        let phone = Arc::new((user.to_owned(), binding.contact.clone()));
        if is_held_open_by_us(binding) && !self.next.contains_key(&phone) {
            self.asked = self.asked.wrapping_add(1);
            let early = INTERVAL / GROUPS * (self.asked % GROUPS);
            self.set(now.saturating_add(INTERVAL).saturating_sub(early / 2), phone);
        }
    }

    fn set(&mut self, at: Time, phone: Arc<Phone>) {
        self.next.insert(phone.clone(), at);
        self.due.insert((at, phone));
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    fn pop(&mut self, now: Time) -> Option<Arc<Phone>> {
        if self.next()? > now {
            return None;
        }
        let (_, phone) = self.due.pop_first()?;
        self.next.remove(&phone);
        Some(phone)
    }
}

/// Over TCP and TLS the driver does it, by the probes of TCP.
fn is_held_open_by_us(binding: &Binding) -> bool {
    binding.is_translated && !binding.flow.transport.is_reliable()
}

impl Switch {
    /// Asks every phone whose pin-hole is about to close.
    pub(crate) fn keep_alive(&mut self) {
        while let Some(phone) = self.keep_alive.pop(self.now) {
            let (user, contact) = &*phone;
            let binding = self.registry.of(user, self.now).find(|binding| binding.contact == *contact);
            let Some(binding) = binding.filter(|binding| is_held_open_by_us(binding)).cloned() else {
                continue;
            };
            self.keep_alive.set(self.now.saturating_add(INTERVAL), phone);
            let request = OutRequest {
                method: Method::Options,
                to: format!("<{}>", binding.contact),
                from: format!("<sip:{}>", host_of(self.endpoint.address(&binding.flow).ip())),
                uri: binding.contact,
                routes: binding.path,
                headers: Vec::new(),
                body: None,
            };
            // With too much under way the phone is asked next time.
            let _ = self.endpoint.request(self.now, &binding.flow, request);
        }
    }
}
