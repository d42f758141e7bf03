//! REGISTER: where the users' phones are.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jackfield_sip::{
    Answer, Binding, Flow, FlowId, Message, Name, Rules, ServerId, contact_headers, register, uses_outbound,
};

use crate::{
    Time,
    io::{Output, Registration, Write},
    settings::Settings,
    switch::Switch,
};

/// Seconds between the keep-alives of a phone with a connection (RFC 5626 10: 95 s and more).
const FLOW_TIMER: &str = "120";
/// The same over UDP: common NATs forget after 30 s.
const FLOW_TIMER_UDP: &str = "25";

/// The bindings of all users, in memory.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    bindings: BTreeMap<String, Vec<Binding>>,
    /// No binding ends before.
    next_expiry: Option<Time>,
}

impl Registry {
    /// The bindings of a user that have not expired.
    pub(crate) fn of(&self, user: &str, now: Time) -> impl Iterator<Item = &Binding> {
        self.bindings.get(user).into_iter().flatten().filter(move |binding| binding.expires > now)
    }

    /// The ways to the phones of a user: of several flows of one phone the newest, for it must not ring twice
    /// (RFC 5626 7).
    pub(crate) fn phones(&self, user: &str, now: Time) -> impl Iterator<Item = &Binding> {
        let is_newer = |other: &&Binding, binding: &Binding| {
            other.reg_id != binding.reg_id
                && other.instance == binding.instance
                && other.expires > binding.expires
        };
        self.of(user, now).filter(move |binding| {
            binding.reg_id.is_none() || !self.of(user, now).any(|other| is_newer(&other, binding))
        })
    }

    pub(crate) fn set(&mut self, user: &str, bindings: Vec<Binding>) {
        if bindings.is_empty() {
            self.bindings.remove(user);
            return;
        }
        let first = bindings.iter().map(|binding| binding.expires).min();
        self.next_expiry = [self.next_expiry, first].into_iter().flatten().min();
        self.bindings.insert(user.to_owned(), bindings);
    }

    pub(crate) fn next_expiry(&self) -> Option<Time> {
        self.next_expiry
    }

    /// Removes the bindings that `keep` refuses; the users who lost some.
    fn retain(&mut self, mut keep: impl FnMut(&str, &Binding) -> bool) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        self.bindings.retain(|user, bindings| {
            let before = bindings.len();
            bindings.retain(|binding| keep(user, binding));
            if bindings.len() < before {
                changed.insert(user.clone());
            }
            !bindings.is_empty()
        });
        self.next_expiry = self.bindings.values().flatten().map(|binding| binding.expires).min();
        changed
    }
}

impl Switch {
    /// A user may register phones for himself only.
    pub(crate) fn register(&mut self, server: ServerId, flow: &Flow, request: &Message) {
        let answer = self.registered(flow, request).unwrap_or_else(|refusal| refusal);
        self.endpoint.respond(self.now, server, answer);
    }

    fn registered(&mut self, flow: &Flow, request: &Message) -> Result<Answer, Answer> {
        let to = request.to().map_err(|_| Answer::status(400))?;
        // RFC 3261 10.2: an address-of-record is a SIP or SIPS URI.
        if !to.uri().is_sip() {
            return Err(Answer { reason: "To is no SIP URI".to_owned(), ..Answer::status(400) });
        }
        let user = self.authenticate(request, Some(&to))?;
        let present: Vec<Binding> = self.registry.of(&user, self.now).cloned().collect();
        let rules = rules(&self.settings);
        let bindings = register(&rules, self.now, flow, request, &present).map_err(|refusal| Answer {
            status: refusal.status,
            reason: refusal.reason,
            headers: refusal.headers,
            body: None,
        })?;
        let mut answer = contact_headers(self.now, &bindings)
            .into_iter()
            .fold(Answer::status(200), |answer, contact| answer.header(Name::Contact, contact))
            .header(Name::Supported, "path, outbound");
        // RFC 3327 5.3.
        answer.headers.extend(request.values(&Name::Path).map(|path| (Name::Path, path.into_owned())));
        if uses_outbound(request) {
            let seconds = if flow.transport.is_reliable() { FLOW_TIMER } else { FLOW_TIMER_UDP };
            answer = answer.header(Name::Require, "outbound").header(Name::FlowTimer, seconds);
        }
        // A request without contacts only asks.
        if bindings != present {
            for binding in &bindings {
                self.keep_alive.watch(self.now, &user, binding);
            }
            self.registry.set(&user, bindings);
            self.store_bindings([user]);
        }
        Ok(answer)
    }

    /// Bindings from the store. Connections did not outlive the process that had them.
    pub(crate) fn restore(&mut self, restored: Vec<(String, Binding)>) {
        let mut users: BTreeMap<String, Vec<Binding>> = BTreeMap::new();
        for (user, binding) in restored {
            let known = self.settings.users.contains(&user);
            if known && !binding.flow.transport.is_reliable() && binding.expires > self.now {
                users.entry(user).or_default().push(binding);
            }
        }
        for (user, mut bindings) in users {
            bindings.truncate(self.settings.max_contacts);
            for binding in &bindings {
                self.keep_alive.watch(self.now, &user, binding);
            }
            self.registry.set(&user, bindings);
        }
    }

    pub(crate) fn expire_bindings(&mut self) {
        let now = self.now;
        let changed = self.registry.retain(|_, binding| binding.expires > now);
        self.store_bindings(changed);
    }

    /// A phone behind a closed connection cannot be reached until it registers again (RFC 5626 5.3).
    pub(crate) fn forget_flow(&mut self, flow: FlowId) {
        let changed = self
            .registry
            .retain(|_, binding| binding.flow.id != flow || !binding.flow.transport.is_reliable());
        self.store_bindings(changed);
    }

    pub(crate) fn forget_removed_users(&mut self) {
        let settings = self.settings.clone();
        let changed = self.registry.retain(|user, _| settings.users.contains(user));
        self.store_bindings(changed);
    }

    fn store_bindings(&mut self, users: impl IntoIterator<Item = String>) {
        for user in users {
            let bindings = self.registry.of(&user, self.now).cloned().collect();
            let write = Write::Bindings { user, bindings, now: self.now };
            self.outputs.push_back(Output::Store { token: None, write });
        }
    }

    /// All phones that are registered now.
    pub fn registrations(&self, now: Time) -> Vec<Registration> {
        let users = self.registry.bindings.keys();
        users
            .flat_map(|user| self.registry.of(user, now).map(move |binding| (user, binding)))
            .map(|(user, binding)| Registration {
                user: user.clone(),
                contact: binding.contact.clone(),
                transport: binding.flow.transport,
                remote: binding.flow.remote,
                expires_in: binding.expires - now,
            })
            .collect()
    }
}

fn rules(settings: &Settings) -> Rules {
    let (min, max) = settings.expires;
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let (min, max) = (seconds(min), seconds(max));
    Rules { min, default: max, max, max_bindings: settings.max_contacts }
}
