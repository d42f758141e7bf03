//! Runs plugin instances: guests are futures on a runtime of their own, so that
//! none of them delays a socket or a packet.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jackfield_media::LegId;
use jackfield_plugin::{Host, Plugins, Version};
use jackfield_switch::{CallInfo, Input, InstanceEnd, InstanceId};
use tokio::{runtime, task::AbortHandle};
use tracing::{info, warn};

use crate::{
    onlooker::{Onlooker, Seen},
    shard::{Clock, Inbox},
};

pub struct Instances {
    guests: runtime::Handle,
    plugins: Arc<Plugins>,
    inbox: Inbox,
    clock: Clock,
    running: Mutex<HashMap<InstanceId, Running>>,
    /// Services have odd numbers; the switch numbers those that serve calls.
    services: AtomicU64,
    onlooker: Onlooker,
}

struct Running {
    version: Arc<Version>,
    task: AbortHandle,
}

impl Instances {
    pub fn new(
        guests: runtime::Handle,
        plugins: Arc<Plugins>,
        inbox: Inbox,
        clock: Clock,
        onlooker: Onlooker,
    ) -> Instances {
        let running = Mutex::default();
        Instances { guests, plugins, inbox, clock, running, services: AtomicU64::new(1), onlooker }
    }

    /// An instance of the live version of `plugin` for a call.
    pub fn start(
        self: &Arc<Self>,
        host: &Host,
        instance: InstanceId,
        plugin: &str,
        leg: LegId,
        call: CallInfo,
    ) {
        let version = match self.plugins.live(plugin) {
            None => Err(format!("plugin {plugin} is not loaded")),
            Some(_) if self.plugins.is_failing(plugin) => {
                Err(format!("plugin {plugin} is failing: it trapped too often"))
            }
            Some(version) => Ok(version),
        };
        match version {
            Err(reason) => self.ended(instance, InstanceEnd::NotStarted(reason)),
            Ok(version) => {
                let limits = version.limits();
                self.post(Input::InstanceStarted {
                    instance,
                    call_time: limits.call_time,
                    after_hangup: limits.after_hangup,
                    max_events: limits.max_events,
                });
                let handled = version.handle(host, instance, leg, call);
                let (this, served) = (self.clone(), version.clone());
                self.spawn(instance, version, async move {
                    let end = handled.await;
                    this.note_end(&served, &end);
                    this.forget(instance);
                    this.ended(instance, end);
                });
            }
        }
    }

    pub fn next_service(&self) -> InstanceId {
        InstanceId(self.services.fetch_add(2, Ordering::Relaxed))
    }

    /// For the operator: what is wrong with the newest version.
    pub fn refuse(&self, plugin: &str, problem: String) {
        self.plugins.refuse(plugin, problem);
    }

    /// Ends an instance now. Its pending verb is abandoned.
    pub fn end(&self, instance: InstanceId) {
        if let Some(running) = self.forget(instance) {
            running.task.abort();
            self.ended(instance, InstanceEnd::Returned);
        }
    }

    /// The drain deadline of a version: its last calls take their fallback.
    pub fn drop_version(&self, version: &Arc<Version>) {
        let of_version = |running: &Running| Arc::ptr_eq(&running.version, version);
        let last: Vec<InstanceId> =
            self.lock().iter().filter(|(_, running)| of_version(running)).map(|(id, _)| *id).collect();
        for instance in last {
            if let Some(running) = self.forget(instance) {
                running.task.abort();
                let reason = "its version was replaced and its time to drain is over".to_owned();
                self.ended(instance, InstanceEnd::Trapped(reason));
            }
        }
    }

    fn spawn(
        &self,
        instance: InstanceId,
        version: Arc<Version>,
        guest: impl Future<Output = ()> + Send + 'static,
    ) {
        // Held while spawning, so that a guest which ends at once is already known.
        let mut running = self.lock();
        let task = self.guests.spawn(guest).abort_handle();
        running.insert(instance, Running { version, task });
    }

    fn forget(&self, instance: InstanceId) -> Option<Running> {
        self.lock().remove(&instance)
    }

    fn ended(&self, instance: InstanceId, end: InstanceEnd) {
        self.onlooker.show(|| Seen::Ended { instance, end: end.clone() });
        self.post(Input::InstanceEnded { instance, end });
    }

    fn post(&self, input: Input) {
        if let Err(full) = self.inbox.try_post(input) {
            let inbox = self.inbox.clone();
            self.guests.spawn(async move { inbox.post(full.0).await });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<InstanceId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the log and the count of traps; the switch gives the call its fallback.
    fn note_end(&self, version: &Version, end: &InstanceEnd) {
        let (name, number) = (version.name(), version.number());
        match end {
            InstanceEnd::Trapped(reason) => {
                warn!(plugin = name, version = number, "instance ended: {reason}");
                if self.plugins.trapped(self.clock.now(), version) {
                    warn!(
                        plugin = name,
                        version = number,
                        "it trapped too often: new calls take their fallback until it is replaced"
                    );
                }
            }
            InstanceEnd::Failed(reason) => {
                info!(plugin = name, version = number, "handle returned an error: {reason}")
            }
            InstanceEnd::Returned | InstanceEnd::NotStarted(_) => {}
        }
    }
}
