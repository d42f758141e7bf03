//! Versions of plugins: brought live, replaced, taken out, and the services among them.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use jackfield_plugin::{Kind, Refused, Version};
use jackfield_switch::{Input, InstanceEnd, InstanceId, Level};

use super::{
    Exchange,
    guests::{self, End},
    supervisor::{Step, Supervisor},
};
use crate::{Plugin, engine, error::SimError};

impl Exchange {
    pub(super) fn carry_out(&mut self, now: Duration, name: &str, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Start { version, saved } => self.start_service(now, name, version, saved),
                Step::Stop { instance, reason } => {
                    self.inputs.push_back(Input::StopService { instance, reason });
                }
                Step::Drop { instance } => {
                    self.guests.drop(instance);
                    self.ended(instance, InstanceEnd::Returned);
                }
                Step::Say(text) => self.notice(now, Level::Warn, format!("plugin {name}: {text}"), None),
            }
        }
    }

    fn start_service(&mut self, now: Duration, name: &str, version: Arc<Version>, saved: Option<Vec<u8>>) {
        self.last_service += 2;
        let instance = InstanceId(self.last_service - 1);
        let (plugin, max_events) = (name.to_owned(), version.limits().max_events);
        self.inputs.push_back(Input::ServiceStarted { instance, plugin, max_events });
        let run = version.serve(&self.host, instance, saved.clone()).map(End::Service).boxed();
        self.guests.spawn(instance, version.clone(), run);
        if let Some(supervisor) = self.supervisors.get_mut(name) {
            supervisor.started(now, instance, version, saved);
        }
    }

    /// Brings a new version live, as the daemon does when files have changed.
    pub(crate) fn install(&mut self, now: Duration, name: &str, plugin: &Plugin) -> Result<(), SimError> {
        let number = self.loads.entry(name.to_owned()).or_default();
        *number += 1;
        let source = plugin.source(name, *number)?;
        let loaded = engine::load(&self.engine, source);
        let version = loaded.map_err(|error| SimError::Load { name: name.to_owned(), error })?;
        let stuck = || Refused::Trap("it waits for what nobody will do".to_owned());
        guests::finish(version.validate(&self.host).boxed())
            .unwrap_or_else(|| Err(stuck()))
            .map_err(|error| SimError::Refused { name: name.to_owned(), error })?;
        self.services.kept().values.set_quota(name, version.limits().kv);
        if let Some(former) = self.plugins.install(version.clone()) {
            self.draining.push((now + former.limits().drain, former));
        }
        if version.kinds().contains(&Kind::Service) {
            self.want(now, name, Some(version));
        }
        self.settle(now);
        Ok(())
    }

    /// Takes a plugin out of the configuration.
    pub(crate) fn remove(&mut self, now: Duration, name: &str) {
        self.want(now, name, None);
        self.plugins.remove(name);
        self.settle(now);
    }

    fn want(&mut self, now: Duration, name: &str, wanted: Option<Arc<Version>>) {
        let supervisor = self.supervisors.entry(name.to_owned()).or_insert_with(Supervisor::new);
        let steps = supervisor.want(now, wanted);
        self.carry_out(now, name, steps);
    }

    /// The last calls of versions whose time is over take their fallback.
    pub(super) fn end_draining(&mut self, now: Duration) {
        let over: Vec<Arc<Version>> =
            self.draining.extract_if(.., |(at, _)| *at <= now).map(|(_, version)| version).collect();
        for version in over {
            for instance in self.guests.of(&version) {
                self.guests.drop(instance);
                let reason = "its version was replaced and its time to drain is over".to_owned();
                self.ended(instance, InstanceEnd::Trapped(reason));
            }
        }
    }
}
